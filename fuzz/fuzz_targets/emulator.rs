//! Arbitrary commands for the emulated token: it answers each, and without the key nothing changes.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/suite/arbitrary.rs"]
#[allow(dead_code, reason = "each target runs one of its functions")]
mod arbitrary;

fuzz_target!(|data: &[u8]| arbitrary::emulator(data));
