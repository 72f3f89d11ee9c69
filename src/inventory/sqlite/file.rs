//! The file itself: made whole, and the same one as long as a program works with it.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::time::Duration;

use rusqlite::Connection;

use super::super::Kept;
use super::super::error::InventoryError;
use super::{explained, meta, open_error, schema};
use crate::files::{beside, folder_of};

/// Makes a new inventory beside its place and moves it there whole: others see none or all of it.
pub(super) fn make(path: &Path) -> Kept<()> {
    let folder = folder_of(path);
    let made =
        tempfile::Builder::new().prefix(".inventory").tempdir_in(folder).map_err(|error| open_error(path, error))?;
    let file = made.path().join("new");
    // Made by hand for its mode: readable by its owner only.
    tempfile::NamedTempFile::new_in(made.path())
        .and_then(|new| new.persist(&file).map_err(|error| error.error))
        .map_err(|error| open_error(path, error))?;
    let mut connection = Connection::open(&file).map_err(|error| explained(path, error))?;
    fill(&mut connection, path)?;
    // Only the file itself is moved into place.
    settle(&connection, path)?;
    connection.close().map_err(|(_, error)| explained(path, error))?;
    match fs::hard_link(&file, path) {
        Ok(()) => Ok(()),
        // Another program was faster: its inventory is as good.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links: whatever is there by now stays.
        Err(_) if path.exists() => Ok(()),
        Err(_) => fs::rename(&file, path).map_err(|error| open_error(path, error)),
    }
}

/// Moves everything from the write-ahead log into the file.
pub(super) fn settle(connection: &Connection, path: &Path) -> Kept<()> {
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    match busy.map_err(|error| explained(path, error))? {
        0 => Ok(()),
        _ => Err(InventoryError::Locked(path.to_owned())),
    }
}

/// Everything that a new inventory has.
pub(super) fn fill(connection: &mut Connection, path: &Path) -> Kept<()> {
    let failed = |error| explained(path, error);
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").map_err(failed)?;
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID).map_err(failed)?;
    schema::migrate(connection).map_err(failed)?;
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|error| open_error(path, error))?;
    meta::put(connection, "fingerprint-key", &key).map_err(failed)
}

/// How long a second name may be one that another program is about to remove: so many tries …
#[cfg(unix)]
const NAME_TRIES: u32 = 25;

/// … so far apart.
#[cfg(unix)]
const NAME_PAUSE: Duration = Duration::from_millis(20);

/// Whether the file has one name only. Under a second one it would have a second log, and the two overwrite each other.
///
/// # Errors
/// [`InventoryError::NotOurAlone`].
#[cfg(unix)]
pub(super) fn check_names(path: &Path) -> Kept<()> {
    use std::os::unix::fs::MetadataExt;
    for _ in 0..NAME_TRIES {
        if fs::metadata(path).map_or(true, |found| found.nlink() < 2) {
            return Ok(());
        }
        // Whoever makes one on an old file system gives it its name by a link, and removes the other one at once.
        std::thread::sleep(NAME_PAUSE);
    }
    Err(InventoryError::NotOurAlone {
        what: format!(
            "the inventory {} has a second name (a hard link), under which records would be lost",
            path.display()
        ),
        remedy: crate::inventory::RecordRemedy::RemoveOtherName(path.to_owned()),
    })
}

/// Elsewhere such links are rare, and need rights.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub(super) fn check_names(_: &Path) -> Kept<()> {
    Ok(())
}

/// Whether a log lies alone where an inventory was: a new file beside it would take its records for its own.
#[must_use]
pub fn is_log_alone(path: &Path) -> bool {
    // Another program may have made the file in the meantime.
    fs::metadata(beside(path, "-wal")).is_ok_and(|found| found.len() > 0) && !path.exists()
}
