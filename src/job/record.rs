//! Jobs and the inventory: what is about to be written is durable before it is written, and how it ended afterwards.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::failure::{Exit, Failure, UNTOUCHED};
use super::plan::{ClockPlan, WritePlan};
use super::read::ReadReport;
use super::write::{Hooks, Outcome as Wrote, WriteReport, write};
use super::written::Written;
use crate::clock::Drift;
use crate::inventory::{
    Deed, Entry, Event, Inventory, InventoryError, Measured, Outcome, Pending, PendingChange, RowChange, SeedChange,
    Station, TokenChange, TokenRecord, seal,
};
use crate::link::Link;
use crate::seed::Seed;
use crate::seedfile::{Field, Row};
use crate::time::{HostClock, UnixTime};
use crate::token::{Info, Profile};

/// The kind of a token that was left alone, which is no event in its life.
pub const LEFT_ALONE: &str = "left-alone";

/// The kind of a failure to record.
const UNRECORDED: &str = "inventory";

/// An inventory that several readers share: one writes at a time.
pub type Books = Mutex<Box<dyn Inventory>>;

/// What several readers share, such as the inventory, for as long as it is needed. A worker that panicked harms nobody.
pub fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records one job on one token.
pub struct Recorder<'a> {
    /// The inventory; `None` where the user wants no record.
    pub books: Option<&'a Books>,
    /// Where and by whom.
    pub station: Station,
    /// No real token.
    pub emulated: bool,
    /// What is done.
    pub deed: Deed,
    /// Whose the token will be; may be set when its row is found.
    pub user: RefCell<Option<String>>,
    /// What else is worth keeping, such as that the host's clock was taken on the user's word.
    pub remark: Option<String>,
}

/// Where a recorded job is, for those who keep rows of a batch with it.
pub enum Stage<'a> {
    /// It is about to write.
    Begins(&'a Info),
    /// It had begun, and ended, well or not.
    Ended(&'a Info, &'a Result<WriteReport, Failure>),
}

/// Completes the plan for the token that lies there, by what is known of it.
pub type Complete<'a> = dyn FnMut(&Info, Option<&TokenRecord>, &mut WritePlan) -> Result<(), Failure> + 'a;

/// What a recorded job asks of its caller.
pub struct Around<'a> {
    /// Completes the plan for the token that lies there, by what is known of it.
    pub complete: &'a mut Complete<'a>,
    /// Called before the first record and write: what else must be durable by then.
    pub before: &'a mut dyn FnMut(&Info, &WritePlan) -> Result<(), Failure>,
    /// What goes with a record of the job in a batch.
    pub row: &'a mut dyn FnMut(Stage<'_>) -> Option<RowChange>,
    /// Whether the user wants to stop.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// How a recorded job ended, and whether that could be recorded.
pub struct Recorded {
    /// The job's own end.
    pub result: Result<WriteReport, Failure>,
    /// The token, if it was read.
    pub info: Option<Info>,
    /// Why the end stands in no record; its beginning does.
    pub lost: Option<InventoryError>,
}

impl Recorder<'_> {
    /// What is known of a token.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn token(&self, serial: &str) -> Result<Option<TokenRecord>, InventoryError> {
        self.books.map_or(Ok(None), |books| locked(books).token(serial))
    }

    /// Writes a token, with a durable record before the first write and one of how it ended.
    pub fn write(
        &self,
        link: &mut dyn Link,
        host: &dyn HostClock,
        plan: &WritePlan,
        around: &mut Around<'_>,
    ) -> Recorded {
        let job = new_job();
        let mut known: Option<Info> = None;
        let mut earlier: Option<TokenRecord> = None;
        let mut begun: Option<WritePlan> = None;
        let mut drift = None;
        let mut complete = |info: &Info, plan: &mut WritePlan| {
            known = Some(info.clone());
            earlier = self.token(info.serial.as_str())?;
            (around.complete)(info, earlier.as_ref(), plan)
        };
        let mut record = |info: &Info, plan: &WritePlan, before: Drift| {
            (around.before)(info, plan)?;
            drift = Some(before);
            let row = (around.row)(Stage::Begins(info));
            self.begin(host.now().wall, job, info, plan, before, row)?;
            begun = Some(plan.clone());
            Ok(())
        };
        let mut hooks = Hooks { complete: &mut complete, record: &mut record, interrupted: around.interrupted };
        let result = write(link, host, plan, &mut hooks);
        // Where the beginning could not be recorded, nothing else can.
        let is_unrecorded = result.as_ref().is_err_and(|failure| failure.kind == UNRECORDED && begun.is_none());
        let is_left_alone = result.as_ref().is_err_and(|failure| failure.kind == LEFT_ALONE);
        let lost = known.as_ref().filter(|_| !is_left_alone && !is_unrecorded).and_then(|info| {
            let row = begun.as_ref().and_then(|_| (around.row)(Stage::Ended(info, &result)));
            let end = End { job, at: host.now().wall, begun: begun.as_ref(), drift, row };
            self.end(info, &result, end, earlier.as_ref()).err()
        });
        Recorded { result, info: known, lost }
    }

    /// Records a token that was only read.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn seen(&self, report: &ReadReport, outcome: Outcome) -> Result<(), InventoryError> {
        let Some(books) = self.books else { return Ok(()) };
        let mut event = self.event(report.host, new_job(), &report.info, outcome);
        event.before = Some(report.drift.into());
        let change = TokenChange { drift: event.before, ..self.change(&report.info, report.host) };
        locked(books).keep(&Entry { event, token: Some(change), row: None })
    }

    /// Records that something was done about a token that did not change it, such as a code that was judged.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn note(
        &self,
        at: UnixTime,
        serial: &str,
        outcome: Outcome,
        row: Option<RowChange>,
    ) -> Result<(), InventoryError> {
        let Some(books) = self.books else { return Ok(()) };
        let event = Event { serial: Some(serial.to_owned()), ..self.blank(at, new_job(), outcome) };
        locked(books).keep(&Entry { event, token: None, row })
    }

    fn blank(&self, at: UnixTime, job: i64, outcome: Outcome) -> Event {
        Event {
            at,
            job,
            station: self.station.clone(),
            serial: None,
            deed: self.deed,
            outcome,
            before: None,
            after: None,
            state: None,
            detail: self.remark.clone(),
        }
    }

    fn event(&self, at: UnixTime, job: i64, info: &Info, outcome: Outcome) -> Event {
        Event { serial: Some(info.serial.to_string()), ..self.blank(at, job, outcome) }
    }

    fn change(&self, info: &Info, at: UnixTime) -> TokenChange {
        TokenChange {
            model: info.model().map(|model| model.name.to_owned()),
            emulated: self.emulated,
            seen: Some(at),
            ..TokenChange::of(info.serial.as_str())
        }
    }

    fn begin(
        &self,
        at: UnixTime,
        job: i64,
        info: &Info,
        plan: &WritePlan,
        before: Drift,
        row: Option<RowChange>,
    ) -> Result<(), Failure> {
        let Some(books) = self.books else { return Ok(()) };
        let mut inventory = locked(books);
        let (seed, sealed) = match &plan.seed {
            None => (None, None),
            Some(seed) => {
                let sealed = self.sealed(seed, info, plan, inventory.recipients())?;
                (Some(inventory.fingerprint_key().of(seed)), sealed)
            }
        };
        let profile = plan.config.map(|config| config.profile);
        let earlier = inventory.token(info.serial.as_str())?;
        let mut event = self.event(at, job, info, Outcome::Begun);
        event.before = Some(before.into());
        let mut change = TokenChange { drift: event.before, user: self.user.borrow().clone(), ..self.change(info, at) };
        if !keeps_pending(earlier.as_ref(), plan) {
            change.pending = PendingChange::Begins(Pending { job, deed: self.deed, at, profile, seed, sealed });
        }
        inventory.keep(&Entry { event, token: Some(change), row }).map_err(Failure::from)
    }

    /// The seed as the inventory keeps it: sealed, or not at all.
    fn sealed(
        &self,
        seed: &Seed,
        info: &Info,
        plan: &WritePlan,
        recipients: &[String],
    ) -> Result<Option<Vec<u8>>, Failure> {
        if recipients.is_empty() {
            return Ok(None);
        }
        let row = row_of(seed.clone(), info, plan.config.map(|config| config.profile), self.user.borrow().clone());
        // The record has the model beside it; not every server's format has a place for it.
        let row = row.without(Field::Model).without(Field::Manufacturer);
        seal(&row, recipients).map(Some).map_err(|error| {
            let next = "run tokentap inventory check, or name another inventory";
            Failure::new("inventory", Exit::Fault, error.to_string(), UNTOUCHED, next)
        })
    }

    fn end(
        &self,
        info: &Info,
        result: &Result<WriteReport, Failure>,
        end: End<'_>,
        earlier: Option<&TokenRecord>,
    ) -> Result<(), InventoryError> {
        let Some(books) = self.books else { return Ok(()) };
        let End { job, at, begun, drift, row } = end;
        let outcome = outcome(result, begun.is_some());
        let mut event = self.event(at, job, info, outcome);
        event.before = drift.map(Measured::from);
        let mut change = self.change(info, at);
        let (mut sent, mut is_config_written) = (Written::No, false);
        match result {
            Ok(report) => {
                event.before = Some(report.before.into());
                change.drift = event.before;
                if report.outcome == Wrote::Synced {
                    is_config_written = report.config.is_some();
                    event.after = Some(report.after.into());
                    change.drift = event.after;
                    change.synced = report.config.is_some();
                    change.profile = report.config.map(|config| config.profile);
                    change.seed = match (begun.is_some_and(|plan| plan.seed.is_some()), report.seed) {
                        (true, _) => SeedChange::Burned,
                        (false, super::SeedFate::Erased) => SeedChange::Erased,
                        _ => SeedChange::Keep,
                    };
                }
                add_detail(&mut event, clock_remark(report));
            }
            Err(failure) => {
                add_detail(&mut event, Some(failure.fact.clone()));
                if let Some(plan) = begun {
                    event.state = Some(failure.state.clone());
                    let written = failure.written;
                    sent = written.seed_on(info.sync());
                    is_config_written = written.config == Written::Yes;
                    // What was perhaps written is what the token is meant to have; the next sync writes it again.
                    let config = plan.config.filter(|_| written.config != Written::No);
                    change.profile = config.map(|config| config.profile);
                    change.synced = is_config_written;
                    change.seed = match (written.config, sent) {
                        (_, Written::Yes) => SeedChange::Burned,
                        (Written::Yes, Written::No) if info.sync().erases_seed() && plan.seed.is_some() => {
                            SeedChange::Lost
                        }
                        (Written::Yes, Written::No) if info.sync().erases_seed() => SeedChange::Erased,
                        _ => SeedChange::Keep,
                    };
                }
            }
        }
        if let Some(plan) = begun {
            let earlier = earlier.and_then(|token| token.pending.clone());
            change.pending = match (&change.seed, earlier) {
                // Whatever an earlier burn left, it is gone now.
                (SeedChange::Burned | SeedChange::Erased | SeedChange::Lost, _) => PendingChange::Over,
                _ if sent == Written::Unknown => PendingChange::Keep,
                // No seed was sent: an earlier one may still be there.
                (_, Some(earlier)) if earlier.seed.is_some() => PendingChange::Restored(earlier),
                _ if outcome == Outcome::Unknown => {
                    let profile = plan.config.map(|config| config.profile);
                    PendingChange::Restored(Pending { job, deed: self.deed, at, profile, seed: None, sealed: None })
                }
                // Only a config that was certainly written settles what an earlier one of unknown end left.
                (_, Some(earlier)) if !is_config_written => PendingChange::Restored(earlier),
                _ => PendingChange::Over,
            };
        }
        locked(books).keep(&Entry { event, token: Some(change), row })
    }
}

/// How a job ended, for its record.
struct End<'a> {
    job: i64,
    at: UnixTime,
    begun: Option<&'a WritePlan>,
    drift: Option<Drift>,
    row: Option<RowChange>,
}

/// Whether an earlier burn of unknown end stays on record: a job that burns nothing does not settle it.
fn keeps_pending(earlier: Option<&TokenRecord>, plan: &WritePlan) -> bool {
    let pending = earlier.and_then(|token| token.pending.as_ref());
    pending.is_some_and(|pending| pending.seed.is_some()) && plan.seed.is_none()
}

fn outcome(result: &Result<WriteReport, Failure>, begun: bool) -> Outcome {
    match result {
        Ok(report) if report.outcome == Wrote::Within => Outcome::Within,
        Ok(_) => Outcome::Done,
        Err(_) if !begun => Outcome::Refused,
        Err(failure) => {
            let written = failure.written;
            let all = [Some(written.config), Some(written.seed), written.correction];
            if all.contains(&Some(Written::Unknown)) { Outcome::Unknown } else { Outcome::Failed }
        }
    }
}

fn clock_remark(report: &WriteReport) -> Option<String> {
    match report.config?.clock {
        ClockPlan::At(seconds) => Some(format!("the clock was set to {seconds}, not to now")),
        ClockPlan::CarryOn => Some("the clock was carried on, not set".to_owned()),
        ClockPlan::Now => None,
    }
}

fn add_detail(event: &mut Event, more: Option<String>) {
    event.detail = match (event.detail.take(), more) {
        (Some(first), Some(second)) => Some(format!("{first}; {second}")),
        (first, second) => first.or(second),
    };
}

/// A seed as a row, with all that is known of its token.
#[must_use]
pub fn row_of(seed: Seed, info: &Info, profile: Option<Profile>, user: Option<String>) -> Row {
    let mut row = Row::of_seed(seed);
    row.serial = Some(info.serial.to_string());
    row.model = info.model().map(|model| model.name.to_owned());
    row.manufacturer = info.model().map(|_| "Token2".to_owned());
    row.digits = Some(6);
    row.hash = profile.map(Profile::hash);
    row.step = profile.map(Profile::step);
    row.user = user;
    row
}

/// A number for a job, so that its beginning and its end are found together.
fn new_job() -> i64 {
    let mut bytes = [0; 8];
    // Without a generator all jobs have the number 0: the events still stand in their order.
    let _ = getrandom::fill(&mut bytes);
    i64::from_be_bytes(bytes)
}
