//! Remedies for whoever works at the page in the browser: what is done there, what the page is started with, and what needs a terminal.

use super::audience::Audience;
use super::remedy_of_clock::SYNCHRONISE;
use super::remedy_of_file::remedy_of_file;
use super::remedy_of_token::{remedy_of_token, run_again};
use crate::clock::ClockRemedy;
use crate::job::remedy::TokenRemedy;
use crate::seedfile::FileRemedy;

/// A remedy for the host's clock.
pub fn clock_on_page(remedy: ClockRemedy) -> String {
    let start = |flag: &str| Audience::Page.flag(flag);
    match remedy {
        ClockRemedy::Set => format!("set this computer's clock, best by NTP ({SYNCHRONISE}), and lay the token back"),
        ClockRemedy::Synchronise => {
            format!("synchronise it ({SYNCHRONISE}); or {}, or with --trust-host-clock", start("--ntp SERVER"))
        }
        ClockRemedy::Compare => format!(
            "find out which of the two is right; then set this computer's clock, or {}",
            start("--ntp SERVER --allow-large-correction")
        ),
        ClockRemedy::Correct => {
            format!("set this computer's clock; or {}", start("--trust-host-clock"))
        }
        ClockRemedy::OtherServer => {
            format!("{}, where SERVER is another one; or start it without --ntp", start("--ntp SERVER"))
        }
    }
}

/// A remedy for the token in hand.
pub fn token_on_page(remedy: &TokenRemedy) -> String {
    let again = |again| run_again(again, Audience::Page);
    match remedy {
        TokenRemedy::PlugIn(what) => {
            format!("plug the reader in (in a terminal, tokentap doctor looks for it); then {}", again(what))
        }
        TokenRemedy::AgainThenReplace(what) => {
            format!(
                "lay it back: {}; if it is off again, its clock is broken, and its user needs another token",
                again(what)
            )
        }
        TokenRemedy::AgainThenReport(what) => {
            format!("lay it back: {}; if it shows the same again, please report it", again(what))
        }
        TokenRemedy::KeepHostClock(what) => {
            format!("see that this computer's clock is right and stays so, then lay the token back: {}", again(what))
        }
        TokenRemedy::SetEarlierAgain(earlier) => format!(
            "see that this computer's clock and time zone are right; then lay {earlier} down again, and after it this one; if the \
             tokens were wrong: {}",
            Audience::Page.flag("--trust-host-clock")
        ),
        TokenRemedy::SeeAndReplace(serial) => see_and_replace(serial),
        TokenRemedy::SpareOrReplace(serial) => see_and_replace(serial.as_str()),
        TokenRemedy::NameReaderOf(serial) => format!("plug {serial} in, or lay it on the reader"),
        TokenRemedy::StateProfile { hash, step_s } => {
            format!(
                "the profile on record is {hash}, {step_s} s: see which one its server has, and correct the seed file"
            )
        }
        fixed => fixed_on_page(fixed).unwrap_or_else(|| remedy_of_token(fixed, Audience::Page)),
    }
}

fn see_and_replace(serial: &str) -> String {
    format!(
        "see whose it is: search for {serial} with \"Find\" here; only if its server gets the new seed too, replace it {}",
        Audience::Page.command_at_reader("tokentap burn --seed-file FILE --replace-seed")
    )
}

/// The remedies for a token that name commands or flags, and are the same whatever the token.
fn fixed_on_page(remedy: &TokenRemedy) -> Option<String> {
    let (page, in_terminal) = (Audience::Page, |command: &str| Audience::Page.command_at_reader(command));
    Some(match remedy {
        TokenRemedy::ReportRefusal => "if it refuses again, please report it".to_owned(),
        TokenRemedy::ReportModel => "this model cannot be written: please report it".to_owned(),
        TokenRemedy::OtherKey => format!(
            "do not try again and again: tokens made before 2025 lock for good after some wrong answers; a token with its own customer key \
             is set {}",
            in_terminal("tokentap sync --token-key FILE")
        ),
        TokenRemedy::OtherKeyOrTryAgain => format!(
            "set it with the key that it has, {}; only if you are sure that it was this key, add --try-again: tokens made before 2025 lock for \
             good after some wrong answers",
            in_terminal("tokentap sync --token-key FILE")
        ),
        TokenRemedy::FreeReader => {
            "take the token off, switch it off and on, and lay it back; if another program uses the reader, close it (GnuPG, \
             in a terminal: gpgconf --kill scdaemon)"
                .to_owned()
        }
        TokenRemedy::LayAlone => "take away other cards, and lay the token down alone".to_owned(),
        TokenRemedy::LeaveOne => "leave one token on the reader until it is done".to_owned(),
        TokenRemedy::Find => "use a serial, its last four digits, or a user".to_owned(),
        TokenRemedy::TestAgain => "test it again, or give it a seed".to_owned(),
        TokenRemedy::BurnOnly => "nothing needs to be set".to_owned(),
        TokenRemedy::AllowUnknownModel => format!(
            "find out what it is: other brands use other keys, and some lock for good after wrong answers; only if you are sure, write it \
             {}",
            in_terminal("tokentap sync --allow-unknown-model")
        ),
        TokenRemedy::Reassign => {
            "lift it from the reader; only if its user has given it back, find it on this page, choose \"Take it back\", and lay it down again".to_owned()
        }
        TokenRemedy::ChooseRow => {
            format!("use the file that has this token, or choose its row {}", in_terminal("tokentap burn --seed-file FILE --serial SERIAL"))
        }
        TokenRemedy::OrChooseRow => {
            format!("or choose the row {}", in_terminal("tokentap burn --seed-file FILE --serial SERIAL"))
        }
        TokenRemedy::SupplySeed => format!("supply its seed {}", in_terminal("tokentap sync --seed-file FILE")),
        TokenRemedy::SupplySeedOrErase => format!(
            "supply its seed {}; without it, resynchronise the token on its server where that can be done, or burn a new seed for \
             token and server",
            in_terminal("tokentap sync --seed-file FILE")
        ),
        TokenRemedy::OpenSeal => {
            format!("{}; or supply its seed {}", page.flag("--identity FILE"), in_terminal("tokentap sync --seed-file FILE"))
        }
        TokenRemedy::OpenAndCheckSeals => format!(
            "{}, where FILE is the identity that opens it; to try all seals: {}",
            page.flag("--identity FILE"),
            page.command("tokentap inventory check --identity FILE")
        ),
        TokenRemedy::SupplyInstead => format!("supply its seed {}", in_terminal("tokentap burn --seed-file FILE")),
        TokenRemedy::DistrustSeal | TokenRemedy::DistrustExport => format!(
            "do not burn it: somebody or something has changed the inventory; use a backup (docs/desk.md); to check the inventory: {}",
            page.command("tokentap inventory check --identity FILE")
        ),
        TokenRemedy::SupplyOwnOrReplace => format!(
            "supply the seed that it has; to give it a new one, and its server too: {}",
            in_terminal("tokentap burn --seed-file FILE --replace-seed")
        ),
        TokenRemedy::StateProfileOrBurn => "enter its hash and time step here, as its server has them, or burn it again".to_owned(),
        TokenRemedy::StateProfileOrNoInventory => {
            "or choose its hash and time step here, as the token's server has them".to_owned()
        }
        TokenRemedy::CheckAgain => {
            "switch the token off and on, open it here, and check its code again; if it is still wrong, burn it again in the same way"
                .to_owned()
        }
        TokenRemedy::Slot(_) => {
            format!("for a slot or a key, {}", in_terminal(&remedy_of_token(remedy, Audience::Terminal)))
        }
        _ => return None,
    })
}

/// A remedy for a seed file: what needs a flag is burned in a terminal.
pub fn file_on_page(remedy: &FileRemedy) -> String {
    let in_terminal = || Audience::Page.command(&remedy_of_file(remedy));
    match remedy {
        FileRemedy::Words(words) => words.clone().into_owned(),
        FileRemedy::RenameSerial => "rename it to serial".to_owned(),
        FileRemedy::RemoveOrNameColumns => "remove one of them".to_owned(),
        FileRemedy::HeaderOrNoFormat => "add its header to the file".to_owned(),
        FileRemedy::HeaderOrColumns | FileRemedy::HeaderOrAllColumns => {
            "add a header with the words serial and secret to the file".to_owned()
        }
        FileRemedy::SerialsOfTheirOwn | FileRemedy::OtherFormat | FileRemedy::OtherLength => remedy_of_file(remedy),
        FileRemedy::OneKindAFile | FileRemedy::DecryptOpenPgp | FileRemedy::DecryptAge | FileRemedy::ConvertForDuo => {
            in_terminal()
        }
        _ => Audience::Page
            .command_at_reader(&format!("burn this list with tokentap batch, and {}", remedy_of_file(remedy))),
    }
}
