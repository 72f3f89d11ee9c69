//! What is wrong with a seed file: where, what, and what to do. Never the secret itself.

use std::fmt;

use super::row::{Field, Place};
use super::shown::shown;

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
    /// The name of the column, where the file has one.
    pub column: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do; may be empty where `what` says it.
    pub next: String,
    /// Whether it stops the work.
    pub severity: Severity,
    /// The field that is in the way, where the work can go on without it.
    pub droppable: Option<Field>,
    /// The row is as it should be, and no token can hold it: a file is read without it, if the user says so.
    pub unusable: bool,
}

/// What is wrong with one row, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub what: String,
    /// What to do; may be empty.
    pub next: &'static str,
    /// No token can hold it.
    pub unusable: bool,
}

impl Fault {
    /// A row that is wrong.
    #[must_use]
    pub fn new(what: impl Into<String>, next: &'static str) -> Self {
        Self { what: what.into(), next, unusable: false }
    }

    /// A row that no token can hold.
    #[must_use]
    pub fn unusable(what: impl Into<String>) -> Self {
        Self { what: what.into(), next: "no token can hold it", unusable: true }
    }

    /// A key that must not be used, by what its file says.
    #[must_use]
    pub fn forbidden(what: impl Into<String>) -> Self {
        Self { what: what.into(), next: "", unusable: true }
    }

    /// The same, at its place.
    #[must_use]
    pub fn at(self, place: Place) -> Problem {
        Problem { unusable: self.unusable, ..Problem::at(place, self.what, self.next) }
    }
}

impl From<(String, &'static str)> for Fault {
    fn from((what, next): (String, &'static str)) -> Self {
        Self::new(what, next)
    }
}

impl Problem {
    /// An error at a place.
    #[must_use]
    pub fn at(place: Place, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            place,
            column: None,
            what: what.into(),
            next: next.into(),
            severity: Severity::Error,
            droppable: None,
            unusable: false,
        }
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
            true if field == Field::Step => {
                "write it in a format that has a place for it; where the step is chosen on the \
                                             server, as with PingID: --drop step"
                    .to_owned()
            }
            true => {
                "write it in a format that has a place for it, or give these tokens seeds of the usual kind".to_owned()
            }
            false => format!("use --drop {} if it may be lost", field.name()),
        };
        Self { droppable: Some(field), ..Self::at(place, what, next) }
    }

    /// The same in a column of this name; an empty one is none.
    #[must_use]
    pub fn in_column(self, name: Option<&str>) -> Self {
        let column = name.map(shown).filter(|name| !name.is_empty());
        Self { column, ..self }
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }
}

impl fmt::Display for Problem {
    /// `3:2 (column): what (next)`; the caller puts the file's name in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place.line, self.place.column) {
            (0, _) => f.write_str(" ")?,
            (line, 0) => write!(f, "{line}: ")?,
            (line, column) => match &self.column {
                Some(name) => write!(f, "{line}:{column} ({name}): ")?,
                None => write!(f, "{line}:{column}: ")?,
            },
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.what)?;
        if self.next.is_empty() { Ok(()) } else { write!(f, " ({})", self.next) }
    }
}
