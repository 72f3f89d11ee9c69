//! Several programs on one list, and an inventory that is older than its tokens: no seed goes onto two tokens.

use std::collections::HashSet;
use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokentap::inventory::{Listing, Sqlite};

use crate::batch::{Tray, check_agreement, rows, serials};
use crate::support::{Dice, text, tokentap};

const TRUST: &str = "--trust-host-clock";

/// A tray whose tokens are dealt out to folders, one a program.
pub fn shared_out(programs: usize, each: usize) -> (Tray, Vec<String>) {
    let desk = Tray::new(&[]);
    let all = serials("8659612", programs * each);
    let mut folders = Vec::new();
    for (number, some) in all.chunks(each).enumerate() {
        let folder = format!("reader{number}");
        fs::create_dir(desk.path(&folder)).unwrap();
        for serial in some {
            desk.add(serial);
            fs::rename(desk.token(serial), desk.path(&folder).join(format!("{serial}.json"))).unwrap();
        }
        folders.push(folder);
    }
    (desk, folders)
}

fn start(desk: &Tray, folder: &str, args: &[&str]) -> Child {
    let mut command = tokentap();
    command.current_dir(desk.folder.path()).env("TOKENTAP_INVENTORY", desk.path("inventory.sqlite"));
    command.args(["--json", "--reader", &format!("emulated:{folder}")]).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn gather(desk: &Tray, folders: &[String]) {
    for folder in folders {
        for entry in fs::read_dir(desk.path(folder)).unwrap() {
            let path = entry.unwrap().path();
            fs::rename(&path, desk.path("tokens").join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn two_four_and_eight_programs_on_one_list_each_get_other_rows_without_a_word() {
    for programs in [2, 4, 8] {
        let (desk, folders) = shared_out(programs, 8);
        desk.write("rows.csv", &rows(&vec![None; programs * 8]));
        // Clocks to the millisecond take long enough for everybody to claim at once.
        let args: &[&str] =
            if programs == 4 { &["batch", "rows.csv", "--precise", TRUST] } else { &["batch", "rows.csv", TRUST] };
        let children: Vec<Child> = folders.iter().map(|folder| start(&desk, folder, args)).collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let said = text(&output);
            assert!(matches!(output.status.code(), Some(0 | 10)), "{said}");
            assert!(!said.contains("forget") && !said.contains("\"outcome\":\"failed\""), "{programs}: {said}");
        }
        gather(&desk, &folders);
        check_agreement(&desk, None);
        let inventory = desk.inventory();
        let batch = inventory.batches(None).unwrap().remove(0);
        assert_eq!((batch.counts.done(), batch.counts.left()), (programs as u64 * 8, 0), "every token has a row");
        assert_eq!(inventory.findings().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn programs_on_one_list_that_are_killed_and_begun_again_lose_double_and_confuse_nothing() {
    let mut dice = Dice::new();
    let (desk, folders) = shared_out(4, 12);
    desk.write("rows.csv", &rows(&[None; 48]));
    let mut killed = 0;
    let start = |folder: &String| start(&desk, folder, &["batch", "rows.csv", TRUST]);
    while killed < 40 {
        let mut children: Vec<Child> = folders.iter().map(start).collect();
        std::thread::sleep(Duration::from_millis(5 + dice.below(60)));
        for child in &mut children {
            killed += u32::from(dice.below(2) == 0 && child.kill().is_ok());
        }
        for child in children {
            let said = text(&child.wait_with_output().unwrap());
            assert!(!said.contains("forget") && !said.contains("panicked"), "{said}");
        }
    }
    // Those that were killed lay their tokens down again.
    for child in folders.iter().map(start) {
        let output = child.wait_with_output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 10)), "{}", text(&output));
    }
    gather(&desk, &folders);
    check_agreement(&desk, None);
    let batch = desk.inventory().batches(None).unwrap().remove(0);
    assert_eq!((batch.counts.done(), batch.counts.unknown()), (48, 0));
}

#[test]
fn two_programs_that_write_a_file_each_leave_both_complete() {
    let (desk, folders) = shared_out(2, 6);
    desk.write("rows.csv", &rows(&[None; 12]));
    let children = [("a", 0), ("b", 1)].map(|(name, index)| {
        let to = format!("csv={name}.csv");
        start(&desk, &folders[index], &["batch", "rows.csv", "--to", &to, TRUST])
    });
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 10)), "{}", text(&output));
    }
    gather(&desk, &folders);
    // Whoever ended last has all of them.
    let lines = |name: &str| fs::read_to_string(desk.path(name)).map_or(0, |file| file.lines().count());
    assert_eq!(lines("a.csv").max(lines("b.csv")), 13);
    for name in ["a.csv", "b.csv"] {
        if lines(name) == 13 {
            check_agreement(&desk, Some(name));
        }
    }
}

/// Burns half of a list, takes a copy of the inventory, burns more, puts the copy back.
fn restored(args: &[&str], more: usize) -> (Tray, Vec<String>) {
    let all = serials("8659612", 10);
    let desk = Tray::new(&all[..3]);
    desk.write("rows.csv", &rows(&[None; 10]));
    assert_eq!(desk.run(args).0, 10);
    let backup = desk.command(&["inventory", "backup", "backup.sqlite"]).output().unwrap();
    assert!(backup.status.success(), "{}", text(&backup));
    for serial in &all[3..3 + more] {
        desk.add(serial);
    }
    assert_eq!(desk.run(args).0, 10);
    for beside in ["-wal", "-shm"] {
        let _ = fs::remove_file(desk.path(&format!("inventory.sqlite{beside}")));
    }
    fs::copy(desk.path("backup.sqlite"), desk.path("inventory.sqlite")).unwrap();
    (desk, all)
}

#[test]
fn with_an_inventory_from_a_backup_no_row_that_is_out_is_dealt_again() {
    for args in [
        &["batch", "rows.csv", "--to", "csv=out.csv", TRUST][..],
        &["batch", "--generate", "10", "--to", "csv=out.csv", TRUST],
    ] {
        let (desk, all) = restored(args, 3);
        // Only new tokens come: the rows of those that are out are not theirs.
        let away = desk.path("away");
        fs::create_dir(&away).unwrap();
        for serial in &all[..6] {
            fs::rename(desk.token(serial), away.join(serial)).unwrap();
        }
        for serial in &all[6..] {
            desk.add(serial);
        }
        let output = desk.command(args).output().unwrap();
        assert_eq!(output.status.code(), Some(10), "{}", text(&output));
        assert!(text(&output).contains("the .part file has 3 rows that the inventory does not"), "{}", text(&output));
        for serial in &all[..6] {
            fs::rename(away.join(serial), desk.token(serial)).unwrap();
        }
        let held = desk.seeds();
        let different: HashSet<&Vec<u8>> = held.values().collect();
        assert_eq!((held.len(), different.len()), (10, 10), "a seed is on two tokens");
        // The others are recognised when they come again.
        assert_eq!(desk.run(args).0, 0);
        check_agreement(&desk, Some("out.csv"));
    }
}

#[test]
fn a_part_file_that_contradicts_the_inventory_is_an_error_that_says_so() {
    let args = ["batch", "rows.csv", "--to", "csv=out.csv", TRUST];
    let (desk, all) = restored(&args, 1);
    // By the copy row 4 is free; somebody has burned it onto another token since, with the copy and without the .part file.
    fs::rename(desk.path("out.csv.part"), desk.path("kept")).unwrap();
    fs::rename(desk.path("out.csv"), desk.path("kept.csv")).unwrap();
    desk.add(&all[7]);
    fs::remove_file(desk.token(&all[3])).unwrap();
    assert_eq!(desk.run(&args).0, 10);
    fs::rename(desk.path("kept"), desk.path("out.csv.part")).unwrap();
    let (exit, lines) = desk.run(&args);
    assert_eq!((exit, &lines[0]["error"]["kind"]), (1, &Value::from("batch-contradicted")), "{lines:?}");
    assert!(lines[0]["error"]["message"].as_str().unwrap().contains(&all[3]), "{lines:?}");
}

#[test]
fn a_servers_file_that_is_written_already_stops_a_batch_that_the_inventory_thinks_is_open() {
    let args = ["batch", "rows.csv", "--to", "csv=out.csv", TRUST];
    let (desk, all) = restored(&args, 3);
    fs::remove_file(desk.path("out.csv.part")).unwrap();
    desk.add(&all[9]);
    let (exit, lines) = desk.run(&args);
    assert_eq!(exit, 1, "{lines:?}");
    let next = lines[0]["error"]["next"].as_str().unwrap();
    assert!(next.contains("restored from a backup since, stop") && !next.contains("--force"), "{next}");
}

#[test]
fn a_backup_is_whole_while_others_write_and_is_not_overwritten_unasked() {
    let (desk, folders) = shared_out(1, 40);
    desk.write("rows.csv", &rows(&[None; 40]));
    let mut child = start(&desk, &folders[0], &["batch", "rows.csv", TRUST]);
    let (mut made, mut tried) = (0, 0);
    while child.try_wait().unwrap().is_none() || made == 0 {
        tried += 1;
        assert!(made > 0 || tried < 1000, "no backup was made");
        let name = format!("backup{made}.sqlite");
        let output = desk.command(&["inventory", "backup", &name]).output().unwrap();
        if output.status.success() {
            let copy = Sqlite::open(&desk.path(&name)).unwrap();
            assert_eq!(copy.findings().unwrap(), Vec::<String>::new());
            made += 1;
        }
    }
    let again = desk.command(&["inventory", "backup", "backup0.sqlite"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    let own = desk.command(&["inventory", "backup", "inventory.sqlite", "--force"]).output().unwrap();
    assert_eq!(own.status.code(), Some(2), "{}", text(&own));
}

#[test]
fn with_an_older_inventory_each_new_seed_goes_to_the_row_of_its_user() {
    let args = ["batch", "--generate", "4", "--users", "users.txt", "--to", "csv=out.csv", TRUST];
    let all = serials("8659612", 5);
    let desk = Tray::new(&all[..1]);
    desk.write("users.txt", "ana\nben\neva\nzoe\n");
    assert_eq!(desk.run(&args).0, 10);
    let backup = desk.command(&["inventory", "backup", "backup.sqlite"]).output().unwrap();
    assert!(backup.status.success(), "{}", text(&backup));
    desk.add(&all[1]);
    desk.add(&all[2]);
    assert_eq!(desk.run(&args).0, 10);
    for beside in ["-wal", "-shm"] {
        let _ = fs::remove_file(desk.path(&format!("inventory.sqlite{beside}")));
    }
    fs::copy(desk.path("backup.sqlite"), desk.path("inventory.sqlite")).unwrap();
    // Several readers do not end in the order of the rows.
    let part = fs::read_to_string(desk.path("out.csv.part")).unwrap();
    let lines: Vec<&str> = part.lines().collect();
    let [header, first, second, third] = lines[..] else { panic!("{part}") };
    fs::write(desk.path("out.csv.part"), format!("{header}\n{first}\n{third}\n{second}\n")).unwrap();
    desk.add(&all[3]);
    assert_eq!(desk.run(&args).0, 0);
    let out = fs::read_to_string(desk.path("out.csv")).unwrap();
    let user_of = |line: &str| ["ana", "ben", "eva", "zoe"].into_iter().find(|user| line.contains(user)).unwrap();
    for line in out.lines().skip(1) {
        let serial = line.split(',').next().unwrap();
        let shown = desk.command(&["--json", "inventory", "show", serial]).output().unwrap();
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(shown["token"]["user"], user_of(line), "{shown}");
    }
}
