//! Remedies in words, as the command line gives them: each command and flag is one that can be typed as it is.

use super::hindrance::hindrance_next;
use super::remedy_of_file::remedy_of_file;
use super::remedy_of_reader::remedy_of_reader;
use super::remedy_of_record::remedy_of_record;
use super::remedy_of_slot::remedy_of_slot;
use super::server_error::remedy_of_server;
use crate::clock::ClockRemedy;
use crate::job::remedy::{Again, BatchRemedy, Remedy, TokenRemedy};
use crate::plain::shell_word;

/// A remedy in words.
#[must_use]
pub fn remedy(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Words(words) => words.clone(),
        Remedy::Reader(of_reader) => remedy_of_reader(of_reader),
        Remedy::Clock(of_clock) => remedy_of_clock(*of_clock),
        Remedy::Record(of_record) => remedy_of_record(of_record),
        Remedy::File(of_file) => remedy_of_file(of_file),
        Remedy::Token(of_token) => remedy_of_token(of_token),
        Remedy::Batch(of_batch) => remedy_of_batch(of_batch),
        Remedy::Server { name, remedy } => remedy_of_server(*remedy, name),
        Remedy::AtServer { server, serial, why } => hindrance_next(why, server, serial),
        Remedy::Again(again) => run_again(again),
        Remedy::Continue(again) => format!("to continue, {}", run_again(again)),
        Remedy::Retry(again) => format!("for another try, {}", run_again(again)),
        Remedy::Report => {
            "run the same command again; if it fails again, please report it with this message".to_owned()
        }
        Remedy::StartVirtualReader => {
            "install vsmartcard-vpcd and start pcscd; without both, use --reader emulated:FILE".to_owned()
        }
    }
}

fn run_again(again: &Again) -> String {
    match again {
        Again::Same => "run the same command again".to_owned(),
        Again::SameTwice => "run the same command again (twice is safe on the same token)".to_owned(),
        Again::WithoutDriftBound => "run the same command again, without --if-drift-over".to_owned(),
        Again::BatchVisit => "it gets its row".to_owned(),
        Again::DeskVisit => "it is measured again".to_owned(),
        Again::WithKeptSeed(file) => format!(
            "run the same command with --seed-file {} instead of --generate and its files (twice is safe on the same token)",
            shell_word(file)
        ),
    }
}

/// How a host's clock is kept right by the system.
const SYNCHRONISE: &str = if cfg!(windows) {
    "w32tm /resync, as an administrator"
} else if cfg!(target_os = "macos") {
    "sudo sntp -sS time.apple.com"
} else {
    "timedatectl set-ntp true"
};

/// A remedy for the host's clock in words.
#[must_use]
pub fn remedy_of_clock(remedy: ClockRemedy) -> String {
    match remedy {
        ClockRemedy::Set => {
            format!("set the host's clock, best by NTP ({SYNCHRONISE}), and run the same command again")
        }
        ClockRemedy::Synchronise => {
            format!("synchronise it ({SYNCHRONISE}), or use --ntp SERVER, or accept the clock with --trust-host-clock")
        }
        ClockRemedy::Compare => {
            "find out which of the two is right (another server: --ntp SERVER); then set the host's \
                                 clock, or correct by the server with --allow-large-correction"
                .to_owned()
        }
        ClockRemedy::Correct => {
            "set the host's clock, or drop --ntp-check to correct the written time, or accept the clock \
                                 with --trust-host-clock"
                .to_owned()
        }
        ClockRemedy::OtherServer => {
            "use another server with --ntp SERVER, or drop --ntp, or accept the host's clock with \
                                     --trust-host-clock"
                .to_owned()
        }
    }
}

fn remedy_of_token(remedy: &TokenRemedy) -> String {
    match remedy {
        TokenRemedy::LayBack(again) => format!("switch it on, lay it back, and {}", run_again(again)),
        TokenRemedy::WakeUp(again) => {
            format!("switch it on (press its button until the display lights), lay it back, and {}", run_again(again))
        }
        TokenRemedy::Restart(again) => {
            format!("take the token off, switch it on, lay it back, and {}", run_again(again))
        }
        TokenRemedy::PlugIn(again) => format!("plug the reader in, run `tokentap doctor`, then {}", run_again(again)),
        TokenRemedy::PlugBackIn(again) => {
            format!("unplug it, close other programs that use it, plug it in again, and {}", run_again(again))
        }
        TokenRemedy::LayThis(serial) => format!("lay the token {serial} on the reader"),
        TokenRemedy::NameReaderOf(serial) => {
            format!(
                "plug {serial} in or lay it on the reader, and name its reader: --reader NAME (tokentap readers lists them)"
            )
        }
        TokenRemedy::Swap { found, token, again } => {
            format!("take {found} away, lay {token} back, and {}", run_again(again))
        }
        TokenRemedy::SeeAndReplace(serial) => format!(
            "see whose it is: tokentap inventory show {serial}; only if the server gets the new seed too, use --replace-seed"
        ),
        TokenRemedy::SpareOrReplace(serial) => format!(
            "test a spare token; see whose this one is: tokentap inventory show {serial}; only if nobody needs it, use \
             --replace-seed"
        ),
        TokenRemedy::StateProfile { hash, step_s } => {
            format!("state what the token's server has: --hash {hash} --step {step_s}, or correct the seed file")
        }
        TokenRemedy::AgainThenReplace(again) => {
            format!("{}; if it is off again, its clock is broken, and its user needs another token", run_again(again))
        }
        TokenRemedy::AgainThenReport(again) => {
            format!("{}; if it shows the same again, please report it with the output of --trace", run_again(again))
        }
        TokenRemedy::KeepHostClock(again) => {
            format!("see that the host's clock is right and stays so, and {}", run_again(again))
        }
        TokenRemedy::SetEarlierAgain(earlier) => format!(
            "see that the host's clock and time zone are right; then set {earlier} again with tokentap sync, and run the same \
             command again; if the tokens were wrong: --trust-host-clock"
        ),
        fixed => fixed_remedy_of_token(fixed).to_owned(),
    }
}

/// The remedy after a wrong code.
const CHECK_AGAIN: &str = "switch the token off and on, and check again: tokentap verify CODE --seed-file FILE (or --identity \
             FILE, where the inventory keeps the seed); if it is still wrong, burn it again in the same way: tokentap burn";

/// The remedy where a clock write would erase a seed that is not at hand.
const SUPPLY_OR_ERASE: &str = "also supply the seed (--seed-file FILE, --seed-stdin, --seed-env NAME), or accept the loss with --erase-seed; without \
     its seed, resynchronise it on its server where that can be done, or burn a new seed for token and server";

/// The remedies for a token that are the same whatever the token.
fn fixed_remedy_of_token(remedy: &TokenRemedy) -> &'static str {
    match remedy {
        TokenRemedy::CloseOthers => "close other programs that use the reader",
        TokenRemedy::StopAtRefusal => "if it refuses again, do not try any more",
        TokenRemedy::ReportRefusal => "if it refuses again, please report it with the output of --trace",
        TokenRemedy::ReportModel => "tokentap cannot write this model: please report it with the output of --trace",
        TokenRemedy::OtherKey => {
            "do not try again and again: tokens made before 2025 lock for good after some wrong answers; a token with its own \
             customer key needs --token-key FILE"
        }
        TokenRemedy::OtherKeyOrTryAgain => {
            "use the key that it has: --token-key FILE; only if you know that it was this one, --try-again: tokens made \
             before 2025 lock for good after some wrong answers"
        }
        TokenRemedy::TakeOffFirst => "if the token is on the reader, take it off first",
        TokenRemedy::FreeReader => {
            "take the token off, switch it off and on, and lay it back; if another program uses the reader, close it (GnuPG: \
             gpgconf --kill scdaemon); then run the same command again"
        }
        TokenRemedy::LayToken => "remove it and lay a Token2 programmable token there (README.md lists the models)",
        TokenRemedy::LayAlone => "take away other cards, lay the token down alone, and run the same command again",
        TokenRemedy::LeaveOne => "leave one token on the reader until the command is done",
        TokenRemedy::TakeOff => "take it off",
        TokenRemedy::TestAgain => "run the test again, or give the token a seed with tokentap burn",
        TokenRemedy::BurnOnly => "nothing needs to be set; to give it another seed, run tokentap burn",
        TokenRemedy::AllowUnknownModel => {
            "only if you are sure of what it is, use --allow-unknown-model; other brands use other keys, and some lock \
             for good after wrong answers"
        }
        TokenRemedy::Reassign => "if that is intended, use --reassign",
        TokenRemedy::UseItsFile => "use the file that has the seed of this token, or a token that is in this one",
        TokenRemedy::ChooseRow => "choose a row with --serial, --row or --user, or use the file that has this token",
        TokenRemedy::OrChooseRow => "or choose the row with --serial, --row or --user",
        TokenRemedy::SupplySeed => "also supply the seed (--seed-file FILE, --seed-stdin, --seed-env NAME)",
        TokenRemedy::SupplySeedOrErase => SUPPLY_OR_ERASE,
        TokenRemedy::OpenSeal => "use --identity FILE to open it, or supply the seed with --seed-file FILE",
        TokenRemedy::OpenAndCheckSeals => {
            "use the identity that opens it: --identity FILE; tokentap inventory check --identity FILE tries all seals"
        }
        TokenRemedy::SupplyInstead => "supply the seed with --seed-file FILE, without --identity",
        TokenRemedy::DistrustSeal => {
            "do not burn it: somebody or something has changed the inventory; run tokentap inventory check --identity FILE, \
             and use a backup (docs/desk.md)"
        }
        TokenRemedy::DistrustExport => {
            "do not use these seeds: run tokentap inventory check --identity FILE, and use a backup (docs/desk.md)"
        }
        TokenRemedy::SupplyOwnOrReplace => {
            "supply the seed that it has; to give it a new one, and its server too: tokentap burn --seed-file FILE \
             --replace-seed"
        }
        TokenRemedy::StateProfileOrBurn => "use --hash and --step, as its server has them, or burn it again",
        TokenRemedy::StateProfileOrNoInventory => {
            "or state the profile with --hash and --step, as the token's server has it; or use --inventory none if the \
             token has the factory's profile (SHA1, 30 s)"
        }
        TokenRemedy::CheckAgain => CHECK_AGAIN,
        TokenRemedy::Replace => "give its user another token: its codes do not change, or are those of the past",
        TokenRemedy::UseSerial => "use one of the serials",
        TokenRemedy::Slot(of_slot) => remedy_of_slot(*of_slot),
        // Worded above, with what they name.
        TokenRemedy::LayBack(_)
        | TokenRemedy::WakeUp(_)
        | TokenRemedy::Restart(_)
        | TokenRemedy::PlugIn(_)
        | TokenRemedy::PlugBackIn(_)
        | TokenRemedy::LayThis(_)
        | TokenRemedy::NameReaderOf(_)
        | TokenRemedy::Swap { .. }
        | TokenRemedy::SeeAndReplace(_)
        | TokenRemedy::SpareOrReplace(_)
        | TokenRemedy::StateProfile { .. }
        | TokenRemedy::AgainThenReplace(_)
        | TokenRemedy::AgainThenReport(_)
        | TokenRemedy::KeepHostClock(_)
        | TokenRemedy::SetEarlierAgain(_) => "",
    }
}

fn remedy_of_batch(remedy: &BatchRemedy) -> String {
    match remedy {
        BatchRemedy::NameFirst(file) => format!("name {} as the first --to", shell_word(file)),
        BatchRemedy::PutPartBack(part) => format!(
            "put {} back as it was; where the inventory keeps seeds, tokentap inventory export has them",
            shell_word(part)
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
        BatchRemedy::SeeFile => "see that the file can be read, and run the same command again",
        BatchRemedy::SeeDisk => "see that the disk has room, and run the same command again: it continues where it was",
        BatchRemedy::SeeFolder => {
            "see that the folder is writable and the disk has room, and run the same command again"
        }
        BatchRemedy::Correct => "correct what is named, and run the same command again: it writes the file again",
        BatchRemedy::Check => "run tokentap inventory check",
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
        BatchRemedy::NameFirst(_) | BatchRemedy::PutPartBack(_) => "",
    }
}
