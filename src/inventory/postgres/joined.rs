//! What a desk keeps of the inventory that it has joined: its address, and its own password, in the user's own folder.

use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::address::Address;
use super::address_error::AddressError;
use super::password;
use crate::seedfile::save_secret;

/// The folder with the two.
#[derive(Debug, Clone)]
pub struct Joined {
    folder: PathBuf,
}

impl Joined {
    /// This user's; `None` where he has no folder.
    #[must_use]
    pub fn usual() -> Option<Self> {
        password::desk_folder().map(|folder| Self { folder })
    }

    fn address_file(&self) -> PathBuf {
        self.folder.join("address")
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The address of the inventory that was joined, if one was.
    ///
    /// # Errors
    /// [`AddressError`]; one that is there and cannot be read is not "none".
    pub fn address(&self, authorities: Option<&Path>, plaintext: bool) -> Result<Option<Address>, AddressError> {
        let file = self.address_file();
        let content = match std::fs::read_to_string(&file) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(AddressError::Malformed(format!("{}: {error}", file.display()))),
        };
        let mut lines = content.lines();
        let text = lines.next().unwrap_or_default();
        let is_plain = lines.next() == Some("plain text");
        Address::parse(text, authorities, plaintext || is_plain).map(Some)
    }

    /// Keeps what a desk joins by.
    ///
    /// # Errors
    /// The system's; nothing is joined then.
    pub fn join(&self, text: &str, address: &Address, is_plain: bool, password: &Zeroizing<String>) -> io::Result<()> {
        let other = |error: crate::seedfile::SaveError| io::Error::other(error.to_string());
        crate::inventory::make_folder(&self.folder)?;
        let shown = address.shown().display().to_string();
        let (_, place) = shown.split_once('@').unwrap_or_default();
        let (server, _) = place.rsplit_once('/').unwrap_or_default();
        let (host, port) = server.rsplit_once(':').unwrap_or_default();
        let line = password::line(&[host, port, address.database(), address.user()], password);
        save_secret(&self.folder.join(password::OF_DESK), line.as_bytes(), true).map_err(other)?;
        // The address last: with it the desk has joined.
        let kept = if is_plain { format!("{text}\nplain text\n") } else { format!("{text}\n") };
        save_secret(&self.address_file(), kept.as_bytes(), true).map_err(other)
    }

    /// Forgets it; whether there was one.
    ///
    /// # Errors
    /// The system's.
    pub fn leave(&self) -> io::Result<bool> {
        let removed = |file: PathBuf| match std::fs::remove_file(file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        };
        let was = removed(self.address_file())?;
        removed(self.folder.join(password::OF_DESK))?;
        Ok(was)
    }
}
