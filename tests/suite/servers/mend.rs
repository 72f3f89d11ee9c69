//! A server that has followed a token's clock accepts its codes again after the clock was set, at the first try; and where that cannot be,
//! it is said, and nothing is overwritten.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokentap::otp::Hash;

use super::harness::{PIN, Site, TRUST, code_of, read};
use crate::privacyidea::ADMIN;

/// A token that was burned, handed over and is bob's, with a PIN there.
fn bobs(site: &Site, serial: &str, hash: &str, step: u32) {
    site.burned(serial, hash, step);
    site.desk.ok(&["inventory", "assign", serial, "bob"]);
    site.done(&["hand-over", "pi", "--serial", serial]);
    site.with_pin(serial);
}

fn time(event: &Value) -> DateTime<Utc> {
    event["at"].as_str().unwrap().parse().unwrap()
}

/// What could differ of a token at the server, but for how often it was asked.
fn content(there: &Value) -> Value {
    let mut there = there.clone();
    for name in ["failcount", "count_auth", "last_auth"] {
        there[name] = Value::Null;
    }
    there
}

fn is_unmended(site: &Site, serial: &str) -> bool {
    let (_, report, _) = site.run(&["server", "compare", "pi"]);
    let differences = report["differences"].as_array().unwrap();
    differences.iter().any(|one| one["serial"] == serial && one["difference"] == "unmended")
}

#[test]
fn a_slow_token_s_clock_is_set_and_the_code_on_its_display_is_accepted_at_the_first_try() {
    let Some(site) = Site::known() else { return };
    let tokens =
        [("sha1", 30, -565), ("sha256", 30, -95), ("sha1", 60, -200), ("sha256", 60, -1800), ("sha1", 30, -1800)];
    for (number, (hash, step, drift_s)) in tokens.into_iter().enumerate() {
        let serial = format!("865961200004{number:02}");
        bobs(&site, &serial, hash, step);
        site.follows(&serial, hash, step, drift_s);
        // What the server believes, to a step: the code was on the display for a while.
        let shift_s: f64 = site.there(&serial)["info"]["timeShift"].as_str().unwrap().parse().unwrap();
        assert!((shift_s - f64::from(drift_s as i32)).abs() <= f64::from(step) + 1.0, "{drift_s}: {shift_s}");
        let (exit, mended, said) = site.mends(&serial, &[]);
        assert_eq!(exit, 0, "{drift_s}: {said}");
        let shown = format!("{PIN}{}", site.shown(&serial));
        assert!(site.server.accepts(&serial, &shown), "{hash} {step} {drift_s}: {said}");
        assert_eq!(site.there(&serial)["username"], "bob");
        let events = site.events(&serial);
        let of = |what: &str| time(events.iter().find(|event| event["what"] == what).unwrap());
        let (took, outcome) = (of("mend") - of("sync"), mended["outcome"].as_str().unwrap());
        println!(
            "{hash} {step} s, {drift_s} s: {outcome}, {} ms from the sync's end to the mend's",
            took.num_milliseconds()
        );
        assert!(matches!(outcome, "resynced" | "follows"));
        // What went to the server was on record before it went.
        let mends: Vec<&str> = events
            .iter()
            .filter(|event| event["what"] == "mend")
            .map(|event| event["outcome"].as_str().unwrap())
            .collect();
        assert!(outcome == "follows" || mends == ["done", "begun"], "{mends:?}");
        assert!(!is_unmended(&site, &serial));
    }
    site.record_is_sound();
}

#[test]
fn a_fast_token_is_said_to_be_accepted_later_and_enrolled_anew_at_its_users_word() {
    let Some(site) = Site::known() else { return };
    for (number, (hash, step, drift_s)) in
        [("sha1", 30, 95), ("sha256", 30, 300), ("sha1", 30, 1800), ("sha256", 60, 1800)].into_iter().enumerate()
    {
        let serial = format!("865961200005{number:02}");
        bobs(&site, &serial, hash, step);
        let before = Utc::now();
        site.follows(&serial, hash, step, drift_s);
        // Beyond its window (180 s) the server looks for codes around the old clock, and accepts none of the right one by itself.
        let (outcome, more_s) = if drift_s < 120 { ("accepts-later", 0) } else { ("again-later", 3 * i64::from(step)) };
        let (exit, mended, said) = site.mends(&serial, &[]);
        assert_eq!((exit, mended["outcome"].as_str()), (10, Some(outcome)), "{drift_s}: {said}");
        let from: DateTime<Utc> = mended["from"].as_str().unwrap().parse().unwrap();
        let expected = before + TimeDelta::seconds(drift_s + more_s);
        assert!((from - expected).abs() <= TimeDelta::seconds(i64::from(step) + 5), "{from} {expected}");
        assert!(mended["words"].as_str().unwrap().contains("--re-enrol"));
        assert!(is_unmended(&site, &serial));
        assert!(
            !site.server.accepts(&serial, &format!("{PIN}{}", site.shown(&serial))),
            "{drift_s}: its user is locked out"
        );
        // Waiting as it says takes minutes: TOKENTAP_WAITS=1 does it for those that are not too far off.
        let waits = std::env::var_os("TOKENTAP_WAITS").is_some() && drift_s < 600;
        let (more, done): (&[&str], _) = if waits { (&[], "resynced") } else { (&["--re-enrol"], "re-enrolled") };
        if waits {
            // A clock that was set to the second may show that code a second later.
            std::thread::sleep((from - Utc::now() + TimeDelta::seconds(2)).to_std().unwrap_or_default());
            if drift_s < 120 {
                assert!(site.server.accepts(&serial, &format!("{PIN}{}", site.shown(&serial))), "as it was said");
                continue;
            }
            assert!(!site.server.accepts(&serial, &format!("{PIN}{}", site.shown(&serial))), "not by itself");
        }
        let (exit, mended, said) = site.mends(&serial, more);
        assert_eq!((exit, mended["outcome"].as_str()), (0, Some(done)), "{drift_s}: {said}");
        assert!(site.server.accepts(&serial, &format!("{PIN}{}", site.shown(&serial))), "{drift_s}: {said}");
        assert_eq!(site.there(&serial)["username"], "bob");
        assert!(!is_unmended(&site, &serial));
        println!("{hash} {step} s, +{drift_s} s: refused until {from}, accepted at once after --re-enrol");
    }
    site.record_is_sound();
}

#[test]
fn a_server_with_another_seed_than_the_record_s_is_left_as_it_is() {
    let Some(site) = Site::known() else { return };
    let foreign = "00112233445566778899aabbccddeeff00112233";
    for (serial, drift_s, more) in [
        ("86596120000601", -565, &[][..]),
        ("86596120000602", -565, &["--re-enrol"]),
        ("86596120000603", 600, &["--re-enrol"]),
    ] {
        bobs(&site, serial, "sha1", 30);
        site.enrol(serial, foreign, "sha1", 30, drift_s);
        let code = code_of(foreign, Hash::Sha1, ((Utc::now().timestamp() + drift_s) / 30) as u64);
        assert!(site.server.accepts(serial, &format!("{PIN}{code}")), "a login with the other seed");
        let before = site.there(serial);
        let (exit, mended, said) = site.mends(serial, more);
        assert_eq!((exit, mended["hindrance"]["kind"].as_str()), (10, Some("other-seed-there")), "{said}");
        assert!(said.contains("nothing was overwritten"), "{said}");
        let after = site.there(serial);
        assert_eq!(content(&after), content(&before), "{drift_s} {more:?}");
        assert!(is_unmended(&site, serial));
        println!(
            "{drift_s:+} s {more:?}: failures counted {} before, {} after",
            before["failcount"], after["failcount"]
        );
        // It still knows its own seed.
        let code = code_of(foreign, Hash::Sha1, ((Utc::now().timestamp() + drift_s) / 30) as u64 + 1);
        assert!(site.server.accepts(serial, &format!("{PIN}{code}")));
    }
}

#[test]
fn without_the_identity_it_is_said_what_to_click_and_stays_on_record_until_it_is_done() {
    let Some(site) = Site::known() else { return };
    let serial = "86596120000701";
    bobs(&site, serial, "sha1", 30);
    site.add("pi", ADMIN, &["--realm", "office", "--credential-file", "password", "--leave-in-file"]);
    site.follows(serial, "sha1", 30, -565);
    let reader = format!("emulated:{serial}");
    let sync = ["--json", "sync", "--reader", &reader, "--fast", TRUST, "--mend", "pi"];
    let (exit, report, said) = read(&site.desk.command(&sync).output().unwrap());
    let mended = &report["servers"][0];
    assert_eq!((exit, mended["outcome"].as_str()), (10, Some("by-hand")), "{said}");
    let words = mended["words"].as_str().unwrap();
    assert!(words.contains("Resync Token") && words.contains("its seed is not at hand"), "{words}");
    let event = site.events(serial).into_iter().find(|event| event["what"] == "mend").unwrap();
    assert_eq!((event["outcome"].as_str(), is_unmended(&site, serial)), (Some("failed"), true), "{event}");
    assert!(event["remark"].as_str().unwrap().contains("not mended"), "{event}");
    let shown = |site: &Site| format!("{PIN}{}", site.shown(serial));
    assert!(!site.server.accepts(serial, &shown(&site)), "its user is locked out");
    let (exit, _, said) = site.mends(serial, &[]);
    assert_eq!((exit, is_unmended(&site, serial)), (0, false), "{said}");
    assert!(site.server.accepts(serial, &shown(&site)), "{said}");
}

#[test]
fn while_the_server_is_away_two_codes_are_given_that_mend_it_by_hand() {
    let Some(site) = Site::known() else { return };
    let serial = "86596120000801";
    bobs(&site, serial, "sha1", 30);
    site.follows(serial, "sha1", 30, -565);
    let url = "http://127.0.0.1:9";
    let add = ["server", "add", "pi", "--kind", "privacyidea", "--url", url, "--account", ADMIN];
    site.desk.ok(&[&add[..], &["--realm", "office", "--credential-file", "password", "--same-server"]].concat());
    let (exit, mended, said) = site.mends(serial, &[]);
    assert_eq!((exit, mended["outcome"].as_str()), (10, Some("by-hand")), "{said}");
    assert!(said.contains("cannot be reached") && said.contains("Resync Token"), "{said}");
    let codes: Vec<&str> = mended["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let typed = [("serial", serial), ("otp1", codes[0]), ("otp2", codes[1])];
    assert_eq!(site.server.ask("POST", "/token/resync", &typed), json!(true), "as somebody types them at its page");
    assert!(site.server.accepts(serial, &format!("{PIN}{}", site.shown(serial))));
    site.add("pi", ADMIN, &["--realm", "office", "--credential-file", "password", "--same-server"]);
    assert!(is_unmended(&site, serial), "nobody has told the record");
    let (exit, _, said) = site.mends(serial, &[]);
    assert_eq!((exit, is_unmended(&site, serial)), (0, false), "{said}");
}

#[test]
fn codes_that_are_typed_here_mend_a_server_and_the_record_knows() {
    let Some(site) = Site::known() else { return };
    let serial = "86596120000901";
    bobs(&site, serial, "sha1", 30);
    site.add("pi", ADMIN, &["--realm", "office", "--credential-file", "password", "--leave-in-file"]);
    site.follows(serial, "sha1", 30, -565);
    let reader = format!("emulated:{serial}");
    let sync = ["--json", "sync", "--reader", &reader, "--fast", TRUST, "--mend", "pi"];
    assert_eq!(read(&site.desk.command(&sync).output().unwrap()).0, 10);
    assert!(is_unmended(&site, serial));
    let (seed, step) = (site.desk.seed_of(serial), u64::try_from(Utc::now().timestamp()).unwrap() / 30);
    let code = |ago: u64| code_of(&seed, Hash::Sha1, step - ago);
    let typed = |one: u64, two: u64| site.run(&["server", "resync", "pi", serial, &code(one), &code(two)]);
    assert_eq!((typed(5, 3).0, is_unmended(&site, serial)), (8, true), "no two that follow each other");
    assert_eq!((typed(5, 4).0, is_unmended(&site, serial)), (0, false));
}
