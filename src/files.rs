//! Files by their names, and by what the system has there.

use std::path::{Path, PathBuf};

/// The path of a file that is kept beside another one: that one's name with an ending, such as `-wal` or `.part`.
#[must_use]
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The folder of a file.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes durable that a file is in its folder.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder_of(path))?.sync_all()
}

/// Windows offers no such call for folders; its changes of names are journalled.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_folder_of(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// A file as the system knows it, whatever names lead to it. Another one may have its name later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    /// Device and number (stat(2)).
    #[cfg(unix)]
    file: (u64, u64),
    /// No file is told by anything but its name there; the system lets nobody move or remove one that is open.
    #[cfg(not(unix))]
    none: std::convert::Infallible,
}

impl FileId {
    /// The file that a path leads to; `None` where there is none, or where the system gives files no numbers.
    #[cfg(unix)]
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        path.metadata().ok().map(|found| Self { file: (found.dev(), found.ino()) })
    }

    /// The file that a path leads to; `None` where there is none, or where the system gives files no numbers.
    #[cfg(not(unix))]
    #[must_use]
    pub fn at(_: &Path) -> Option<Self> {
        None
    }
}

/// The names that are devices on Windows, in every folder and with any ending
/// (<https://learn.microsoft.com/windows/win32/fileio/naming-a-file>).
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Whether a file of this name would be a device on Windows: what is written there is shown, printed or lost.
#[must_use]
pub fn is_device_on_windows(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end();
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    DEVICES.contains(&stem) || port.is_some_and(|port| matches!(port, "\u{b9}" | "\u{b2}" | "\u{b3}") || is_digit(port))
}

fn is_digit(text: &str) -> bool {
    text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_devices_of_windows_are_known_by_their_names_whatever_stands_behind_them() {
        for name in ["NUL", "nul.csv", "Con", "con .txt", "seeds/COM1", "lpt9.tar.gz", "CONOUT$", "COM\u{b2}", "AUX:x"]
        {
            assert!(is_device_on_windows(Path::new(name)), "{name}");
        }
        for name in ["null.csv", "seeds.nul", "com.csv", "com10", "lptx", "console", "nul/seeds.csv", ""] {
            assert!(!is_device_on_windows(Path::new(name)), "{name}");
        }
    }
}
