//! Delimited text: commas, semicolons or tabs, with or without a header.

use ::csv::{Reader, ReaderBuilder, StringRecord, Trim};

use super::problem::Problem;
use super::row::{Kind, Place, Row};
use super::text::{Limited, Source, broken_line};
use crate::otp::{Hash, TimeStep};
use crate::seed::{ParsedSeed, SecretEncoding, Seed, SeedError};

/// Records of delimited text, with their lines.
pub struct Records {
    reader: Reader<Limited>,
    record: StringRecord,
    /// Lines in front of what the reader sees: a `sep=` line.
    skipped: u64,
}

impl Records {
    /// Finds out the delimiter and begins to read.
    ///
    /// # Errors
    /// A [`Problem`] of the text.
    pub fn new(mut source: Source) -> Result<Self, Problem> {
        let sample = source.sample()?;
        let first = sample.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let named = separator_line(first);
        let delimiter = named.unwrap_or_else(|| delimiter_of(first));
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .delimiter(delimiter)
            .from_reader(source.into_lines());
        let mut records = Self { reader, record: StringRecord::new(), skipped: 0 };
        if named.is_some() {
            records.next()?;
        }
        Ok(records)
    }

    /// The next record that has any content, and its line.
    ///
    /// # Errors
    /// A [`Problem`] of the text: it cannot be read on.
    #[allow(clippy::should_implement_trait, reason = "a record is lent, which an iterator cannot do")]
    pub fn next(&mut self) -> Result<Option<Fields<'_>>, Problem> {
        loop {
            let more = self.reader.read_record(&mut self.record).map_err(|error| {
                let line = error.position().map_or(0, ::csv::Position::line);
                match error.into_kind() {
                    ::csv::ErrorKind::Io(error) => broken_line(&error),
                    ::csv::ErrorKind::Utf8 { .. } => {
                        Problem::new(line, 0, "the line is not UTF-8", "save the file as UTF-8")
                    }
                    _ => Problem::new(line, 0, "the line cannot be read", "look at its quotes"),
                }
            })?;
            if !more {
                return Ok(None);
            }
            if self.record.iter().any(|field| !field.is_empty()) {
                break;
            }
        }
        let line = self.record.position().map_or(0, ::csv::Position::line) + self.skipped;
        Ok(Some(Fields { record: &self.record, line }))
    }
}

/// The fields of one record.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    record: &'a StringRecord,
    /// Its line.
    pub line: u64,
}

impl<'a> Fields<'a> {
    /// A field, counted from 0; `None` if it is missing or empty.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a str> {
        self.record.get(index).filter(|field| !field.is_empty())
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.record.iter()
    }

    /// The number of fields, without empty ones at the end: a trailing comma is no field.
    #[must_use]
    pub fn count(&self) -> usize {
        (0..self.record.len()).rev().find(|index| self.get(*index).is_some()).map_or(0, |last| last + 1)
    }

    /// A problem in a field, counted from 0.
    pub fn problem(&self, index: usize, what: impl Into<String>, next: impl Into<String>) -> Problem {
        Problem::new(self.line, index as u64 + 1, what, next)
    }

    /// A problem of the whole line.
    pub fn line_problem(&self, what: impl Into<String>, next: impl Into<String>) -> Problem {
        Problem::new(self.line, 0, what, next)
    }

    /// The place of a field, counted from 0.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { line: self.line, column: 0 }
    }

    /// Refuses more fields than a format has.
    ///
    /// # Errors
    /// A [`Problem`] of the first one too many.
    pub fn at_most(&self, count: usize) -> Result<(), Problem> {
        if self.count() > count {
            return Err(self.problem(
                count,
                format!("there are {} fields, {count} at most", self.count()),
                "look for a comma too many",
            ));
        }
        Ok(())
    }

    /// The serial in a field. It is text: what a spreadsheet made of it is refused.
    ///
    /// # Errors
    /// A [`Problem`] for a missing serial, one in scientific notation, or an over-long one.
    pub fn serial(&self, index: usize) -> Result<String, Problem> {
        let serial =
            self.get(index).ok_or_else(|| self.problem(index, "the serial is missing", "every row needs one"))?;
        check_serial(serial).map_err(|(what, next)| self.problem(index, what, next))?;
        Ok(serial.to_owned())
    }

    /// The secret in a field.
    ///
    /// # Errors
    /// A [`Problem`] that never shows the secret.
    pub fn secret(&self, index: usize, encoding: SecretEncoding) -> Result<ParsedSeed, Problem> {
        let text =
            self.get(index).ok_or_else(|| self.problem(index, "the secret is missing", "every row needs one"))?;
        match Seed::parse(text, Some(encoding)) {
            Ok(parsed) => Ok(parsed),
            Err(error) => {
                let other = match encoding {
                    SecretEncoding::Hex => SecretEncoding::Base32,
                    SecretEncoding::Base32 => SecretEncoding::Hex,
                };
                let next = if matches!(error, SeedError::BadCharacter { .. }) && Seed::parse(text, Some(other)).is_ok()
                {
                    format!("it would fit as {other}: use --secret-encoding {other} if it is that")
                } else {
                    format!("this format has {encoding} there")
                };
                Err(self.problem(index, secret_error(&error, encoding), next))
            }
        }
    }

    /// A whole number in a field that must be there.
    ///
    /// # Errors
    /// A [`Problem`] for what is no number.
    pub fn number(&self, index: usize, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.get(index) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            self.problem(index, format!("the {name} is no number: \"{}\"", shown(text)), "give a whole number")
        })
    }

    /// A time step in a field.
    ///
    /// # Errors
    /// A [`Problem`] for what is not a number of seconds.
    pub fn step(&self, index: usize) -> Result<Option<TimeStep>, Problem> {
        let Some(number) = self.number(index, "time step")? else { return Ok(None) };
        let step = u32::try_from(number).ok().filter(|step| *step <= 86_400).and_then(TimeStep::new);
        step.map(Some)
            .ok_or_else(|| self.problem(index, format!("a time step of {number} s"), "it is 30 or 60 in most files"))
    }

    /// Checks a field that has the same text in every row, in any case.
    ///
    /// # Errors
    /// A [`Problem`] for anything else.
    pub fn expect(&self, index: usize, wanted: &str) -> Result<(), Problem> {
        match self.get(index) {
            Some(text) if text.eq_ignore_ascii_case(wanted) => Ok(()),
            found => {
                let found = found.map_or_else(|| "nothing".to_owned(), |text| format!("\"{}\"", shown(text)));
                Err(self.problem(
                    index,
                    format!("{found} stands where this format has \"{wanted}\""),
                    "see docs/formats.md",
                ))
            }
        }
    }
}

/// What is wrong with a secret of a known encoding.
fn secret_error(error: &SeedError, encoding: SecretEncoding) -> String {
    match error {
        SeedError::BadCharacter { position } => format!("character {position} of the secret is not {encoding}"),
        other => other.to_string().replacen("the seed", "the secret", 1),
    }
}

/// A harmless field as a message shows it: escaped, and not without end.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

/// Whether a text can be a serial.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn check_serial(serial: &str) -> Result<(), (String, &'static str)> {
    let mantissa = serial.split(['e', 'E']).next().unwrap_or_default();
    let is_scientific = serial.len() > mantissa.len()
        && !mantissa.is_empty()
        && mantissa.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        && serial.contains(['.', '+'])
        && serial
            .get(mantissa.len() + 1..)
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-')));
    if is_scientific {
        return Err((
            format!("the serial \"{}\" was destroyed by a spreadsheet", shown(serial)),
            "take it from the original file; import that column as text",
        ));
    }
    if serial.len() > 128 {
        return Err((
            format!("the serial has {} characters, 128 at most", serial.len()),
            "is that the serial's column?",
        ));
    }
    if serial.chars().any(char::is_control) {
        return Err((format!("the serial \"{}\" has control characters", shown(serial)), "remove them"));
    }
    Ok(())
}

/// `sep=;` as spreadsheets write it into the first line.
fn separator_line(line: &str) -> Option<u8> {
    match line.trim().as_bytes() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] => Some(*separator),
        _ => None,
    }
}

/// The delimiter that a line has most of, outside quotes.
fn delimiter_of(line: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in line.bytes() {
        quoted ^= byte == b'"';
        if !quoted && let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte) {
            *count += 1;
        }
    }
    // The comma wins where there is nothing to count.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// The type of a row in a field: totp or hotp.
///
/// # Errors
/// A [`Problem`] for anything else.
pub fn kind(fields: &Fields<'_>, index: usize) -> Result<Kind, Problem> {
    match fields.get(index).map(str::to_ascii_lowercase).as_deref() {
        None | Some("totp") => Ok(Kind::Totp),
        Some("hotp") => Ok(Kind::Hotp),
        Some(other) => {
            Err(fields.problem(index, format!("the type \"{}\" is neither totp nor hotp", shown(other)), ""))
        }
    }
}

/// A hash's name as files write it: `SHA1`, `sha-256`, `HMAC-SHA256`, `hmacsha512`.
#[must_use]
pub fn hash_of_name(name: &str) -> Option<Hash> {
    let plain: String = name.to_ascii_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.trim_start_matches("HMAC") {
        "SHA1" => Some(Hash::Sha1),
        "SHA256" => Some(Hash::Sha256),
        "SHA512" => Some(Hash::Sha512),
        _ => None,
    }
}

/// Rows of records, read by one function a record; the first broken text ends them.
pub fn rows<F>(mut records: Records, mut read: F) -> impl Iterator<Item = Result<Row, Problem>>
where
    F: FnMut(&Fields<'_>) -> Result<Row, Problem>,
{
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        match records.next() {
            Ok(Some(fields)) => Some(read(&fields)),
            Ok(None) => None,
            Err(problem) => {
                ended = true;
                Some(Err(problem))
            }
        }
    })
}
