//! `inventory assign` and `unassign`: whose a token is.

use super::{event, failed};
use crate::cli::args::{AssignArgs, Global, UnassignArgs};
use crate::cli::describe::{self, counted, plain};
use crate::cli::output::Output;
use crate::cli::{Ran, input, prompt};
use crate::inventory::{Deed, Event, Inventory, SlotKey};
use crate::job::assign::{Assignment, TABLE, entry_of_return, of_lines, of_words};
use crate::job::find;
use crate::job::{Exit, Failure, TokenState};
use crate::report::{self, AssignListReport, AssignReport, Assigned};

pub fn assign(inventory: &dyn Inventory, global: &Global, args: &AssignArgs, output: &Output) -> Ran {
    let wanted = match (&args.csv, &args.serial, &args.user) {
        (Some(path), ..) => {
            let lines = input::lines_of(path, TABLE)?;
            of_lines(inventory, &describe::path(path), &lines, report::fact)?
        }
        (None, Some(token), Some(user)) => vec![of_words(inventory, token, user)?],
        _ => return Err(Failure::usage("a token and a user are needed", "tokentap inventory assign SERIAL USER")),
    };
    let doubts: Vec<String> =
        wanted.iter().filter(|one| !one.is_allowed(args.unseen, args.reassign)).filter_map(Assignment::doubt).collect();
    if !doubts.is_empty() && !is_confirmed(&doubts, output) {
        let fact = match doubts.as_slice() {
            [only] => only.clone(),
            several => format!("{} need a second look", counted(several.len() as u64, "assignment")),
        };
        let next = "check the serials; if this is intended: --reassign gives a token to another user, --unseen accepts a serial that the \
                    inventory has never seen";
        let details = if doubts.len() > 1 { doubts } else { Vec::new() };
        return Err(Failure::usage(fact, next).in_state(TokenState::RecordUnchanged).with_details(details));
    }
    let event_of = event_of(global);
    let mut changed = wanted.iter().filter_map(|one| one.entry(&event_of));
    let mut next = |_: &[String]| Ok(changed.next());
    let count = inventory.keep_all(false, &mut next).map_err(failed)?;
    match (wanted.as_slice(), &args.csv) {
        ([one], None) => {
            let words = format!("{} belongs to {}", one.name(), plain(&one.user));
            output.report(&AssignReport { serial: one.key.to_string(), user: Some(one.user.clone()), words });
        }
        (all, _) => {
            let assigned = |one: &Assignment| Assigned { serial: one.key.to_string(), user: one.user.clone() };
            output.report(&AssignListReport { assigned: all.iter().map(assigned).collect(), changed: count });
        }
    }
    Ok(Exit::Done)
}

pub fn unassign(inventory: &dyn Inventory, global: &Global, args: &UnassignArgs, output: &Output) -> Ran {
    let token = find::one(inventory, &args.token)?;
    let Some((owner, entry)) = token.user.as_ref().zip(entry_of_return(&token, &event_of(global))) else {
        let words = format!("{} belongs to nobody, as before", token.name());
        output.report(&AssignReport { serial: token.key.to_string(), user: None, words });
        return Ok(Exit::Done);
    };
    inventory.keep(&entry).map_err(failed)?;
    let text = format!("{} belongs to nobody now; it was {}'s", token.name(), plain(owner));
    output.report(&AssignReport { serial: token.key.to_string(), user: None, words: text });
    Ok(Exit::Done)
}

/// Makes the events of assignments.
pub fn event_of(global: &Global) -> impl Fn(&SlotKey, String) -> Event + '_ {
    |key, detail| Event { slot: key.slot, ..event(global, Deed::Assign, Some(&key.serial), Some(detail)) }
}

/// Asks once for all that somebody has to know of.
fn is_confirmed(doubts: &[String], output: &Output) -> bool {
    prompt::has_person() && !output.is_json() && prompt::confirms(&doubts.join("\n"))
}
