//! Writing files that hold secrets: whole or not at all, and readable by their owner only.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::files::{folder_of, is_device_on_windows, sync_folder_of};

/// A file of secrets that was not written. Whatever was there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// There is such a file already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The path is a symbolic link: what it points to might be shared with others.
    #[error("{} is a symbolic link", .0.display())]
    Symlink(PathBuf),
    /// The path is a folder or a device.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The system refused.
    #[error("{} cannot be written: {}", .path.display(), plain(.source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// The system's own words, without the temporary file's name that tempfile puts behind them.
fn plain(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" at path ").next().unwrap_or(&words).to_owned()
}

/// A file of secrets in the making: a temporary file of mode 0600 beside its place, which [`SecretFile::commit`] renames.
///
/// Dropped without that, it leaves nothing behind.
pub struct SecretFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    force: bool,
}

impl SecretFile {
    /// Begins a file that will be at `path`.
    ///
    /// # Errors
    /// [`SaveError`]; what is there already is overwritten only with `force`, and links and devices never are.
    pub fn create(path: &Path, force: bool) -> Result<Self, SaveError> {
        let failed = |source| SaveError::Io { path: path.to_owned(), source };
        if is_file(path)? && !force {
            return Err(SaveError::Exists(path.to_owned()));
        }
        let file = BufWriter::with_capacity(1 << 16, NamedTempFile::new_in(folder_of(path)).map_err(failed)?);
        Ok(Self { path: path.to_owned(), file, force })
    }

    /// The temporary file, for those who write it by its name.
    #[must_use]
    pub fn temporary(&self) -> &Path {
        self.file.get_ref().path()
    }

    /// Adds to it.
    ///
    /// # Errors
    /// [`SaveError::Io`], such as a full disk.
    pub fn write(&mut self, content: &[u8]) -> Result<(), SaveError> {
        self.file.write_all(content).map_err(|source| SaveError::Io { path: self.path.clone(), source })
    }

    /// Syncs it to disk and renames it into place. When this returns, the content survives a power failure.
    ///
    /// # Errors
    /// [`SaveError`]; whatever was there before is as it was.
    pub fn commit(self) -> Result<(), SaveError> {
        let Self { path, file, force } = self;
        let failed = |source| SaveError::Io { path: path.clone(), source };
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        let renamed = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        renamed.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => SaveError::Exists(path.clone()),
            _ => failed(error.error),
        })?;
        sync_folder_of(&path).map_err(failed)
    }
}

/// Writes `content` to `path` as a [`SecretFile`].
///
/// # Errors
/// [`SaveError`].
pub fn save_secret(path: &Path, content: &[u8], force: bool) -> Result<(), SaveError> {
    let mut file = SecretFile::create(path, force)?;
    file.write(content)?;
    file.commit()
}

/// Whether a file of secrets is at `path`, which may hold one or nothing.
///
/// # Errors
/// [`SaveError::Symlink`] and [`SaveError::NotAFile`] for anything else; [`SaveError::Io`].
pub fn is_file(path: &Path) -> Result<bool, SaveError> {
    if cfg!(windows) && is_device_on_windows(path) {
        return Err(SaveError::NotAFile(path.to_owned()));
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(SaveError::Symlink(path.to_owned())),
        Ok(found) if !found.is_file() => Err(SaveError::NotAFile(path.to_owned())),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(SaveError::Io { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_not_overwritten_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seeds.csv");
        save_secret(&path, b"first", false).unwrap();
        assert!(matches!(save_secret(&path, b"second", false), Err(SaveError::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        save_secret(&path, b"second", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it_and_a_link_is_refused() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seeds.csv");
        save_secret(&path, b"secret", false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = folder.path().join("link.csv");
        symlink(&path, &link).unwrap();
        assert!(matches!(save_secret(&link, b"x", true), Err(SaveError::Symlink(_))));
        assert!(matches!(save_secret(folder.path(), b"x", true), Err(SaveError::NotAFile(_))));
        assert!(matches!(save_secret(Path::new("/dev/full"), b"x", true), Err(SaveError::NotAFile(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no remnants");
    }

    #[test]
    fn a_file_that_is_not_committed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = SecretFile::create(&folder.path().join("seeds.csv"), false).unwrap();
        file.write(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_of_its_own() {
        let error = save_secret(Path::new("/nonexistent/folder/seeds.csv"), b"x", false).unwrap_err();
        assert!(matches!(error, SaveError::Io { .. }), "{error}");
    }
}
