//! What goes wrong with the inventory: fact and remedy.

use std::path::PathBuf;

/// An inventory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// The platform names no folder for a user's data.
    #[error("this user has no folder for the inventory")]
    NoFolder,
    /// It cannot be opened or created.
    #[error("the inventory {} cannot be opened: {detail}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The file is no inventory.
    #[error("{} is not an inventory of tokentap", .0.display())]
    NotOurs(PathBuf),
    /// The file is damaged.
    #[error("the inventory {} is damaged: {detail}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What `SQLite` found.
        detail: String,
    },
    /// A later version of this program made it.
    #[error("the inventory {} was made by a later version of tokentap (schema {found}, this one knows {known})", .path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The last schema that is known here.
        known: i64,
    },
    /// Another program keeps it locked.
    #[error("another program keeps the inventory {} locked", .0.display())]
    Locked(PathBuf),
    /// The disk is full.
    #[error("the disk with the inventory {} is full", .0.display())]
    Full(PathBuf),
    /// Anything else.
    #[error("the inventory {} failed: {detail}", .path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        detail: String,
    },
    /// Another program has changed a row of the batch in the meantime.
    #[error("another program has taken row {0} of the batch")]
    Taken(u64),
    /// The seed is, or may be, on another token.
    #[error("its seed is, or may be, on the token {0} already")]
    Held(String),
    /// Such a batch was begun by another program in the meantime.
    #[error("another program has just begun this batch")]
    Begun,
    /// A batch's rows could not be read, in the words of who reads them.
    #[error("{0}")]
    Rows(String),
}

impl InventoryError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoFolder => "name one with --inventory FILE, or say --inventory none to keep no record",
            Self::Open { .. } => "name a file that you may write with --inventory FILE, or say --inventory none",
            Self::NotOurs(_) => "name another file with --inventory FILE; this one was not changed",
            Self::Damaged { .. } => {
                "it was left as it is: put a backup in its place, or keep it aside and begin a new one; sqlite3's \
                 .recover may save what is in it"
            }
            Self::TooNew { .. } => "use that version, or another inventory with --inventory FILE",
            Self::Locked(_) => "close the program that has it open, and run the same command again",
            Self::Full(_) => "make room, and run the same command again",
            Self::Other { .. } => "look at the file and its folder, and run tokentap inventory check",
            Self::Taken(_) => "lay the token back: it gets another row",
            Self::Held(_) => {
                "two tokens with one seed show the same codes; if the other one is lost or erased, say tokentap inventory \
                 forget SERIAL for it"
            }
            Self::Begun => "run the same command again: it joins in",
            Self::Rows(_) => "correct the file, and run the same command again",
        }
    }
}
