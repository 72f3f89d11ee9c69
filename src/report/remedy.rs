//! Remedies in words, as the command line gives them: each command and flag is one that can be typed as it is.

use super::audience::Audience;
use super::hindrance::hindrance_next;
use super::on_page::{clock_on_page, file_on_page, token_on_page};
use super::remedy_of_clock::remedy_of_clock;
use super::remedy_of_file::remedy_of_file;
use super::remedy_of_reader::remedy_of_reader;
use super::remedy_of_record::remedy_of_record;
use super::remedy_of_token::{remedy_of_token, run_again};
use super::server_error::remedy_of_server;
use crate::job::remedy::{BatchRemedy, Remedy};
use crate::plain::shell_word;

/// A remedy in words.
#[must_use]
pub fn remedy(remedy: &Remedy, audience: Audience) -> String {
    let on_page = audience.is_page();
    match remedy {
        Remedy::Words(words) => words.clone(),
        Remedy::Reader(of_reader) => remedy_of_reader(of_reader, audience),
        Remedy::Clock(of_clock) if on_page => clock_on_page(*of_clock),
        Remedy::Clock(of_clock) => remedy_of_clock(*of_clock),
        Remedy::Record(of_record) => remedy_of_record(of_record, audience),
        Remedy::File(of_file) if on_page => file_on_page(of_file),
        Remedy::File(of_file) => remedy_of_file(of_file),
        Remedy::Token(of_token) if on_page => token_on_page(of_token),
        Remedy::Token(of_token) => remedy_of_token(of_token, audience),
        Remedy::Batch(of_batch) => remedy_of_batch(of_batch, audience),
        Remedy::Server { name, remedy } => remedy_of_server(*remedy, name, audience),
        Remedy::AtServer { server, serial, why } => hindrance_next(why, server, serial, audience),
        Remedy::Again(again) => run_again(again, audience),
        Remedy::Continue(again) => format!("to continue, {}", run_again(again, audience)),
        Remedy::Retry(again) => format!("for another try, {}", run_again(again, audience)),
        Remedy::Report => format!("{}; if it fails again, please report it with this message", audience.again()),
        Remedy::StartVirtualReader => {
            "install vsmartcard-vpcd and start pcscd; without both, use --reader emulated:FILE".to_owned()
        }
    }
}

fn remedy_of_batch(remedy: &BatchRemedy, audience: Audience) -> String {
    let (again, on_page) = (audience.again(), audience.is_page());
    match remedy {
        BatchRemedy::SeeFile => format!("see that the file can be read, and {again}"),
        BatchRemedy::SeeDisk => format!("see that the disk has room, and {again}: it continues where it was"),
        BatchRemedy::SeeFolder => format!("see that the folder is writable and the disk has room, and {again}"),
        BatchRemedy::Correct => format!("correct what is named, and {again}: it writes the file again"),
        BatchRemedy::Check => format!("check the inventory: {}", audience.command("tokentap inventory check")),
        BatchRemedy::PutRowsBack if on_page => format!(
            "put the rows back as they were to continue it; to leave it for good, {}",
            audience.command_at_reader("tokentap batch FILE --new-batch")
        ),
        BatchRemedy::FindOut if on_page => format!(
            "the inventory may be an old copy: put the newest backup in its place; or check a code of both tokens here, and start anew with \
             a file of the rows that are left, {}",
            audience.command_at_reader("tokentap batch FILE --new-batch")
        ),
        BatchRemedy::StateProfileOrFormat if on_page => format!(
            "save it in a format with fields for hash and time step; or state them as its server has them, {}",
            audience.command_at_reader("tokentap batch FILE --hash HASH --step SECONDS")
        ),
        BatchRemedy::OtherFileOrForce if on_page => "use another file".to_owned(),
        BatchRemedy::StopOrOtherFile if on_page => {
            "if the inventory was lost or restored from a backup since, stop: the rows may be on tokens already \
             (docs/desk.md); otherwise choose another file to write"
                .to_owned()
        }
        BatchRemedy::NameFirst(file) if on_page => format!("choose {} as the file to write", shell_word(file)),
        BatchRemedy::NameFirst(file) => format!("name {} as the first --to", shell_word(file)),
        BatchRemedy::PutPartBack(part) => format!(
            "put {} back as it was; where the inventory keeps seeds, they can be exported: {}",
            shell_word(part),
            audience.command("tokentap inventory export --identity FILE")
        ),
        fixed => fixed_remedy_of_batch(fixed).to_owned(),
    }
}

fn fixed_remedy_of_batch(remedy: &BatchRemedy) -> &'static str {
    match remedy {
        BatchRemedy::PutRowsBack => {
            "put the rows back as they were to continue it, or leave it for good with --new-batch"
        }
        BatchRemedy::FindOut => {
            "the inventory may be an old copy: put the newest backup in its place; or verify codes of both tokens with \
             tokentap verify, and start anew with the rows that are left and --new-batch"
        }
        BatchRemedy::StateProfileOrFormat => {
            "use --hash and --step, as its server has them, or a format with fields for them"
        }
        BatchRemedy::OtherMachine => "do not use this computer for seeds",
        BatchRemedy::MovePartAside => "it may be their only copy: move it aside (it is a csv file), and start again",
        BatchRemedy::StopOrOtherFile => {
            "if the inventory was lost or restored from a backup since, stop: the rows may be on tokens already \
             (docs/desk.md); otherwise use another file with --to"
        }
        BatchRemedy::OtherFileOrForce => "use another file, or overwrite it with --force",
        BatchRemedy::OwnFile => "use a file of its own: secrets go through no link and to no device",
        BatchRemedy::SeeFolderUnchanged => "see that the folder is writable and the disk has room; nothing was changed",
        // Worded above, with what they name.
        BatchRemedy::NameFirst(_)
        | BatchRemedy::PutPartBack(_)
        | BatchRemedy::SeeFile
        | BatchRemedy::SeeDisk
        | BatchRemedy::SeeFolder
        | BatchRemedy::Correct
        | BatchRemedy::Check => "",
    }
}
