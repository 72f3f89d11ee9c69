//! The report of `server compare`: where record and server disagree, each in a word and with the command that mends it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::server_commands::{hand_over, mend, mended};
use crate::inventory::SlotKey;
use crate::job::server::Difference;
use crate::plain::{plain, shell_word};

/// A disagreement between record and server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DifferenceReport {
    /// The token.
    pub serial: String,
    /// What it is, in a word.
    pub difference: &'static str,
    /// The value here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<String>,
    /// The value there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub there: Option<String>,
    /// The same in words, with what helps.
    pub words: String,
}

/// `server compare`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CompareReport {
    /// The server's name.
    pub server: String,
    /// The disagreements, by serial.
    pub differences: Vec<DifferenceReport>,
}

impl CompareReport {
    /// The report of all disagreements.
    #[must_use]
    pub fn of(server: &str, found: &[(SlotKey, Difference)]) -> Self {
        Self {
            server: server.to_owned(),
            differences: found.iter().map(|(key, one)| difference(server, key, one)).collect(),
        }
    }
}

fn difference(server: &str, key: &SlotKey, one: &Difference) -> DifferenceReport {
    let (serial, hand_over) = (key.to_string(), hand_over(server, &key.to_string()));
    let (word, here, there, words): (_, Option<String>, Option<String>, String) = match one {
        Difference::NotThere => (
            "not-there",
            None,
            None,
            format!(
                "was handed over, and is not listed: see why; only if it is to be there again: {hand_over} --again"
            ),
        ),
        Difference::SentAndThere => {
            ("sent-and-there", None, None, format!("was sent, and has arrived; to finish: {hand_over}"))
        }
        Difference::NotHandedOver => {
            ("not-handed-over", None, None, "is there, and was not handed over from here".to_owned())
        }
        Difference::Several(count) => {
            ("several", None, Some(count.to_string()), format!("is there {count} times: remove all but the one in use"))
        }
        Difference::NobodysThere(user) => (
            "nobodys-there",
            Some(user.clone()),
            None,
            format!(
                "is assigned to {user} here, and to nobody there: {hand_over}, and where it was taken from them there, with --again"
            ),
        ),
        Difference::NobodysHere(user) => (
            "nobodys-here",
            None,
            Some(user.clone()),
            format!(
                "is assigned to nobody here, and to {user} there: tokentap inventory assign {serial} {}",
                shell_word(user.as_ref())
            ),
        ),
        Difference::OtherUser { here, there } => (
            "other-user",
            Some(here.clone()),
            Some(there.clone()),
            format!("is assigned to {here} here, and to {there} there: find out whose it is"),
        ),
        Difference::BurnedSince => (
            "burned-since",
            None,
            None,
            format!("has been burned again since it was handed over: {hand_over} --replace"),
        ),
        Difference::Erased => ("erased", None, None, "holds no seed any more: burn it again".to_owned()),
        Difference::Step(here, there) => (
            "step",
            Some(format!("{here} s")),
            Some(format!("{there} s")),
            format!(
                "has a time step of {here} s here, and {there} s there, so its codes are refused: {hand_over} --replace"
            ),
        ),
        Difference::Hash(here, there) => (
            "hash",
            Some(here.clone()),
            Some(there.clone()),
            format!("has {here} here, and {there} there, so its codes are refused: {hand_over} --replace"),
        ),
        Difference::OffThere => {
            ("off-there", None, None, "is switched off or locked there, or is waiting for its first code".to_owned())
        }
        Difference::Unmended => (
            "unmended",
            None,
            None,
            format!(
                "had its clock set, and the server may still expect the old time: {}; if the server was already mended by hand: {}",
                mend(server),
                mended(server, &serial)
            ),
        ),
    };
    DifferenceReport { serial, difference: word, here, there, words: plain(&words) }
}

impl Report for CompareReport {
    fn text(&self) -> String {
        match self.differences.as_slice() {
            [] => plain(&format!("record and {} agree", self.server)),
            some => some.iter().map(|one| format!("{}  {}", one.serial, one.words)).collect::<Vec<_>>().join("\n"),
        }
    }
}
