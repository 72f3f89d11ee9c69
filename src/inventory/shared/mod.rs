//! The inventory on a server as a desk uses it: while the server is away, what needs nothing from it goes on, and waits in the desk's
//! outbox until it answers again. What needs it is refused, and nothing is written.

mod deliveries;
mod device_keys;
mod listing;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::outbox::{Outbox, Waiting, Waits};
use super::pins::Pins;
use super::postgres::{Address, Postgres};
use super::{
    BatchId, Begin, Begun, Claim, Entry, Event, Fingerprint, FingerprintKey, Inventory, InventoryError, Kept,
    KeyChange, NewBatch, NewRow, SlotKey, Station, TokenRecord,
};
use crate::time::{HostClock, UnixTime};

/// How long a server that was away is not asked again: nobody waits for it at every turn.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(3);

/// An inventory on a server, and the desk's outbox.
pub struct Shared {
    address: Address,
    pins: Option<Pins>,
    /// Set when the server has answered for the first time, and never again.
    server: OnceLock<Postgres>,
    /// When it was away last, and how that was said.
    away: Mutex<Option<(Instant, InventoryError)>>,
    outbox_path: PathBuf,
    /// Opened when something is to be put into it, or lies there already.
    outbox: OnceLock<Outbox>,
    /// The jobs of this program whose beginning waits in the outbox.
    waiting_jobs: Mutex<HashSet<i64>>,
    /// The events that have gone from the outbox to the server, and were not taken yet.
    late: Mutex<Vec<Event>>,
    /// Nobody's, where the server's is not known: nothing is compared by it then.
    no_key: FingerprintKey,
}

impl Shared {
    /// Opens the inventory at an address. A server that is away is no error yet: see [`Self::outage`].
    ///
    /// # Errors
    /// [`InventoryError`]: the server refuses, is not trusted, or has no inventory of this version.
    pub fn open(address: Address, outbox_path: PathBuf, pins: Option<Pins>) -> Kept<Self> {
        let shared = Self {
            address,
            pins,
            server: OnceLock::new(),
            away: Mutex::default(),
            outbox_path,
            outbox: OnceLock::new(),
            waiting_jobs: Mutex::default(),
            late: Mutex::default(),
            no_key: FingerprintKey::new(Vec::new()),
        };
        match shared.server() {
            Ok(_) | Err(InventoryError::Away { .. }) => Ok(shared),
            Err(error) => Err(error),
        }
    }

    /// The server, asked anew where it was away.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn server(&self) -> Kept<&Postgres> {
        if let Some(server) = self.server.get() {
            return Ok(server);
        }
        let mut away = held(&self.away);
        if let Some((at, error)) = away.as_ref()
            && at.elapsed() < ASKED_AGAIN_AFTER
        {
            return Err(error.clone());
        }
        let opened = Postgres::open(self.address.clone()).map(|postgres| postgres.with_pins(self.pins.clone()));
        match opened {
            Ok(postgres) => {
                *away = None;
                drop(away);
                Ok(self.server.get_or_init(|| postgres))
            }
            Err(error) => {
                *away = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Asks the server. One that was away just now is not asked again at once.
    fn ask<T>(&self, call: impl FnOnce(&Postgres) -> Kept<T>) -> Kept<T> {
        let server = self.server()?;
        if let Some((at, error)) = held(&self.away).as_ref()
            && at.elapsed() < ASKED_AGAIN_AFTER
        {
            return Err(error.clone());
        }
        let answered = call(server);
        *held(&self.away) = match &answered {
            Err(error) if error.is_away() => Some((Instant::now(), error.clone())),
            _ => None,
        };
        answered
    }

    /// Why the server could not be reached since this was opened; `None` once it was.
    #[must_use]
    pub fn outage(&self) -> Option<InventoryError> {
        match self.server.get() {
            Some(_) => None,
            None => held(&self.away).as_ref().map(|(_, error)| error.clone()),
        }
    }

    /// Puts on record who works here, where the server answers, and brings it what waits for it.
    /// How far this computer's clock is from the server's, in seconds, where that is known.
    pub fn greet(&self, station: &Station, host: &dyn HostClock) -> Option<f64> {
        let server = self.server.get()?;
        // What is missed here is no more than a line in a list.
        let clock_s = server.greet(station, host).ok();
        let _ = self.replay();
        clock_s
    }

    /// The outbox, if anything was ever put into it.
    fn outbox_if_there(&self) -> Kept<Option<&Outbox>> {
        match self.outbox.get() {
            None if !self.outbox_path.exists() => Ok(None),
            _ => self.outbox().map(Some),
        }
    }

    fn outbox(&self) -> Kept<&Outbox> {
        if self.outbox.get().is_none() {
            // Another thread may have been faster.
            let _ = self.outbox.set(Outbox::open(&self.outbox_path)?);
        }
        self.outbox.get().ok_or_else(|| InventoryError::Open { path: self.outbox_path.clone(), detail: String::new() })
    }

    /// How much waits for the server.
    ///
    /// # Errors
    /// [`InventoryError`], of the outbox.
    pub fn waits(&self) -> Kept<Waits> {
        self.outbox_if_there()?.map_or(Ok(Waits::default()), Outbox::waits)
    }

    /// Brings the server what waits for it, in its order, each record once. One that it does not take stays, and keeps no other back.
    ///
    /// # Errors
    /// [`InventoryError`], where the server is away: what is left waits on.
    pub fn replay(&self) -> Kept<()> {
        let Some(outbox) = self.outbox_if_there()? else { return Ok(()) };
        while let Some((id, waiting)) = outbox.first()? {
            let waiting = without_unknown_key(waiting);
            match self.ask(|server| server.replay(&waiting)) {
                Ok(()) => {
                    held(&self.late).push(waiting.entry().event.clone());
                    outbox.remove(id)?;
                }
                Err(error) if is_passing(&error) => return Err(error),
                Err(error) => outbox.refuse(id, &error.to_string())?,
            }
        }
        Ok(())
    }

    fn put(&self, waiting: &Waiting) -> Kept<()> {
        self.outbox()?.put(waiting)
    }
}

/// Whether a server may take the same later. What it will never take stands against what is on record.
fn is_passing(error: &InventoryError) -> bool {
    use InventoryError::{Changed, Held, OtherSeed, Overtaken, Taken, Unfit};
    !matches!(error, Changed(_) | Held(_) | OtherSeed(_) | Overtaken(_) | Taken(_) | Unfit { .. })
}

/// The fingerprint of a key that was refused while the server's own key was not known: it is compared with nothing.
const UNKNOWN_KEY: [u8; 16] = [0; 16];

/// A record as the server takes it: a key that is not known is not remembered; that one was refused is in the event.
fn without_unknown_key(mut waiting: Waiting) -> Waiting {
    let (Waiting::Begin(entry) | Waiting::End(_, entry) | Waiting::Seen(entry)) = &mut waiting;
    if let Some(change) = &mut entry.token
        && matches!(change.refused, KeyChange::Refused(key) if key.as_bytes() == UNKNOWN_KEY)
    {
        change.refused = KeyChange::Keep;
    }
    waiting
}

/// The same without a fingerprint that was made with no key: anybody could check guesses by it.
fn without_bare_fingerprint(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    if let Some(change) = &mut entry.token
        && matches!(change.refused, KeyChange::Refused(_))
        && let Some(unknown) = Fingerprint::of_bytes(&UNKNOWN_KEY)
    {
        change.refused = KeyChange::Refused(unknown);
    }
    entry
}

fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an entry may be kept later than it happened: it takes nothing from anybody, and nothing depends on it.
fn may_wait(entry: &Entry) -> bool {
    let is_reading = |change: &super::TokenChange| !change.touches_job() && change.user.is_none() && !change.unassigned;
    entry.row.is_none() && entry.token.as_ref().is_none_or(is_reading)
}

impl Inventory for Shared {
    fn fingerprint_key(&self) -> &FingerprintKey {
        self.server.get().map_or(&self.no_key, Postgres::fingerprint_key)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn take_late(&self) -> Vec<Event> {
        std::mem::take(&mut held(&self.late))
    }

    fn recipients(&self) -> Kept<Vec<String>> {
        self.ask(|server| server.recipients())
    }

    fn check_alone(&self) -> Kept<()> {
        Ok(())
    }

    fn keep(&self, entry: &Entry) -> Kept<()> {
        match self.ask(|server| server.keep(entry)) {
            Err(error) if error.is_away() && may_wait(entry) => self.put(&Waiting::Seen(entry.clone())),
            kept => kept,
        }
    }

    fn see(&self, entry: &Entry) -> Kept<()> {
        match self.ask(|server| server.see(entry)) {
            Err(error) if error.is_away() && may_wait(entry) => self.put(&Waiting::Seen(entry.clone())),
            seen => seen,
        }
    }

    /// A job that takes no seed and loses none goes on while the server is away.
    fn begin(&self, begin: &Begin<'_>) -> Kept<Begun> {
        // The key that its fingerprint was made with is the server's only once that has answered.
        if begin.seed.is_some() && self.server.get().is_none() {
            return Err(self.outage().unwrap_or_else(|| InventoryError::Unanswered(self.address.shown())));
        }
        let begun = self.replay().and_then(|()| self.ask(|server| server.begin(begin)));
        match begun {
            Err(error) if error.is_away() && begin.may_wait => {
                let token = Some(begin.change(begin.basis, None));
                let entry = Entry { event: begin.event.clone(), token, row: begin.row.clone() };
                self.put(&Waiting::Begin(entry))?;
                held(&self.waiting_jobs).insert(begin.job);
                Ok(Begun { earlier: begin.basis.cloned(), sealed: None })
            }
            begun => begun,
        }
    }

    fn at_work(&self, serial: &str) -> Kept<Option<UnixTime>> {
        self.ask(|server| server.at_work(serial))
    }

    fn is_still_at_work(&self, job: i64, serial: &str) -> Kept<bool> {
        if held(&self.waiting_jobs).contains(&job) {
            return Ok(true);
        }
        self.ask(|server| server.is_still_at_work(job, serial))
    }

    /// What a token holds by now is told sooner or later, whether the server answers or not.
    fn end(&self, job: i64, entry: &Entry) -> Kept<()> {
        let is_known = self.server.get().is_some();
        let waiting = || Waiting::End(job, if is_known { entry.clone() } else { without_bare_fingerprint(entry) });
        if held(&self.waiting_jobs).remove(&job) {
            return self.put(&waiting());
        }
        match self.ask(|server| server.end(job, entry)) {
            Ok(()) => Ok(()),
            // On record, as far as it can be.
            Err(error @ InventoryError::Overtaken(_)) => Err(error),
            // Whatever keeps the server from taking it: how a write ended is not lost.
            Err(_) => self.put(&waiting()),
        }
    }

    fn keep_all(&self, seals: bool, next: &mut dyn FnMut(&[String]) -> Kept<Option<Entry>>) -> Kept<u64> {
        self.ask(|server| server.keep_all(seals, next))
    }

    fn claim(&self, batch: BatchId, serial: &str, reburns: bool) -> Kept<Claim> {
        self.replay()?;
        self.ask(|server| server.claim(batch, serial, reburns))
    }

    fn release(&self, batch: BatchId, row: u64) -> Kept<()> {
        self.ask(|server| server.release(batch, row))
    }

    fn token(&self, key: &SlotKey) -> Kept<Option<TokenRecord>> {
        self.ask(|server| server.token(key))
    }

    /// While the server is away, a key that a token has refused since is not tried again, whichever it was.
    fn key_refused(&self, serial: &str, key: &Fingerprint) -> Kept<Option<UnixTime>> {
        let asked = self.ask(|server| server.key_refused(serial, key));
        match (&asked, self.outbox_if_there()?) {
            (Err(error), Some(outbox)) if error.is_away() => match outbox.key_refused(serial)? {
                Some(at) => Ok(Some(at)),
                None => asked,
            },
            _ => asked,
        }
    }

    fn holder(&self, seed: &Fingerprint) -> Kept<Option<SlotKey>> {
        self.ask(|server| server.holder(seed))
    }

    fn add_batch(&self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId> {
        self.ask(|server| server.add_batch(batch, rows))
    }

    fn close_batch(&self, batch: BatchId, at: UnixTime) -> Kept<()> {
        self.ask(|server| server.close_batch(batch, at))
    }
}
