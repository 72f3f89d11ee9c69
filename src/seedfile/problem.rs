//! What is wrong with a seed file: where, what, and what to do. Never the secret itself.

use std::fmt;

use super::row::{Field, Place};

/// Whether a problem stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It stops it.
    Error,
    /// It is said, and the work goes on.
    Warning,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where; line 0 is the file as a whole.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do; may be empty where `what` says it.
    pub next: String,
    /// Whether it stops the work.
    pub severity: Severity,
    /// The field that is in the way, where the work can go on without it.
    pub droppable: Option<Field>,
}

impl Problem {
    /// An error at a place.
    #[must_use]
    pub fn at(place: Place, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { place, what: what.into(), next: next.into(), severity: Severity::Error, droppable: None }
    }

    /// An error in a field of a line, both counted from 1; 0 for the whole line, line 0 for the whole file.
    #[must_use]
    pub fn new(line: u64, column: u64, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::at(Place { line, column }, what, next)
    }

    /// An error of the file as a whole.
    #[must_use]
    pub fn of_file(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(0, 0, what, next)
    }

    /// A field that a format cannot carry, and that may be dropped.
    #[must_use]
    pub fn of_field(place: Place, what: impl Into<String>, field: Field) -> Self {
        let next = match field.changes_codes() {
            // A server that does not know it expects other codes than the token shows.
            true => {
                "write it in a format that has a place for it, or give these tokens seeds of the usual kind".to_owned()
            }
            false => format!("use --drop {} if it may be lost", field.name()),
        };
        Self { droppable: Some(field), ..Self::at(place, what, next) }
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }
}

impl fmt::Display for Problem {
    /// `3:2: what (next)`; the caller puts the file's name in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place.line, self.place.column) {
            (0, _) => {}
            (line, 0) => write!(f, "{line}: ")?,
            (line, column) => write!(f, "{line}:{column}: ")?,
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.what)?;
        if self.next.is_empty() { Ok(()) } else { write!(f, " ({})", self.next) }
    }
}
