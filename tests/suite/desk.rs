//! The desk: each token that is laid down is identified, measured, set right where that may be done, and recorded.

use std::fs;

use serde_json::Value;

use crate::support::{in_folder, run_in};
#[cfg(target_os = "linux")]
use crate::trust::honest_server;

struct Desk(tempfile::TempDir);

impl Desk {
    /// Tokens with their drifts, laid down in this order.
    fn new(tokens: &[(&str, &str)]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        fs::create_dir(desk.0.path().join("tokens")).unwrap();
        for (number, (serial, drift)) in tokens.iter().enumerate() {
            let state = format!("tokens/{number}.json");
            let made = desk.run(&["emulate", "--create", "--serial", serial, "--drift", drift, "--state", &state]);
            assert_eq!(made.0, 0, "{}", made.1);
        }
        desk
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        run_in(self.0.path(), args)
    }

    /// Opens the desk for all tokens; its lines of JSON.
    fn open(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let all = ["--json", "desk", "--reader", "emulated:tokens", "--fast", "--trust-host-clock"];
        let output = in_folder(self.0.path()).args([&all[..], args].concat()).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let values = lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        (output.status.code().unwrap(), values)
    }

    fn state(&self, number: usize) -> String {
        fs::read_to_string(self.0.path().join(format!("tokens/{number}.json"))).unwrap()
    }
}

fn outcomes(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter(|line| line["event"] == "token").map(|line| line["outcome"].as_str().unwrap()).collect()
}

#[test]
fn a_token_that_is_off_is_set_and_one_within_bounds_is_left_alone() {
    let desk = Desk::new(&[("86596120000001", "-97.25"), ("86596120000002", "0.2")]);
    let right = desk.state(1);
    let (exit, lines) = desk.open(&["--assume-factory-profile"]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["synced", "within"]));
    assert_eq!(desk.state(1), right);
    let summary = lines.last().unwrap();
    assert_eq!((&summary["tokens"], &summary["set"]), (&2.into(), &1.into()), "{summary}");
    let (_, events) = desk.run(&["--json", "inventory", "events", "--serial", "86596120000001"]);
    let events: Value = serde_json::from_str(&events).unwrap();
    assert_eq!(events["events"][0]["outcome"], "done");
    assert!(events["events"][0]["before"]["drift_s"].as_f64().unwrap() < -96.0, "{events}");
}

#[test]
fn a_token_whose_profile_nobody_knows_is_only_measured_until_somebody_states_it() {
    let desk = Desk::new(&[("86596120000001", "-97.25")]);
    let reader = ["--reader", "emulated:tokens/0.json", "--trust-host-clock"];
    // Burned elsewhere, for another profile.
    fs::write(desk.0.path().join("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let burn =
        ["burn", "--inventory", "none", "--no-verify", "--seed-file", "seed", "--hash", "sha256", "--step", "60"];
    assert_eq!(desk.run(&[&burn[..], &["--time", "1700000000", "--allow-other-time"], &reader].concat()).0, 0);
    let before = desk.state(0);
    for _ in 0..2 {
        let (exit, lines) = desk.open(&[]);
        assert_eq!((exit, outcomes(&lines)), (10, vec!["unknown-profile"]));
        assert_eq!(desk.state(0), before);
    }
    // A single sync says it before it writes, and what it assumed does not become knowledge.
    let (exit, said) = desk.run(&[&["sync", "--fast"][..], &reader].concat());
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("the profile of this token is unknown"), "{said}");
    let (_, shown) = desk.run(&["--json", "inventory", "show", "86596120000001"]);
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["token"]["profile"], Value::Null, "{shown}");
    // Stated once, it is known.
    assert_eq!(desk.run(&[&["sync", "--fast", "--hash", "sha256", "--step", "60"][..], &reader].concat()).0, 0);
    let (exit, lines) = desk.open(&["--if-drift-over", "0"]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["synced"]));
    assert_eq!((&lines[1]["profile"]["hash"], &lines[1]["profile"]["from"]), (&"SHA256".into(), &"inventory".into()));
}

#[test]
fn a_restricted_token_without_its_seed_is_measured_told_and_never_written() {
    let desk = Desk::new(&[("86596220000001", "-97.25"), ("86596990000001", "-97.25")]);
    let before = [desk.state(0), desk.state(1)];
    let (exit, lines) = desk.open(&[]);
    assert_eq!((exit, outcomes(&lines)), (10, vec!["restricted", "unknown-model"]));
    assert_eq!([desk.state(0), desk.state(1)], before);
    assert_eq!(lines.last().unwrap()["undone"].as_array().unwrap().len(), 2);
    assert!(lines[1]["next"].as_str().unwrap().contains("tokentap sync --seed-file"), "{}", lines[1]);
}

#[test]
fn a_restricted_token_is_set_and_burned_again_in_one_contact_where_its_seed_is_sealed() {
    let desk = Desk::new(&[("86596220000001", "-97.25")]);
    let identity = age::x25519::Identity::generate();
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    fs::write(desk.0.path().join("identity"), secret).unwrap();
    let recipient = identity.to_public().to_string();
    assert_eq!(desk.run(&["inventory", "init", "--recipient", &recipient]).0, 0);
    let reader = ["--reader", "emulated:tokens/0.json"];
    // Its clock stays as it is, so that the desk has something to do.
    let burn = ["burn", "--generate", "--no-verify", "--no-auto-sync", "--trust-host-clock"];
    assert_eq!(desk.run(&[&burn[..], &reader].concat()).0, 0);
    let burned: Value = serde_json::from_str(&desk.state(0)).unwrap();
    let (exit, lines) = desk.open(&[]);
    assert_eq!((exit, outcomes(&lines)), (10, vec!["sealed"]));
    let (exit, lines) = desk.open(&["--identity", "identity"]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["synced"]));
    assert_eq!(lines[1]["seed"], "burned");
    let now: Value = serde_json::from_str(&desk.state(0)).unwrap();
    assert_eq!(now["seed"], burned["seed"]);
    assert_ne!(now["clock"], burned["clock"]);
}

#[test]
fn without_auto_sync_tokens_are_only_measured() {
    let desk = Desk::new(&[("86596120000001", "-97.25")]);
    let before = desk.state(0);
    let (exit, lines) = desk.open(&["--no-auto-sync"]);
    assert_eq!((exit, outcomes(&lines)), (10, vec!["measured"]));
    assert_eq!(desk.state(0), before);
    let (exit, _) = desk.open(&["--no-auto-sync", "--if-drift-over", "100"]);
    assert_eq!(exit, 0);
}

#[test]
fn what_cannot_be_asked_or_meant_is_refused_before_the_first_token() {
    let desk = Desk::new(&[("86596120000001", "-97.25")]);
    let before = desk.state(0);
    for args in
        [&["--ask-code"][..], &["--dry-run"], &["--expect-serial", "86596120000001"], &["--if-drift-over", "-1"]]
    {
        assert_eq!(desk.open(args).0, 2, "{args:?}");
    }
    assert_eq!(desk.state(0), before);
}

#[test]
fn a_clock_that_stands_still_is_called_so_by_info_sync_and_desk() {
    let desk = Desk::new(&[]);
    let made = ["emulate", "--create", "--ppm", "-1000000", "--state", "tokens/0.json"];
    assert_eq!(desk.run(&made).0, 0);
    let reader = ["--reader", "emulated:tokens/0.json", "--trust-host-clock"];
    for args in [&["info", "--precise"][..], &["--time", "0"], &["sync", "--hash", "sha1", "--step", "30"]] {
        let (exit, said) = desk.run(&[args, &reader].concat());
        assert_eq!(exit, 8, "{args:?}: {said}");
        assert!(said.contains("clock has stopped"), "{args:?}: {said}");
    }
    for args in [&["--assume-factory-profile"][..], &["--no-auto-sync"]] {
        let all = ["desk", "--reader", "emulated:tokens", "--trust-host-clock"];
        let (exit, said) = desk.run(&[&all[..], args].concat());
        assert_eq!(exit, 10, "{args:?}: {said}");
        assert!(said.contains("has stopped"), "{args:?}: {said}");
    }
}

#[test]
fn a_clock_that_stood_still_is_remembered_and_looked_at_by_fast_jobs_until_it_runs() {
    let desk = Desk::new(&[]);
    let made = ["emulate", "--create", "--serial", "86596120000001", "--ppm", "-1000000", "--state", "tokens/0.json"];
    assert_eq!(desk.run(&made).0, 0);
    let reader = ["--reader", "emulated:tokens/0.json", "--trust-host-clock"];
    let run = |args: &[&str]| desk.run(&[args, &reader].concat());
    assert_eq!(run(&["info", "--precise"]).0, 8);
    // One reading cannot tell, and does not say that it works.
    let (exit, said) = run(&["info"]);
    assert!(exit == 0 && said.contains("its clock stood still on"), "{said}");
    assert!(desk.run(&["inventory", "show", "86596120000001"]).1.contains("STOPPED"));
    for args in [&["sync", "--fast", "--hash", "sha1", "--step", "30"][..], &["burn", "--generate", "--out", "new.csv"]]
    {
        let (exit, said) = run(args);
        assert!(exit == 8 && said.contains("clock has stopped"), "{args:?}: {said}");
    }
    let (exit, said) = desk.run(&["desk", "--fast", "--reader", "emulated:tokens", "--trust-host-clock"]);
    assert!(exit == 10 && said.contains("has stopped"), "{said}");
    // Another one with its serial, whose clock runs: the record follows what is seen.
    fs::remove_file(desk.0.path().join("tokens/0.json")).unwrap();
    assert_eq!(desk.run(&["emulate", "--create", "--serial", "86596120000001", "--state", "tokens/0.json"]).0, 0);
    assert_eq!(run(&["sync", "--hash", "sha1", "--step", "30"]).0, 0);
    let (_, said) = run(&["info"]);
    assert!(!said.contains("stood still"), "{said}");
}

#[test]
fn a_clock_that_is_minutes_off_is_looked_at_by_fast_jobs_and_batches_too() {
    let desk = Desk::new(&[]);
    let fast: [&[&str]; 3] = [
        &["sync", "--fast", "--hash", "sha1", "--step", "30"],
        &["burn", "--generate", "--out", "new.csv"],
        &["--time", "0"],
    ];
    for (number, args) in fast.iter().enumerate() {
        let path = format!("tokens/{number}.json");
        let made = ["emulate", "--create", "--drift", "-700", "--ppm", "-1000000", "--state", &path];
        assert_eq!(desk.run(&made).0, 0);
        let (exit, said) =
            desk.run(&[args, &["--reader", &format!("emulated:{path}"), "--trust-host-clock"][..]].concat());
        assert!(exit == 8 && said.contains("clock has stopped"), "{args:?}: {said}");
        fs::remove_file(desk.0.path().join(path)).unwrap();
    }
    let made = [
        "emulate",
        "--create",
        "--serial",
        "86596120000009",
        "--drift",
        "-700",
        "--ppm",
        "-1000000",
        "--state",
        "tokens/9.json",
    ];
    assert_eq!(desk.run(&made).0, 0);
    let (exit, said) = desk.run(&[
        "batch",
        "--generate",
        "1",
        "--to",
        "csv=all.csv",
        "--reader",
        "emulated:tokens",
        "--trust-host-clock",
    ]);
    assert!(exit != 0 && said.contains("has stopped"), "{said}");
}

#[test]
fn a_host_that_nothing_vouches_for_is_not_copied_onto_token_after_token() {
    let desk = Desk::new(&[("86596120000001", "-97.25")]);
    fs::write(desk.0.path().join("rows.csv"), "serial,secret\n86596120000001,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n")
        .unwrap();
    let before = desk.state(0);
    // Where the host's clock is kept synchronised there is nothing to ask.
    let (_, doctor) = desk.run(&["doctor"]);
    let is_vouched_for = !doctor.contains("BAD  host clock");
    for args in [
        &["desk", "--reader", "emulated:tokens", "--assume-factory-profile"][..],
        &["batch", "rows.csv", "--reader", "emulated:tokens"],
    ] {
        let (exit, said) = desk.run(args);
        if is_vouched_for {
            assert_eq!(exit, 0, "{args:?}: {said}");
            continue;
        }
        assert_eq!((exit, desk.state(0)), (9, before.clone()), "{args:?}: {said}");
        assert!(said.contains("--trust-host-clock") && said.contains("--ntp SERVER"), "{said}");
    }
    // Measuring harms nothing.
    assert_eq!(desk.run(&["desk", "--no-auto-sync", "--reader", "emulated:tokens"]).0, 10);
}

#[cfg(target_os = "linux")]
#[test]
fn tokens_that_are_all_off_by_the_same_hours_end_the_run_before_the_second_is_set() {
    // A server vouches for the host, so that nobody's word is needed to begin.
    let ntp = ["--ntp", &honest_server()];
    for args in [
        &["desk", "--fast", "--reader", "emulated:tokens", "--assume-factory-profile"][..],
        &["batch", "rows.csv", "--reader", "emulated:tokens"],
    ] {
        let desk = Desk::new(&[("86596120000001", "3600.4"), ("86596120000002", "3599.1"), ("86596120000003", "3601")]);
        let rows = "86596120000001,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n86596120000002,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ\n";
        fs::write(desk.0.path().join("rows.csv"), format!("serial,secret\n{rows}")).unwrap();
        let others = [desk.state(1), desk.state(2)];
        let (exit, said) = desk.run(&[args, &ntp].concat());
        assert_eq!(exit, 9, "{args:?}: {said}");
        assert!(said.contains("1 whole hour fast") && said.contains("86596120000001"), "{said}");
        assert_eq!([desk.state(1), desk.state(2)], others, "{args:?}");
        // Whoever knows that the tokens are wrong says so.
        let (exit, said) = desk.run(&[args, &ntp, &["--trust-host-clock"]].concat());
        assert_eq!(exit, 0, "{args:?}: {said}");
    }
}

/// A Molto2 among the tokens, with a seed in slots 0 (its factory's), 3 and 7; its clock is off.
fn molto_at(desk: &Desk, number: usize) -> String {
    let state = format!("tokens/{number}.json");
    let reader = format!("emulated:{state}");
    let make = ["emulate", "--create", "--family", "molto2", "--drift", "-97", "--state", &state];
    assert_eq!(desk.run(&make).0, 0);
    for (slot, seed) in [("3", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), ("7", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ")] {
        fs::write(desk.0.path().join("seed"), seed).unwrap();
        let burn = ["burn", "--slot", slot, "--seed-file", "seed", "--no-verify", "--trust-host-clock"];
        let burned =
            desk.run(&[&burn[..], &["--reader", &reader, "--time", "1700000000", "--allow-other-time"]].concat());
        assert_eq!(burned.0, 0, "{}", burned.1);
    }
    reader
}

#[test]
fn a_molto2_that_is_plugged_in_gets_the_clock_of_every_slot_with_a_seed_set_beside_the_tokens() {
    let desk = Desk::new(&[("86596120000001", "-97.25")]);
    let reader = molto_at(&desk, 1);
    let before: Value = serde_json::from_str(&desk.state(1)).unwrap();
    let (exit, lines) = desk.open(&["--assume-factory-profile"]);
    assert_eq!((exit, outcomes(&lines)), (0, vec!["synced", "synced"]), "{lines:?}");
    let slots: Vec<u64> =
        lines[2]["slots"].as_array().unwrap().iter().map(|slot| slot["token"]["slot"].as_u64().unwrap()).collect();
    let seeded: Vec<u64> = (0_u64..)
        .zip(before["slots"].as_array().unwrap())
        .filter_map(|(number, slot)| (slot["seed"] != "").then_some(number))
        .collect();
    assert!(seeded.contains(&3) && seeded.contains(&7), "{seeded:?}");
    assert_eq!(slots, seeded);
    // Profiles and seeds are as they were, and no wrong key was sent.
    let after: Value = serde_json::from_str(&desk.state(1)).unwrap();
    for slot in &seeded {
        let of = |state: &Value, what: &str| state["slots"][*slot as usize][what].clone();
        for what in ["seed", "hash", "step", "digits", "title"] {
            assert_eq!(of(&after, what), of(&before, what), "slot {slot}: {what}");
        }
    }
    assert_eq!(after["wrong_keys"], 0);
    // Each of them is on record.
    for slot in ["3", "7"] {
        let (_, events) = desk.run(&["--json", "inventory", "events", "--serial", &format!("826658719844499/{slot}")]);
        let events: Value = serde_json::from_str(&events).unwrap();
        assert_eq!((&events["events"][0]["what"], &events["events"][0]["outcome"]), (&"sync".into(), &"done".into()));
    }
    // Their codes are right: the clocks were.
    let code = desk.run(&["--json", "emulate", "--press", "--slot", "7", "--state", "tokens/1.json"]).1;
    let code = serde_json::from_str::<Value>(&code).unwrap()["display"].as_str().unwrap().to_owned();
    let verify = ["verify", &code, "--slot", "7", "--seed-file", "seed", "--reader", &reader];
    let (exit, said) = desk.run(&verify);
    assert_eq!(exit, 0, "{said}");
}

#[test]
fn a_desk_that_only_measures_writes_no_slot_and_one_with_another_customer_key_is_tried_once_and_named_undone() {
    let desk = Desk::new(&[]);
    molto_at(&desk, 0);
    let before = desk.state(0);
    let (exit, lines) = desk.open(&["--no-auto-sync"]);
    assert_eq!((exit, outcomes(&lines)), (10, vec!["measured"]), "{lines:?}");
    assert_eq!(desk.state(0), before);
    assert!(lines[1]["next"].as_str().unwrap().contains("tokentap sync"), "{lines:?}");
    fs::write(desk.0.path().join("wrong"), "some other key!!\n").unwrap();
    for _ in 0..2 {
        let (exit, lines) = desk.open(&["--customer-key", "wrong"]);
        assert_eq!((exit, outcomes(&lines)), (10, vec!["failed"]), "{lines:?}");
        let state: Value = serde_json::from_str(&desk.state(0)).unwrap();
        assert_eq!(state["wrong_keys"], 1, "the second time nothing is sent");
    }
    // With its own key it is set.
    assert_eq!(desk.open(&[]).0, 0);
}
