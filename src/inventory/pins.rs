//! The recipients that a user has confirmed. They are kept apart from the inventory, because whoever can write the inventory
//! could name recipients of their own there, and read every seed from then on.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::rights::make_folder;
use super::{InventoryError, Kept};

/// Whether recipients are those that were confirmed for the inventory at `path`; the first ones are taken as such.
///
/// # Errors
/// [`InventoryError::Recipients`]; [`InventoryError::Open`] where the confirmed ones cannot be read.
pub(super) fn check(pins: Option<&Pins>, path: &Path, recipients: &[String]) -> Kept<()> {
    let Some(pins) = pins else { return Ok(()) };
    let unread = |error: io::Error| InventoryError::Open { path: path.to_owned(), detail: error.to_string() };
    match pins.compare(path, recipients).map_err(unread)? {
        Pinned::Same => Ok(()),
        // None is an answer too: recipients that appear later are others. Where it cannot be kept, the next one is the first.
        Pinned::First => {
            let _ = pins.confirm(path, recipients);
            Ok(())
        }
        Pinned::Other(confirmed) => {
            Err(InventoryError::Recipients { path: path.to_owned(), found: recipients.to_vec(), confirmed })
        }
    }
}

/// A folder of the user's own, with a file for each inventory.
#[derive(Debug, Clone)]
pub struct Pins {
    folder: PathBuf,
}

/// How an inventory's recipients compare with those that were confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pinned {
    /// They are those.
    Same,
    /// None were confirmed yet.
    First,
    /// Others were confirmed: these.
    Other(Vec<String>),
}

impl Pins {
    /// The pins in a folder, which is made when it is needed.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Compares the recipients of the inventory at `path` with those that were confirmed for it.
    ///
    /// # Errors
    /// The system's: the file is there and cannot be read.
    pub fn compare(&self, path: &Path, recipients: &[String]) -> io::Result<Pinned> {
        let confirmed: Vec<String> = match fs::read_to_string(self.file(path)) {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            // A system without such a folder keeps none.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Pinned::First);
            }
            Err(error) => return Err(error),
        };
        Ok(if confirmed == recipients { Pinned::Same } else { Pinned::Other(confirmed) })
    }

    /// Takes these as the recipients that the user has confirmed.
    ///
    /// # Errors
    /// The system's.
    pub fn confirm(&self, path: &Path, recipients: &[String]) -> io::Result<()> {
        make_folder(&self.folder)?;
        let mut new = tempfile::NamedTempFile::new_in(&self.folder)?;
        new.write_all(recipients.join("\n").as_bytes())?;
        new.as_file().sync_all()?;
        new.persist(self.file(path)).map(drop).map_err(|error| error.error)
    }

    /// The file of an inventory: named by its whole path, hashed.
    fn file(&self, path: &Path) -> PathBuf {
        let full = dunce::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let digest: [u8; 32] = Sha256::digest(full.as_os_str().as_encoded_bytes()).into();
        self.folder.join(data_encoding::HEXLOWER.encode(digest.get(..16).unwrap_or(&digest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_the_same_until_others_are_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let pins = Pins::in_folder(folder.path().join("recipients"));
        let path = folder.path().join("inventory.sqlite");
        let (one, other) = (["age1one".to_owned()], ["age1other".to_owned()]);
        assert_eq!(pins.compare(&path, &one).unwrap(), Pinned::First);
        pins.confirm(&path, &one).unwrap();
        assert_eq!(pins.compare(&path, &one).unwrap(), Pinned::Same);
        assert_eq!(pins.compare(&path, &other).unwrap(), Pinned::Other(one.to_vec()));
        assert_eq!(pins.compare(&path, &[]).unwrap(), Pinned::Other(one.to_vec()));
        pins.confirm(&path, &other).unwrap();
        assert_eq!(pins.compare(&path, &other).unwrap(), Pinned::Same);
    }
}
