//! The names that files have for hashes and types.

use super::row::Kind;
use crate::otp::Hash;

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
