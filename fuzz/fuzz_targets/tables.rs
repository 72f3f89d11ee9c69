//! Delimited seed files with arbitrary bytes: every row or problem is read, nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tokentap::seedfile::read_arbitrary(&["csv", "entra", "duo", "privacyidea", "linotp", "netiq", "pingid", "webadm", "molto2"], data));
