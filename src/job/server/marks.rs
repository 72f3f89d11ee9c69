//! The marks that a server may still expect the old clock of a token. They are made before the clock is set, so that no end of the program
//! comes too early for them, and are taken back where it was not set after all.

use crate::clock::Drift;
use crate::device::{Carried, Info};
use crate::inventory::{Delivery, DeliveryFilter, Inventory, InventoryError, SlotKey};
use crate::job::plan::{ClockPlan, SeedFate, WritePlan};
use crate::job::{Books, Failure};
use crate::server::{ServerKind, ServerSettings};
use crate::time::{HostClock, UnixTime};

/// A clock that was moved by more than this, in seconds, may be out of the reach of a server that had followed it.
const MOVED_FAR_S: f64 = 30.0;

/// How often a mark is made anew because another program has changed the record of the delivery.
const ANEW: u32 = 4;

/// Whether a clock that was moved by so many seconds may be refused by this kind of server now.
#[must_use]
pub fn may_need_mending(kind: ServerKind, moved_s: f64) -> bool {
    kind.can().follows_drift && moved_s.abs() > MOVED_FAR_S
}

/// What went to servers that may refuse the codes of a token once its clock was moved by so many seconds.
///
/// # Errors
/// [`InventoryError`].
pub fn expecting(books: &dyn Inventory, key: &SlotKey, moved_s: f64) -> Result<Vec<Delivery>, InventoryError> {
    if moved_s.abs() <= MOVED_FAR_S {
        return Ok(Vec::new());
    }
    let filter = DeliveryFilter { server: None, serial: Some(key.serial.clone()) };
    let mut deliveries = books.deliveries(&filter)?;
    deliveries.retain(|one| one.key == *key && one.step.is_there());
    if deliveries.is_empty() {
        return Ok(deliveries);
    }
    let servers = books.servers()?;
    deliveries.retain(|delivery| {
        let record = servers.iter().find(|server| server.name == delivery.server);
        let settings = record.and_then(|record| ServerSettings::of_text(&record.settings));
        settings.is_some_and(|settings| may_need_mending(settings.kind, moved_s))
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
    let later = Delivery { unmended: Some(now), at: now, ..earlier.clone() };
    books.deliver(Some(earlier), &later, None)?;
    Ok(later)
}

/// Marks that a job has made: what stood on record before, and what stands there now.
#[derive(Default)]
pub struct Marks(Vec<(Delivery, Delivery)>);

impl Marks {
    /// Marks every server that may refuse the token's codes after what the plan is about to do to its clock. Where the inventory is
    /// away, its journal is not at hand either: nothing is marked, and the caller says that the record waits.
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
        let (Some(books), Some(before), Some(config)) = (books, before, plan.config) else { return Ok(()) };
        if plan.seed_fate(info) != SeedFate::Kept {
            return Ok(());
        }
        let to_s = match config.clock {
            ClockPlan::Now => 0.0,
            ClockPlan::At(unix_s) => f64::from(unix_s) - now.timestamp() as f64,
            ClockPlan::CarryOn => before.middle_s(),
        };
        let key = SlotKey::of(info.serial.as_str(), plan.slot);
        let mut anew = 0;
        loop {
            match self.add(books, &key, to_s - before.middle_s(), now) {
                Err(error) if error.is_away() => return Ok(()),
                Err(InventoryError::Changed(_)) if anew < ANEW => anew += 1,
                done => return done,
            }
        }
    }

    fn add(&mut self, books: &dyn Inventory, key: &SlotKey, moved_s: f64, now: UnixTime) -> Result<(), InventoryError> {
        for earlier in expecting(books, key, moved_s)?.into_iter().filter(|one| one.unmended.is_none()) {
            let later = leave_open(books, &earlier, now)?;
            self.0.push((earlier, later));
        }
        Ok(())
    }

    /// Takes the marks back where the clock was surely not set. One that stays is found to need nothing at the token's next visit.
    pub fn settle(self, books: Option<&Books>, failure: Option<&Failure>) {
        let is_unset = failure.is_some_and(|failure| failure.written.config == Carried::No);
        for (earlier, later) in self.0.into_iter().filter(|_| is_unset) {
            let _ = books.map(|books| books.deliver(Some(&later), &earlier, None));
        }
    }
}
