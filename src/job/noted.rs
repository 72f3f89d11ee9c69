//! What is put on record without a write to the token: that it was read, that a code was judged, that something is done about it.

use super::begins::{clock_change, new_job};
use super::ended::add_detail;
use super::failure::Failure;
use super::read::ReadOutcome;
use super::record::Recorder;
use crate::inventory::{Entry, Event, InventoryError, Outcome, RowChange, SlotKey, TokenChange};
use crate::time::UnixTime;

impl Recorder<'_> {
    /// Records a token that was only read.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn seen(&self, report: &ReadOutcome, outcome: Outcome) -> Result<(), InventoryError> {
        let Some(books) = self.books else { return Ok(()) };
        let key = SlotKey::only(report.info.serial.as_str());
        let mut event = self.event(report.host, new_job(), &key, outcome);
        event.before = report.drift.map(Into::into);
        let clock = clock_change(report.stands_still, report.drift.as_slice());
        let drift = event.before.filter(|_| report.info.can.shows_slot_clocks);
        let change = TokenChange { drift, clock, ..self.change(&report.info, key, report.host) };
        books.see(&Entry { event, token: Some(change), row: None })
    }

    /// Records that a token that had said who it is could not be read to the end.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn unread(&self, at: UnixTime, failure: &Failure) -> Result<(), InventoryError> {
        let (Some(books), Some(serial)) = (self.books, &failure.serial) else { return Ok(()) };
        let mut event = Event { serial: Some(serial.to_string()), ..self.blank(at, new_job(), Outcome::Failed) };
        event.detail = Some((self.wording.fact)(&failure.problem));
        books.keep(&Entry::of(event))
    }

    /// Records that something was done about a token that did not change it, such as a code that was judged.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn note(
        &self,
        at: UnixTime,
        key: &SlotKey,
        outcome: Outcome,
        row: Option<RowChange>,
    ) -> Result<(), InventoryError> {
        let Some(books) = self.books else { return Ok(()) };
        let event = self.event(at, new_job(), key, outcome);
        books.keep(&Entry { event, token: None, row })
    }

    /// Records that something is done about a device, in words.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn note_words(&self, at: UnixTime, key: &SlotKey, outcome: Outcome, words: &str) -> Result<(), InventoryError> {
        let Some(books) = self.books else { return Ok(()) };
        let mut event = self.event(at, new_job(), key, outcome);
        add_detail(&mut event, Some(words.to_owned()));
        books.keep(&Entry::of(event))
    }

    /// An event of a job of its own, about no token yet.
    #[must_use]
    pub fn blank_event(&self, at: UnixTime, outcome: Outcome) -> Event {
        self.blank(at, new_job(), outcome)
    }
}
