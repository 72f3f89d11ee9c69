//! Batches, and their rows with a state each.

use serde::{Deserialize, Serialize};

use super::event::words;
use super::fingerprint::Fingerprint;
use crate::time::UnixTime;

/// A batch's number in its inventory.
pub type BatchId = i64;

/// How far a row has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowState {
    /// Its token has not come yet.
    Planned,
    /// A serial is meant for it, and nothing was written.
    Assigned,
    /// Its seed is about to be sent, or was when the program ended.
    Burning,
    /// The token accepted it.
    Burned,
    /// A code off the token's display was right.
    Checked,
    /// It was tried, and the token does not hold it.
    Failed,
    /// It was tried, and whether the token holds it is not known.
    Unknown,
}

words!(RowState {
    Planned => "planned", Assigned => "assigned", Burning => "burning", Burned => "burned", Checked => "checked",
    Failed => "failed", Unknown => "unknown",
});

impl RowState {
    /// Whether the token holds the seed.
    #[must_use]
    pub fn is_done(self) -> bool {
        matches!(self, Self::Burned | Self::Checked)
    }
}

/// How many rows are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// In [`RowState::ALL`]'s order.
    counts: [u64; RowState::ALL.len()],
}

impl Counts {
    /// How many rows are in a state.
    #[must_use]
    pub fn of(&self, state: RowState) -> u64 {
        self.counts.get(state as usize).copied().unwrap_or_default()
    }

    /// So many more (or fewer) are in a state.
    pub fn add(&mut self, state: RowState, more: i64) {
        if let Some(count) = self.counts.get_mut(state as usize) {
            *count = count.saturating_add_signed(more);
        }
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The rows whose token holds its seed.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.of(RowState::Burned) + self.of(RowState::Checked)
    }

    /// The rows of which it is not known whether a token holds them.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.of(RowState::Burning) + self.of(RowState::Unknown)
    }

    /// The rows that are still to be done, for whatever reason.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.rows() - self.done()
    }
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRecord {
    /// Its number.
    pub id: BatchId,
    /// Its origin: a path, or words for new seeds.
    pub name: String,
    /// A hash over its rows.
    pub content: Vec<u8>,
    /// When it was begun.
    pub begun: UnixTime,
    /// When nothing was left to do.
    pub closed: Option<UnixTime>,
    /// Its rows.
    pub counts: Counts,
}

/// A batch that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBatch {
    /// Its origin.
    pub name: String,
    /// A hash over its rows.
    pub content: Vec<u8>,
    /// When.
    pub begun: UnixTime,
}

/// A row of a batch that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    /// Its token, if there is one already.
    pub serial: Option<String>,
    /// The serial stands in the file: it is not ours to change.
    pub is_named: bool,
    /// Its future user.
    pub user: Option<String>,
    /// Its seed; new seeds have none yet.
    pub seed: Option<Fingerprint>,
    /// How far it has come.
    pub state: RowState,
}

/// A row of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRecord {
    /// Its number, counted from 1.
    pub row: u64,
    /// How far it has come.
    pub state: RowState,
    /// Its token.
    pub serial: Option<String>,
    /// The serial stands in the file: it is not ours to change.
    pub is_named: bool,
    /// Its user.
    pub user: Option<String>,
    /// Its seed.
    pub seed: Option<Fingerprint>,
    /// The last failure.
    pub error: Option<String>,
}

/// The share of a token in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This row.
    Row(RowRecord),
    /// Nothing: this row is on it already.
    Done(RowRecord),
    /// Nothing: it is not on the list, or all rows are dealt out.
    NotListed,
    /// Nothing: by the inventory it holds another seed.
    HoldsAnother {
        /// When that was burned.
        burned: Option<UnixTime>,
        /// Its user.
        user: Option<String>,
    },
    /// Nothing: its row is in other hands.
    InHand,
}

/// The change of a row by an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowChange {
    /// The batch.
    pub batch: BatchId,
    /// The row, counted from 1.
    pub row: u64,
    /// How far it had come: if another program has changed it since, nothing is kept.
    pub was: RowState,
    /// How far it has come now.
    pub state: RowState,
    /// Its token; `None` gives a row that was dealt out back.
    pub serial: Option<String>,
    /// Its seed.
    pub seed: Option<Fingerprint>,
    /// The failure.
    pub error: Option<String>,
}
