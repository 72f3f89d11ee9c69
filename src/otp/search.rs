//! From typed codes back to the step or counter at which they were made, and how likely an accident is.

use super::{Code, Hash, TimeStep, hotp};
use crate::seed::Seed;

/// A hash and a time step to look for codes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotpProfile {
    /// The hash.
    pub hash: Hash,
    /// The time step.
    pub step: TimeStep,
}

impl TotpProfile {
    /// How many steps a search of ±`window_s` around a time looks at.
    #[must_use]
    pub fn steps_in(self, window_s: u32) -> u64 {
        u64::from(window_s / self.step.seconds()) * 2 + 1
    }
}

/// Where a code, or two in a row, were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The profile that they were found with.
    pub profile: TotpProfile,
    /// How many steps the last code lies before (negative) or after the searched time.
    pub steps: i64,
}

impl Found {
    /// [`Self::steps`] in seconds.
    #[must_use]
    pub fn offset_s(self) -> i64 {
        self.steps * i64::from(self.profile.step.seconds())
    }
}

/// How far apart two codes that somebody reads off one after the other may be, in steps.
const SECOND_CODE_WITHIN: u64 = 4;

/// Every place within ±`window_s` of `unix_seconds` where the codes fit, nearest first.
///
/// With two codes the second must follow the first within a few steps; the place is that of the last one. Codes before
/// 1970 are not looked for.
#[must_use]
pub fn search_totp(seed: &Seed, profile: TotpProfile, codes: &[Code], unix_seconds: i64, window_s: u32) -> Vec<Found> {
    let Some((last, earlier)) = codes.split_last() else {
        return Vec::new();
    };
    let now = profile.step.counter_at(unix_seconds);
    let reach = u64::from(window_s / profile.step.seconds());
    let made_at = |counter: u64, code: Code| hotp(seed, profile.hash, counter, code.digits()) == code;
    let mut found: Vec<Found> = (now.saturating_sub(reach)..=now.saturating_add(reach))
        .filter(|counter| made_at(*counter, *last))
        .filter(|counter| {
            earlier
                .iter()
                .rev()
                .try_fold(*counter, |next, code| {
                    (next.saturating_sub(SECOND_CODE_WITHIN)..next).rev().find(|candidate| made_at(*candidate, *code))
                })
                .is_some()
        })
        .map(|counter| Found { profile, steps: counter.wrapping_sub(now).cast_signed() })
        .collect();
    found.sort_by_key(|found| (found.steps.unsigned_abs(), found.steps));
    found
}

/// The counter of the first of several consecutive HOTP codes, within `look_ahead` of `from`.
///
/// `None` if they fit nowhere; `Err` with the number of places if they fit at several.
///
/// # Errors
/// The number of places where the codes fit, if more than one does: another code is needed then.
pub fn search_hotp(seed: &Seed, hash: Hash, codes: &[Code], from: u64, look_ahead: u32) -> Result<Option<u64>, usize> {
    let places: Vec<u64> = (from..=from.saturating_add(u64::from(look_ahead)))
        .filter(|counter| {
            (0..).zip(codes).all(|(index, code)| {
                counter.checked_add(index).is_some_and(|counter| hotp(seed, hash, counter, code.digits()) == *code)
            })
        })
        .collect();
    match places.as_slice() {
        [] => Ok(None),
        [counter] => Ok(Some(*counter)),
        several => Err(several.len()),
    }
}

/// How likely it is that codes of another seed fit at one of `places` by accident: between 0 and 1.
///
/// `codes` is how many codes have to fit, each within a few steps of the one before.
#[must_use]
pub fn chance_of_accident(places: u64, code: Code, codes: usize) -> f64 {
    let one = 1.0 / f64::from(code.digits().codes());
    let follow = one * SECOND_CODE_WITHIN as f64;
    let per_place = one * follow.powi(i32::try_from(codes.saturating_sub(1)).unwrap_or(i32::MAX));
    // 1 - (1 - p)^n, without losing small p to rounding.
    -f64::exp_m1(places as f64 * f64::ln_1p(-per_place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::{Digits, totp};

    const PROFILE: TotpProfile = TotpProfile { hash: Hash::Sha1, step: TimeStep::S30 };
    const NOW: i64 = 1_795_454_228;

    fn seed() -> Seed {
        Seed::from_bytes(b"12345678901234567890".to_vec()).unwrap()
    }

    fn code_at(time: i64) -> Code {
        totp(&seed(), PROFILE.hash, PROFILE.step, Digits::Six, time)
    }

    #[test]
    fn a_code_of_90_seconds_ago_is_found_three_steps_back() {
        let found = search_totp(&seed(), PROFILE, &[code_at(NOW - 90)], NOW, 86_400);
        assert_eq!((found[0].steps, found[0].offset_s()), (-3, -90));
    }

    #[test]
    fn a_code_beyond_the_window_is_not_found() {
        assert_eq!(search_totp(&seed(), PROFILE, &[code_at(NOW - 90)], NOW, 60), []);
    }

    #[test]
    fn two_codes_fit_only_in_their_order() {
        let (first, second) = (code_at(NOW - 3600), code_at(NOW - 3570));
        let found = search_totp(&seed(), PROFILE, &[first, second], NOW, 86_400);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].offset_s(), -3570);
        assert_eq!(search_totp(&seed(), PROFILE, &[second, first], NOW, 86_400), []);
    }

    #[test]
    fn a_counter_that_ran_ahead_is_found_from_two_codes() {
        let codes = [hotp(&seed(), Hash::Sha1, 777, Digits::Six), hotp(&seed(), Hash::Sha1, 778, Digits::Six)];
        assert_eq!(search_hotp(&seed(), Hash::Sha1, &codes, 0, 1000), Ok(Some(777)));
        assert_eq!(search_hotp(&seed(), Hash::Sha1, &codes, 0, 776), Ok(None));
    }

    #[test]
    fn one_code_in_a_day_of_steps_is_an_accident_in_six_of_a_thousand() {
        let places = PROFILE.steps_in(86_400);
        assert_eq!(places, 5761);
        let one = chance_of_accident(places, code_at(NOW), 1);
        assert!((0.0057..0.0058).contains(&one), "{one}");
        assert!(chance_of_accident(places, code_at(NOW), 2) < 1e-7);
    }
}
