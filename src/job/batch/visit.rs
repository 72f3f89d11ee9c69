//! One token of a batch: recognised, burned with its row, recorded, perhaps checked.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Batch;
use super::news::{BatchNews, Departure, Left};
use super::outputs::ServerFiles;
use super::seeds::RowSeed;
use super::unjudged::{Unjudged, Waiting};
use crate::clock::Drift;
use crate::device::{Carried, Device, Info, Key, Profile};
use crate::inventory::{Claim, Deed, InventoryError, RowChange, RowRecord, RowState, TokenRecord};
use crate::job::SlotWish;
use crate::job::attend::{Surroundings, Visitor};
use crate::job::question::{Answer, Questions};
use crate::job::reader_news::{ReaderNews, ReaderRef};
use crate::job::remedy::{Again, TokenRemedy};
use crate::job::{
    Around, Books, ClockPlan, ConfigPlan, Exit, Failure, Guard, Moved, Problem, ProfileFrom, ProfileWish, Recorded,
    Recorder, Stage, TokenState, WriteOutcome, WritePlan, locked,
};

/// Where the seeds come from.
pub enum SeedSource {
    /// The rows of a file, in their order.
    File(Vec<RowSeed>),
    /// New ones of so many bytes.
    Fresh(usize),
}

/// The plan for every token of a batch.
pub struct BatchPlan {
    /// The profile that flags state.
    pub flags: ProfileWish,
    /// Catch ticks and write on the second.
    pub fine: bool,
    /// Write to tokens of a model that is not known.
    pub allow_unknown_model: bool,
    /// The key.
    pub key: Key,
    /// Try it also where a token has refused it already.
    pub tries_again: bool,
    /// Burn seeds that other tokens have, too.
    pub shares_seeds: bool,
    /// Give tokens to other users than those on record.
    pub reassigns: bool,
    /// Ask for the displayed code of every Nth token; 0 for none.
    pub check_every: u64,
}

/// How often a code may be typed before it counts as wrong.
const CHECKS: u32 = 3;

/// Deals with every token that is laid down during a batch.
pub struct BatchVisitor<'a> {
    books: &'a Books,
    pub(super) batch: Batch,
    pub(super) outputs: Option<Mutex<ServerFiles>>,
    pub(super) source: SeedSource,
    pub(super) plan: BatchPlan,
    pub(super) around: Surroundings<'a, BatchNews>,
    pub(super) questions: Questions<Waiting>,
    burned: AtomicU64,
    /// The failure that ends the batch: nothing more can be recorded.
    pub(super) fatal: Mutex<Option<Failure>>,
}

impl<'a> BatchVisitor<'a> {
    /// Works at a batch.
    #[must_use]
    pub fn new(
        books: &'a Books,
        batch: Batch,
        outputs: Option<ServerFiles>,
        source: SeedSource,
        plan: BatchPlan,
        around: Surroundings<'a, BatchNews>,
    ) -> Self {
        let outputs = outputs.map(Mutex::new);
        let (burned, fatal) = (AtomicU64::new(0), Mutex::new(None));
        let questions = Questions::default();
        Self { books, batch, outputs, source, plan, around, questions, burned, fatal }
    }

    /// The batch, its files and its seeds after all readers were attended, and what ended it early.
    #[must_use]
    pub fn into_parts(self) -> (Batch, Option<ServerFiles>, SeedSource, Option<Failure>) {
        let unlocked = |mutex: Mutex<ServerFiles>| mutex.into_inner().unwrap_or_else(PoisonError::into_inner);
        let fatal = self.fatal.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.batch, self.outputs.map(unlocked), self.source, fatal)
    }

    pub(super) fn recorder(&self, place: &ReaderRef, deed: Deed) -> Recorder<'a> {
        self.around.recorder(Some(self.books), place, deed)
    }

    fn write_plan(&self) -> WritePlan {
        let (profile, from) = (Profile::FACTORY, ProfileFrom::Factory);
        WritePlan {
            slot: 0,
            wish: SlotWish::default(),
            config: Some(ConfigPlan { profile, from, clock: ClockPlan::Now }),
            seed: None,
            erase_seed: false,
            shares_seed: self.plan.shares_seeds,
            if_drift_over: None,
            fine: self.plan.fine,
            guard: Guard { expect_serial: None, allow_unknown_model: self.plan.allow_unknown_model },
            key: self.plan.key.clone(),
            tries_again: self.plan.tries_again,
            stated: self.plan.flags,
            again: Again::BatchVisit,
        }
    }

    /// Lets go of a row and its token.
    fn release(&self, row: u64, serial: &str) {
        self.batch.release(self.books, row, serial);
    }

    pub(super) fn change(
        &self,
        row: &RowRecord,
        was: RowState,
        state: RowState,
        serial: Option<&str>,
        error: Option<String>,
    ) -> RowChange {
        let batch = self.batch.id();
        RowChange { batch, row: row.row, was, state, serial: serial.map(str::to_owned), seed: None, error }
    }

    /// Whether the host's clock may be copied onto one more token; where nobody is there to ask, the batch ends.
    fn check_hours(&self, info: &Info, drift: Drift) -> Result<(), Failure> {
        self.around.check_hours(info, drift).inspect_err(|failure| {
            if !self.around.has_person {
                locked(&self.fatal).get_or_insert(failure.clone());
            }
        })
    }

    /// Whether no more tokens are taken, whatever is open.
    fn is_ended(&self) -> bool {
        (self.around.stop)() || locked(&self.fatal).is_some()
    }

    /// Ends the batch: what happens cannot be recorded any more.
    pub(super) fn give_up(&self, error: InventoryError) {
        let failure = Failure::from(error).in_state(TokenState::BatchUnrecorded);
        locked(&self.fatal).get_or_insert(failure);
    }

    /// A token that gets no row.
    fn left_alone(&self, place: &ReaderRef, info: Info, claim: Claim) {
        let (row, how) = match claim {
            Claim::Done(row) => (Some(row), Left::Done),
            Claim::HoldsAnother { burned, user } => (None, Left::HoldsAnother(burned, user)),
            Claim::InHand => (None, Left::InHand),
            Claim::Row(_) | Claim::NotListed => (None, Left::NotListed),
        };
        self.left(place, Some(info), row, how);
    }

    /// Ends the work on a token and its row, after the record of it.
    fn recorded(&self, place: &ReaderRef, recorded: Recorded, claimed: Option<(RowRecord, RowSeed)>) {
        let Some((mut row, seed)) = claimed else {
            let failure = recorded.result.err().unwrap_or_else(left_alone);
            return self.left(place, recorded.info, None, Left::Failed(Box::new(failure)));
        };
        // Its row may be done before its question is open.
        let _in_hand = self.questions.hold();
        let serial = recorded.info.as_ref().map(|info| info.serial.to_string()).unwrap_or_default();
        let is_clean = recorded.lost.is_none() && recorded.result.is_ok();
        {
            self.release(row.row, &serial);
            let counted = if is_clean && !self.books.is_shared() {
                self.batch.note(row.state, RowState::Burned);
                Ok(())
            } else {
                self.batch.recount(self.books)
            };
            match counted {
                // What is recorded is recorded; the next beginning tells whether the server is there.
                Err(error) if !(is_clean && error.is_away()) => self.give_up(error),
                _ => {}
            }
        }
        if let Some(error) = recorded.lost {
            self.give_up(error);
        }
        row.serial = Some(serial);
        let report = match recorded.result {
            Err(failure) => {
                let is_held_back = self.around.has_person && failure.problem.is_same_hours();
                let asks = is_held_back.then(|| failure.clone());
                self.left(place, recorded.info, Some(row), Left::Failed(Box::new(failure)));
                return asks.into_iter().for_each(|failure| self.ask_to_go_on(place, failure));
            }
            Ok(report) => report,
        };
        let burned = self.burned.fetch_add(1, Ordering::SeqCst) + 1;
        let is_due = self.plan.check_every > 0 && burned.is_multiple_of(self.plan.check_every);
        // A device that counts is not checked by the time.
        match report.drift.filter(|_| is_due && self.around.has_person) {
            Some(Moved { after: drift, .. }) => {
                let (place, seed, tries) = (place.clone(), seed.seed, CHECKS);
                self.ask_code(Unjudged { place, report, drift, seed, row, wrong: None, tries });
            }
            None => self.left(place, recorded.info, Some(row), Left::Burned(Box::new(report))),
        }
    }

    pub(super) fn left(&self, place: &ReaderRef, info: Option<Info>, row: Option<RowRecord>, how: Left) {
        let counts = self.batch.counts();
        (self.around.tell)(BatchNews::Left(Box::new(Departure { place: place.clone(), info, row, how, counts })));
    }
}

impl Visitor for BatchVisitor<'_> {
    fn visit(&self, place: &ReaderRef, mut device: Box<dyn Device>) {
        let host = match (self.around.host)() {
            Ok(host) => host,
            Err(failure) => return self.left(place, None, None, Left::Failed(Box::new(failure))),
        };
        let mut claimed: Option<(RowRecord, RowSeed)> = None;
        let mut refused: Option<(Info, Claim)> = None;
        let recorder = self.recorder(place, Deed::Burn);
        let recorded = {
            let claimed_row = RefCell::new(&mut claimed);
            let mut complete = |info: &Info, known: Option<&TokenRecord>, plan: &mut WritePlan| {
                let serial = info.serial.as_str();
                // Another program was faster with what this token was to get.
                if let Some((row, _)) = claimed_row.borrow_mut().take() {
                    self.release(row.row, serial);
                }
                let claim = self.batch.claim(self.books, serial)?;
                match claim {
                    Claim::Row(row) => {
                        let seed = self.plan_row(&row, info, known, plan);
                        let seed = seed.inspect_err(|_| self.release(row.row, serial))?;
                        recorder.user.borrow_mut().clone_from(&row.user);
                        **claimed_row.borrow_mut() = Some((row, seed));
                        Ok(())
                    }
                    other => {
                        refused = Some((info.clone(), other));
                        Err(left_alone())
                    }
                }
            };
            let mut before = |info: &Info, plan: &WritePlan| {
                let claimed = claimed_row.borrow();
                let Some((row, seed)) = claimed.as_ref() else { return Ok(()) };
                (self.around.tell)(BatchNews::Begins(place.clone(), info.clone(), row.row));
                self.keep_part(seed, row, info, plan).inspect_err(|failure| {
                    locked(&self.fatal).get_or_insert(failure.clone());
                })
            };
            let mut change = |stage: Stage<'_>| {
                let claimed = claimed_row.borrow();
                let (row, seed) = claimed.as_ref()?;
                Some(match stage {
                    Stage::Begins(info) => {
                        let key = self.books.fingerprint_key().of(&seed.seed);
                        let serial = Some(info.serial.as_str());
                        RowChange { seed: Some(key), ..self.change(row, row.state, RowState::Burning, serial, None) }
                    }
                    Stage::Ended(info, result) => {
                        let (state, is_bound) = ended(row, info, result);
                        let error = result.as_ref().err().map(|failure| (self.around.wording.fact)(&failure.problem));
                        let serial = is_bound.then(|| info.serial.as_str());
                        self.change(row, RowState::Burning, state, serial, error)
                    }
                })
            };
            let mut around = Around {
                found: &mut |info, drift| self.check_hours(info, drift),
                complete: &mut complete,
                before: &mut before,
                opener: None,
                key_use: crate::job::KeyUse::Work,
                waits: &|_| (),
                row: &mut change,
                // The token in hand is finished.
                interrupted: &|| false,
            };
            recorder.write(&mut device, &host, &self.write_plan(), &mut around)
        };
        // The reader is free again, and the token was reset.
        drop(device);
        match refused {
            Some((info, claim)) => self.left_alone(place, info, claim),
            None => self.recorded(place, recorded, claimed),
        }
    }

    fn reader(&self, place: Option<&ReaderRef>, news: ReaderNews) {
        (self.around.tell)(BatchNews::Reader(place.cloned(), news));
    }

    fn answer(&self, id: u64, answer: Answer) {
        self.questions.answer(id, |waiting| match (waiting, answer) {
            (Waiting::Code(unjudged), Answer::Code(code)) => self.judge(*unjudged, code),
            (Waiting::Code(unjudged), _) => self.conclude(*unjudged),
            (Waiting::GoOn(_), Answer::Yes) => self.around.hours.confirm(),
            (Waiting::GoOn(failure), _) => drop(locked(&self.fatal).get_or_insert(*failure)),
        });
    }

    fn settle(&self) {
        for id in self.questions.settle(&|| self.is_ended()) {
            self.answer(id, Answer::No);
        }
    }

    fn is_over(&self) -> bool {
        self.batch.look_at_others(self.books);
        // A wrong code makes a row that is done one that is not.
        self.is_ended()
            || (self.batch.counts().left() == 0 && !self.questions.any(|waiting| matches!(waiting, Waiting::Code(_))))
    }
}

/// The failure of a token that gets no row.
fn left_alone() -> Failure {
    Failure::new(Problem::LeftAlone, TokenState::Untouched, TokenRemedy::TakeOff)
}

/// How far a row has come after a job that had begun, and whether it stays with its token.
fn ended(row: &RowRecord, info: &Info, result: &Result<WriteOutcome, Failure>) -> (RowState, bool) {
    let Err(failure) = result else { return (RowState::Burned, true) };
    let written = failure.written;
    let is_erased = written.config == Carried::Yes && info.clock_write().erases_seed();
    // All of it is written, and the clock is not right: it is to come back.
    let is_off = failure.exit() == Exit::Wrong;
    let was_unknown = matches!(row.state, RowState::Burning | RowState::Unknown);
    match written.seed_on(info.clock_write()) {
        Carried::Yes if is_off => (RowState::Unknown, true),
        Carried::Yes => (RowState::Burned, true),
        Carried::Unknown => (RowState::Unknown, true),
        // An earlier try may have burned it.
        Carried::No if was_unknown && !is_erased => (RowState::Unknown, true),
        // Its seed reached no token: another one may have it.
        Carried::No if !row.is_named && row.state == RowState::Planned => (RowState::Planned, false),
        Carried::No if row.state == RowState::Assigned => (RowState::Assigned, true),
        Carried::No => (RowState::Failed, true),
    }
}
