//! The line that privacyIDEA, LinOTP and NetIQ share: `serial, HEX, totp, 6, 30`, with or without a hash behind it.

use super::format::{ReadOptions, Rows, Sample, bare_serial};
use super::problem::Problem;
use super::row::{Kind, Row};
use super::table::{Fields, Records, hash_of_name, kind, rows, shown};
use super::text::Source;
use crate::otp::Hash;
use crate::seed::{SecretEncoding, Seed};

/// How a format settles the hash.
#[derive(Clone, Copy)]
pub enum HashRule {
    /// A sixth field names it.
    Named,
    /// It is always SHA-1.
    Sha1,
    /// The server takes it from the secret's length.
    ByLength,
}

/// Whether the first line is of this kind, with so many fields.
pub fn fits(sample: &Sample<'_>, fields: usize) -> bool {
    sample.has_fields(fields) && sample.is_hex(1) && sample.fields.get(2).is_some_and(|field| field == "totp")
}

/// The hash that privacyIDEA takes a secret of a length to have.
pub fn hash_by_length(seed: &Seed) -> Result<Hash, &'static str> {
    match seed.len() {
        32 => Ok(Hash::Sha256),
        64 => Ok(Hash::Sha512),
        28 => Err("SHA-224"),
        48 => Err("SHA-384"),
        _ => Ok(Hash::Sha1),
    }
}

/// Reads lines of this kind.
pub fn read(source: Source, options: &ReadOptions, rule: HashRule) -> Result<Rows, Problem> {
    let encoding = options.secret_encoding.unwrap_or(SecretEncoding::Hex);
    Ok(Box::new(rows(Records::new(source)?, move |fields| row(fields, encoding, rule))))
}

fn row(fields: &Fields<'_>, encoding: SecretEncoding, rule: HashRule) -> Result<Row, Problem> {
    fields.at_most(if matches!(rule, HashRule::Named) { 6 } else { 5 })?;
    let serial = fields.serial(0)?;
    let mut row = Row::of_parsed(fields.secret(1, encoding)?);
    row.serial = Some(serial);
    row.kind = kind(fields, 2)?;
    if row.kind == Kind::Hotp {
        return Err(fields.problem(2, "this format is read for totp only", "give hotp tokens as csv or pskc"));
    }
    row.digits = digits(fields, 3)?;
    row.step = fields.step(4)?;
    row.hash = Some(match rule {
        HashRule::Sha1 => Hash::Sha1,
        HashRule::ByLength => hash_by_length(&row.seed).map_err(|hash| {
            fields.problem(1, format!("by its length the server takes the hash to be {hash}, which no token knows"), "")
        })?,
        HashRule::Named => match fields.get(5) {
            None => Hash::Sha1,
            Some(name) => hash_of_name(name).ok_or_else(|| {
                fields.problem(5, format!("the hash \"{}\" is not known", shown(name)), "sha1, sha256 or sha512")
            })?,
        },
    });
    row.place = fields.place();
    Ok(row)
}

/// The digits of a code in a field.
pub fn digits(fields: &Fields<'_>, index: usize) -> Result<Option<u32>, Problem> {
    let Some(number) = fields.number(index, "number of digits")? else { return Ok(None) };
    match number {
        4..=10 => Ok(u32::try_from(number).ok()),
        _ => Err(fields.problem(index, format!("codes of {number} digits"), "6, or 8 for other devices")),
    }
}

/// A line of this kind, without what may follow.
pub fn line(row: &Row) -> Result<String, String> {
    let serial = bare_serial(row)?;
    let secret = row.seed.to_hex();
    Ok(format!("{serial}, {}, totp, {}, {}", secret.as_str(), row.effective_digits(), row.effective_step()))
}
