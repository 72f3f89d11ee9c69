//! A whole job against a card that answers anything: it ends, and what it says of the card is true.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/suite/arbitrary.rs"]
#[allow(dead_code, reason = "each target runs one of its functions")]
mod arbitrary;

fuzz_target!(|data: &[u8]| arbitrary::session(data));
