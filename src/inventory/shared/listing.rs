//! Finding and listing on the server: what is away is listed nowhere.

use super::Shared;
use crate::inventory::{
    BatchId, BatchRecord, ClockEvent, Counts, Event, EventFilter, Fingerprint, Kept, Listing, RowRecord, RowState,
    TokenFilter, TokenRecord,
};
use crate::time::UnixTime;

impl Listing for Shared {
    fn visit_events(&self, filter: &EventFilter, limit: u64, visit: &mut dyn FnMut(Event)) -> Kept<()> {
        self.ask(|server| server.visit_events(filter, limit, visit))
    }

    fn visit_clock_events(&self, serial: Option<&str>, visit: &mut dyn FnMut(ClockEvent)) -> Kept<()> {
        self.ask(|server| server.visit_clock_events(serial, visit))
    }

    fn visit_tokens(&self, filter: &TokenFilter, limit: u64, visit: &mut dyn FnMut(TokenRecord)) -> Kept<()> {
        self.ask(|server| server.visit_tokens(filter, limit, visit))
    }

    fn batches(&self, since: Option<UnixTime>) -> Kept<Vec<BatchRecord>> {
        self.ask(|server| server.batches(since))
    }

    fn batch_of_content(&self, content: &[u8]) -> Kept<Option<BatchRecord>> {
        self.ask(|server| server.batch_of_content(content))
    }

    fn open_batch_named(&self, name: &str) -> Kept<Option<BatchRecord>> {
        self.ask(|server| server.open_batch_named(name))
    }

    fn counts(&self, batch: BatchId) -> Kept<Counts> {
        self.ask(|server| server.counts(batch))
    }

    fn desks_at(&self, batch: BatchId) -> Kept<Vec<(String, u64)>> {
        self.ask(|server| server.desks_at(batch))
    }

    fn visit_rows(&self, batch: BatchId, states: &[RowState], visit: &mut dyn FnMut(RowRecord)) -> Kept<()> {
        self.ask(|server| server.visit_rows(batch, states, visit))
    }

    fn row_of(&self, batch: BatchId, serial: &str) -> Kept<Option<RowRecord>> {
        self.ask(|server| server.row_of(batch, serial))
    }

    fn row_of_seed(&self, batch: BatchId, seed: &Fingerprint) -> Kept<Option<RowRecord>> {
        self.ask(|server| server.row_of_seed(batch, seed))
    }

    fn was_dealt(&self, batch: BatchId, row: u64, serial: &str) -> Kept<bool> {
        self.ask(|server| server.was_dealt(batch, row, serial))
    }
}
