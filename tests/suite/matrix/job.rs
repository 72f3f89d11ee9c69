//! The jobs of the table, each on a token of its own, and how it ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokentap::clock::Drift;
use tokentap::device::token2::NfcToken;
use tokentap::device::{DisplayTime, Info, Key, Profile};
use tokentap::emulator::TokenClock;
use tokentap::inventory::{Deed, Event, Identity, Inventory, Outcome, Sqlite, Station, TokenRecord};
use tokentap::job::batch::Left;
use tokentap::job::desk::{DeskNews, DeskPlan, DeskVisitor, Done};
use tokentap::job::{
    Around, Complete, Completion, ConfigPlan, Exit, Failure, Guard, HourWatch, KeptOpener, ProfileFrom, ProfileWish,
    ReaderRef, Recorder, Surroundings, Visitor, WriteOutcome, WritePlan, read,
};
use tokentap::link::Link;
use tokentap::otp::{Hash, TimeStep};
use tokentap::report::WORDING;
use tokentap::seedfile::Row;
use tokentap::time::{CorrectedClock, HostClock, SimulatedClock};

use super::fault::{At, Fault, Faulty, Log, Shared};
use crate::support::{
    NOW_NS, RESTRICTED, UNRESTRICTED, carry_out, link, plan, seed, simulated_clock, token, work_at_batch,
};

/// A token that takes the first one's place.
pub const OTHER: &str = "86596120009999";

pub const OLD: &[u8] = b"the old seed";
pub const NEW: &[u8] = b"the new seed of 20 b";

/// What people come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    Info,
    PreciseInfo,
    Sync,
    /// On a clock that keeps its phase, so that a second write sets it closer.
    SyncTwice,
    FastSync,
    /// Of a token that the inventory has never seen.
    SyncIfOff,
    Burn,
    SeedOnly,
    Config,
    BatchRow,
    DeskVisit,
}

impl Job {
    pub const ALL: [Self; 11] = [
        Self::Info,
        Self::PreciseInfo,
        Self::Sync,
        Self::SyncTwice,
        Self::FastSync,
        Self::SyncIfOff,
        Self::Burn,
        Self::SeedOnly,
        Self::Config,
        Self::BatchRow,
        Self::DeskVisit,
    ];

    /// The command of a job.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "`info`",
            Self::PreciseInfo => "`info --precise`",
            Self::Sync => "`sync`",
            Self::SyncTwice => "`sync` of a clock that keeps its phase",
            Self::FastSync => "`sync --fast`",
            Self::SyncIfOff => "`sync --fast --if-drift-over 2`, recorded",
            Self::Burn => "`burn`",
            Self::SeedOnly => "`burn --seed-only`",
            Self::Config => "`config`",
            Self::BatchRow => "a row of `batch`",
            Self::DeskVisit => "a visit at the `desk`",
        }
    }

    /// The seed that it sends; a restricted token gets its own one again.
    pub fn seed(self, restricted: bool) -> Option<&'static [u8]> {
        match self {
            Self::Info | Self::PreciseInfo => None,
            Self::Burn | Self::SeedOnly | Self::BatchRow => Some(NEW),
            Self::Sync | Self::SyncTwice | Self::FastSync | Self::SyncIfOff | Self::Config | Self::DeskVisit => {
                restricted.then_some(OLD)
            }
        }
    }

    /// Whether it writes profile and clock.
    pub fn has_config(self) -> bool {
        !matches!(self, Self::Info | Self::PreciseInfo | Self::SeedOnly)
    }
}

/// How a job ended, as its user hears it.
#[derive(Debug, Clone)]
pub struct End {
    pub exit: u8,
    pub failure: Option<Failure>,
    /// The drift that it told, where it ended well.
    pub drift: Option<Drift>,
}

impl End {
    fn of_failure(failure: Failure) -> Self {
        Self { exit: failure.exit() as u8, failure: Some(failure), drift: None }
    }

    fn of_write(result: Result<WriteOutcome, Failure>) -> Self {
        match result {
            Ok(report) => Self { exit: 0, failure: None, drift: Some(report.drift.unwrap().after) },
            Err(failure) => Self::of_failure(failure),
        }
    }
}

/// One token on a reader, and all that the program knows of it.
pub struct Bench {
    job: Job,
    restricted: bool,
    pub clock: SimulatedClock,
    pub token: Shared,
    pub other: Shared,
    books: Sqlite,
    /// A key that was refused may be tried again.
    pub tries_again: AtomicBool,
    /// The identity that opens the inventory's seeds.
    secret: String,
    folder: tempfile::TempDir,
}

impl Bench {
    /// A token with a seed, 97.25 s slow, and another one beside the reader.
    pub fn new(job: Job, restricted: bool) -> Self {
        let clock = simulated_clock();
        let serial = if restricted { RESTRICTED } else { UNRESTRICTED };
        let mut state = token(serial, OLD, -97.25);
        // One that is nearly right has its tick waited for before it is set.
        let (drift, keeps_phase) = if job == Job::SyncTwice { (-1.25, true) } else { (-97.25, false) };
        state.clock = TokenClock::new(NOW_NS, drift, 0.0, keeps_phase);
        let secret = age::x25519::Identity::generate();
        let secret = age::secrecy::ExposeSecret::expose_secret(&secret.to_string()).to_owned();
        let identity = Identity::parse(secret.as_bytes()).unwrap();
        let inventory = Sqlite::in_memory().unwrap();
        let made = Event {
            at: clock.now().wall,
            job: 0,
            station: Station::default(),
            slot: 0,
            serial: None,
            deed: Deed::Init,
            outcome: Outcome::Done,
            before: None,
            after: None,
            state: None,
            detail: None,
        };
        inventory.set_recipients(&identity.recipients(), &made).unwrap();
        let bench = Self {
            job,
            restricted,
            token: Arc::new(Mutex::new(link(state, &clock))),
            other: Arc::new(Mutex::new(link(token(OTHER, OLD, -97.25), &clock))),
            books: inventory,
            tries_again: AtomicBool::new(false),
            secret,
            folder: tempfile::tempdir().unwrap(),
            clock,
        };
        if job == Job::DeskVisit {
            bench.put_on_record(serial);
        }
        bench
    }

    /// The inventory knows the token's seed: it was burned here, on a twin of it.
    fn put_on_record(&self, serial: &str) {
        let mut twin = link(token(serial, b"", 0.0), &self.clock);
        self.record(Deed::Burn, &mut twin, &plan(Some(seed(OLD))), &mut |_, _, _| Ok(())).unwrap();
    }

    /// Writes a token as the single commands do, with a record of it.
    fn record(
        &self,
        deed: Deed,
        link: &mut dyn Link,
        plan: &WritePlan,
        complete: &mut Complete<'_>,
    ) -> Result<WriteOutcome, Failure> {
        let (station, user) = (Station::default(), None.into());
        let recorder =
            Recorder { books: Some(&self.books), station, emulated: true, deed, user, remark: None, wording: WORDING };
        let mut around = Around {
            complete: &mut |info, known, plan| complete(info, known, plan),
            found: &mut |_, _| Ok(()),
            before: &mut |_, _| Ok(()),
            opener: None,
            key_use: tokentap::job::KeyUse::Work,
            waits: &|_| (),
            row: &mut |_| None,
            interrupted: &|| false,
        };
        let recorded = recorder.write(&mut NfcToken(link), &self.clock, plan, &mut around);
        assert!(recorded.lost.is_none());
        recorded.result
    }

    fn lay(&self, fault: Option<(At, Fault)>) -> (Faulty, Arc<Mutex<Log>>) {
        let log = Arc::new(Mutex::new(Log::default()));
        let faulty = Faulty {
            token: Arc::clone(&self.token),
            other: Arc::clone(&self.other),
            clock: self.clock.clone(),
            fault,
            log: Arc::clone(&log),
            held: None,
            repeats: false,
            gone: false,
            swapped: false,
        };
        (faulty, log)
    }

    /// Lays the token down and does the job; what was sent, and how it ended.
    pub fn run(&self, fault: Option<(At, Fault)>) -> (Log, End) {
        let (mut link, log) = self.lay(fault);
        let end = match self.job {
            Job::Info | Job::PreciseInfo => {
                let is_fine = self.job == Job::PreciseInfo;
                match read(&mut NfcToken(&mut link), &self.clock, &Guard::default(), is_fine) {
                    Ok(report) => End { exit: 0, failure: None, drift: report.drift },
                    Err(failure) => End::of_failure(failure),
                }
            }
            Job::BatchRow => self.batch_row(link),
            Job::DeskVisit => self.desk_visit(link),
            Job::SyncIfOff => {
                let completion =
                    Completion { wish: ProfileWish::default(), learns: true, opener: None, burns_sealed: false };
                let mut complete = |info: &Info, known: Option<&TokenRecord>, plan: &mut WritePlan| {
                    completion.complete(info, known, plan)
                };
                let plan = WritePlan { if_drift_over: Some(2.0), ..self.write_plan() };
                End::of_write(self.record(Deed::Sync, &mut link, &plan, &mut complete))
            }
            _ => End::of_write(carry_out(&mut link, &self.clock, &self.write_plan())),
        };
        let log = log.lock().unwrap().clone();
        (log, end)
    }

    fn write_plan(&self) -> WritePlan {
        let mut plan = plan(self.job.seed(self.restricted).map(seed));
        // The other token may get the same seed: what is looked at here is what is said of each.
        plan.shares_seed = true;
        plan.tries_again = self.tries_again.load(Ordering::SeqCst);
        plan.fine = matches!(self.job, Job::Sync | Job::SyncTwice);
        match self.job {
            Job::SeedOnly => plan.config = None,
            Job::Config => {
                let profile = Profile::new(Hash::Sha256, TimeStep::S60, DisplayTime::S60);
                plan.config = plan.config.map(|config| ConfigPlan { profile, from: ProfileFrom::Flags, ..config });
            }
            _ => {}
        }
        plan
    }

    fn batch_row(&self, link: Faulty) -> End {
        let place = ReaderRef { reader: "test reader".to_owned(), number: None, emulated: true };
        let link = Mutex::new(Some(link));
        let rows = vec![Row::of_seed(seed(NEW))];
        let part = self.folder.path().join("out.csv.part");
        let (left, undone) =
            work_at_batch(&self.books, &self.clock, rows, &part, self.tries_again.load(Ordering::SeqCst), &|visitor| {
                visitor.visit(&place, Box::new(NfcToken(link.lock().unwrap().take().unwrap())));
            });
        let exit = if undone == 0 { Exit::Done } else { Exit::Undone } as u8;
        let [left]: [Left; 1] = left.try_into().unwrap();
        match left {
            Left::Burned(report) => End { exit, failure: None, drift: Some(report.drift.unwrap().after) },
            // Not listed: another token came before it could say who it is, and has the row.
            Left::Done | Left::NotListed => End { exit, failure: None, drift: None },
            Left::Failed(failure) => End { exit, ..End::of_failure(*failure) },
            other => panic!("{other:?}"),
        }
    }

    fn desk_visit(&self, link: Faulty) -> End {
        let place = ReaderRef { reader: "test reader".to_owned(), number: None, emulated: true };
        let visited = Mutex::new(None);
        let key = self.books.fingerprint_key().clone();
        let plan = DeskPlan {
            auto_sync: true,
            if_drift_over: 2.0,
            fine: false,
            wish: ProfileWish::default(),
            assume_factory: true,
            key: Key::default(),
            customer_key: Key::default(),
            tries_again: self.tries_again.load(Ordering::SeqCst),
            identity: {
                let opener = Identity::parse(self.secret.as_bytes()).ok().zip(Some(key)).map(Arc::new);
                Arc::new(KeptOpener::new(opener, None))
            },
            ask_code: false,
            stated: std::sync::Arc::default(),
            again: std::sync::Arc::default(),
            mender: None,
        };
        let around = Surroundings {
            station: Station::default(),
            remark: None,
            wording: WORDING,
            host: &|| Ok(CorrectedClock::new(&self.clock, chrono::TimeDelta::zero())),
            tell: &|news| {
                if let DeskNews::Visited(visit) = news {
                    *visited.lock().unwrap() = Some(visit);
                }
            },
            has_person: false,
            hours: HourWatch::default(),
            stop: &|| false,
        };
        let visitor = DeskVisitor::new(Some(&self.books), plan, around);
        visitor.visit(&place, Box::new(NfcToken(link)));
        let exit = if visitor.undone().is_empty() { Exit::Done } else { Exit::Undone } as u8;
        let visited = visited.lock().unwrap().take().unwrap();
        assert_eq!(visited.unrecorded, None);
        match visited.done {
            Done::Written(report) => End { exit, failure: None, drift: Some(report.drift.unwrap().after) },
            Done::Read(report, why) => panic!("only read: {why:?}, {report:?}"),
            Done::Slots(visit) => panic!("a token has no slots: {visit:?}"),
            Done::Failed(failure) => End { exit, ..End::of_failure(*failure) },
        }
    }
}
