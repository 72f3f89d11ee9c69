//! Why a token was not handed to a server, or not mended there, in words, and what helps.

use super::audience::Audience;
use super::remedy_of_record;
use super::server_commands::{WHERE_SEALED, hand_over};
use super::server_error::{remedy_of_server, server_fact};
use crate::job::server::Hindrance;
use crate::plain::plain;
use crate::words::{first_of, local};

/// What stands in the way, in a word.
#[must_use]
pub fn hindrance_word(hindrance: &Hindrance) -> &'static str {
    match hindrance {
        Hindrance::Unseen => "unseen",
        Hindrance::NotBurned => "not-burned",
        Hindrance::Erased(_) => "erased",
        Hindrance::Unfinished(_) => "unfinished",
        Hindrance::NoSeedAtHand => "no-seed",
        Hindrance::Unopened(_) => "unopened",
        Hindrance::Unusable(_) => "unusable",
        Hindrance::Taken { .. } => "taken",
        Hindrance::RemovedThere => "removed-there",
        Hindrance::UnassignedThere => "unassigned-there",
        Hindrance::OtherProfileThere => "other-profile-there",
        Hindrance::OffThere => "off-there",
        Hindrance::Several(_) => "several",
        Hindrance::NoUser(_) => "no-user",
        Hindrance::SeveralUsers(..) => "several-users",
        Hindrance::OthersThere { .. } => "others-there",
        Hindrance::SharedThere(_) => "shared-there",
        Hindrance::Unsettled { .. } => "unsettled",
        Hindrance::Busy => "busy",
        Hindrance::Stopped => "stopped",
        Hindrance::Server(_) => "server",
        Hindrance::Inventory(_) => "inventory",
        Hindrance::CodeRefused => "code-refused",
        Hindrance::NotThere => "not-there",
        Hindrance::OtherSeedThere => "other-seed-there",
        Hindrance::SeedUnproven => "seed-unproven",
        Hindrance::OtherKind => "other-kind",
        Hindrance::NoCall => "no-call",
    }
}

/// What stands in the way.
#[must_use]
pub fn hindrance_fact(hindrance: &Hindrance) -> String {
    match hindrance {
        Hindrance::Unseen => "the inventory has never seen this token".to_owned(),
        Hindrance::NotBurned => "no seed was burned on it here, so which seed it holds is not known".to_owned(),
        Hindrance::Erased(at) => format!("its seed has been ERASED since {}", local(*at)),
        Hindrance::Unfinished(at) => format!("a job of {} did not end as it should: which seed the token holds is not known", local(*at)),
        Hindrance::NoSeedAtHand => "its seed is not at hand".to_owned(),
        Hindrance::Unopened(error) => error.to_string(),
        Hindrance::Unusable(why) => why.clone(),
        Hindrance::Taken { user, is_older } => {
            let whose = user.as_ref().map(|user| format!(", {}'s", plain(user))).unwrap_or_default();
            let seed = match is_older {
                true => "with the seed that the token had before it was burned again",
                false => "with a seed that was not handed over from here",
            };
            format!("the server has a token of this serial already{whose}, {seed}")
        }
        Hindrance::RemovedThere => "it was handed over, and was removed at the server afterwards".to_owned(),
        Hindrance::UnassignedThere => {
            "it was given to its user at the server, and was taken from them there afterwards".to_owned()
        }
        Hindrance::OtherProfileThere => {
            "the server has it with another hash, time step or number of digits than the token: its codes are refused".to_owned()
        }
        Hindrance::OffThere => {
            "no code is accepted there, whatever its clock shows: it is switched off or locked at the server, it is still waiting for its first code, or too many codes were refused".to_owned()
        }
        Hindrance::Several(count) => format!("the server has {count} tokens of this serial"),
        Hindrance::NoUser(name) => format!("the server has no user {}", plain(name)),
        Hindrance::SeveralUsers(name, count) => format!("{} matches {count} users of the server", plain(name)),
        Hindrance::OthersThere { there, here } => {
            format!("it is {}'s at the server, and {}'s here", plain(there), plain(here))
        }
        Hindrance::SharedThere(count) => {
            format!("it has {count} users at the server, and one that is put in its place would be one user's alone")
        }
        Hindrance::Unsettled { sent, certain } => format!(
            "it was sent at {}, and the server does not list it yet; the list can be trusted from {} on",
            local(*sent),
            local(*certain)
        ),
        Hindrance::Busy => "another desk is working on it, or it has just changed at the server".to_owned(),
        Hindrance::Stopped => "the run was stopped before its turn".to_owned(),
        Hindrance::Server(error) => server_fact(error),
        Hindrance::Inventory(error) => error.to_string(),
        Hindrance::CodeRefused => "the server took the seed, and does not accept its codes".to_owned(),
        Hindrance::NotThere => "the server has no token of this serial".to_owned(),
        Hindrance::OtherSeedThere => {
            "the server does not recognise the codes of the seed on record: it has another seed, hash or time step, or expects a clock that is too far off; nothing \
             was overwritten"
                .to_owned()
        }
        Hindrance::SeedUnproven => {
            "it is not known whether the server has the seed on record, because it did not get it from here; nothing was overwritten".to_owned()
        }
        Hindrance::OtherKind => "it counts button presses, here or at the server: it has no clock to follow".to_owned(),
        Hindrance::NoCall => "this kind of server cannot be asked for that".to_owned(),
    }
}

/// How many rows are named by their number.
const ROWS_NAMED: usize = 8;

/// What stands in the way of rows of a list.
#[must_use]
pub fn hindered_rows(hindrance: &Hindrance, rows: &[u64]) -> String {
    let numbers: Vec<String> = rows.iter().map(u64::to_string).collect();
    let word = if rows.len() == 1 { "row" } else { "rows" };
    format!("{word} {}: {}", first_of(&numbers, ROWS_NAMED), hindrance_fact(hindrance))
}

/// Tries all seals.
const CHECK: &str = "tokentap inventory check --identity FILE";

/// Where tokens are looked for at the page.
const FIND: &str = "with \"Find\"";

/// What helps, with the command that is typed for this token and this server.
#[must_use]
pub fn hindrance_next(hindrance: &Hindrance, server: &str, serial: &str, audience: Audience) -> String {
    let command = hand_over(server, serial);
    let hand_it_over = audience.at_page("hand it over", || format!("hand it over: {command}"));
    let assign = audience.at_page(FIND, || format!("tokentap inventory assign {serial} USER --reassign"));
    let again = audience.again();
    let burn = if !audience.is_page() { " with tokentap burn" } else { "" };
    let with = |flag: &str| audience.command(&format!("{command} {flag}"));
    match hindrance {
        Hindrance::Taken { is_older: true, .. } => {
            format!("replace it there by the seed on the token: {}", with("--replace"))
        }
        Hindrance::Taken { is_older: false, .. } => {
            format!(
                "find out at the server whose it is; only if the seed on the token is to replace the one there: {}",
                with("--replace")
            )
        }
        Hindrance::RemovedThere | Hindrance::UnassignedThere => {
            format!("see why; only if its user is to have it again: {}", with("--again"))
        }
        Hindrance::OtherProfileThere => format!("give the server the token's own profile: {}", with("--replace")),
        Hindrance::OffThere => {
            format!(
                "see on the server's page why; only if its user has it in hand, reset its fail counter or switch it on there; then {again}; if it is waiting for its first code, {hand_it_over}"
            )
        }
        Hindrance::Several(_) => "remove at the server all but the one that is in use".to_owned(),
        Hindrance::NoUser(_) => {
            format!("correct its user ({assign}), or hand it over without one: {}", with("--unassigned"))
        }
        Hindrance::SeveralUsers(..) => format!(
            "assign it by the login name that the server has ({assign}); or hand it over without a user: {}",
            with("--unassigned")
        ),
        Hindrance::OthersThere { .. } => "find out whose it is, and correct the one that is wrong".to_owned(),
        Hindrance::SharedThere(_) => {
            format!("at the server, leave it to one user; {again}; then give it back to the others there")
        }
        Hindrance::Unsettled { .. } => format!("{again} after that"),
        Hindrance::Busy | Hindrance::Stopped => again.to_owned(),
        Hindrance::Server(error) => remedy_of_server(error.remedy(), server, audience),
        Hindrance::Inventory(error) => remedy_of_record(&error.remedy(), audience),
        Hindrance::CodeRefused => format!(
            "see that the server's clock is right ({}), and that it has the token's hash and time step",
            audience.command(&format!("tokentap server check {server}, {WHERE_SEALED}"))
        ),
        Hindrance::NotThere => {
            format!("check its serial at the server; if its seed was burned here, {hand_it_over}")
        }
        Hindrance::OtherSeedThere => {
            format!(
                "burn the token again{burn}, then replace the seed there: {}; or give its user another token",
                with("--replace")
            )
        }
        Hindrance::SeedUnproven => {
            format!(
                "only if its codes are refused there: burn it again{burn}, remove it at the server, and {hand_it_over}"
            )
        }
        Hindrance::OtherKind => format!(
            "resynchronise its counter with codes from its display: {}",
            audience.command(&format!(
                "tokentap server resync {server} {serial} CODE CODE, {WHERE_SEALED}; three codes for Duo"
            ))
        ),
        Hindrance::NoCall => "use the server's own page".to_owned(),
        of_token => next_for_token(of_token, audience),
    }
}

/// What helps where the token itself stands in the way; empty for everything else.
fn next_for_token(hindrance: &Hindrance, audience: Audience) -> String {
    match hindrance {
        Hindrance::Unseen => audience.at_page("check its serial; look for it with \"Find\"", || {
            "check its serial; tokentap inventory tokens lists the known ones".to_owned()
        }),
        Hindrance::NotBurned => "burn it, or hand its seed over by a file".to_owned(),
        Hindrance::Erased(_) | Hindrance::Unfinished(_) => "burn it again".to_owned(),
        Hindrance::NoSeedAtHand => audience.at_page(&audience.flag("--identity FILE"), || {
            "name the identity that opens the sealed seed with --identity FILE, or supply the seed".to_owned()
        }),
        Hindrance::Unopened(_) => {
            format!(
                "{} that opens it; to try all seals: {}",
                audience.flag("--identity FILE, the identity"),
                audience.command(CHECK)
            )
        }
        Hindrance::Unusable(_) => "burn it with a profile that the server takes".to_owned(),
        _ => String::new(),
    }
}
