//! `aegis`: an export of the Aegis authenticator, read only.

use serde_json::Value;

use super::format::{Format, ReadOptions, Rows, Sample};
use super::json::{self, parse_json};
use super::names::{hash_of_name, kind_of_name};
use super::problem::{Fault, Problem};
use super::remedy::FileRemedy;
use super::row::{Field, Kind, Place, Row};
use super::shown::shown;
use super::text::Source;
use super::vault;
use crate::otp::TimeStep;
use crate::seed::{SecretEncoding, Seed};

/// The format.
pub const FORMAT: Format = Format {
    name: "aegis",
    title: "Aegis, export",
    carries: &[Field::Counter, Field::Hash, Field::Step, Field::Digits, Field::Issuer, Field::Account],
    one_kind: false,
    fits: |sample: &Sample<'_>| {
        sample.text.trim_start().starts_with('{')
            && sample.text.contains("\"db\"")
            && sample.text.contains("\"header\"")
    },
    read,
    write: None,
};

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let root = parse_json(&source.into_whole()?)?;
    let opened = match (root.get("db").is_some_and(Value::is_string), &options.password) {
        (false, _) => None,
        (true, None) => return Err(Problem::of_locked(FileRemedy::PasswordOrPlain)),
        (true, Some(password)) => Some(opened(vault::aegis(&root, password))?),
    };
    let entries = opened.as_ref().map_or_else(|| root.pointer("/db/entries"), |db| db.pointer("/entries"));
    let Some(entries) = entries.and_then(Value::as_array) else {
        return Err(Problem::of_file("there is no list of entries in this Aegis export", "export it again"));
    };
    let read: Vec<_> = (1..).zip(entries).map(|(number, entry)| one(number, entry)).collect();
    Ok(Box::new(read.into_iter()))
}

/// The decrypted content, as JSON.
pub fn opened(plain: Result<vault::Plain, &'static str>) -> Result<Value, Problem> {
    let plain = plain.map_err(|what| Problem::of_file(what, FileRemedy::Password))?;
    let broken = || Problem::of_file("what the export holds is not JSON", "export it again");
    parse_json(std::str::from_utf8(&plain).map_err(|_| broken())?).map_err(|_| broken())
}

fn one(number: u64, entry: &Value) -> Result<Row, Problem> {
    let place = Place { line: number, column: 0 };
    let read = || -> Result<Row, Fault> {
        let of = |pointer: &str| json::text(entry.pointer(pointer), pointer);
        let count = |pointer: &str| json::number(entry.pointer(pointer), pointer);
        let account = Account {
            kind: of("/type")?.unwrap_or_default(),
            secret: of("/info/secret")?.unwrap_or_default(),
            hash: of("/info/algo")?,
            digits: count("/info/digits")?,
            step: count("/info/period")?,
            counter: count("/info/counter")?,
            issuer: of("/issuer")?.unwrap_or_default(),
            name: of("/name")?.unwrap_or_default(),
        };
        account.into_row(place)
    };
    read().map_err(|fault| fault.at(place))
}

/// An account of an authenticator, as its export has it.
pub struct Account<'a> {
    /// totp or hotp, in any case.
    pub kind: &'a str,
    /// Base32.
    pub secret: &'a str,
    /// The hash's name.
    pub hash: Option<&'a str>,
    /// Digits of a code.
    pub digits: Option<u64>,
    /// Time step in seconds.
    pub step: Option<u64>,
    /// The counter, for HOTP.
    pub counter: Option<u64>,
    /// The issuer.
    pub issuer: &'a str,
    /// Its user.
    pub name: &'a str,
}

impl Account<'_> {
    /// The account as a row.
    ///
    /// # Errors
    /// A [`Fault`] that never shows the secret.
    pub fn into_row(self, place: Place) -> Result<Row, Fault> {
        let broken = |what: String| Fault::new(what, "remove this entry from the export");
        let kind = kind_of_name(self.kind).ok_or_else(|| {
            Fault::unusable(format!("an entry of the type \"{}\", neither totp nor hotp", shown(self.kind)))
        })?;
        let parsed =
            Seed::parse(self.secret, Some(SecretEncoding::Base32)).map_err(|error| broken(error.to_string()))?;
        let mut row = Row::of_parsed(parsed);
        (row.kind, row.kind_is_stated) = (kind, true);
        row.hash = match self.hash {
            None => None,
            Some(name) => Some(
                hash_of_name(name)
                    .ok_or_else(|| Fault::unusable(format!("the hash \"{}\" is not known", shown(name))))?,
            ),
        };
        let small = |number: Option<u64>, name: &str| match number.map(u32::try_from) {
            None => Ok(None),
            Some(Ok(number)) if (1..=86_400).contains(&number) => Ok(Some(number)),
            Some(_) => Err(broken(format!("{name} is out of bounds"))),
        };
        row.digits = small(self.digits, "the number of digits")?;
        row.step = if kind == Kind::Totp { small(self.step, "the time step")?.and_then(TimeStep::new) } else { None };
        row.counter = self.counter.filter(|_| kind == Kind::Hotp);
        row.issuer = Some(self.issuer.to_owned()).filter(|text| !text.is_empty());
        row.account = Some(self.name.to_owned()).filter(|text| !text.is_empty());
        row.place = place;
        Ok(row)
    }
}
