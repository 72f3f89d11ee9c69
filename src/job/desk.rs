//! The desk: every token that is laid down is identified, measured, set right where that may be done, and recorded.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use super::attend::{Surroundings, Visitor};
use super::burns_again::BurnsAgain;
use super::desk_code::Unjudged;
use super::forecast::fit_of;
use super::kept_opener::KeptOpener;
use super::problem::Problem;
use super::question::{Answer, Asks, Question, Questions};
use super::read::identify;
use super::reader_news::{ReaderNews, ReaderRef};
use super::record::Recorded;
use super::remedy::Again;
use super::server::{AfterSync, Mender};
use super::slot_wish::SlotWish;
use super::state::TokenState;
use super::stated_profiles::StatedProfiles;
use super::{
    Around, Books, ClockPlan, Completion, ConfigPlan, Effect, Failure, Guard, ProfileFrom, ProfileWish, Recorder,
    WritePlan, locked, read,
};
use crate::clock::Drift;
use crate::device::{ClockWrite, Device, Info, Key, Profile};
use crate::inventory::{Deed, Outcome, SlotKey, TokenRecord};
use crate::job::verify::Verdict;
use crate::otp::Code;
use crate::time::HostClock;

pub use super::desk_news::{DeskNews, Done, LeftOpen, SlotsVisit, Visited, Why};

/// The plan for every token at a desk.
#[derive(Clone)]
pub struct DeskPlan {
    /// Set clocks at all.
    pub auto_sync: bool,
    /// Leave a token alone that is surely within so many seconds.
    pub if_drift_over: f64,
    /// Catch ticks and write on the second.
    pub fine: bool,
    /// The profile as flags state it.
    pub wish: ProfileWish,
    /// Tokens whose profile nobody knows are set all the same, for the factory's.
    pub assume_factory: bool,
    /// The key of tokens.
    pub key: Key,
    /// The key of devices with slots.
    pub customer_key: Key,
    /// Try it also where a token has refused it already.
    pub tries_again: bool,
    /// The opener of the inventory's seeds, for as long as it is kept: by all desks of this plan together.
    pub identity: Arc<KeptOpener>,
    /// Ask for the code on each token's display.
    pub ask_code: bool,
    /// Profiles that are stated for single tokens while the desk is open.
    pub stated: Arc<StatedProfiles>,
    /// Tokens that get their sealed seed once more, also where clocks are not set.
    pub again: Arc<BurnsAgain>,
    /// Makes servers accept a token's codes again after its clock was set.
    pub mender: Option<Arc<dyn Mender>>,
}

/// Deals with every token that is laid down.
pub struct DeskVisitor<'a> {
    pub(super) books: Option<&'a Books>,
    pub(super) plan: DeskPlan,
    pub(super) around: Surroundings<'a, DeskNews>,
    questions: Questions<Waiting>,
    /// Devices that have refused their customer key here: it is not sent again, also where nothing is on record.
    pub(super) refused: Mutex<HashSet<String>>,
    /// The tokens that did not leave as they should be.
    undone: Mutex<HashSet<String>>,
    /// The failure that ends the desk: its host's clock is not to be trusted.
    fatal: Mutex<Option<Failure>>,
}

impl<'a> DeskVisitor<'a> {
    /// A desk.
    #[must_use]
    pub fn new(books: Option<&'a Books>, plan: DeskPlan, around: Surroundings<'a, DeskNews>) -> Self {
        let questions = Questions::default();
        Self {
            books,
            plan,
            around,
            questions,
            refused: Mutex::default(),
            undone: Mutex::default(),
            fatal: Mutex::default(),
        }
    }

    /// The tokens that did not leave as they should be, by serial.
    #[must_use]
    pub fn undone(&self) -> Vec<String> {
        let mut undone: Vec<String> = locked(&self.undone).iter().cloned().collect();
        undone.sort();
        undone
    }

    /// The failure that ended the desk early.
    #[must_use]
    pub fn fatal(&self) -> Option<Failure> {
        locked(&self.fatal).clone()
    }

    pub(super) fn give_up(&self, failure: &Failure) {
        locked(&self.fatal).get_or_insert_with(|| failure.clone());
    }

    /// Whether the host's clock may be copied onto this one; where it may not and nobody is there to ask, the desk ends.
    pub(super) fn check_host(&self, info: &Info, drift: Drift) -> Result<(), Failure> {
        self.around.check_hours(info, drift).inspect_err(|failure| {
            if !self.around.has_person {
                self.give_up(failure);
            }
        })
    }

    pub(super) fn recorder(&self, place: &ReaderRef, deed: Deed) -> Recorder<'a> {
        self.around.recorder(self.books, place, deed)
    }

    /// The record of a token. An inventory that cannot be read is not "nothing known".
    fn known(&self, info: &Info) -> Result<Option<TokenRecord>, Failure> {
        let Some(books) = self.books else { return Ok(None) };
        match books.token(&SlotKey::only(info.serial.as_str())) {
            // Nothing has to be known of it: what is done waits until the inventory answers again.
            Err(error) if error.is_away() && self.plan.wish.is_whole() && !info.clock_write().erases_seed() => Ok(None),
            known => Ok(known?),
        }
    }

    /// Why a token is not written, if it is not.
    fn why_not(&self, info: &Info, known: Option<&TokenRecord>) -> Option<Why> {
        let is_sealed = known.is_some_and(|token| token.held_sealed().is_some());
        match info.clock_write() {
            // What stands in the way of that is found, and said, as it is done.
            _ if self.plan.again.wants(info.serial.as_str()) => None,
            _ if !self.plan.auto_sync => Some(Why::NoAutoSync),
            ClockWrite::KeepsSeed if self.knows_profile(info, known) => None,
            ClockWrite::KeepsSeed => Some(Why::UnknownProfile),
            ClockWrite::Unknown => Some(Why::Unknown),
            ClockWrite::ErasesSeed if !is_sealed => Some(Why::Restricted),
            ClockWrite::ErasesSeed if self.plan.identity.get().is_none() => Some(Why::Sealed),
            ClockWrite::ErasesSeed => None,
        }
    }

    /// Whether hash and step of a token are known, or may be taken for the factory's.
    fn knows_profile(&self, info: &Info, known: Option<&TokenRecord>) -> bool {
        let is_on_record = || known.and_then(TokenRecord::meant_profile).is_some();
        self.plan.assume_factory || self.wish_for(info, known).is_whole() || is_on_record()
    }

    /// The profile that was stated for this token, as long as none is on record; else the one for all.
    fn wish_for(&self, info: &Info, known: Option<&TokenRecord>) -> ProfileWish {
        let stated = self.plan.stated.of(info.serial.as_str());
        stated.filter(|_| known.and_then(TokenRecord::meant_profile).is_none()).unwrap_or(self.plan.wish)
    }

    fn write(
        &self,
        place: &ReaderRef,
        device: &mut dyn Device,
        host: &dyn HostClock,
        (expected, known): (&Info, Option<&TokenRecord>),
    ) -> Recorded {
        let opener = self.plan.identity.get();
        let wish = self.wish_for(expected, known);
        let burns_sealed = self.plan.again.wants(expected.serial.as_str());
        let completion = Completion { wish, learns: true, opener: opener.as_ref(), burns_sealed };
        let (profile, from) = (Profile::FACTORY, ProfileFrom::Factory);
        let plan = WritePlan {
            slot: 0,
            wish: SlotWish::default(),
            config: Some(ConfigPlan { profile, from, clock: ClockPlan::Now }),
            seed: None,
            erase_seed: false,
            shares_seed: false,
            if_drift_over: (!burns_sealed).then_some(self.plan.if_drift_over),
            fine: self.plan.fine,
            guard: Guard { expect_serial: Some(expected.serial.clone()), allow_unknown_model: false },
            key: self.plan.key.clone(),
            tries_again: self.plan.tries_again,
            stated: wish,
            again: Again::DeskVisit,
        };
        let mut around = Around {
            complete: &mut |info, known, plan| completion.complete(info, known, plan),
            found: &mut |info, drift| self.check_host(info, drift),
            before: &mut |info, _| {
                (self.around.tell)(DeskNews::Writes(place.clone(), info.clone()));
                Ok(())
            },
            opener: None,
            key_use: super::KeyUse::Work,
            waits: &|_| (),
            row: &mut |_| None,
            interrupted: &|| false,
        };
        let deed = if burns_sealed { Deed::Burn } else { Deed::Sync };
        let recorded = self.recorder(place, deed).write(device, host, &plan, &mut around);
        if recorded.result.is_ok() {
            self.plan.again.remove(expected.serial.as_str());
        }
        recorded
    }

    fn deal_with(&self, place: &ReaderRef, mut device: Box<dyn Device>) -> Visited {
        let mut visited = Visited {
            place: place.clone(),
            info: None,
            known: None,
            done: Done::Failed(Box::new(Failure::new(Problem::Interrupted, TokenState::NotReached, Again::Same))),
            verdict: None,
            fit: None,
            unrecorded: None,
            servers: Vec::new(),
        };
        let host = match (self.around.host)() {
            Ok(host) => host,
            Err(failure) => return Visited { done: Done::Failed(Box::new(failure)), ..visited },
        };
        let info = match identify(&mut device, &host) {
            Ok(info) => info,
            Err(failure) => return Visited { done: Done::Failed(Box::new(failure)), ..visited },
        };
        visited.info = Some(info.clone());
        (self.around.tell)(DeskNews::Begins(place.clone(), info.clone()));
        if info.can.slots > 1 {
            return self.deal_with_slots(device, &host, visited);
        }
        let known = match self.known(&info) {
            Ok(known) => known,
            Err(failure) => {
                device.close();
                return Visited { done: Done::Failed(Box::new(failure)), ..visited };
            }
        };
        visited.done = match self.why_not(&info, known.as_ref()) {
            None => {
                let recorded = self.write(place, &mut device, &host, (&info, known.as_ref()));
                visited.unrecorded = recorded.lost.map(|error| error.to_string());
                match recorded.result {
                    Ok(report) => Done::Written(Box::new(report)),
                    Err(failure) => Done::Failed(Box::new(failure)),
                }
            }
            Some(why) => {
                let guard = Guard { expect_serial: Some(info.serial.clone()), allow_unknown_model: true };
                match read(&mut device, &host, &guard, self.plan.fine) {
                    Ok(report) => {
                        // Nothing is copied onto it; what comes next is compared with it.
                        if let Some(drift) = report.drift {
                            let _ = self.around.hours.see(&info.serial, drift);
                        }
                        // Nothing is wrong with the clock of a device that has none.
                        let is_within =
                            report.drift.is_none_or(|drift| drift.is_surely_within(self.plan.if_drift_over));
                        let outcome = match (report.stands_still, is_within) {
                            (true, _) => Outcome::Failed,
                            (false, true) => Outcome::Within,
                            (false, false) => Outcome::Done,
                        };
                        let seen = self.recorder(place, Deed::Info).seen(&report, outcome);
                        visited.unrecorded = seen.err().map(|error| error.to_string());
                        let why = match (report.stands_still, is_within && why != Why::NoAutoSync) {
                            (true, _) => Why::Stopped,
                            (false, true) => Why::Within,
                            (false, false) => why,
                        };
                        Done::Read(Box::new(report), why)
                    }
                    Err(failure) => {
                        let kept = self.recorder(place, Deed::Info).unread(host.now().wall, &failure);
                        visited.unrecorded = kept.err().map(|error| error.to_string());
                        Done::Failed(Box::new(failure))
                    }
                }
            }
        };
        visited.fit = fit_of(self.books, known.as_ref().map(|token| &token.key), None, host.now().wall);
        visited.servers = self.mended(&visited.done, known.as_ref());
        visited.known = known.map(Box::new);
        visited
    }

    /// What became of a token at the servers that had followed its clock, if that was set.
    fn mended(&self, done: &Done, known: Option<&TokenRecord>) -> Vec<AfterSync> {
        let (Some(mender), Some(known), Done::Written(outcome)) = (&self.plan.mender, known, done) else {
            return Vec::new();
        };
        let moved_s = match (outcome.outcome, outcome.drift) {
            (Effect::Synced, Some(moved)) => moved.by_s(),
            (Effect::Synced, None) => return Vec::new(),
            // It is right as it is: what an earlier visit has left open can be mended.
            (Effect::Within, _) => 0.0,
        };
        mender.mend(known, moved_s, self.plan.identity.get().as_ref())
    }

    /// The means to judge the code on the display, where it is asked for.
    fn unjudged(&self, visited: &Visited) -> Option<Unjudged> {
        let is_asked = self.around.has_person && self.plan.ask_code;
        self.plan.identity.get().filter(|_| is_asked).and_then(|opener| Unjudged::of(visited, &opener))
    }

    /// Judges the code on the display by the sealed seed.
    fn judge(&self, place: &ReaderRef, of: &Unjudged, code: Code) -> Option<Verdict> {
        let now = (self.around.host)().ok()?.now().wall;
        let (verdict, is_right) = of.judge(code, now);
        let outcome = if is_right { Outcome::Right } else { Outcome::Wrong };
        // The judgement is on the screen; a record that fails is not worth more than that.
        let key = SlotKey::only(of.info.serial.as_str());
        let _ = self.recorder(place, Deed::Verify).note(now, &key, outcome, None);
        Some(verdict)
    }

    /// Asks whether the host is right, where that is not asked already.
    fn ask_to_go_on(&self, place: &ReaderRef, failure: &Failure) {
        let is_asked = |waiting: &Waiting| matches!(waiting, Waiting::GoOn(_));
        if let Some(id) = self.questions.open_unless(is_asked, Waiting::GoOn(failure.clone())) {
            let asks = Asks::GoOn(Box::new(failure.problem.clone()));
            (self.around.tell)(DeskNews::Asks(Question { id, place: place.clone(), asks }));
        }
    }

    /// Tells of a token that was dealt with.
    fn tell(&self, visited: Visited) {
        if let Some(info) = &visited.info {
            let mut undone = locked(&self.undone);
            if visited.is_well(self.plan.if_drift_over) {
                undone.remove(info.serial.as_str());
            } else {
                undone.insert(info.serial.to_string());
            }
        }
        (self.around.tell)(DeskNews::Visited(Box::new(visited)));
    }
}

/// Work that waits for the answer to a question.
enum Waiting {
    /// A visit, for the code on the token's display.
    Code(Box<Visited>, Unjudged),
    /// The desk, for somebody's word that the host is right; this ends it otherwise.
    GoOn(Failure),
}

impl Visitor for DeskVisitor<'_> {
    fn visit(&self, place: &ReaderRef, device: Box<dyn Device>) {
        let visited = self.deal_with(place, device);
        if let Some(unjudged) = self.unjudged(&visited) {
            let asks = Asks::Code(unjudged.info.clone());
            let id = self.questions.open(Waiting::Code(Box::new(visited), unjudged));
            return (self.around.tell)(DeskNews::Asks(Question { id, place: place.clone(), asks }));
        }
        let held_back = match &visited.done {
            Done::Failed(failure) if self.around.has_person && failure.problem.is_same_hours() => Some(failure.clone()),
            _ => None,
        };
        self.tell(visited);
        if let Some(failure) = held_back {
            self.ask_to_go_on(place, &failure);
        }
    }

    fn reader(&self, place: Option<&ReaderRef>, news: ReaderNews) {
        (self.around.tell)(DeskNews::Reader(place.cloned(), news));
    }

    fn answer(&self, id: u64, answer: Answer) {
        self.questions.answer(id, |waiting| match (waiting, answer) {
            (Waiting::Code(mut visited, unjudged), Answer::Code(code)) => {
                visited.verdict = self.judge(&visited.place, &unjudged, code);
                self.tell(*visited);
            }
            (Waiting::Code(visited, _), _) => self.tell(*visited),
            (Waiting::GoOn(_), Answer::Yes) => self.around.hours.confirm(),
            (Waiting::GoOn(failure), _) => self.give_up(&failure),
        });
    }

    fn settle(&self) {
        for id in self.questions.settle(&|| self.is_over()) {
            self.answer(id, Answer::No);
        }
    }

    fn is_over(&self) -> bool {
        (self.around.stop)() || locked(&self.fatal).is_some()
    }
}
