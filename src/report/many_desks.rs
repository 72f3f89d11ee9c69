//! The reports of `inventory serve-init`, `join`, `desks`, `prune` and `copy`, and remarks on other desks.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
#[cfg(feature = "postgres")]
use super::times::utc;
#[cfg(feature = "postgres")]
use crate::inventory::DeskRecord;
use crate::plain::{plain, shell_word};
use crate::words::counted;

/// The words for a computer whose clock is not the database server's.
#[must_use]
pub fn clocks_apart(clock_s: f64) -> String {
    let way = if clock_s > 0.0 { "ahead of" } else { "behind" };
    format!("this computer's clock is {:.1} s {way} the database server's: one of the two is wrong", clock_s.abs())
}

/// A remark on what waits in a desk's outbox.
#[cfg(feature = "postgres")]
#[must_use]
pub fn waits(inventory: &str, waits: &crate::inventory::Waits) -> String {
    let mut parts = Vec::new();
    if waits.records > 0 {
        let (verb, it) = if waits.records == 1 { ("waits", "it goes") } else { ("wait", "they go") };
        let many = counted(waits.records, "record");
        parts.push(format!(
            "{many} {verb} in this desk's outbox for {inventory}; {it} there with the next token or command, once it answers"
        ));
    }
    if let Some((many, why)) = &waits.refused {
        let is = if *many == 1 { "is" } else { "are" };
        let many = counted(*many, "record");
        parts.push(format!(
            "{many} in this desk's outbox {is} not taken by {inventory}: {why}; show this to whoever runs it"
        ));
    }
    plain(&parts.join("; "))
}

/// A remark on the other desks that work at a batch now, with how many rows each has in hand.
#[must_use]
pub fn others_at_batch(others: &[(String, u64)]) -> String {
    let others: Vec<String> =
        others.iter().map(|(desk, rows)| format!("{desk}, {} in hand", counted(*rows, "row"))).collect();
    plain(&format!("also at this batch now: {}", others.join("; ")))
}

/// Seconds to a tenth, with their sign; none is neither.
fn tenths(seconds: f64) -> String {
    if seconds.abs() < 0.05 { "0.0 s".to_owned() } else { format!("{seconds:+.1} s") }
}

/// A user of the database.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServedUser {
    /// Their name.
    pub name: String,
    /// `desk` or `viewer`.
    pub role: &'static str,
    /// The address that they join by; nothing in it is secret.
    pub address: String,
    /// The file with it and their password; `null`: they were there already, and keep theirs.
    pub file: Option<String>,
}

/// A server that was set up for several desks.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServeInitReport {
    /// The inventory.
    pub inventory: String,
    /// The users that were named.
    pub users: Vec<ServedUser>,
    /// Those who are not let in any more.
    pub shut_out: Vec<String>,
    /// The recipients that seeds are sealed to.
    pub recipients: Vec<String>,
}

impl Report for ServeInitReport {
    fn text(&self) -> String {
        let seeds = match self.recipients.as_slice() {
            [] => "it keeps no seeds, only their fingerprints".to_owned(),
            some => format!("seeds are sealed to {}", some.join(", ")),
        };
        let mut lines = vec![format!("{} is there; {seeds}", self.inventory)];
        for user in &self.users {
            let (name, role) = (&user.name, user.role);
            match &user.file {
                Some(file) => {
                    let there = shell_word(file.rsplit(['/', '\\']).next().unwrap_or(file).as_ref());
                    lines.push(format!(
                        "{name}, a {role}: carry {file} there, and type: tokentap inventory join {there}"
                    ));
                }
                None => {
                    lines.push(format!("{name} was there already, and keeps its password (--renew gives a new one)"))
                }
            }
        }
        lines.extend(self.shut_out.iter().map(|name| format!("{name} is not let in any more")));
        plain_block(&lines)
    }
}

fn plain_block(lines: &[String]) -> String {
    lines.iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n")
}

/// A desk that has joined an inventory on a server, or has left it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JoinReport {
    /// The inventory that this desk uses from now on; `null`: the file of its own again.
    pub inventory: Option<String>,
    /// This desk's name there.
    pub desk: Option<String>,
    /// It had joined one before it left, or has now.
    pub was_joined: bool,
    /// This computer's clock minus the server's, in seconds.
    pub clock_s: Option<f64>,
    /// The inventory in a file that this desk has had.
    pub own: Option<String>,
    /// The file that it joined by, which is of no more use.
    pub file: Option<String>,
}

impl Report for JoinReport {
    fn text(&self) -> String {
        let Some(inventory) = &self.inventory else {
            let was =
                if self.was_joined { "this desk has left the database" } else { "this desk had joined no database" };
            return match &self.own {
                Some(own) => plain(&format!("{was}; it uses {own}")),
                None => format!("{was}; its next command makes an inventory in a file"),
            };
        };
        let desk = self.desk.as_deref().unwrap_or_default();
        let clock = tenths(self.clock_s.unwrap_or_default());
        let mut lines = vec![format!("{desk} uses {inventory} from now on; its clock is {clock} from the server's")];
        if let Some(own) = &self.own {
            let (own, to) = (shell_word(own.as_ref()), shell_word(inventory.as_ref()));
            lines.push(format!(
                "the inventory that this desk has had is not in it: {own} (a new one on the server takes it: tokentap inventory copy {own} {to})"
            ));
        }
        if let Some(file) = &self.file {
            lines.push(format!("{file} is of no more use, and has a password in it: delete it"));
        }
        plain_block(&lines)
    }
}

/// A desk of an inventory on a server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeskReport {
    /// Its computer's name.
    pub name: String,
    /// Its user in the database.
    pub login: String,
    /// Who worked there last.
    pub operator: String,
    /// The version of its program.
    pub version: String,
    /// Since when it is known.
    pub since: String,
    /// When a program began there last.
    pub seen: String,
    /// Its clock minus the server's then, in seconds.
    pub clock_s: f64,
    /// That program runs still.
    pub is_there: bool,
    /// The tokens that it is at work with.
    pub at_work: Vec<String>,
}

#[cfg(feature = "postgres")]
impl From<&DeskRecord> for DeskReport {
    fn from(desk: &DeskRecord) -> Self {
        Self {
            name: desk.name.clone(),
            login: desk.login.clone(),
            operator: desk.operator.clone(),
            version: desk.version.clone(),
            since: utc(desk.since),
            seen: utc(desk.seen),
            clock_s: desk.clock_s,
            is_there: desk.is_there,
            at_work: desk.at_work.clone(),
        }
    }
}

/// `inventory desks`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DesksReport {
    /// The desks, by name.
    pub desks: Vec<DeskReport>,
}

impl Report for DesksReport {
    fn text(&self) -> String {
        let line = |desk: &DeskReport| {
            let now = match (desk.is_there, desk.at_work.as_slice()) {
                (true, []) => "there now".to_owned(),
                (true, serials) => format!("there now, at work with {}", serials.join(", ")),
                (false, _) => format!("last there {}", desk.seen),
            };
            plain(&format!(
                "{} ({}, {}): {now}; since {}, version {}, clock {} from the server's",
                desk.name,
                desk.login,
                desk.operator,
                desk.since,
                desk.version,
                tenths(desk.clock_s)
            ))
        };
        match self.desks.as_slice() {
            [] => "no desk has worked with it yet".to_owned(),
            desks => desks.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// Events that were removed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PruneReport {
    /// Those from before this time.
    pub before: String,
    /// How many.
    pub removed: u64,
}

impl Report for PruneReport {
    fn text(&self) -> String {
        format!(
            "{} from before {} removed; that this was done is on record",
            counted(self.removed, "event"),
            self.before
        )
    }
}

/// An inventory that was copied, or compared: both have the same in them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CopyReport {
    /// The first one.
    pub from: String,
    /// The second one.
    pub to: String,
    /// It was copied just now; otherwise both were the same already.
    pub copied: bool,
    /// How many tokens were copied.
    pub tokens: Option<u64>,
    /// How many events were copied.
    pub events: Option<u64>,
    /// How many batches were copied.
    pub batches: Option<u64>,
}

impl Report for CopyReport {
    fn text(&self) -> String {
        let counts = self.tokens.zip(self.events).zip(self.batches);
        plain(&match counts {
            Some(((tokens, events), batches)) => format!(
                "{} has all of {} now: {}, {}, {} {}; compared, and the same",
                self.to,
                self.from,
                counted(tokens, "token"),
                counted(events, "event"),
                batches,
                if batches == 1 { "batch" } else { "batches" },
            ),
            None => format!("{} and {} are the same", self.from, self.to),
        })
    }
}
