//! `otpauth://` URIs, as authenticators' QR codes carry them (Google Authenticator's key URI format).

use std::io::{BufRead, BufReader};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions};
use super::problem::Problem;
use super::row::{Field, Kind, Place, Row};
use super::table::hash_of_name;
use super::text::{Source, broken_line};
use crate::otp::TimeStep;
use crate::seed::{SecretEncoding, Seed, SeedError};

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
    Ok(Box::new((1..).zip(lines).filter_map(|(line, text)| match text {
        Ok(text) if text.trim().is_empty() => None,
        Ok(text) => {
            let text = Zeroizing::new(text);
            let place = Place { line, column: 0 };
            let read =
                parse(&text).map_err(|error| Problem::at(place, error.to_string(), "correct or remove this line"));
            Some(read.map(|row| Row { place, ..row }))
        }
        Err(error) => Some(Err(broken_line(&error))),
    })))
}

/// What must be percent-encoded in a label or value.
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

/// Why a text is no usable `otpauth://` URI. No message repeats the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It does not begin with `otpauth://`.
    #[error("this is not an otpauth:// URI")]
    NotOtpauth,
    /// Neither `totp` nor `hotp`.
    #[error("otpauth:// is followed by neither totp nor hotp")]
    Type,
    /// No secret.
    #[error("the URI has no secret")]
    NoSecret,
    /// A parameter that stands there twice.
    #[error("the URI has \"{0}\" twice")]
    Twice(&'static str),
    /// A secret that is no Base32.
    #[error("the URI's secret: {0}")]
    Secret(#[from] SeedError),
    /// A parameter with a value that it cannot have.
    #[error("the URI's {name} cannot be \"{value}\"")]
    Value {
        /// The parameter.
        name: &'static str,
        /// Its value; escaped.
        value: String,
    },
    /// A label or value that is no UTF-8 when decoded.
    #[error("the URI is not valid UTF-8 where it is percent-encoded")]
    Encoding,
}

/// The beginning of every such URI.
pub const SCHEME: &str = "otpauth://";

/// Whether a text begins as such a URI does, in any case.
#[must_use]
pub fn is_otpauth(text: &str) -> bool {
    text.trim_start().get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
}

/// Reads one URI.
///
/// # Errors
/// [`UriError`]. Digits and hashes that no token knows are read; [`Row::check_for_token`] refuses them.
pub fn parse(text: &str) -> Result<Row, UriError> {
    let text = text.trim();
    if !is_otpauth(text) {
        return Err(UriError::NotOtpauth);
    }
    let rest = text.get(SCHEME.len()..).unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, label) = path.split_once('/').unwrap_or((path, ""));
    let kind = match kind.to_ascii_lowercase().as_str() {
        "totp" => Kind::Totp,
        "hotp" => Kind::Hotp,
        _ => return Err(UriError::Type),
    };
    let mut found = Parameters::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        found.take(&name.to_ascii_lowercase(), decode(value)?)?;
    }
    let secret = found.secret.ok_or(UriError::NoSecret)?;
    let mut row = Row::of_parsed(Seed::parse(&secret, Some(SecretEncoding::Base32))?);
    row.kind = kind;
    row.hash = match &found.algorithm {
        None => None,
        Some(name) => Some(hash_of_name(name).ok_or_else(|| bad("algorithm", name))?),
    };
    row.digits = number("digits", found.digits.as_deref(), 1..=10)?;
    row.counter = number("counter", found.counter.as_deref(), 0..=u64::MAX)?;
    row.step = number("period", found.period.as_deref(), 1..=86_400)?.and_then(TimeStep::new);
    // The colon between issuer and account may itself be encoded, but an encoded one in a name comes after a plain one.
    let (issuer, account) = match label.split_once(':') {
        Some((issuer, account)) => (Some(decode(issuer)?.trim().to_owned()), decode(account)?.trim().to_owned()),
        None => match decode(label)?.split_once(':') {
            Some((issuer, account))
                if found.issuer.is_none() || found.issuer.as_deref().map(String::as_str) == Some(issuer) =>
            {
                (Some(issuer.trim().to_owned()), account.trim().to_owned())
            }
            _ => (None, decode(label)?.trim().to_owned()),
        },
    };
    row.issuer = found.issuer.map(|issuer| issuer.to_string()).or(issuer).filter(|issuer| !issuer.is_empty());
    row.account = Some(account).filter(|account| !account.is_empty());
    Ok(row)
}

#[derive(Default)]
struct Parameters {
    secret: Option<Zeroizing<String>>,
    algorithm: Option<Zeroizing<String>>,
    digits: Option<Zeroizing<String>>,
    period: Option<Zeroizing<String>>,
    counter: Option<Zeroizing<String>>,
    issuer: Option<Zeroizing<String>>,
}

impl Parameters {
    /// Keeps a parameter that matters; others, such as `image`, are passed over.
    fn take(&mut self, name: &str, value: Zeroizing<String>) -> Result<(), UriError> {
        let (name, slot) = match name {
            "secret" => ("secret", &mut self.secret),
            "algorithm" => ("algorithm", &mut self.algorithm),
            "digits" => ("digits", &mut self.digits),
            "period" => ("period", &mut self.period),
            "counter" => ("counter", &mut self.counter),
            "issuer" => ("issuer", &mut self.issuer),
            _ => return Ok(()),
        };
        if slot.replace(value).is_some() { Err(UriError::Twice(name)) } else { Ok(()) }
    }
}

fn decode(text: &str) -> Result<Zeroizing<String>, UriError> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| UriError::Encoding)?;
    Ok(Zeroizing::new(decoded.into_owned()))
}

fn bad(name: &'static str, value: &str) -> UriError {
    UriError::Value { name, value: value.chars().take(20).flat_map(char::escape_default).collect() }
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
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(bad(name, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::Hash;
    use crate::seedfile::RowError;
    use crate::token::ProfileError;

    const SECRET: &str = "JBSWY3DPEHPK3PXP";

    #[test]
    fn a_full_uri_is_read() {
        let text = "otpauth://totp/Example%20Org:ana@example.org?secret=JBSWY3DPEHPK3PXP&issuer=Example%20Org\
                    &algorithm=SHA256&digits=6&period=60&image=x";
        let row = parse(text).unwrap();
        assert_eq!(row.seed.to_base32().as_str(), SECRET);
        assert_eq!((row.hash, row.step, row.digits), (Some(Hash::Sha256), Some(TimeStep::S60), Some(6)));
        assert_eq!((row.issuer.as_deref(), row.account.as_deref()), (Some("Example Org"), Some("ana@example.org")));
        assert_eq!(row.check_for_token(), Ok(()));
    }

    #[test]
    fn what_is_not_stated_stays_unstated() {
        let row = parse("OTPAUTH://TOTP/ana?secret=jbswy3dpehpk3pxp").unwrap();
        assert_eq!((row.hash, row.step, row.digits, row.issuer), (None, None, None, None));
    }

    #[test]
    fn eight_digits_sha_512_ninety_seconds_and_hotp_are_read_and_refused_for_a_token() {
        let refused = |query: &str, kind: &str| {
            parse(&format!("otpauth://{kind}/a?secret={SECRET}&{query}")).unwrap().check_for_token().unwrap_err()
        };
        assert_eq!(refused("digits=8", "totp"), ProfileError::Digits(8).into());
        assert_eq!(refused("algorithm=SHA512", "totp"), ProfileError::Hash("SHA-512".into()).into());
        assert_eq!(refused("period=90", "totp"), ProfileError::Step(90).into());
        assert_eq!(refused("counter=0", "hotp"), RowError::Hotp);
    }

    #[test]
    fn each_fault_has_its_name() {
        let error = |text: &str| parse(text).unwrap_err();
        assert_eq!(error("https://example.org"), UriError::NotOtpauth);
        assert_eq!(error("otpauth://yaotp/a?secret=JBSWY3DP"), UriError::Type);
        assert_eq!(error("otpauth://totp/a?issuer=b"), UriError::NoSecret);
        assert_eq!(error("otpauth://totp/a?secret=JBSWY3DP&secret=JBSWY3DP"), UriError::Twice("secret"));
        assert_eq!(error("otpauth://totp/a?secret=JBSWY3D0"), SeedError::BadCharacter { position: 8 }.into());
        assert_eq!(error("otpauth://totp/a?secret=JBSWY3DP&digits=x"), bad("digits", "x"));
        assert_eq!(error("otpauth://totp/a?secret=JBSWY3DP&algorithm=MD5"), bad("algorithm", "MD5"));
        assert_eq!(error("otpauth://totp/%FF?secret=JBSWY3DP"), UriError::Encoding);
    }
}
