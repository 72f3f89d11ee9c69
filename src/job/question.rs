//! Questions to a person, as events: each has a number, and is answered by that number, from anywhere and at any time. No worker
//! waits for an answer.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::problem::Problem;
use super::reader_news::ReaderRef;
use super::record::locked;
use crate::device::Info;
use crate::otp::Code;

/// How often it is looked whether answers are still waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its number, in this run.
    pub id: u64,
    /// The reader at which it came up.
    pub place: ReaderRef,
    /// Its content.
    pub asks: Asks,
}

/// The content of a question.
#[derive(Debug, Clone)]
pub enum Asks {
    /// The code on the display of this token.
    Code(Info),
    /// Whether to go on in spite of a problem. The token was not written; after a yes it is to be laid back.
    GoOn(Box<Problem>),
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The code on the display.
    Code(Code),
    /// Yes, go on.
    Yes,
    /// No; or nobody answers.
    No,
}

/// The questions of a run that are open, each with what waits for its answer.
#[derive(Debug)]
pub(super) struct Questions<T> {
    open: Mutex<Open<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Open<T> {
    next: u64,
    waiting: BTreeMap<u64, T>,
}

impl<T> Default for Questions<T> {
    fn default() -> Self {
        Self { open: Mutex::new(Open { next: 1, waiting: BTreeMap::new() }), changed: Condvar::new() }
    }
}

impl<T> Questions<T> {
    /// Opens a question, for which `waiting` waits; its number.
    pub fn open(&self, waiting: T) -> u64 {
        let mut open = locked(&self.open);
        let id = open.next;
        open.next += 1;
        open.waiting.insert(id, waiting);
        id
    }

    /// Takes what waits for the answer to a question; `None` where it was answered already.
    pub fn take(&self, id: u64) -> Option<T> {
        let waiting = locked(&self.open).waiting.remove(&id);
        self.changed.notify_all();
        waiting
    }

    /// Whether one is open that fits.
    pub fn any(&self, fits: impl Fn(&T) -> bool) -> bool {
        locked(&self.open).waiting.values().any(fits)
    }

    /// Waits until all are answered, or nobody wants to wait any longer; the numbers of those that are open then.
    pub fn settle(&self, gives_up: &dyn Fn() -> bool) -> Vec<u64> {
        let mut open = locked(&self.open);
        while !open.waiting.is_empty() && !gives_up() {
            open = self.changed.wait_timeout(open, LOOK_AGAIN).unwrap_or_else(PoisonError::into_inner).0;
        }
        open.waiting.keys().copied().collect()
    }
}
