//! Files and standard input as they are opened and read: with bounds, with a word on who else can read them, and with what could
//! be a secret never repeated.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::describe;
use super::output::note;
use crate::job::Failure;
use crate::plain::shell_word;
use crate::seedfile::MAX_WHOLE;

/// Opens a file with a secret; that others can read it is said.
///
/// # Errors
/// A failure with this remedy.
pub fn open_secret(path: &Path, next: &str) -> Result<File, Failure> {
    let file = open(path, next)?;
    if others_can_read(&file) {
        note(&format!(
            "others on this computer can read {}, which holds a secret: chmod go= {}",
            describe::path(path),
            shell_word(path)
        ));
    }
    Ok(file)
}

#[cfg(unix)]
fn others_can_read(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    // Pipes and devices are nobody's to read again.
    file.metadata().is_ok_and(|found| found.is_file() && found.mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn others_can_read(_: &File) -> bool {
    false
}

/// Opens a file.
///
/// # Errors
/// A failure with this remedy.
pub fn open(path: &Path, next: &str) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::file(format!("{} cannot be read: {error}", describe::unread(path)), next))
}

/// The content of a file of at most 64 KiB.
///
/// # Errors
/// A failure with this remedy.
pub fn small_file(path: &Path, next: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    read_all(open_secret(path, next)?, &describe::path(path), 1 << 16, next)
}

/// Standard input without the buffer that the standard library would keep to the program's end.
///
/// # Errors
/// A failure where there is none.
pub fn standard_input() -> Result<File, Failure> {
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned();
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&std::io::stdin()).try_clone_to_owned();
    own.map(File::from)
        .map_err(|error| Failure::file(format!("standard input cannot be read: {error}"), "use --seed-file FILE"))
}

/// The entries of a list with one a line, each with the number of its line, and without the space around it. Empty lines are
/// none. The file has a bound on its size.
///
/// # Errors
/// A failure with this remedy.
pub fn lines_of(path: &Path, next: &str) -> Result<Vec<(u64, String)>, Failure> {
    let bytes = read_all(open(path, next)?, &describe::path(path), MAX_WHOLE, next)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Failure::file(format!("{} is not plain text (UTF-8)", describe::path(path)), next))?;
    let lines = (1..).zip(text.trim_start_matches('\u{FEFF}').lines().map(str::trim));
    Ok(lines.filter(|(_, line)| !line.is_empty()).map(|(number, line)| (number, line.to_owned())).collect())
}

/// All that there is to read, of at most `limit` bytes.
///
/// # Errors
/// A failure with this remedy.
pub fn read_all(from: impl Read, name: &str, limit: u64, next: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Reserved ahead, so that no shorter copy of a single seed is left behind by growth.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    let failed = |what: String| Failure::file(format!("{name} {what}"), next);
    from.take(limit + 1).read_to_end(&mut bytes).map_err(|error| failed(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > limit { Err(failed("is too large".to_owned())) } else { Ok(bytes) }
}
