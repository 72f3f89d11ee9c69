//! The owner and the rights of an inventory and of its folders, as `ssh` looks at those of its keys.

use std::path::Path;

use super::InventoryError;
#[cfg(unix)]
use super::RecordRemedy;
#[cfg(unix)]
use crate::files::beside;

/// Whether an inventory, and the folder that it is in, are this user's alone to change. Root's folders count as safe, and so
/// does a folder in which others can change only what is theirs (`/tmp`).
///
/// # Errors
/// [`InventoryError::NotOurAlone`] with what is wrong and how to mend it.
#[cfg(unix)]
pub fn check_alone(path: &Path) -> Result<(), InventoryError> {
    use std::os::unix::fs::MetadataExt;
    /// Others may write.
    const WRITABLE: u32 = 0o022;
    /// Only its owner may remove or rename what is in the folder.
    const STICKY: u32 = 0o1000;

    let me = rustix::process::geteuid().as_raw();
    let bad = |what: String, remedy: RecordRemedy| Err(InventoryError::NotOurAlone { what, remedy });
    let shown = path.display();
    let log = beside(path, "-wal");
    for (file, name) in [(path, format!("{shown}")), (log.as_path(), format!("{shown}-wal"))] {
        // What is not there cannot have been changed.
        let Ok(found) = std::fs::metadata(file) else { continue };
        if found.uid() != me {
            let remedy = RecordRemedy::OwnOrTakeOver(file.to_owned());
            return bad(format!("the inventory {name} belongs to another user"), remedy);
        }
        if found.mode() & WRITABLE != 0 {
            let remedy = RecordRemedy::KeepFileToOneself { file: file.to_owned(), inventory: path.to_owned() };
            return bad(format!("others can change the inventory {name}"), remedy);
        }
    }
    let full = dunce::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    for folder in full.ancestors().skip(1) {
        let Ok(found) = std::fs::metadata(folder) else { continue };
        let shown = folder.display();
        if found.uid() != me && found.uid() != 0 {
            let remedy = RecordRemedy::NameInOwnFolder;
            return bad(format!("the inventory's folder {shown} belongs to another user"), remedy);
        }
        if found.mode() & WRITABLE != 0 && found.mode() & STICKY == 0 {
            let remedy = RecordRemedy::KeepFolderToOneself { folder: folder.to_owned(), inventory: path.to_owned() };
            return bad(format!("others can replace the inventory: they can write to the folder {shown}"), remedy);
        }
    }
    Ok(())
}

/// Whether the files that `SQLite` keeps beside an inventory, and takes into it when it is opened, are this user's.
///
/// # Errors
/// [`InventoryError::NotOurAlone`].
#[cfg(unix)]
pub fn check_beside(path: &Path) -> Result<(), InventoryError> {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid().as_raw();
    for end in ["-wal", "-journal", "-shm"] {
        let file = beside(path, end);
        let foreign = std::fs::symlink_metadata(&file).is_ok_and(|found| found.uid() != me && found.uid() != 0);
        // An inventory that is another user's as a whole may be read.
        let is_ours = std::fs::metadata(path).is_ok_and(|found| found.uid() == me);
        if foreign && is_ours {
            let what = format!("{} belongs to another user, and would become part of the inventory", file.display());
            return Err(InventoryError::NotOurAlone {
                what,
                remedy: RecordRemedy::RemoveForeign { file, inventory: path.to_owned() },
            });
        }
    }
    Ok(())
}

/// Elsewhere the system's own rights of the user's folder are relied on.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn check_beside(_: &Path) -> Result<(), InventoryError> {
    Ok(())
}

/// Elsewhere the system's own rights of the user's folder are relied on.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn check_alone(_: &Path) -> Result<(), InventoryError> {
    Ok(())
}

/// Makes the folder of an inventory, and those above it, for its owner only.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub fn make_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes the folder of an inventory, and those above it.
///
/// # Errors
/// The system's.
#[cfg(not(unix))]
pub fn make_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}
