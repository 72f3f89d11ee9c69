//! The readers behind the page: they are the desk's, and a batch's while one runs.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cli::args::Global;
use crate::cli::host::{Host, WatchedHost};
use crate::cli::record::Record;
use crate::cli::store;
use crate::cli::{interrupt, trays};
use crate::inventory::{SlotKey, TokenRecord};
use crate::job::desk::{DeskNews, DeskPlan, DeskVisitor, Done, Visited};
#[cfg(feature = "servers")]
use crate::job::server::Mender;
use crate::job::{
    Answer, Asks, BurnsAgain, Failure, HourWatch, KeptOpener, Opener, ProfileWish, Question, ReaderNews, ReaderRef,
    StatedProfiles, Surroundings, Visitor, attend, locked,
};
use crate::reader::Wanted;
use crate::report::{self, DeskVisit, WORDING, remedy_of_reader, remedy_of_record};
use crate::time::{CorrectedClock, HostClock, SystemClock};
use crate::web::{AskedCode, Board, Place, PlaceState};

use super::lifted::Lifted;
use super::state::{PageTerms, State, Waiting};
use super::words::{verdict, words};

/// The bits of a question's number that are its own; those above are the number of the run.
const RUN_BITS: u32 = 24;

/// How often it is looked whether there is something else to do.
const TICK: Duration = Duration::from_millis(100);

/// The readers, and what is done at them now.
pub struct Readers<'a> {
    pub(super) global: &'a Global,
    pub(super) record: &'a Record,
    pub(super) host: &'a Host,
    pub(super) watched: &'a WatchedHost<'a>,
    pub(super) board: Arc<Board>,
    pub(super) terms: PageTerms,
    pub(super) stated: Arc<StatedProfiles>,
    pub(super) again: Arc<BurnsAgain>,
    #[cfg(feature = "servers")]
    mender: Option<Arc<dyn Mender>>,
    identity: Arc<KeptOpener>,
    answers: Sender<(u64, Answer)>,
    answered: Mutex<Receiver<(u64, Answer)>>,
    /// The batch that is to be burned next.
    pub(super) wanted: Mutex<Option<Waiting>>,
    pub(super) state: Mutex<State>,
}

impl<'a> Readers<'a> {
    /// Readers at which nothing is done yet.
    pub fn new(
        global: &'a Global,
        record: &'a Record,
        host: &'a Host,
        watched: &'a WatchedHost<'a>,
        board: Arc<Board>,
        terms: PageTerms,
        plan: &DeskPlan,
    ) -> Self {
        let (stated, identity) = (plan.stated.clone(), plan.identity.clone());
        let again = plan.again.clone();
        let (answers, answered) = channel();
        let answered = Mutex::new(answered);
        let (wanted, state) = (Mutex::default(), Mutex::default());
        Self {
            global,
            record,
            host,
            watched,
            board,
            terms,
            stated,
            again,
            #[cfg(feature = "servers")]
            mender: plan.mender.clone(),
            identity,
            answers,
            answered,
            wanted,
            state,
        }
    }

    /// Attends the readers until the program is to end: as a desk, and as a batch when one is started.
    pub fn attend(&self, plan: DeskPlan) {
        while !self.is_over() {
            let batch = {
                let mut wanted = locked(&self.wanted);
                let mut state = locked(&self.state);
                (state.run, state.burns) = (state.run + 1, wanted.is_some());
                state.stops_batch.store(false, Ordering::Relaxed);
                state.lying = state.occupied.clone();
                wanted.take()
            };
            match batch {
                Some(batch) => self.burn(batch),
                None => self.desk(plan.clone()),
            }
            // What was asked and not answered is not asked any more.
            self.board.no_questions();
        }
    }

    /// Ends the work at the readers, after the tokens in hand.
    pub fn stop(&self) {
        locked(&self.state).is_over = true;
    }

    /// What ended the desk early.
    pub fn fatal(&self) -> Option<Failure> {
        locked(&self.state).fatal.clone()
    }

    /// The opener of sealed seeds, as long as it is kept.
    pub fn opener(&self) -> Option<Opener> {
        self.identity.get()
    }

    /// What makes servers accept codes again, where they are not left alone.
    #[cfg(feature = "servers")]
    pub fn mender(&self) -> Option<&Arc<dyn Mender>> {
        self.mender.as_ref()
    }

    /// The profile that the flags state.
    ///
    /// # Errors
    /// A usage failure: one that no token can have.
    pub fn flags(&self) -> Result<ProfileWish, Failure> {
        self.terms.batch.profile.wish(crate::device::Family::Nfc)
    }

    /// The tokens that did not leave the desk as they should be.
    pub fn undone(&self) -> Vec<String> {
        locked(&self.state).undone.clone()
    }

    pub(super) fn is_over(&self) -> bool {
        interrupt::asked() || locked(&self.state).is_over
    }

    /// Passes an answer on to whoever asked; `false` if that question is not open.
    pub fn answer(&self, id: u64, answer: Answer) -> bool {
        self.board.answered(id) && self.answers.send((id, answer)).is_ok()
    }

    /// The number of a question on the board: each run of the readers counts its own from 1.
    fn on_board(&self, id: u64) -> u64 {
        (locked(&self.state).run << RUN_BITS) | id
    }

    /// Starts a batch when the readers are free.
    ///
    /// # Errors
    /// A usage failure while another one runs, or waits.
    pub fn start(&self, batch: Waiting) -> Result<(), Failure> {
        let mut wanted = locked(&self.wanted);
        let state = locked(&self.state);
        if let Some(failure) = &state.fatal {
            return Err(failure.clone());
        }
        if wanted.is_some() || state.burns {
            return Err(Failure::usage("a batch is running already", "stop it, or wait until it is done"));
        }
        *wanted = Some(batch);
        Ok(())
    }

    /// Works as the desk until a batch is to be burned, or the program to end.
    fn desk(&self, plan: DeskPlan) {
        let look = || self.watched.look();
        let bound = plan.if_drift_over;
        let tell = |news: DeskNews| self.tell(news, bound);
        let stop = || self.is_over() || locked(&self.wanted).is_some();
        let around = self.around(&look, &tell, &stop);
        let visitor = DeskVisitor::new(self.record.books(), plan, around);
        let is_closed = self.work(&visitor, Wanted::WithClock);
        if let Some(failure) = visitor.fatal() {
            self.board.notice(Some(words(&failure)));
            self.board.change_places(|place| place.state = PlaceState::Gone);
            locked(&self.state).fatal = Some(failure);
        }
        // Emulated tokens in a folder come to an end; the page stays.
        if is_closed || self.fatal().is_some() {
            while !stop() {
                std::thread::sleep(TICK);
            }
        }
    }

    /// The surroundings of a run at the readers: the clock that it works by, whom it tells, and when it stops.
    pub(super) fn around<'b, News>(
        &self,
        host: &'b (dyn Fn() -> Result<CorrectedClock<'b>, Failure> + Sync),
        tell: &'b (dyn Fn(News) + Sync),
        stop: &'b (dyn Fn() -> bool + Sync),
    ) -> Surroundings<'b, News> {
        Surroundings {
            station: self.record.station().clone(),
            remark: self.record.remark(self.host.remark()),
            wording: WORDING,
            host,
            tell,
            has_person: true,
            hours: HourWatch::watching(!self.host.standing.trusted),
            stop,
        }
    }

    /// Attends the readers with a visitor, and gives it the answers from the page; whether nothing more can come there.
    pub(super) fn work(&self, visitor: &dyn Visitor, wanted: Wanted) -> bool {
        let mut trays = match trays::open(self.global, wanted, &self.host.system) {
            Ok(trays) => trays,
            Err(failure) => {
                self.board.notice(Some(words(&failure)));
                // A service that was just started is found.
                std::thread::sleep(Duration::from_secs(1));
                return false;
            }
        };
        self.board.notice(None);
        let visitor = &Lifted { inner: visitor, state: &self.state, board: &self.board };
        let (done, is_done) = channel::<()>();
        let run = locked(&self.state).run;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let answered = locked(&self.answered);
                while is_done.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    match answered.recv_timeout(TICK) {
                        // One for an earlier run is for nobody.
                        Ok((id, answer)) if id >> RUN_BITS == run => visitor.answer(id & ((1 << RUN_BITS) - 1), answer),
                        Ok(_) => {}
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                }
            });
            attend(trays.as_mut(), visitor);
            drop(done);
        });
        trays.is_closed()
    }

    fn tell(&self, news: DeskNews, bound: f64) {
        let board = &self.board;
        match news {
            DeskNews::Reader(place, news) => self.reader(place.as_ref(), &news),
            DeskNews::Begins(place, info) => {
                self.begins(&place, PlaceState::Measuring, info.to_string(), info.serial.as_str())
            }
            DeskNews::Writes(place, info) => {
                interrupt::stop().take(info.serial.as_str());
                self.begins(&place, PlaceState::Writing, info.to_string(), info.serial.as_str());
            }
            DeskNews::Asks(question) => self.asks(&question),
            DeskNews::Visited(visited) => {
                if let Some(info) = &visited.info {
                    interrupt::stop().let_go(info.serial.as_str());
                }
                self.visited(&visited, bound);
                let unrecorded = visited.unrecorded.as_ref();
                board.unrecorded(unrecorded.map(|why| format!("{why}; the last visit is not recorded")));
            }
        }
    }

    fn visited(&self, visited: &Visited, bound: f64) {
        let visit = DeskVisit::read_at(visited, bound, self.terms.audience);
        let may_come_back = matches!(&visited.done, Done::Failed(failure) if failure.may_come_back);
        let was_set = visited.was_set();
        let place = Place {
            reader: visit.reader.clone(),
            number: visited.place.number,
            state: verdict(visit.is_well, may_come_back),
            token: visit.token.as_ref().map(|token| token.line.clone()).unwrap_or_default(),
            serial: visit.token.as_ref().map(|token| token.serial.clone()),
            slots: if let Done::Slots(visit) = &visited.done { report::seeded_lines(visit) } else { Vec::new() },
            user: visit.user.clone(),
            drift: visit
                .clock
                .as_ref()
                .map(|clock| (clock.before.drift_s, clock.after.as_ref().map(|after| after.drift_s))),
            remedy: self.remedy(visited, bound).filter(|_| !visit.is_well),
            what: visit.what.clone(),
            next: visit.next.clone(),
        };
        self.left(place, visit.is_well, was_set);
    }

    /// A token was dealt with.
    pub(super) fn left(&self, place: Place, is_well: bool, was_set: bool) {
        if let Some(serial) = &place.serial {
            let undone = &mut locked(&self.state).undone;
            undone.retain(|known| known != serial);
            if !is_well {
                undone.push(serial.clone());
            }
            self.board.undone(undone.len());
        }
        self.board.left(place, is_well, was_set, SystemClock::new().now().wall);
        self.board.waits(store::waiting(self.global));
        self.board.burns(self.again.all());
    }

    /// What is on record of a token. An inventory that cannot be read is not one that has nothing: the page says so.
    pub(super) fn known(&self, serial: &str) -> Option<TokenRecord> {
        match self.record.books()?.token(&SlotKey::only(serial)) {
            Ok(token) => token,
            Err(error) => {
                let next = remedy_of_record(&error.remedy(), self.terms.audience);
                self.board.unrecorded(Some(format!(
                    "{error}; so it is not known here whose token {serial} is; next: {next}"
                )));
                None
            }
        }
    }

    /// A token is at a reader, and something is done with it.
    pub(super) fn begins(&self, place: &ReaderRef, state: PlaceState, token: String, serial: &str) {
        let user = self.known(serial).and_then(|token| token.user);
        self.board.at(&place.reader, |shown| {
            shown.number = place.number;
            shown.state = state;
            shown.token = token;
            shown.user = user;
            shown.serial = Some(serial.to_owned());
            shown.what.clear();
            shown.next.clear();
            shown.slots.clear();
            shown.drift = None;
            shown.remedy = None;
        });
    }

    /// An event at a reader, or at all of them.
    pub(super) fn reader(&self, place: Option<&ReaderRef>, news: &ReaderNews) {
        let Some(place) = place else {
            if let ReaderNews::Gone(why) = news {
                self.board
                    .notice(Some(format!("{why}; next: {}", remedy_of_reader(&why.remedy(), self.terms.audience))));
            }
            return;
        };
        locked(&self.state).note(&place.reader, news);
        let (state, what, next) = match news {
            ReaderNews::Came => (PlaceState::Ready, String::new(), String::new()),
            ReaderNews::Waits => (PlaceState::Waiting, String::new(), String::new()),
            ReaderNews::Other(what) => {
                (PlaceState::NoToken, what.to_string(), remedy_of_reader(&what.remedy(), self.terms.audience))
            }
            ReaderNews::Gone(why) => {
                (PlaceState::Gone, why.to_string(), remedy_of_reader(&why.remedy(), self.terms.audience))
            }
        };
        if *news == ReaderNews::Came {
            self.board.notice(None);
        }
        self.board.at(&place.reader, |shown| {
            shown.number = place.number;
            // A verdict stays until another token comes: whoever looks up late still sees it.
            let keeps = matches!(state, PlaceState::Ready | PlaceState::Waiting) && shown.state.is_verdict();
            if keeps {
                return;
            }
            (shown.state, shown.what, shown.next) = (state, what, next);
            shown.token.clear();
            shown.slots.clear();
            (shown.user, shown.serial, shown.drift, shown.remedy) = (None, None, None, None);
        });
    }

    /// A question, for the page to answer.
    pub(super) fn asks(&self, question: &Question) {
        let (code, text) = match &question.asks {
            // It is dealt with and recorded: only its code is open.
            Asks::Code(info) => {
                interrupt::stop().let_go(info.serial.as_str());
                let serial = info.serial.to_string();
                let step_s =
                    self.known(&serial).and_then(|token| token.profile).map(|profile| profile.step().seconds());
                (Some(AskedCode { serial, step_s }), format!("{info}: what does its display show?"))
            }
            Asks::GoOn(problem) => (None, report::question(problem)),
        };
        self.board.asks(self.on_board(question.id), &question.place.reader, code, text);
    }
}
