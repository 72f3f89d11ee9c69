//! Batches and the desk on the real stack: two readers, tokens that come and go, a service that restarts.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::Value;
use tokentap::inventory::{Inventory, SlotKey, Sqlite};
use tokentap::seed::Seed;

use super::harness::{LIMIT, Stack, in_namespace, sh};
use crate::support::{Dice, tokentap};

/// A run of many tokens in the background, whose events are waited for by serial.
struct Run {
    child: Child,
    waiting: Mutex<BTreeMap<String, Sender<Value>>>,
}

impl Run {
    fn start(folder: &Path, args: &[&str]) -> (Self, BufReader<ChildStdout>) {
        let mut command: Command = tokentap();
        command.current_dir(folder).env("TOKENTAP_INVENTORY", folder.join("inventory.sqlite"));
        let mut child = command.arg("--json").args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        assert!(first.contains("\"begin\""), "{first}");
        (Self { child, waiting: Mutex::default() }, lines)
    }

    /// What will be said of a token.
    fn expect(&self, serial: &str) -> Receiver<Value> {
        let (sender, receiver) = channel();
        self.waiting.lock().unwrap().insert(serial.to_owned(), sender);
        receiver
    }

    /// Hands out events to those who wait for them; returns the summary. Who still waits then is told that nothing comes.
    fn listen(&self, lines: BufReader<ChildStdout>) -> Value {
        let _nobody_waits_on = Dismissed(&self.waiting);
        let mut last = Value::Null;
        for line in lines.lines() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if let Some(serial) = line["token"]["serial"].as_str()
                && let Some(sender) = self.waiting.lock().unwrap().remove(serial)
            {
                let _ = sender.send(line.clone());
            }
            last = line;
        }
        last
    }
}

/// Drops the senders of all who wait, also when the listener has failed.
struct Dismissed<'a>(&'a Mutex<BTreeMap<String, Sender<Value>>>);

impl Drop for Dismissed<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }
}

/// Ends a run whose test has failed, since those who listen to it would wait for its end.
struct EndedByFailure(u32);

impl Drop for EndedByFailure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            sh(&format!("kill -KILL {} || true", self.0));
        }
    }
}

/// A token's state file.
fn state(folder: &Path, serial: &str) -> PathBuf {
    folder.join(format!("{serial}.json"))
}

fn make(folder: &Path, serial: &str) {
    let path = state(folder, serial);
    let made = tokentap()
        .args(["emulate", "--create", "--serial", serial, "--drift", "-97.25", "--state", path.to_str().unwrap()])
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

/// Lays a token on a slot, waits for what is said of it, and takes it off.
fn visit(stack: &Stack, run: &Run, folder: &Path, slot: usize, serial: &str, fault: &[&str]) -> String {
    let said = run.expect(serial);
    let path = state(folder, serial);
    let mut laid = stack.lay(slot, &[&["--state", path.to_str().unwrap()], fault].concat());
    let event = said.recv_timeout(4 * LIMIT).unwrap_or_else(|error| panic!("nothing was said of {serial}: {error}"));
    if fault.is_empty() {
        laid.take_off();
    } else {
        laid.gone();
    }
    event["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn two_hundred_tokens_on_two_readers_in_any_order_with_five_faults_end_complete_and_right() {
    in_namespace(
        "runs::two_hundred_tokens_on_two_readers_in_any_order_with_five_faults_end_complete_and_right",
        |folder| {
            let mut stack = Stack::start(folder);
            let mut dice = Dice::new();
            let all: Vec<String> = (1..=200)
                .map(|number| format!("{}{number:07}", if number % 2 == 0 { "8659612" } else { "8659622" }))
                .collect();
            let mut rows = "serial,secret\n".to_owned();
            for serial in &all {
                make(folder, serial);
                let seed = Seed::from_bytes(format!("the seed of {serial}").into_bytes()).unwrap();
                rows.push_str(&format!("{serial},{}\n", seed.to_base32().as_str()));
            }
            fs::write(folder.join("rows.csv"), rows).unwrap();
            let mut order = all.clone();
            dice.shuffle(&mut order);
            let args = ["batch", "rows.csv", "--to", "csv=out.csv", "--trust-host-clock", "--wait", "120"];
            let (mut run, lines) = Run::start(folder, &args);

            let summary = std::thread::scope(|scope| {
                let listener = scope.spawn(|| run.listen(lines));
                let _ended = EndedByFailure(run.child.id());
                // Two tokens leave in the middle, before and after a write is carried out; they come again at the end.
                let restricted = order.iter().position(|serial| serial.starts_with("8659622")).unwrap();
                order.swap(0, restricted);
                assert_eq!(visit(&stack, &run, folder, 0, &order[0], &["--leave-after", "4"]), "failed");
                assert_eq!(visit(&stack, &run, folder, 1, &order[1], &["--leave-before", "5"]), "failed");
                // A stranger.
                make(folder, "86596120099999");
                assert_eq!(visit(&stack, &run, folder, 0, "86596120099999", &[]), "not-listed");
                // Another program keeps the inventory for a while.
                let holder = rusqlite::Connection::open(folder.join("inventory.sqlite")).unwrap();
                holder.execute_batch("BEGIN IMMEDIATE").unwrap();
                std::thread::scope(|scope| {
                    let locked = scope.spawn(|| visit(&stack, &run, folder, 0, &order[2], &[]));
                    std::thread::sleep(std::time::Duration::from_millis(700));
                    holder.execute_batch("ROLLBACK").unwrap();
                    assert_eq!(locked.join().unwrap(), "burned");
                });
                drop(holder);

                let work = |stack: &Stack, serials: &[String]| {
                    let (first, second) = serials.split_at(serials.len() / 2);
                    std::thread::scope(|scope| {
                        for (slot, half) in [(0, first), (1, second)] {
                            let run = &run;
                            scope.spawn(move || {
                                for serial in half {
                                    assert_eq!(visit(stack, run, folder, slot, serial, &[]), "burned");
                                }
                            });
                        }
                    });
                };
                work(&stack, &order[3..100]);
                stack.restart();
                work(&stack, &order[100..]);
                for serial in &order[..2] {
                    assert_eq!(visit(&stack, &run, folder, 0, serial, &[]), "burned");
                }
                listener.join().unwrap()
            });
            assert_eq!(run.child.wait().unwrap().code(), Some(0), "{summary}");
            assert_eq!((&summary["done"], &summary["left"]), (&200.into(), &0.into()), "{summary}");

            // Tokens, inventory and the server's file say the same.
            let out = fs::read_to_string(folder.join("out.csv")).unwrap();
            assert_eq!(out.lines().count(), 201);
            let inventory = Sqlite::open(&folder.join("inventory.sqlite")).unwrap();
            let key = inventory.fingerprint_key().clone();
            for serial in &all {
                let seed = format!("the seed of {serial}").into_bytes();
                let held: Value = serde_json::from_slice(&fs::read(state(folder, serial)).unwrap()).unwrap();
                assert_eq!(held["seed"], data_encoding::HEXLOWER.encode(&seed), "{serial}");
                let line = format!("{serial},{}", data_encoding::BASE32_NOPAD.encode(&seed));
                assert!(out.contains(&line), "{serial}");
                let token = inventory.token(&SlotKey::only(serial)).unwrap().unwrap();
                assert_eq!(token.seed, Some(key.of(&Seed::from_bytes(seed).unwrap())), "{serial}");
                assert_eq!(token.pending, None, "{serial}");
            }
        },
    );
}

#[test]
fn a_desk_goes_on_through_a_restart_of_the_service_and_ends_with_ctrl_c() {
    in_namespace("runs::a_desk_goes_on_through_a_restart_of_the_service_and_ends_with_ctrl_c", |folder| {
        let mut stack = Stack::start(folder);
        let serials = ["86596120000001", "86596220000002", "86596120000003"];
        serials.iter().for_each(|serial| make(folder, serial));
        let (mut run, lines) = Run::start(folder, &["desk", "--trust-host-clock", "--assume-factory-profile"]);
        let summary = std::thread::scope(|scope| {
            let listener = scope.spawn(|| run.listen(lines));
            let _ended = EndedByFailure(run.child.id());
            assert_eq!(visit(&stack, &run, folder, 0, serials[0], &[]), "synced");
            // It has to leave before it is taken again, and then it is.
            assert_eq!(visit(&stack, &run, folder, 1, serials[0], &[]), "within");
            assert_eq!(visit(&stack, &run, folder, 1, serials[1], &[]), "restricted");
            stack.restart();
            assert_eq!(visit(&stack, &run, folder, 0, serials[2], &[]), "synced");
            sh(&format!("kill -INT {}", run.child.id()));
            listener.join().unwrap()
        });
        assert_eq!(run.child.wait().unwrap().code(), Some(10));
        assert_eq!(summary["undone"], serde_json::json!([serials[1]]));
        assert_eq!((&summary["tokens"], &summary["set"]), (&3.into(), &2.into()));
    });
}

#[test]
fn ctrl_c_ends_a_batch_with_130_and_the_next_run_goes_on() {
    in_namespace("runs::ctrl_c_ends_a_batch_with_130_and_the_next_run_goes_on", |folder| {
        let stack = Stack::start(folder);
        let serials = ["86596120000001", "86596120000002"];
        serials.iter().for_each(|serial| make(folder, serial));
        fs::write(
            folder.join("rows.csv"),
            "secret\nJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\nGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n",
        )
        .unwrap();
        let args = ["batch", "rows.csv", "--to", "csv=out.csv", "--trust-host-clock"];
        let (mut run, lines) = Run::start(folder, &args);
        std::thread::scope(|scope| {
            let listener = scope.spawn(|| run.listen(lines));
            let _ended = EndedByFailure(run.child.id());
            assert_eq!(visit(&stack, &run, folder, 0, serials[0], &[]), "burned");
            sh(&format!("kill -INT {}", run.child.id()));
            assert_eq!(listener.join().unwrap()["left"], 1);
        });
        assert_eq!(run.child.wait().unwrap().code(), Some(130));
        let (mut run, lines) = Run::start(folder, &args);
        std::thread::scope(|scope| {
            let listener = scope.spawn(|| run.listen(lines));
            let _ended = EndedByFailure(run.child.id());
            assert_eq!(visit(&stack, &run, folder, 0, serials[0], &[]), "already");
            assert_eq!(visit(&stack, &run, folder, 1, serials[1], &[]), "burned");
            assert_eq!(listener.join().unwrap()["left"], 0);
        });
        assert_eq!(run.child.wait().unwrap().code(), Some(0));
        assert_eq!(fs::read_to_string(folder.join("out.csv")).unwrap().lines().count(), 3);
    });
}

#[test]
fn a_full_disk_stops_a_batch_before_anything_unrecorded_and_with_room_again_it_ends_right() {
    in_namespace(
        "runs::a_full_disk_stops_a_batch_before_anything_unrecorded_and_with_room_again_it_ends_right",
        |folder| {
            let disk = folder.join("disk");
            fs::create_dir(&disk).unwrap();
            sh(&format!("mount -t tmpfs -o size=1m none {}", disk.display()));
            fs::create_dir(folder.join("tokens")).unwrap();
            let mut rows = "secret\n".to_owned();
            for number in 0..40 {
                let serial = format!("8659612{number:07}");
                make(&folder.join("tokens"), &serial);
                let seed = Seed::from_bytes(format!("the seed number {number:04}").into_bytes()).unwrap();
                rows.push_str(&format!("{}\n", seed.to_base32().as_str()));
            }
            fs::write(folder.join("rows.csv"), rows).unwrap();
            let run = || {
                let mut command = tokentap();
                command.current_dir(folder).env("TOKENTAP_INVENTORY", disk.join("inventory.sqlite"));
                let args = [
                    "batch",
                    "rows.csv",
                    "--reader",
                    "emulated:tokens",
                    "--to",
                    "csv=disk/out.csv",
                    "--trust-host-clock",
                ];
                command.arg("--json").args(args).output().unwrap()
            };
            // All but a little is taken, so that the disk is full after some tokens, in whichever file.
            for free_kib in [8, 60, 120, 200, 300] {
                let before = fs::metadata(disk.join("inventory.sqlite")).map_or(0, |file| file.len());
                let taken = 1024_u64.saturating_sub(before / 1024 + free_kib);
                let _ = fs::write(disk.join("filler"), vec![0_u8; usize::try_from(taken * 1024).unwrap()]);
                let output = run();
                let code = output.status.code();
                assert!(matches!(code, Some(0 | 1)), "{free_kib} KiB free: {}", crate::support::text(&output));
                fs::remove_file(disk.join("filler")).unwrap();
                if !disk.join("inventory.sqlite").exists() {
                    continue;
                }
                // What tokens hold is on record.
                let inventory = Sqlite::open(&disk.join("inventory.sqlite")).unwrap();
                let key = inventory.fingerprint_key().clone();
                for entry in fs::read_dir(folder.join("tokens")).unwrap() {
                    let state: Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
                    let (serial, seed) = (state["serial"].as_str().unwrap(), state["seed"].as_str().unwrap());
                    if !seed.is_empty() {
                        let held = key
                            .of(&Seed::from_bytes(data_encoding::HEXLOWER.decode(seed.as_bytes()).unwrap()).unwrap());
                        let token = inventory.token(&SlotKey::only(serial)).unwrap().unwrap();
                        let pending = token.pending.and_then(|pending| pending.seed);
                        assert!([token.seed, pending].contains(&Some(held)), "{serial} at {free_kib} KiB");
                    }
                }
            }
            sh(&format!("mount -o remount,size=16m {}", disk.display()));
            let output = run();
            assert_eq!(output.status.code(), Some(0), "{}", crate::support::text(&output));
            assert_eq!(fs::read_to_string(disk.join("out.csv")).unwrap().lines().count(), 41);
        },
    );
}
