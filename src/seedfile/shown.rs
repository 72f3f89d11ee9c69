//! The parts of a file that a message repeats: never what could be a secret in the wrong place.

use crate::seed::encodings_that_fit;

/// The longest text of a file that a message repeats, in characters.
const LONGEST_SHOWN: usize = 40;

/// The shortest text that could be a secret in the wrong column, in characters.
pub const LIKE_A_SECRET: usize = 16;

/// A field as a message shows it: escaped; one that is too long, or could be a secret in the wrong place, is only counted.
#[must_use]
pub fn shown(text: &str) -> String {
    let count = text.chars().count();
    // A secret is written in one case; a name such as NumberOfTransactions is not.
    let is_name = |word: &str| {
        let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
        has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && !has(char::is_ascii_digit)
    };
    let is_long =
        |word: &str| word.len() >= LIKE_A_SECRET && !is_name(word) && !word.chars().all(|c| c.is_ascii_digit());
    // Base64 and groups with hyphens are secrets too.
    let is_encoded = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_');
    let is_serial = |word: &str| word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '/'));
    let is_secret = text.split(|c: char| !is_encoded(c)).any(|word| is_long(word) && !is_serial(word))
        || (count >= LIKE_A_SECRET
            && !is_name(text)
            && encodings_that_fit(text).is_ok_and(|fits| fits.hex || fits.base32));
    let is_mixed = |word: &str| {
        let lower = word.to_ascii_lowercase();
        word.len() >= 8
            && word.chars().any(|c| c.is_ascii_digit())
            && word.chars().any(|c| c.is_ascii_alphabetic())
            && !["sha", "otp", "hmac", "md5"].iter().any(|part| lower.contains(part))
            && encodings_that_fit(word).is_ok_and(|fits| fits.hex || fits.base32)
    };
    let is_secret = is_secret || text.split(|c: char| !c.is_alphanumeric()).any(is_mixed);
    if count > LONGEST_SHOWN || is_secret {
        return format!("… {count} characters …");
    }
    let mut shown = String::new();
    for c in text.chars() {
        // Quotes do no harm, and a serial that begins with one is shown as it is.
        if matches!(c, '\'' | '"') { shown.push(c) } else { shown.extend(c.escape_debug()) }
    }
    shown
}
