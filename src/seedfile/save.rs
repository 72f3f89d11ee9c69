//! Writing a file that holds secrets: whole or not at all, and readable by its owner only.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
        /// What the system said.
        source: io::Error,
    },
}

/// The system's own words, without the temporary file's name that tempfile puts behind them.
fn plain(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" at path ").next().unwrap_or(&words).to_owned()
}

/// Writes `content` to `path`: mode 0600, into a temporary file beside it, synced to disk, and renamed into place.
///
/// When it returns, the content survives a power failure.
///
/// # Errors
/// [`SaveError`]; nothing is overwritten unless `force`, and no remnant stays.
pub fn save_secret(path: &Path, content: &[u8], force: bool) -> Result<(), SaveError> {
    let failed = |source| SaveError::Io { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => return Err(SaveError::Symlink(path.to_owned())),
        Ok(found) if !found.is_file() => return Err(SaveError::NotAFile(path.to_owned())),
        Ok(_) if !force => return Err(SaveError::Exists(path.to_owned())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // tempfile makes it with mode 0600 and removes it if anything below fails.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(content).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let renamed = if force { file.persist(path) } else { file.persist_noclobber(path) };
    renamed.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => SaveError::Exists(path.to_owned()),
        _ => failed(error.error),
    })?;
    sync_folder(folder).map_err(failed)
}

/// Makes the rename itself durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows offers no such call for folders; its rename is journalled.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
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
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no remnants");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_of_its_own() {
        let error = save_secret(Path::new("/nonexistent/folder/seeds.csv"), b"x", false).unwrap_err();
        assert!(matches!(error, SaveError::Io { .. }), "{error}");
    }
}
