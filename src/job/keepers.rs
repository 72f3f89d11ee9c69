//! The files that a new seed goes into, before it is burned.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::seed_choice::bad_file;
use super::state::TokenState;
use crate::device::Profile;
use crate::seedfile::{Field, Format, Row, Rules, SaveError, SecretFile, Sink, Target, WriteOptions, convert};

/// The files that keep a new seed: never burned before it is in all of them.
pub struct Keepers {
    files: Vec<(&'static Format, PathBuf)>,
    dropped: Vec<Field>,
}

impl Keepers {
    /// These files, written without these fields. Each must not be there yet: found out before anything else.
    ///
    /// # Errors
    /// A failure of a file.
    pub fn new(files: Vec<(&'static Format, PathBuf)>, dropped: Vec<Field>) -> Result<Self, Failure> {
        files.iter().try_for_each(|(_, path)| check_new(path))?;
        Ok(Self { files, dropped })
    }

    /// Whether nothing keeps it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file from which it can be burned once more.
    #[must_use]
    pub fn first(&self) -> Option<&Path> {
        self.files.first().map(|(_, path)| path.as_path())
    }

    /// Whether a row like the one to come can be written to all of them: said before any token is waited for.
    ///
    /// # Errors
    /// A field that a format cannot carry.
    pub fn rehearse(&self, row: Option<&Row>, user: Option<&str>, profile: Profile) -> Result<(), Failure> {
        let Some(row) = row.filter(|_| !self.is_empty()) else { return Ok(()) };
        let mut made = Row { serial: Some("00000000000000".to_owned()), user: user.map(str::to_owned), ..row.clone() };
        (made.hash, made.step, made.digits) = (Some(profile.hash()), Some(profile.step()), Some(6));
        let sinks = self.files.iter().filter_map(|(format, _)| Sink::new(format, Target::Nowhere)).collect();
        self.write(&made, sinks, &TokenState::NotReached)
    }

    /// Writes the new seed into all files, or none.
    ///
    /// # Errors
    /// A failure of a file; none of them is there then.
    pub fn keep(&self, row: &Row) -> Result<(), Failure> {
        let mut sinks = Vec::new();
        for (format, path) in &self.files {
            let file = SecretFile::create(path, false).map_err(|error| not_kept(&error, &TokenState::Untouched))?;
            sinks.extend(Sink::new(format, Target::File(file)));
        }
        self.write(row, sinks, &TokenState::Untouched)
    }

    fn write(&self, row: &Row, sinks: Vec<Sink>, state: &TokenState) -> Result<(), Failure> {
        let rows = std::iter::once(Ok(row.clone()));
        let rules = Rules { drop: &self.dropped, ..Rules::default() };
        let converted = convert(rows, sinks, &WriteOptions::default(), rules, &|_| None);
        let converted = converted.map_err(|error| not_kept(&error, state))?;
        match converted.has_failed() {
            false => Ok(()),
            true => Err(bad_file("the new seed", &converted.problems, converted.more).in_state(state.clone())),
        }
    }
}

/// A file that is not there yet, in a folder that is.
fn check_new(out: &Path) -> Result<(), Failure> {
    match out.symlink_metadata() {
        Ok(_) => Err(not_kept(&SaveError::Exists(out.to_owned()), &TokenState::NotReached)),
        Err(_) => match out.parent().filter(|folder| !folder.as_os_str().is_empty()).map(Path::metadata) {
            Some(Err(source)) => {
                Err(not_kept(&SaveError::Io { path: out.to_owned(), source }, &TokenState::NotReached))
            }
            _ => Ok(()),
        },
    }
}

fn not_kept(error: &SaveError, state: &TokenState) -> Failure {
    let next = "use a new file in a folder that you may write to: a seed is never burned before it is kept";
    Failure::file(format!("the new seed cannot be kept: {error}"), next).in_state(state.clone())
}
