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
    /// An earlier version of this program made it, and only its owner may bring it to this one's.
    #[error("the inventory {} is an earlier version's (schema {found}, this one needs {known})", .path.display())]
    TooOld {
        /// Its address.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The schema that is needed here.
        known: i64,
    },
    /// A database of this name is there, and no inventory's.
    #[error("the database {0:?} is somebody else's")]
    OthersDatabase(String),
    /// A user of the server has the name that a new desk is to have.
    #[error("{0:?} is a user of the server already, and no desk or viewer of this inventory")]
    NameTaken(String),
    /// It has records already, so that another one cannot be copied into it.
    #[error("the inventory {} has records already", .0.display())]
    NotEmpty(PathBuf),
    /// Another program works with it, so that another one cannot be copied into it.
    #[error("another program works with the inventory {}", .0.display())]
    NotAlone(PathBuf),
    /// No desk or viewer of the inventory has this name on its server.
    #[error("this inventory has no desk or viewer named {0:?}")]
    NoDesk(String),
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
    /// The address of a database that cannot be used.
    #[error("{0}")]
    Address(String),
    /// Its server does not answer.
    #[error("the inventory {} does not answer: {detail}", .path.display())]
    Away {
        /// Its address.
        path: PathBuf,
        /// The system's or the server's words.
        detail: String,
    },
    /// On its server another desk keeps something locked for long.
    #[error("the inventory {} is busy: another desk keeps what is needed locked", .0.display())]
    Busy(PathBuf),
    /// Its server has a trouble of its own.
    #[error("the server of the inventory {} says: {detail}", .path.display())]
    Server {
        /// Its address.
        path: PathBuf,
        /// The server's words.
        detail: String,
    },
    /// A record breaks a rule of its tables, or has a value in it that makes no sense.
    #[error("a record does not fit the inventory {}: {detail}", .path.display())]
    Unfit {
        /// Its address.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// This desk's outbox, with what waits for a server, cannot be used.
    #[error("this desk's outbox {} cannot be used: {detail}", .path.display())]
    Outbox {
        /// The file.
        path: PathBuf,
        /// The words of `SQLite` or of the system.
        detail: String,
    },
    /// Its server's certificate is refused: nothing was told to it.
    #[error("the server of the inventory {} is not trusted: {detail}", .path.display())]
    Untrusted {
        /// Its address.
        path: PathBuf,
        /// What is wrong with the certificate.
        detail: String,
    },
    /// Its server did not answer a commit, and could not be asked about it afterwards.
    #[error("the inventory {} did not answer: whether it kept this record is not known", .0.display())]
    Unanswered(PathBuf),
    /// Its server refuses this user, or does not let it write.
    #[error("the inventory {} refuses: {detail}", .path.display())]
    Barred {
        /// Its address.
        path: PathBuf,
        /// The server's words.
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
    /// Whether the inventory could not be reached: nothing is known of what is on record, and nothing was refused.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Unanswered(_))
    }

    /// The remedy.
    #[must_use]
    pub fn remedy(&self) -> RecordRemedy {
        match self {
            Self::NoFolder => RecordRemedy::Name,
            Self::Open { .. } => RecordRemedy::NameWritable,
            Self::NotOurs(_) => RecordRemedy::NameAnother,
            Self::Damaged { .. } => RecordRemedy::PutBackup,
            Self::TooNew { .. } => RecordRemedy::LaterVersion,
            Self::TooOld { .. } => RecordRemedy::HaveUpgraded,
            Self::NoDesk(_) | Self::NotAlone(_) => RecordRemedy::SeeDesks,
            Self::NameTaken(_) | Self::OthersDatabase(_) => RecordRemedy::OtherName,
            Self::NotEmpty(_) => RecordRemedy::CopyIntoNew,
            Self::Locked(_) => RecordRemedy::CloseOther,
            Self::Full(_) => RecordRemedy::MakeRoom,
            Self::Other { .. } => RecordRemedy::LookAndCheck,
            Self::Address(_) => RecordRemedy::NameDatabase,
            Self::Away { .. } => RecordRemedy::SeeServer,
            Self::Untrusted { .. } => RecordRemedy::SeeCertificate,
            Self::Busy(_) => RecordRemedy::TryLater,
            Self::Outbox { .. } => RecordRemedy::MoveOutboxAside,
            Self::Server { .. } | Self::Unfit { .. } => RecordRemedy::ShowToOwner,
            Self::Unanswered(_) => RecordRemedy::SeeServerThenShow,
            Self::Barred { .. } => RecordRemedy::AskOwner,
            Self::Taken(_) => RecordRemedy::LayBackForRow,
            Self::Held(key) => RecordRemedy::SeeHolder(key.to_string()),
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
