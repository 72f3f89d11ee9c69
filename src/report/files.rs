//! Reports of commands that only write files.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use crate::words::counted;

/// Files that were written.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FilesReport {
    /// Their paths.
    pub files: Vec<String>,
    /// The same in words.
    #[serde(skip)]
    pub words: String,
}

impl Report for FilesReport {
    fn text(&self) -> String {
        self.words.clone()
    }
}

/// How many rows were written to which files.
#[must_use]
pub fn rows_written(rows: u64, files: &[String]) -> String {
    format!("{} written to {}", counted(rows, "row"), files.join(", "))
}
