//! `yubico`: the logs that Yubico's tools write when they program keys, read only: the traditional form and the short one.
//!
//! Their HOTP keys are read; what types Yubico's own codes, or a password, is nothing that a token here can hold.

use super::format::{Format, ReadOptions, Rows, Sample};
use super::oath_line::digits;
use super::problem::{Fault, Problem};
use super::row::{Field, Kind, Row};
use super::table::{Fields, Records, rows};
use super::text::Source;
use crate::seed::SecretEncoding;

/// The format.
pub const FORMAT: Format = Format {
    name: "yubico",
    title: "Yubico's log of programmed keys",
    carries: &[Field::Serial, Field::Counter, Field::Digits],
    one_kind: false,
    fits: |sample: &Sample<'_>| sample.rows.iter().any(|row| is_traditional(row) || is_short(row)),
    read,
    write: None,
};

/// The meanings of the first field of a traditional line.
const KINDS: [&str; 4] = ["oath-hotp", "yubico otp", "static password", "challenge-response: hmac-sha1"];

fn is_traditional(row: &[String]) -> bool {
    row.len() >= 12 && row.first().is_some_and(|kind| KINDS.contains(&kind.as_str()))
}

/// `serial,public id,private id,secret,access code,time,`: seven fields, the sixth of which is a time.
fn is_short(row: &[String]) -> bool {
    let time = row.get(5).map(String::as_str).unwrap_or_default();
    matches!(row.len(), 6 | 7)
        && row.first().is_some_and(|serial| !serial.is_empty() && serial.chars().all(|c| c.is_ascii_digit()))
        && time.len() >= 19
        && time.get(10..11) == Some("t")
}

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let encoding = options.secret_encoding.unwrap_or(SecretEncoding::Hex);
    let mut records = Records::new(source)?;
    // A log begins with a line that says when.
    let begins = |first: Fields<'_>| first.get(0).is_some_and(|word| word.to_lowercase().starts_with("logging start"));
    if !records.next()?.is_some_and(begins) {
        records.repeat();
    }
    Ok(Box::new(rows(records, move |fields| row(fields, encoding))))
}

fn row(fields: &Fields<'_>, encoding: SecretEncoding) -> Result<Row, Problem> {
    let lower: Vec<String> = fields.iter().map(str::to_lowercase).collect();
    let unusable = |what: &str| Err(Fault::unusable(what).at(fields.place()));
    if is_short(&lower) {
        if fields.get(1).is_some() {
            return unusable("a key that types Yubico's own codes");
        }
        return Ok(Row { serial: Some(fields.serial(0)?), ..hotp(fields, 3, encoding)? });
    }
    match lower.first().map(String::as_str) {
        Some("oath-hotp") => {
            let digits = digits(fields, 11)?;
            let serial = fields.get(3).map(str::to_owned);
            Ok(Row { serial, digits, ..hotp(fields, 5, encoding)? })
        }
        Some("yubico otp") => unusable("a key that types Yubico's own codes"),
        Some("static password") => unusable("a key that types a password"),
        Some(kind) if KINDS.contains(&kind) => unusable("a key that answers challenges"),
        _ => Err(fields.line_problem("this is no line of Yubico's log", "see docs/formats.md")),
    }
}

fn hotp(fields: &Fields<'_>, secret: usize, encoding: SecretEncoding) -> Result<Row, Problem> {
    let row = Row::of_parsed(fields.secret(secret, encoding)?);
    Ok(Row { kind: Kind::Hotp, place: fields.place(), ..row })
}
