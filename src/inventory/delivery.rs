//! Servers that seeds go to, and the journal of what went there: one record for each seed and server, on disk before each request.

use chrono::SubsecRound;
use serde::{Deserialize, Serialize};

use super::Kept;
use super::event::{Event, words};
use super::fingerprint::Fingerprint;
use super::slot_key::SlotKey;
use crate::time::UnixTime;

/// An authentication server, as it was made known to the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRecord {
    /// Its name here.
    pub name: String,
    /// Everything that is needed to speak to it but the credential: the kind of server, its address, the account. As
    /// `server::Settings` writes it.
    pub settings: String,
    /// The credential, sealed to the inventory's recipients; none where it is in a file.
    pub credential: Option<Vec<u8>>,
    /// When it was added.
    pub added: UnixTime,
}

/// How far a seed has come to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeliveryStep {
    /// The request that creates it is about to be sent, or was, and its answer is not known.
    Sent,
    /// The server has it.
    Created,
    /// It is its user's there.
    Assigned,
    /// The server has accepted a code of it.
    Active,
    /// The server refused it.
    Refused,
    /// It was there, and is not any more.
    Gone,
}

words!(DeliveryStep {
    Sent => "sent", Created => "created", Assigned => "assigned", Active => "active", Refused => "refused", Gone => "gone",
});

impl DeliveryStep {
    /// Whether the server has the seed, for all that is known.
    #[must_use]
    pub fn is_there(self) -> bool {
        matches!(self, Self::Created | Self::Assigned | Self::Active)
    }
}

/// A seed on its way to a server, or there. Its key is server and slot: a slot's new seed takes the place of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The server's name.
    pub server: String,
    /// The token's serial and slot.
    pub key: SlotKey,
    /// The seed's fingerprint.
    pub seed: Fingerprint,
    /// How far it has come.
    pub step: DeliveryStep,
    /// The server's own name for it; while it is being sent, that of the one whose place it takes.
    pub id: Option<String>,
    /// Whose it is there, as far as is known.
    pub user: Option<String>,
    /// When it was sent first.
    pub since: UnixTime,
    /// When this record was last changed.
    pub at: UnixTime,
    /// The server's clock was followed away from the token's, and this has not been mended: since then its codes may be refused.
    pub unmended: Option<UnixTime>,
    /// What the server said, where it refused.
    pub detail: Option<String>,
}

impl Delivery {
    /// Whether two records are one and the same, or both none. Times are kept to the millisecond, and compared so.
    #[must_use]
    pub fn is_same(one: Option<&Self>, other: Option<&Self>) -> bool {
        let kept = |record: Option<&'_ Self>| {
            record.cloned().map(|mut record| {
                for time in [&mut record.since, &mut record.at].into_iter().chain(&mut record.unmended) {
                    *time = time.trunc_subsecs(3);
                }
                record
            })
        };
        kept(one) == kept(other)
    }
}

/// A choice of deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// To this server.
    pub server: Option<String>,
    /// Of this token.
    pub serial: Option<String>,
}

/// The servers that an inventory knows, and what went there: part of [`Inventory`](super::Inventory).
pub trait Deliveries {
    /// The servers, by name.
    ///
    /// # Errors
    /// [`InventoryError`](super::InventoryError), as of all methods here.
    fn servers(&self) -> Kept<Vec<ServerRecord>>;

    /// Adds a server, or takes this record in the place of the one of its name; the event says so. One durable commit.
    ///
    /// # Errors
    /// As above. Nothing is kept then.
    fn put_server(&self, server: &ServerRecord, event: &Event) -> Kept<()>;

    /// Forgets a server; the event says so. What was delivered there stays on record. Whether it was known; nothing is kept where it
    /// was not. One durable commit.
    ///
    /// # Errors
    /// As above. Nothing is kept then.
    fn remove_server(&self, name: &str, event: &Event) -> Kept<bool>;

    /// Deliveries that a filter lets pass, by server, serial and slot.
    ///
    /// # Errors
    /// As above.
    fn deliveries(&self, filter: &DeliveryFilter) -> Kept<Vec<Delivery>>;

    /// Takes `later` in the place of `earlier`, which must be on record as it is (none: nothing is on record for its server and slot),
    /// with an event. One durable commit: whoever plans from a record that another desk has changed is stopped here.
    ///
    /// # Errors
    /// [`InventoryError::Changed`](super::InventoryError::Changed) with the serial, where the record is not `earlier`. Others. Nothing is
    /// kept then.
    fn deliver(&self, earlier: Option<&Delivery>, later: &Delivery, event: Option<&Event>) -> Kept<()>;
}
