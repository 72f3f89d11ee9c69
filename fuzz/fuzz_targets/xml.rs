//! PSKC files with arbitrary bytes: every row or problem is read, nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/suite/arbitrary.rs"]
#[allow(dead_code, reason = "each target runs one of its functions")]
mod arbitrary;

fuzz_target!(|data: &[u8]| arbitrary::seed_file("xml", data));
