//! Remedies for the token in hand in words, as the command line gives them.

use super::audience::Audience;
use super::remedy_of_slot::remedy_of_slot;
use crate::job::remedy::{Again, TokenRemedy};
use crate::plain::shell_word;

/// The command that a job is repeated with, in words.
pub fn run_again(again: &Again, audience: Audience) -> String {
    match again {
        Again::Same => audience.again().to_owned(),
        Again::SameTwice => format!("{} (twice is safe on the same token)", audience.again()),
        Again::WithoutDriftBound if audience.is_page() => audience.again().to_owned(),
        Again::WithoutDriftBound => "run the same command again, without --if-drift-over".to_owned(),
        Again::BatchVisit => "it gets its row".to_owned(),
        Again::DeskVisit => "it is measured again".to_owned(),
        Again::WithKeptSeed(file) => format!(
            "run the same command with --seed-file {} instead of --generate and its files (twice is safe on the same token)",
            shell_word(file)
        ),
    }
}

/// A remedy for the token in hand, in words. What is done with the token is the same wherever that is read; what is typed is for a terminal, and
/// `on_page.rs` has it for the page.
pub fn remedy_of_token(remedy: &TokenRemedy, audience: Audience) -> String {
    let run_again = |again| run_again(again, audience);
    match remedy {
        TokenRemedy::LayBack(again) => {
            format!("switch it on, lay it back, and {}", run_again(again))
        }
        TokenRemedy::WakeUp(again) => {
            format!("switch it on (press its button until the display lights), lay it back, and {}", run_again(again))
        }
        TokenRemedy::Restart(again) => {
            format!("take the token off, switch it on, lay it back, and {}", run_again(again))
        }
        TokenRemedy::PlugIn(again) => {
            format!("plug the reader in, run `tokentap doctor`, then {}", run_again(again))
        }
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
        TokenRemedy::Find => "use a serial, its last four digits, or a user; tokentap inventory tokens lists all",
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
