//! What was understood of a seed file: what its rows are for, in groups of those that say the same.

use serde_json::{Value, json};

use crate::cli::describe::counted;
use crate::seedfile::{Kind, Row};

/// How many groups are named; beyond that the rest is counted.
const MOST: usize = 8;

/// Groups of rows.
#[derive(Default)]
pub struct Understood {
    groups: Vec<(Group, u64)>,
}

/// What rows have in common. A value that is not stated is the usual one, and is said to be.
#[derive(PartialEq, Eq)]
struct Group {
    kind: (Kind, bool),
    hash: (String, bool),
    step: (u32, bool),
    digits: (u32, bool),
    encoding: Option<String>,
    bytes: usize,
    has_serial: bool,
    has_user: bool,
}

impl Group {
    fn of(row: &Row) -> Self {
        Self {
            kind: (row.kind, row.kind_is_stated),
            hash: (row.effective_hash().to_string(), row.hash.is_some()),
            step: (row.effective_step(), row.step.is_some()),
            digits: (row.effective_digits(), row.digits.is_some()),
            encoding: row.encoding.map(|encoding| encoding.to_string()),
            bytes: row.seed.len(),
            has_serial: row.serial.is_some(),
            has_user: row.user.is_some(),
        }
    }

    fn words(&self) -> String {
        let usual = |text: String, stated: bool| if stated { text } else { format!("{text} (not stated)") };
        let kind = match self.kind.0 {
            Kind::Totp => "TOTP".to_owned(),
            Kind::Hotp => "HOTP".to_owned(),
        };
        let mut parts = vec![usual(kind, self.kind.1)];
        parts.push(usual(self.hash.0.clone(), self.hash.1));
        if self.kind.0 == Kind::Totp {
            parts.push(usual(format!("{} s", self.step.0), self.step.1));
        }
        parts.push(usual(format!("{} digits", self.digits.0), self.digits.1));
        let encoding = self.encoding.as_ref().map(|encoding| format!(" in {encoding}")).unwrap_or_default();
        parts.push(format!("a secret of {} bytes{encoding}", self.bytes));
        parts.push(if self.has_serial { "serial" } else { "no serial" }.to_owned());
        parts.push(if self.has_user { "owner" } else { "no owner" }.to_owned());
        parts.join(", ")
    }
}

impl Understood {
    /// Takes note of a row.
    pub fn see(&mut self, row: &Row) {
        let group = Group::of(row);
        match self.groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, count)) => *count += 1,
            None => self.groups.push((group, 1)),
        }
    }

    /// A line for each group.
    pub fn words(&self) -> Vec<String> {
        let line = |(group, count): &(Group, u64)| format!("{}: {}", counted(*count, "row"), group.words());
        let mut lines: Vec<String> = self.groups.iter().take(MOST).map(line).collect();
        let rest: u64 = self.groups.iter().skip(MOST).map(|(_, count)| count).sum();
        if rest > 0 {
            lines.push(format!("{}, of other kinds still", counted(rest, "row")));
        }
        lines
    }

    /// The same for JSON.
    pub fn json(&self) -> Value {
        let one = |(group, count): &(Group, u64)| {
            json!({
                "rows": count,
                "type": { "is": if group.kind.0 == Kind::Hotp { "hotp" } else { "totp" }, "stated": group.kind.1 },
                "hash": { "is": group.hash.0, "stated": group.hash.1 },
                "step_s": { "is": group.step.0, "stated": group.step.1 },
                "digits": { "is": group.digits.0, "stated": group.digits.1 },
                "encoding": group.encoding,
                "bytes": group.bytes,
                "serial": group.has_serial,
                "owner": group.has_user,
            })
        };
        self.groups.iter().map(one).collect()
    }
}
