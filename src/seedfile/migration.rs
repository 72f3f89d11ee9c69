//! `otpauth-migration`: the export of Google Authenticator, one URI a line, read only.

use data_encoding::BASE64;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample};
use super::problem::Problem;
use super::row::{Field, Kind, Place, Row};
use super::text::Source;
use crate::otp::Hash;
use crate::seed::Seed;

/// The beginning of such a URI.
pub const SCHEME: &str = "otpauth-migration://";

/// The format.
pub const FORMAT: Format = Format {
    name: "otpauth-migration",
    title: "Google Authenticator's export",
    carries: &[Field::Counter, Field::Hash, Field::Digits, Field::Issuer, Field::Account],
    one_kind: false,
    fits: |sample: &Sample<'_>| sample.first.trim_start().starts_with(SCHEME),
    read,
    write: None,
};

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let text = source.into_whole()?;
    let mut rows = Vec::new();
    for (line, uri) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        rows.extend(parse(uri, line)?.into_iter().map(Ok));
    }
    Ok(Box::new(rows.into_iter()))
}

/// The accounts in one URI.
///
/// # Errors
/// A [`Problem`]: it is cut short, or holds what no authenticator exports.
pub fn parse(uri: &str, line: u64) -> Result<Vec<Row>, Problem> {
    let broken = |what: &str| Problem::new(line, 0, what.to_owned(), "export the accounts again");
    let rest = uri.trim().strip_prefix(SCHEME).ok_or_else(|| broken("this is not an otpauth-migration:// URI"))?;
    let data = rest.split_once("data=").map(|(_, data)| data.split('&').next().unwrap_or_default());
    let data = data.ok_or_else(|| broken("the URI has no data"))?;
    // Percent-decoded without turning "+" into a space: base64 has pluses.
    let base64: Zeroizing<Vec<u8>> = Zeroizing::new(percent_decode_str(data).collect());
    let bytes = BASE64.decode(&base64).map(Zeroizing::new).map_err(|_| broken("the URI's data is not base64"))?;
    let mut rows = Vec::new();
    let mut message = Message(&bytes);
    while let Some((field, value)) = message.next().map_err(&broken)? {
        if let (1, Value::Bytes(account)) = (field, value) {
            let place = Place { line, column: rows.len() as u64 + 1 };
            rows.push(account_row(account, place).map_err(|what| Problem::at(place, what, "leave this account out"))?);
        }
    }
    if rows.is_empty() {
        return Err(broken("the export holds no account"));
    }
    Ok(rows)
}

fn account_row(account: &[u8], place: Place) -> Result<Row, String> {
    let mut seed = None;
    let (mut name, mut issuer, mut hash, mut digits, mut kind, mut counter) =
        (None, None, None, None, Kind::Totp, None);
    let mut message = Message(account);
    let text =
        |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| "an account's name is not UTF-8".to_owned());
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (1, Value::Bytes(secret)) => {
                seed = Some(Seed::from_bytes(secret.to_vec()).map_err(|error| error.to_string())?);
            }
            (2, Value::Bytes(bytes)) => name = Some(text(bytes)?),
            (3, Value::Bytes(bytes)) => issuer = Some(text(bytes)?),
            (4, Value::Number(0 | 1)) => hash = Some(Hash::Sha1),
            (4, Value::Number(2)) => hash = Some(Hash::Sha256),
            (4, Value::Number(3)) => hash = Some(Hash::Sha512),
            (4, Value::Number(other)) => return Err(format!("the hash number {other} is not known")),
            (5, Value::Number(0 | 1)) => digits = Some(6),
            (5, Value::Number(2)) => digits = Some(8),
            (6, Value::Number(1)) => kind = Kind::Hotp,
            (7, Value::Number(value)) => counter = Some(value),
            _ => {}
        }
    }
    let mut row = Row::of_seed(seed.ok_or("an account has no secret")?);
    (row.kind, row.hash, row.digits, row.place) = (kind, hash, digits, place);
    row.counter = counter.filter(|_| kind == Kind::Hotp);
    row.issuer = issuer.filter(|text| !text.is_empty());
    row.account = name.filter(|text| !text.is_empty());
    Ok(row)
}

/// The fields of a protobuf message, as much of it as this export uses.
struct Message<'a>(&'a [u8]);

/// A field's value.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Message<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, &'static str> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Bytes(self.take(8)?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| "a length is out of bounds")?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Bytes(self.take(4)?),
            _ => return Err("the export holds a kind of field that no authenticator writes"),
        };
        Ok(Some((tag >> 3, value)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or("the export is cut short: a length reaches past its end")?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, &'static str> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first().ok_or("the export is cut short")?;
            value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a number in the export is too long")
    }
}
