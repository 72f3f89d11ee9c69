//! Finding and listing what is on record. Nothing here changes anything, and nothing waits for a write.

use super::Kept;
use super::batch::{BatchId, BatchRecord, Counts, RowRecord, RowState};
use super::clock_event::ClockEvent;
use super::event::{Event, EventFilter};
use super::fingerprint::Fingerprint;
use super::token::{TokenFilter, TokenRecord};
use crate::time::UnixTime;

/// The lists of an inventory. Visiting methods call back once for each record, newest first for events.
pub trait Listing {
    /// Events that a filter lets pass, newest first, up to `limit`.
    ///
    /// # Errors
    /// [`InventoryError`](super::InventoryError), as of all methods here.
    fn visit_events(&self, filter: &EventFilter, limit: u64, visit: &mut dyn FnMut(Event)) -> Kept<()>;

    /// The events that bear on the clock of a token, or of all, token by token and oldest first.
    ///
    /// # Errors
    /// As above.
    fn visit_clock_events(&self, serial: Option<&str>, visit: &mut dyn FnMut(ClockEvent)) -> Kept<()>;

    /// Tokens that a filter lets pass, by serial and slot, up to `limit`.
    ///
    /// # Errors
    /// As above.
    fn visit_tokens(&self, filter: &TokenFilter, limit: u64, visit: &mut dyn FnMut(TokenRecord)) -> Kept<()>;

    /// All batches since a time, newest first.
    ///
    /// # Errors
    /// As above.
    fn batches(&self, since: Option<UnixTime>) -> Kept<Vec<BatchRecord>>;

    /// The newest batch of this content.
    ///
    /// # Errors
    /// As above.
    fn batch_of_content(&self, content: &[u8]) -> Kept<Option<BatchRecord>>;

    /// The newest batch of this name that is not closed.
    ///
    /// # Errors
    /// As above.
    fn open_batch_named(&self, name: &str) -> Kept<Option<BatchRecord>>;

    /// The number of a batch's rows in each state.
    ///
    /// # Errors
    /// As above.
    fn counts(&self, batch: BatchId) -> Kept<Counts>;

    /// The other desks that have rows of a batch in hand now, with how many each has.
    ///
    /// # Errors
    /// As above.
    fn desks_at(&self, _batch: BatchId) -> Kept<Vec<(String, u64)>> {
        Ok(Vec::new())
    }

    /// The rows of a batch in these states (all, if none is named), in their order.
    ///
    /// # Errors
    /// As above.
    fn visit_rows(&self, batch: BatchId, states: &[RowState], visit: &mut dyn FnMut(RowRecord)) -> Kept<()>;

    /// The row of a serial.
    ///
    /// # Errors
    /// As above.
    fn row_of(&self, batch: BatchId, serial: &str) -> Kept<Option<RowRecord>>;

    /// A row of a batch by its seed.
    ///
    /// # Errors
    /// As above.
    fn row_of_seed(&self, batch: BatchId, seed: &Fingerprint) -> Kept<Option<RowRecord>>;

    /// Whether a row was ever about to be burned onto a token.
    ///
    /// # Errors
    /// As above.
    fn was_dealt(&self, batch: BatchId, row: u64, serial: &str) -> Kept<bool>;
}
