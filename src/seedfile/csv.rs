//! `csv`, the tool's own format: a header, and every field that a row can have. Other tables are read by the words of their
//! header, and those of a serial and a secret without one.

use std::cell::RefCell;
use std::rc::Rc;

use zeroize::Zeroizing;

use super::blanks::{is_blank_table, looks_like_a_serial};
use super::column::{Column, is_header, looks_like_a_code_setting, meaning_of};
use super::csv_columns::{Columns, HEADER, Unknown};
use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, quoted, used_fields};
use super::logins::is_logins;
use super::molto2::slot_of;
use super::names::hash_of_name;
use super::oath_line::digits;
use super::problem::Problem;
use super::remedy::FileRemedy;
use super::row::{Field, Kind, Row};
use super::shown::shown;
use super::suspect::{SHORTEST_SECRET, looks_like_a_secret};
use super::table::{Fields, Records, kind, rows};
use super::text::Source;
use crate::seed::{SecretEncoding, encodings_that_fit};

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
    if sample.text.trim_start().starts_with(['{', '[', '<']) {
        return false;
    }
    if is_blank_table(sample.first) {
        return true;
    }
    let others =
        is_logins(sample) || sample.has_field("upn") && sample.has_field("secret key") || sample.has_field("profile");
    let is_secret = |field: &String| meaning_of(field).is_secret();
    // Hex in two columns is duo's and pingid's.
    let is_hex_secret = sample.is_hex(1) && sample.fields.get(1).is_some_and(|field| looks_like_a_secret(field));
    sample.fields.iter().any(is_secret) && !others || is_pair(&sample.fields) && !is_hex_secret
}

/// Whether fields are a serial and a secret, and nothing else.
fn is_pair(fields: &[String]) -> bool {
    let (Some(one), Some(other), 2) = (fields.first(), fields.get(1), used_fields(fields)) else { return false };
    is_serial_and_secret(one, other) || is_serial_and_secret(other, one)
}

fn is_serial_and_secret(serial: &str, secret: &str) -> bool {
    // Short serials of a server's own, such as T1.
    let is_short = serial.len() < SHORTEST_SECRET
        && serial.chars().any(|c| c.is_ascii_digit())
        && serial.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'));
    let is_secret = looks_like_a_secret(secret)
        || (secret.len() >= SHORTEST_SECRET && encodings_that_fit(secret).is_ok_and(|fits| fits.base32 && !fits.hex));
    is_secret && (looks_like_a_serial(serial) || is_short)
}

fn read(mut source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let is_own = source
        .sample()?
        .lines()
        .next()
        .is_some_and(|line| line.trim_end().trim_end_matches(",slot") == HEADER.join(","));
    read_table(source, options, is_own.then_some(SecretEncoding::Base32), false)
}

/// A table of another format that must have a header; its secrets are written in this encoding, if nothing says otherwise.
///
/// # Errors
/// A [`Problem`] of the file as a whole, or of its header.
pub fn read_with_header(source: Source, options: &ReadOptions, usual: SecretEncoding) -> Result<Rows, Problem> {
    read_table(source, options, Some(usual), true)
}

fn read_table(
    source: Source,
    options: &ReadOptions,
    usual: Option<SecretEncoding>,
    needs_header: bool,
) -> Result<Rows, Problem> {
    let mut records = Records::new(source)?;
    let mut notes = Vec::new();
    let Some(first) = records.next()? else {
        return Err(Problem::of_file("the file is empty", "use a header and rows"));
    };
    let line = first.line;
    let has_header = is_header(first.iter());
    let columns = match &options.columns {
        Some(words) => {
            let columns = Columns::of_words(words.iter().map(String::as_str), 0, true)?;
            if has_header {
                columns.check_against(&first)?;
                let what = "this line is a header and no row: the columns are those of the list of columns";
                notes.push(Problem::new(line, 0, what, "").as_warning());
            }
            columns
        }
        None if has_header => Columns::of_words(first.iter(), line, false)?,
        None if needs_header => {
            let what = "this line is no header, and files of this format begin with one";
            return Err(first.line_problem(what, FileRemedy::HeaderOrNoFormat));
        }
        None => pair(&first)?,
    };
    if has_header {
        records.take_header();
    } else {
        records.repeat();
    }
    for (index, word) in columns.unknown.iter().filter(|(_, word)| !word.is_empty()) {
        let what = format!("the column \"{}\" is not read", shown(word));
        notes.push(Problem::new(line, *index as u64 + 1, what, "").as_warning());
    }
    let known = options.secret_encoding.or(columns.encoding).or(usual);
    let seen = Rc::new(RefCell::new(Unknown::of(&columns, line)));
    let watched = Rc::clone(&seen);
    let width = match &options.columns {
        Some(words) => Some(words.len()),
        None => has_header.then(|| records.header_width()),
    };
    let columns = Rc::new(columns);
    let read: Rows = match known {
        Some(encoding) => Box::new(rows(records, move |fields| {
            watched.borrow_mut().see(fields);
            one(fields, &columns, width, encoding)
        })),
        None => undecided(records, &columns, width, &watched)?,
    };
    // What the values of an unknown column look like is known behind the last row.
    let end = std::iter::once_with(move || seen.borrow().problems()).flatten().map(Err);
    Ok(Box::new(notes.into_iter().map(Err).chain(read).chain(end)))
}

/// The columns of a table without a header: two of them, and the first line shows that they are serial and secret.
fn pair(first: &Fields<'_>) -> Result<Columns, Problem> {
    let fields: Vec<String> = first.iter().map(str::to_owned).collect();
    if let ([one, other, ..], true) = (fields.as_slice(), is_pair(&fields)) {
        return Ok(Columns::pair(usize::from(!is_serial_and_secret(one, other))));
    }
    let what = format!("this line is no header, and not a serial with a secret: it has {} fields", first.count());
    let remedy = match guessed_columns(&fields) {
        Some(columns) => FileRemedy::NameColumns(columns),
        None => "add a header with the words serial and secret to the file".into(),
    };
    Err(first.line_problem(what, remedy))
}

/// A suggestion for `--columns` by a line's fields: what looks like a serial, what like a secret, and "-" for all others.
fn guessed_columns(fields: &[String]) -> Option<String> {
    let is_one = |is: fn(&str) -> bool| fields.iter().filter(|field| is(field)).count() == 1;
    if !is_one(looks_like_a_secret) || !is_one(looks_like_a_serial) {
        return None;
    }
    // What may change the codes is not to be left out.
    let is_setting = |field: &String| looks_like_a_code_setting("", std::slice::from_ref(field));
    if fields.iter().any(|field| !field.is_empty() && !looks_like_a_secret(field) && is_setting(field)) {
        return None;
    }
    let name = |field: &String| match (looks_like_a_secret(field), looks_like_a_serial(field)) {
        (true, _) => "secret",
        (false, true) => "serial",
        (false, false) => "-",
    };
    Some(fields.iter().map(name).collect::<Vec<_>>().join(","))
}

/// A column of secrets that could be hex or Base32 is settled by looking at all of it.
fn undecided(
    mut records: Records,
    columns: &Rc<Columns>,
    width: Option<usize>,
    watched: &Rc<RefCell<Unknown>>,
) -> Result<Rows, Problem> {
    let secret = columns.index(Column::Secret).unwrap_or_default();
    let (mut hex, mut base32, mut is_any) = (true, true, false);
    let mut kept = Vec::new();
    while let Some(fields) = records.next()? {
        watched.borrow_mut().see(&fields);
        let fits = fields.value(secret).and_then(|text| encodings_that_fit(text).ok());
        if let Some(fits) = &fits {
            // A row that fits neither is a broken one: it says nothing of the others.
            if fits.hex || fits.base32 {
                (hex, base32, is_any) = (hex && fits.hex, base32 && fits.base32, true);
            }
        }
        let read = |encoding| one(&fields, columns, width, encoding);
        kept.push((read(SecretEncoding::Hex), read(SecretEncoding::Base32), fits));
        if kept.len() > MAX_LOOKED_AT {
            let what =
                format!("the file has more than {MAX_LOOKED_AT} rows and does not say how its secrets are written");
            return Err(Problem::of_file(what, FileRemedy::StateEncoding));
        }
    }
    match (hex, base32) {
        (true, false) => Ok(Box::new(kept.into_iter().map(|(as_hex, ..)| as_hex))),
        (false, true) => Ok(Box::new(kept.into_iter().map(|(_, as_base32, _)| as_base32))),
        // None can be read: what is wrong with each is said.
        (true, true) if !is_any => Ok(Box::new(kept.into_iter().map(|(_, as_base32, _)| as_base32))),
        (true, true) => Err(Problem::of_file("all secrets could be hex or Base32", FileRemedy::StateEncoding)),
        // Each row by the only encoding that it can have.
        (false, false) => Ok(Box::new(kept.into_iter().map(|(as_hex, as_base32, fits)| match fits {
            Some(fits) if fits.hex && fits.base32 => as_hex.and_then(|row| {
                let what = "the secret could be hex or Base32, and other rows have either";
                Err(Problem::at(row.place, what, FileRemedy::OneEncoding))
            }),
            Some(fits) if fits.hex => as_hex,
            _ => as_base32,
        }))),
    }
}

fn one(fields: &Fields<'_>, columns: &Columns, width: Option<usize>, encoding: SecretEncoding) -> Result<Row, Problem> {
    let at = |column: Column| columns.index(column);
    let text = |column: Column| at(column).and_then(|index| fields.get(index)).map(str::to_owned);
    if fields.is_blank && width.is_some_and(|width| fields.count() != width) {
        let what = format!("there are {} pieces, and the header has {}", fields.count(), width.unwrap_or_default());
        return Err(
            fields.line_problem(what, "separate the columns with commas: between blanks an empty one cannot be seen")
        );
    }
    // A field behind the last column belongs to nothing that the header names.
    fields.at_most(width.unwrap_or_else(|| columns.at.iter().map(|(_, index)| index + 1).max().unwrap_or_default()))?;
    let mut row = Row::of_parsed(fields.secret(at(Column::Secret).unwrap_or_default(), encoding)?);
    if let Some(index) = at(Column::Serial).filter(|index| fields.get(*index).is_some()) {
        row.serial = Some(fields.serial(index)?);
    }
    row.counter = at(Column::Counter).map(|index| fields.number(index, "counter")).transpose()?.flatten();
    row.kind = match at(Column::Type).filter(|index| fields.get(*index).is_some()) {
        Some(index) => {
            row.kind_is_stated = true;
            kind(fields, index)?
        }
        None if row.counter.is_some() && at(Column::Step).is_some_and(|index| fields.value(index).is_some()) => {
            return Err(fields.line_problem(
                "the row has a time step and a counter, and does not say its type",
                "add a column type with totp or hotp, or empty one of the two",
            ));
        }
        // Only codes that count presses have a counter.
        None if row.counter.is_some() => Kind::Hotp,
        None => Kind::Totp,
    };
    if let Some(index) = at(Column::Counter).filter(|_| row.kind == Kind::Totp && row.counter.is_some_and(|at| at > 0))
    {
        return Err(fields.problem(index, "a totp row has a counter", "empty it, or make the type hotp"));
    }
    row.counter = row.counter.filter(|_| row.kind == Kind::Hotp);
    if let Some((index, name)) = at(Column::Hash).and_then(|index| Some((index, fields.get(index)?))) {
        row.hash = Some(hash_of_name(name).ok_or_else(|| {
            fields.problem(index, format!("the hash \"{}\" is not known", shown(name)), "SHA1, SHA256 or SHA512")
        })?);
    }
    row.step = at(Column::Step).map(|index| fields.step(index)).transpose()?.flatten();
    row.digits = at(Column::Digits).map(|index| digits(fields, index)).transpose()?.flatten();
    row.user = text(Column::User);
    row.manufacturer = text(Column::Manufacturer);
    row.model = text(Column::Model);
    row.issuer = text(Column::Issuer);
    row.account = text(Column::Account);
    if let Some((index, slot)) = at(Column::Slot).map(|index| Ok((index, fields.number(index, "slot")?))).transpose()? {
        let known = slot.map(slot_of).transpose();
        row.slot = known.map_err(|what| fields.problem(index, what, "use a number from 0 to 99, or leave it empty"))?;
    }
    row.place = fields.place();
    Ok(row)
}

fn begin(options: &WriteOptions) -> String {
    format!("{}{}\n", HEADER.join(","), if options.slots { ",slot" } else { "" })
}

/// A row, with its slot in a last column where the first one names a slot.
fn row(row: &Row, options: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let line = line_of(row)?;
    match (options.slots, row.slot) {
        (false, None) => Ok(line),
        (false, Some(_)) => Err("it names a slot, and the first row does not".to_owned()),
        (true, slot) => {
            let slot = slot.map(|slot| slot.to_string()).unwrap_or_default();
            Ok(Zeroizing::new(format!("{},{slot}\n", line.trim_end_matches('\n'))))
        }
    }
}

/// One row as a line, with its line end and without its slot.
///
/// # Errors
/// Why the row cannot be written.
pub fn line_of(row: &Row) -> Result<Zeroizing<String>, String> {
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

/// One row with its header, as a file of its own.
///
/// # Errors
/// Why the row cannot be written.
pub fn file_of(one: &Row) -> Result<Zeroizing<String>, String> {
    Ok(Zeroizing::new(format!("{}{}", header(), line_of(one)?.as_str())))
}
