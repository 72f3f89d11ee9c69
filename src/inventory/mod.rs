//! The inventory: what was done to which token, durable. [`Inventory`] records, [`Listing`] finds, and [`Deliveries`] has the journal of
//! what went to servers: the rest knows no more of it. SQLite keeps it.
//!
//! By default it keeps no seed, only a keyed fingerprint of each; sealed to a recipient it keeps them so that this
//! program can write them and only the holder of the identity can read them (`docs/desk.md`).

mod batch;
mod clock_event;
mod delivery;
mod device_key;
mod doubts;
mod error;
mod event;
mod fingerprint;
mod job;
mod kept_profile;
mod life;
mod listing;
#[cfg(feature = "postgres")]
mod outbox;
mod pins;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod remedy;
mod rights;
mod seal;
mod sealed_credential;
#[cfg(feature = "postgres")]
mod shared;
mod slot_key;
mod sqlite;
mod token;
mod whole;

use serde::{Deserialize, Serialize};

use crate::time::UnixTime;
pub use batch::{BatchId, BatchRecord, Claim, Counts, NewBatch, NewRow, RowChange, RowRecord, RowState};
pub use clock_event::ClockEvent;
pub use delivery::{Deliveries, Delivery, DeliveryFilter, DeliveryStep, ServerRecord};
pub use device_key::{DeviceKey, DeviceKeys, open_device_key, seal_device_key};
pub use error::InventoryError;
pub use event::{Deed, Event, EventFilter, Measured, Outcome, Station};
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use job::{Begin, Begun, Seal};
pub use life::{Candidate, TokenLife};
pub use listing::Listing;
#[cfg(feature = "postgres")]
pub use outbox::{Outbox, Waiting, Waits};
pub use pins::{Pinned, Pins};
#[cfg(feature = "postgres")]
pub use postgres::{Address, AddressError, DatabaseServer, DeskRecord, Joined, Postgres, Role};
pub use remedy::RecordRemedy;
pub use rights::make_folder;
pub use seal::{Identity, SealError, new_locked_identity, open_of, parse_recipient, seal};
pub use sealed_credential::{open_credential, seal_credential};
#[cfg(feature = "postgres")]
pub use shared::Shared;
pub use slot_key::SlotKey;
pub use sqlite::{Sqlite, is_log_alone};
pub use token::{ClockChange, KeyChange, Pending, PendingChange, SeedChange, TokenChange, TokenFilter, TokenRecord};
pub use whole::{Copied, Piece, Taker, Whole, copy, differences};

/// One durable record: an event, and what it changes. All of it is kept, or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The event.
    pub event: Event,
    /// The change of the token's record.
    pub token: Option<TokenChange>,
    /// The change of its row in a batch.
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

/// The record of tokens, events and batches, by [`Deliveries`] of servers, and by [`DeviceKeys`] of customer keys: its verbs, each of which is one transaction. Whatever a
/// method has returned survives a power failure, but for [`Self::see`]. Several threads may use it at once; none that only reads waits for
/// another one's write.
///
/// Rows are counted from 1, as in their file.
pub trait Inventory: Listing + Deliveries + DeviceKeys + Send + Sync {
    /// The key of this inventory's fingerprints.
    fn fingerprint_key(&self) -> &FingerprintKey;

    /// Whether others may change it that are not on this computer, so that what was counted here is soon out of date.
    fn is_shared(&self) -> bool {
        false
    }

    /// The events that came to the record late, after an outage, since this was last asked: what follows from them could not be looked up when
    /// they happened.
    fn take_late(&self) -> Vec<Event> {
        Vec::new()
    }

    /// The `age` recipients that seeds are sealed to now; none where no seed is kept.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn recipients(&self) -> Kept<Vec<String>>;

    /// Whether nobody but its user can change it: where others can, no seed is sealed into it.
    ///
    /// # Errors
    /// [`InventoryError::NotOurAlone`].
    fn check_alone(&self) -> Kept<()>;

    /// Keeps one entry: one durable commit.
    ///
    /// # Errors
    /// [`InventoryError`], [`InventoryError::Held`] and [`InventoryError::Taken`] among them; nothing of the entry is
    /// kept then.
    fn keep(&self, entry: &Entry) -> Kept<()>;

    /// Keeps a mere reading of a token: others see it at once, and it is durable with the next commit that is, or when the
    /// inventory is closed.
    ///
    /// # Errors
    /// [`InventoryError`]; nothing of the entry is kept then.
    fn see(&self, entry: &Entry) -> Kept<()>;

    /// Begins a job on a token, in one durable commit: its event, its seed (sealed to the recipients of this moment), its
    /// row. From here to [`Self::end`] no other job can begin on that device.
    ///
    /// # Errors
    /// [`InventoryError::InUse`] while another job is at work with the device, [`InventoryError::Changed`] where the token's
    /// record is not what the plan was made from, [`InventoryError::Held`], [`InventoryError::Taken`], and others. Nothing is
    /// kept then.
    fn begin(&self, begin: &Begin<'_>) -> Kept<Begun>;

    /// The beginning of the job that is at work with the device of a serial, if one is.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn at_work(&self, serial: &str) -> Kept<Option<UnixTime>>;

    /// Whether a job that has begun is still the one at work with the device: asked where much time has passed between the commit and
    /// the first write, on a computer that slept, say.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn is_still_at_work(&self, job: i64, serial: &str) -> Kept<bool>;

    /// Ends a job, in one durable commit.
    ///
    /// # Errors
    /// [`InventoryError::Overtaken`] where the token's record belongs to another job by now: the event is kept, a seed
    /// that this job burned is kept as one that the token may hold, and nothing else is changed. Others: nothing is kept.
    fn end(&self, job: i64, entry: &Entry) -> Kept<()>;

    /// Keeps all of several entries, or none, in one durable commit. A token that a job is at work with is not changed.
    /// `next` makes one after the other, until there are no more; it is given the recipients of this moment, which must be
    /// the confirmed ones where seeds are sealed.
    ///
    /// # Errors
    /// [`InventoryError::InUse`], [`InventoryError::OtherSeed`] and others; nothing is kept then.
    fn keep_all(&self, seals: bool, next: &mut dyn FnMut(&[String]) -> Kept<Option<Entry>>) -> Kept<u64>;

    /// The row of a batch that a token gets. Nobody else gets it until [`Self::release`], or until this program has ended.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn claim(&self, batch: BatchId, serial: &str, reburns: bool) -> Kept<Claim>;

    /// Lets go of a row.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn release(&self, batch: BatchId, row: u64) -> Kept<()>;

    /// The record of a token.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn token(&self, key: &SlotKey) -> Kept<Option<TokenRecord>>;

    /// The last time that a device refused the key of this fingerprint, if it did and accepted none since.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn key_refused(&self, serial: &str, key: &Fingerprint) -> Kept<Option<UnixTime>>;

    /// The slot that holds, or may hold, this seed.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn holder(&self, seed: &Fingerprint) -> Kept<Option<SlotKey>>;

    /// Begins a batch: it and all of its rows in one durable commit.
    ///
    /// # Errors
    /// [`InventoryError`], and whatever the rows' source says; [`InventoryError::Begun`] where one of this content is open.
    /// Nothing is kept then.
    fn add_batch(&self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId>;

    /// Marks a batch as closed: nothing is left to do in it.
    ///
    /// # Errors
    /// [`InventoryError`].
    fn close_batch(&self, batch: BatchId, at: UnixTime) -> Kept<()>;
}
