//! The built program against a real privacyIDEA: servers made known and checked, seeds handed over, and what disagrees.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::harness::{Site, TRUST, read};
use crate::keeping::private;
use crate::privacyidea::{ADMIN, HELPER, PASSWORD_THERE};

fn words(report: &Value) -> String {
    report.to_string()
}

#[test]
fn a_server_is_made_known_by_each_way_of_giving_a_credential_and_each_signs_in() {
    let Some(site) = Site::open() else { return };
    let realm = ["--realm", "office"];
    let sealed = site.add("sealed", ADMIN, &[&realm[..], &["--credential-file", "password"]].concat());
    assert_eq!((&sealed["server"]["credential"], &sealed["replaced"]), (&json!("sealed"), &json!(false)));
    let filed = site.add("filed", ADMIN, &["--credential-file", "password", "--leave-in-file"]);
    assert_eq!(filed["server"]["credential"], "file");
    let url = site.url();
    let typed = ["server", "add", "typed", "--kind", "privacyidea", "--url", &url, "--account", ADMIN];
    let mut child = site.desk.command(&[&typed[..], &["--credential-stdin"]].concat());
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD_THERE}").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(site.add("unit", ADMIN, &["--credential-systemd"])["server"]["credential"], "systemd");
    // A file that has moved is no sealed one.
    for (name, opens) in [("sealed", true), ("typed", true), ("filed", false)] {
        let check = ["server", "check", name];
        let check = if opens { [&check[..], &["--identity", "identity"]].concat() } else { check.to_vec() };
        let report = site.desk.json(&check);
        assert_eq!((&report["who"], &report["lacks"]), (&json!(ADMIN), &json!([])), "{name}");
        let clock_s = report["clock_s"].as_f64().unwrap();
        assert!(clock_s.abs() <= report["clock_within_s"].as_f64().unwrap() + 0.01 && report["clock_is_off"] == false);
    }
    let error = site.desk.fails(2, &["server", "check", "sealed"]);
    assert!(words(&error).contains("--identity"), "{error}");
    let error = site.desk.fails(2, &["server", "check", "unit"]);
    assert!(words(&error).contains("LoadCredential=tokentap-server-unit"), "{error}");
    fs::create_dir(site.desk.path("credentials")).unwrap();
    private(&site.desk.path("credentials/tokentap-server-unit"), PASSWORD_THERE);
    let mut check = site.desk.command(&["--json", "server", "check", "unit"]);
    let (exit, report, said) =
        read(&check.env("CREDENTIALS_DIRECTORY", site.desk.path("credentials")).output().unwrap());
    assert_eq!((exit, &report["who"]), (0, &json!(ADMIN)), "{said}");
    let names = |report: &Value| -> Vec<String> {
        let servers = report["servers"].as_array().unwrap().iter();
        servers
            .map(|server| format!("{} {}", server["name"].as_str().unwrap(), server["credential"].as_str().unwrap()))
            .collect()
    };
    let list = site.desk.json(&["server", "list"]);
    assert_eq!(names(&list), ["filed file", "sealed sealed", "typed sealed", "unit systemd"]);
    assert!(!words(&list).contains(PASSWORD_THERE));
    assert_eq!(site.desk.json(&["server", "remove", "typed"])["removed"], "typed");
    assert_eq!(names(&site.desk.json(&["server", "list"])), ["filed file", "sealed sealed", "unit systemd"]);
    site.desk.fails(2, &["server", "remove", "typed"]);
    let inventory = fs::read(site.desk.path("inventory.sqlite")).unwrap();
    assert!(!inventory.windows(PASSWORD_THERE.len()).any(|part| part == PASSWORD_THERE.as_bytes()));
}

#[test]
fn a_check_names_missing_rights_a_wrong_password_and_a_server_that_is_away() {
    let Some(site) = Site::known() else { return };
    site.add("helper", HELPER, &["--credential-file", "password"]);
    assert_eq!(site.done(&["server", "check", "helper"])["lacks"], json!([]), "without policies all may do all");
    let policy = |name: &str, who: &str, may: &str| {
        site.server.ask("POST", &format!("/policy/{name}"), &[("scope", "admin"), ("adminuser", who), ("action", may)]);
    };
    // What an installation begins with, and what most keep.
    policy("all", ADMIN, "*");
    policy("some", HELPER, "tokenlist, enrollTOTP, enrollHOTP");
    assert_eq!(site.done(&["server", "check", "pi"])["lacks"], json!([]), "the right to do anything is every right");
    let (exit, report, said) = site.run(&["server", "check", "helper"]);
    let lacks: Vec<&str> =
        report["lacks"].as_array().unwrap().iter().map(|right| right["right"].as_str().unwrap()).collect();
    assert_eq!((exit, lacks), (8, vec!["users", "assign", "resync"]), "{said}");
    policy("some", HELPER, "tokenlist, enrollTOTP, userlist, assign, resync");
    assert_eq!(site.run(&["server", "check", "helper"]).1["lacks"][0]["right"], "create");
    // What it may not is said as it is used, and the record stays as it was.
    policy("some", HELPER, "tokenlist, enrollTOTP, enrollHOTP, userlist");
    site.burned("86596120000001", "sha1", 30);
    site.desk.ok(&["inventory", "assign", "86596120000001", "bob"]);
    site.desk.ok(&["server", "remove", "helper"]);
    site.add("helper", HELPER, &["--realm", "office", "--credential-file", "password"]);
    let (exit, report, said) = site.run(&["hand-over", "helper", "--all"]);
    assert_eq!((exit, &report["undone"]), (10, &json!(1)), "{said}");
    assert!(said.contains("does not allow that") && said.contains("tokentap server check"), "{said}");
    assert_eq!(site.there("86596120000001")["username"], "");
    policy("some", HELPER, "tokenlist, enrollTOTP, enrollHOTP, userlist, assign");
    site.done(&["hand-over", "helper", "--serial", "86596120000001"]);
    assert_eq!(site.there("86596120000001")["username"], "bob");
    assert!(site.accepts_the_display_of("86596120000001"));
    // A realm that is not there: whoever is looked up there would be called unknown.
    site.add("branch", ADMIN, &["--realm", "ofice", "--credential-file", "password"]);
    let (exit, report, said) = site.run(&["server", "check", "branch"]);
    assert_eq!((exit, &report["no_realm"]["wanted"]), (8, &json!("ofice")), "{said}");
    assert!(report["no_realm"]["there"].as_array().unwrap().contains(&json!("office")), "{said}");
    assert_eq!(site.run(&["server", "check", "pi"]).1.get("no_realm"), None);
    // A wrong password, and nobody there.
    private(&site.desk.path("wrong"), "of-another-test");
    site.add("pi", ADMIN, &["--credential-file", "wrong"]);
    let (exit, _, said) = site.run(&["server", "check", "pi"]);
    assert!(said.contains("does not let this account in") && !said.contains("of-another-test"), "{exit} {said}");
    let url = "http://127.0.0.1:9";
    let add = ["server", "add", "away", "--kind", "privacyidea", "--url", url, "--account", ADMIN];
    site.desk.ok(&[&add[..], &["--credential-file", "password"]].concat());
    let (away, _, said) = site.run(&["server", "check", "away"]);
    assert!(said.contains("cannot be reached") && said.contains("nothing was sent"), "{away} {said}");
    println!("exit codes: wrong password {exit}, server away {away}");
}

/// The rows of a batch: every hash and step, and users by login name and by address.
const ROWS: [(&str, &str, u32, &str); 4] = [
    ("86596120000101", "SHA1", 30, "ada"),
    ("86596120000102", "SHA1", 60, "bob@example.org"),
    ("86596120000103", "SHA256", 30, "Eva"),
    ("86596120000104", "SHA256", 60, ""),
];

/// Burns the rows as a batch.
fn burn_batch(site: &Site) {
    let mut rows = "serial,secret,hash,step,user\n".to_owned();
    fs::create_dir(site.desk.path("tokens")).unwrap();
    for (number, (serial, hash, step, user)) in ROWS.into_iter().enumerate() {
        let secret: Vec<u8> = (0..32_u8).map(|at| at.wrapping_mul(37) ^ number as u8).collect();
        let secret = data_encoding::BASE32_NOPAD.encode(&secret[..if hash == "SHA1" { 20 } else { 32 }]);
        rows.push_str(&format!("{serial},{secret},{hash},{step},{user}\n"));
        site.desk.ok(&["emulate", "--create", "--serial", serial, "--state", &format!("tokens/{serial}.json")]);
    }
    fs::write(site.desk.path("rows.csv"), rows).unwrap();
    site.desk.ok(&["batch", "rows.csv", "--reader", "emulated:tokens", TRUST]);
    for (serial, ..) in ROWS {
        fs::rename(site.desk.path(&format!("tokens/{serial}.json")), site.desk.path(serial)).unwrap();
    }
}

fn outcomes(report: &Value) -> Vec<(String, String)> {
    let word = |token: &Value, name: &str| token[name].as_str().unwrap_or_default().to_owned();
    report["tokens"].as_array().unwrap().iter().map(|token| (word(token, "outcome"), word(token, "user"))).collect()
}

#[test]
fn a_batch_is_handed_over_and_the_codes_on_the_displays_are_accepted_at_the_first_try() {
    let Some(site) = Site::known() else { return };
    burn_batch(&site);
    let plan = site.done(&["hand-over", "pi", "--batch", "1", "--dry-run"]);
    assert_eq!((&plan["dry_run"], outcomes(&plan)[0].0.as_str()), (&json!(true), "create"));
    assert!(ROWS.iter().all(|row| site.all_there(row.0).is_empty()), "nothing was sent");
    let report = site.done(&["hand-over", "pi", "--batch", "1"]);
    let users = ["ada", "bob", "eva", ""];
    let expected: Vec<_> = users.iter().map(|user| ("created".to_owned(), (*user).to_owned())).collect();
    assert_eq!((outcomes(&report), &report["done"]), (expected, &json!(4)));
    for ((serial, hash, step, _), user) in ROWS.into_iter().zip(users) {
        let there = site.there(serial);
        assert_eq!(there["username"].as_str(), Some(user));
        assert_eq!(there["info"]["hashlib"].as_str().unwrap().to_uppercase(), hash);
        assert_eq!(there["info"]["timeStep"].to_string().trim_matches('"'), step.to_string());
        assert!(site.accepts_the_display_of(serial), "{serial} {hash} {step}");
        if !user.is_empty() {
            assert_eq!(there["user_realm"], "office");
        }
    }
    // A second time nothing is left to do, by any of the three ways.
    let again = site.done(&["hand-over", "pi", "--batch", "1"]);
    assert!(outcomes(&again).iter().all(|(outcome, _)| outcome == "there"), "{again}");
    assert_eq!(outcomes(&site.done(&["hand-over", "pi", "--serial", ROWS[0].0]))[0].0, "there");
    assert_eq!(site.done(&["hand-over", "pi", "--all"])["tokens"], json!([]));
    assert_eq!(site.desk.json(&["server", "list"])["servers"][0]["tokens"], 4);
    println!("4 of 4 displays were accepted at the first try");
}

#[test]
fn users_who_are_missing_or_ambiguous_are_named_before_anything_is_sent() {
    let Some(site) = Site::open() else { return };
    // Without a realm, all of them are looked at.
    site.add("pi", ADMIN, &["--credential-file", "password"]);
    let serials = ["86596120000201", "86596120000202", "86596120000203", "86596120000204"];
    for (serial, user) in serials.into_iter().zip(["nobody", "ada", "same@example.org", "bob"]) {
        site.burned(serial, "sha1", 30);
        site.desk.ok(&["inventory", "assign", serial, user]);
    }
    let (exit, report, said) = site.run(&["hand-over", "pi", "--all"]);
    assert_eq!(exit, 10, "{said}");
    let details = words(&report["error"]);
    for named in ["no user nobody", "ada matches 2 users", "same@example.org matches 2 users"] {
        assert!(details.contains(named), "{named}: {details}");
    }
    assert!(serials.iter().all(|serial| site.all_there(serial).is_empty()), "nothing was sent");
    let (exit, report, said) = site.run(&["hand-over", "pi", "--all", "--dry-run"]);
    assert_eq!((exit, &report["undone"]), (10, &json!(3)), "{said}");
    let (exit, _, said) = site.run(&["hand-over", "pi", "--serial", serials[1]]);
    assert!(exit != 0 && said.contains("ada matches 2 users"), "{exit} {said}");
    let (exit, report, said) = site.run(&["hand-over", "pi", "--all", "--skip-problems"]);
    assert_eq!((exit, &report["done"], &report["undone"]), (10, &json!(1), &json!(3)), "{said}");
    assert!(site.accepts_the_display_of(serials[3]) && site.all_there(serials[0]).is_empty());
    // In a realm, each of them is one; who is unknown gets nothing, and the token is nobody's.
    site.add("pi", ADMIN, &["--realm", "branch", "--credential-file", "password"]);
    let report = site.done(&["hand-over", "pi", "--serial", serials[1], "--serial", serials[2]]);
    let users: Vec<String> = outcomes(&report).into_iter().map(|(_, user)| user).collect();
    assert_eq!(users, ["ada", "max"]);
    assert_eq!(site.there(serials[1])["user_realm"], "branch");
    assert_eq!(site.there(serials[2])["user_realm"], "branch");
    site.done(&["hand-over", "pi", "--serial", serials[0], "--unassigned"]);
    assert_eq!(site.there(serials[0])["username"], "");
    assert!(serials.iter().all(|serial| site.there(serial)["serial"] == **serial));
    assert!(site.accepts_the_display_of(serials[0]) && site.accepts_the_display_of(serials[1]));
}

#[test]
fn a_seed_that_the_server_has_is_replaced_only_by_its_users_word_and_stays_its_user_s() {
    let Some(site) = Site::known() else { return };
    let serial = "86596120000301";
    site.burned(serial, "sha1", 30);
    let foreign = [("type", "totp"), ("serial", serial), ("otpkey", "00112233445566778899aabbccddeeff00112233")];
    site.server.ask(
        "POST",
        "/token/init",
        &[&foreign[..], &[("user", "eva"), ("realm", "office"), ("pin", "1234")]].concat(),
    );
    let before = site.there(serial);
    let (exit, _, said) = site.run(&["hand-over", "pi", "--all"]);
    assert!(exit != 0 && said.contains("eva's") && said.contains("--replace"), "{exit} {said}");
    assert_eq!(site.there(serial), before, "as it was");
    let report = site.done(&["hand-over", "pi", "--all", "--replace"]);
    assert_eq!(outcomes(&report), [("replaced".to_owned(), "eva".to_owned())]);
    let after = site.there(serial);
    assert_eq!(after["username"], "eva");
    // Burned anew, the server has the old seed until it is replaced, here for its user and their PIN.
    site.burn_again(serial, "sha256", 60);
    let (exit, _, said) = site.run(&["hand-over", "pi", "--serial", serial]);
    assert!(exit != 0 && said.contains("--replace"), "{exit} {said}");
    site.desk.ok(&["inventory", "assign", serial, "eva"]);
    site.done(&["hand-over", "pi", "--serial", serial, "--replace"]);
    let shown = site.shown(serial);
    let typed = format!("1234{shown}");
    let is_accepted = site.server.accepts(serial, &typed);
    assert!(is_accepted, "with the PIN that it had: {}", site.there(serial));
    assert_eq!(site.there(serial)["username"], "eva");
    assert!(!site.accepts_the_display_of(serial), "used up, and without its PIN");
}
