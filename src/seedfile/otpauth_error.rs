//! Faults that make a text no usable `otpauth://` URI.

use crate::seed::SeedError;

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
    /// A parameter that stands there twice, with two values.
    #[error("the URI has \"{0}\" twice, with two values")]
    Twice(&'static str),
    /// A parameter that is not known and may change the codes.
    #[error("the URI has \"{0}\", which is not known and may change the codes")]
    Unknown(String),
    /// A secret in hex, where such URIs have Base32.
    #[error("the URI's secret is hex, and such a URI has Base32")]
    Hex,
    /// A text in which more stands than a name.
    #[error("the URI's {0} holds more than a name: is an & missing or unencoded?")]
    Swallowed(&'static str),
    /// A part behind an unencoded #.
    #[error("the URI has parameters behind a #, which must be written %23")]
    Fragment,
    /// A code that is none of six digits of a time or counter.
    #[error("{0}")]
    Unusable(&'static str),
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
