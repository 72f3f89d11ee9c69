# What one does here. `just` lists it; each line is a command that can be typed without it.

# this list
default:
    @just --list

# everything that CI runs
test:
    scripts/test

# the tests of one module, such as `just only matrix`
only name:
    cargo test --test suite -- {{name}}

# the tables in docs/, printed anew by the tests that hold them
print:
    TOKENTAP_TEST_PRINT=1 cargo test --test suite -- matrix documents schema

# the transcripts, written anew: put [..] back where times and codes are, and read the difference
transcripts:
    TRYCMD=overwrite cargo test --test suite -- transcripts

# the main job on emulated tokens
demo:
    scripts/demo

# figures, on a quiet machine
bench:
    scripts/bench

# so many seconds for each target; needs a nightly Rust and cargo-fuzz
fuzz seconds="60":
    scripts/fuzz {{seconds}}

# the program for Windows, built on Debian and tried in Wine
windows:
    scripts/windows

# the packages for Linux
package:
    scripts/package

# the zip and the installers for Windows
package-windows:
    scripts/package-windows

# everything that a release holds; then `scripts/test-reproducible`, for half an hour
release address homepage:
    scripts/release {{address}} {{homepage}}
