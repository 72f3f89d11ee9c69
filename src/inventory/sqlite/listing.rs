//! Finding and listing in the file of an inventory.

use super::{Sqlite, batches, clock_events, tokens};
use crate::inventory::{
    BatchId, BatchRecord, ClockEvent, Counts, Event, EventFilter, Fingerprint, Kept, Listing, RowRecord, RowState,
    TokenFilter, TokenRecord,
};
use crate::time::UnixTime;

impl Listing for Sqlite {
    fn visit_events(&self, filter: &EventFilter, limit: u64, visit: &mut dyn FnMut(Event)) -> Kept<()> {
        self.read(|from| tokens::visit_events(from, filter, limit, visit))
    }

    fn visit_clock_events(&self, serial: Option<&str>, visit: &mut dyn FnMut(ClockEvent)) -> Kept<()> {
        match serial {
            Some(_) => self.read(|from| clock_events::visit(from, serial, visit)),
            None => self.read_much(|from| clock_events::visit(from, serial, visit)),
        }
    }

    fn visit_tokens(&self, filter: &TokenFilter, limit: u64, visit: &mut dyn FnMut(TokenRecord)) -> Kept<()> {
        match limit {
            u64::MAX => self.read_much(|from| tokens::visit(from, filter, limit, visit)),
            _ => self.read(|from| tokens::visit(from, filter, limit, visit)),
        }
    }

    fn batches(&self, since: Option<UnixTime>) -> Kept<Vec<BatchRecord>> {
        self.read(|from| batches::all(from, since))
    }

    fn batch_of_content(&self, content: &[u8]) -> Kept<Option<BatchRecord>> {
        self.read(|from| batches::of_content(from, content))
    }

    fn open_batch_named(&self, name: &str) -> Kept<Option<BatchRecord>> {
        self.read(|from| batches::open_named(from, name))
    }

    fn counts(&self, batch: BatchId) -> Kept<Counts> {
        self.read(|from| batches::counts(from, batch))
    }

    fn visit_rows(&self, batch: BatchId, states: &[RowState], visit: &mut dyn FnMut(RowRecord)) -> Kept<()> {
        self.read(|from| batches::visit_rows(from, batch, states, visit))
    }

    fn row_of(&self, batch: BatchId, serial: &str) -> Kept<Option<RowRecord>> {
        self.read(|from| batches::row_of(from, batch, serial))
    }

    fn row_of_seed(&self, batch: BatchId, seed: &Fingerprint) -> Kept<Option<RowRecord>> {
        self.read(|from| batches::row_of_seed(from, batch, seed))
    }

    fn was_dealt(&self, batch: BatchId, row: u64, serial: &str) -> Kept<bool> {
        self.read(|from| batches::was_dealt(from, batch, row, serial))
    }
}
