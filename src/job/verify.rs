//! From typed codes to a verdict: right, drifted, another profile, another seed.

use crate::clock::Drift;
use crate::device::Capabilities;
use crate::otp::search::{Found, TotpProfile, chance_of_accident, search_totp};
use crate::otp::{Code, Hash, TimeStep};
use crate::seed::Seed;
use crate::time::UnixTime;

/// How far around the expected time a displayed code is looked for, in seconds.
pub const WINDOW_S: u32 = 86_400;

/// The time that a token of this drift shows at a true time, in Unix seconds.
#[must_use]
pub fn token_time(now: UnixTime, drift: Drift) -> i64 {
    (now.timestamp_micros() as f64 / 1e6 + drift.middle_s()).floor() as i64
}

/// The verdict of typed codes on a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Where the codes fit; `None`: nowhere.
    pub found: Option<Found>,
    /// The profile that was expected.
    pub expected: TotpProfile,
    /// The profiles that were looked at.
    pub tried: Vec<TotpProfile>,
    /// How likely it is that codes of another seed fit at that place or a nearer one: 0 to 1.
    pub chance: f64,
}

/// A verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictKind {
    /// The code of this very step.
    Match,
    /// The code of another step.
    Drifted,
    /// A code of another hash or time step.
    OtherProfile,
    /// No code of this seed.
    NoMatch,
}

impl VerdictKind {
    /// The word that JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Drifted => "drifted",
            Self::OtherProfile => "other-profile",
            Self::NoMatch => "no-match",
        }
    }
}

impl Verdict {
    /// The verdict in one word.
    #[must_use]
    pub fn kind(&self) -> VerdictKind {
        match self.found {
            None => VerdictKind::NoMatch,
            Some(found) if found.profile != self.expected => VerdictKind::OtherProfile,
            Some(Found { steps: 0, .. }) => VerdictKind::Match,
            Some(_) => VerdictKind::Drifted,
        }
    }

    /// Whether this is good enough: the expected profile, and off by at most `accept_drift_s`.
    #[must_use]
    pub fn is_accepted(&self, accept_drift_s: u32) -> bool {
        match self.kind() {
            VerdictKind::Match => true,
            VerdictKind::Drifted => {
                self.found.is_some_and(|found| found.offset_s().unsigned_abs() <= u64::from(accept_drift_s))
            }
            VerdictKind::OtherProfile | VerdictKind::NoMatch => false,
        }
    }

    /// The same verdict, said from another moment: where the codes fit is further away by so many seconds.
    #[must_use]
    pub fn moved_by(self, seconds: i64) -> Self {
        let found = self.found.map(|found| {
            let steps = found.steps + seconds.div_euclid(found.profile.step.seconds().into());
            Found { steps, ..found }
        });
        Self { found, ..self }
    }

    /// Whether another code should settle it: an accident is likelier than one in ten thousand.
    #[must_use]
    pub fn wants_another_code(&self) -> bool {
        self.found.is_some() && self.chance > 1e-4
    }
}

/// Every profile that is looked at when `expected` does not fit: it first, then all that the device can have.
#[must_use]
fn profiles_tried(can: &Capabilities, expected: TotpProfile) -> Vec<TotpProfile> {
    let others = can.profiles().into_iter().filter(|profile| *profile != expected);
    std::iter::once(expected).chain(others).collect()
}

/// How near the expected profile's place must be to win over a nearer one of another profile, in steps.
const NEAR_STEPS: u64 = 3;

/// Judges codes that were read off one after the other, the last one at `unix_seconds`, within ±`window_s`.
///
/// The expected profile wins if it fits nearby; otherwise the nearest place of any profile does.
#[must_use]
pub fn judge(
    can: &Capabilities,
    seed: &Seed,
    expected: TotpProfile,
    codes: &[Code],
    unix_seconds: i64,
    window_s: u32,
) -> Verdict {
    let nearest = |profile| search_totp(seed, profile, codes, unix_seconds, window_s).first().copied();
    let own = nearest(expected);
    let (found, tried) = match own {
        Some(found) if found.steps.unsigned_abs() <= NEAR_STEPS => (own, vec![expected]),
        _ => {
            let tried = profiles_tried(can, expected);
            // The expected profile comes first, so it wins where two places are equally near.
            let found =
                tried.iter().filter_map(|profile| nearest(*profile)).min_by_key(|f| f.offset_s().unsigned_abs());
            (found, tried)
        }
    };
    let reach = found
        .map_or(window_s, |found| u32::try_from(found.offset_s().unsigned_abs()).unwrap_or(window_s).min(window_s));
    let places = tried.iter().map(|profile| profile.steps_in(reach)).sum();
    let chance = codes.last().map_or(1.0, |code| chance_of_accident(places, *code, codes.len()));
    Verdict { found, expected, tried, chance }
}

/// A profile to expect where only some of it is known; the rest is the factory's.
#[must_use]
pub fn expected_profile(hash: Option<Hash>, step: Option<TimeStep>) -> TotpProfile {
    TotpProfile { hash: hash.unwrap_or(Hash::Sha1), step: step.unwrap_or(TimeStep::S30) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::families::usual;
    use crate::otp::{Digits, totp};

    const NOW: i64 = 1_795_454_228;
    const FACTORY: TotpProfile = TotpProfile { hash: Hash::Sha1, step: TimeStep::S30 };
    const SHA256: TotpProfile = TotpProfile { hash: Hash::Sha256, step: TimeStep::S60 };

    fn seed() -> Seed {
        Seed::from_bytes(b"12345678901234567890".to_vec()).unwrap()
    }

    fn judged(profile: TotpProfile, at: i64) -> Verdict {
        let code = totp(&seed(), profile.hash, profile.step, Digits::Six, at);
        judge(usual(), &seed(), FACTORY, &[code], NOW, 86_400)
    }

    #[test]
    fn the_code_of_now_matches_and_an_accident_is_one_in_a_million() {
        let verdict = judged(FACTORY, NOW);
        assert_eq!(verdict.kind(), VerdictKind::Match);
        assert!((verdict.chance - 1e-6).abs() < 1e-9 && !verdict.wants_another_code());
    }

    #[test]
    fn a_code_of_97_seconds_ago_is_drifted_by_three_or_four_steps() {
        let verdict = judged(FACTORY, NOW - 97);
        assert_eq!(verdict.kind(), VerdictKind::Drifted);
        assert_eq!(verdict.found.unwrap().offset_s(), -90);
        assert!(!verdict.is_accepted(30) && verdict.is_accepted(90));
    }

    #[test]
    fn a_sha_256_code_of_now_is_another_profile() {
        let verdict = judged(SHA256, NOW);
        assert_eq!(verdict.kind(), VerdictKind::OtherProfile);
        assert_eq!(verdict.found.unwrap().profile, SHA256);
        assert!(!verdict.is_accepted(86_400));
    }

    #[test]
    fn a_code_of_another_seed_matches_nothing() {
        let other = Seed::from_bytes(b"other".to_vec()).unwrap();
        let code = totp(&other, Hash::Sha1, TimeStep::S30, Digits::Six, NOW);
        // This code does not happen to occur in the window; the chance that one does is stated.
        let verdict = judge(usual(), &seed(), FACTORY, &[code], NOW, 3600);
        assert_eq!(verdict.kind(), VerdictKind::NoMatch);
        assert!(verdict.chance < 1e-3);
    }

    #[test]
    fn a_code_found_far_away_asks_for_another() {
        assert!(judged(FACTORY, NOW - 80_000).wants_another_code());
    }
}
