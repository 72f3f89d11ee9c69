//! Emulated tokens as if one after the other was laid on a reader: the state files of a folder, in the order of their
//! names.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::card::Card;
use super::link::EmulatedLink;
use super::state::{StateError, StateFile};
use crate::device::token2::NfcToken;
use crate::reader::{Came, ReaderError, Tray, Trays};
use crate::time::HostClock;

/// A tray on which each token lies once.
pub struct EmulatedTray {
    name: String,
    files: VecDeque<PathBuf>,
    clock: Arc<dyn HostClock>,
}

impl EmulatedTray {
    /// The state file at `path`, or all that end in `.json` in the folder there.
    ///
    /// # Errors
    /// [`StateError::Io`] where there is neither.
    pub fn open(name: &str, path: &Path, clock: Arc<dyn HostClock>) -> Result<Self, StateError> {
        let io = |source| StateError::Io { path: path.to_owned(), source };
        let mut files = Vec::new();
        if std::fs::metadata(path).map_err(io)?.is_dir() {
            for entry in std::fs::read_dir(path).map_err(io)? {
                let file = entry.map_err(io)?.path();
                if file.extension().is_some_and(|extension| extension == "json") {
                    files.push(file);
                }
            }
            files.sort();
        } else {
            files.push(path.to_owned());
        }
        Ok(Self { name: name.to_owned(), files: files.into(), clock })
    }
}

impl Tray for EmulatedTray {
    fn name(&self) -> &str {
        &self.name
    }

    fn number(&self) -> Option<usize> {
        None
    }

    fn is_occupied(&self) -> bool {
        false
    }

    fn is_emulated(&self) -> bool {
        true
    }

    fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Came, ReaderError> {
        if stop() {
            return Ok(Came::Stopped);
        }
        let Some(path) = self.files.pop_front() else { return Ok(Came::Ended) };
        let file = StateFile::new(&path);
        match file.load() {
            Ok(Some(state)) => {
                Ok(Came::Token(Box::new(NfcToken(EmulatedLink::<Card>::kept(file, state, Arc::clone(&self.clock))))))
            }
            _ => Ok(Came::Other(ReaderError::Mute(path.display().to_string()))),
        }
    }
}

/// Trays that are all there from the beginning.
pub struct FixedTrays(Vec<Box<dyn Tray>>);

impl FixedTrays {
    /// These and no others.
    #[must_use]
    pub fn new(trays: Vec<Box<dyn Tray>>) -> Self {
        Self(trays)
    }
}

impl Trays for FixedTrays {
    fn newcomers(&mut self, _: &[String], _: &dyn Fn() -> bool) -> Result<Vec<Box<dyn Tray>>, ReaderError> {
        Ok(std::mem::take(&mut self.0))
    }

    fn is_closed(&self) -> bool {
        self.0.is_empty()
    }
}
