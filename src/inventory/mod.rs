//! The inventory: what was done to which token, durable. [`Inventory`] is all that the rest knows of it; SQLite keeps it.
//!
//! By default it keeps no seed, only a keyed fingerprint of each; sealed to a recipient it keeps them so that this
//! program can write them and only the holder of the identity can read them (`docs/desk.md`).

mod batch;
mod error;
mod event;
mod fingerprint;
mod job;
mod life;
mod pins;
mod place;
mod remedy;
mod rights;
mod seal;
mod sqlite;
mod token;

use crate::time::UnixTime;
pub use batch::{BatchId, BatchRecord, Claim, Counts, NewBatch, NewRow, RowChange, RowRecord, RowState};
pub use error::InventoryError;
pub use event::{Deed, Event, EventFilter, Measured, Outcome, Station};
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use job::{Begin, Begun, Seal};
pub use life::{Candidate, TokenLife};
pub use pins::{Pinned, Pins};
pub use remedy::RecordRemedy;
pub use rights::make_folder;
pub use seal::{Identity, SealError, new_locked_identity, open_of, parse_recipient, seal};
pub use sqlite::{Sqlite, is_log_alone};
pub use token::{ClockChange, KeyChange, Pending, PendingChange, SeedChange, TokenChange, TokenFilter, TokenRecord};

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

    /// The `age` recipients that seeds are sealed to now; none where no seed is kept.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn recipients(&mut self) -> Kept<Vec<String>>;

    /// Keeps one entry: one durable commit.
    ///
    /// # Errors
    /// [`InventoryError`], [`InventoryError::Held`] and [`InventoryError::Taken`] among them; nothing of the entry is
    /// kept then.
    fn keep(&mut self, entry: &Entry) -> Kept<()>;

    /// Begins a job on a token, in one durable commit: its event, its seed (sealed to the recipients of this moment), its
    /// row. From here to [`Self::end`] no other job can begin on that token.
    ///
    /// # Errors
    /// [`InventoryError::InUse`] while another job is at work with the token, [`InventoryError::Changed`] where its record
    /// is not what the plan was made from, [`InventoryError::Held`], [`InventoryError::Taken`], and others. Nothing is
    /// kept then.
    fn begin(&mut self, begin: &Begin<'_>) -> Kept<Begun>;

    /// Since when a job is at work with a token, if one is.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn at_work(&mut self, serial: &str) -> Kept<Option<UnixTime>>;

    /// Ends a job, in one durable commit.
    ///
    /// # Errors
    /// [`InventoryError::Overtaken`] where the token's record belongs to another job by now: the event is kept, a seed
    /// that this job burned is kept as one that the token may hold, and nothing else is changed. Others: nothing is kept.
    fn end(&mut self, job: i64, entry: &Entry) -> Kept<()>;

    /// Keeps all of several entries, or none, in one durable commit. A token that a job is at work with is not changed.
    /// `next` makes one after the other, until there are no more; it is given the recipients of this moment, which must be
    /// the confirmed ones where seeds are sealed.
    ///
    /// # Errors
    /// [`InventoryError::InUse`], [`InventoryError::OtherSeed`] and others; nothing is kept then.
    fn keep_all(&mut self, seals: bool, next: &mut dyn FnMut(&[String]) -> Kept<Option<Entry>>) -> Kept<u64>;

    /// The row of a batch that a token gets. Nobody else gets it until [`Self::release`], or until this program has ended.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn claim(&mut self, batch: BatchId, serial: &str, reburns: bool) -> Kept<Claim>;

    /// Lets go of a row.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn release(&mut self, batch: BatchId, row: u64) -> Kept<()>;

    /// Whether a row was ever about to be burned onto a token.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn was_dealt(&mut self, batch: BatchId, row: u64, serial: &str) -> Kept<bool>;

    /// What is known of a token.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn token(&mut self, serial: &str) -> Kept<Option<TokenRecord>>;

    /// When a token last refused the key of this fingerprint, if it did and accepted none since.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn key_refused(&mut self, serial: &str, key: &Fingerprint) -> Kept<Option<UnixTime>>;

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
