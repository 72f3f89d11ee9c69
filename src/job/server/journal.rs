//! The journal of one token at one server, as it is written: each change is on disk before the request that it speaks of.

use super::Work;
use super::hindrance::Hindrance;
use crate::inventory::{Deed, Delivery, DeliveryStep, Event, InventoryError, Outcome};

/// A delivery that is being worked at.
pub(super) struct Journal<'a, 'w> {
    work: &'a Work<'w>,
    job: i64,
    known: Option<Delivery>,
    /// As it stands on record.
    pub now: Delivery,
}

impl<'a, 'w> Journal<'a, 'w> {
    /// Goes on from what is on record; `next` is what is to stand there.
    pub fn begin(work: &'a Work<'w>, job: i64, known: Option<Delivery>, next: Delivery) -> Self {
        Self { work, job, known, now: next }
    }

    /// Keeps a change, with an event where `said` has an outcome and words.
    pub fn keep(&mut self, said: Option<(Deed, Outcome, String)>) -> Result<(), Hindrance> {
        self.now.at = self.work.clock.now().wall;
        let event: Option<Event> =
            said.map(|(deed, outcome, words)| self.work.event(&self.now.key, self.job, deed, outcome, words));
        let kept = self.work.books.deliver(self.known.as_ref(), &self.now, event.as_ref());
        kept.map_err(|error| match error {
            InventoryError::Changed(_) => Hindrance::Busy,
            error => Hindrance::Inventory(error),
        })?;
        self.known = Some(self.now.clone());
        Ok(())
    }

    /// Keeps that it came so far.
    pub fn reached(&mut self, step: DeliveryStep) -> Result<(), Hindrance> {
        self.now.step = step;
        self.keep(None)
    }

    /// Keeps how it ended.
    pub fn ends(&mut self, outcome: Outcome, detail: Option<String>) -> Result<(), Hindrance> {
        let words = match &detail {
            Some(detail) => format!("to {}: {detail}", self.now.server),
            None => match &self.now.user {
                Some(user) => format!("to {}, {user}'s there", self.now.server),
                None => format!("to {}, nobody's there", self.now.server),
            },
        };
        self.now.detail = detail;
        self.keep(Some((Deed::HandOver, outcome, words)))
    }
}
