//! Remedies for the inventory in words.

use super::audience::Audience;
use crate::inventory::RecordRemedy;
use crate::plain::shell_word;

/// A remedy for the inventory in words.
#[must_use]
pub fn remedy_of_record(remedy: &RecordRemedy, audience: Audience) -> String {
    let command = |command: String| audience.command(&command);
    match remedy {
        RecordRemedy::OwnOrTakeOver(file) => format!(
            "{} with an inventory of your own, or make it yours: {}",
            audience.flag("--inventory FILE"),
            command(format!("chown \"$USER\" {}", shell_word(file)))
        ),
        RecordRemedy::KeepFileToOneself { file, inventory } => format!(
            "keep it to yourself: {}",
            command(format!(
                "chmod go-w {}; then check it: tokentap inventory check --inventory {}",
                shell_word(file),
                shell_word(inventory)
            ))
        ),
        RecordRemedy::KeepFolderToOneself { folder, inventory } => format!(
            "keep the folder to yourself: {}",
            command(format!(
                "chmod go-w {}; then check the inventory: tokentap inventory check --inventory {}",
                shell_word(folder),
                shell_word(inventory)
            ))
        ),
        RecordRemedy::RemoveForeign { file, inventory } => format!(
            "have it removed: {}",
            command(format!(
                "rm {}; then check the inventory: tokentap inventory check --inventory {}",
                shell_word(file),
                shell_word(inventory)
            ))
        ),
        RecordRemedy::RemoveOtherName(file) => {
            format!("remove the other name (find it with: find ~ -samefile {})", shell_word(file))
        }
        RecordRemedy::ConfirmNoRecipients(path) => format!(
            "if you did not put a new inventory in its place, somebody has removed them: use a backup (docs/desk.md); if you \
             did, confirm that it keeps no seeds: {}",
            command(format!("tokentap --inventory {} inventory init", shell_word(path)))
        ),
        RecordRemedy::ConfirmRecipients(path, found) => {
            let flags: Vec<String> = found.iter().map(|recipient| format!("--recipient {recipient}")).collect();
            format!(
                "if these are not yours, somebody else would read the seeds: use a backup (docs/desk.md); if they are yours, \
                 confirm them: {}",
                command(format!("tokentap --inventory {} inventory init {}", shell_word(path), flags.join(" ")))
            )
        }
        RecordRemedy::PutBackBesideLog(log) => {
            let move_it = if cfg!(windows) { "move" } else { "mv" };
            let mut old = log.clone().into_os_string();
            old.push(".old");
            format!(
                "put the inventory back beside it; if it is lost, move the log away first ({move_it} {} {}), and then put \
                 the newest backup in the inventory's place (docs/desk.md)",
                shell_word(log),
                shell_word(std::path::Path::new(&old))
            )
        }
        RecordRemedy::SeeHolder(serial) => format!(
            "two tokens with one seed show the same codes; see whose that token is: {}; if \
             both are to have it, one token at a time: {}",
            match audience {
                Audience::Terminal => format!("tokentap inventory show {serial}"),
                Audience::Page | Audience::Kiosk => format!("search for {serial} with \"Find\" here"),
            },
            audience.command_at_reader("tokentap burn, or sync, with --allow-shared-secret")
        ),
        fixed => words_that_repeat(fixed, audience).unwrap_or_else(|| fixed_words(fixed).to_owned()),
    }
}

/// The remedies that name a flag or a command, or after which the same is done again.
fn words_that_repeat(remedy: &RecordRemedy, audience: Audience) -> Option<String> {
    let again = audience.again();
    let named = |which: &str| match audience {
        Audience::Terminal => format!("use {which} with --inventory FILE"),
        Audience::Page | Audience::Kiosk => format!("{}, where FILE is {which}", audience.flag("--inventory FILE")),
    };
    Some(match remedy {
        RecordRemedy::Name => {
            format!("{}, or --inventory none to keep no record", audience.flag("--inventory FILE"))
        }
        RecordRemedy::NameAnother => format!(
            "{}; if this was the inventory, it is damaged: put a backup in its place. It was not changed",
            named("the right file")
        ),
        RecordRemedy::NameDatabase => format!(
            "write its address in full: {}; the password goes into the file that PGPASSFILE names, or ~/.pgpass",
            audience.flag("--inventory postgres://USER@HOST/DATABASE")
        ),
        RecordRemedy::HaveUpgraded => format!(
            "have it brought to this version on the database's host ({}); until then use the earlier version",
            audience.command("tokentap inventory serve-init")
        ),
        RecordRemedy::SeeCertificate => format!(
            "ask whoever runs the database for a certificate that is valid for the name in the address; for an authority of your own, {}",
            audience.flag("--db-ca FILE")
        ),
        RecordRemedy::CopyIntoNew => format!(
            "copy into a new inventory; to see whether this one has the same records already: {}",
            audience.command("tokentap inventory copy --compare")
        ),
        RecordRemedy::SeeDesks => format!("see who is there: {}", audience.command(DESKS)),
        RecordRemedy::SeeServer => {
            format!("see that the database server runs and that this computer reaches it, and {again}")
        }
        RecordRemedy::TryLater => {
            format!("{again}; if that does not help, see who is there: {}", audience.command(DESKS))
        }
        RecordRemedy::SeeServerThenShow => format!(
            "see that the database server runs; then look what is on record: {}",
            audience.command("tokentap inventory events")
        ),
        RecordRemedy::NameWritable => {
            format!("{}, or --inventory none to keep no record", named("a file that you may write"))
        }
        RecordRemedy::NameInOwnFolder => named("an inventory in a folder of your own"),
        RecordRemedy::NameLocal => {
            format!("{}; docs/desk.md says how several desks work", named("a file on this computer's own disk"))
        }
        RecordRemedy::LaterVersion => format!("use that version, or {}", named("another inventory")),
        RecordRemedy::CloseOther => format!("close the program that has it open, and {again}"),
        RecordRemedy::MakeRoom => format!("make room, and {again}"),
        RecordRemedy::LookAndCheck => {
            format!("look at the file and its folder, and check it: {}", audience.command(CHECK))
        }
        RecordRemedy::CheckOrNameAnother => {
            format!("check it: {}; or {}", audience.command(CHECK), named("another inventory"))
        }
        RecordRemedy::PutBack => {
            format!("put it back, with its -wal file, if it is the newest; then {again} (docs/desk.md)")
        }
        RecordRemedy::WaitForOther => format!("wait until that program is done, and {again}"),
        RecordRemedy::AgainJoining => format!("{again}: it joins in"),
        RecordRemedy::SeeAndVerify => match audience {
            Audience::Terminal => {
                "run tokentap inventory show, and verify a code of the token before it is handed out".to_owned()
            }
            Audience::Page | Audience::Kiosk => {
                "open the token here, and check one of its codes before it is handed out".to_owned()
            }
        },
        RecordRemedy::CorrectFile => format!("correct the file, and {again}"),
        RecordRemedy::Again => again.to_owned(),
        _ => return None,
    })
}

/// Shows the desks at a database.
const DESKS: &str = "tokentap inventory desks";

/// Looks an inventory through.
const CHECK: &str = "tokentap inventory check";

fn fixed_words(remedy: &RecordRemedy) -> &'static str {
    match remedy {
        RecordRemedy::OtherName => "use another name",
        RecordRemedy::MoveOutboxAside => {
            "see that its folder can be written and its disk is not full; if the file is damaged, move it aside and keep it: what was done \
             at this desk while the server was away is in it"
        }
        RecordRemedy::ShowToOwner => "show this to whoever runs the database",
        RecordRemedy::AskOwner => {
            "ask whoever runs the database; the password is read from the file that PGPASSFILE names, from what this desk has joined by, or from ~/.pgpass"
        }
        RecordRemedy::PutBackup => {
            "it was not changed: put a backup in its place, or keep it aside and start a new one; sqlite3's .recover may save \
             what is in it"
        }
        RecordRemedy::Force => "use --force if the file is right",
        RecordRemedy::LayBackForRow => "lay the token back: it gets another row",
        // Worded above, with what they name.
        RecordRemedy::Name
        | RecordRemedy::NameAnother
        | RecordRemedy::NameDatabase
        | RecordRemedy::HaveUpgraded
        | RecordRemedy::SeeCertificate
        | RecordRemedy::CopyIntoNew
        | RecordRemedy::SeeDesks
        | RecordRemedy::SeeServer
        | RecordRemedy::TryLater
        | RecordRemedy::SeeServerThenShow
        | RecordRemedy::NameWritable
        | RecordRemedy::NameInOwnFolder
        | RecordRemedy::NameLocal
        | RecordRemedy::LaterVersion
        | RecordRemedy::CloseOther
        | RecordRemedy::MakeRoom
        | RecordRemedy::LookAndCheck
        | RecordRemedy::CheckOrNameAnother
        | RecordRemedy::PutBack
        | RecordRemedy::WaitForOther
        | RecordRemedy::AgainJoining
        | RecordRemedy::SeeAndVerify
        | RecordRemedy::CorrectFile
        | RecordRemedy::Again
        | RecordRemedy::OwnOrTakeOver(_)
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
