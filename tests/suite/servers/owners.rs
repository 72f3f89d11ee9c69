//! Whose a token is at a real privacyIDEA: nobody's seed is replaced, revived or given away in passing.

use serde_json::json;

use super::harness::{Site, TRUST};

const SERIAL: &str = "86596120008301";

/// A token that was handed over to bob.
fn bobs() -> Option<Site> {
    let site = Site::known()?;
    site.burned(SERIAL, "sha1", 30);
    site.desk.ok(&["inventory", "assign", SERIAL, "bob"]);
    site.done(&["hand-over", "pi", "--serial", SERIAL]);
    Some(site)
}

#[test]
fn a_seed_never_takes_the_place_of_another_user_s() {
    let Some(site) = bobs() else { return };
    let before = site.shown(SERIAL);
    site.desk.ok(&["inventory", "assign", SERIAL, "eva", "--reassign"]);
    site.burn_again(SERIAL, "sha1", 30);
    for more in [&["--dry-run"][..], &[], &["--replace", "--dry-run"], &["--replace"]] {
        let (exit, _, said) = site.run(&[&["hand-over", "pi", "--serial", SERIAL], more].concat());
        assert_eq!(exit, 10, "{more:?}: {said}");
    }
    assert_eq!(site.there(SERIAL)["username"], "bob");
    assert!(!site.accepts_the_display_of(SERIAL), "eva's token does not sign in as bob");
    assert!(site.server.accepts(SERIAL, &before) || site.shown(SERIAL) != before, "bob's seed is there still");
}

#[test]
fn what_was_removed_or_unassigned_at_the_server_goes_there_again_only_when_that_is_asked_for() {
    let Some(site) = bobs() else { return };
    let hand_over = ["hand-over", "pi", "--serial", SERIAL];
    site.server.ask("POST", "/token/unassign", &[("serial", SERIAL)]);
    let (exit, report, said) = site.run(&hand_over);
    assert!(exit == 10 && said.contains("was taken from them there"), "{report}");
    assert_eq!(site.there(SERIAL)["username"], "");
    site.done(&[&hand_over[..], &["--again"]].concat());
    assert_eq!(site.there(SERIAL)["username"], "bob");
    site.server.ask("DELETE", &format!("/token/{SERIAL}"), &[]);
    let (exit, _, said) = site.run(&hand_over);
    assert!(exit == 10 && said.contains("was removed at the server"), "{said}");
    assert!(site.all_there(SERIAL).is_empty());
    site.done(&[&hand_over[..], &["--again"]].concat());
    assert!(site.accepts_the_display_of(SERIAL));
}

#[test]
fn a_token_that_was_refused_too_often_is_not_called_mended() {
    let Some(site) = bobs() else { return };
    site.follows(SERIAL, "sha1", 30, -300);
    for _ in 0..11 {
        assert!(!site.server.accepts(SERIAL, "000000"));
    }
    let (exit, mended, said) = site.mends(SERIAL, &[]);
    assert_eq!((exit, &mended["hindrance"]["kind"]), (10, &json!("off-there")), "{said}");
    site.server.ask("POST", "/token/reset", &[("serial", SERIAL)]);
    let (exit, _, said) = site.mends(SERIAL, &[]);
    assert_eq!(exit, 0, "{said}");
    assert!(site.accepts_the_display_of(SERIAL));
}

#[test]
fn a_clock_that_is_set_without_a_word_of_its_server_leaves_a_mark() {
    let Some(site) = bobs() else { return };
    site.follows(SERIAL, "sha1", 30, -300);
    let reader = format!("emulated:{SERIAL}");
    let said = site.desk.command(&["sync", "--reader", &reader, "--fast", TRUST]).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("tokentap sync --mend pi"), "{said}");
    let shown = site.desk.json(&["inventory", "show", SERIAL]);
    assert!(shown["servers"][0]["unmended"].is_string(), "{shown}");
}

#[test]
fn a_profile_that_the_server_has_otherwise_is_replaced_when_that_is_asked_for() {
    let Some(site) = bobs() else { return };
    let reader = format!("emulated:{SERIAL}");
    site.desk.ok(&["config", "--reader", &reader, "--step", "60", TRUST]);
    let hand_over = ["hand-over", "pi", "--serial", SERIAL];
    let (exit, _, said) = site.run(&hand_over);
    assert!(exit == 10 && said.contains("another hash, time step"), "{said}");
    site.done(&[&hand_over[..], &["--replace"]].concat());
    assert!(site.accepts_the_display_of(SERIAL), "bob is still its user: {}", site.there(SERIAL)["username"]);
}
