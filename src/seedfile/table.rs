//! Delimited text: commas, semicolons, tabs or blanks, with or without a header.

use ::csv::{Reader, ReaderBuilder, StringRecord, Trim};

use std::io::Read;

use super::blanks::{Squeezed, is_blank_table};
use super::column::is_header;
use super::delimiter::{delimiter_of, separator_line};
use super::names::{LONGEST_STEP_S, kind_of_name, step_of_seconds};
use super::problem::Problem;
use super::remedy::FileRemedy;
use super::row::{Kind, Place, Row};
use super::serial::check_serial;
use super::shown::shown;
use super::suspect::is_one_secret;
use super::suspect::looks_like_a_secret;
use super::text::{Source, broken_line, is_comment};
use crate::device::families::model_of;
use crate::otp::TimeStep;
use crate::seed::{ParsedSeed, SecretEncoding, Seed, SeedError};

/// Records of delimited text, with their lines.
pub struct Records {
    reader: Reader<Box<dyn Read>>,
    record: StringRecord,
    /// The record is to be given once more.
    again: bool,
    /// The words of the header, where there was one.
    names: Vec<String>,
    /// The version that a comment names, as privacyIDEA's files do.
    version: Option<String>,
    is_blank: bool,
    /// Fields may have line ends in them.
    has_long_texts: bool,
    /// The lines of comments.
    comments: Vec<u64>,
}

impl Records {
    /// Finds out the delimiter and begins to read.
    ///
    /// # Errors
    /// A [`Problem`] of the text.
    pub fn new(mut source: Source) -> Result<Self, Problem> {
        let sample = source.sample()?;
        let mut lines = sample.lines().filter(|line| !line.trim().is_empty() && !is_comment(line));
        let first = lines.next().unwrap_or_default();
        let named = separator_line(first);
        let is_blank = named.is_none() && is_blank_table(first);
        let delimiter = if is_blank { b'\t' } else { named.unwrap_or_else(|| delimiter_of(first)) };
        let limited = source.into_lines();
        let text: Box<dyn Read> = if is_blank { Box::new(Squeezed::new(limited)) } else { Box::new(limited) };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .delimiter(delimiter)
            .from_reader(text);
        let mut records = Self {
            reader,
            record: StringRecord::new(),
            again: false,
            names: Vec::new(),
            version: None,
            is_blank,
            has_long_texts: false,
            comments: Vec::new(),
        };
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
        while !std::mem::take(&mut self.again) {
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
            let line = self.record.position().map_or(0, ::csv::Position::line);
            if !self.has_long_texts && self.record.iter().any(|field| field.contains(['\n', '\r'])) {
                let what =
                    "a field goes on behind the end of its line: a quote is not closed, or a text has a line break";
                return Err(Problem::new(line, 0, what, "close the quote, or write the text in one line"));
            }
            // A row or a header that begins with # is none the less one.
            let is_below_header = self.names.len() > 1 && self.record.len() == self.names.len();
            let is_row = |record: &StringRecord| {
                record.iter().any(|field| looks_like_a_secret(field) || field.contains("otpauth://"))
                    || (record.len() > 1 && is_header(record.iter()))
            };
            if self.record.get(0).is_some_and(is_comment) && !is_below_header && !is_row(&self.record) {
                self.comments.push(line);
                let words = self.record.iter().next().unwrap_or_default().trim_start_matches('#').split_once(':');
                if let Some((_, version)) = words.filter(|(name, _)| name.trim().eq_ignore_ascii_case("version")) {
                    self.version = Some(version.trim().to_owned());
                }
            } else if self.record.iter().any(|field| !field.is_empty()) {
                break;
            }
        }
        let line = self.record.position().map_or(0, ::csv::Position::line);
        Ok(Some(Fields { record: &self.record, line, is_blank: self.is_blank, names: &self.names }))
    }

    /// Fields of this table may have line ends in them, such as notes.
    pub fn allow_long_texts(&mut self) {
        self.has_long_texts = true;
    }

    /// The lines that were passed over as comments.
    #[must_use]
    pub fn comments(&self) -> &[u64] {
        &self.comments
    }

    /// Gives the last record once more.
    pub fn repeat(&mut self) {
        self.again = true;
    }

    /// The last record is the header: problems name its words from now on.
    pub fn take_header(&mut self) {
        self.names = self.record.iter().map(str::to_owned).collect();
    }

    /// How many columns the header has.
    #[must_use]
    pub fn header_width(&self) -> usize {
        self.names.len()
    }

    /// The version that a comment above the rows names.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The same, for a format without a header: a first line that is one is told.
    ///
    /// # Errors
    /// A [`Problem`] of that line.
    pub fn without_header(mut self, format: &str) -> Result<Self, Problem> {
        if let Some(first) = self.next()?
            && is_header(first.iter())
        {
            let what = format!("this line is a header, and files of the format {format} have none");
            return Err(first.line_problem(what, FileRemedy::DropFormat));
        }
        self.again = self.record.iter().any(|field| !field.is_empty());
        Ok(self)
    }
}

/// The fields of one record.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    record: &'a StringRecord,
    /// Its line.
    pub line: u64,
    /// Blanks part its columns.
    pub is_blank: bool,
    names: &'a [String],
}

impl<'a> Fields<'a> {
    /// A field, counted from 0; `None` if it is missing or empty.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a str> {
        self.record.get(index).filter(|field| !field.is_empty())
    }

    /// A field that is no free text: `="…"`, which keeps a spreadsheet from changing it, is unwrapped.
    #[must_use]
    pub fn value(&self, index: usize) -> Option<&'a str> {
        let field = self.get(index)?;
        // A blank in front of a quote keeps it from being one.
        let inner = field.strip_prefix('=').map_or(field, str::trim);
        let quoted = inner.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Some(quoted.map_or(field, str::trim)).filter(|field| !field.is_empty())
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
    pub fn problem(&self, index: usize, what: impl Into<String>, remedy: impl Into<FileRemedy>) -> Problem {
        Problem::new(self.line, index as u64 + 1, what, remedy).in_column(self.names.get(index).map(String::as_str))
    }

    /// A problem of the whole line.
    pub fn line_problem(&self, what: impl Into<String>, remedy: impl Into<FileRemedy>) -> Problem {
        Problem::new(self.line, 0, what, remedy)
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
                "check for an extra comma",
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
            self.value(index).ok_or_else(|| self.problem(index, "the serial is missing", "every row needs one"))?;
        check_serial(serial).map_err(|(what, next)| self.problem(index, what, next))?;
        Ok(serial.to_owned())
    }

    /// The secret in a field.
    ///
    /// # Errors
    /// A [`Problem`] that never shows the secret.
    pub fn secret(&self, index: usize, encoding: SecretEncoding) -> Result<ParsedSeed, Problem> {
        let text =
            self.value(index).ok_or_else(|| self.problem(index, "the secret is missing", "every row needs one"))?;
        if !is_one_secret(text) {
            let next = "put each in a column of its own, or write the secret in one piece";
            return Err(self.problem(index, "there is more than a secret: words that are no groups of one", next));
        }
        if text.chars().all(|c| c.is_ascii_digit()) && text.len() <= LONGEST_SERIAL && model_of(text).is_some() {
            let what = "a token's serial is where the secret is expected";
            return Err(self.problem(index, what, FileRemedy::SwapColumns));
        }
        match Seed::parse(text, Some(encoding)) {
            Ok(parsed) => Ok(parsed),
            Err(error) => {
                let other = match encoding {
                    SecretEncoding::Hex => SecretEncoding::Base32,
                    SecretEncoding::Base32 => SecretEncoding::Hex,
                };
                let fits_other = !matches!(error, SeedError::Empty) && Seed::parse(text, Some(other)).is_ok();
                let next = if fits_other {
                    FileRemedy::IfEncodingIs(other)
                } else {
                    format!("this format has {encoding} there").into()
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
        let Some(text) = self.value(index) else { return Ok(None) };
        // Spreadsheets make 30.0 of 30.
        text.strip_suffix(".0").unwrap_or(text).parse().map(Some).map_err(|_| {
            self.problem(index, format!("the {name} is no number: \"{}\"", shown(text)), "use a whole number")
        })
    }

    /// A time step in a field.
    ///
    /// # Errors
    /// A [`Problem`] for what is not a number of seconds.
    pub fn step(&self, index: usize) -> Result<Option<TimeStep>, Problem> {
        let text = self.value(index).unwrap_or_default().to_ascii_lowercase();
        let text = text.trim_end_matches('.');
        let bare = ["seconds", "secs", "sec", "s"].into_iter().find_map(|unit| text.strip_suffix(unit)).map(str::trim);
        let number = match bare.and_then(|text| text.parse::<u64>().ok()) {
            Some(number) => number,
            None => match self.number(index, "time step")? {
                None => return Ok(None),
                Some(number) => number,
            },
        };
        step_of_seconds(number).map(Some).ok_or_else(|| {
            let what = if number > LONGEST_STEP_S {
                "a time step of more than a day".to_owned()
            } else {
                format!("a time step of {number} s")
            };
            self.problem(index, what, "it is 30 or 60 in most files")
        })
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
                    format!("{found} is where this format has \"{wanted}\""),
                    "see docs/formats.md",
                ))
            }
        }
    }
}

/// The fault of a secret of a known encoding.
fn secret_error(error: &SeedError, encoding: SecretEncoding) -> String {
    match error {
        SeedError::BadCharacter { position } => format!("character {position} of the secret is not {encoding}"),
        other => other.to_string().replacen("the seed", "the secret", 1),
    }
}

/// The longest serial of a token in the secret's place, in digits: 8 bytes in hex are no secret.
const LONGEST_SERIAL: usize = 16;

/// The type of a row in a field: totp or hotp.
///
/// # Errors
/// A [`Problem`] for anything else.
pub fn kind(fields: &Fields<'_>, index: usize) -> Result<Kind, Problem> {
    let Some(text) = fields.get(index) else { return Ok(Kind::Totp) };
    kind_of_name(text).ok_or_else(|| {
        let what = format!("the type \"{}\" is neither totp nor hotp", shown(text));
        Problem { unusable: true, ..fields.problem(index, what, "no token can hold it") }
    })
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
