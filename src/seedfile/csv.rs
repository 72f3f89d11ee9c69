//! `csv`, the tool's own format: a header, and every field that a row can have. Other headers are read by their words.

use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, quoted};
use super::oath_line::digits;
use super::problem::Problem;
use super::row::{Field, Kind, Row};
use super::table::{Fields, Records, check_serial, hash_of_name, kind, rows, shown};
use super::text::Source;
use crate::seed::{SecretEncoding, encodings_that_fit};

/// The columns, in the order in which they are written.
pub const HEADER: [&str; 12] = [
    "serial",
    "secret",
    "type",
    "hash",
    "step",
    "counter",
    "digits",
    "upn",
    "manufacturer",
    "model",
    "issuer",
    "account",
];

/// Other words for the columns, as people's tables have them.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("serial number", "serial"),
    ("serialnumber", "serial"),
    ("sn", "serial"),
    ("secret key", "secret"),
    ("secretkey", "secret"),
    ("seed", "secret"),
    ("key", "secret"),
    ("algorithm", "hash"),
    ("algo", "hash"),
    ("period", "step"),
    ("time step", "step"),
    ("time interval", "step"),
    ("timeinterval", "step"),
    ("user", "upn"),
    ("username", "upn"),
    ("email", "upn"),
];

/// How many rows are looked at to settle the encoding of a column of secrets.
const MAX_LOOKED_AT: usize = 100_000;

/// The format.
pub const FORMAT: Format = Format {
    name: "csv",
    title: "tokentap's own, which keeps everything",
    carries: &Field::ALL,
    one_kind: false,
    fits,
    read,
    write: Some(Write { begin, row, end: "" }),
};

fn fits(sample: &Sample<'_>) -> bool {
    let named = |wanted: &str| sample.fields.iter().any(|field| column_of(field) == Some(wanted));
    let others = sample.has_field("upn") && sample.has_field("secret key") || sample.has_field("profile");
    named("secret") && !others
}

/// The column that a header's word means.
fn column_of(word: &str) -> Option<&'static str> {
    let word = word.trim().to_lowercase();
    let own = HEADER.iter().find(|column| **column == word);
    own.or_else(|| OTHER_WORDS.iter().find(|(other, _)| *other == word).map(|(_, column)| column)).copied()
}

/// Which field of a record has which column.
struct Columns([Option<usize>; HEADER.len()]);

impl Columns {
    fn of_words<'a>(words: impl Iterator<Item = &'a str>, line: u64) -> Result<Self, Problem> {
        let mut columns = [None; HEADER.len()];
        for (index, word) in words.enumerate() {
            let Some(column) = column_of(word).and_then(|name| HEADER.iter().position(|own| *own == name)) else {
                continue;
            };
            if let Some(slot) = columns.get_mut(column)
                && slot.replace(index).is_some()
            {
                let what = format!("the column \"{}\" is there twice", shown(word));
                return Err(Problem::new(line, index as u64 + 1, what, "remove one"));
            }
        }
        let columns = Self(columns);
        if columns.at("secret").is_none() {
            return Err(Problem::new(
                line,
                0,
                "no column is called secret",
                "give the file a header, or use --columns",
            ));
        }
        Ok(columns)
    }

    fn at(&self, name: &str) -> Option<usize> {
        let index = HEADER.iter().position(|column| *column == name)?;
        self.0.get(index).copied().flatten()
    }
}

fn read(mut source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let is_own = source.sample()?.lines().next().is_some_and(|line| line.trim_end() == HEADER.join(","));
    let mut records = Records::new(source)?;
    let columns = match &options.columns {
        Some(words) => Columns::of_words(words.iter().map(String::as_str), 0)?,
        None => {
            let Some(header) = records.next()? else {
                return Err(Problem::of_file("the file is empty", "give a header and rows"));
            };
            Columns::of_words(header.iter(), header.line)?
        }
    };
    let known = options.secret_encoding.or(is_own.then_some(SecretEncoding::Base32));
    match known {
        Some(encoding) => Ok(Box::new(rows(records, move |fields| one(fields, &columns, encoding)))),
        None => undecided(records, columns),
    }
}

/// A column of secrets that could be hex or Base32 is settled by looking at all of it.
fn undecided(mut records: Records, columns: Columns) -> Result<Rows, Problem> {
    let secret = columns.at("secret").unwrap_or_default();
    let (mut hex, mut base32) = (true, true);
    let mut kept = Vec::new();
    while let Some(fields) = records.next()? {
        if let Some(fits) = fields.get(secret).and_then(|text| encodings_that_fit(text).ok()) {
            // A row that fits neither is a broken one: it says nothing of the others.
            if fits.hex || fits.base32 {
                (hex, base32) = (hex && fits.hex, base32 && fits.base32);
            }
        }
        kept.push((one(&fields, &columns, SecretEncoding::Hex), one(&fields, &columns, SecretEncoding::Base32)));
        if kept.len() > MAX_LOOKED_AT {
            let what =
                format!("the file has more than {MAX_LOOKED_AT} rows and does not say how its secrets are written");
            return Err(Problem::of_file(what, "use --secret-encoding hex or --secret-encoding base32"));
        }
    }
    match (hex, base32) {
        (true, false) => Ok(Box::new(kept.into_iter().map(|(as_hex, _)| as_hex))),
        (false, true) => Ok(Box::new(kept.into_iter().map(|(_, as_base32)| as_base32))),
        (true, true) => Err(Problem::of_file(
            "all secrets could be hex or Base32",
            "say which: --secret-encoding hex or --secret-encoding base32",
        )),
        (false, false) => Err(Problem::of_file(
            "some secrets can only be hex and others only Base32",
            "write all of them in one encoding",
        )),
    }
}

fn one(fields: &Fields<'_>, columns: &Columns, encoding: SecretEncoding) -> Result<Row, Problem> {
    let at = |name: &str| columns.at(name);
    let text = |name: &str| at(name).and_then(|index| fields.get(index)).map(str::to_owned);
    let mut row = Row::of_parsed(fields.secret(at("secret").unwrap_or_default(), encoding)?);
    if let Some((index, serial)) = at("serial").and_then(|index| Some((index, fields.get(index)?))) {
        check_serial(serial).map_err(|(what, next)| fields.problem(index, what, next))?;
        row.serial = Some(serial.to_owned());
    }
    if let Some(index) = at("type") {
        row.kind = kind(fields, index)?;
    }
    if let Some((index, name)) = at("hash").and_then(|index| Some((index, fields.get(index)?))) {
        row.hash = Some(hash_of_name(name).ok_or_else(|| {
            fields.problem(index, format!("the hash \"{}\" is not known", shown(name)), "SHA1, SHA256 or SHA512")
        })?);
    }
    row.step = at("step").map(|index| fields.step(index)).transpose()?.flatten();
    row.counter = at("counter").map(|index| fields.number(index, "counter")).transpose()?.flatten();
    row.digits = at("digits").map(|index| digits(fields, index)).transpose()?.flatten();
    row.user = text("upn");
    row.manufacturer = text("manufacturer");
    row.model = text("model");
    row.issuer = text("issuer");
    row.account = text("account");
    row.place = fields.place();
    Ok(row)
}

fn begin(_: &WriteOptions) -> String {
    format!("{}\n", HEADER.join(","))
}

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let text = |field: &Option<String>| quoted(field.as_deref().unwrap_or_default());
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    Ok(Zeroizing::new(format!(
        "{},{},{},{},{},{},{},{},{},{},{},{}\n",
        text(&row.serial),
        row.seed.to_base32().as_str(),
        if row.kind == Kind::Hotp { "hotp" } else { "totp" },
        row.hash.map(|hash| hash.to_string()).unwrap_or_default(),
        number(row.step.map(|step| step.seconds().into())),
        number(row.counter),
        number(row.digits.map(u64::from)),
        text(&row.user),
        text(&row.manufacturer),
        text(&row.model),
        text(&row.issuer),
        text(&row.account),
    )))
}

/// The header line, with its line end.
#[must_use]
pub fn header() -> String {
    begin(&WriteOptions::default())
}

/// One row as a line, with its line end.
///
/// # Errors
/// Why the row cannot be written.
pub fn line_of(one: &Row) -> Result<Zeroizing<String>, String> {
    row(one, &WriteOptions::default(), true)
}

/// One row with its header, as a file of its own.
///
/// # Errors
/// Why the row cannot be written.
pub fn file_of(one: &Row) -> Result<Zeroizing<String>, String> {
    Ok(Zeroizing::new(format!("{}{}", header(), line_of(one)?.as_str())))
}
