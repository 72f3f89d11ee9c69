//! What goes wrong with the inventory: fact and remedy.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::files::beside;
use crate::plain::shell_word;
use crate::time::UnixTime;

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
    Changed(String),
    /// The token's record belongs to another job by now.
    #[error("another program has recorded a job on the token {0} in the meantime; its record is unchanged")]
    Overtaken(String),
    /// The file, or its folder, is not its user's alone.
    #[error("{what}")]
    NotOurAlone {
        /// What is wrong.
        what: String,
        /// What to do about it.
        next: String,
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
    Held(String),
    /// The token has another seed on record.
    #[error("the inventory has another seed of the token {0}, which this would replace")]
    OtherSeed(String),
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
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NoFolder => "use --inventory FILE, or --inventory none to keep no record",
            Self::Open { .. } => {
                "use a file that you may write with --inventory FILE, or --inventory none to keep no record"
            }
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
            Self::Held(serial) => {
                return Cow::Owned(format!(
                    "two tokens with one seed show the same codes; see whose that token is: tokentap inventory show {serial}; \
                     if both are to have it, use --allow-shared-secret with tokentap burn or sync, for one token at a time"
                ));
            }
            Self::InUse { .. } => "wait until that program is done, and run the same command again",
            Self::Changed(_) => "run the same command again",
            Self::Overtaken(_) => "see tokentap inventory show, and verify a code of the token before it is handed out",
            Self::NotOurAlone { next, .. } => return Cow::Owned(next.clone()),
            Self::Recipients { path, found, .. } if found.is_empty() => {
                return Cow::Owned(format!(
                    "if you did not put a new inventory in its place, somebody has removed them: use a backup (docs/desk.md); \
                     if you did, confirm that it keeps no seeds: tokentap --inventory {} inventory init",
                    shell_word(path)
                ));
            }
            Self::Recipients { path, found, .. } => {
                let flags: Vec<String> = found.iter().map(|recipient| format!("--recipient {recipient}")).collect();
                return Cow::Owned(format!(
                    "if these are not yours, somebody else would read the seeds: use a backup (docs/desk.md); if they are \
                     yours, confirm them: tokentap --inventory {} inventory init {}",
                    shell_word(path),
                    flags.join(" ")
                ));
            }
            Self::Replaced(_) => {
                "put it back, with its -wal file, if it is the newest; then run the same command again (docs/desk.md)"
            }
            Self::LogAlone(path) => {
                let log = shell_word(&beside(path, "-wal"));
                return Cow::Owned(format!(
                    "put the inventory back beside it; if it is lost, move the log away first (mv {log} {log}.old), and then \
                     put the newest backup in the inventory's place (docs/desk.md)"
                ));
            }
            Self::Seal(_) => "run tokentap inventory check, or use another inventory with --inventory FILE",
            Self::Remote { .. } => {
                "use a file on this computer's own disk with --inventory FILE; docs/desk.md says how several desks work"
            }
            Self::OtherSeed(_) => "use --force if the file is right",
            Self::Begun => "run the same command again: it joins in",
            Self::Rows(_) => "correct the file, and run the same command again",
        })
    }
}
