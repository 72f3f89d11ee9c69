//! Problems of a seed file: place, fault and remedy. Never the secret itself.

use std::fmt;

use super::remedy::FileRemedy;
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
    /// The fault.
    pub what: String,
    /// The remedy.
    pub remedy: FileRemedy,
    /// Whether it stops the work.
    pub severity: Severity,
    /// The field that is in the way, where the work can go on without it.
    pub droppable: Option<Field>,
    /// The row is as it should be, and no token can hold it: a file is read without it, if the user says so.
    pub unusable: bool,
    /// The file is encrypted, and what opens it was not supplied.
    pub locked: bool,
}

/// The fault of one row, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The fault.
    pub what: String,
    /// The remedy.
    pub remedy: FileRemedy,
    /// No token can hold it.
    pub unusable: bool,
}

impl Fault {
    /// A row that is wrong.
    #[must_use]
    pub fn new(what: impl Into<String>, remedy: impl Into<FileRemedy>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), unusable: false }
    }

    /// A row that no token can hold.
    #[must_use]
    pub fn unusable(what: impl Into<String>) -> Self {
        Self { unusable: true, ..Self::new(what, "no token can hold it") }
    }

    /// A key that must not be used, by what its file says.
    #[must_use]
    pub fn forbidden(what: impl Into<String>) -> Self {
        Self { unusable: true, ..Self::new(what, "") }
    }

    /// The same, at its place.
    #[must_use]
    pub fn at(self, place: Place) -> Problem {
        Problem { unusable: self.unusable, ..Problem::at(place, self.what, self.remedy) }
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
    pub fn at(place: Place, what: impl Into<String>, remedy: impl Into<FileRemedy>) -> Self {
        Self {
            place,
            column: None,
            what: what.into(),
            remedy: remedy.into(),
            locked: false,
            severity: Severity::Error,
            droppable: None,
            unusable: false,
        }
    }

    /// An error in a field of a line, both counted from 1; 0 for the whole line, line 0 for the whole file.
    #[must_use]
    pub fn new(line: u64, column: u64, what: impl Into<String>, remedy: impl Into<FileRemedy>) -> Self {
        Self::at(Place { line, column }, what, remedy)
    }

    /// An error of the file as a whole.
    #[must_use]
    pub fn of_file(what: impl Into<String>, remedy: impl Into<FileRemedy>) -> Self {
        Self::new(0, 0, what, remedy)
    }

    /// A file that is encrypted.
    #[must_use]
    pub fn of_locked(remedy: FileRemedy) -> Self {
        Self { locked: true, ..Self::of_file("the file is encrypted", remedy) }
    }

    /// A field that a format cannot carry, and that may be dropped.
    #[must_use]
    pub fn of_field(place: Place, what: impl Into<String>, field: Field) -> Self {
        let remedy = match field.changes_codes() {
            // A server that does not know it expects other codes than the token shows.
            true if field == Field::Step => FileRemedy::OtherFormatOrDropStep,
            // A counter is a whole kind of tokens: it can stay out.
            true if field == Field::Counter => FileRemedy::OneKindAFile,
            true => FileRemedy::OtherFormat,
            false => FileRemedy::Drop(vec![field]),
        };
        Self { droppable: Some(field), ..Self::at(place, what, remedy) }
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
        f.write_str(&self.what)
    }
}
