//! The codes of a seed around a time, for a server that wants some.

use crate::otp::{Digits, hotp};
use crate::seedfile::{Kind, Row};

/// The codes of the steps of time from `first` on, `count` of them; a step is counted from 1970.
pub(super) fn codes_from(row: &Row, first: u64, count: u64) -> Vec<String> {
    let digits = Digits::of_count(row.effective_digits()).unwrap_or_default();
    let last = first.saturating_add(count);
    (first..last).map(|step| hotp(&row.seed, row.effective_hash(), step, digits).to_string()).collect()
}

/// The code of one step.
pub(super) fn code_at(row: &Row, step: u64) -> String {
    codes_from(row, step, 1).pop().unwrap_or_default()
}

/// How many steps ago the code is that a server is asked about: neither a display that is a second slow nor its user needs it any more, and
/// what the server then believes of the clock leaves the current one well within its window (180 s at privacyIDEA).
pub(super) fn asked_about(step_s: u32) -> u64 {
    if step_s >= 60 { 1 } else { 2 }
}

/// A display may be this slow, in seconds, and still show the code of the step before.
const DISPLAY_SLOW_S: i64 = 2;

/// The step whose code a server is asked about at a time: one that no display shows any more, also in the first seconds of a step.
pub(super) fn asked_step(row: &Row, unix_s: i64) -> u64 {
    displayed_step(row, unix_s).saturating_sub(asked_about(row.effective_step()))
}

/// The oldest step whose code may be on a display at a time.
pub(super) fn displayed_step(row: &Row, unix_s: i64) -> u64 {
    step_at(row, unix_s.saturating_sub(DISPLAY_SLOW_S))
}

/// The code of the step before the one that a server is asked about, which so is still unused; of a token that counts, its first code.
pub(super) fn code_before(row: &Row, asked: u64) -> String {
    let at = match row.kind {
        Kind::Totp => asked.saturating_sub(1),
        Kind::Hotp => row.counter.unwrap_or(0),
    };
    code_at(row, at)
}

/// The first of two codes in a row that a server is told at a time to find a clock again, where `next` is the first one that it takes: past
/// ones, so that they cost nobody a code. It accepts none before the third step after the first of them (`docs/servers.md`).
pub(super) fn first_of_two(row: &Row, unix_s: i64, next: u64) -> u64 {
    asked_step(row, unix_s).saturating_sub(ACCEPTED_AFTER).max(next)
}

/// Whether a server that was told two codes from `first` on accepts whatever may be on the display at a time.
pub(super) fn leaves_the_displayed(row: &Row, unix_s: i64, first: u64) -> bool {
    accepted_from(first) <= displayed_step(row, unix_s)
}

/// The first step whose code is accepted by a server that was told two codes from `first` on.
pub(super) fn accepted_from(first: u64) -> u64 {
    first.saturating_add(ACCEPTED_AFTER)
}

/// Two codes, and one more that privacyIDEA takes for used.
const ACCEPTED_AFTER: u64 = 3;

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

    /// A display that is a second slow shows the code of the step before for a second.
    #[test]
    fn a_code_that_is_asked_about_is_on_no_display_any_more() {
        let seed = Seed::from_bytes(b"12345678901234567890".to_vec()).unwrap();
        for seconds in [30, 60] {
            let row = Row { step: crate::otp::TimeStep::new(seconds), ..Row::of_seed(seed.clone()) };
            let step = i64::from(seconds);
            for second in 0..step {
                let now = 1_800_000_000 + second;
                let shown_last = step_at(&row, now - 1);
                assert!(asked_step(&row, now) < shown_last, "{seconds} s, second {second}");
            }
        }
    }

    /// In the first seconds of a step a slow display still shows the code before it, which its user types.
    #[test]
    fn two_codes_are_told_only_where_the_one_on_a_slow_display_is_accepted_afterwards() {
        let seed = Seed::from_bytes(b"12345678901234567890".to_vec()).unwrap();
        let row = Row { step: crate::otp::TimeStep::new(30), ..Row::of_seed(seed) };
        let mut told = 0;
        for second in 0..30 {
            let now = 1_800_000_000 + second;
            let shown_last = step_at(&row, now - 1);
            for next in shown_last - 8..=shown_last + 1 {
                let first = first_of_two(&row, now, next);
                assert!(first >= next);
                if leaves_the_displayed(&row, now, first) {
                    assert!(accepted_from(first) <= shown_last, "second {second}, next {next}");
                    told += 1;
                }
            }
        }
        assert!(told > 150, "{told}");
    }

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
