//! The inventory: what was done to which token, durable. [`Inventory`] is all that the rest knows of it; SQLite keeps it.
//!
//! By default it keeps no seed, only a keyed fingerprint of each; sealed to a recipient it keeps them so that this
//! program can write them and only the holder of the identity can read them (`docs/desk.md`).

mod batch;
mod error;
mod event;
mod fingerprint;
mod seal;
mod sqlite;
mod token;

use crate::time::UnixTime;
pub use batch::{BatchId, BatchRecord, Counts, NewBatch, NewRow, RowChange, RowRecord, RowState};
pub use error::InventoryError;
pub use event::{Deed, Event, EventFilter, Measured, Outcome, Station};
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use seal::{Identity, SealError, new_locked_identity, open, parse_recipient, seal};
pub use sqlite::{Sqlite, make_folder};
pub use token::{Pending, PendingChange, SeedChange, TokenChange, TokenFilter, TokenRecord};

/// One durable record: an event, and what it changes. All of it is kept, or none.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What happened.
    pub event: Event,
    /// What is known of the token now.
    pub token: Option<TokenChange>,
    /// What is known of its row in a batch now.
    pub row: Option<RowChange>,
}

impl Entry {
    /// An event that changes nothing else.
    #[must_use]
    pub fn of(event: Event) -> Self {
        Self { event, token: None, row: None }
    }
}

/// A result of the inventory.
pub type Kept<T> = Result<T, InventoryError>;

/// The record of tokens, events and batches. Whatever a method has returned survives a power failure.
///
/// Rows are counted from 1, as in their file. Visiting methods call back once for each record, newest first for events.
pub trait Inventory: Send {
    /// The key of this inventory's fingerprints.
    fn fingerprint_key(&self) -> &FingerprintKey;

    /// The `age` recipients that seeds are sealed to; none where no seed is kept.
    fn recipients(&self) -> &[String];

    /// Keeps one entry: one durable commit. A row that begins to burn is kept only if no other token holds its seed.
    ///
    /// # Errors
    /// [`InventoryError`], [`InventoryError::Held`] and [`InventoryError::Taken`] among them; nothing of the entry is
    /// kept then.
    fn keep(&mut self, entry: &Entry) -> Kept<()>;

    /// What is known of a token.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn token(&mut self, serial: &str) -> Kept<Option<TokenRecord>>;

    /// The serial of a token that holds, or may hold, this seed.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn holder(&mut self, seed: &Fingerprint) -> Kept<Option<String>>;

    /// Begins a batch: it and all of its rows in one durable commit.
    ///
    /// # Errors
    /// [`InventoryError`], and whatever the rows' source says; [`InventoryError::Begun`] where one of this content is open.
    /// Nothing is kept then.
    fn add_batch(&mut self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId>;

    /// The newest batch of this content.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn batch_of_content(&mut self, content: &[u8]) -> Kept<Option<BatchRecord>>;

    /// The newest batch of this name that is not closed.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn open_batch_named(&mut self, name: &str) -> Kept<Option<BatchRecord>>;

    /// Marks a batch as closed: nothing is left to do in it.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn close_batch(&mut self, batch: BatchId, at: UnixTime) -> Kept<()>;

    /// How many rows of a batch are in which state.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn counts(&mut self, batch: BatchId) -> Kept<Counts>;

    /// The row of a serial.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn row_of(&mut self, batch: BatchId, serial: &str) -> Kept<Option<RowRecord>>;

    /// A row of a batch by its seed.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn row_of_seed(&mut self, batch: BatchId, seed: &Fingerprint) -> Kept<Option<RowRecord>>;

    /// The first planned row that has no serial, passing over those that are in other hands.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn next_planned(&mut self, batch: BatchId, except: &[u64]) -> Kept<Option<RowRecord>>;

    /// The rows of a batch in these states (all, if none is named), in their order.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn visit_rows(&mut self, batch: BatchId, states: &[RowState], visit: &mut dyn FnMut(RowRecord)) -> Kept<()>;

    /// Events that a filter lets pass, newest first, up to `limit`.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn visit_events(&mut self, filter: &EventFilter, limit: u64, visit: &mut dyn FnMut(Event)) -> Kept<()>;

    /// Tokens that a filter lets pass, by serial, up to `limit`.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn visit_tokens(&mut self, filter: &TokenFilter, limit: u64, visit: &mut dyn FnMut(TokenRecord)) -> Kept<()>;

    /// All batches since a time, newest first.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn batches(&mut self, since: Option<UnixTime>) -> Kept<Vec<BatchRecord>>;
}
