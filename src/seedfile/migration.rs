//! `otpauth-migration`: the export of Google Authenticator, one URI a line, read only.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample};
use super::problem::{Fault, Problem};
use super::row::{Field, Kind, Place, Row};
use super::text::{Source, is_comment};
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
    fits: |sample: &Sample<'_>| {
        sample.first.trim_start().trim_start_matches('"').to_ascii_lowercase().starts_with(SCHEME)
    },
    read,
    write: None,
};

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let text = source.into_whole()?;
    let mut rows = Vec::new();
    let mut parts = Parts::default();
    for (line, uri) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !is_comment(line)) {
        let export = parse(uri, line)?;
        parts.see(&export);
        rows.extend(export.accounts);
    }
    rows.extend(parts.missing().map(|what| Err(missing(what))));
    Ok(Box::new(rows.into_iter()))
}

/// The problem of an export of which parts are missing.
#[must_use]
pub fn missing(what: String) -> Problem {
    Problem::of_file(what, "show the next code of the export too: these are not all the accounts").as_warning()
}

/// One code of an export.
#[derive(Debug)]
pub struct Export {
    /// Its accounts.
    pub accounts: Vec<Result<Row, Problem>>,
    /// The number of the whole export, and which part of how many this is, counted from 1.
    part: (u64, u64, u64),
}

/// The parts of exports that were seen.
#[derive(Debug, Default)]
pub struct Parts(BTreeMap<u64, (u64, BTreeSet<u64>)>);

impl Parts {
    /// Takes note of a part.
    pub fn see(&mut self, export: &Export) {
        let (whole, part, count) = export.part;
        let seen = self.0.entry(whole).or_default();
        seen.0 = seen.0.max(count);
        seen.1.insert(part);
    }

    /// The missing parts, in words.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        let missing = self.0.values().find_map(|(count, seen)| {
            let missing: Vec<String> =
                (1..=*count).filter(|part| !seen.contains(part)).map(|part| part.to_string()).collect();
            (!missing.is_empty()).then_some((count, missing))
        });
        missing.map(|(count, missing)| {
            let (noun, are) = if missing.len() == 1 { ("part", "is") } else { ("parts", "are") };
            format!("the export has {count} parts, and {noun} {} {are} missing", missing.join(", "))
        })
    }
}

/// The accounts in one URI.
///
/// # Errors
/// A [`Problem`]: it is cut short, or holds what no authenticator exports.
pub fn parse(uri: &str, line: u64) -> Result<Export, Problem> {
    let broken = |what: &str| Problem::new(line, 0, what.to_owned(), "export the accounts again");
    let uri = uri.trim().trim_matches('"');
    let has_scheme = uri.get(..SCHEME.len()).is_some_and(|front| front.eq_ignore_ascii_case(SCHEME));
    let rest = uri.get(SCHEME.len()..).filter(|_| has_scheme);
    let rest = rest.ok_or_else(|| broken("this is not an otpauth-migration:// URI"))?;
    let data = rest.split_once("data=").map(|(_, data)| data.split(['&', '#']).next().unwrap_or_default());
    let data = data.ok_or_else(|| broken("the URI has no data"))?;
    // Percent-decoded without turning "+" into a space: base64 has pluses.
    let base64: Zeroizing<Vec<u8>> = Zeroizing::new(percent_decode_str(data).collect());
    let bytes = BASE64.decode(&base64).map(Zeroizing::new).map_err(|_| broken("the URI's data is not base64"))?;
    let mut accounts = Vec::new();
    let (mut whole, mut part, mut count) = (0, 0, 1);
    let mut message = Message(&bytes);
    while let Some((field, value)) = message.next().map_err(&broken)? {
        match (field, value) {
            (1, Value::Bytes(account)) => {
                let place = Place { line, column: accounts.len() as u64 + 1 };
                accounts.push(account_row(account, place).map_err(|fault| fault.at(place)));
            }
            (3, Value::Number(number)) => count = number.min(1000),
            (4, Value::Number(number)) => part = number,
            (5, Value::Number(number)) => whole = number,
            _ => {}
        }
    }
    if accounts.is_empty() {
        return Err(broken("the export holds no account"));
    }
    Ok(Export { accounts, part: (whole, part.saturating_add(1), count) })
}

fn account_row(account: &[u8], place: Place) -> Result<Row, Fault> {
    let broken = |what: &str| Fault::new(what, "export the accounts again");
    let mut seed = None;
    let (mut name, mut issuer, mut hash, mut digits, mut kind, mut counter) =
        (None, None, None, None, Kind::Totp, None);
    let mut message = Message(account);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| broken("an account's name is not UTF-8"));
    while let Some((field, value)) = message.next().map_err(broken)? {
        match (field, value) {
            (1, Value::Bytes(secret)) => {
                seed = Some(Seed::from_bytes(secret.to_vec()).map_err(|error| Fault::unusable(error.to_string()))?);
            }
            (2, Value::Bytes(bytes)) => name = Some(text(bytes)?),
            (3, Value::Bytes(bytes)) => issuer = Some(text(bytes)?),
            (4, Value::Number(0 | 1)) => hash = Some(Hash::Sha1),
            (4, Value::Number(2)) => hash = Some(Hash::Sha256),
            (4, Value::Number(3)) => hash = Some(Hash::Sha512),
            (4, Value::Number(4)) => return Err(Fault::unusable("the hash is MD5, which no token knows")),
            (4, Value::Number(other)) => return Err(Fault::unusable(format!("the hash number {other} is not known"))),
            (5, Value::Number(0 | 1)) => digits = Some(6),
            (5, Value::Number(2)) => digits = Some(8),
            (5, Value::Number(other)) => {
                return Err(Fault::unusable(format!("the digits' number {other} is not known")));
            }
            (6, Value::Number(1)) => kind = Kind::Hotp,
            (6, Value::Number(0 | 2)) => {}
            (6, Value::Number(other)) => return Err(Fault::unusable(format!("the type number {other} is not known"))),
            (7, Value::Number(value)) => counter = Some(value),
            _ => {}
        }
    }
    let mut row = Row::of_seed(seed.ok_or_else(|| broken("an account has no secret"))?);
    (row.kind, row.kind_is_stated, row.hash, row.digits, row.place) = (kind, true, hash, digits, place);
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
