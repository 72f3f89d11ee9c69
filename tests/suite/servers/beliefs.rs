//! What a real privacyIDEA believes and lists: read into the record as readings, compared with it, and found again by codes.

use serde_json::{Value, json};
use tokentap::otp::Hash;

use super::harness::{Site, TRUST, code_of};

#[test]
fn what_the_server_believes_becomes_readings_of_tokens_that_nobody_brought_in() {
    let Some(site) = Site::known() else { return };
    let logins = [("86596120000901", 30, -215), ("86596120000902", 60, 200), ("86596120000903", 30, 0)];
    for (serial, step, drift_s) in logins {
        site.burned(serial, "sha1", step);
        site.enrol(serial, &site.desk.seed_of(serial), "sha1", step, drift_s);
        // The server's time of a login is one of whole seconds: it is not to lie before the burn.
        std::thread::sleep(std::time::Duration::from_secs(2));
        site.follows(serial, "sha1", step, drift_s);
    }
    // Of the program's own making; without a login; not in this inventory.
    let (own, unused) = ("86596120000904", "86596120000905");
    site.burned(own, "sha1", 30);
    site.done(&["hand-over", "pi", "--serial", own]);
    site.burned(unused, "sha1", 30);
    site.enrol(unused, &site.desk.seed_of(unused), "sha1", 30, -500);
    site.enrol("86596120000906", "00112233445566778899aabbccddeeff00112233", "sha1", 30, 0);
    let foreseen = |serial: &str| {
        let forecast = site.desk.json(&["inventory", "forecast"])["forecast"].clone();
        forecast.as_array().unwrap().iter().find(|one| one["serial"] == serial).unwrap()["clock"]["drift_s"].as_f64()
    };
    let before = foreseen(logins[0].0);
    let pulled = site.done(&["server", "pull", "pi"]);
    // What nobody has brought in is known all the same.
    let after = foreseen(logins[0].0).unwrap();
    // A belief is one of whole steps, as below; what is foretold goes on from there for the seconds since.
    assert!(
        before.is_none_or(|before| before.abs() < 5.0) && (after + 215.0).abs() < 32.0,
        "{before:?} {after} {}",
        site.desk.json(&["inventory", "show", logins[0].0])
    );
    let counts =
        |report: &Value| ["listed", "new", "known", "without", "unknown"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts(&pulled), [6, 3, 1, 1, 1], "{pulled}");
    assert_eq!(counts(&site.done(&["server", "pull", "pi"])), [6, 0, 4, 1, 1], "twice gives nothing new");
    for (serial, step, drift_s) in logins {
        let events = site.events(serial);
        let pulls: Vec<&Value> = events.iter().filter(|event| event["what"] == "pull").collect();
        assert_eq!((pulls.len(), pulls[0]["desk"].as_str()), (1, Some("pi")), "{serial}");
        let (read_s, within_s) =
            (pulls[0]["before"]["drift_s"].as_f64().unwrap(), pulls[0]["before"]["resolution_s"].as_f64().unwrap());
        println!("{serial}: {drift_s:+} s, read as {read_s:+.1} s within {within_s} s");
        assert!((read_s - drift_s as f64).abs() <= f64::from(step), "{serial}: {read_s}");
        assert!((within_s - f64::from(step)).abs() < 0.01, "{serial}: {within_s}");
        let shown = site.desk.json(&["inventory", "show", serial]);
        assert!(shown.to_string().contains("\"pull\""), "{shown}");
        assert!(site.desk.json(&["inventory", "forecast"]).to_string().contains(serial));
    }
    assert!(site.events(own).iter().all(|event| event["what"] != "pull"));
    site.record_is_sound();
}

#[test]
fn a_login_soon_after_a_token_was_handed_over_or_not_mended_is_a_reading_all_the_same() {
    let Some(site) = Site::known() else { return };
    let serial = "86596120000911";
    site.burned(serial, "sha1", 30);
    site.done(&["hand-over", "pi", "--serial", serial]);
    assert_eq!(site.done(&["server", "pull", "pi"])["new"], 0, "the code that was asked about is nobody's login");
    assert!(site.accepts_the_display_of(serial));
    assert_eq!(site.done(&["server", "pull", "pi"])["new"], 1, "a login seconds after the hand-over");
    // The server has followed a fast clock: it was asked for nothing after the sync, and the login before that was one.
    let other = "86596120000912";
    site.burned(other, "sha1", 30);
    site.enrol(other, &site.desk.seed_of(other), "sha1", 30, 600);
    site.follows(other, "sha1", 30, 600);
    let (exit, mended, said) = site.mends(other, &[]);
    assert_eq!((exit, mended["outcome"].as_str()), (10, Some("again-later")), "{said}");
    assert_eq!(site.done(&["server", "pull", "pi"])["new"], 1, "{:?}", site.events(other));
}

#[test]
fn each_disagreement_of_record_and_server_is_named_and_nothing_is_changed() {
    let Some(site) = Site::known() else { return };
    let serial = |number: u32| format!("8659612000{number:04}");
    let restricted = "86596220001500".to_owned();
    let handed: Vec<String> = (1501..=1509).map(serial).chain([restricted.clone()]).collect();
    for serial in &handed {
        site.burned(serial, "sha1", 30);
    }
    for number in [1502, 1504] {
        site.desk.ok(&["inventory", "assign", &serial(number), "bob"]);
    }
    site.done(&["hand-over", "pi", "--all"]);
    assert_eq!(site.done(&["server", "compare", "pi"])["differences"], json!([]));
    let ask = |path: &str, form: &[(&str, &str)]| site.server.ask("POST", path, form);
    let mut expected = vec![(restricted.clone(), "erased")];
    site.desk.ok(&["sync", "--fast", "--erase-seed", TRUST, "--reader", &format!("emulated:{restricted}")]);
    expected.push((serial(1501), "not-there"));
    site.server.ask("DELETE", &format!("/token/{}", serial(1501)), &[]);
    expected.push((serial(1502), "nobodys-there"));
    ask("/token/unassign", &[("serial", &serial(1502))]);
    expected.push((serial(1503), "nobodys-here"));
    ask("/token/assign", &[("serial", &serial(1503)), ("user", "eva"), ("realm", "office")]);
    expected.push((serial(1504), "other-user"));
    ask("/token/unassign", &[("serial", &serial(1504))]);
    ask("/token/assign", &[("serial", &serial(1504)), ("user", "eva"), ("realm", "office")]);
    expected.push((serial(1505), "burned-since"));
    site.burn_again(&serial(1505), "sha1", 30);
    expected.extend([(serial(1506), "step"), (serial(1506), "hash")]);
    site.enrol(&serial(1506), &site.desk.seed_of(&serial(1506)), "sha256", 60, 0);
    expected.push((serial(1507), "off-there"));
    ask("/token/disable", &[("serial", &serial(1507))]);
    expected.push((serial(1508), "unmended"));
    site.enrol(&serial(1508), "00112233445566778899aabbccddeeff00112233", "sha1", 30, 0);
    assert_eq!(site.mends(&serial(1508), &[]).0, 10);
    expected.push((serial(1510), "not-handed-over"));
    site.burned(&serial(1510), "sha1", 30);
    site.enrol(&serial(1510), &site.desk.seed_of(&serial(1510)), "sha1", 30, 0);
    let before = site.server.ask("GET", "/token/", &[]);
    let (exit, report, said) = site.run(&["server", "compare", "pi"]);
    let differences = report["differences"].as_array().unwrap().iter();
    let mut found: Vec<(String, &str)> = differences
        .map(|one| (one["serial"].as_str().unwrap().to_owned(), one["difference"].as_str().unwrap()))
        .collect();
    found.sort();
    expected.sort();
    assert_eq!((exit, &found), (8, &expected), "{said}");
    assert_eq!(site.server.ask("GET", "/token/", &[]), before, "nothing was changed there");
    println!("{} disagreements were named, each of another kind", found.len());
}

#[test]
fn a_counter_that_the_server_has_lost_is_found_again_by_two_codes() {
    let Some(site) = Site::known() else { return };
    // No emulated token counts: its codes are made here.
    let serial = "86596120001601";
    site.burned(serial, "sha1", 30);
    let seed = site.desk.seed_of(serial);
    let form = [("type", "hotp"), ("serial", serial), ("otpkey", &seed), ("otplen", "6"), ("hashlib", "sha1")];
    site.server.ask("POST", "/token/init", &form);
    let code = |count: u64| code_of(&seed, Hash::Sha1, count);
    assert!(site.server.accepts(serial, &code(0)) && !site.server.accepts(serial, &code(300)), "pressed in a pocket");
    let resync = |one: u64, two: u64| site.run(&["server", "resync", "pi", serial, &code(one), &code(two)]);
    let (exit, report, said) = resync(301, 303);
    assert_eq!((exit, &report["found"]), (8, &json!(false)), "{said}");
    let (exit, report, said) = resync(301, 302);
    assert_eq!((exit, &report["found"]), (0, &json!(true)), "{said}");
    assert!(site.server.accepts(serial, &code(303)), "its next code");
    let events = site.events(serial);
    let mends: Vec<&Value> = events.iter().filter(|event| event["what"] == "mend").collect();
    let outcomes: Vec<&Value> = mends.iter().map(|event| &event["outcome"]).collect();
    assert_eq!(outcomes, ["done", "begun", "failed", "begun"]);
    let (exit, _, said) = site.run(&["server", "resync", "pi", serial, &code(304), &code(305), &code(306)]);
    assert!(exit == 2 && said.contains("needs 2 codes"), "{exit} {said}");
    site.server.ask("DELETE", &format!("/token/{serial}"), &[]);
    let (exit, _, said) = resync(304, 305);
    assert!(exit == 10 && said.contains("no token of this serial"), "{exit} {said}");
}

#[test]
fn a_fido2_key_logs_in_by_its_button_and_is_found_again_after_a_pocket() {
    let Some(site) = Site::known() else { return };
    let (serial, reader) = ("66103000001701", "emulated:key.json");
    site.desk.ok(&["emulate", "--create", "--family", "hotp-key", "--serial", serial, "--state", "key.json"]);
    site.desk.ok(&["burn", "--hotp", "--generate", "--no-verify", "--reader", reader, TRUST]);
    site.done(&["hand-over", "pi", "--serial", serial]);
    let touched = || {
        let typed = site.desk.json(&["emulate", "--touch", "--state", "key.json"]);
        typed["display"].as_str().unwrap().trim().to_owned()
    };
    assert!(site.server.accepts(serial, &touched()) && site.server.accepts(serial, &touched()), "its first two codes");
    for _ in 0..40 {
        touched();
    }
    assert!(!site.server.accepts(serial, &touched()), "touched 40 times in a pocket");
    let (one, two) = (touched(), touched());
    let found = site.done(&["server", "resync", "pi", serial, &one, &two]);
    assert_eq!(found["found"], true, "{found}");
    assert!(site.server.accepts(serial, &touched()), "its next code");
    site.record_is_sound();
}
