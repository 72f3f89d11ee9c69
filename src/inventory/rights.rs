//! The owner and the rights of an inventory and of its folders, as `ssh` looks at those of its keys.

use std::path::Path;

use super::InventoryError;
#[cfg(unix)]
use crate::files::beside;
#[cfg(unix)]
use crate::plain::shell_word;

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
    let bad = |what: String, next: String| Err(InventoryError::NotOurAlone { what, next });
    let shown = path.display();
    let log = beside(path, "-wal");
    for (file, name) in [(path, format!("{shown}")), (log.as_path(), format!("{shown}-wal"))] {
        let typed = shell_word(file);
        // What is not there cannot have been changed.
        let Ok(found) = std::fs::metadata(file) else { continue };
        if found.uid() != me {
            let next = format!(
                "use an inventory of your own with --inventory FILE, or make it yours: chown \"$USER\" {typed}"
            );
            return bad(format!("the inventory {name} belongs to another user"), next);
        }
        if found.mode() & WRITABLE != 0 {
            let next = format!(
                "keep it to yourself: chmod go-w {typed}; then see that it is right: tokentap inventory check --inventory {}",
                shell_word(path)
            );
            return bad(format!("others can change the inventory {name}"), next);
        }
    }
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    for folder in full.ancestors().skip(1) {
        let Ok(found) = std::fs::metadata(folder) else { continue };
        let shown = folder.display();
        if found.uid() != me && found.uid() != 0 {
            let next = "use an inventory in a folder of your own with --inventory FILE".to_owned();
            return bad(format!("the inventory's folder {shown} belongs to another user"), next);
        }
        if found.mode() & WRITABLE != 0 && found.mode() & STICKY == 0 {
            let next = format!(
                "keep the folder to yourself: chmod go-w {}; then check it: tokentap inventory check --inventory {}",
                shell_word(folder),
                shell_word(path)
            );
            return bad(format!("others can replace the inventory: they can write to the folder {shown}"), next);
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
            let shown = file.display();
            return Err(InventoryError::NotOurAlone {
                what: format!("{shown} belongs to another user, and would become part of the inventory"),
                next: format!(
                    "have it removed: rm {}; then check the inventory: tokentap inventory check --inventory {}",
                    shell_word(&file),
                    shell_word(path)
                ),
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
