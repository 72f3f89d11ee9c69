//! Work that waits for the answers to a batch's questions.

use crate::clock::Drift;
use crate::inventory::RowRecord;
use crate::job::reader_news::ReaderRef;
use crate::job::verify::Verdict;
use crate::job::{Failure, WriteOutcome};
use crate::seed::Seed;
use crate::time::UnixTime;

/// A token that was burned, and whose code is to be judged.
pub(super) struct Unjudged {
    pub place: ReaderRef,
    pub report: WriteOutcome,
    pub drift: Drift,
    pub seed: Seed,
    pub row: RowRecord,
    /// The last wrong code's verdict, and when it was typed.
    pub wrong: Option<(Verdict, UnixTime)>,
    /// How often a wrong code may be typed.
    pub tries: u32,
}

/// Work that waits for the answer to a question.
pub(super) enum Waiting {
    /// A token, for the code on its display.
    Code(Box<Unjudged>),
    /// The batch, for somebody's word that the host is right; this ends it otherwise.
    GoOn(Box<Failure>),
}
