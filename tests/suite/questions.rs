//! Questions to a person: events with a number, answered by it from anywhere, while the readers go on.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokentap::device::token2::NfcToken;
use tokentap::device::{Device, Key};
use tokentap::emulator::{Card, EmulatedLink, StateFile};
use tokentap::inventory::{Inventory, RowState, Sqlite, Station};
use tokentap::job::batch::{Allowed, Batch, BatchNews, BatchPlan, BatchVisitor, Left, Origin, SeedList, SeedSource};
use tokentap::job::{Answer, Asks, Failure, HourWatch, ProfileWish, Question, ReaderRef, Surroundings, Visitor};
use tokentap::otp::Code;
use tokentap::report::WORDING;
use tokentap::seedfile::Row;
use tokentap::time::{CorrectedClock, HostClock, SimulatedClock, unix_ns};

use crate::support::{seed, simulated_clock, token};

/// Two tokens and a list of two rows; what was told.
struct World {
    books: Sqlite,
    clock: SimulatedClock,
    folder: tempfile::TempDir,
    asked: Mutex<Vec<Question>>,
    left: Mutex<Vec<Left>>,
}

const SERIALS: [&str; 2] = ["86596120000001", "86596120000002"];

fn place() -> ReaderRef {
    ReaderRef { reader: "a reader".to_owned(), number: None, emulated: true }
}

impl World {
    fn new(drift_s: f64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for serial in SERIALS {
            StateFile::new(folder.path().join(serial)).save(&token(serial, b"the first seed", drift_s)).unwrap();
        }
        let (books, clock) = (Sqlite::in_memory().unwrap(), simulated_clock());
        Self { books, clock, folder, asked: Mutex::default(), left: Mutex::default() }
    }

    fn path(&self, token: usize) -> PathBuf {
        self.folder.path().join(SERIALS[token])
    }

    fn device(&self, token: usize) -> Box<dyn Device> {
        let shared: Arc<dyn HostClock> = Arc::new(self.clock.clone());
        let file = StateFile::new(self.path(token));
        let state = file.load().unwrap().unwrap();
        Box::new(NfcToken(EmulatedLink::<Card>::kept(file, state, shared)))
    }

    /// The code on the display of a token now.
    fn shown(&self, token: usize) -> Code {
        let state = StateFile::new(self.path(token)).load().unwrap().unwrap();
        state.display(unix_ns(self.clock.now().wall)).unwrap().parse().unwrap()
    }

    fn questions(&self) -> Vec<Question> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn left(&self) -> Vec<Left> {
        std::mem::take(&mut self.left.lock().unwrap())
    }

    /// A batch of both rows in which each code is asked for, worked at by `work`.
    fn batch(&self, work: impl FnOnce(&BatchVisitor<'_>)) -> Batch {
        let rows = [b"seed of one.........", b"seed of two........."].map(|bytes| Row::of_seed(seed(bytes)));
        let (key, flags) = (self.books.fingerprint_key().clone(), ProfileWish::default());
        let allowed = Allowed { short: true, shared: false, family: tokentap::device::Family::Nfc };
        let Ok(SeedList { seeds, rows, content, .. }) = SeedList::check(rows.into_iter().map(Ok), &key, flags, allowed)
        else {
            panic!("bad rows")
        };
        let origin = Origin { name: "rows".to_owned(), content, anew: false, is_fresh: false };
        let (batch, _) = Batch::open(&self.books, &origin, rows, &[], self.clock.now().wall).unwrap();
        let plan = BatchPlan {
            shares_seeds: false,
            flags,
            fine: false,
            allow_unknown_model: false,
            key: Key::default(),
            tries_again: false,
            reassigns: false,
            check_every: 1,
        };
        let tell = |news: BatchNews| match news {
            BatchNews::Asks(question) => self.asked.lock().unwrap().push(question),
            BatchNews::Left(departure) => self.left.lock().unwrap().push(departure.how),
            _ => {}
        };
        let host = || -> Result<CorrectedClock<'_>, Failure> {
            Ok(CorrectedClock::new(&self.clock, chrono::TimeDelta::zero()))
        };
        let around = Surroundings {
            station: Station::default(),
            remark: None,
            wording: WORDING,
            host: &host,
            tell: &tell,
            has_person: true,
            hours: HourWatch::watching(true),
            stop: &|| false,
        };
        let visitor = BatchVisitor::new(&self.books, batch, None, SeedSource::File(seeds), plan, around);
        work(&visitor);
        visitor.into_parts().0
    }
}

fn wrong(code: Code) -> Code {
    let digit = if code.to_string().starts_with('0') { "1" } else { "0" };
    format!("{digit}{}", &code.to_string()[1..]).parse().unwrap()
}

#[test]
fn tokens_are_burned_while_questions_are_open_and_each_is_answered_by_its_number() {
    let world = World::new(-97.25);
    let batch = world.batch(|visitor| {
        visitor.visit(&place(), world.device(0));
        visitor.visit(&place(), world.device(1));
        let questions = world.questions();
        let asked: Vec<_> = questions
            .iter()
            .map(|question| match &question.asks {
                Asks::Code(info) => info.serial.to_string(),
                Asks::GoOn(problem) => panic!("{problem:?}"),
            })
            .collect();
        assert_eq!((asked.as_slice(), world.left().len()), (&SERIALS.map(str::to_owned)[..], 0));
        assert!(!visitor.is_over(), "a wrong code would make a row that is done one that is not");
        // The second one first, from another thread.
        std::thread::scope(|scope| {
            scope.spawn(|| visitor.answer(questions[1].id, Answer::Code(world.shown(1))));
        });
        assert!(matches!(world.left()[..], [Left::Judged(_, _, true)]));
        visitor.answer(questions[1].id, Answer::No);
        assert!(world.left().is_empty(), "it was answered already");
        visitor.answer(questions[0].id, Answer::No);
        assert!(matches!(world.left()[..], [Left::Burned(_)]), "nobody answers: it is unchecked");
        assert!(visitor.is_over());
    });
    assert_eq!((batch.counts().of(RowState::Checked), batch.counts().of(RowState::Burned)), (1, 1));
}

#[test]
fn a_wrong_code_is_asked_for_again_twice_and_then_the_row_is_not_done() {
    let world = World::new(-97.25);
    let batch = world.batch(|visitor| {
        visitor.visit(&place(), world.device(0));
        for _ in 0..3 {
            let questions = world.questions();
            assert_eq!((questions.len(), world.left().len()), (1, 0));
            visitor.answer(questions[0].id, Answer::Code(wrong(world.shown(0))));
        }
        assert!(world.questions().is_empty() && matches!(world.left()[..], [Left::Judged(_, _, false)]));
    });
    assert_eq!(batch.counts().of(RowState::Failed), 1);
}

#[test]
fn a_wrong_code_counts_also_where_nobody_types_a_second_one() {
    let world = World::new(-97.25);
    let batch = world.batch(|visitor| {
        visitor.visit(&place(), world.device(0));
        visitor.answer(world.questions()[0].id, Answer::Code(wrong(world.shown(0))));
        visitor.answer(world.questions()[0].id, Answer::No);
        assert!(matches!(world.left()[..], [Left::Judged(_, _, false)]));
    });
    assert_eq!(batch.counts().of(RowState::Failed), 1);
}

#[test]
fn whether_the_host_is_right_is_asked_once_and_after_a_yes_the_token_is_laid_back() {
    for says in [Answer::Yes, Answer::No] {
        let world = World::new(-3600.5);
        world.batch(|visitor| {
            visitor.visit(&place(), world.device(0));
            visitor.answer(world.questions()[0].id, Answer::No);
            assert!(matches!(world.left()[..], [Left::Burned(_)]));
            for _ in 0..2 {
                visitor.visit(&place(), world.device(1));
                assert!(matches!(&world.left()[..], [Left::Failed(failure)] if failure.problem.is_same_hours()));
            }
            let questions = world.questions();
            assert!(matches!(&questions[..], [Question { asks: Asks::GoOn(_), .. }]), "{questions:?}");
            visitor.answer(questions[0].id, says);
            assert_eq!(visitor.is_over(), says == Answer::No);
            if says == Answer::Yes {
                visitor.visit(&place(), world.device(1));
                assert!(matches!(world.questions()[..], [Question { asks: Asks::Code(_), .. }]));
            }
        });
    }
}
