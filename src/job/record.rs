//! Jobs and the inventory: what is about to be written is durable before it is written, and how it ended afterwards.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::begins::{Begins, End, Wanted, is_outdated, new_job};
use super::complete::Opener;
use super::failure::Failure;
use super::key_use::{KeyUse, Stated};
use super::kind::Kind;
use super::plan::{SeedFate, WritePlan};
use super::problem::Problem;
use super::refusal::Refusal;
use super::remedy::{SlotRemedy, TokenRemedy};
use super::sealed_row::{has_profile, row_of};
use super::server::Marks;
use super::state::TokenState;
use super::write::{Beginning, Hooks, write};
use super::write_outcome::WriteOutcome;
use crate::clock::Drift;
use crate::device::{Device, Info, Key};
use crate::inventory::{
    Begin, Begun, Deed, Event, EventFilter, Inventory, InventoryError, Outcome, RowChange, SlotKey, Station,
    TokenChange, TokenRecord, seal,
};
use crate::seed::Seed;
use crate::seedfile::Field;
use crate::time::{HostClock, UnixTime};

/// How long another job on the same token is waited for. One takes three seconds at the most, where nothing is wrong.
const OTHER_JOB_WITHIN: Duration = Duration::from_secs(60);

/// How long it is waited for in silence.
const TELL_AFTER: Duration = Duration::from_secs(1);

/// How often it is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A beginning that is longer ago than this at the first write is looked at once more: another desk may have the token by now.
const BEGINS_WITHIN: Duration = Duration::from_secs(2);

/// How often a plan is made anew because another program was faster.
const ANEW: u32 = 16;

/// An inventory that several readers share.
pub type Books = dyn Inventory;

/// The content of a mutex that several readers share, for as long as it is needed. A worker that panicked harms nobody.
pub fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How problems and states are put in words for the record, by the floor above.
#[derive(Debug, Clone, Copy)]
pub struct Wording {
    /// A problem.
    pub fact: fn(&Problem) -> String,
    /// A state.
    pub state: fn(&TokenState) -> String,
}

/// Records one job on one token.
pub struct Recorder<'a> {
    /// The inventory; `None` where the user wants no record.
    pub books: Option<&'a Books>,
    /// Where and by whom.
    pub station: Station,
    /// No real token.
    pub emulated: bool,
    /// The deed.
    pub deed: Deed,
    /// The token's future user; may be set when its row is found.
    pub user: RefCell<Option<String>>,
    /// A remark worth keeping, such as that the host's clock was taken on the user's word.
    pub remark: Option<String>,
    /// The words for what went wrong.
    pub wording: Wording,
}

/// Where a recorded job is, for those who keep rows of a batch with it.
pub enum Stage<'a> {
    /// It is about to write.
    Begins(&'a Info),
    /// It had begun, and ended, well or not.
    Ended(&'a Info, &'a Result<WriteOutcome, Failure>),
}

/// Completes the plan for the token that lies there, by what is known of it.
pub type Complete<'a> = dyn FnMut(&Info, Option<&TokenRecord>, &mut WritePlan) -> Result<(), Failure> + 'a;

/// The calls that a recorded job makes to its caller.
pub struct Around<'a> {
    /// Completes the plan for the token that lies there, by what is known of it.
    pub complete: &'a mut Complete<'a>,
    /// Called with the drift that was found, before anything is recorded or written: may refuse.
    pub found: &'a mut dyn FnMut(&Info, Drift) -> Result<(), Failure>,
    /// Called between the record and the first write: what else must be durable by then.
    pub before: &'a mut dyn FnMut(&Info, &WritePlan) -> Result<(), Failure>,
    /// The opener of a customer key that the inventory keeps.
    pub opener: Option<&'a Opener>,
    /// What that is wanted for.
    pub key_use: KeyUse,
    /// Called once where the job waits for another one on the same token.
    pub waits: &'a dyn Fn(&InventoryError),
    /// The change of the batch's row that goes with a record of the job.
    pub row: &'a mut dyn FnMut(Stage<'_>) -> Option<RowChange>,
    /// Whether the user wants to stop.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// How a recorded job ended, and whether that could be recorded.
pub struct Recorded {
    /// The job's own end.
    pub result: Result<WriteOutcome, Failure>,
    /// The token, if it was read.
    pub info: Option<Info>,
    /// Why the end stands in no record; its beginning does.
    pub lost: Option<InventoryError>,
}

impl Recorder<'_> {
    /// The record of a token.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn token(&self, key: &SlotKey) -> Result<Option<TokenRecord>, InventoryError> {
        self.books.map_or(Ok(None), |books| books.token(key))
    }

    /// Writes a token, with a durable record before the first write and one of how it ended.
    pub fn write(
        &self,
        device: &mut dyn Device,
        host: &dyn HostClock,
        plan: &WritePlan,
        around: &mut Around<'_>,
    ) -> Recorded {
        let job = new_job();
        let known: RefCell<Option<(Info, Option<TokenRecord>)>> = RefCell::default();
        let mut begun: Option<Begins> = None;
        let mut drift = None;
        let mut anew = 0;
        let mut marks = Marks::default();
        let mut complete = |info: &Info, plan: &mut WritePlan| {
            // What another job is about to change is no ground for a plan.
            let record = self
                .wait_for_others(info.serial.as_str(), around.waits, around.interrupted)
                .and_then(|()| self.token(&SlotKey::of(info.serial.as_str(), plan.slot)));
            let record = match record {
                // Nothing is known then, and nothing is needed: the profile was stated, and the seed stays.
                Err(error) if error.is_away() && self.may_wait(info, plan) && plan.stated.is_whole() => {
                    *known.borrow_mut() = Some((info.clone(), None));
                    self.check_key_unless_away(info, plan)?;
                    return (around.complete)(info, None, plan);
                }
                record => record?,
            };
            let stated = Stated { key: &plan.key, opener: around.opener, tries_again: plan.tries_again };
            plan.key = self.key_for(info, &stated, around.key_use)?;
            // What stood still once is looked at for a second, however fast the job is meant to be.
            plan.fine |= record.as_ref().is_some_and(|token| token.clock_stopped.is_some());
            let completed = self.check_key(info, plan).and_then(|()| (around.complete)(info, record.as_ref(), plan));
            *known.borrow_mut() = Some((info.clone(), record));
            completed
        };
        let mut record = |info: &Info, plan: &WritePlan, before: Option<Drift>| {
            drift = before;
            if let Some(before) = before {
                (around.found)(info, before)?;
            }
            let row = (around.row)(Stage::Begins(info));
            let basis = known.borrow().as_ref().and_then(|(_, record)| record.clone());
            let wanted = Wanted { job, info, plan, before, basis: basis.as_ref(), row };
            let asked = host.now().monotonic;
            match self.begin(host, &wanted) {
                Ok(begins) => {
                    begun = Some(begins);
                    self.mark(&mut marks, host, (info, plan), before)?;
                    (around.before)(info, plan)?;
                    let is_late = host.now().monotonic.saturating_sub(asked) > BEGINS_WITHIN;
                    if is_late && !self.is_still_ours(job, info, plan)? && anew < ANEW {
                        anew += 1;
                        begun = None;
                        return Ok(Beginning::Anew);
                    }
                    Ok(Beginning::Now)
                }
                // Another program was faster: what this one was to do is decided anew.
                Err(error) if is_outdated(&error, wanted.row.is_some()) && anew < ANEW => {
                    anew += 1;
                    Ok(Beginning::Anew)
                }
                Err(error) => Err(error.into()),
            }
        };
        let mut hooks = Hooks { complete: &mut complete, record: &mut record, interrupted: around.interrupted };
        let result = write(device, host, plan, &mut hooks);
        marks.settle(self.books, result.as_ref().err());
        // Where the beginning could not be recorded, nothing else can.
        let is_unrecorded = result.as_ref().is_err_and(|failure| failure.kind() == Kind::Inventory && begun.is_none());
        let is_left_alone = result.as_ref().is_err_and(|failure| failure.problem == Problem::LeftAlone);
        let info = known.into_inner().map(|(info, _)| info);
        let lost = info.as_ref().filter(|_| !is_left_alone && !is_unrecorded).and_then(|info| {
            let row = begun.as_ref().and_then(|_| (around.row)(Stage::Ended(info, &result)));
            let end = End { job, slot: plan.slot, at: host.now().wall, begun: begun.as_ref(), drift, row };
            self.end(info, &result, end).err()
        });
        Recorded { result, info, lost }
    }

    /// When a token last refused a key, by the record, if it accepted none since.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn key_refused(&self, info: &Info, key: &Key) -> Result<Option<UnixTime>, InventoryError> {
        let Some(books) = self.books else { return Ok(None) };
        let key = books.fingerprint_key().of_token_key(key.bytes(info.can.factory_key));
        books.key_refused(info.serial.as_str(), &key)
    }

    /// When the last code of a token that was judged since its burn was wrong, if it was.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn code_wrong(&self, token: &TokenRecord) -> Result<Option<UnixTime>, InventoryError> {
        let Some(books) = self.books else { return Ok(None) };
        let (serial, slot) = (Some(token.key.serial.clone()), Some(token.key.slot));
        let filter =
            EventFilter { serial, slot, deed: Some(Deed::Verify), since: token.burned, ..EventFilter::default() };
        let mut wrong = None;
        books.visit_events(&filter, 1, &mut |event| wrong = (event.outcome == Outcome::Wrong).then_some(event.at))?;
        Ok(wrong)
    }

    /// Refuses a plan whose key the token has refused before: some lock for good after a few wrong answers.
    ///
    /// # Errors
    /// [`Refusal::KeyOnRecord`]; the inventory's.
    pub fn check_key(&self, info: &Info, plan: &WritePlan) -> Result<(), Failure> {
        self.check_key_alone(info, &plan.key, plan.tries_again)
    }

    /// The same, as far as the inventory answers.
    fn check_key_unless_away(&self, info: &Info, plan: &WritePlan) -> Result<(), Failure> {
        match self.key_refused(info, &plan.key) {
            Err(error) if error.is_away() => Ok(()),
            _ => self.check_key(info, plan),
        }
    }

    /// The same of a key alone.
    ///
    /// # Errors
    /// As [`Self::check_key`].
    pub fn check_key_alone(&self, info: &Info, key: &Key, tries_again: bool) -> Result<(), Failure> {
        let Some(at) = self.key_refused(info, key)?.filter(|_| !tries_again) else { return Ok(()) };
        let problem = Problem::Refused(Refusal::KeyOnRecord(at, info.clone()));
        let remedy = match info.can.slots {
            1 => TokenRemedy::OtherKeyOrTryAgain,
            _ => TokenRemedy::Slot(SlotRemedy::OtherCustomerKeyOrTryAgain),
        };
        Err(Failure::new(problem, TokenState::Untouched, remedy))
    }

    pub(super) fn blank(&self, at: UnixTime, job: i64, outcome: Outcome) -> Event {
        Event {
            at,
            job,
            station: self.station.clone(),
            serial: None,
            slot: 0,
            deed: self.deed,
            outcome,
            before: None,
            after: None,
            state: None,
            detail: self.remark.clone(),
        }
    }

    pub(super) fn event(&self, at: UnixTime, job: i64, key: &SlotKey, outcome: Outcome) -> Event {
        Event { serial: Some(key.serial.clone()), slot: key.slot, ..self.blank(at, job, outcome) }
    }

    pub(super) fn change(&self, info: &Info, key: SlotKey, at: UnixTime) -> TokenChange {
        TokenChange {
            model: info.model.map(|model| model.name.to_owned()),
            emulated: self.emulated,
            seen: Some(at),
            ..TokenChange::of(key)
        }
    }

    /// Waits until no other job is at work with a token.
    ///
    /// # Errors
    /// [`InventoryError::InUse`], when that takes too long or the user wants to stop.
    fn wait_for_others(
        &self,
        serial: &str,
        waits: &dyn Fn(&InventoryError),
        interrupted: &dyn Fn() -> bool,
    ) -> Result<(), InventoryError> {
        let Some(books) = self.books else { return Ok(()) };
        let began = Instant::now();
        let mut told = false;
        loop {
            let Some(since) = books.at_work(serial)? else { return Ok(()) };
            let error = InventoryError::InUse { serial: serial.to_owned(), since };
            if began.elapsed() >= OTHER_JOB_WITHIN || interrupted() {
                return Err(error);
            }
            if began.elapsed() >= TELL_AFTER && !std::mem::replace(&mut told, true) {
                waits(&error);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Puts the beginning of a job on record.
    fn begin(&self, host: &dyn HostClock, wanted: &Wanted<'_>) -> Result<Begins, InventoryError> {
        let Wanted { job, info, plan, before, basis, row } = wanted;
        let begins = |seed, record| Begins { plan: (*plan).clone(), seed, record };
        let Some(books) = self.books else { return Ok(begins(None, Begun::default())) };
        let profile = plan.config.filter(|config| has_profile(info, config)).map(|config| config.profile);
        let seal = |recipients: &[String]| match &plan.seed {
            Some(seed) => self.sealed(seed, info, plan, recipients),
            None => Ok(None),
        };
        let at = host.now().wall;
        let key = SlotKey::of(info.serial.as_str(), plan.slot);
        let mut event = self.event(at, *job, &key, Outcome::Begun);
        event.before = before.map(Into::into);
        let user = self.user.borrow().clone();
        let drift = event.before.filter(|_| info.can.shows_slot_clocks);
        let token = TokenChange { drift, user, ..self.change(info, key, at) };
        let seed = plan.seed.as_ref().map(|seed| books.fingerprint_key().of(seed));
        let (row, shares_seed, may_wait) = (row.clone(), plan.shares_seed, self.may_wait(info, plan));
        let begin =
            Begin { job: *job, event, token, profile, seed, seal: &seal, basis: *basis, row, shares_seed, may_wait };
        books.begin(&begin).map(|record| begins(seed, record))
    }

    /// Marks the servers that may still expect the clock of before.
    fn mark(
        &self,
        marks: &mut Marks,
        host: &dyn HostClock,
        (info, plan): (&Info, &WritePlan),
        before: Option<Drift>,
    ) -> Result<(), InventoryError> {
        match marks.make(self.books, host, (info, plan), before) {
            // Its journal is not at hand either; the record of the sync waits.
            Err(error) if error.is_away() && self.may_wait(info, plan) => Ok(()),
            made => made,
        }
    }

    /// Whether no other desk has the token by now, as far as the inventory has to answer.
    fn is_still_ours(&self, job: i64, info: &Info, plan: &WritePlan) -> Result<bool, InventoryError> {
        match self.books.map(|books| books.is_still_at_work(job, info.serial.as_str())) {
            Some(Err(error)) if !(error.is_away() && self.may_wait(info, plan)) => Err(error),
            Some(Ok(is_ours)) => Ok(is_ours),
            _ => Ok(true),
        }
    }

    /// Whether a plan may be carried out while the inventory is away: it sets a clock, and the seed stays.
    fn may_wait(&self, info: &Info, plan: &WritePlan) -> bool {
        // What opens a device with slots only the inventory knows.
        self.deed == Deed::Sync && plan.seed_fate(info) == SeedFate::Kept && info.can.slots == 1
    }

    /// The seed as the inventory keeps it: sealed, or not at all.
    fn sealed(
        &self,
        seed: &Seed,
        info: &Info,
        plan: &WritePlan,
        recipients: &[String],
    ) -> Result<Option<Vec<u8>>, InventoryError> {
        if recipients.is_empty() {
            return Ok(None);
        }
        let profile = plan.config.map(|config| config.profile);
        let row = row_of(seed.clone(), info, profile, self.user.borrow().clone()).with_digits(plan.wish.digits);
        // The record has the model beside it; not every server's format has a place for it.
        let row = row.without(Field::Model).without(Field::Manufacturer);
        seal(&row, recipients).map(Some).map_err(|error| InventoryError::Seal(error.to_string()))
    }
}
