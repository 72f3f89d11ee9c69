//! Texts that are no seeds and would be taken for one: a displayed code, a serial off a barcode, a word, a sentence, a code of
//! something else. Most of them are hex or Base32 by accident, burn, and match afterwards.

use super::remedy::FileRemedy;
use crate::seed::encodings_that_fit;

/// The shortest seed that RFC 4226 (section 4, R6) allows: 128 bits.
pub const SHORTEST: usize = 16;

/// The shortest text that is taken for a secret without a header that says so, in characters.
pub const SHORTEST_SECRET: usize = 16;

/// The longest number that is taken for a code or a serial. A random seed of 20 hex digits has no letter once in 12,000 times.
const LONGEST_NUMBER: usize = 20;

/// A random seed of 16 characters has at least so many different ones, but once in a million.
const FEWEST_CHARACTERS: usize = 4;

/// The longest group of a secret that is written in groups, in characters.
const LONGEST_GROUP: usize = 8;

/// A text that is something else than a seed: what it is, and what to use instead.
pub type Suspicion = (&'static str, FileRemedy);

/// Looks at a bare text that somebody gave as a seed.
#[must_use]
pub fn suspicion(text: &str) -> Option<Suspicion> {
    let text = text.trim();
    if let Some(other) = other_code(text) {
        return Some(other);
    }
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if !plain.is_empty() && plain.len() <= LONGEST_NUMBER && plain.chars().all(|c| c.is_ascii_digit()) {
        return Some((
            "a number, such as a displayed code or a serial off a barcode",
            FileRemedy::words("use the secret that the server shows or the vendor sent for this token"),
        ));
    }
    let mut characters: Vec<char> = plain.to_ascii_lowercase().chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if (1..FEWEST_CHARACTERS).contains(&characters.len()) {
        return Some((
            "a placeholder: it has hardly any different characters",
            FileRemedy::words("use the secret that the server shows or the vendor sent for this token"),
        ));
    }
    if !are_groups(text) {
        return Some((
            "several words of different lengths",
            FileRemedy::words("use the secret alone: in one piece, or in groups of one length"),
        ));
    }
    None
}

/// A code of something else than a one-time password.
#[must_use]
pub fn other_code(text: &str) -> Option<Suspicion> {
    let lower = text.trim().to_ascii_lowercase();
    if lower.starts_with("phonefactor://") {
        return Some((
            "a code for Microsoft's own app, which no token can use",
            FileRemedy::words(
                "choose \"I want to use a different authenticator app\" at Microsoft, and take that code",
            ),
        ));
    }
    if lower.starts_with("duo://") {
        return Some(("a code for Duo's own app, which no token can use", FileRemedy::ConvertForDuo));
    }
    if lower.starts_with("fido:/") {
        return Some((
            "a passkey's code: a TOTP token cannot hold a passkey",
            FileRemedy::words("choose an authenticator app instead"),
        ));
    }
    if lower.starts_with("https://") || lower.starts_with("http://") || lower.starts_with("www.") {
        return Some(("a web address", FileRemedy::words("open it, and look for the code of an authenticator app")));
    }
    None
}

/// Whether a text in the secret's place is one secret: in one piece, or in short groups.
#[must_use]
pub fn is_one_secret(text: &str) -> bool {
    let mut pieces = text.split(|c: char| c.is_whitespace() || c == '-').filter(|piece| !piece.is_empty());
    text.split_whitespace().nth(1).is_none() || pieces.all(|piece| piece.len() <= LONGEST_GROUP)
}

/// Whether the pieces of a text are groups of one secret: short ones of one length, but for a shorter last one.
fn are_groups(text: &str) -> bool {
    let lengths: Vec<usize> = text
        .split(|c: char| c.is_whitespace() || c == '-')
        .map(|group| group.chars().count())
        .filter(|length| *length > 0)
        .collect();
    match lengths.split_last() {
        Some((last, [first, others @ ..])) => {
            *first <= LONGEST_GROUP && others.iter().all(|length| length == first) && last <= first
        }
        _ => true,
    }
}

/// Whether a text is a secret, where nothing says that it is one: long enough, and no number.
#[must_use]
pub fn looks_like_a_secret(text: &str) -> bool {
    text.len() >= SHORTEST_SECRET
        && text.chars().any(|c| c.is_ascii_digit())
        && !text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace())
        && encodings_that_fit(text).is_ok_and(|fits| fits.hex || fits.base32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_scan_and_type_instead_of_a_seed_is_recognised() {
        for text in [
            "123456",
            "86596120001234",
            "8659 6120 0012 34",
            "my seed is JBSWY3DPEHPK3PXP",
            "86596120001234 JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "phonefactor://activate_account?code=1",
            "FIDO:/1234",
            "https://example.org/enrol",
            "www.example.org/enrol",
            "00000000000000000000000000000000",
            "86596120001234 JBSWY3DPEHPK3P",
        ] {
            assert!(suspicion(text).is_some(), "{text}");
        }
        for text in [
            "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP",
            "jbsw-y3dp-ehpk-3pxp",
            "JBSWY 3DPEH PK3",
            "00112233445566778899aabbccddeeff00112233",
        ] {
            assert_eq!(suspicion(text), None, "{text}");
        }
    }
}
