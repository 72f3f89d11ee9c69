//! The reports of `seeds`: what a file of seeds was understood to be, and what it was written to.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::files::rows_written;
use crate::seedfile::{Kind, Row};
use crate::words::counted;

/// How many groups are named in words; beyond that the rest is counted.
const MOST: usize = 8;

/// Rows that were written to files.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ConvertReport {
    /// How many.
    pub rows: u64,
    /// The files.
    pub files: Vec<String>,
    /// Remarks on odd rows.
    pub problems: Vec<String>,
}

impl Report for ConvertReport {
    fn text(&self) -> String {
        rows_written(self.rows, &self.files)
    }
}

/// A file whose rows are right.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SeedsCheckReport {
    /// How many rows.
    pub rows: u64,
    /// Remarks on odd rows.
    pub problems: Vec<String>,
    /// The format.
    pub format: Option<&'static str>,
    /// The meaning that the rows were read with, by groups of like ones.
    pub understood: Vec<Group>,
    /// The same in words.
    #[serde(skip)]
    pub words: String,
}

impl Report for SeedsCheckReport {
    fn text(&self) -> String {
        self.words.clone()
    }
}

/// A value, and whether the file states it; otherwise it is the usual one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stated<T> {
    /// The value.
    pub is: T,
    /// The file states it.
    pub stated: bool,
}

impl<T: std::fmt::Display> Stated<T> {
    fn words(&self, unit: &str) -> String {
        format!("{}{unit}{}", self.is, if self.stated { "" } else { " (not stated)" })
    }
}

/// Rows that say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Group {
    /// How many.
    pub rows: u64,
    /// `totp` or `hotp`.
    #[serde(rename = "type")]
    pub kind: Stated<&'static str>,
    /// The hash.
    pub hash: Stated<String>,
    /// The time step, in seconds.
    pub step_s: Stated<u32>,
    /// The digits of a code.
    pub digits: Stated<u32>,
    /// How the secret is written: `hex` or `base32`.
    pub encoding: Option<String>,
    /// How many bytes the secret has.
    pub bytes: usize,
    /// They name a serial.
    pub serial: bool,
    /// They name an owner.
    pub owner: bool,
}

impl Group {
    fn of(row: &Row) -> Self {
        let kind = if row.kind == Kind::Hotp { "hotp" } else { "totp" };
        Self {
            rows: 1,
            kind: Stated { is: kind, stated: row.kind_is_stated },
            hash: Stated { is: row.effective_hash().to_string(), stated: row.hash.is_some() },
            step_s: Stated { is: row.effective_step(), stated: row.step.is_some() },
            digits: Stated { is: row.effective_digits(), stated: row.digits.is_some() },
            encoding: row.encoding.map(|encoding| encoding.to_string()),
            bytes: row.seed.len(),
            serial: row.serial.is_some(),
            owner: row.user.is_some(),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        Self { rows: other.rows, ..self.clone() } == *other
    }

    fn words(&self) -> String {
        let kind = Stated { is: self.kind.is.to_uppercase(), stated: self.kind.stated };
        let mut parts = vec![kind.words("")];
        parts.push(self.hash.words(""));
        if self.kind.is == "totp" {
            parts.push(self.step_s.words(" s"));
        }
        parts.push(self.digits.words(" digits"));
        let encoding = self.encoding.as_ref().map(|encoding| format!(" in {encoding}")).unwrap_or_default();
        parts.push(format!("a secret of {} bytes{encoding}", self.bytes));
        parts.push(if self.serial { "serial" } else { "no serial" }.to_owned());
        parts.push(if self.owner { "owner" } else { "no owner" }.to_owned());
        parts.join(", ")
    }
}

/// Groups of like rows, in the order in which they were first seen.
#[derive(Debug, Default)]
pub struct Understood {
    groups: Vec<Group>,
}

impl Understood {
    /// Takes note of a row.
    pub fn see(&mut self, row: &Row) {
        let group = Group::of(row);
        match self.groups.iter_mut().find(|known| known.is_like(&group)) {
            Some(known) => known.rows += 1,
            None => self.groups.push(group),
        }
    }

    /// A line for each group.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let line = |group: &Group| format!("{}: {}", counted(group.rows, "row"), group.words());
        let mut lines: Vec<String> = self.groups.iter().take(MOST).map(line).collect();
        let rest: u64 = self.groups.iter().skip(MOST).map(|group| group.rows).sum();
        if rest > 0 {
            lines.push(format!("{}, of other kinds still", counted(rest, "row")));
        }
        lines
    }

    /// The groups.
    #[must_use]
    pub fn into_groups(self) -> Vec<Group> {
        self.groups
    }
}
