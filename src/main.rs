//! `tokentap`: see [`tokentap::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(tokentap::cli::run(std::env::args_os().collect()))
}
