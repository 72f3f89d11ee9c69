//! A format: its fields, and how it is recognised, read and written.

use zeroize::Zeroizing;

use super::column::is_header;
use super::problem::Problem;
use super::pskc_crypto::PskcKeys;
use super::row::{Field, Row};
use super::text::{Source, is_comment};
use crate::seed::SecretEncoding;

/// Rows as they are read, one after the other, good ones and bad ones.
pub type Rows = Box<dyn Iterator<Item = Result<Row, Problem>>>;

/// The user's word on a file beside its format.
#[derive(Default)]
pub struct ReadOptions {
    /// How its secrets are written, where the format's own encoding does not hold.
    pub secret_encoding: Option<SecretEncoding>,
    /// Duo's third field is a counter, not a time step.
    pub hotp: bool,
    /// The columns of a table without a header.
    pub columns: Option<Vec<String>>,
    /// The format was recognised, not named: where it could be another one too, a row that this would change is refused.
    pub is_guessed: bool,
    /// The key of an encrypted PSKC file.
    pub pskc: Option<PskcKeys>,
    /// The password of an authenticator's encrypted export.
    pub password: Option<Zeroizing<String>>,
}

/// The user's word on a file to write.
#[derive(Default, Clone)]
pub struct WriteOptions {
    /// The keys that a PSKC file is encrypted under.
    pub pskc: Option<PskcKeys>,
    /// Older Entra files have `timeinterval` in their header.
    pub entra_timeinterval: bool,
    /// PSKC's hashes are named `HMAC-SHA256` and not `SHA256`, for servers that want it so.
    pub pskc_suite_hmac: bool,
    /// The first row names the slot that it is for: `csv` has a column for that.
    pub slots: bool,
}

/// The beginning of a file, as the formats look at it to recognise themselves.
pub struct Sample<'a> {
    /// The text.
    pub text: &'a str,
    /// The first line that has any content and is no `sep=`.
    pub first: &'a str,
    /// Its fields, trimmed, in lower case.
    pub fields: Vec<String>,
    /// The fields of the first lines.
    pub rows: Vec<Vec<String>>,
}

/// How many lines are looked at to recognise a format.
const LOOKED_AT: usize = 50;

fn fields_of(line: &str) -> Vec<String> {
    line.split([',', ';', '\t']).map(|field| field.trim().trim_matches('"').to_lowercase()).collect()
}

impl<'a> Sample<'a> {
    /// Looks at the beginning of a text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let is_content = |line: &&str| {
            let is_head = || {
                let fields = fields_of(line);
                fields.len() > 1 && is_header(fields.iter().map(String::as_str))
            };
            !line.trim().is_empty()
                && !line.to_ascii_lowercase().starts_with("sep=")
                && (!is_comment(line) || is_head())
        };
        let mut lines = text.split(['\r', '\n']).filter(is_content).take(LOOKED_AT);
        let first = lines.clone().next().unwrap_or_default();
        let rows: Vec<Vec<String>> = lines.by_ref().map(fields_of).collect();
        let fields = rows.first().cloned().unwrap_or_default();
        Self { text, first, fields, rows }
    }

    /// Whether one of the first line's fields is this.
    #[must_use]
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field == name)
    }

    /// Whether a field of the first line, counted from 0, is hex digits.
    #[must_use]
    pub fn is_hex(&self, index: usize) -> bool {
        self.fields.get(index).is_some_and(|field| {
            !field.is_empty() && field.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == ' ')
        })
    }

    /// Whether the first line has so many fields, not counting empty ones at the end, and no header's words.
    #[must_use]
    pub fn has_fields(&self, count: usize) -> bool {
        used_fields(&self.fields) == count
    }
}

/// How many fields a line has, not counting empty ones at the end.
#[must_use]
pub fn used_fields(fields: &[String]) -> usize {
    fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1)
}

/// How a format is written: what goes in front, a row, and what goes behind.
pub struct Write {
    /// In front of the first row.
    pub begin: fn(&WriteOptions) -> String,
    /// One row; the flag says whether it is the first. The error says why this row cannot be written.
    pub row: fn(&Row, &WriteOptions, bool) -> Result<Zeroizing<String>, String>,
    /// Behind the last row.
    pub end: &'static str,
}

/// A format.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its description, in a few words.
    pub title: &'static str,
    /// The fields that it can carry beside the secret.
    pub carries: &'static [Field],
    /// A file holds either TOTP or HOTP tokens, because nothing in a line tells them apart.
    pub one_kind: bool,
    /// Whether a file could be of this format.
    pub fits: fn(&Sample<'_>) -> bool,
    /// How it is read.
    pub read: fn(Source, &ReadOptions) -> Result<Rows, Problem>,
    /// How it is written; `None` where it is only read.
    pub write: Option<Write>,
}

impl Format {
    /// Whether its columns can be named where it has no header.
    #[must_use]
    pub fn takes_columns(&self) -> bool {
        self.name == "csv"
    }

    /// Whether its secrets could be written in more than one way, so that somebody may have to say which.
    #[must_use]
    pub fn takes_encoding(&self) -> bool {
        matches!(
            self.name,
            "csv" | "duo" | "entra" | "graph" | "linotp" | "molto2" | "netiq" | "pingid" | "privacyidea"
        )
    }

    /// Whether it may be encrypted under a key.
    #[must_use]
    pub fn takes_pskc_key(&self) -> bool {
        self.name == "pskc"
    }

    /// Whether it may be encrypted under a password.
    #[must_use]
    pub fn takes_password(&self) -> bool {
        matches!(self.name, "pskc" | "aegis" | "2fas")
    }

    /// Whether nothing in it tells counters from time steps.
    #[must_use]
    pub fn has_hotp_flag(&self) -> bool {
        self.name == "duo"
    }

    /// The fields of a row that this format cannot carry.
    #[must_use]
    pub fn loses(&self, row: &Row) -> Vec<Field> {
        Field::ALL.into_iter().filter(|field| row.states(*field) && !self.carries.contains(field)).collect()
    }
}

/// A field for a line of comma-separated values, in quotes where it needs them (RFC 4180, section 2).
#[must_use]
pub fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) || field.starts_with(' ') || field.ends_with(' ') {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// The serial, without which most formats have no row.
///
/// # Errors
/// That it is missing, or cannot stand in an unquoted line.
pub fn needed_serial(row: &Row) -> Result<&str, String> {
    row.serial.as_deref().ok_or_else(|| "it has no serial, and this format needs one".to_owned())
}

/// The serial for a format whose lines know no quotes.
///
/// # Errors
/// That it is missing or has a comma.
pub fn bare_serial(row: &Row) -> Result<&str, String> {
    let serial = needed_serial(row)?;
    if serial.contains([',', '"']) {
        Err("its serial has a comma or quote, which this format cannot carry".to_owned())
    } else {
        Ok(serial)
    }
}
