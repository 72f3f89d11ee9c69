//! `pskc`: RFC 6030 key containers, plain, under a pre-shared key, or under a password.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::format::{Format, Sample, Write, WriteOptions, needed_serial};
use super::pskc_read;
use super::row::{Field, Kind, Row};
use super::xml::escaped;
use crate::otp::Hash;

/// The format.
pub const FORMAT: Format = Format {
    name: "pskc",
    title: "PSKC, RFC 6030",
    carries: &[
        Field::Serial,
        Field::Counter,
        Field::Hash,
        Field::Step,
        Field::Digits,
        Field::User,
        Field::Manufacturer,
        Field::Model,
        Field::Issuer,
    ],
    one_kind: false,
    fits,
    read: pskc_read::read,
    write: Some(Write { begin, row, end: "</KeyContainer>\n" }),
};

fn fits(sample: &Sample<'_>) -> bool {
    let text = sample.text.trim_start();
    let lower = text.to_ascii_lowercase();
    text.starts_with('<') && (lower.contains("keycontainer") || lower.contains("secretcontainer"))
}

/// The algorithms' profile identifiers begin with this (RFC 6030, section 10).
const ALGORITHM: &str = "urn:ietf:params:xml:ns:keyprov:pskc:";

fn begin(options: &WriteOptions) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<KeyContainer Version=\"1.0\" \
                    xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\""
        .to_owned();
    match &options.pskc {
        None => text.push_str(">\n"),
        Some(keys) => text.push_str(&keys.header()),
    }
    text
}

fn row(row: &Row, options: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let serial = escaped(needed_serial(row)?);
    let element = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("<{name}>{}</{name}>", escaped(value))).unwrap_or_default()
    };
    let secret = match &options.pskc {
        None => {
            let value = Zeroizing::new(BASE64.encode(row.seed.expose()));
            Zeroizing::new(format!("<PlainValue>{}</PlainValue>", value.as_str()))
        }
        Some(keys) => keys.encrypt(row.seed.expose())?,
    };
    let (algorithm, moving) = match row.kind {
        Kind::Totp => (
            "totp",
            format!(
                "<Time><PlainValue>0</PlainValue></Time><TimeInterval><PlainValue>{}</PlainValue></TimeInterval>",
                row.effective_step()
            ),
        ),
        Kind::Hotp => ("hotp", format!("<Counter><PlainValue>{}</PlainValue></Counter>", row.counter.unwrap_or(0))),
    };
    let front = if options.pskc_suite_hmac { "HMAC-" } else { "" };
    let suite = match row.effective_hash() {
        Hash::Sha1 => String::new(),
        hash => format!("<Suite>{front}{hash}</Suite>"),
    };
    Ok(Zeroizing::new(format!(
        "  <KeyPackage>\n    <DeviceInfo>{}<SerialNo>{serial}</SerialNo>{}</DeviceInfo>\n    \
         <Key Id=\"{serial}\" Algorithm=\"{ALGORITHM}{algorithm}\">{}<AlgorithmParameters>{suite}\
         <ResponseFormat Encoding=\"DECIMAL\" Length=\"{}\"/></AlgorithmParameters>\
         <Data><Secret>{}</Secret>{moving}</Data>{}</Key>\n  </KeyPackage>\n",
        element("Manufacturer", &row.manufacturer),
        element("Model", &row.model),
        element("Issuer", &row.issuer),
        row.effective_digits(),
        secret.as_str(),
        element("UserId", &row.user),
    )))
}
