//! Reports of commands that only write files.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;

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
