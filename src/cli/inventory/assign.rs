//! `inventory assign` and `unassign`: whose a token is.

use std::collections::BTreeSet;
use std::path::Path;

use super::{event, failed, find};
use crate::cli::args::{AssignArgs, Global, UnassignArgs};
use crate::cli::describe::{self, counted, plain};
use crate::cli::output::Output;
use crate::cli::{Ran, input, prompt};
use crate::device::{Serial, families::model_of};
use crate::inventory::{Deed, Entry, Inventory, SlotKey, TokenChange, TokenRecord};
use crate::job::{Exit, Failure, TokenState};
use crate::report::{self, AssignListReport, AssignReport, Assigned};
use crate::seedfile::check_text;

/// So many digits and nothing else are a serial, not a user.
const FEWEST_OF_SERIAL: usize = 12;

/// One token and whose it is to be.
struct Assignment {
    serial: String,
    /// What is on record of it.
    known: Option<TokenRecord>,
    user: String,
}

impl Assignment {
    fn owner(&self) -> Option<&str> {
        self.known.as_ref().and_then(|token| token.user.as_deref())
    }

    /// Its owner, if that is somebody else.
    fn other_owner(&self) -> Option<&str> {
        self.known.as_ref().and_then(|token| token.owner_other_than(&self.user))
    }

    /// Whether it is theirs already.
    fn is_there(&self) -> bool {
        self.owner().is_some() && self.other_owner().is_none()
    }

    /// What somebody has to know of it first, if anything.
    fn doubt(&self) -> Option<String> {
        if self.known.is_none() {
            return Some(format!("the inventory has never seen a token {}", describe::given(&self.serial)));
        }
        self.other_owner()
            .map(|owner| format!("{} belongs to {}, and would go to {}", self.serial, plain(owner), plain(&self.user)))
    }

    fn is_allowed(&self, args: &AssignArgs) -> bool {
        if self.known.is_none() { args.unseen } else { args.reassign }
    }
}

pub fn assign(inventory: &dyn Inventory, global: &Global, args: &AssignArgs, output: &Output) -> Ran {
    let wanted = match (&args.csv, &args.serial, &args.user) {
        (Some(path), ..) => of_file(inventory, path)?,
        (None, Some(token), Some(user)) => vec![assignment(inventory, token, user)?],
        _ => return Err(Failure::usage("a token and a user are needed", "tokentap inventory assign SERIAL USER")),
    };
    let doubts: Vec<String> = wanted.iter().filter(|one| !one.is_allowed(args)).filter_map(Assignment::doubt).collect();
    if !doubts.is_empty() && !is_confirmed(&doubts, output) {
        let fact = match doubts.as_slice() {
            [only] => only.clone(),
            several => format!("{} need a second look", counted(several.len() as u64, "assignment")),
        };
        let next = "check the serials; if it is meant: --reassign gives a token to another user, --unseen takes a serial that the \
                    inventory has never seen";
        let details = if doubts.len() > 1 { doubts } else { Vec::new() };
        return Err(Failure::usage(fact, next).in_state(TokenState::RecordUnchanged).with_details(details));
    }
    let mut changed = wanted.iter().filter(|one| !one.is_there());
    let mut next = |_: &[String]| {
        Ok(changed.next().map(|one| {
            let was = one.owner().map(|owner| format!(", before that {owner}'s")).unwrap_or_default();
            let event = event(global, Deed::Assign, Some(&one.serial), Some(format!("to {}{was}", one.user)));
            let change =
                TokenChange { user: Some(one.user.clone()), ..TokenChange::of(SlotKey::only(one.serial.as_str())) };
            Entry { event, token: Some(change), row: None }
        }))
    };
    let count = inventory.keep_all(false, &mut next).map_err(failed)?;
    match (wanted.as_slice(), &args.csv) {
        ([one], None) => {
            let words = format!("{} belongs to {}", one.serial, plain(&one.user));
            output.report(&AssignReport { serial: one.serial.clone(), user: Some(one.user.clone()), words });
        }
        (all, _) => {
            let assigned = |one: &Assignment| Assigned { serial: one.serial.clone(), user: one.user.clone() };
            output.report(&AssignListReport { assigned: all.iter().map(assigned).collect(), changed: count });
        }
    }
    Ok(Exit::Done)
}

pub fn unassign(inventory: &dyn Inventory, global: &Global, args: &UnassignArgs, output: &Output) -> Ran {
    let token = find::one(inventory, &args.token)?;
    let Some(owner) = &token.user else {
        let words = format!("{} belongs to nobody, as before", token.key.serial);
        output.report(&AssignReport { serial: token.key.serial, user: None, words });
        return Ok(Exit::Done);
    };
    let event = event(global, Deed::Assign, Some(&token.key.serial), Some(format!("to nobody, before that {owner}'s")));
    let change = TokenChange { unassigned: true, ..TokenChange::of(token.key.clone()) };
    inventory.keep(&Entry { event, token: Some(change), row: None }).map_err(failed)?;
    let text = format!("{} belongs to nobody now; it was {}'s", token.key.serial, plain(owner));
    output.report(&AssignReport { serial: token.key.serial, user: None, words: text });
    Ok(Exit::Done)
}

/// Asks once for all that somebody has to know of.
fn is_confirmed(doubts: &[String], output: &Output) -> bool {
    prompt::has_person() && !output.is_json() && prompt::confirms(&doubts.join("\n"))
}

/// A token and a user that somebody typed.
fn assignment(inventory: &dyn Inventory, token: &str, user: &str) -> Result<Assignment, Failure> {
    let user = user.trim();
    if user.is_empty() {
        return Err(Failure::usage(
            "that is not a user",
            "give a UPN or login name; to take it back: inventory unassign",
        ));
    }
    check_text(user).map_err(|what| Failure::usage(format!("the user {what}"), "give a UPN or login name"))?;
    if user.len() >= FEWEST_OF_SERIAL && user.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::usage(
            "the user is a serial",
            "the token comes first, then its user: inventory assign SERIAL USER",
        ));
    }
    let user = user.to_owned();
    let mut known = find::all(inventory, token)?;
    if known.len() > 1 {
        return find::one(inventory, token).map(|token| Assignment {
            serial: token.key.serial.clone(),
            known: Some(token),
            user,
        });
    }
    if let Some(token) = known.pop() {
        return Ok(Assignment { serial: token.key.serial.clone(), known: Some(token), user });
    }
    let serial: String = token.chars().filter(|c| !c.is_whitespace()).collect();
    let is_digits = serial.bytes().all(|byte| byte.is_ascii_digit());
    match Serial::new(&serial) {
        Some(serial) if is_digits && model_of(serial.as_str()).is_some() => {
            Ok(Assignment { serial: serial.to_string(), known: None, user })
        }
        _ => Err(Failure::usage(
            format!("the inventory knows no token {}, and no model has such serials", describe::given(token)),
            "give the digits on the back of the token",
        )),
    }
}

/// The assignments of a table with a column for the serial and one for the user; all that is wrong with it is said.
fn of_file(inventory: &dyn Inventory, path: &Path) -> Result<Vec<Assignment>, Failure> {
    let next = "name a table with the columns serial and user";
    let lines = input::lines_of(path, next)?;
    let name = describe::path(path);
    let first = lines.first().map(|(_, line)| line.as_str()).unwrap_or_default();
    let delimiter =
        [b';', b'\t', b','].into_iter().find(|delimiter| first.as_bytes().contains(delimiter)).unwrap_or(b',');
    let mut columns = None;
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in &lines {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .trim(csv::Trim::All)
            .from_reader(line.as_bytes());
        let Some(Ok(cells)) = reader.records().next() else {
            problems.push(format!("{name}:{number}: the line cannot be read; look at its quotes"));
            continue;
        };
        let Some((serial, user)) = columns else {
            columns = Some(columns_of(&cells));
            if is_head(&cells) {
                continue;
            }
            take(inventory, &cells, (0, 1), &name, *number, &mut found, &mut problems)?;
            continue;
        };
        take(inventory, &cells, (serial, user), &name, *number, &mut found, &mut problems)?;
    }
    if problems.is_empty() && found.is_empty() {
        return Err(Failure::usage(format!("{name} has no rows"), next));
    }
    let mut seen = BTreeSet::new();
    let twice = found.iter().filter(|one| !seen.insert(one.serial.as_str()));
    problems.extend(twice.map(|one| format!("{name}: {} comes twice", one.serial)));
    if problems.is_empty() {
        return Ok(found);
    }
    let mut failure = Failure::usage(
        format!("{name} has {}; nothing was assigned", counted(problems.len() as u64, "problem")),
        "correct the file, and run the same command again",
    );
    failure.details = problems;
    Err(failure)
}

fn take(
    inventory: &dyn Inventory,
    cells: &csv::StringRecord,
    (serial, user): (usize, usize),
    name: &str,
    number: u64,
    found: &mut Vec<Assignment>,
    problems: &mut Vec<String>,
) -> Result<(), Failure> {
    let cell = |index: usize| cells.get(index).unwrap_or_default();
    match assignment(inventory, cell(serial), cell(user)) {
        Ok(one) => found.push(one),
        Err(failure) if failure.exit() == Exit::Usage => {
            problems.push(format!("{name}:{number}: {}", report::fact(&failure.problem)));
        }
        Err(failure) => return Err(failure),
    }
    Ok(())
}

/// Whether a first line names columns.
fn is_head(cells: &csv::StringRecord) -> bool {
    cells.iter().any(|cell| cell.to_lowercase().contains("serial"))
}

/// Which columns are the serial and the user: by a head's words, else the first two.
fn columns_of(head: &csv::StringRecord) -> (usize, usize) {
    let of = |words: &[&str]| head.iter().position(|cell| words.iter().any(|word| cell.to_lowercase().contains(word)));
    if !is_head(head) {
        return (0, 1);
    }
    let serial = of(&["serial"]).unwrap_or(0);
    (serial, of(&["user", "upn", "owner", "mail", "login"]).unwrap_or(usize::from(serial == 0)))
}
