//! The state of a token, and of what is recorded of it, after a job that failed.

use std::path::PathBuf;

use crate::clock::Drift;
use crate::device::{ClockWrite, Info, Progress, Serial};

/// The place where a device keeps a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// A token with one seed.
    Token,
    /// A slot of several.
    Slot,
    /// The slot of a device that counts.
    Counter,
}

impl Kept {
    /// Where a device keeps its seeds.
    #[must_use]
    pub fn of(info: &Info) -> Self {
        match (info.can.has_clock(), info.can.slots) {
            (false, _) => Self::Counter,
            (true, 1) => Self::Token,
            (true, _) => Self::Slot,
        }
    }
}

/// The state after a failure.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenState {
    /// No token was in reach.
    NotReached,
    /// Nothing was sent to the token but questions.
    Untouched,
    /// Nothing was written to the slot that was next, after others of its device.
    NextSlotUntouched,
    /// The writes on a token of this kind came so far.
    Partial {
        /// How far.
        progress: Progress,
        /// The effect of a clock write on its seed.
        effect: ClockWrite,
        /// A seed was to be written.
        has_seed: bool,
        /// The place for the seed.
        of: Kept,
    },
    /// It was being tested: it has a seed that nobody needs, or none.
    InTest,
    /// All that was planned is written.
    Written {
        /// Profile and clock were part of it.
        config: bool,
        /// A seed was part of it.
        seed: bool,
    },
    /// All is written, by a host's clock that jumped: the drift by its new time.
    WrittenByJumpedClock(Drift),
    /// The token accepted a seed, with or without profile and clock.
    Accepted {
        /// Profile and clock were written too.
        config: bool,
        /// The code on its display is still to be checked.
        unchecked: bool,
    },
    /// The token was dealt with and recorded; the code on its display was not checked.
    CodeUnchecked(Info),
    /// Nothing was written to the one; the other may have been set by the same clock.
    EarlierInDoubt {
        /// The token in hand.
        serial: Serial,
        /// The token before it.
        earlier: Serial,
    },
    /// The program ends while these tokens are written; none where the list is empty.
    InHand(Vec<String>),
    /// The emulated token has left its reader.
    LeftReader,
    /// Only the inventory was to be changed, and was not.
    RecordUnchanged,
    /// A batch is as it was, with so many of its rows done.
    BatchUnchanged {
        /// Rows whose tokens are burned.
        done: u64,
        /// All rows.
        rows: u64,
    },
    /// Inventory and `.part` file are as they were.
    BatchFilesUnchanged,
    /// The batch's burned tokens are on record.
    BatchRecorded {
        /// A server's file was to be written, and was not.
        unwritten: bool,
    },
    /// The batch's token counts as unknown: its end could not be recorded.
    BatchUnrecorded,
    /// The tokens are burned and recorded.
    TokensRecorded,
    /// A question was asked, and nothing had been changed by then.
    NothingChanged,
    /// What was handed to a server, and what is not known of it, is on record.
    HandedOverOnRecord,
    /// Such a state, and a new seed is kept in a file.
    SeedKept(Box<Self>, PathBuf),
}

impl TokenState {
    /// The same state, with a new seed kept in a file.
    #[must_use]
    pub fn with_seed_kept(self, file: PathBuf) -> Self {
        Self::SeedKept(Box::new(self), file)
    }
}
