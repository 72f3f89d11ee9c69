//! TOTP: the code of a time (RFC 6238).

use std::fmt;

use super::{Code, Digits, Hash, hotp};
use crate::seed::Seed;

/// The time step in seconds, at least 1 (RFC 6238, section 4.1: X; T0 is always 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeStep(u32);

impl TimeStep {
    /// 30 seconds.
    pub const S30: Self = Self(30);
    /// 60 seconds.
    pub const S60: Self = Self(60);

    /// A step of so many seconds; `None` for 0.
    #[must_use]
    pub fn new(seconds: u32) -> Option<Self> {
        (seconds > 0).then_some(Self(seconds))
    }

    /// Its length in seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// The step of a time, counted from 1970; times before that count as 0.
    #[must_use]
    pub fn counter_at(self, unix_seconds: i64) -> u64 {
        u64::try_from(unix_seconds).unwrap_or(0) / u64::from(self.0)
    }

    /// The seconds until the step after `unix_seconds` begins: 1 to [`Self::seconds`].
    #[must_use]
    pub fn seconds_left(self, unix_seconds: i64) -> u32 {
        let into = unix_seconds.rem_euclid(i64::from(self.0));
        self.0 - u32::try_from(into).unwrap_or(0)
    }
}

impl fmt::Display for TimeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

/// The code of a time in Unix seconds (RFC 6238, section 4.2).
#[must_use]
pub fn totp(seed: &Seed, hash: Hash, step: TimeStep, digits: Digits, unix_seconds: i64) -> Code {
    hotp(seed, hash, step.counter_at(unix_seconds), digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_rfc_6238_appendix_b() {
        // The RFC's text gives one ASCII secret; its reference code lengthens it to the hash's output.
        let secret = |length: usize| {
            Seed::from_bytes(b"1234567890".iter().copied().cycle().take(length).collect::<Vec<u8>>()).unwrap()
        };
        let table = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (time, sha1, sha256, sha512) in table {
            let code = |hash, length| totp(&secret(length), hash, TimeStep::S30, Digits::Eight, time).to_string();
            assert_eq!(code(Hash::Sha1, 20), sha1, "{time}");
            assert_eq!(code(Hash::Sha256, 32), sha256, "{time}");
            assert_eq!(code(Hash::Sha512, 64), sha512, "{time}");
        }
    }

    #[test]
    fn a_step_ends_when_its_seconds_are_used_up() {
        assert_eq!(TimeStep::S30.seconds_left(60), 30);
        assert_eq!(TimeStep::S30.seconds_left(89), 1);
        assert_eq!(TimeStep::S60.seconds_left(90), 30);
    }
}
