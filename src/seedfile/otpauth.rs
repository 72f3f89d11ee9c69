//! `otpauth://` URIs, as authenticators' QR codes carry them (Google Authenticator's key URI format).

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::row::{Kind, Row};
use crate::otp::{Hash, TimeStep};
use crate::seed::{SecretEncoding, Seed, SeedError};

/// Why a text is no usable `otpauth://` URI. No message repeats the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It does not begin with `otpauth://`.
    #[error("this is no otpauth:// URI")]
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
    let mut row = Row::of_seed(Seed::parse(&secret, Some(SecretEncoding::Base32))?.seed);
    row.kind = kind;
    row.hash = found.algorithm.map(|value| hash(&value)).transpose()?;
    row.digits = number("digits", found.digits.as_deref(), 1..=10)?;
    row.counter = number("counter", found.counter.as_deref(), 0..=u64::MAX)?;
    row.step = number("period", found.period.as_deref(), 1..=86_400)?.and_then(TimeStep::new);
    let label = decode(label)?;
    let (issuer, account) = match label.split_once(':') {
        Some((issuer, account)) => (Some(issuer.trim().to_owned()), account.trim().to_owned()),
        None => (None, label.trim().to_owned()),
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

fn hash(value: &str) -> Result<Hash, UriError> {
    let plain: String = value.to_ascii_uppercase().chars().filter(|c| *c != '-').collect();
    match plain.trim_start_matches("HMAC") {
        "SHA1" => Ok(Hash::Sha1),
        "SHA256" => Ok(Hash::Sha256),
        "SHA512" => Ok(Hash::Sha512),
        _ => Err(bad("algorithm", value)),
    }
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
