//! What a desk and a batch do with servers by themselves, against a real privacyIDEA.

use std::fs;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokentap::time::seconds;

use super::harness::{Site, TRUST};

const ONE: &str = "86596120008101";
const OTHER: &str = "86596120008102";

/// A token that was handed over, and whose clock the server has followed since.
fn followed(serial: &str, drift_s: i64) -> Option<Site> {
    let site = Site::known()?;
    hand_over(&site, serial);
    site.follows(serial, "sha1", 30, drift_s);
    Some(site)
}

fn hand_over(site: &Site, serial: &str) {
    site.burned(serial, "sha1", 30);
    site.desk.ok(&["inventory", "assign", serial, "bob"]);
    site.done(&["hand-over", "pi", "--serial", serial]);
}

/// The visit of a token at a desk, and how the desk ended.
fn visit(site: &Site, serial: &str, more: &[&str]) -> (i32, Value) {
    let reader = format!("emulated:{serial}");
    let args = [&["--json", "desk", "--reader", &reader, "--fast", TRUST][..], more].concat();
    let output = site.desk.command(&args).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let events = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let visit = events.into_iter().find(|event| event["event"] == "token").unwrap_or_else(|| panic!("{said}"));
    (output.status.code().unwrap(), visit)
}

#[test]
fn a_desk_mends_the_server_of_every_token_that_was_handed_over_and_whose_clock_it_moved() {
    let Some(site) = followed(ONE, -565) else { return };
    let (exit, seen) = visit(&site, ONE, &["--identity", "identity"]);
    assert_eq!((exit, &seen["servers"][0]["outcome"]), (0, &json!("resynced")), "{seen}");
    assert_eq!(seen["servers"][0]["accepted"], true);
    assert!(!seen["next"].as_str().unwrap().contains("resynchronise"), "{seen}");
    assert!(site.accepts_the_display_of(ONE), "the current code, at the first try");
    // One that is right as it is has no server to be mended.
    let (exit, seen) = visit(&site, ONE, &["--identity", "identity"]);
    assert_eq!((exit, seen.get("servers")), (0, None), "{seen}");
}

#[test]
fn a_desk_that_cannot_mend_a_server_says_what_to_do_there_and_counts_the_token_as_undone() {
    let Some(site) = followed(ONE, -300) else { return };
    let (exit, seen) = visit(&site, ONE, &[]);
    assert_eq!((exit, &seen["servers"][0]["outcome"]), (10, &json!("by-hand")), "{seen}");
    let next = seen["next"].as_str().unwrap();
    assert!(next.contains("Resync Token") && next.contains("two consecutive codes"), "{next}");
    // Now with what opens the seed, and it is on record that this is open.
    let (exit, mended, said) = site.mends(ONE, &[]);
    assert_eq!((exit, &mended["outcome"]), (0, &json!("resynced")), "{said}");
    assert!(site.accepts_the_display_of(ONE));
}

#[test]
fn a_desk_leaves_servers_alone_where_it_was_told_to() {
    let Some(site) = followed(ONE, -300) else { return };
    let (exit, seen) = visit(&site, ONE, &["--identity", "identity", "--no-mend"]);
    assert_eq!((exit, seen.get("servers")), (0, None), "{seen}");
    assert!(!site.accepts_the_display_of(ONE), "the server has followed the old clock");
}

#[test]
fn a_server_that_is_away_keeps_no_desk_waiting_at_the_next_token() {
    let Some(mut site) = followed(ONE, -300) else { return };
    hand_over(&site, OTHER);
    site.desk.drift(OTHER, -300);
    fs::create_dir(site.desk.path("tray")).unwrap();
    for serial in [ONE, OTHER] {
        fs::copy(site.desk.path(serial), site.desk.path(&format!("tray/{serial}.json"))).unwrap();
    }
    site.server.stop();
    let args = ["--json", "desk", "--reader", "emulated:tray", "--fast", TRUST, "--identity", "identity"];
    let output = site.desk.command(&args).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seen: Vec<&Value> = events.iter().filter(|event| event["event"] == "token").collect();
    assert_eq!((output.status.code(), seen.len()), (Some(10), 2), "{said}");
    for visit in &seen {
        assert_eq!(visit["servers"][0]["hindrance"]["kind"], "server", "{visit}");
    }
    // The first one computed two codes to type; for the second nobody asked again.
    assert!(seen[0]["servers"][0]["codes"].as_array().is_some_and(|codes| codes.len() == 2), "{said}");
    for serial in [ONE, OTHER] {
        let shown = site.desk.json(&["inventory", "show", serial]);
        assert!(shown["servers"][0]["unmended"].is_string(), "{shown}");
    }
}

#[test]
fn a_batch_hands_its_seeds_over_as_they_are_burned_and_names_unknown_users_first() {
    let Some(site) = Site::known() else { return };
    // More than six are for whoever wants to know how long it takes: TOKENTAP_HANDED=200.
    let count: usize = std::env::var("TOKENTAP_HANDED").ok().and_then(|count| count.parse().ok()).unwrap_or(6);
    fs::create_dir(site.desk.path("tray")).unwrap();
    let serials: Vec<String> = (0..count).map(|number| format!("8659612008{number:04}")).collect();
    for serial in &serials {
        site.desk.ok(&["emulate", "--create", "--serial", serial, "--state", &format!("tray/{serial}.json")]);
    }
    let batch = |users: &str, more: &[&str]| {
        fs::write(site.desk.path("users"), users).unwrap();
        let args =
            ["batch", "--users", "users", "--reader", "emulated:tray", TRUST, "--hand-over", "pi", "--new-batch"];
        let output =
            site.desk.command(&[&["--json"], &args[..], &["--identity", "identity"], more].concat()).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let users = |all: &[&str]| (0..count).map(|number| format!("{}\n", all[number % all.len()])).collect::<String>();
    for more in [&["--dry-run"][..], &[]] {
        let (exit, said) = batch(&users(&["ada", "bob", "nobody"]), more);
        assert!(exit == 10 && said.contains("no user nobody"), "{more:?}: {exit}: {said}");
    }
    let users = users(&["ada", "bob", "eva", "bob"]);
    let (exit, said) = batch(&users, &["--dry-run"]);
    assert_eq!(exit, 0, "{said}");
    assert!(serials.iter().all(|serial| site.all_there(serial).is_empty()), "nothing was burned, and nothing sent");
    let began = Utc::now();
    let (exit, said) = batch(&users, &[]);
    let ended = Utc::now();
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let handed = events.iter().filter(|event| event["event"] == "handed-over").count();
    let end = events.last().unwrap();
    assert_eq!((exit, handed, &end["event"], &end["done"]), (0, count, &json!("hand-over"), &json!(count)), "{said}");
    let burns = site.desk.json(&["inventory", "events", "--limit", "1000"]);
    let is_burn = |event: &&Value| event["what"] == "burn";
    let last = burns["events"].as_array().unwrap().iter().find(is_burn).unwrap()["at"].as_str().unwrap();
    let last = DateTime::parse_from_rfc3339(last).unwrap().to_utc();
    println!(
        "{count} tokens were burned and handed over in {:.1} s, of which {:.1} s after the last was burned",
        seconds(ended - began),
        seconds(ended - last)
    );
    for (serial, user) in serials.iter().zip(["ada", "bob", "eva", "bob"].iter().cycle()) {
        assert_eq!(site.there(serial)["username"], *user, "{serial}");
        let state = format!("tray/{serial}.json");
        let shown = site.desk.json(&["emulate", "--press", "--state", &state]);
        assert!(site.server.accepts(serial, shown["display"].as_str().unwrap()), "{serial}, at the first try");
    }
}
