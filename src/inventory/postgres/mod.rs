//! The inventory on a PostgreSQL server, for several desks: the same verbs, each one transaction.
//!
//! A program that runs holds a lock on the server as long as its connection lasts; what it works at is its own for so long. Every
//! transaction takes the device before the row before the batch. A commit that was not answered is asked for by its number.

mod address;
mod address_error;
mod batches;
mod bounds;
mod check;
mod clock_events;
mod columns;
mod connections;
mod deliveries;
mod desks;
mod device_keys;
mod explained;
mod holders;
mod jobs;
mod joined;
mod listing;
mod password;
mod prune;
mod recording;
mod roles;
mod schema;
mod service;
mod serving;
mod session;
mod tokens;
mod transaction;
mod whole;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::outbox::Waiting;
use super::pins::Pins;
use super::{Event, FingerprintKey, InventoryError, Kept, Station};
use crate::time::{HostClock, UnixTime};
pub use address::Address;
pub use address_error::AddressError;
pub use desks::DeskRecord;
use explained::explained;
use jobs::Owner;
pub use joined::Joined;
pub use roles::Role;
pub use serving::DatabaseServer;
use session::{Session, Trouble};

/// The length of the key of fingerprints, in bytes.
const KEY_BYTES: usize = 32;

/// An inventory on a server.
pub struct Postgres {
    address: Address,
    key: FingerprintKey,
    /// The connection that writes; none after one on which a call was not answered.
    writer: Mutex<Option<Session>>,
    /// A second connection: whoever only reads waits for no write.
    reader: Mutex<Option<Session>>,
    owner: Mutex<Owner>,
    /// When it was away last: whoever has waited for his turn meanwhile is told the same at once.
    away: Mutex<Option<(Instant, InventoryError)>>,
    /// The recipients that the user has confirmed, where that is to be held.
    pins: Option<Pins>,
    is_viewer: bool,
}

impl Postgres {
    /// Opens the inventory at an address. None is made.
    ///
    /// # Errors
    /// [`InventoryError`]: the server is away or refuses, there is no inventory in the database, or a later version's.
    pub fn open(address: Address) -> Kept<Self> {
        Self::with(address, |_| Ok(()))
    }

    /// Opens the inventory at an address, and makes it there, or brings it to this version's schema, where that is needed.
    ///
    /// # Errors
    /// [`InventoryError`]; those of the system's generator.
    pub fn make(address: Address) -> Kept<Self> {
        let mut key = zeroize::Zeroizing::new(vec![0; KEY_BYTES]);
        let generator = |error: getrandom::Error| InventoryError::Other {
            path: address.shown(),
            detail: format!("the system's random generator failed: {error}"),
        };
        getrandom::fill(&mut key).map_err(generator)?;
        Self::with(address, |session| {
            roles::be_owner(session)?;
            schema::migrate(session, &key)
        })
    }

    fn with(address: Address, prepare: impl FnOnce(&mut Session) -> Result<(), Trouble>) -> Kept<Self> {
        let path = address.shown();
        let explain = |trouble| explained(&address, trouble);
        let mut session = Session::connect(&address).map_err(explain)?;
        prepare(&mut session).map_err(explain)?;
        // Its key does not change between here and where this program is known to work with it.
        schema::hold(&mut session).map_err(explain)?;
        connections::check_version(&mut session, &path).map_err(explain)?;
        // A viewer gets none, and can compare nothing with it.
        let key = meta(&mut session, "fingerprint-key").map_err(explain)?;
        let is_viewer = key.is_none();
        let key = key.unwrap_or_default();
        let inventory = Self {
            key: FingerprintKey::new(key),
            writer: Mutex::new(Some(session)),
            reader: Mutex::default(),
            owner: Mutex::default(),
            away: Mutex::default(),
            pins: None,
            is_viewer,
            address,
        };
        if let Some(session) = held(&inventory.writer).as_mut() {
            let known = if is_viewer { Ok(()) } else { inventory.be_known(session) };
            known.and_then(|()| schema::unlock(session)).map_err(|trouble| explained(&inventory.address, trouble))?;
        }
        Ok(inventory)
    }

    /// Puts on record who works here, and with what clock: the host's minus the server's, in seconds. A viewer leaves no trace.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn greet(&self, station: &Station, host: &dyn HostClock) -> Kept<f64> {
        if self.is_viewer {
            return self.read(&mut |from, _| desks::clock(from, host));
        }
        self.write(false, &mut |to, owner| {
            let clock_s = desks::clock(to, host)?;
            desks::greet(to, station, clock_s, owner.number)?;
            Ok(clock_s)
        })
    }

    /// Whether this user of the database only reads.
    #[must_use]
    pub fn is_viewer(&self) -> bool {
        self.is_viewer
    }

    /// All desks that ever worked here, by name.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn desks(&self) -> Kept<Vec<DeskRecord>> {
        self.read(&mut |from, _| desks::all(from))
    }

    /// Keeps a record that has waited for the server, once.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn replay(&self, waiting: &Waiting) -> Kept<()> {
        self.write(true, &mut |to, _| jobs::replay(to, waiting))
    }

    /// Removes events from before a time, and says so on record: only the owner may. How many there were.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn prune(&self, before: UnixTime, event: &Event) -> Kept<u64> {
        self.write(true, &mut |to, _| prune::prune(to, before, event))
    }

    /// The same inventory, held to the recipients that its user has confirmed.
    #[must_use]
    pub fn with_pins(self, pins: Option<Pins>) -> Self {
        Self { pins, ..self }
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether its recipients are those that were confirmed.
    ///
    /// # Errors
    /// [`InventoryError::Recipients`], and others.
    pub fn check_recipients(&self) -> Kept<()> {
        let recipients = self.read(&mut |session, _| recipients(session))?;
        self.check_pinned(&recipients)
    }

    /// Seals seeds to these recipients from now on; `event` says so on record.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn set_recipients(&self, recipients: &[String], event: &Event) -> Kept<()> {
        let lines = recipients.join("\n");
        self.write(true, &mut |session, _| {
            session.execute(
                "INSERT INTO meta (name, value) VALUES ('recipients', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                &[&lines.as_bytes()],
            )?;
            tokens::add_event(session, event)
        })
    }

    /// Takes the recipients that it has as those that its user confirms.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn confirm_recipients(&self) -> Kept<()> {
        let Some(pins) = &self.pins else { return Ok(()) };
        let path = self.address.shown();
        let found = self.read(&mut |session, _| recipients(session))?;
        pins.confirm(&path, &found).map_err(|error| InventoryError::Open { path, detail: error.to_string() })
    }

    fn check_pinned(&self, found: &[String]) -> Kept<()> {
        super::pins::check(self.pins.as_ref(), &self.address.shown(), found)
    }
}

/// A value that the inventory has once.
fn meta(from: &mut Session, name: &str) -> Result<Option<Vec<u8>>, Trouble> {
    let found = from.first("SELECT value FROM meta WHERE name = $1", &[&name])?;
    Ok(found.map(|row| row.try_get(0)).transpose()?)
}

/// The recipients as they are kept: one a line.
fn recipients(from: &mut Session) -> Result<Vec<String>, Trouble> {
    let text = String::from_utf8(meta(from, "recipients")?.unwrap_or_default());
    let text = text.map_err(|_| Trouble::Odd("its recipients are not text".to_owned()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
