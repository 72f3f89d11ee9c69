//! A job on a slot or a whole device that answers anything, and commands for emulated ones.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/suite/arbitrary.rs"]
#[allow(dead_code, reason = "each target runs one of its functions")]
mod arbitrary;

fuzz_target!(|data: &[u8]| arbitrary::devices(data));
