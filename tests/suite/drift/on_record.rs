//! Forecasts from an inventory, as the program shows them.

use std::path::Path;

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use tokentap::drift::{Bounded, History, Left, Visit};
use tokentap::inventory::{Deed, Entry, Event, Inventory, SlotKey, Sqlite, TokenChange};
use tokentap::time::UnixTime;

use super::simulation::{self, Simulated};
use crate::support::{Dice, in_folder, run_in};

/// Puts visits on record, moved in time so that the last of them was so many days ago.
fn keep(inventory: &Sqlite, serial: &str, history: &History, days_ago: i64) {
    let last = history.visits.last().unwrap().at;
    let moved = |at: UnixTime| Utc::now() - TimeDelta::days(days_ago) - (last - at);
    for (job, visit) in (1..).zip(&history.visits) {
        let mut entry = simulation::entry(serial, job, visit, moved(visit.at), history.model.as_deref());
        if let Some(token) = &mut entry.token {
            token.user = Some(format!("user{}@example.org", &serial[10..]));
        }
        inventory.keep(&entry).unwrap();
    }
}

pub fn fleet(folder: &Path, tokens: &[Simulated]) {
    let inventory = Sqlite::open(&folder.join("inventory.sqlite")).unwrap();
    for (number, token) in (1..).zip(tokens) {
        keep(&inventory, &serial(number), &token.history, number % 100);
    }
}

fn serial(number: i64) -> String {
    format!("8659612{number:07}")
}

fn json(folder: &Path, args: &[&str]) -> Value {
    let output = in_folder(folder).args(args).arg("--json").output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", crate::support::text(&output)))
}

#[test]
fn those_that_must_come_back_first_come_first_each_with_its_interval() {
    let folder = tempfile::tempdir().unwrap();
    fleet(folder.path(), &simulation::fleet(&mut Dice::new(), 60));
    let report = json(folder.path(), &["inventory", "forecast"]);
    let tokens = report["forecast"].as_array().unwrap();
    assert_eq!(tokens.len(), 60);
    let order = |token: &Value| match token["come"].as_str().unwrap() {
        "now" => (0, String::new()),
        "before" => (1, token["come_before"].as_str().unwrap().to_owned()),
        "not-for-long" => (2, String::new()),
        other => panic!("{other}"),
    };
    assert!(tokens.is_sorted_by_key(order));
    for token in tokens {
        assert!(
            token["clock"]["within_s"].as_f64().unwrap() > 0.0
                && token["clock"]["s_per_day_within"].as_f64().unwrap() > 0.0
        );
    }
    assert_eq!((report["window"]["seconds"].as_f64(), report["window"]["assumed"].as_bool()), (Some(30.0), Some(true)));
    // The same as text and as a table.
    let (exit, text) = run_in(folder.path(), &["inventory", "forecast", "--limit", "5"]);
    assert_eq!(exit, 0, "{text}");
    assert!(
        text.contains("an assumption: set it with --window SECONDS") && text.contains("only the first 5 are shown"),
        "{text}"
    );
    let (_, table) = run_in(folder.path(), &["inventory", "forecast", "--csv"]);
    assert_eq!(table.lines().count(), 61, "{table}");
}

#[test]
fn only_those_that_are_due_or_broken_are_listed_where_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    fleet(folder.path(), &simulation::fleet(&mut Dice::new(), 60));
    let due = json(folder.path(), &["inventory", "forecast", "--due", "30d", "--window", "60"]);
    let soon = (Utc::now() + TimeDelta::days(30)).to_rfc3339();
    let is_due = |token: &Value| {
        let is_soon = token["come"] == "now" || token["come_before"].as_str().is_some_and(|at| at < soon.as_str());
        is_soon || token["clock"]["standing"] != "usual"
    };
    let all = json(folder.path(), &["inventory", "forecast", "--window", "60"]);
    let expected: Vec<&Value> = all["forecast"].as_array().unwrap().iter().filter(|token| is_due(token)).collect();
    let listed: Vec<&Value> = due["forecast"].as_array().unwrap().iter().collect();
    let serials = |tokens: &[&Value]| tokens.iter().map(|token| token["serial"].to_string()).collect::<Vec<_>>();
    assert!(!listed.is_empty() && listed.len() < 60);
    assert_eq!(serials(&listed), serials(&expected));
    assert_eq!(due["window"]["assumed"], false);
}

#[test]
fn a_server_is_named_with_the_source_of_its_window_or_that_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    fleet(folder.path(), &simulation::fleet(&mut Dice::new(), 3));
    for (server, seconds, follows, is_assumed) in
        [("duo", 30.0, false, true), ("entra", 120.0, true, false), ("privacyidea", 180.0, true, false)]
    {
        let window = &json(folder.path(), &["inventory", "forecast", "--for", server])["window"];
        assert_eq!(window["seconds"], seconds);
        assert_eq!((window["follows"].as_bool(), window["assumed"].as_bool()), (Some(follows), Some(is_assumed)));
        assert_eq!(window["source"].is_null(), is_assumed);
    }
    let (exit, text) = run_in(folder.path(), &["inventory", "forecast", "--for", "okta"]);
    assert!(exit == 2 && text.contains("use one of duo, entra, privacyidea, or --window"), "{exit}: {text}");
    for wrong in ["0", "-5", "nan", "1e9"] {
        let (exit, text) = run_in(folder.path(), &["inventory", "forecast", &format!("--window={wrong}")]);
        assert_eq!(exit, 2, "{wrong}: {text}");
    }
}

#[test]
fn show_draws_the_drift_of_a_token_and_says_when_it_must_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice::new();
    let token = simulation::token(&mut dice, Some(8));
    fleet(folder.path(), &[token]);
    let (exit, text) = run_in(folder.path(), &["inventory", "show", &serial(1)]);
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("rate     ") && text.contains("come in  ") && text.contains("(±"), "{text}");
    assert!(text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{text}");
    let picture = folder.path().join("drift.svg");
    let args = ["inventory", "show", &serial(1), "--plot", picture.to_str().unwrap()];
    assert_eq!(run_in(folder.path(), &args).0, 0);
    let svg = std::fs::read_to_string(&picture).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains(&serial(1)), "{svg}");
    let (exit, text) = run_in(folder.path(), &args);
    assert!(exit != 0 && text.contains("--force"), "{exit}: {text}");
    let fleet = folder.path().join("fleet.svg");
    assert_eq!(run_in(folder.path(), &["inventory", "forecast", "--plot", fleet.to_str().unwrap()]).0, 0);
    assert!(std::fs::read_to_string(&fleet).unwrap().contains("Tokens to come back"));
}

#[test]
fn a_token_whose_clock_is_not_on_record_is_listed_last_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fleet(folder.path(), &simulation::fleet(&mut Dice::new(), 2));
    let inventory = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
    let change = TokenChange { model: Some("C302-i".to_owned()), ..TokenChange::of(SlotKey::only("86596320000001")) };
    let event = Event { before: None, deed: Deed::Import, ..crate::inventory::event("86596320000001", 0, "") };
    inventory.keep(&Entry { event, token: Some(change), row: None }).unwrap();
    drop(inventory);
    let report = json(folder.path(), &["inventory", "forecast"]);
    let last = report["forecast"].as_array().unwrap().last().unwrap();
    assert_eq!((last["serial"].as_str(), last["come"].as_str()), (Some("86596320000001"), Some("unknown")));
    assert_eq!(report["unknown"], 1);
    let (_, text) = run_in(folder.path(), &["inventory", "forecast", "--due", "1d"]);
    assert!(text.contains("the clock of 1 token is not on record"), "{text}");
}

/// A token that was seen twice, found so far off each time since the last one, and is so far off now.
fn returning(folder: &Path, found: f64, now: f64) -> String {
    let inventory = Sqlite::open(&folder.join("inventory.sqlite")).unwrap();
    let visit = |day: i64, found: f64| Visit {
        at: simulation::start() + TimeDelta::days(day),
        desk: "front".into(),
        found: Some(Bounded { drift_s: found, within_s: 0.02 }),
        left: Left::Set(Bounded { drift_s: 0.0, within_s: 0.02 }),
        is_burned: false,
    };
    let model = Some("OTPC-P1-i".to_owned());
    keep(
        &inventory,
        &serial(1),
        &History { model, is_emulated: false, visits: vec![visit(0, 0.0), visit(30, found)] },
        30,
    );
    drop(inventory);
    let (exit, text) = run_in(
        folder,
        &["emulate", "--create", "--serial", &serial(1), "--state", "t.json", &format!("--drift={now}")],
    );
    assert_eq!(exit, 0, "{text}");
    format!("emulated:{}", folder.join("t.json").display())
}

#[test]
fn a_token_that_drifts_like_a_broken_one_is_warned_of_by_info_sync_and_desk() {
    let folder = tempfile::tempdir().unwrap();
    let reader = returning(folder.path(), 75.0, 75.0);
    let run = |args: &[&str]| run_in(folder.path(), &[&["--reader", reader.as_str()], args].concat()).1;
    let warning = "its clock is faulty: it gains 2.5 s a day";
    let info = run(&["info"]);
    assert!(info.contains(&format!("drift   {warning}")), "{info}");
    assert!(json(folder.path(), &["--reader", &reader, "info"])["drift_warning"].as_str().unwrap().contains(warning));
    let sync = run(&["sync", "--hash", "sha1", "--step", "30", "--trust-host-clock"]);
    assert!(sync.contains(&format!("note: {warning}")), "{sync}");
    std::fs::create_dir(folder.path().join("tray")).unwrap();
    std::fs::rename(folder.path().join("t.json"), folder.path().join("tray/t.json")).unwrap();
    let (exit, desk) = run_in(folder.path(), &["--reader", "emulated:tray", "desk", "--trust-host-clock"]);
    assert!(desk.contains(warning) && desk.contains("give its user another token, and assign that one"), "{desk}");
    assert_eq!(exit, 10, "it needs attention: {desk}");
}

#[test]
fn a_token_that_will_be_refused_within_a_month_is_warned_of_and_one_that_will_not_is_not() {
    // Half a second a day, 20 s off by now: ten more in three weeks.
    let folder = tempfile::tempdir().unwrap();
    let reader = returning(folder.path(), 15.0, 20.0);
    let (_, info) = run_in(folder.path(), &["--reader", &reader, "info"]);
    assert!(info.contains("drift   it gains 0.") && info.contains("may refuse its codes from 2"), "{info}");
    // It was set a moment ago: no month from now is near.
    let sync = ["--reader", &reader, "sync", "--hash", "sha1", "--step", "30", "--trust-host-clock"];
    let (_, sync) = run_in(folder.path(), &sync);
    assert!(!sync.contains("may refuse its codes"), "{sync}");
    // A month of 0.1 s a day is nothing to speak of.
    let folder = tempfile::tempdir().unwrap();
    let reader = returning(folder.path(), 3.0, 3.0);
    let (_, info) = run_in(folder.path(), &["--reader", &reader, "info"]);
    assert!(!info.contains("drift   "), "{info}");
}

/// A server that follows forgets with a new seed; one that was moved too far is not mended by a second sync.
#[test]
fn a_sync_that_moved_a_clock_too_far_for_its_server_is_remembered_until_a_burn() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
    let visit = |day: i64, found: f64, is_burned| Visit {
        at: simulation::start() + TimeDelta::days(day),
        desk: "front".into(),
        found: Some(Bounded { drift_s: found, within_s: 0.02 }),
        left: Left::Set(Bounded { drift_s: 0.0, within_s: 0.02 }),
        is_burned,
    };
    let model = Some("OTPC-P1-i".to_owned());
    let history = |visits: Vec<Visit>| History { model: model.clone(), is_emulated: false, visits };
    keep(
        &inventory,
        &serial(1),
        &history(vec![visit(0, 0.0, false), visit(100, -300.0, false), visit(101, 0.1, false)]),
        5,
    );
    keep(&inventory, &serial(2), &history(vec![visit(0, 0.0, false), visit(100, -300.0, true)]), 5);
    keep(&inventory, &serial(3), &history(vec![visit(0, 0.0, false), visit(100, -30.0, false)]), 5);
    drop(inventory);
    let moved = |server: &str| {
        let report = json(folder.path(), &["inventory", "forecast", "--for", server]);
        let tokens = report["forecast"].as_array().unwrap();
        let moved = tokens.iter().filter(|token| token["clock"]["moved_too_far"] == true);
        moved.map(|token| token["serial"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(moved("entra"), [serial(1)]);
    assert_eq!(moved("duo"), Vec::<String>::new(), "it follows nothing");
}

#[test]
fn a_token_without_its_seed_is_due_whatever_its_clock_says() {
    let folder = tempfile::tempdir().unwrap();
    let reader = returning(folder.path(), 0.3, 0.3);
    let erase = ["--reader", &reader, "sync", "--hash", "sha1", "--step", "30", "--trust-host-clock"];
    assert_eq!(run_in(folder.path(), &erase).0, 0);
    let inventory = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
    let event = crate::inventory::event(&serial(1), Utc::now().timestamp_millis(), "");
    let seed = tokentap::inventory::SeedChange::Erased;
    let token = Some(TokenChange { seed, ..TokenChange::of(SlotKey::only(serial(1))) });
    inventory.keep(&Entry { event, token, row: None }).unwrap();
    drop(inventory);
    let due = json(folder.path(), &["inventory", "forecast", "--due", "1d"]);
    assert_eq!(due["forecast"][0]["come"], "now", "{due}");
    assert!(due["forecast"][0]["remark"].as_str().unwrap().starts_with("it shows no codes"), "{due}");
}
