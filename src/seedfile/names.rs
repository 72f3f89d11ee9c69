//! The words of files for hashes, types and time steps.

use super::row::Kind;
use crate::otp::{Hash, TimeStep};

/// The longest time step that a file can state, in seconds: a day.
pub const LONGEST_STEP_S: u64 = 86_400;

/// A time step as files write it, in seconds; `None` where it is 0 or more than a day.
#[must_use]
pub fn step_of_seconds(seconds: u64) -> Option<TimeStep> {
    u32::try_from(seconds).ok().filter(|_| seconds <= LONGEST_STEP_S).and_then(TimeStep::new)
}

/// A type as files write it: `TOTP`, `oath-hotp`, `time-based`.
#[must_use]
pub fn kind_of_name(name: &str) -> Option<Kind> {
    let plain: String = name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.as_str() {
        "totp" | "oathtotp" | "time" | "timebased" | "totptoken" | "hardwaretotp" => Some(Kind::Totp),
        "hotp" | "oathhotp" | "event" | "eventbased" | "counter" | "counterbased" | "hotptoken" | "hardwarehotp" => {
            Some(Kind::Hotp)
        }
        _ => None,
    }
}

/// A hash's name as files write it: `SHA1`, `sha-256`, `HMAC-SHA256`, `hmacsha512`, `SHA2-256`, `TOTP-SHA1`.
#[must_use]
pub fn hash_of_name(name: &str) -> Option<Hash> {
    let plain: String = name.to_ascii_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = ["HMAC", "TOTP", "HOTP"].into_iter().fold(plain.as_str(), |name, front| name.trim_start_matches(front));
    match plain.trim_start_matches("HMAC") {
        "SHA1" | "SHA" | "1" => Some(Hash::Sha1),
        "SHA256" | "SHA2256" | "256" => Some(Hash::Sha256),
        "SHA512" | "SHA2512" | "512" => Some(Hash::Sha512),
        _ => None,
    }
}
