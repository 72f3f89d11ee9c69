//! What several tests share: emulated tokens in simulated time, and the built program.

use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use tokentap::clock::Drift;
use tokentap::device::token2::NfcToken;
use tokentap::device::{Info, Key, Profile};
use tokentap::emulator::{CardState, EmulatedLink, TokenClock};
use tokentap::inventory::{Deed, Station};
use tokentap::job::batch::{
    Allowed, Batch, BatchNews, BatchPlan, BatchVisitor, Left, Origin, PartFile, SeedList, SeedSource, ServerFiles,
};
use tokentap::job::{
    Again, Beginning, Books, ClockPlan, ConfigPlan, Failure, Guard, Hooks, HourWatch, ProfileFrom, ProfileWish,
    Recorder, SlotWish, Surroundings, WriteOutcome, WritePlan, write,
};
use tokentap::link::Link;
use tokentap::report::WORDING;
use tokentap::seed::Seed;
use tokentap::seedfile::{Row, WriteOptions};
use tokentap::time::{CorrectedClock, HostClock, SimulatedClock};

/// The time at which simulated tests begin, with a fraction of a second.
pub const NOW_NS: i64 = 1_795_454_228_300_000_000;

pub const UNRESTRICTED: &str = "86596120001234";
pub const RESTRICTED: &str = "86596220005678";

/// A test that lacks something here says so; where everything is to be there, it fails.
pub fn not_run(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "not run: {why}");
    println!("not run: {why}");
}

pub fn simulated_clock() -> SimulatedClock {
    SimulatedClock::new(DateTime::from_timestamp_nanos(NOW_NS))
}

/// A token with a seed, `drift_s` seconds ahead.
pub fn token(serial: &str, seed: &[u8], drift_s: f64) -> CardState {
    let restricted = serial == RESTRICTED;
    let mut state = CardState::new(serial, restricted, TokenClock::new(NOW_NS, drift_s, 0.0, false));
    state.seed = data_encoding::HEXLOWER.encode(seed);
    state
}

pub fn link(state: CardState, clock: &SimulatedClock) -> EmulatedLink {
    let shared: Arc<dyn HostClock> = Arc::new(clock.clone());
    EmulatedLink::new(state, shared)
}

pub fn seed(bytes: &[u8]) -> Seed {
    Seed::from_bytes(bytes.to_vec()).unwrap()
}

/// A recorder of one deed on an emulated device.
pub fn recorder(books: &Books, deed: Deed) -> Recorder<'_> {
    let (station, user) = (Station::default(), RefCell::default());
    Recorder { books: Some(books), station, emulated: true, deed, user, remark: None, wording: WORDING }
}

/// A plan that sets profile and clock, and burns `seed` if there is one.
pub fn plan(seed: Option<Seed>) -> WritePlan {
    WritePlan {
        slot: 0,
        wish: SlotWish::default(),
        config: Some(ConfigPlan { profile: Profile::FACTORY, from: ProfileFrom::Factory, clock: ClockPlan::Now }),
        seed,
        erase_seed: false,
        shares_seed: false,
        if_drift_over: None,
        fine: false,
        guard: Guard::default(),
        key: Key::default(),
        tries_again: false,
        stated: ProfileWish::default(),
        again: Again::SameTwice,
    }
}

pub fn carry_out(link: &mut dyn Link, clock: &dyn HostClock, plan: &WritePlan) -> Result<WriteOutcome, Failure> {
    let mut complete = |_: &Info, _: &mut WritePlan| Ok(());
    let mut record = |_: &Info, _: &WritePlan, _: Option<Drift>| Ok(Beginning::Now);
    write(
        &mut NfcToken(link),
        clock,
        plan,
        &mut Hooks { complete: &mut complete, record: &mut record, interrupted: &|| false },
    )
}

/// Works at a batch of these rows, whose part file is at `part`, with whatever `work` lays down; how each token left,
/// and how many rows are left to do.
pub fn work_at_batch(
    books: &Books,
    clock: &SimulatedClock,
    rows: Vec<Row>,
    part: &Path,
    tries_again: bool,
    work: &dyn Fn(&BatchVisitor<'_>),
) -> (Vec<Left>, u64) {
    let key = books.fingerprint_key().clone();
    let flags = ProfileWish::default();
    let Ok(list) = SeedList::check(
        rows.into_iter().map(Ok),
        &key,
        flags,
        Allowed { short: true, shared: false, family: tokentap::device::Family::Nfc },
    ) else {
        panic!("bad rows")
    };
    let SeedList { seeds, rows, content, .. } = list;
    let origin = Origin { name: "rows.csv".to_owned(), content, anew: false, is_fresh: false };
    let part = PartFile::open(part, &key, &mut |_| ()).unwrap();
    let (batch, _) = Batch::open(books, &origin, rows, &[], clock.now().wall).unwrap();
    let outputs = ServerFiles { files: Vec::new(), options: WriteOptions::default(), dropped: Vec::new(), part };
    let left = Mutex::new(Vec::new());
    let tell = |news: BatchNews| {
        if let BatchNews::Left(departure) = news {
            left.lock().unwrap().push(departure.how);
        }
    };
    let host = || -> Result<CorrectedClock<'_>, Failure> { Ok(CorrectedClock::new(clock, chrono::TimeDelta::zero())) };
    let plan = BatchPlan {
        shares_seeds: false,
        flags,
        fine: false,
        allow_unknown_model: false,
        key: Key::default(),
        tries_again,
        reassigns: false,
        check_every: 0,
    };
    let station = Station::default();
    let around = Surroundings {
        station,
        remark: None,
        wording: tokentap::report::WORDING,
        host: &host,
        tell: &tell,
        has_person: false,
        hours: HourWatch::default(),
        stop: &|| false,
    };
    let visitor = BatchVisitor::new(books, batch, Some(outputs), SeedSource::File(seeds), plan, around);
    work(&visitor);
    let (batch, _, _, fatal) = visitor.into_parts();
    assert_eq!(fatal, None);
    (left.into_inner().unwrap(), batch.counts().left())
}

/// The built program, with nothing of this process's environment that it would look at.
pub fn tokentap() -> Command {
    // `scripts/windows` names the program that it has built, as Wine runs it.
    let named = std::env::var_os("TOKENTAP_TEST_PROGRAM");
    let mut command = Command::new(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_tokentap").into()));
    command.env_remove("TOKENTAP_READER").env_remove("TOKENTAP_WAIT").env("TZ", "UTC").stdin(Stdio::null());
    // Tests that need an inventory name one of their own.
    command.env("TOKENTAP_INVENTORY", "none");
    // What the program remembers of a user is not this user's.
    command.env("XDG_CONFIG_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/config"));
    command
}

/// Runs the program in a folder, with the inventory that is kept there; its exit code and both outputs.
pub fn run_in(folder: &Path, args: &[&str]) -> (i32, String) {
    let output = in_folder(folder).args(args).output().unwrap();
    (output.status.code().unwrap(), text(&output))
}

/// The program in a folder, with the inventory that is kept there.
pub fn in_folder(folder: &Path) -> Command {
    let mut command = tokentap();
    command.current_dir(folder).env("TOKENTAP_INVENTORY", folder.join("inventory.sqlite"));
    command
}

/// Runs the program with arguments and standard input.
pub fn run_with_input(args: &[&str], input: &[u8]) -> Output {
    let mut command = tokentap();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Both outputs as text.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The folder that cargo builds into, with the tools that `scripts/prepare --tests` puts there.
pub fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| data("../../target"), PathBuf::from)
}

/// A file in the folder of test data.
pub fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Random numbers that can be had again: the seed is printed, and `TOKENTAP_TEST_SEED` sets it.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        let given = std::env::var("TOKENTAP_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).unwrap();
            u64::from_le_bytes(bytes) | 1
        });
        println!("TOKENTAP_TEST_SEED={seed}");
        Self(seed)
    }

    /// Those of a seed, for what must be the same each time.
    pub fn of(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below a bound (xorshift64*, Vigna 2016).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}
