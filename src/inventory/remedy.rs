//! Remedies for trouble with the inventory, as data: the front end words them.

use std::path::PathBuf;

/// Something that helps with the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordRemedy {
    /// Name an inventory, or none.
    Name,
    /// Use a file that this user may write, or no inventory.
    NameWritable,
    /// Use another file; the one that was named was not changed.
    NameAnother,
    /// Use an inventory of this user's own, or take this file over.
    OwnOrTakeOver(PathBuf),
    /// Use an inventory in a folder of this user's own.
    NameInOwnFolder,
    /// Use a file on a disk of this computer.
    NameLocal,
    /// Put a backup in its place, or start a new one.
    PutBackup,
    /// Use the later version of the program, or another inventory.
    LaterVersion,
    /// Close the program that has it open.
    CloseOther,
    /// Make room on the disk.
    MakeRoom,
    /// Look at the file and its folder, and check it.
    LookAndCheck,
    /// Check it, or use another one.
    CheckOrNameAnother,
    /// Keep a file to oneself, then check the inventory.
    KeepFileToOneself {
        /// The file that others can write.
        file: PathBuf,
        /// The inventory.
        inventory: PathBuf,
    },
    /// Keep a folder to oneself, then check the inventory.
    KeepFolderToOneself {
        /// The folder that others can write to.
        folder: PathBuf,
        /// The inventory.
        inventory: PathBuf,
    },
    /// Have a foreign file beside the inventory removed, then check the inventory.
    RemoveForeign {
        /// The foreign file.
        file: PathBuf,
        /// The inventory.
        inventory: PathBuf,
    },
    /// Remove the second name of this file.
    RemoveOtherName(PathBuf),
    /// The recipients are gone: use a backup, or confirm that there are none.
    ConfirmNoRecipients(PathBuf),
    /// The recipients are others: use a backup, or confirm them.
    ConfirmRecipients(PathBuf, Vec<String>),
    /// Have the inventory brought to this version on the database's host.
    HaveUpgraded,
    /// Use another name.
    OtherName,
    /// Copy into a new inventory, or compare the two.
    CopyIntoNew,
    /// See which desks there are.
    SeeDesks,
    /// Name the database as its address is written, with the password in a file.
    NameDatabase,
    /// See that the database server runs and can be reached.
    SeeServer,
    /// See to the outbox's folder; move the file aside, and keep it.
    MoveOutboxAside,
    /// Run the same again, and see who keeps it.
    TryLater,
    /// Show the message to whoever runs the database.
    ShowToOwner,
    /// Have the certificate mended, or name its authority.
    SeeCertificate,
    /// See that the server runs; then see what is on record.
    SeeServerThenShow,
    /// Ask whoever runs the database.
    AskOwner,
    /// Put a file that was moved back.
    PutBack,
    /// Put the inventory back beside its log; the log's path.
    PutBackBesideLog(PathBuf),
    /// Lay the token back: it gets another row.
    LayBackForRow,
    /// See who has the token with this seed; or let both have it.
    SeeHolder(String),
    /// Wait until the other program is done.
    WaitForOther,
    /// Run the same command again.
    Again,
    /// Run the same command again: it joins in.
    AgainJoining,
    /// See the token's record and check its code before it is handed out.
    SeeAndVerify,
    /// Import all the same.
    Force,
    /// Correct the file.
    CorrectFile,
}
