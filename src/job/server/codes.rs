//! The codes of a seed around a time, for a server that wants some.

use crate::otp::{Digits, hotp};
use crate::seedfile::Row;

/// The codes of the steps of time from `first` on, `count` of them; a step is counted from 1970.
pub(super) fn codes_from(row: &Row, first: u64, count: u64) -> Vec<String> {
    let digits = Digits::of_count(row.effective_digits()).unwrap_or_default();
    let last = first.saturating_add(count);
    (first..last).map(|step| hotp(&row.seed, row.effective_hash(), step, digits).to_string()).collect()
}

/// How many steps ago the code is that a server is asked about: neither a display that is a second slow nor its user needs it any more, and
/// what the server then believes of the clock leaves the current one well within its window (180 s at privacyIDEA).
pub(super) fn asked_about(step_s: u32) -> u64 {
    if step_s >= 60 { 1 } else { 2 }
}

/// The number of the step that a time is in.
pub(super) fn step_at(row: &Row, unix_s: i64) -> u64 {
    u64::try_from(unix_s).unwrap_or_default() / u64::from(row.effective_step().max(1))
}

/// Two codes in a row that end `steps` steps before the one of a time: past, so that they cost nobody a code.
#[must_use]
pub fn codes_before(row: &Row, unix_s: i64, steps: u64) -> Vec<String> {
    codes_from(row, step_at(row, unix_s).saturating_sub(steps + 1), 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    /// RFC 6238, appendix B, SHA-1, 8 digits: 59 s is step 1, 1111111109 s is step 37037036.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        let seed = Seed::from_bytes(b"12345678901234567890".to_vec()).unwrap();
        let row = Row { digits: Some(8), ..Row::of_seed(seed) };
        assert_eq!(step_at(&row, 59), 1);
        assert_eq!(codes_from(&row, 1, 1), ["94287082"]);
        assert_eq!(codes_from(&row, 37_037_036, 2), ["07081804", "14050471"]);
        // At 1111111171 s, two steps on from the second of them.
        assert_eq!(codes_before(&row, 1_111_111_171, 2), ["07081804", "14050471"]);
    }
}
