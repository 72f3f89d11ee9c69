//! Assignments: tokens and the users that they are to belong to, as somebody types or lists them.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::find;
use super::kind::Exit;
use super::problem::Problem;
use crate::device::families::model_of;
use crate::device::{Family, Serial};
use crate::inventory::{Entry, Event, Inventory, SlotKey, TokenChange, TokenRecord};
use crate::plain::{given, plain};
use crate::seedfile::check_text;
use crate::words::counted;

/// The remedy for a table that is none.
pub const TABLE: &str = "name a table with the columns serial and user";

/// So many digits and nothing else are a serial, not a user.
const FEWEST_OF_SERIAL: usize = 12;

/// One token and whose it is to be.
pub struct Assignment {
    /// The token's serial and slot.
    pub key: SlotKey,
    /// Its record.
    pub known: Option<TokenRecord>,
    /// The user.
    pub user: String,
}

impl Assignment {
    /// The token's name, as a command takes it.
    #[must_use]
    pub fn name(&self) -> String {
        self.known.as_ref().map_or_else(|| self.key.to_string(), TokenRecord::name)
    }

    /// Its user on record.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.known.as_ref().and_then(|token| token.user.as_deref())
    }

    /// Its owner, if that is somebody else.
    #[must_use]
    pub fn other_owner(&self) -> Option<&str> {
        self.known.as_ref().and_then(|token| token.owner_other_than(&self.user))
    }

    /// Whether it is theirs already.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.owner().is_some() && self.other_owner().is_none()
    }

    /// The doubt that somebody has to hear of first, if any.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        if self.known.is_none() {
            return Some(format!("the inventory has never seen a token {}", given(&self.key.to_string())));
        }
        let has_seed = self.known.as_ref().is_some_and(|token| token.held().is_some());
        let with = if has_seed { ", with the seed that is on it" } else { "" };
        let (name, user) = (self.name(), plain(&self.user));
        self.other_owner().map(|owner| format!("{name} belongs to {}, and would go to {user}{with}", plain(owner)))
    }

    /// Whether it may be carried out: a token that was never seen needs one permission, one of somebody else's another.
    #[must_use]
    pub fn is_allowed(&self, unseen: bool, reassign: bool) -> bool {
        if self.known.is_none() { unseen } else { reassign }
    }

    /// What the inventory is to keep of it; nothing where it is theirs already.
    #[must_use]
    pub fn entry(&self, event_of: EventOf<'_>) -> Option<Entry> {
        if self.is_there() {
            return None;
        }
        let was = self.owner().map(|owner| format!(", before that {owner}'s")).unwrap_or_default();
        let event = event_of(&self.key, format!("to {}{was}", self.user));
        let change = TokenChange { user: Some(self.user.clone()), ..TokenChange::of(self.key.clone()) };
        Some(Entry { event, token: Some(change), row: None })
    }
}

/// Makes the event of an assignment: by the token's key, and what is said of it.
pub type EventOf<'a> = &'a dyn Fn(&SlotKey, String) -> Event;

/// What the inventory is to keep where a token is taken back; nothing where it belongs to nobody.
#[must_use]
pub fn entry_of_return(token: &TokenRecord, event_of: EventOf<'_>) -> Option<Entry> {
    let owner = token.user.as_ref()?;
    let event = event_of(&token.key, format!("to nobody, before that {owner}'s"));
    let change = TokenChange { unassigned: true, ..TokenChange::of(token.key.clone()) };
    Some(Entry { event, token: Some(change), row: None })
}

/// A token and a user that somebody typed.
///
/// # Errors
/// A usage failure; one of the inventory.
pub fn of_words(inventory: &dyn Inventory, token: &str, user: &str) -> Result<Assignment, Failure> {
    let user = user.trim();
    if user.is_empty() {
        return Err(Failure::usage(
            "that is not a user",
            "use a UPN or login name; to take it back: inventory unassign",
        ));
    }
    check_text(user).map_err(|what| Failure::usage(format!("the user {what}"), "use a UPN or login name"))?;
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
            key: token.key.clone(),
            known: Some(token),
            user,
        });
    }
    if let Some(token) = known.pop() {
        return Ok(Assignment { key: token.key.clone(), known: Some(token), user });
    }
    let serial: String = token.chars().filter(|c| !c.is_whitespace()).collect();
    // A slot that nothing was done to yet, of a device that is known.
    if let (device, Some(slot)) = SlotKey::of_text(&serial)
        && slot < Family::Molto2.usual().slots
        && find::all(inventory, device)?.iter().any(|other| other.key.serial == device && other.key.slot > 0)
    {
        return Ok(Assignment { key: SlotKey::of(device, slot), known: None, user });
    }
    let is_digits = serial.bytes().all(|byte| byte.is_ascii_digit());
    match Serial::new(&serial) {
        Some(serial) if is_digits && model_of(serial.as_str()).is_some() => {
            Ok(Assignment { key: SlotKey::only(serial.as_str()), known: None, user })
        }
        _ => Err(Failure::usage(
            format!("the inventory knows no token {}, and no model has such serials", given(token)),
            "use the digits on the back of the token",
        )),
    }
}

/// The assignments of a table with a column for the serial and one for the user, by its lines and their numbers; all that is
/// wrong with it is said.
///
/// # Errors
/// A usage failure; one of the inventory.
pub fn of_lines(
    inventory: &dyn Inventory,
    name: &str,
    lines: &[(u64, String)],
    fact: fn(&Problem) -> String,
) -> Result<Vec<Assignment>, Failure> {
    let first = lines.first().map(|(_, line)| line.as_str()).unwrap_or_default();
    let delimiter =
        [b';', b'\t', b','].into_iter().find(|delimiter| first.as_bytes().contains(delimiter)).unwrap_or(b',');
    let mut columns = None;
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in lines {
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
            take(inventory, &cells, (0, 1), (name, *number, fact), &mut found, &mut problems)?;
            continue;
        };
        take(inventory, &cells, (serial, user), (name, *number, fact), &mut found, &mut problems)?;
    }
    if problems.is_empty() && found.is_empty() {
        return Err(Failure::usage(format!("{name} has no rows"), TABLE));
    }
    let mut seen = BTreeSet::new();
    let twice = found.iter().filter(|one| !seen.insert(&one.key));
    problems.extend(twice.map(|one| format!("{name}: {} comes twice", one.name())));
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
    (name, number, fact): (&str, u64, fn(&Problem) -> String),
    found: &mut Vec<Assignment>,
    problems: &mut Vec<String>,
) -> Result<(), Failure> {
    let cell = |index: usize| cells.get(index).unwrap_or_default();
    match of_words(inventory, cell(serial), cell(user)) {
        Ok(one) => found.push(one),
        Err(failure) if failure.exit() == Exit::Usage => {
            problems.push(format!("{name}:{number}: {}", fact(&failure.problem)));
        }
        Err(failure) => return Err(failure),
    }
    Ok(())
}

/// Whether a first line names columns.
fn is_head(cells: &csv::StringRecord) -> bool {
    cells.iter().any(|cell| cell.to_lowercase().contains("serial"))
}

/// The columns of the serial and the user: by a head's words, else the first two.
fn columns_of(head: &csv::StringRecord) -> (usize, usize) {
    let of = |words: &[&str]| head.iter().position(|cell| words.iter().any(|word| cell.to_lowercase().contains(word)));
    if !is_head(head) {
        return (0, 1);
    }
    let serial = of(&["serial"]).unwrap_or(0);
    (serial, of(&["user", "upn", "owner", "mail", "login"]).unwrap_or(usize::from(serial == 0)))
}
