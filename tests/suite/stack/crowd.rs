//! Several programs at once, on one reader and on two, with one sealed inventory that is the only copy of the seeds: at the
//! end the tokens, the record and the server's file say the same, whatever was killed on the way.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokentap::inventory::{Identity, Inventory, SlotKey, Sqlite, open_of};
use tokentap::seed::Seed;

use super::harness::{Stack, in_namespace};
use crate::support::{Dice, text, tokentap};

/// How many tokens each test lays down; `TOKENTAP_TEST_CROWD` sets it.
fn tokens(usual: usize) -> usize {
    std::env::var("TOKENTAP_TEST_CROWD").ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}

/// An inventory that keeps seeds sealed, and nothing else does.
struct Crowd<'a> {
    folder: &'a Path,
    identity: Identity,
}

impl<'a> Crowd<'a> {
    fn new(folder: &'a Path) -> Self {
        let secret = age::x25519::Identity::generate();
        let recipient = secret.to_public().to_string();
        let secret = age::secrecy::ExposeSecret::expose_secret(&secret.to_string()).to_owned();
        let crowd = Self { folder, identity: Identity::parse(secret.as_bytes()).unwrap() };
        let made = crowd.command(&["inventory", "init", "--recipient", &recipient]).output().unwrap();
        assert!(made.status.success(), "{}", text(&made));
        crowd
    }

    fn path(&self) -> PathBuf {
        self.folder.join("inventory.sqlite")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = tokentap();
        command.current_dir(self.folder).env("TOKENTAP_INVENTORY", self.path()).args(args);
        command.env("XDG_CONFIG_HOME", self.folder.join("config"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The seed that a token holds, and those that the record says: the one that is known, and those that may be there.
    fn compare(&self, serial: &str) -> Compared {
        let inventory = Sqlite::open(&self.path()).unwrap();
        let key = inventory.fingerprint_key().clone();
        let state: Value =
            serde_json::from_slice(&fs::read(self.folder.join(format!("{serial}.json"))).unwrap()).unwrap();
        let held = data_encoding::HEXLOWER.decode(state["seed"].as_str().unwrap().as_bytes()).unwrap();
        let record = inventory.token(&SlotKey::only(serial)).unwrap();
        let is_pending = record.as_ref().is_some_and(|record| record.pending.is_some());
        let Some(record) = record.filter(|record| record.held().is_some()) else {
            return Compared { is_right: held.is_empty(), is_pending };
        };
        if held.is_empty() {
            return Compared { is_right: false, is_pending };
        }
        let sealed = open_of(&record, &key, &self.identity).unwrap();
        let is_right = sealed.seed == Seed::from_bytes(held).unwrap();
        Compared { is_right, is_pending }
    }
}

struct Compared {
    /// The seal that the record would burn again is the seed that the token holds.
    is_right: bool,
    /// The record says that it does not know.
    is_pending: bool,
}

fn make(crowd: &Crowd<'_>, serial: &str) -> PathBuf {
    let path = crowd.folder.join(format!("{serial}.json"));
    let made = tokentap()
        .args(["emulate", "--create", "--serial", serial, "--drift", "-97.25", "--state", path.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made));
    path
}

/// Starts programs one shortly after the other, kills some, and waits for all. A killed one has no output.
fn run(programs: Vec<Command>, kills: usize, dice: &mut Dice) -> Vec<Option<Output>> {
    let mut children: Vec<Child> = Vec::new();
    for mut program in programs {
        children.push(program.spawn().unwrap());
        std::thread::sleep(Duration::from_millis(dice.below(25)));
    }
    let mut killed = Vec::new();
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(dice.below(40)));
        let victim = dice.below(children.len() as u64) as usize;
        let _ = children[victim].kill();
        killed.push(victim);
    }
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    outputs.enumerate().map(|(index, output)| (!killed.contains(&index)).then_some(output)).collect()
}

/// Every program that was not killed has done its work, or has said that another one was at work.
fn check_ends(outputs: &[Option<Output>], what: &str) {
    for output in outputs.iter().flatten() {
        let said = text(output);
        // 5: another program's seed is on the token by now. 3: another program did not end in time.
        assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{what}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn two_to_eight_programs_on_one_reader_leave_the_seed_on_record_that_is_on_the_token() {
    in_namespace(
        "crowd::two_to_eight_programs_on_one_reader_leave_the_seed_on_record_that_is_on_the_token",
        |folder| {
            let stack = Stack::start(folder);
            let crowd = Crowd::new(folder);
            let mut dice = Dice::new();
            let mut done = BTreeMap::<i32, u32>::new();
            for number in 0..tokens(18) {
                let serial = format!("{}{number:07}", ["8659612", "8659622"][number % 2]);
                let state = make(&crowd, &serial);
                let token = stack.lay(0, &["--state", state.to_str().unwrap()]);
                let count = [2, 4, 8][number % 3];
                let burn = ["burn", "--generate", "--no-verify", "--trust-host-clock"];
                let sync = ["sync", "--fast", "--trust-host-clock"];
                let programs =
                    (0..count).map(|index| crowd.command(if index % 4 == 3 { &sync } else { &burn })).collect();
                let kills = if number % 3 == 2 { 2 } else { 0 };
                let outputs = run(programs, kills, &mut dice);
                for output in outputs.iter().flatten() {
                    *done.entry(output.status.code().unwrap()).or_default() += 1;
                }
                check_ends(&outputs, &serial);
                let compared = crowd.compare(&serial);
                if kills == 0 {
                    assert!(compared.is_right && !compared.is_pending, "{serial}: {outputs:?}");
                } else {
                    assert!(compared.is_right || compared.is_pending, "{serial}: {outputs:?}");
                    // What a killed one left is settled by the next.
                    let again = crowd.command(&[&burn[..], &["--replace-seed"]].concat()).output().unwrap();
                    assert!(again.status.success(), "{}", text(&again));
                    let compared = crowd.compare(&serial);
                    assert!(compared.is_right && !compared.is_pending, "{serial}");
                }
                token.take_off();
            }
            println!("exit codes: {done:?}");
            assert!(done.get(&0).is_some_and(|count| *count >= 18));
            assert!(Sqlite::open(&crowd.path()).unwrap().findings().unwrap().is_empty());
        },
    );
}

#[test]
fn sixteen_syncs_on_one_reader_all_end_well() {
    in_namespace("crowd::sixteen_syncs_on_one_reader_all_end_well", |folder| {
        let stack = Stack::start(folder);
        let crowd = Crowd::new(folder);
        let state = make(&crowd, "86596120001234");
        let _token = stack.lay(0, &["--state", state.to_str().unwrap()]);
        let programs = (0..16).map(|_| crowd.command(&["sync", "--fast", "--trust-host-clock"])).collect();
        for output in run(programs, 0, &mut Dice::new()).into_iter().flatten() {
            assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        }
    });
}

#[test]
fn a_desk_a_batch_and_burns_beside_each_other_on_two_readers_confuse_nothing() {
    in_namespace("crowd::a_desk_a_batch_and_burns_beside_each_other_on_two_readers_confuse_nothing", |folder| {
        let stack = Stack::start(folder);
        let crowd = Crowd::new(folder);
        let mut dice = Dice::new();
        let count = tokens(12);
        let batch = count.to_string();
        let mut desk = crowd.command(&["desk", "--fast", "--trust-host-clock"]).spawn().unwrap();
        let mut one =
            crowd.command(&["batch", "--generate", &batch, "--trust-host-clock", "--reader", "00 00"]).spawn().unwrap();
        let serials: Vec<String> = (0..count).map(|number| format!("8659612{number:07}")).collect();
        std::thread::sleep(Duration::from_millis(300));
        for (number, serial) in serials.iter().enumerate() {
            let state = make(&crowd, serial);
            let slot = number % 2;
            let token = stack.lay(slot, &["--state", state.to_str().unwrap()]);
            let reader = ["00 00", "00 01"][slot];
            let burn = ["burn", "--generate", "--no-verify", "--trust-host-clock", "--reader", reader];
            let sync = ["sync", "--fast", "--trust-host-clock", "--reader", reader];
            let outputs = run(vec![crowd.command(&burn), crowd.command(&sync)], 0, &mut dice);
            check_ends(&outputs, serial);
            settled(&crowd, serial);
            let compared = crowd.compare(serial);
            assert!(compared.is_right && !compared.is_pending, "{serial}: {outputs:?}");
            token.take_off();
        }
        for child in [&mut desk, &mut one] {
            super::harness::sh(&format!("kill -INT {}", child.id()));
        }
        for child in [desk, one] {
            let output = child.wait_with_output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 10 | 130)), "{}", text(&output));
            assert!(!text(&output).contains("UNKNOWN"), "{}", text(&output));
        }
        for serial in &serials {
            let compared = crowd.compare(serial);
            assert!(compared.is_right && !compared.is_pending, "{serial}");
        }
    });
}

/// Waits until no job is at work with a token any more: batch and desk go on when the others have ended.
fn settled(crowd: &Crowd<'_>, serial: &str) {
    let connection = rusqlite::Connection::open(crowd.path()).unwrap();
    let began = Instant::now();
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < Duration::from_millis(300) {
        let sql = "SELECT count(*) FROM leases WHERE serial = ?1";
        let jobs: i64 = connection.query_row(sql, [serial], |row| row.get(0)).unwrap();
        if jobs > 0 {
            quiet_since = Instant::now();
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{serial} is still worked at");
        std::thread::sleep(Duration::from_millis(10));
    }
}
