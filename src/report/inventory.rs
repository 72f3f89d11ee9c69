//! The reports of `inventory`'s commands that are not lists.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::files::rows_written;
use crate::plain::plain;
use crate::words::counted;

/// A user that a token was given to, or taken from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AssignReport {
    /// The token.
    pub serial: String,
    /// Its user from now on; `null`: nobody.
    pub user: Option<String>,
    /// The same in words.
    #[serde(skip)]
    pub words: String,
}

impl Report for AssignReport {
    fn text(&self) -> String {
        self.words.clone()
    }
}

/// One line of a list of assignments.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Assigned {
    /// The token.
    pub serial: String,
    /// Its user.
    pub user: String,
}

/// A list of assignments.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AssignListReport {
    /// The assignments of the file.
    pub assigned: Vec<Assigned>,
    /// How many of them were not on record.
    pub changed: u64,
}

impl Report for AssignListReport {
    fn text(&self) -> String {
        let tokens = counted(self.assigned.len() as u64, "token");
        format!("{tokens} assigned, {} of them changed", self.changed)
    }
}

/// An inventory in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CheckReport {
    /// Its file.
    pub inventory: String,
    /// All tokens.
    pub tokens: u64,
    /// Those with a sealed seed.
    pub sealed: u64,
    /// The seals that the identity opened; `null`: none was named.
    pub opened: Option<u64>,
    /// Those with a job of unknown end.
    pub unfinished: u64,
    /// All batches.
    pub batches: usize,
    /// Those that are open.
    pub open_batches: usize,
    /// The recipients that seeds are sealed to.
    pub recipients: Vec<String>,
}

impl Report for CheckReport {
    fn text(&self) -> String {
        let seeds = match self.recipients.as_slice() {
            [] => "it keeps no seeds, only their fingerprints".to_owned(),
            some => format!("seeds are sealed to {}", some.join(", ")),
        };
        let seals = match self.opened {
            Some(opened) => format!("; {opened} opened, each the seed of its token"),
            None if self.sealed > 0 => "; not opened (--identity FILE opens them)".to_owned(),
            None => String::new(),
        };
        let batches = if self.batches == 1 { "1 batch".to_owned() } else { format!("{} batches", self.batches) };
        format!(
            "{}: nothing wrong\n  {}, {} with a sealed seed{seals}\n  {} with a job of unknown end\n  {batches}, {} open\n  {seeds}",
            self.inventory,
            counted(self.tokens, "token"),
            self.sealed,
            self.unfinished,
            self.open_batches,
        )
    }
}

/// An inventory that was made, or whose recipients were set.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InitReport {
    /// Its file.
    pub inventory: String,
    /// The recipients that seeds are sealed to.
    pub recipients: Vec<String>,
    /// The same in words.
    #[serde(skip)]
    pub words: String,
}

impl Report for InitReport {
    fn text(&self) -> String {
        self.words.clone()
    }
}

/// A token whose seed was forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ForgetReport {
    /// The token.
    pub serial: String,
    /// Always true.
    pub forgotten: bool,
    /// The same in words.
    #[serde(skip)]
    pub words: String,
}

impl Report for ForgetReport {
    fn text(&self) -> String {
        self.words.clone()
    }
}

/// Seeds that were exported.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExportReport {
    /// How many.
    pub rows: u64,
    /// The files with them.
    pub files: Vec<String>,
}

impl Report for ExportReport {
    fn text(&self) -> String {
        rows_written(self.rows, &self.files)
    }
}

/// Seeds that were imported.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ImportReport {
    /// How many.
    pub rows: usize,
    /// The file that they were in.
    pub file: String,
    /// The same in words.
    #[serde(skip)]
    pub words: String,
}

impl Report for ImportReport {
    fn text(&self) -> String {
        plain(&self.words)
    }
}
