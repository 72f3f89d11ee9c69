//! `otpauth://` URIs, as authenticators' QR codes carry them (Google Authenticator's key URI format).

use std::io::{BufRead, BufReader};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::column::{Column, Meaning, meaning_of};
use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions};
use super::names::{hash_of_name, kind_of_name};
pub use super::otpauth_error::UriError;
use super::otpauth_label::{blanks_of_a_form, decode, label_parts};
use super::problem::{Fault, Problem};
use super::row::{Field, Kind, Place, Row};
use super::serial::check_serial;
use super::shown::shown;
use super::text::{Source, broken_line, is_comment};
use crate::otp::TimeStep;
use crate::seed::{SecretEncoding, Seed};

/// The format: one URI a line.
pub const FORMAT: Format = Format {
    name: "otpauth",
    title: "otpauth:// URIs, one a line",
    carries: &[Field::Counter, Field::Hash, Field::Step, Field::Digits, Field::Issuer, Field::Account],
    one_kind: false,
    fits: |sample: &Sample<'_>| is_otpauth(sample.first),
    read,
    write: Some(Write { begin: |_| String::new(), row: uri_line, end: "" }),
};

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let lines = BufReader::new(source.into_lines()).lines();
    Ok(Box::new((1..).zip(lines).flat_map(|(line, text)| match text {
        Ok(text) => rows_of_line(&Zeroizing::new(text), Place { line, column: 0 }),
        Err(error) => vec![Err(broken_line(&error))],
    })))
}

/// The rows of a line: one URI, or several with anything harmless between them.
fn rows_of_line(text: &str, place: Place) -> Vec<Result<Row, Problem>> {
    if text.trim().is_empty() || is_comment(text) {
        return Vec::new();
    }
    let read = |uri: &str| match parse(uri) {
        Ok(row) => Ok(Row { place, ..row }),
        Err(UriError::Unusable(what)) => Err(Fault::unusable(what).at(place)),
        Err(error) => Err(Problem::at(place, error.to_string(), "correct or remove this line")),
    };
    split(text).into_iter().map(read).collect()
}

/// The URIs of a text, without what parts them.
#[must_use]
pub fn split(text: &str) -> Vec<&str> {
    let lower = text.to_ascii_lowercase();
    let mut starts: Vec<usize> = lower.match_indices(SCHEME).map(|(at, _)| at).collect();
    if let (Some(first), Some(at)) = (starts.first_mut(), lower.find(APPLE)) {
        *first = (*first).min(at);
    }
    // What stands in front of the first one is looked at with it, and refused.
    if let Some(first) = starts.first_mut()
        && !text.get(..*first).unwrap_or_default().chars().all(is_between)
    {
        *first = 0;
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let pieces = starts.iter().zip(ends).filter_map(|(start, end)| text.get(*start..end));
    let pieces: Vec<&str> = pieces.map(|piece| piece.trim_matches(is_between)).collect();
    if pieces.is_empty() { vec![text] } else { pieces }
}

/// The characters that may come between two URIs or around one.
fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '<' | '>' | '|')
}

/// The characters that must be percent-encoded in a label or value.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A row as a URI. Only what differs from the defaults is stated, and the issuer twice, as the format recommends.
#[must_use]
pub fn uri(row: &Row) -> Zeroizing<String> {
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let account = encoded(row.account.as_deref().unwrap_or_default());
    let label = match &row.issuer {
        Some(issuer) => format!("{}:{account}", encoded(issuer)),
        None => account,
    };
    let mut query = Zeroizing::new(format!("secret={}", row.seed.to_base32().as_str()));
    if let Some(issuer) = &row.issuer {
        query.push_str(&format!("&issuer={}", encoded(issuer)));
    }
    query.push_str(&format!("&algorithm={}&digits={}", row.effective_hash(), row.effective_digits()));
    let kind = match row.kind {
        Kind::Totp => {
            query.push_str(&format!("&period={}", row.effective_step()));
            "totp"
        }
        Kind::Hotp => {
            query.push_str(&format!("&counter={}", row.counter.unwrap_or(0)));
            "hotp"
        }
    };
    Zeroizing::new(format!("{SCHEME}{kind}/{label}?{}", query.as_str()))
}

fn uri_line(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    Ok(Zeroizing::new(format!("{}\n", uri(row).as_str())))
}

/// The beginning of every such URI.
pub const SCHEME: &str = "otpauth://";

/// How Apple's devices begin one, to have it opened by their own settings.
const APPLE: &str = "apple-otpauth://";

/// Parameters that authenticators add for themselves, and that change no code.
const HARMLESS: &[&str] = &[
    "image",
    "imageurl",
    "img",
    "icon",
    "iconurl",
    "logo",
    "color",
    "colour",
    "backgroundcolor",
    "foregroundcolor",
    "codedisplay",
    "lock",
    "tag",
    "tags",
    "note",
    "notes",
    "pinned",
    "favorite",
    "group",
    "folder",
    "category",
    "position",
    "order",
    "uid",
    "uuid",
    "id",
    "user",
    "username",
    "email",
    "account",
    "label",
    "url",
    "domain",
    "website",
    "source",
    "lastused",
    "usagecount",
    "created",
    "updated",
    "creation_date",
    "creationdate",
    "app_force_unlock",
    "isauthenticator",
    "device",
    "version",
    "timestamp",
    "tenant",
    "hint",
    "trashed",
    "name",
    "title",
];

/// Whether a text begins as such a URI does, in any case.
#[must_use]
pub fn is_otpauth(text: &str) -> bool {
    let text = text.trim_start_matches(is_between);
    [SCHEME, APPLE]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Reads one URI.
///
/// # Errors
/// [`UriError`]. Digits and hashes that no token knows are read; [`Row::check_for`] refuses them.
pub fn parse(text: &str) -> Result<Row, UriError> {
    let text = text.trim_matches(is_between);
    if !is_otpauth(text) {
        return Err(UriError::NotOtpauth);
    }
    let rest = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, label) = path.split_once('/').unwrap_or((path, ""));
    let kind = match kind.to_ascii_lowercase().as_str() {
        "totp" => Kind::Totp,
        "hotp" => Kind::Hotp,
        "steam" => return Err(UriError::Unusable(STEAM)),
        _ => return Err(UriError::Type),
    };
    // Text that went through HTML.
    let query = Zeroizing::new(query.replace("&amp;", "&").replace("&AMP;", "&"));
    let mut found = Parameters::default();
    for pair in without_fragment(&query)?.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name)?.trim().to_ascii_lowercase();
        let value = if *name == *"issuer" { decode(&blanks_of_a_form(value))? } else { decode(value)? };
        found.take(&name, kind, value)?;
    }
    let secret = found.secret.ok_or(UriError::NoSecret)?;
    // A form's "+" is a blank, and blanks part the groups of a secret.
    let secret = Zeroizing::new(secret.replace('+', " "));
    let parsed = Seed::parse(&secret, Some(SecretEncoding::Base32)).map_err(|error| {
        match Seed::parse(&secret, Some(SecretEncoding::Hex)) {
            Ok(parsed) if parsed.seed.len() >= 10 => UriError::Hex,
            _ => error.into(),
        }
    })?;
    let mut row = Row::of_parsed(parsed);
    (row.kind, row.kind_is_stated) = (kind, true);
    row.hash = match &found.algorithm {
        None => None,
        Some(name) => Some(hash_of_name(name).ok_or_else(|| bad("algorithm", name))?),
    };
    row.digits = number("digits", found.digits.as_deref(), 1..=10)?;
    row.counter = number("counter", found.counter.as_deref(), 0..=u64::MAX)?;
    if kind == Kind::Totp && row.counter.is_some_and(|counter| counter > 0) {
        return Err(bad("counter, with totp,", found.counter.as_deref().map_or("", String::as_str)));
    }
    row.counter = row.counter.filter(|_| kind == Kind::Hotp);
    row.serial = found.serial.map(|serial| serial.trim().to_owned());
    if row.serial.as_deref().is_some_and(|serial| check_serial(serial).is_err()) {
        return Err(bad("serial", row.serial.as_deref().unwrap_or_default()));
    }
    row.step = number("period", found.period.as_deref(), 1..=86_400)?.and_then(TimeStep::new);
    let issuer = found.issuer.as_deref().map(String::as_str);
    let (of_label, account) = label_parts(label, issuer)?;
    row.issuer = issuer.map(|issuer| issuer.trim().to_owned()).or(of_label).filter(|issuer| !issuer.is_empty());
    row.account = Some(account).filter(|account| !account.is_empty());
    for (name, text) in [("issuer", &row.issuer), ("account", &row.account)] {
        if text.as_deref().is_some_and(holds_more) {
            return Err(UriError::Swallowed(name));
        }
    }
    Ok(row)
}

const STEAM: &str = "a Steam account: its codes are letters, and these tokens show digits";

/// A query without what stands behind an unencoded #. Where that has parameters, they belong to the URI, or do not: nobody knows.
fn without_fragment(query: &str) -> Result<&str, UriError> {
    match query.split_once('#') {
        None => Ok(query),
        Some((_, fragment)) if fragment.contains(['=', '&']) => Err(UriError::Fragment),
        Some((query, _)) => Ok(query),
    }
}

/// Whether a name swallowed what belongs elsewhere: a parameter, another URI, or a secret.
fn holds_more(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let parts = ["secret=", "otpauth", "algorithm=", "digits=", "period=", "counter=", "issuer="];
    let is_secret = |word: &str| {
        word.len() >= 16
            && word.chars().all(|c| c.is_ascii_uppercase() || matches!(c, '2'..='7'))
            && word.chars().any(|c| c.is_ascii_digit())
    };
    parts.iter().any(|part| lower.contains(part)) || text.split_whitespace().any(is_secret)
}

#[derive(Default)]
struct Parameters {
    secret: Option<Zeroizing<String>>,
    algorithm: Option<Zeroizing<String>>,
    digits: Option<Zeroizing<String>>,
    period: Option<Zeroizing<String>>,
    counter: Option<Zeroizing<String>>,
    issuer: Option<Zeroizing<String>>,
    serial: Option<Zeroizing<String>>,
}

impl Parameters {
    /// Keeps a parameter that matters, by this or another word for it; an empty one says nothing.
    fn take(&mut self, name: &str, kind: Kind, value: Zeroizing<String>) -> Result<(), UriError> {
        if value.trim().is_empty() || HARMLESS.contains(&name) {
            return Ok(());
        }
        let (name, slot) = match (name, meaning_of(name)) {
            ("secret", _) => ("secret", &mut self.secret),
            ("issuer", _) => ("issuer", &mut self.issuer),
            (_, Meaning::Is(Column::Hash)) => ("algorithm", &mut self.algorithm),
            (_, Meaning::Is(Column::Digits)) => ("digits", &mut self.digits),
            (_, Meaning::Is(Column::Step)) => ("period", &mut self.period),
            (_, Meaning::Is(Column::Counter)) => ("counter", &mut self.counter),
            ("encoder", _) if value.eq_ignore_ascii_case("steam") => return Err(UriError::Unusable(STEAM)),
            (_, Meaning::Is(Column::Type)) if kind_of_name(&value) == Some(kind) => return Ok(()),
            (_, Meaning::Is(Column::Type | Column::Secret) | Meaning::SecretIn(_) | Meaning::OtherUnit(_)) => {
                return Err(UriError::Unknown(shown(name)));
            }
            (_, Meaning::Is(Column::Serial)) => ("serial", &mut self.serial),
            // Whatever it is, it is left as it usually is.
            _ if matches!(value.trim(), "0" | "false" | "none") => return Ok(()),
            // Nobody knows what it does: a time step by another name, perhaps.
            _ => return Err(UriError::Unknown(name_shown(name))),
        };
        match slot.replace(value) {
            Some(earlier) if Some(&earlier) != slot.as_ref() => Err(UriError::Twice(name)),
            _ => Ok(()),
        }
    }
}

/// The name of a parameter as a message shows it: words in lower case are no secret.
fn name_shown(name: &str) -> String {
    let is_word = name.len() <= 30 && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '-'));
    if is_word { name.to_owned() } else { shown(name) }
}

fn bad(name: &'static str, value: &str) -> UriError {
    UriError::Value { name, value: shown(value) }
}

fn number<T>(
    name: &'static str,
    value: Option<&String>,
    range: std::ops::RangeInclusive<T>,
) -> Result<Option<T>, UriError>
where
    T: std::str::FromStr + PartialOrd,
{
    let Some(value) = value else { return Ok(None) };
    let whole = value.trim();
    match whole.strip_suffix(".0").unwrap_or(whole).parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(bad(name, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::CapabilityError;
    use crate::device::families::usual;
    use crate::otp::Hash;
    use crate::seed::SeedError;

    const SECRET: &str = "JBSWY3DPEHPK3PXP";

    #[test]
    fn a_full_uri_is_read() {
        let text = "otpauth://totp/Example%20Org:ana@example.org?secret=JBSWY3DPEHPK3PXP&issuer=Example%20Org\
                    &algorithm=SHA256&digits=6&period=60&image=x";
        let row = parse(text).unwrap();
        assert_eq!(row.seed.to_base32().as_str(), SECRET);
        assert_eq!((row.hash, row.step, row.digits), (Some(Hash::Sha256), Some(TimeStep::S60), Some(6)));
        assert_eq!((row.issuer.as_deref(), row.account.as_deref()), (Some("Example Org"), Some("ana@example.org")));
        assert_eq!(row.check_for(usual()), Ok(()));
    }

    #[test]
    fn what_is_not_stated_stays_unstated() {
        let row = parse("OTPAUTH://TOTP/ana?secret=jbswy3dpehpk3pxp").unwrap();
        assert_eq!((row.hash, row.step, row.digits, row.issuer), (None, None, None, None));
    }

    #[test]
    fn eight_digits_sha_512_ninety_seconds_and_hotp_are_read_and_refused_for_a_token() {
        let refused = |query: &str, kind: &str| {
            parse(&format!("otpauth://{kind}/a?secret={SECRET}&{query}")).unwrap().check_for(usual()).unwrap_err()
        };
        assert_eq!(refused("digits=8", "totp"), CapabilityError::Digits { digits: 8, can: &[6] });
        assert_eq!(
            refused("algorithm=SHA512", "totp"),
            CapabilityError::Hash { hash: Hash::Sha512, can: &[Hash::Sha1, Hash::Sha256] }
        );
        assert_eq!(refused("period=90", "totp"), CapabilityError::Step { step_s: 90, can: &[30, 60] });
        assert_eq!(refused("counter=0", "hotp"), CapabilityError::CountsTime);
    }

    #[test]
    fn each_fault_has_its_name() {
        let error = |text: &str| parse(text).unwrap_err();
        assert_eq!(error("https://example.org"), UriError::NotOtpauth);
        assert_eq!(error("otpauth://yaotp/a?secret=JBSWY3DP"), UriError::Type);
        assert_eq!(error("otpauth://totp/a?issuer=b"), UriError::NoSecret);
        assert_eq!(error("otpauth://totp/a?secret=JBSWY3DP&secret=JBSWY3DQ"), UriError::Twice("secret"));
        assert_eq!(error("otpauth://totp/a?secret=JBSWY3D0"), SeedError::BadCharacter { position: 8 }.into());
        assert_eq!(error("otpauth://totp/a?secret=JBSWY3DP&digits=x"), bad("digits", "x"));
        assert_eq!(error("otpauth://totp/a?secret=JBSWY3DP&algorithm=MD5"), bad("algorithm", "MD5"));
        assert_eq!(error("otpauth://totp/%FF?secret=JBSWY3DP"), UriError::Encoding);
    }
}
