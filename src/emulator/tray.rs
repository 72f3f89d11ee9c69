//! Emulated tokens as if one after the other was laid on a reader: the state files of a folder, in the order of their
//! names.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::card::Card;
use super::hotp_key::EmulatedKey;
use super::link::EmulatedLink;
use super::molto2::EmulatedMolto2;
use super::state::{AnyState, StateError, StateFile};
use crate::device::Device;
use crate::device::hotp_key::HotpKey;
use crate::device::molto2::Molto2;
use crate::device::token2::NfcToken;
use crate::reader::{Came, DeviceKind, ReaderError, Tray, Trays, Wanted};
use crate::time::HostClock;

/// A tray on which each token lies once.
pub struct EmulatedTray {
    name: String,
    files: VecDeque<PathBuf>,
    wanted: Wanted,
    clock: Arc<dyn HostClock>,
}

impl EmulatedTray {
    /// The state file at `path`, or all that end in `.json` in the folder there.
    ///
    /// # Errors
    /// [`StateError::Io`] where there is neither.
    pub fn open(name: &str, path: &Path, wanted: Wanted, clock: Arc<dyn HostClock>) -> Result<Self, StateError> {
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
        Ok(Self { name: name.to_owned(), files: files.into(), wanted, clock })
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
        let clock = Arc::clone(&self.clock);
        let (kind, device): (_, Box<dyn Device>) = match file.load_any() {
            Ok(Some(AnyState::Nfc(state))) => {
                (DeviceKind::Contactless, Box::new(NfcToken(EmulatedLink::<Card>::kept(file, state, clock))))
            }
            Ok(Some(AnyState::HotpKey(state))) => {
                (DeviceKind::Token2Key, Box::new(HotpKey(EmulatedLink::<EmulatedKey>::kept(file, state, clock))))
            }
            Ok(Some(AnyState::Molto2(state))) => {
                (DeviceKind::Molto2, Box::new(Molto2(EmulatedLink::<EmulatedMolto2>::kept(file, state, clock))))
            }
            _ => return Ok(Came::Other(ReaderError::Mute(path.display().to_string()))),
        };
        Ok(match self.wanted.takes(kind) {
            true => Came::Token(device),
            false => Came::Other(ReaderError::Device(path.display().to_string(), kind)),
        })
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
