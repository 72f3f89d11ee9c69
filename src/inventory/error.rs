//! Troubles of the inventory: fact and remedy.

use std::path::PathBuf;

use super::remedy::RecordRemedy;
use super::slot_key::SlotKey;
use crate::files::beside;
use crate::time::UnixTime;

/// An inventory that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// The platform names no folder for a user's data.
    #[error("this user has no folder for the inventory")]
    NoFolder,
    /// It cannot be opened or created.
    #[error("the inventory {} cannot be opened: {detail}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's words.
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
        /// The damage that `SQLite` found.
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
        /// The words of `SQLite`.
        detail: String,
    },
    /// Another job is at work with the token.
    #[error("another program has been working with the token {serial} since {}", .since.format("%Y-%m-%d %H:%M:%S UTC"))]
    InUse {
        /// The token.
        serial: String,
        /// When that job began.
        since: UnixTime,
    },
    /// The token's record is not what the plan was made from.
    #[error("another program has changed the record of the token {0} in the meantime")]
    Changed(SlotKey),
    /// The token's record belongs to another job by now.
    #[error("another program has recorded a job on the token {0} in the meantime; its record is unchanged")]
    Overtaken(SlotKey),
    /// The file, or its folder, is not its user's alone.
    #[error("{what}")]
    NotOurAlone {
        /// The fault.
        what: String,
        /// The remedy.
        remedy: RecordRemedy,
    },
    /// Another file stands at its path by now, or none.
    #[error("the inventory {} was moved, removed or replaced while this program worked with it", .0.display())]
    Replaced(PathBuf),
    /// The file is gone, and the log that belongs to it is there.
    #[error("the inventory {} is gone, but its log, which has the last of its records, is there", .0.display())]
    LogAlone(PathBuf),
    /// Its recipients are not those that this user confirmed.
    #[error("the recipients of the inventory {} have changed: {}; confirmed: {}", .path.display(), listed(.found), listed(.confirmed))]
    Recipients {
        /// The file.
        path: PathBuf,
        /// Those that it has.
        found: Vec<String>,
        /// Those that were confirmed.
        confirmed: Vec<String>,
    },
    /// A seed could not be sealed.
    #[error("{0}")]
    Seal(String),
    /// The file is on another computer.
    #[error("the inventory {} is on a network file system ({kind}), where two desks would overwrite each other's records", .path.display())]
    Remote {
        /// The file.
        path: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// Another program has changed a row of the batch in the meantime.
    #[error("another program has taken row {0} of the batch")]
    Taken(u64),
    /// The seed is, or may be, on another token.
    #[error("the record says that this seed is on the token {0}")]
    Held(SlotKey),
    /// The token has another seed on record.
    #[error("the inventory has another seed of the token {0}, which this would replace")]
    OtherSeed(SlotKey),
    /// Such a batch was begun by another program in the meantime.
    #[error("another program has just begun this batch")]
    Begun,
    /// A batch's rows could not be read, in the words of who reads them.
    #[error("{0}")]
    Rows(String),
}

fn listed(recipients: &[String]) -> String {
    if recipients.is_empty() { "none".to_owned() } else { recipients.join(", ") }
}

impl InventoryError {
    /// The remedy.
    #[must_use]
    pub fn remedy(&self) -> RecordRemedy {
        match self {
            Self::NoFolder => RecordRemedy::Name,
            Self::Open { .. } => RecordRemedy::NameWritable,
            Self::NotOurs(_) => RecordRemedy::NameAnother,
            Self::Damaged { .. } => RecordRemedy::PutBackup,
            Self::TooNew { .. } => RecordRemedy::LaterVersion,
            Self::Locked(_) => RecordRemedy::CloseOther,
            Self::Full(_) => RecordRemedy::MakeRoom,
            Self::Other { .. } => RecordRemedy::LookAndCheck,
            Self::Taken(_) => RecordRemedy::LayBackForRow,
            Self::Held(key) => RecordRemedy::SeeHolder(key.serial.clone()),
            Self::InUse { .. } => RecordRemedy::WaitForOther,
            Self::Changed(_) => RecordRemedy::Again,
            Self::Overtaken(_) => RecordRemedy::SeeAndVerify,
            Self::NotOurAlone { remedy, .. } => remedy.clone(),
            Self::Recipients { path, found, .. } if found.is_empty() => RecordRemedy::ConfirmNoRecipients(path.clone()),
            Self::Recipients { path, found, .. } => RecordRemedy::ConfirmRecipients(path.clone(), found.clone()),
            Self::Replaced(_) => RecordRemedy::PutBack,
            Self::LogAlone(path) => RecordRemedy::PutBackBesideLog(beside(path, "-wal")),
            Self::Seal(_) => RecordRemedy::CheckOrNameAnother,
            Self::Remote { .. } => RecordRemedy::NameLocal,
            Self::OtherSeed(_) => RecordRemedy::Force,
            Self::Begun => RecordRemedy::AgainJoining,
            Self::Rows(_) => RecordRemedy::CorrectFile,
        }
    }
}
