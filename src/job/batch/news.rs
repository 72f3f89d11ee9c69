//! Events in a batch, as data.

use crate::device::Info;
use crate::inventory::{Counts, RowRecord, SlotKey};
use crate::job::reader_news::{ReaderNews, ReaderRef};
use crate::job::server::{Handed, Hindrance};
use crate::job::verify::Verdict;
use crate::job::{Failure, Question, WriteOutcome};
use crate::time::UnixTime;

/// How a token left.
#[derive(Debug, Clone)]
pub enum Left {
    /// It was burned.
    Burned(Box<WriteOutcome>),
    /// It was burned, and the code on its display was judged.
    Judged(Box<WriteOutcome>, Box<Verdict>, bool),
    /// It had its row already, and was left alone.
    Done,
    /// It is not on the list, and was left alone.
    NotListed,
    /// It lies on another reader too, and was left alone there.
    InHand,
    /// It holds a seed from elsewhere, and was left alone.
    HoldsAnother(Option<UnixTime>, Option<String>),
    /// It did not end well.
    Failed(Box<Failure>),
}

/// An event in a batch.
#[derive(Debug, Clone)]
pub enum BatchNews {
    /// A question came up.
    Asks(Question),
    /// Something happened to a reader, or to all of them.
    Reader(Option<ReaderRef>, ReaderNews),
    /// A token is being written.
    Begins(ReaderRef, Info, u64),
    /// A token was dealt with.
    Left(Box<Departure>),
    /// A token's seed was handed to the server of this name, or not.
    HandedOver(String, SlotKey, Box<Result<Handed, Hindrance>>),
}

/// A token that was dealt with.
#[derive(Debug, Clone)]
pub struct Departure {
    /// Where.
    pub place: ReaderRef,
    /// The token, if it could be read.
    pub info: Option<Info>,
    /// Its row, if it has one.
    pub row: Option<RowRecord>,
    /// How it ended.
    pub how: Left,
    /// How far the batch has come.
    pub counts: Counts,
}
