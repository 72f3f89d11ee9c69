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
    /// The answers that are being dealt with: what comes of one may be another question.
    in_hand: usize,
}

impl<T> Open<T> {
    /// Adds what waits for an answer; the number of its question.
    fn add(&mut self, waiting: T) -> u64 {
        let id = self.next;
        self.next += 1;
        self.waiting.insert(id, waiting);
        id
    }
}

impl<T> Default for Questions<T> {
    fn default() -> Self {
        Self { open: Mutex::new(Open { next: 1, waiting: BTreeMap::new(), in_hand: 0 }), changed: Condvar::new() }
    }
}

impl<T> Questions<T> {
    /// Opens a question, for which `waiting` waits; its number.
    pub fn open(&self, waiting: T) -> u64 {
        locked(&self.open).add(waiting)
    }

    /// Opens a question unless one is open that fits; its number.
    pub fn open_unless(&self, fits: impl Fn(&T) -> bool, waiting: T) -> Option<u64> {
        let mut open = locked(&self.open);
        if open.waiting.values().any(fits) {
            return None;
        }
        Some(open.add(waiting))
    }

    /// Deals with the answer to a question, and with what waits for it. A question that is not open is passed over.
    pub fn answer(&self, id: u64, deal: impl FnMut(T)) {
        let _in_hand = self.hold();
        let waiting = locked(&self.open).waiting.remove(&id);
        waiting.into_iter().for_each(deal);
    }

    /// Work from which a question may come, until it is dropped: a run is not over before.
    pub fn hold(&self) -> InHand<'_, T> {
        locked(&self.open).in_hand += 1;
        InHand(self)
    }

    /// Whether one is open that fits, or an answer is being dealt with.
    pub fn any(&self, fits: impl Fn(&T) -> bool) -> bool {
        let open = locked(&self.open);
        open.in_hand > 0 || open.waiting.values().any(fits)
    }

    /// Waits until all are answered, or nobody wants to wait any longer; the numbers of those that are open then. An answer that is
    /// being dealt with is waited for in any case.
    pub fn settle(&self, gives_up: &dyn Fn() -> bool) -> Vec<u64> {
        let mut open = locked(&self.open);
        while open.in_hand > 0 || (!open.waiting.is_empty() && !gives_up()) {
            open = self.changed.wait_timeout(open, LOOK_AGAIN).unwrap_or_else(PoisonError::into_inner).0;
        }
        open.waiting.keys().copied().collect()
    }
}

/// An answer that is being dealt with, or work from which a question may come, until it is dropped.
pub(super) struct InHand<'a, T>(&'a Questions<T>);

impl<T> Drop for InHand<'_, T> {
    fn drop(&mut self) {
        locked(&self.0.open).in_hand -= 1;
        self.0.changed.notify_all();
    }
}
