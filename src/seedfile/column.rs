//! The meanings of the words of a table's header, as people and programs write them.

use crate::seed::SecretEncoding;

pub use super::column_words::Column;
use super::column_words::WORDS;
use super::suspect::looks_like_a_secret;

/// The meaning of a header's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A column.
    Is(Column),
    /// The secret, written like this.
    SecretIn(SecretEncoding),
    /// A column, in a unit that is not read.
    OtherUnit(Column),
    /// Nobody knows.
    Unknown,
}

impl Meaning {
    /// Whether it is the secret's column, in whatever encoding.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Self::SecretIn(_) | Self::Is(Column::Secret) | Self::OtherUnit(Column::Secret))
    }
}

/// The meaning of a header's word.
#[must_use]
pub fn meaning_of(word: &str) -> Meaning {
    let (name, unit) = name_and_unit(word);
    let unit = unit.as_deref();
    let encoding = unit.and_then(encoding_of).or_else(|| encoding_at_an_end(&name));
    let bare = without_encoding(&name);
    // Whatever names a serial in its own language, or with more words, means it.
    if known(&name).is_none() && means_serial(&name) {
        return Meaning::Is(Column::Serial);
    }
    let known = known(&name).or_else(|| encoding.and_then(|_| known(bare))).or_else(|| known(without_seconds(&name)));
    match (known, encoding, unit) {
        (Some(Column::Secret), Some(encoding), _) => Meaning::SecretIn(encoding),
        // A secret in Base64, or a step in minutes.
        (Some(column @ Column::Secret), None, Some("base64" | "b64" | "bin" | "binary" | "ascii" | "text")) => {
            Meaning::OtherUnit(column)
        }
        (Some(column @ Column::Step), _, Some(unit)) if !is_seconds(unit) => Meaning::OtherUnit(column),
        // A bracket that says more than is understood may say how the codes are made.
        (
            Some(column @ (Column::Secret | Column::Hash | Column::Digits | Column::Counter | Column::Type)),
            _,
            Some(unit),
        ) if !is_remark(unit) => Meaning::OtherUnit(column),
        (Some(column), ..) => Meaning::Is(column),
        (None, ..) => Meaning::Unknown,
    }
}

/// Whether a word that nobody knows, or the values below it, look like something that changes codes.
#[must_use]
pub fn looks_like_a_code_setting(word: &str, values: &[String]) -> bool {
    const PARTS: &[&str] = &[
        "hash", "sha", "hmac", "algo", "digest", "step", "period", "interval", "second", "digit", "length", "counter",
        "moving", "hotp", "totp", "type", "valid", "timer", "window", "otplen", "epoch", "offset", "checksum", "encod",
        "expir", "drift",
    ];
    let (name, _) = name_and_unit(word);
    if is_beside(&name) {
        return false;
    }
    let by_name = PARTS.iter().any(|part| name.contains(part))
        || matches!(name.as_str(), "t0" | "pin" | "drift" | "size" | "prf" | "mac");
    let mut values = values.iter().filter(|value| !value.trim().is_empty()).peekable();
    by_name || (values.peek().is_some() && values.all(|value| is_setting(value)))
}

/// Whether a value looks like a hash, a time step, a number of digits or a type: `60 sec`, `SHA-256 (default)`, `event-based`.
fn is_setting(value: &str) -> bool {
    const WORDS: [&str; 10] =
        ["sha1", "sha2", "sha5", "hotp", "totp", "ocra", "hmac", "md5", "eventbased", "timebased"];
    let plain: String = value.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let unit = plain.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = plain.get(..plain.len() - unit.len()).unwrap_or_default();
    let has_unit = !number.is_empty()
        && number.len() <= 5
        && matches!(
            unit,
            "s" | "sec" | "secs" | "second" | "seconds" | "m" | "min" | "minute" | "minutes" | "digit" | "digits"
        );
    has_unit
        || matches!(plain.as_str(), "30" | "60" | "90" | "120" | "6" | "7" | "8")
        || WORDS.iter().any(|word| plain.contains(word))
}

/// Whether a line of a table is its header: it names the serial's or the secret's column, which no row does.
#[must_use]
pub fn is_header<'a>(fields: impl Iterator<Item = &'a str>) -> bool {
    let of_rows = |field: &str| {
        let meaning = meaning_of(field);
        meaning == Meaning::Is(Column::Serial) || meaning.is_secret()
    };
    let fields: Vec<&str> = fields.collect();
    // A line that holds a secret is a row, whatever else stands on it.
    fields.iter().any(|field| of_rows(field)) && !fields.iter().any(|field| is_secret(field))
}

fn is_secret(field: &str) -> bool {
    looks_like_a_secret(field) && meaning_of(field) == Meaning::Unknown
}

fn known(name: &str) -> Option<Column> {
    WORDS.iter().find(|(_, words)| words.contains(&name)).map(|(column, _)| *column)
}

/// A word without case, blanks and punctuation, and what stands in brackets behind it.
fn name_and_unit(word: &str) -> (String, Option<String>) {
    let word = word.to_lowercase();
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).map(without_accent).collect::<String>();
    match word.split_once(['(', '[', '{']) {
        Some((name, unit)) if !plain(name).is_empty() => (plain(name), Some(plain(unit))),
        _ => (plain(&word), None),
    }
}

/// Whether a longer name means the serial: in its own language, or with more words.
fn means_serial(name: &str) -> bool {
    name.contains("serial")
        || name.ends_with("deserie")
        || name.starts_with("serien")
        || ["serno", "deviceid", "hardwareid", "barcode"].contains(&name)
}

/// Whether a word is one of those that mean a column, and not a longer name that holds such a word.
#[must_use]
pub fn is_plain_word(word: &str) -> bool {
    known(&name_and_unit(word).0).is_some()
}

/// Whether a name is one of what people keep beside their tokens, whatever its values look like.
fn is_beside(name: &str) -> bool {
    const PARTS: [&str; 34] = [
        "warranty",
        "garantie",
        "employee",
        "mail",
        "licen",
        "purchase",
        "department",
        "abteilung",
        "validated",
        "shared",
        "secondary",
        "remark",
        "comment",
        "bemerkung",
        "note",
        "price",
        "cost",
        "preis",
        "box",
        "floor",
        "room",
        "qty",
        "quantity",
        "menge",
        "class",
        "colour",
        "color",
        "city",
        "firstname",
        "lastname",
        "phone",
        "shipped",
        "issued",
        "stock",
    ];
    PARTS.iter().any(|part| name.contains(part))
}

/// The meanings of a bracket beside a unit.
fn is_remark(unit: &str) -> bool {
    matches!(
        unit,
        "" | "required"
            | "optional"
            | "mandatory"
            | "pflicht"
            | "6or8"
            | "68"
            | "totphotp"
            | "totporhotp"
            | "decimal"
            | "sha1sha256"
    )
}

/// The letter without its accent, as far as words of headers have any.
fn without_accent(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'º' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

fn is_seconds(unit: &str) -> bool {
    matches!(
        unit.trim_start_matches("in"),
        "required" | "optional" | "s" | "sec" | "secs" | "second" | "seconds" | "30or60" | "3060" | ""
    )
}

fn without_seconds(name: &str) -> &str {
    ["inseconds", "insec", "ins", "seconds", "second", "secs", "sec", "s"]
        .into_iter()
        .find_map(|unit| name.strip_suffix(unit))
        .unwrap_or(name)
}

const ENCODINGS: [(&str, SecretEncoding); 5] = [
    ("base32", SecretEncoding::Base32),
    ("b32", SecretEncoding::Base32),
    ("hexadecimal", SecretEncoding::Hex),
    ("hexstring", SecretEncoding::Hex),
    ("hex", SecretEncoding::Hex),
];

fn encoding_of(unit: &str) -> Option<SecretEncoding> {
    ENCODINGS.into_iter().find(|(name, _)| unit.trim_start_matches("in") == *name).map(|(_, encoding)| encoding)
}

fn encoding_at_an_end(name: &str) -> Option<SecretEncoding> {
    let at_an_end = |word: &str| name.len() > word.len() && (name.starts_with(word) || name.ends_with(word));
    ENCODINGS.into_iter().find(|(word, _)| at_an_end(word)).map(|(_, encoding)| encoding)
}

fn without_encoding(name: &str) -> &str {
    let cut = |word: &str| name.strip_suffix(word).or_else(|| name.strip_prefix(word));
    let bare = ENCODINGS.into_iter().find_map(|(word, _)| cut(word)).unwrap_or(name);
    bare.strip_suffix("in").filter(|bare| known(bare).is_some()).unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_without_case_units_brackets_and_punctuation() {
        for (words, column) in [
            (
                &["Serial No", "SN", "serial_number", "Token Serial", "Serial-Number", "S/N", "Serial #"][..],
                Column::Serial,
            ),
            (&["Seed", "Secret Key", "secret_key", "SharedSecret", "otpkey"], Column::Secret),
            (
                &[
                    "Time Step (s)",
                    "timestep",
                    "Period (seconds)",
                    "Interval",
                    "time_step",
                    "Time Interval [sec]",
                    "validity",
                    "timeIntervalInSeconds",
                    "period_s",
                ],
                Column::Step,
            ),
            (&["OTP Length", "otplen", "otp_length", "Digits", "Code-Length"], Column::Digits),
            (&["Hash Algorithm", "hashlib", "hash_algorithm", "hashfunction", "Algo"], Column::Hash),
            (&["UPN", "User Name", "e-mail", "UserPrincipalName"], Column::User),
        ] {
            for word in words {
                assert_eq!(meaning_of(word), Meaning::Is(column), "{word}");
            }
        }
    }

    #[test]
    fn a_word_may_say_how_the_secret_is_written_and_units_that_are_not_read_are_told() {
        for word in ["Secret Key (Base32)", "secret_base32", "Base32 Secret", "Seed in Base32"] {
            assert_eq!(meaning_of(word), Meaning::SecretIn(SecretEncoding::Base32), "{word}");
        }
        for word in ["Seed (HEX)", "seed_hex", "Secret [hexadecimal]", "hexseed"] {
            assert_eq!(meaning_of(word), Meaning::SecretIn(SecretEncoding::Hex), "{word}");
        }
        for word in ["Time Step (ms)", "Interval (min)"] {
            assert_eq!(meaning_of(word), Meaning::OtherUnit(Column::Step), "{word}");
        }
        assert_eq!(meaning_of("Secret (Base64)"), Meaning::OtherUnit(Column::Secret));
        assert_eq!(meaning_of("box"), Meaning::Unknown);
    }

    #[test]
    fn a_column_that_nobody_knows_is_one_of_codes_by_its_name_or_its_values() {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        assert!(looks_like_a_code_setting("my hashing", &[]));
        assert!(looks_like_a_code_setting("x", &values(&["60", "60"])));
        assert!(looks_like_a_code_setting("x", &values(&["SHA256", ""])));
        assert!(!looks_like_a_code_setting("box", &values(&["A1", "60"])));
        assert!(!looks_like_a_code_setting("remark", &[]));
    }
}
