//! Remedies for the inventory in words.

use crate::inventory::RecordRemedy;
use crate::plain::shell_word;

/// A remedy for the inventory in words.
#[must_use]
pub fn remedy_of_record(remedy: &RecordRemedy) -> String {
    match remedy {
        RecordRemedy::OwnOrTakeOver(file) => format!(
            "use an inventory of your own with --inventory FILE, or make it yours: chown \"$USER\" {}",
            shell_word(file)
        ),
        RecordRemedy::KeepFileToOneself { file, inventory } => format!(
            "keep it to yourself: chmod go-w {}; then check it: tokentap inventory check --inventory {}",
            shell_word(file),
            shell_word(inventory)
        ),
        RecordRemedy::KeepFolderToOneself { folder, inventory } => format!(
            "keep the folder to yourself: chmod go-w {}; then check the inventory: tokentap inventory check --inventory {}",
            shell_word(folder),
            shell_word(inventory)
        ),
        RecordRemedy::RemoveForeign { file, inventory } => format!(
            "have it removed: rm {}; then check the inventory: tokentap inventory check --inventory {}",
            shell_word(file),
            shell_word(inventory)
        ),
        RecordRemedy::RemoveOtherName(file) => {
            format!("remove the other name (find it with: find ~ -samefile {})", shell_word(file))
        }
        RecordRemedy::ConfirmNoRecipients(path) => format!(
            "if you did not put a new inventory in its place, somebody has removed them: use a backup (docs/desk.md); if you \
             did, confirm that it keeps no seeds: tokentap --inventory {} inventory init",
            shell_word(path)
        ),
        RecordRemedy::ConfirmRecipients(path, found) => {
            let flags: Vec<String> = found.iter().map(|recipient| format!("--recipient {recipient}")).collect();
            format!(
                "if these are not yours, somebody else would read the seeds: use a backup (docs/desk.md); if they are yours, \
                 confirm them: tokentap --inventory {} inventory init {}",
                shell_word(path),
                flags.join(" ")
            )
        }
        RecordRemedy::PutBackBesideLog(log) => {
            let log = shell_word(log);
            format!(
                "put the inventory back beside it; if it is lost, move the log away first (mv {log} {log}.old), and then put \
                 the newest backup in the inventory's place (docs/desk.md)"
            )
        }
        RecordRemedy::SeeHolder(serial) => format!(
            "two tokens with one seed show the same codes; see whose that token is: tokentap inventory show {serial}; if \
             both are to have it, use --allow-shared-secret with tokentap burn or sync, for one token at a time"
        ),
        fixed => fixed_words(fixed).to_owned(),
    }
}

fn fixed_words(remedy: &RecordRemedy) -> &'static str {
    match remedy {
        RecordRemedy::Name => "use --inventory FILE, or --inventory none to keep no record",
        RecordRemedy::NameDatabase => {
            "write its address as --inventory postgres://USER@HOST/DATABASE; the password goes into the file that PGPASSFILE names, or ~/.pgpass"
        }
        RecordRemedy::HaveUpgraded => {
            "have it brought to this version on the database's host, with tokentap inventory serve-init; until then use the earlier version"
        }
        RecordRemedy::OtherName => "use another name",
        RecordRemedy::CopyIntoNew => {
            "copy into a new inventory; whether this one has the same already is told by tokentap inventory copy --compare"
        }
        RecordRemedy::SeeDesks => "see who is there: tokentap inventory desks",
        RecordRemedy::SeeServer => {
            "see that the database server runs and that this computer reaches it, and run the same command again"
        }
        RecordRemedy::TryLater => {
            "run the same command again; if that does not help, see who is there: tokentap inventory desks"
        }
        RecordRemedy::MoveOutboxAside => {
            "see that its folder can be written and its disk is not full; if the file is damaged, move it aside and keep it: what was done \
             at this desk while the server was away is in it"
        }
        RecordRemedy::ShowToOwner => "show this to whoever runs the database",
        RecordRemedy::SeeCertificate => {
            "ask whoever runs the database for a certificate that is valid for the name in the address; --db-ca FILE names an authority of your own"
        }
        RecordRemedy::SeeServerThenShow => {
            "see that the database server runs; then look what is on record: tokentap inventory events"
        }
        RecordRemedy::AskOwner => {
            "ask whoever runs the database; the password is read from the file that PGPASSFILE names, from what this desk has joined by, or from ~/.pgpass"
        }
        RecordRemedy::NameWritable => {
            "use a file that you may write with --inventory FILE, or --inventory none to keep no record"
        }
        RecordRemedy::NameAnother => {
            "name the right file with --inventory; if this was the inventory, it is damaged: put a backup in its place. It was not changed"
        }
        RecordRemedy::NameInOwnFolder => "use an inventory in a folder of your own with --inventory FILE",
        RecordRemedy::NameLocal => {
            "use a file on this computer's own disk with --inventory FILE; docs/desk.md says how several desks work"
        }
        RecordRemedy::PutBackup => {
            "it was not changed: put a backup in its place, or keep it aside and start a new one; sqlite3's .recover may save \
             what is in it"
        }
        RecordRemedy::LaterVersion => "use that version, or another inventory with --inventory FILE",
        RecordRemedy::CloseOther => "close the program that has it open, and run the same command again",
        RecordRemedy::MakeRoom => "make room, and run the same command again",
        RecordRemedy::LookAndCheck => "look at the file and its folder, and run tokentap inventory check",
        RecordRemedy::CheckOrNameAnother => {
            "run tokentap inventory check, or use another inventory with --inventory FILE"
        }
        RecordRemedy::PutBack => {
            "put it back, with its -wal file, if it is the newest; then run the same command again (docs/desk.md)"
        }
        RecordRemedy::LayBackForRow => "lay the token back: it gets another row",
        RecordRemedy::WaitForOther => "wait until that program is done, and run the same command again",
        RecordRemedy::AgainJoining => "run the same command again: it joins in",
        RecordRemedy::SeeAndVerify => {
            "run tokentap inventory show, and verify a code of the token before it is handed out"
        }
        RecordRemedy::Force => "use --force if the file is right",
        RecordRemedy::CorrectFile => "correct the file, and run the same command again",
        RecordRemedy::Again => "run the same command again",
        // Worded above, with what they name.
        RecordRemedy::OwnOrTakeOver(_)
        | RecordRemedy::KeepFileToOneself { .. }
        | RecordRemedy::KeepFolderToOneself { .. }
        | RecordRemedy::RemoveForeign { .. }
        | RecordRemedy::RemoveOtherName(_)
        | RecordRemedy::ConfirmNoRecipients(_)
        | RecordRemedy::ConfirmRecipients(..)
        | RecordRemedy::PutBackBesideLog(_)
        | RecordRemedy::SeeHolder(_) => "",
    }
}
