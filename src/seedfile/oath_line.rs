//! The line that privacyIDEA, LinOTP and NetIQ share: `serial, HEX, totp, 6, 30`, with or without a hash behind it, and what
//! stands in front of it in privacyIDEA's own files.
//!
//! A line without a field is taken as these servers take it: a line of a serial and a secret is one of HOTP.

use super::column::is_header;
use super::format::{ReadOptions, Rows, Sample, bare_serial, used_fields};
use super::names::{hash_of_name, kind_of_name};
use super::problem::Problem;
use super::remedy::FileRemedy;
use super::row::{Kind, Row};
use super::shown::{LIKE_A_SECRET, shown};
use super::table::{Fields, Records, rows};
use super::text::Source;
use crate::otp::Hash;
use crate::seed::{SecretEncoding, Seed, encodings_that_fit};

/// How a format settles the hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum HashRule {
    /// A sixth field names it, else the server takes it from the secret's length.
    Named,
    /// It is always SHA-1.
    Sha1,
    /// The server takes it from the secret's length.
    ByLength,
}

/// The prefix of the serial.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Front {
    Nothing,
    /// The owner, in privacyIDEA's export; "n/a" is none.
    Owner,
    /// User, resolver and realm, in the version 2 of privacyIDEA's import.
    UserOfRealm,
}

impl Front {
    const ALL: [Self; 3] = [Self::Nothing, Self::Owner, Self::UserOfRealm];

    fn fields(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Owner => 1,
            Self::UserOfRealm => 3,
        }
    }
}

/// Whether a field names a type of these servers, or leaves it to them in front of a number of digits.
fn is_type(fields: &[String], index: usize) -> bool {
    let is_digits = |field: &String| matches!(field.as_str(), "6" | "7" | "8");
    match fields.get(index).map(String::as_str) {
        Some("totp" | "hotp" | "spass" | "motp" | "daypassword" | "yubikey" | "ocra" | "ocra2" | "pw") => true,
        Some("") => fields.get(index + 1).is_some_and(is_digits),
        _ => false,
    }
}

fn is_secret(field: Option<&String>) -> bool {
    let is_long = |field: &&String| field.len() >= LIKE_A_SECRET;
    field.filter(is_long).is_some_and(|field| encodings_that_fit(field).is_ok_and(|fits| fits.hex || fits.base32))
}

fn front_of(row: &[String]) -> Option<Front> {
    Front::ALL.into_iter().find(|front| {
        is_type(row, front.fields() + 2)
            && is_secret(row.get(front.fields() + 1))
            && row.get(front.fields()).is_some_and(|serial| !serial.is_empty())
    })
}

/// Whether the first lines are of this kind, and none has more than a number of fields; or one has more.
pub fn fits(sample: &Sample<'_>, names_hash: bool) -> bool {
    let has_hash = |row: &Vec<String>| front_of(row) == Some(Front::Nothing) && used_fields(row) > 5;
    let has_header = is_header(sample.fields.iter().map(String::as_str));
    !has_header
        && sample.rows.iter().any(|row| front_of(row).is_some())
        && sample.rows.iter().any(has_hash) == names_hash
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
pub fn read(source: Source, options: &ReadOptions, rule: HashRule, name: &'static str) -> Result<Rows, Problem> {
    let (encoding, is_guessed) = (options.secret_encoding, options.is_guessed);
    let mut records = Records::new(source)?.without_header(name)?;
    let front = match records.next()? {
        None => Front::Nothing,
        Some(first) => {
            let fields: Vec<String> = first.iter().map(str::to_lowercase).collect();
            records.repeat();
            if records.version() == Some("2") {
                Front::UserOfRealm
            } else {
                front_of(&fields).unwrap_or(Front::Nothing)
            }
        }
    };
    Ok(Box::new(rows(records, move |fields| row(fields, front, encoding, rule, is_guessed))))
}

fn row(
    fields: &Fields<'_>,
    front: Front,
    encoding: Option<SecretEncoding>,
    rule: HashRule,
    is_guessed: bool,
) -> Result<Row, Problem> {
    let at = |index: usize| front.fields() + index;
    fields.at_most(at(if rule == HashRule::Named { 6 } else { 5 }))?;
    let serial = fields.serial(at(0))?;
    let mut row = Row::of_parsed(fields.secret(at(1), encoding.unwrap_or_else(|| encoding_of(fields, at(1), front)))?);
    row.serial = Some(serial);
    row.user = match front {
        Front::Nothing => None,
        Front::Owner | Front::UserOfRealm => {
            fields.get(0).filter(|user| !user.eq_ignore_ascii_case("n/a")).map(str::to_owned)
        }
    };
    row.kind = match fields.get(at(2)) {
        None => Kind::Hotp,
        Some(name) => kind_of_name(name).ok_or_else(|| {
            let what = format!("the type \"{}\" is neither totp nor hotp", shown(name));
            Problem { unusable: true, ..fields.problem(at(2), what, "no token can hold it") }
        })?,
    };
    row.kind_is_stated = fields.get(at(2)).is_some();
    row.digits = digits(fields, at(3))?;
    match row.kind {
        Kind::Totp => row.step = fields.step(at(4))?,
        Kind::Hotp => row.counter = fields.number(at(4), "counter")?,
    }
    let named = fields.get(at(5)).filter(|_| rule == HashRule::Named);
    row.hash = Some(match (named, rule) {
        (Some(name), _) => hash_of_name(name).ok_or_else(|| {
            fields.problem(at(5), format!("the hash \"{}\" is not known", shown(name)), "sha1, sha256 or sha512")
        })?,
        (None, HashRule::Sha1) => Hash::Sha1,
        (None, HashRule::Named | HashRule::ByLength) => {
            let hash = hash_by_length(&row.seed).map_err(|hash| {
                let what = format!("by its length the server takes the hash to be {hash}, which no token knows");
                fields.problem(at(1), what, "remove this token from the file")
            })?;
            if is_guessed && rule == HashRule::ByLength && front == Front::Nothing && hash != Hash::Sha1 {
                let what = format!(
                    "from the secret's length privacyIDEA and LinOTP take the hash to be {hash}, and NetIQ takes SHA1"
                );
                return Err(fields.problem(
                    at(1),
                    what,
                    FileRemedy::NameFormat(vec!["privacyidea", "linotp", "netiq"]),
                ));
            }
            hash
        }
    });
    row.place = fields.place();
    Ok(row)
}

/// How a secret is written: in hex, but for privacyIDEA's export, which can have Base32 too.
fn encoding_of(fields: &Fields<'_>, index: usize, front: Front) -> SecretEncoding {
    let fits = fields.get(index).and_then(|text| encodings_that_fit(text).ok());
    match fits {
        Some(fits) if front == Front::Owner && fits.base32 && !fits.hex => SecretEncoding::Base32,
        _ => SecretEncoding::Hex,
    }
}

/// The digits of a code in a field.
pub fn digits(fields: &Fields<'_>, index: usize) -> Result<Option<u32>, Problem> {
    let Some(number) = fields.number(index, "number of digits")? else { return Ok(None) };
    match number {
        4..=10 => Ok(u32::try_from(number).ok()),
        _ => {
            let what =
                if number > 99 { "codes of that many digits".to_owned() } else { format!("codes of {number} digits") };
            Err(Problem { unusable: true, ..fields.problem(index, what, "6, or 8 for other devices") })
        }
    }
}

/// A line of this kind, without what may follow.
pub fn line(row: &Row) -> Result<String, String> {
    let serial = bare_serial(row)?;
    let secret = row.seed.to_hex();
    Ok(format!("{serial}, {}, totp, {}, {}", secret.as_str(), row.effective_digits(), row.effective_step()))
}
