//! A batch whose tokens leave, refuse, lie and are swapped at every APDU: nothing is burned unrecorded, no seed goes to
//! two tokens, the inventory and the `.part` file agree with the tokens, and a second round finishes the rest.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokentap::device::Device;
use tokentap::device::token2::NfcToken;
use tokentap::emulator::{EmulatedLink, Fault, FaultKind, FixedTrays, StateFile};
use tokentap::inventory::{Inventory, Listing, RowState, SlotKey, Sqlite};
use tokentap::job::attend;
use tokentap::job::batch::{Left, PartFile};
use tokentap::link::{Link, LinkError, LinkFault};
use tokentap::reader::{Came, ReaderError, Tray, Trays};
use tokentap::seed::Seed;
use tokentap::seedfile::Row;
use tokentap::time::{HostClock, SimulatedClock};

use crate::support::{RESTRICTED, UNRESTRICTED, simulated_clock, token, work_at_batch};

/// A token of the other kind, that comes in between.
const OTHER: &str = "86596120009999";

/// What is laid down: tokens, each with what goes wrong while it lies there.
enum Laid {
    Token(StateFile, Vec<Fault>),
    /// The first one, and another in its place from an APDU on.
    Swapped(StateFile, StateFile, u32),
    /// A token, and a step of the host's wall clock by an hour before an APDU.
    Stepped(StateFile, u32),
    /// Nothing: the reader is pulled, and comes again with the next.
    Pulled,
}

struct TestTray {
    laid: Vec<Laid>,
    clock: SimulatedClock,
    later: Arc<Mutex<Vec<Laid>>>,
}

/// One reader, which is there again after it was pulled.
struct TestTrays {
    later: Arc<Mutex<Vec<Laid>>>,
    clock: SimulatedClock,
}

impl Trays for TestTrays {
    fn newcomers(&mut self, attended: &[String], _: &dyn Fn() -> bool) -> Result<Vec<Box<dyn Tray>>, ReaderError> {
        if !attended.is_empty() || self.later.lock().unwrap().is_empty() {
            std::thread::yield_now();
            return Ok(Vec::new());
        }
        let laid = std::mem::take(&mut *self.later.lock().unwrap());
        Ok(vec![Box::new(TestTray { laid, clock: self.clock.clone(), later: Arc::clone(&self.later) })])
    }

    fn is_closed(&self) -> bool {
        false
    }
}

/// A link under which the host's wall clock is stepped.
struct Stepping {
    inner: EmulatedLink,
    clock: SimulatedClock,
    at: u32,
    commands: u32,
}

impl Link for Stepping {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.commands += 1;
        if self.commands == self.at {
            self.clock.step_wall(chrono::TimeDelta::hours(1));
        }
        self.inner.transmit(command)
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.inner.reset()
    }

    fn close(&mut self) {
        self.inner.close();
    }
}

impl TestTray {
    fn link(&self, file: &StateFile) -> EmulatedLink {
        let shared: Arc<dyn HostClock> = Arc::new(self.clock.clone());
        EmulatedLink::kept(file.clone(), file.load().unwrap().unwrap(), shared)
    }
}

impl Tray for TestTray {
    fn name(&self) -> &str {
        "test reader"
    }

    fn number(&self) -> Option<usize> {
        None
    }

    fn is_occupied(&self) -> bool {
        false
    }

    fn is_emulated(&self) -> bool {
        true
    }

    fn next(&mut self, _: &dyn Fn() -> bool) -> Result<Came, ReaderError> {
        if self.laid.is_empty() {
            return Ok(Came::Ended);
        }
        Ok(Came::Token(match self.laid.remove(0) {
            Laid::Pulled => {
                // What was to come comes onto the reader that is plugged in next.
                self.later.lock().unwrap().append(&mut self.laid);
                return Err(ReaderError::ServiceStopped);
            }
            Laid::Stepped(file, at) => {
                Box::new(NfcToken(Stepping { inner: self.link(&file), clock: self.clock.clone(), at, commands: 0 }))
            }
            Laid::Token(file, faults) => Box::new(NfcToken(self.link(&file).with_faults(faults))),
            Laid::Swapped(first, second, at) => {
                Box::new(NfcToken(Swapping { first: self.link(&first), second: self.link(&second), at, commands: 0 }))
            }
        }))
    }
}

/// A reader on which another token takes the first one's place: PC/SC reports a reset, then the other one answers.
struct Swapping {
    first: EmulatedLink,
    second: EmulatedLink,
    at: u32,
    commands: u32,
}

impl Link for Swapping {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.commands += 1;
        match self.commands.cmp(&self.at) {
            std::cmp::Ordering::Less => self.first.transmit(command),
            std::cmp::Ordering::Equal => Err(LinkError::new(LinkFault::Reset, "another card is there")),
            std::cmp::Ordering::Greater => self.second.transmit(command),
        }
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.first.reset().and_then(|()| self.second.reset())
    }

    fn close(&mut self) {
        self.first.close();
        self.second.close();
    }
}

struct World {
    folder: tempfile::TempDir,
    clock: SimulatedClock,
    books: Sqlite,
    named: bool,
}

impl World {
    fn new(named: bool) -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            clock: simulated_clock(),
            books: Sqlite::in_memory().unwrap(),
            named,
        };
        for serial in [UNRESTRICTED, RESTRICTED, OTHER] {
            world.file(serial).save(&token(serial, format!("old {serial}").as_bytes(), -97.25)).unwrap();
        }
        world
    }

    fn file(&self, serial: &str) -> StateFile {
        StateFile::new(self.folder.path().join(serial))
    }

    fn holds(&self, serial: &str) -> Vec<u8> {
        self.file(serial).load().unwrap().unwrap().seed_bytes()
    }

    fn part(&self) -> std::path::PathBuf {
        PartFile::beside(&self.folder.path().join("out.csv"))
    }

    /// Two rows: for the token under test and the other one, or for whoever comes.
    fn rows(&self, serial: &str) -> Vec<Row> {
        let row = |seed: &[u8], serial: &str| {
            let mut row = Row::of_seed(Seed::from_bytes(seed.to_vec()).unwrap());
            row.serial = self.named.then(|| serial.to_owned());
            row
        };
        vec![row(b"the first new seed", serial), row(b"the second new seed", OTHER)]
    }

    /// Works at the batch until what is laid down is dealt with; returns how each token left.
    fn run(&self, serial: &str, laid: Vec<Laid>) -> Vec<Left> {
        let laid = Mutex::new(Some(laid));
        let (left, _) = work_at_batch(&self.books, &self.clock, self.rows(serial), &self.part(), true, &|visitor| {
            let laid = laid.lock().unwrap().take().unwrap();
            let tray = TestTray { laid, clock: self.clock.clone(), later: Arc::default() };
            attend(&mut FixedTrays::new(vec![Box::new(tray)]), visitor);
        });
        left
    }

    /// What is on record fits what the tokens hold, at any time.
    fn check(&self, name: &str) {
        let inventory = &self.books;
        let key = inventory.fingerprint_key().clone();
        let batch = inventory.batches(None).unwrap().remove(0);
        let mut states: BTreeMap<String, (RowState, tokentap::inventory::Fingerprint)> = BTreeMap::new();
        let mut visit = |row: tokentap::inventory::RowRecord| {
            if let Some(serial) = row.serial {
                states.insert(serial, (row.state, row.seed.unwrap()));
            }
        };
        inventory.visit_rows(batch.id, &[], &mut visit).unwrap();
        let mut new_seeds = Vec::new();
        for serial in [UNRESTRICTED, RESTRICTED, OTHER] {
            let holds = self.holds(serial);
            let is_new = holds.ends_with(b"new seed");
            let held = (!holds.is_empty()).then(|| key.of(&Seed::from_bytes(holds.clone()).unwrap()));
            match states.get(serial) {
                Some((RowState::Burned, seed)) => {
                    assert_eq!(held, Some(*seed), "{name}: {serial} is on record as burned")
                }
                Some((RowState::Failed | RowState::Planned | RowState::Assigned, _)) => {
                    assert!(!is_new, "{name}: {serial} holds a seed that counts as not burned");
                }
                Some((RowState::Unknown | RowState::Burning, seed)) => {
                    assert!(!is_new || held == Some(*seed), "{name}: {serial} holds another row's seed");
                }
                Some((RowState::Checked, _)) => panic!("{name}: nobody checked it"),
                None => assert!(!is_new, "{name}: {serial} was burned and is on no record"),
            }
            if is_new {
                let line = format!("{serial},{}", data_encoding::BASE32_NOPAD.encode(&holds));
                let part = std::fs::read_to_string(self.part()).unwrap();
                assert!(part.contains(&line), "{name}: {serial} holds what the part file has not");
                new_seeds.push(holds);
            }
        }
        new_seeds.sort();
        let all = new_seeds.len();
        new_seeds.dedup();
        assert_eq!(new_seeds.len(), all, "{name}: a seed is on two tokens");
    }

    /// Both rows are done.
    fn check_done(&self, serial: &str, name: &str) {
        self.check(name);
        let inventory = &self.books;
        let batch = inventory.batches(None).unwrap().remove(0);
        assert_eq!(batch.counts.done(), 2, "{name}");
        for serial in [serial, OTHER] {
            let token = inventory.token(&SlotKey::only(serial)).unwrap().unwrap();
            assert_eq!(token.pending, None, "{name}: {serial}");
            assert!(token.burned.is_some(), "{name}: {serial}");
        }
    }
}

fn kinds() -> Vec<FaultKind> {
    let answers = [
        &[0x69, 0x83][..],
        &[0x6A, 0x80],
        &[0x67, 0x00],
        &[0x6D, 0x00],
        &[0x6E, 0x00],
        &[0x63, 0x00],
        &[0x65, 0x81],
        &[],
        &[0x90],
        &[0x5A; 300],
    ];
    let mut kinds = vec![FaultKind::LeaveBefore, FaultKind::LeaveAfter, FaultKind::Reset, FaultKind::NoAnswer];
    kinds.extend(answers.map(|bytes| FaultKind::Answer(bytes.to_vec())));
    kinds
}

#[test]
fn whatever_breaks_at_whichever_apdu_the_record_is_true_and_a_second_round_finishes_the_batch() {
    for serial in [UNRESTRICTED, RESTRICTED] {
        for named in [false, true] {
            for at in 1..=6 {
                for kind in kinds() {
                    let name = format!("{serial}, named {named}, APDU {at}, {kind:?}");
                    let world = World::new(named);
                    let broken = Laid::Token(world.file(serial), vec![Fault { at, kind }]);
                    world.run(serial, vec![broken]);
                    world.check(&name);
                    // The other token comes before the first one is back.
                    let round = vec![Laid::Token(world.file(OTHER), vec![]), Laid::Token(world.file(serial), vec![])];
                    let left = world.run(serial, round);
                    assert!(left.iter().all(|how| matches!(how, Left::Burned(_) | Left::Done)), "{name}: {left:?}");
                    world.check_done(serial, &name);
                }
            }
        }
    }
}

#[test]
fn another_token_in_the_middle_gets_nothing_that_was_meant_for_the_first() {
    for serial in [UNRESTRICTED, RESTRICTED] {
        for named in [false, true] {
            for at in 1..=6 {
                let name = format!("{serial}, named {named}, swapped at APDU {at}");
                let world = World::new(named);
                world.run(serial, vec![Laid::Swapped(world.file(serial), world.file(OTHER), at)]);
                world.check(&name);
                let before = world.holds(OTHER);
                assert!(before == format!("old {OTHER}").as_bytes() || at == 1, "{name}");
                let round = vec![Laid::Token(world.file(serial), vec![]), Laid::Token(world.file(OTHER), vec![])];
                world.run(serial, round);
                world.check_done(serial, &name);
            }
        }
    }
}

#[test]
fn a_token_already_done_is_left_alone_to_the_byte() {
    let world = World::new(false);
    world.run(UNRESTRICTED, vec![Laid::Token(world.file(UNRESTRICTED), vec![])]);
    let before = std::fs::read(Path::new(world.folder.path()).join(UNRESTRICTED)).unwrap();
    let left = world.run(UNRESTRICTED, vec![Laid::Token(world.file(UNRESTRICTED), vec![])]);
    assert!(matches!(left.as_slice(), [Left::Done]), "{left:?}");
    assert_eq!(std::fs::read(world.folder.path().join(UNRESTRICTED)).unwrap(), before);
}

#[test]
fn a_step_of_the_hosts_clock_at_any_apdu_burns_nothing_unrecorded_and_the_next_round_finishes() {
    for serial in [UNRESTRICTED, RESTRICTED] {
        for at in 1..=6 {
            let name = format!("{serial}, stepped at APDU {at}");
            let world = World::new(true);
            world.run(serial, vec![Laid::Stepped(world.file(serial), at)]);
            world.check(&name);
            let round = vec![Laid::Token(world.file(serial), vec![]), Laid::Token(world.file(OTHER), vec![])];
            world.run(serial, round);
            world.check_done(serial, &name);
        }
    }
}

#[test]
fn a_reader_that_is_pulled_and_plugged_in_again_is_worked_at_again() {
    use std::sync::atomic::{AtomicU64, Ordering};
    use tokentap::job::{ReaderNews, ReaderRef, Visitor};

    /// Counts what comes, until three tokens have.
    #[derive(Default)]
    struct Counting {
        tokens: AtomicU64,
        gone: AtomicU64,
    }

    impl Visitor for Counting {
        fn visit(&self, _: &ReaderRef, _: Box<dyn Device>) {
            self.tokens.fetch_add(1, Ordering::SeqCst);
        }

        fn reader(&self, _: Option<&ReaderRef>, news: ReaderNews) {
            self.gone.fetch_add(u64::from(matches!(news, ReaderNews::Gone(_))), Ordering::SeqCst);
        }

        fn answer(&self, _: u64, _: tokentap::job::Answer) {}

        fn settle(&self) {}

        fn is_over(&self) -> bool {
            self.tokens.load(Ordering::SeqCst) == 3
        }
    }

    let world = World::new(true);
    let lay = |serial| Laid::Token(world.file(serial), vec![]);
    let laid = vec![lay(UNRESTRICTED), Laid::Pulled, lay(RESTRICTED), Laid::Pulled, lay(OTHER)];
    let counting = Counting::default();
    let mut trays = TestTrays { later: Arc::new(Mutex::new(laid)), clock: world.clock.clone() };
    attend(&mut trays, &counting);
    assert_eq!((counting.tokens.into_inner(), counting.gone.into_inner()), (3, 2));
}
