//! Several readers at once: one worker each, so that a slow or dead one does not stop the others.

use std::cell::RefCell;
use std::sync::Mutex;
use std::time::Duration;

use super::clock_problem::ClockProblem;
use super::failure::Failure;
use super::hours::{HourWatch, SameHours};
use super::problem::Problem;
use super::question::Answer;
use super::reader_news::{ReaderNews, ReaderRef};
use super::record::{Books, Recorder, Wording, locked};
use super::remedy::TokenRemedy;
use super::state::TokenState;
use crate::clock::Drift;
use crate::device::{Device, Info};
use crate::inventory::{Deed, Station};
use crate::reader::{Came, ReaderError, Tray, Trays};
use crate::seed::wipe_stack;
use crate::time::CorrectedClock;

/// How long to wait before a service that is gone is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The surroundings that a visitor which tells `News` needs from the program around it.
pub struct Surroundings<'a, News> {
    /// Where and by whom.
    pub station: Station,
    /// A remark for every record.
    pub remark: Option<String>,
    /// The words for what went wrong.
    pub wording: Wording,
    /// The clock to work by, looked at anew for every token.
    pub host: &'a (dyn Fn() -> Result<CorrectedClock<'a>, Failure> + Sync),
    /// Is told everything.
    pub tell: &'a (dyn Fn(News) + Sync),
    /// Whether somebody is there who answers questions.
    pub has_person: bool,
    /// Watches for a host that is hours off.
    pub hours: HourWatch,
    /// Whether to stop after the tokens in hand.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl<News> Surroundings<'_, News> {
    /// Whether the host's clock may be copied onto one more token, by the drifts of the last ones.
    ///
    /// # Errors
    /// [`ClockProblem::SameHours`]: it ends the run, unless somebody is there to say that the host is right.
    pub fn check_hours(&self, info: &Info, drift: Drift) -> Result<(), Failure> {
        let Some(SameHours { earlier, hours }) = self.hours.see(&info.serial, drift) else { return Ok(()) };
        let serial = info.serial.clone();
        let same = ClockProblem::SameHours { earlier: earlier.clone(), hours, serial: serial.clone() };
        let problem = Problem::HostClock(same);
        let state = TokenState::EarlierInDoubt { serial, earlier: earlier.clone() };
        Err(Failure::new(problem, state, TokenRemedy::SetEarlierAgain(earlier)))
    }

    /// A recorder of one job at a reader.
    pub fn recorder<'b>(&self, books: Option<&'b Books>, place: &ReaderRef, deed: Deed) -> Recorder<'b> {
        let station = Station { reader: Some(place.reader.clone()), ..self.station.clone() };
        let remark = self.remark.clone();
        let wording = self.wording;
        Recorder { books, station, emulated: place.emulated, deed, user: RefCell::default(), remark, wording }
    }
}

/// A worker with tokens. One visitor serves all readers, each from a thread of its own.
pub trait Visitor: Sync {
    /// Works with one token.
    fn visit(&self, place: &ReaderRef, device: Box<dyn Device>);

    /// Is told what happens to a reader; `None` is all of them.
    fn reader(&self, place: Option<&ReaderRef>, news: ReaderNews);

    /// Takes the answer to a question that was told. A question that is not open, or answered already, is passed over.
    fn answer(&self, id: u64, answer: Answer);

    /// Waits until all questions are answered, or the user wants to stop: what is open then gets no answer.
    fn settle(&self);

    /// Whether to stop: after the tokens in hand, no more are taken.
    fn is_over(&self) -> bool;
}

/// Attends all readers until the visitor has enough, or nothing more can come.
pub fn attend(trays: &mut dyn Trays, visitor: &dyn Visitor) {
    let attended: Mutex<Vec<String>> = Mutex::default();
    let names = || locked(&attended);
    std::thread::scope(|scope| {
        let mut is_cut_off = false;
        while !visitor.is_over() {
            let now = names().clone();
            match trays.newcomers(&now, &|| visitor.is_over()) {
                Ok(newcomers) => {
                    is_cut_off = false;
                    for tray in newcomers {
                        let name = tray.name().to_owned();
                        names().push(name.clone());
                        scope.spawn(move || {
                            if work_at(tray, visitor).is_err() && !visitor.is_over() {
                                // A reader that fails at once would fail again at once.
                                std::thread::sleep(LOOK_AGAIN);
                            }
                            names().retain(|attended| *attended != name);
                        });
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_cut_off, true) {
                        visitor.reader(None, ReaderNews::Gone(error));
                    }
                    std::thread::sleep(LOOK_AGAIN);
                }
            }
            if trays.is_closed() {
                break;
            }
        }
    });
    visitor.settle();
}

fn work_at(mut tray: Box<dyn Tray>, visitor: &dyn Visitor) -> Result<(), ReaderError> {
    let place = ReaderRef { reader: tray.name().to_owned(), number: tray.number(), emulated: tray.is_emulated() };
    let tell = |news| visitor.reader(Some(&place), news);
    tell(ReaderNews::Came);
    while !visitor.is_over() {
        if !tray.is_occupied() {
            tell(ReaderNews::Waits);
        }
        match tray.next(&|| visitor.is_over()) {
            Ok(Came::Token(device)) => {
                visitor.visit(&place, device);
                wipe_stack();
            }
            Ok(Came::Other(what)) => tell(ReaderNews::Other(what)),
            Ok(Came::Stopped | Came::Left) => {}
            Ok(Came::Ended) => return Ok(()),
            Err(error) => {
                tell(ReaderNews::Gone(error.clone()));
                return Err(error);
            }
        }
    }
    Ok(())
}
