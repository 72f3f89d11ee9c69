//! Batches: which row goes onto which token, whatever happens on the way.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokentap::emulator::{CardState, StateFile, TokenClock};
use tokentap::inventory::{Inventory, Listing, RowState, SlotKey, Sqlite};
use tokentap::seed::Seed;
use tokentap::time::{HostClock, SystemClock, unix_ns};

use crate::support::{Dice, text, tokentap};

/// A folder with emulated tokens, an inventory, and whatever a batch writes.
pub struct Tray {
    pub folder: tempfile::TempDir,
}

impl Tray {
    pub fn new(serials: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tokens")).unwrap();
        let made = Self { folder };
        serials.iter().for_each(|serial| made.add(serial));
        made
    }

    pub fn add(&self, serial: &str) {
        let now = unix_ns(SystemClock::new().now().wall);
        let restricted = serial.starts_with("8659622");
        let state = CardState::new(serial, restricted, TokenClock::new(now, -97.25, 0.0, false));
        StateFile::new(self.token(serial)).save(&state).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn token(&self, serial: &str) -> PathBuf {
        self.path("tokens").join(format!("{serial}.json"))
    }

    pub fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = tokentap();
        command
            .current_dir(self.folder.path())
            .env("TOKENTAP_INVENTORY", self.path("inventory.sqlite"))
            .env("TOKENTAP_READER", "emulated:tokens")
            .args(args);
        command
    }

    /// Runs a command, and returns its exit code and its lines of JSON.
    pub fn run(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let output = self.command(&[&["--json"][..], args].concat()).output().unwrap();
        let lines = String::from_utf8(output.stdout.clone()).unwrap();
        let values = lines.lines().map(|line| serde_json::from_str(line).expect(&lines)).collect();
        (output.status.code().unwrap_or_else(|| panic!("{}", text(&output))), values)
    }

    pub fn inventory(&self) -> Sqlite {
        Sqlite::open(&self.path("inventory.sqlite")).unwrap()
    }

    /// The only batch.
    pub fn inventory_batch(&self) -> tokentap::inventory::BatchRecord {
        self.inventory().batches(None).unwrap().remove(0)
    }

    /// What each token really holds; tokens without a seed are left away.
    pub fn seeds(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.path("tokens")).unwrap().map(|entry| entry.unwrap().path());
        // A killed emulator may leave a file that it had not yet renamed into place.
        let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
        let states = files.map(|file| StateFile::new(file).load().unwrap().unwrap());
        states.filter(|state| !state.seed.is_empty()).map(|state| (state.serial.clone(), state.seed_bytes())).collect()
    }
}

pub fn serials(model: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{model}{number:07}")).collect()
}

/// Half of them of a model that loses its seed at a clock write.
pub fn mixed_serials(count: usize) -> Vec<String> {
    [serials("8659612", count / 2), serials("8659622", count - count / 2)].concat()
}

/// Rows with a seed each, some for a named serial.
pub fn rows(named: &[Option<&str>]) -> String {
    let mut content = "serial,secret,upn\n".to_owned();
    for (number, serial) in named.iter().enumerate() {
        let secret = Seed::from_bytes(format!("seed number {number:07}").into_bytes()).unwrap();
        content.push_str(&format!(
            "{},{},user{number}@example.org\n",
            serial.unwrap_or(""),
            secret.to_base32().as_str()
        ));
    }
    content
}

fn outcomes(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter(|line| line["event"] == "token").map(|line| line["outcome"].as_str().unwrap()).collect()
}

/// The seeds of a server's file in the tool's own format, by serial.
fn written(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let content = fs::read_to_string(path).unwrap();
    let mut found = BTreeMap::new();
    for line in content.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let seed = data_encoding::BASE32_NOPAD.decode(fields[1].as_bytes()).unwrap();
        assert!(found.insert(fields[0].to_owned(), seed).is_none(), "{} stands there twice", fields[0]);
    }
    found
}

/// Tokens, inventory and the server's file say the same, and no two tokens hold one seed.
pub fn check_agreement(desk: &Tray, output: Option<&str>) {
    check_agreement_with(desk, &desk.inventory(), output);
}

/// The same with an inventory wherever it is.
pub fn check_agreement_with(desk: &Tray, inventory: &dyn Inventory, output: Option<&str>) {
    let held = desk.seeds();
    let different: HashSet<&Vec<u8>> = held.values().collect();
    assert_eq!(different.len(), held.len(), "a seed is on two tokens");
    let batch = inventory.batches(None).unwrap().remove(0);
    let key = inventory.fingerprint_key().clone();
    let mut done = BTreeMap::new();
    inventory
        .visit_rows(batch.id, &[], &mut |row| {
            if row.state.is_done() {
                done.insert(row.serial.unwrap(), row.seed.unwrap());
            }
        })
        .unwrap();
    for (serial, seed) in &done {
        let true_seed = Seed::from_bytes(held[serial].clone()).unwrap();
        assert_eq!(key.of(&true_seed), *seed, "{serial} holds another seed than its row");
        assert_eq!(
            inventory.token(&SlotKey::only(serial)).unwrap().unwrap().seed,
            Some(*seed),
            "{serial}: token and row disagree"
        );
    }
    if let Some(output) = output {
        let written = written(&desk.path(output));
        assert_eq!(written.len(), done.len());
        for (serial, seed) in written {
            assert_eq!(held[&serial], seed, "{serial}: the server would have another seed");
        }
    }
}

const TRUST: &str = "--trust-host-clock";

#[test]
fn rows_without_serials_are_dealt_out_in_order_and_the_servers_file_has_them() {
    let desk = Tray::new(&mixed_serials(4));
    desk.write("rows.csv", &rows(&[None; 4]));
    let (exit, lines) =
        desk.run(&["batch", "rows.csv", "--to", "csv=out.csv", "--to", "duo=duo.csv", "--drop", "user", TRUST]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["burned"; 4]));
    let summary = lines.last().unwrap();
    assert_eq!((&summary["done"], &summary["left"]), (&4.into(), &0.into()), "{summary}");
    check_agreement(&desk, Some("out.csv"));
    assert_eq!(fs::read_to_string(desk.path("duo.csv")).unwrap().lines().count(), 4);
    assert!(!desk.path("out.csv.part").exists(), "nothing is left to do");
}

#[test]
fn named_rows_go_to_their_tokens_in_whatever_order_these_come_and_strangers_are_left_alone() {
    let all = mixed_serials(4);
    let desk = Tray::new(&all);
    let before = fs::read(desk.token(&all[3])).unwrap();
    desk.write("rows.csv", &rows(&[Some(&all[2]), Some(&all[0]), Some(&all[1])]));
    let (exit, lines) = desk.run(&["batch", "rows.csv", "--to", "csv=out.csv", TRUST]);
    // When the last row is done the run is over, so the stranger may not even be looked at.
    assert_eq!((exit, outcomes(&lines)), (0, vec!["burned"; 3]));
    assert_eq!(desk.seeds()[&all[2]], b"seed number 0000000");
    assert_eq!(fs::read(desk.token(&all[3])).unwrap(), before);
    check_agreement(&desk, Some("out.csv"));
}

#[test]
fn a_token_that_is_not_on_the_list_is_named_and_left_alone_and_rows_that_remain_are_exit_10() {
    let all = mixed_serials(2);
    let desk = Tray::new(&all);
    desk.write("rows.csv", &rows(&[Some(&all[0]), Some("86596120099999")]));
    let (exit, lines) = desk.run(&["batch", "rows.csv", "--to", "csv=out.csv", TRUST]);
    assert_eq!((exit, outcomes(&lines)), (10, vec!["burned", "not-listed"]));
    assert_eq!(desk.seeds().len(), 1);
    assert!(desk.path("out.csv.part").exists());
    // It comes the next day.
    desk.add("86596120099999");
    let (exit, lines) = desk.run(&["batch", "rows.csv", "--to", "csv=out.csv", TRUST]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["already", "burned"]));
    check_agreement(&desk, Some("out.csv"));
}

#[test]
fn a_token_that_lost_its_seed_since_gets_its_row_again_or_another_batchs() {
    let all = serials("8659622", 1);
    let desk = Tray::new(&all);
    desk.write("rows.csv", &rows(&[Some(&all[0]), Some("86596120099999")]));
    let batch = ["batch", "rows.csv", "--to", "csv=out.csv", TRUST];
    assert_eq!(desk.run(&batch).0, 10);
    let erase =
        ["--reader", &format!("emulated:{}", desk.token(&all[0]).display()), "sync", "--fast", "--erase-seed", TRUST];
    let erased = tokentap().env("TOKENTAP_INVENTORY", desk.path("inventory.sqlite")).args(erase).status().unwrap();
    assert!(erased.success() && desk.seeds().is_empty());
    let (exit, lines) = desk.run(&batch);
    assert_eq!((exit, outcomes(&lines)), (10, vec!["burned"]));
    assert_eq!(desk.seeds()[&all[0]], b"seed number 0000000");
    // Erased again, it holds nothing that another batch would have to spare.
    let erased = tokentap().env("TOKENTAP_INVENTORY", desk.path("inventory.sqlite")).args(erase).status().unwrap();
    assert!(erased.success());
    desk.write("other.csv", "secret\nJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n");
    let (exit, lines) = desk.run(&["batch", "other.csv", TRUST]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["burned"]));
}

#[test]
fn a_finished_batch_is_recognised_and_a_changed_file_is_refused_without_new_batch() {
    let desk = Tray::new(&serials("8659612", 3));
    desk.write("rows.csv", &rows(&[None; 2]));
    assert_eq!(desk.run(&["batch", "rows.csv", TRUST]).0, 0);
    let (exit, lines) = desk.run(&["batch", "rows.csv", TRUST]);
    assert_eq!((exit, outcomes(&lines).len()), (0, 0));

    let desk = Tray::new(&serials("8659612", 1));
    desk.write("rows.csv", &rows(&[None; 2]));
    assert_eq!(desk.run(&["batch", "rows.csv", TRUST]).0, 10);
    desk.write("rows.csv", &rows(&[None; 3]));
    let (exit, lines) = desk.run(&["batch", "rows.csv", TRUST]);
    assert_eq!((exit, &lines[0]["error"]["kind"]), (2, &"batch-changed".into()));
    desk.add("86596120000002");
    desk.add("86596120000003");
    // Its first seed is on the first token already, and goes to no other.
    let (exit, lines) = desk.run(&["batch", "rows.csv", "--new-batch", TRUST]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["burned"; 3]));
    check_agreement(&desk, None);
}

#[test]
fn a_token_that_holds_a_seed_from_elsewhere_is_left_alone_unless_it_is_to_be_burned_anew() {
    let desk = Tray::new(&serials("8659612", 1));
    desk.write("first.csv", &rows(&[None]));
    assert_eq!(desk.run(&["batch", "first.csv", TRUST]).0, 0);
    desk.write("second.csv", "secret\nJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n");
    let (exit, lines) = desk.run(&["batch", "second.csv", TRUST]);
    assert_eq!((exit, outcomes(&lines)), (10, vec!["holds-another"]));
    assert_eq!(desk.seeds()["86596120000001"], b"seed number 0000000");
    assert_eq!(desk.run(&["batch", "second.csv", "--reburn", TRUST]).0, 0);
    check_agreement(&desk, None);
    // A list that names it is no leave to overwrite it either.
    desk.write("third.csv", "serial,secret\n86596120000001,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
    let (exit, lines) = desk.run(&["batch", "third.csv", TRUST]);
    assert_eq!((exit, outcomes(&lines)), (10, vec!["holds-another"]));
    assert_eq!(desk.run(&["batch", "third.csv", "--reburn", TRUST]).0, 0);
    assert_eq!(desk.run(&["batch", "third.csv", "--users", "third.csv", TRUST]).0, 2);
}

#[test]
fn new_seeds_need_a_place_and_go_with_their_users() {
    let desk = Tray::new(&mixed_serials(3));
    let (exit, lines) = desk.run(&["batch", "--generate", "3", TRUST]);
    assert_eq!((exit, &lines[0]["error"]["kind"]), (2, &"usage".into()));
    desk.write("users.txt", "ada@example.org\nbob@example.org\ncho@example.org\n");
    let (exit, lines) = desk.run(&["batch", "--generate", "3", "--users", "users.txt", "--to", "csv=out.csv", TRUST]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["burned"; 3]));
    assert_eq!(lines[1]["user"], "ada@example.org");
    check_agreement(&desk, Some("out.csv"));
    assert!(desk.seeds().values().all(|seed| seed.len() == 20));
}

#[test]
fn without_an_inventory_a_batch_goes_on_by_its_part_file() {
    let all = serials("8659612", 3);
    let desk = Tray::new(&all[..1]);
    desk.write("rows.csv", &rows(&[None; 3]));
    let none = ["batch", "rows.csv", "--to", "csv=out.csv", "--inventory", "none", TRUST];
    assert_eq!(desk.run(&none).0, 10);
    desk.add(&all[1]);
    desk.add(&all[2]);
    // The files of the first run are there: that is said, and --force is what goes on over them.
    assert_eq!(desk.run(&none).0, 1);
    let (exit, lines) = desk.run(&[&none[..], &["--force"]].concat());
    assert_eq!((exit, outcomes(&lines)), (0, vec!["burned"; 3]));
    let held = desk.seeds();
    assert_eq!(held[&all[0]], b"seed number 0000000", "the first token keeps its row");
    assert_eq!(written(&desk.path("out.csv")), held);
}

#[test]
fn every_row_is_checked_before_the_first_token() {
    let desk = Tray::new(&serials("8659612", 1));
    for (content, what) in [
        ("secret,hash\nJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,SHA512\n", "SHA-512"),
        ("secret\nJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\nJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n", "is in line 2 too"),
        ("secret,digits\nJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,8\n", "6 digits"),
    ] {
        desk.write("rows.csv", content);
        let (exit, lines) = desk.run(&["batch", "rows.csv", TRUST]);
        assert_eq!(exit, 2, "{lines:?}");
        assert!(lines[0].to_string().contains(what), "{lines:?}");
    }
    // What the server's format cannot carry is found out as early.
    desk.write("rows.csv", &rows(&[None]));
    let (exit, lines) = desk.run(&["batch", "rows.csv", "--to", "duo=duo.csv", TRUST]);
    assert_eq!(exit, 2);
    assert!(lines[0].to_string().contains("--drop user"), "{lines:?}");
    assert!(desk.seeds().is_empty());
}

/// Kills the running batch until it was killed `kills` times, over as many batches as that takes.
fn kill_and_resume(kills: usize, dice: &mut Dice, make: impl Fn(&Tray) -> Vec<String>, output: &str) -> usize {
    let mut killed = 0;
    let mut batches = 0;
    while killed < kills {
        let all = mixed_serials(30);
        let desk = Tray::new(&all);
        let args = make(&desk);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        loop {
            let mut child = desk.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(dice.below(25_000)));
            child.kill().unwrap();
            let status = child.wait().unwrap();
            if let Some(code) = status.code() {
                // Killed after its last record, a batch of new seeds is finished, and its file is in nobody's way.
                let closed = desk.inventory().batches(None).unwrap()[0].closed;
                assert!(code == 0 || code == 1 && closed.is_some(), "{args:?}: {code}");
                break;
            }
            killed += 1;
            check_after_a_kill(&desk, output);
        }
        assert_eq!(desk.seeds().len(), all.len());
        check_agreement(&desk, Some(output));
        assert_eq!(desk.inventory().batches(None).unwrap()[0].counts.done(), all.len() as u64);
        batches += 1;
    }
    println!("{killed} kills in {batches} batches");
    killed
}

/// After a kill nothing is on a token that is not on record, and no seed is on two.
fn check_after_a_kill(desk: &Tray, output: &str) {
    let held = desk.seeds();
    let different: HashSet<&Vec<u8>> = held.values().collect();
    assert_eq!(different.len(), held.len(), "a seed is on two tokens");
    if held.is_empty() {
        return;
    }
    let part = desk.path(&format!("{output}.part"));
    let kept =
        if part.exists() { fs::read_to_string(part).unwrap() } else { fs::read_to_string(desk.path(output)).unwrap() };
    let inventory = desk.inventory();
    let key = inventory.fingerprint_key().clone();
    for (serial, seed) in held {
        let fingerprint = key.of(&Seed::from_bytes(seed.clone()).unwrap());
        let token = inventory.token(&SlotKey::only(serial.as_str())).unwrap().unwrap();
        let pending = token.pending.and_then(|pending| pending.seed);
        assert!([token.seed, pending].contains(&Some(fingerprint)), "{serial} holds what the inventory does not know");
        let line = format!("{serial},{}", data_encoding::BASE32_NOPAD.encode(&seed));
        assert!(kept.contains(&line), "{serial} holds what no file has");
    }
}

#[test]
fn killed_two_hundred_times_at_random_moments_a_batch_loses_doubles_and_confuses_nothing() {
    let mut dice = Dice::new();
    let dealt = |desk: &Tray| {
        desk.write("rows.csv", &rows(&[None; 30]));
        ["batch", "rows.csv", "--to", "csv=out.csv", TRUST].map(str::to_owned).to_vec()
    };
    let named = |desk: &Tray| {
        let mut all: Vec<String> = mixed_serials(30);
        all.reverse();
        desk.write("rows.csv", &rows(&all.iter().map(|serial| Some(serial.as_str())).collect::<Vec<_>>()));
        ["batch", "rows.csv", "--to", "csv=out.csv", TRUST].map(str::to_owned).to_vec()
    };
    let fresh = |_: &Tray| ["batch", "--generate", "30", "--to", "csv=out.csv", TRUST].map(str::to_owned).to_vec();
    let killed = kill_and_resume(70, &mut dice, dealt, "out.csv")
        + kill_and_resume(70, &mut dice, named, "out.csv")
        + kill_and_resume(70, &mut dice, fresh, "out.csv");
    assert!(killed >= 200, "{killed}");
}

#[test]
fn a_torn_line_at_the_end_of_the_part_file_is_cut_off() {
    let all = serials("8659612", 2);
    let desk = Tray::new(&all[..1]);
    desk.write("rows.csv", &rows(&[None; 2]));
    let args = ["batch", "rows.csv", "--to", "csv=out.csv", TRUST];
    assert_eq!(desk.run(&args).0, 10);
    let part = desk.path("out.csv.part");
    let torn = fs::read_to_string(&part).unwrap() + "86596120000002,ONSWKZBA";
    fs::write(&part, torn).unwrap();
    desk.add(&all[1]);
    assert_eq!(desk.run(&args).0, 0);
    check_agreement(&desk, Some("out.csv"));
}

#[test]
fn a_lost_part_file_is_made_again_from_the_list_and_missed_where_its_seeds_were_nowhere_else() {
    let all = serials("8659612", 2);
    for (args, exit) in [
        (&["batch", "rows.csv", "--to", "csv=out.csv", TRUST][..], 0),
        (&["batch", "--generate", "2", "--to", "csv=out.csv", TRUST], 1),
    ] {
        let desk = Tray::new(&all[..1]);
        desk.write("rows.csv", &rows(&[None; 2]));
        assert_eq!(desk.run(args).0, 10);
        fs::remove_file(desk.path("out.csv.part")).unwrap();
        fs::remove_file(desk.path("out.csv")).unwrap();
        desk.add(&all[1]);
        let (code, lines) = desk.run(args);
        assert_eq!(code, exit, "{lines:?}");
        if exit == 0 {
            check_agreement(&desk, Some("out.csv"));
        } else {
            assert!(lines[0].to_string().contains("lacks the seeds of 1 tokens"), "{lines:?}");
        }
    }
}

#[test]
fn rows_keep_their_states_in_the_inventory() {
    let all = serials("8659612", 2);
    let desk = Tray::new(&all[..1]);
    desk.write("rows.csv", &rows(&[None, Some("86596120000009")]));
    assert_eq!(desk.run(&["batch", "rows.csv", TRUST]).0, 10);
    let inventory = desk.inventory();
    let batch = inventory.batches(None).unwrap().remove(0);
    let mut states = Vec::new();
    inventory.visit_rows(batch.id, &[], &mut |row| states.push((row.row, row.state, row.serial))).unwrap();
    let expected =
        [(1, RowState::Burned, Some(all[0].clone())), (2, RowState::Planned, Some("86596120000009".to_owned()))];
    assert_eq!(states, expected);
    assert!(batch.closed.is_none());
    let mut list = tokentap();
    list.env("TOKENTAP_INVENTORY", desk.path("inventory.sqlite"));
    let shown = list.args(["inventory", "batches", "--rows", "1", "--state", "burned", "--csv"]).output().unwrap();
    assert_eq!(text(&shown), "row,state,serial,user,error\n1,burned,86596120000001,user0@example.org,\n");
}

#[test]
fn a_seed_that_another_token_got_meanwhile_is_dealt_to_nobody_else() {
    let all = serials("8659612", 3);
    // The list waits; its first seed goes onto another token by hand.
    let desk = Tray::new(&all[..1]);
    desk.write("rows.csv", &rows(&[None; 2]));
    let nobody = tempfile::tempdir().unwrap();
    let empty = format!("emulated:{}", nobody.path().display());
    let mut begin = tokentap();
    begin.current_dir(desk.folder.path()).env("TOKENTAP_INVENTORY", desk.path("inventory.sqlite"));
    assert_eq!(begin.args(["--reader", &empty, "batch", "rows.csv", TRUST]).output().unwrap().status.code(), Some(10));
    let by_hand = format!("emulated:tokens/{}.json", all[0]);
    let mut burn = tokentap();
    burn.current_dir(desk.folder.path()).env("TOKENTAP_INVENTORY", desk.path("inventory.sqlite"));
    burn.args(["--reader", &by_hand, "burn", "--no-verify", "--seed-file", "rows.csv", "--row", "1", TRUST]);
    assert!(burn.output().unwrap().status.success());
    desk.add(&all[1]);
    desk.add(&all[2]);
    let (exit, lines) = desk.run(&["batch", "rows.csv", TRUST]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["burned", "burned"]), "{lines:?}");
    let held = desk.seeds();
    assert_eq!(held[&all[0]], b"seed number 0000000", "the row stays with the token that holds its seed");
    assert_eq!(held[&all[1]], b"seed number 0000001");
    assert!(!held.contains_key(&all[2]));
    check_agreement(&desk, None);
}

#[test]
fn two_programs_that_begin_the_same_list_at_once_share_one_batch() {
    for round in 0..5 {
        let all = serials("8659612", 20);
        let desk = Tray::new(&[]);
        for (index, serial) in all.iter().enumerate() {
            let folder = desk.path(if index % 2 == 0 { "one" } else { "two" });
            fs::create_dir_all(&folder).unwrap();
            desk.add(serial);
            fs::rename(desk.token(serial), folder.join(format!("{serial}.json"))).unwrap();
        }
        desk.write("rows.csv", &rows(&[None; 20]));
        let run = |reader: &str| {
            let mut command = tokentap();
            command.current_dir(desk.folder.path()).env("TOKENTAP_INVENTORY", desk.path("inventory.sqlite"));
            command.args(["--reader", reader, "batch", "rows.csv", TRUST]).stdout(Stdio::null()).spawn().unwrap()
        };
        for mut child in [run("emulated:one"), run("emulated:two")] {
            assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)), "round {round}");
        }
        for folder in ["one", "two"] {
            for entry in fs::read_dir(desk.path(folder)).unwrap() {
                let path = entry.unwrap().path();
                fs::rename(&path, desk.path("tokens").join(path.file_name().unwrap())).unwrap();
            }
        }
        assert_eq!(desk.inventory().batches(None).unwrap().len(), 1, "round {round}");
        check_agreement(&desk, None);
        assert_eq!(desk.run(&["batch", "rows.csv", TRUST]).0, 0, "round {round}");
    }
}

#[test]
fn the_part_file_of_another_batch_and_files_of_other_people_are_left_as_they_are() {
    let all = serials("8659612", 3);
    let desk = Tray::new(&all[..1]);
    // New seeds, of which one is burned: their only copy.
    let fresh = ["batch", "--generate", "2", "--to", "csv=out.csv", TRUST];
    assert_eq!(desk.run(&fresh).0, 10);
    fs::remove_file(desk.path("out.csv")).unwrap();
    desk.write("rows.csv", &rows(&[None; 1]));
    desk.add(&all[1]);
    let (exit, lines) = desk.run(&["batch", "rows.csv", "--to", "csv=out.csv", TRUST]);
    assert_eq!(exit, 2, "{lines:?}");
    assert!(lines[0].to_string().contains("of another batch"), "{lines:?}");
    assert_eq!(desk.run(&fresh).0, 0);
    check_agreement(&desk, Some("out.csv"));

    // What is no .part file is not cut.
    desk.write("x.csv.part", "somebody's notes, without an end of line");
    assert_eq!(desk.run(&["batch", "rows.csv", "--to", "csv=x.csv", TRUST]).0, 1);
    assert_eq!(fs::read_to_string(desk.path("x.csv.part")).unwrap(), "somebody's notes, without an end of line");
    // A batch that is open overwrites nothing that it did not write.
    desk.write("rows.csv", &rows(&[None; 2]));
    desk.write("important.csv", "mine");
    assert_eq!(desk.run(&["batch", "rows.csv", "--reburn", TRUST]).0, 0);
    for to in ["csv=important.csv", "csv=rows.csv", "csv=tokens", "csv=missing/out.csv"] {
        assert!(matches!(desk.run(&["batch", "rows.csv", "--to", to, TRUST]).0, 1 | 2), "{to}");
    }
    assert_eq!(fs::read_to_string(desk.path("important.csv")).unwrap(), "mine");
    assert_eq!(
        desk.run(&["batch", "rows.csv", "--to", "csv=a.csv", "--to", "duo=./a.csv", "--drop", "user", TRUST]).0,
        2
    );
    // A finished batch still writes the file that it is asked for.
    assert_eq!(desk.run(&["batch", "rows.csv", "--to", "csv=late.csv", TRUST]).0, 0);
    check_agreement(&desk, Some("late.csv"));
}

#[test]
fn other_flags_are_another_batch_and_users_are_checked_before_the_first_token() {
    let desk = Tray::new(&serials("8659612", 1));
    desk.write("rows.csv", &rows(&[None; 2]));
    assert_eq!(desk.run(&["batch", "rows.csv", "--to", "csv=out.csv", "--step", "60", TRUST]).0, 10);
    let (exit, lines) = desk.run(&["batch", "rows.csv", "--to", "csv=out.csv", "--force", TRUST]);
    assert_eq!((exit, &lines[0]["error"]["kind"]), (2, &"batch-changed".into()), "{lines:?}");
    let desk = Tray::new(&serials("8659612", 1));
    desk.write("users.txt", "ada\nb\u{1b}ob\n");
    assert_eq!(desk.run(&["batch", "--generate", "2", "--users", "users.txt", "--to", "csv=u.csv", TRUST]).0, 2);
    desk.write("rows.csv", &rows(&[None; 2]));
    // Nothing would say which row went where.
    assert_eq!(desk.run(&["batch", "rows.csv", "--inventory", "none", TRUST]).0, 2);
    assert!(desk.seeds().is_empty());
}

#[test]
fn lists_without_an_end_and_names_without_a_measure_are_refused_before_the_first_token() {
    let desk = Tray::new(&serials("8659612", 1));
    let long = format!("serial,secret,upn\n,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,{}\n", "a".repeat(60 * 1024));
    desk.write("long.csv", &long);
    desk.write("users", &format!("{}\n", "u".repeat(5000)));
    desk.write("escape", "ada\u{1b}[2J\n");
    for args in [
        &["batch", "--generate", "1", "--users", "/dev/zero", "--to", "csv=out.csv", TRUST][..],
        &["batch", "--generate", "1", "--users", "users", "--to", "csv=out.csv", TRUST],
        &["batch", "--generate", "1", "--users", "escape", "--to", "csv=out.csv", TRUST],
        &["batch", "long.csv", "--to", "csv=out.csv", TRUST],
    ] {
        let (exit, lines) = desk.run(args);
        assert!(matches!(exit, 1 | 2), "{args:?}: {lines:?}");
        assert!(desk.seeds().is_empty() && !desk.path("out.csv.part").exists(), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_part_file_is_never_opened_through_a_link() {
    let desk = Tray::new(&serials("8659612", 1));
    desk.write("rows.csv", &rows(&[None; 1]));
    desk.write("somebodys", "");
    std::os::unix::fs::symlink("somebodys", desk.path("out.csv.part")).unwrap();
    let (exit, lines) = desk.run(&["batch", "rows.csv", "--to", "csv=out.csv", TRUST]);
    assert_eq!(exit, 1, "{lines:?}");
    assert_eq!(fs::read_to_string(desk.path("somebodys")).unwrap(), "");
    assert!(desk.seeds().is_empty());
    // Also where the link comes after the look at its name: the system itself refuses it.
    let key = desk.inventory().fingerprint_key().clone();
    assert!(tokentap::job::batch::PartFile::open(&desk.path("out.csv.part"), &key, &mut |_| ()).is_err());
}
