//! A server that may still expect the old clock of a token is on record from before the clock is set: whatever ends the program, the next
//! visit knows that it is to be mended.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokentap::inventory::{Deliveries, Delivery, Sqlite};

use super::entra_stand_in::Entra;
use super::stand_in::{Counter, Fault, StandIn, TRUST};
use crate::support::Dice;

const SERIAL: &str = "86596120008801";

/// A clock write erases its seed: it is burned again.
const RESTRICTED: &str = "86596220008802";

/// A desk that has handed a token over to Entra ID.
fn handed(serial: &str) -> (StandIn<Entra>, Counter) {
    let (server, mut counter) = Entra::known(&["ana"]);
    if serial == RESTRICTED {
        counter.ok(&["emulate", "--create", "--restricted", "--serial", serial, "--state", serial]);
    }
    counter.burned(serial, Some("ana@example.org"), &[]);
    counter.ok(&["hand-over", "entra", "--serial", serial, "--identity", "identity"]);
    (server, counter)
}

fn spawn(counter: &Counter, args: &[&str]) -> Child {
    let mut command = counter.desk.command(args);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// How far the clock on the token is off, read by nobody's record.
fn drift_s(counter: &Counter, serial: &str) -> f64 {
    let reader = format!("emulated:{serial}");
    let mut command = counter.desk.command(&["--json", "info", "--reader", &reader, TRUST]);
    let output = command.env("TOKENTAP_INVENTORY", "none").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["clock"]["drift_s"].as_f64().unwrap()
}

/// As if somebody had mended the server.
fn unmark(counter: &Counter, serial: &str) {
    let known = counter.delivery(serial);
    let inventory = Sqlite::open(&counter.desk.path("inventory.sqlite")).unwrap();
    inventory.deliver(Some(&known), &Delivery { unmended: None, ..known.clone() }, None).unwrap();
    inventory.settle().unwrap();
}

/// Kills syncs at any moment: wherever the clock is set by then, it is on record.
fn kill_syncs(serial: &str, rounds: u32) {
    let (_server, counter) = handed(serial);
    let mut dice = Dice::new();
    let reader = format!("emulated:{serial}");
    let sync = ["sync", "--reader", &reader, TRUST, "--identity", "identity"];
    let mut whole = Duration::ZERO;
    let (mut set_and_killed, mut killed) = (0, 0);
    for round in 0..rounds {
        unmark(&counter, serial);
        counter.desk.drift(serial, -300);
        let began = Instant::now();
        let mut child = spawn(&counter, &sync);
        if round > 0 {
            let most = u64::try_from(whole.as_millis()).unwrap();
            std::thread::sleep(Duration::from_millis(dice.below(most + most / 8 + 1)));
            if child.try_wait().unwrap().is_none() {
                killed += 1;
                child.kill().unwrap();
            }
        }
        let exit = child.wait().unwrap().code();
        if round == 0 {
            whole = began.elapsed();
            assert_eq!(exit, Some(0));
        }
        if drift_s(&counter, serial).abs() < 100.0 {
            set_and_killed += usize::from(exit.is_none());
            assert!(counter.delivery(serial).unmended.is_some(), "round {round}, exit {exit:?}");
        }
    }
    println!("{killed} of {rounds} were killed, {set_and_killed} of them after the clock was set");
}

#[test]
fn no_kill_leaves_a_clock_set_without_a_mark_that_its_server_may_expect_the_old_one() {
    kill_syncs(SERIAL, 20);
}

#[test]
fn no_kill_leaves_a_seed_burned_again_without_that_mark_either() {
    kill_syncs(RESTRICTED, 12);
}

/// The clock is right by then: what an earlier visit has left open is done all the same.
#[test]
fn a_desk_mends_what_was_left_open_although_it_has_no_clock_to_set() {
    let (server, counter) = handed(SERIAL);
    let reader = format!("emulated:{SERIAL}");
    counter.desk.drift(SERIAL, -300);
    counter.ok(&["sync", "--fast", "--reader", &reader, TRUST]);
    assert!(counter.delivery(SERIAL).unmended.is_some());
    server.forget_log();
    let (exit, said) = counter.run(&["desk", "--reader", &reader, "--fast", TRUST, "--identity", "identity"]);
    assert!(exit == 10 && said.contains("before its user leaves: entra"), "{said}");
    assert!(server.asked("GET /beta") > 0, "{:?}", server.log());
}

#[test]
fn a_mend_that_is_killed_before_its_answer_is_still_to_be_done() {
    let (server, counter) = handed(SERIAL);
    counter.desk.drift(SERIAL, -300);
    server.forget_log();
    server.lay("/beta/", Fault::Slow(20_000), 1);
    let mut child = spawn(
        &counter,
        &[
            "sync",
            "--fast",
            "--reader",
            "emulated:86596120008801",
            "--mend",
            "entra",
            "--re-enrol",
            "--identity",
            "identity",
            TRUST,
        ],
    );
    while server.asked("GET /beta/") == 0 {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it asked the server");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(counter.delivery(SERIAL).unmended.is_some());
    let (exit, said) = counter.run(&["server", "compare", "entra", "--identity", "identity"]);
    assert!(exit == 8 && said.contains("server mended entra"), "{said}");
}

#[test]
fn a_clock_that_was_not_set_leaves_no_mark() {
    let (_server, counter) = handed(SERIAL);
    counter.desk.drift(SERIAL, -300);
    // Somebody has given it another key since: it refuses the write.
    let file = counter.desk.path(SERIAL);
    let mut state: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let key = state["key"].as_str().unwrap().to_owned();
    state["key"] = "00".repeat(key.len() / 2).into();
    std::fs::write(&file, state.to_string()).unwrap();
    let before = counter.delivery(SERIAL);
    let (exit, said) = counter.run(&["sync", "--fast", "--reader", "emulated:86596120008801", TRUST]);
    assert!(exit != 0 && said.contains("key"), "{exit} {said}");
    assert!(drift_s(&counter, SERIAL) < -200.0);
    assert_eq!(counter.delivery(SERIAL), before);
}
