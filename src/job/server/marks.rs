//! The marks that a server may still expect the old clock of a token. They are made before the clock is set, so that no end of the program
//! comes too early for them, and are taken back where it was not set after all.

use crate::clock::Drift;
use crate::device::{Carried, Info};
use crate::inventory::{
    Deed, Delivery, DeliveryFilter, Event, EventFilter, Fingerprint, Inventory, InventoryError, Outcome, SlotKey,
};
use crate::job::plan::{ClockPlan, SeedFate, WritePlan};
use crate::job::{Books, Failure};
use crate::server::{ServerKind, ServerSettings};
use crate::time::{HostClock, UnixTime};

/// A clock that was moved by more than this, in seconds, may be out of the reach of a server that had followed it.
const MOVED_FAR_S: f64 = 30.0;

/// How often a mark is made anew because another program has changed the record of the delivery.
const ANEW: u32 = 4;

/// Whether a clock was moved so far that a server which had followed it may refuse its codes now.
#[must_use]
pub fn is_moved_far(moved_s: f64) -> bool {
    moved_s.abs() > MOVED_FAR_S
}

/// Whether a clock that was moved by so many seconds may be refused by this kind of server now.
#[must_use]
pub fn may_need_mending(kind: ServerKind, moved_s: f64) -> bool {
    kind.can().follows_drift && is_moved_far(moved_s)
}

/// What went to servers that may refuse the codes of a token once its clock was moved by so many seconds: of this seed, where it is known
/// which one the token holds then. A server of which nothing is known any more is one of them.
///
/// # Errors
/// [`InventoryError`].
pub fn expecting(
    books: &dyn Inventory,
    key: &SlotKey,
    moved_s: f64,
    seed: Option<Fingerprint>,
) -> Result<Vec<Delivery>, InventoryError> {
    if !is_moved_far(moved_s) {
        return Ok(Vec::new());
    }
    let filter = DeliveryFilter { server: None, serial: Some(key.serial.clone()) };
    let mut deliveries = books.deliveries(&filter)?;
    deliveries.retain(|one| one.key == *key && one.step.is_there() && seed.is_none_or(|seed| one.seed == seed));
    if deliveries.is_empty() {
        return Ok(deliveries);
    }
    let servers = books.servers()?;
    deliveries.retain(|delivery| {
        let record = servers.iter().find(|server| server.name == delivery.server);
        let settings = record.and_then(|record| ServerSettings::of_text(&record.settings));
        settings.is_none_or(|settings| may_need_mending(settings.kind, moved_s))
    });
    Ok(deliveries)
}

/// Keeps in the journal, which the next visit looks at, that a server may still expect the old clock of a token. What stands there now.
///
/// # Errors
/// [`InventoryError`].
pub fn leave_open(books: &dyn Inventory, earlier: &Delivery, now: UnixTime) -> Result<Delivery, InventoryError> {
    if earlier.unmended.is_some() {
        return Ok(earlier.clone());
    }
    // When it was sent stays as it is.
    let later = Delivery { unmended: Some(now), ..earlier.clone() };
    books.deliver(Some(earlier), &later, None)?;
    Ok(later)
}

/// Marks the servers that may refuse the codes of tokens whose clocks were set while the inventory was away: nobody could look up then which
/// servers those are. The marks that were made.
///
/// # Errors
/// [`InventoryError`].
pub fn catch_up(books: &dyn Inventory, now: UnixTime) -> Result<Vec<Delivery>, InventoryError> {
    let mut marked = Vec::new();
    for event in books.take_late() {
        // A beginning is enough: nobody knows more of a job whose end is not on record.
        let is_set = matches!(event.deed, Deed::Sync | Deed::Config)
            && !matches!(event.outcome, Outcome::Within | Outcome::Refused);
        let (Some(serial), Some(before), true) = (&event.serial, event.before, is_set) else { continue };
        let key = SlotKey::of(serial, event.slot);
        let seed = books.token(&key)?.and_then(|token| token.seed);
        let moved_s = event.after.map_or(0.0, |after| after.drift_s) - before.drift_s;
        for delivery in expecting(books, &key, moved_s, seed)? {
            // What went there afterwards has the clock as it is.
            if delivery.unmended.is_none() && delivery.since < event.at {
                marked.push(leave_open(books, &delivery, now)?);
            }
        }
    }
    Ok(marked)
}

/// Whether the last job that was to set a token's clock has come to its end, by the record: before that, nobody knows which clock its servers
/// are to follow.
///
/// # Errors
/// [`InventoryError`].
pub fn is_clock_settled(books: &dyn Inventory, key: &SlotKey) -> Result<bool, InventoryError> {
    let mut last: Option<Event> = None;
    for deed in [Deed::Sync, Deed::Config, Deed::Burn] {
        let (serial, slot) = (Some(key.serial.clone()), Some(key.slot));
        let filter = EventFilter { serial, slot, deed: Some(deed), ..EventFilter::default() };
        books.visit_events(&filter, 1, &mut |event| {
            if last.as_ref().is_none_or(|last| last.at < event.at) {
                last = Some(event);
            }
        })?;
    }
    Ok(last.is_none_or(|event| matches!(event.outcome, Outcome::Done | Outcome::Within)))
}

/// Marks that a job has made: what stood on record before, and what stands there now.
#[derive(Default)]
pub struct Marks(Vec<(Delivery, Delivery)>);

impl Marks {
    /// Marks every server that may refuse the token's codes after what the plan is about to do to its clock: where its seed stays, or is
    /// burned again.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn make(
        &mut self,
        books: Option<&Books>,
        host: &dyn HostClock,
        (info, plan): (&Info, &WritePlan),
        before: Option<Drift>,
    ) -> Result<(), InventoryError> {
        let now = host.now().wall;
        if let Some(books) = books {
            // What is not known of other tokens stops nothing here.
            let _ = catch_up(books, now);
        }
        let (Some(books), Some(before), Some(config)) = (books, before, plan.config) else { return Ok(()) };
        let seed = match plan.seed_fate(info) {
            SeedFate::Kept => None,
            SeedFate::Burned => plan.seed.as_ref().map(|seed| books.fingerprint_key().of(seed)),
            SeedFate::Erased => return Ok(()),
        };
        let to_s = match config.clock {
            ClockPlan::Now => 0.0,
            ClockPlan::At(unix_s) => f64::from(unix_s) - now.timestamp() as f64,
            ClockPlan::CarryOn => before.middle_s(),
        };
        let key = SlotKey::of(info.serial.as_str(), plan.slot);
        let mut anew = 0;
        loop {
            match self.add(books, &key, (to_s - before.middle_s(), seed), now) {
                Err(InventoryError::Changed(_)) if anew < ANEW => anew += 1,
                done => return done,
            }
        }
    }

    fn add(
        &mut self,
        books: &dyn Inventory,
        key: &SlotKey,
        (moved_s, seed): (f64, Option<Fingerprint>),
        now: UnixTime,
    ) -> Result<(), InventoryError> {
        for earlier in expecting(books, key, moved_s, seed)?.into_iter().filter(|one| one.unmended.is_none()) {
            let later = leave_open(books, &earlier, now)?;
            self.0.push((earlier, later));
        }
        Ok(())
    }

    /// Takes the marks back where the clock was surely not set. One that stays is settled by the token's next visit: the clock is set then, or
    /// found right, and the server is mended.
    pub fn settle(self, books: Option<&Books>, failure: Option<&Failure>) {
        let is_unset = failure.is_some_and(|failure| failure.written.config == Carried::No);
        for (earlier, later) in self.0.into_iter().filter(|_| is_unset) {
            let _ = books.map(|books| books.deliver(Some(&later), &earlier, None));
        }
    }
}
