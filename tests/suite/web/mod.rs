//! The desk as a page: who may ask, what it shows, and that two pages and a sleeping one miss nothing (docs/web.md).

#[cfg(feature = "servers")]
mod at_servers;
mod attacks;
pub mod browser;
pub mod harness;
mod keyboard;
mod opening;
pub mod page;
mod security;
mod states;

use serde_json::json;

use harness::Web;
use tokentap::web::{Board, Facts, Place};

const SLOW: &str = "86596120000001";
const RESTRICTED: &str = "86596220005678";

#[test]
fn tokens_that_are_laid_down_are_on_the_board_with_what_was_done_and_what_is_next() {
    let web =
        Web::start(&[(SLOW, &["--drift", "-97.3"]), (RESTRICTED, &["--drift", "-40"])], &["--assume-factory-profile"]);
    let bearer = web.session();
    let state = web.wait_for(&bearer, |state| state["tokens"] == 2);
    assert_eq!((state["set"].as_u64(), state["undone_count"].as_u64()), (Some(1), Some(1)));
    let (last, first) = (&state["visits"][0], &state["visits"][1]);
    assert_eq!((first["serial"].as_str(), first["well"].as_bool()), (Some(SLOW), Some(true)));
    assert!((first["drift"][0].as_f64().unwrap() + 97.3).abs() < 1.0, "{first}");
    assert!(first["drift"][1].as_f64().unwrap().abs() < 0.5, "{first}");
    assert_eq!((last["serial"].as_str(), last["state"].as_str()), (Some(RESTRICTED), Some("badly")));
    assert!(last["next"].as_str().unwrap().contains("seed"), "{last}");
    assert_eq!(state["undone"][RESTRICTED]["serial"], RESTRICTED);
    // What was done is on record, as by any other command.
    let token = web.ask(&bearer, json!({ "ask": "token", "serial": SLOW })).json();
    assert_eq!(token["events"][0]["what"], "sync");
    assert!(token["plot"].as_str().unwrap().starts_with("<svg"));
    let (exit, _) = web.end();
    assert_eq!(exit, 10, "a token was left undone");
}

#[test]
fn a_page_that_was_away_gets_the_board_as_it_is_and_two_pages_see_the_same() {
    let tokens: Vec<String> = (1..=6).map(|number| format!("8659612000000{number}")).collect();
    let tokens: Vec<(&str, &[&str])> =
        tokens.iter().map(|serial| (serial.as_str(), &["--drift", "0.1"] as &[&str])).collect();
    let web = Web::start(&tokens, &[]);
    let one = web.session();
    let address = web.post("/api/code", Some(&one), &json!({})).json()["address"].as_str().unwrap().to_owned();
    let code = address.split_once("/#").unwrap().1;
    let other = web.post("/api/session", None, &json!({ "code": code })).json()["bearer"].as_str().unwrap().to_owned();
    let first = web.wait_for(&one, |state| state["tokens"] == 6);
    // It asks with what it had when it fell asleep.
    let late = web.state(&other, 1);
    let visits =
        |state: &serde_json::Value| (state["visits"].clone(), state["tokens"].clone(), state["undone"].clone());
    assert_eq!(visits(&first), visits(&late));
    assert_eq!(late["visits"].as_array().unwrap().len(), 6);
}

#[test]
fn the_profile_of_a_token_is_stated_at_the_page_and_not_assumed() {
    let web = Web::start(&[(SLOW, &["--drift", "-97.3"])], &[]);
    let bearer = web.session();
    let state = web.wait_for(&bearer, |state| state["tokens"] == 1);
    let visit = &state["visits"][0];
    assert_eq!((visit["state"].as_str(), visit["remedy"].as_str()), (Some("badly"), Some("state-profile")));
    let half = web.ask(
        &bearer,
        json!({ "ask": "profile", "serial": SLOW, "profile": { "hash": "SHA256", "step_s": null, "display_s": null } }),
    );
    assert_eq!(half.status, 422, "{}", half.body);
    let whole =
        json!({ "ask": "profile", "serial": SLOW, "profile": { "hash": "SHA256", "step_s": 60, "display_s": null } });
    assert_eq!(web.ask(&bearer, whole).status, 200);
    let state = web.wait_for(&bearer, |state| state["readers"]["emulated:tokens"]["state"] == "lay-back");
    assert!(state["readers"]["emulated:tokens"]["next"].as_str().unwrap().contains("lay it back"));
}

#[test]
fn a_token_is_found_given_to_a_user_and_taken_back_and_nobody_elses_is_given_away_unasked() {
    let web = Web::start(&[(SLOW, &["--drift", "0.1"])], &[]);
    let bearer = web.session();
    web.wait_for(&bearer, |state| state["tokens"] == 1);
    let assign = |user: &str, reassign| {
        web.ask(&bearer, json!({ "ask": "assign", "serial": SLOW, "user": user, "reassign": reassign }))
    };
    assert_eq!(assign("ada@example.org", false).status, 200);
    let taken = assign("bob@example.org", false);
    assert_eq!(taken.status, 422);
    assert!(taken.json()["message"].as_str().unwrap().contains("ada@example.org"), "{}", taken.body);
    assert_eq!(taken.json()["confirm"], true);
    let find = |text: &str| web.ask(&bearer, json!({ "ask": "find", "text": text })).json();
    assert_eq!(find("ada")["tokens"][0]["serial"], SLOW);
    assert_eq!(find("bob")["count"], 0);
    assert_eq!(assign("bob@example.org", true).status, 200);
    assert_eq!(find("0001")["tokens"][0]["user"], "bob@example.org");
    assert_eq!(web.ask(&bearer, json!({ "ask": "unassign", "serial": SLOW })).status, 200);
    assert_eq!(find("0001")["tokens"][0]["user"], serde_json::Value::Null);
    for odd in [
        json!({ "ask": "find" }),
        json!({ "ask": "nothing" }),
        json!({ "ask": "find", "text": "x", "more": 1 }),
        json!([]),
    ] {
        let status = web.ask(&bearer, odd.clone()).status;
        assert!((400..500).contains(&status), "{odd}: {status}");
    }
}

#[test]
fn a_list_that_is_dropped_onto_the_page_is_checked_burned_and_its_file_written_for_the_owner_alone() {
    let tokens = [("86596120000001", &["--drift", "-5"] as &[&str]), ("86596120000002", &["--drift", "3"])];
    let web = Web::start(&tokens, &["--no-auto-sync"]);
    let bearer = web.session();
    web.wait_for(&bearer, |state| state["tokens"] == 2);
    let dropped = |text: &str| json!({ "name": "list.csv", "content": data_encoding::BASE64.encode(text.as_bytes()) });
    let bad = "serial,secret\n86596120000001,NOT!BASE32\n";
    let problems = web.ask(&bearer, json!({ "ask": "check-list", "list": dropped(bad) }));
    assert_eq!(problems.status, 422);
    assert!(problems.body.contains("list.csv:2") && !problems.body.contains("NOT!"), "{}", problems.body);
    let good = "serial,secret,user\n86596120000001,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,ada\n86596120000002,KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU,bob\n";
    let checked = web.ask(&bearer, json!({ "ask": "check-list", "list": dropped(good) })).json();
    assert_eq!(checked["words"], "2 rows: 2 with a serial, 2 with a user");
    let to = web.folder.path().join("duo.csv");
    let start = json!({ "ask": "start-batch", "list": dropped(good), "to": [format!("csv={}", to.display())] });
    let started = web.ask(&bearer, start);
    assert_eq!(started.status, 200, "{}", started.body);
    let state = web.wait_for(&bearer, |state| state["batch"]["done"] == 2 && state["batch"]["runs"] == false);
    assert!(state["batch"]["words"].to_string().contains("duo.csv"), "{}", state["batch"]);
    assert!(!state.to_string().contains("JBSWY3DP"), "{state}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&to).unwrap().contains("86596120000002"));
    // Nothing of what was dropped lies anywhere else.
    let (_, folder) = web.end();
    let mut files = vec![folder.path().to_owned()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path != to && !path.to_string_lossy().contains("/tokens/") {
            let content = std::fs::read(&path).unwrap();
            assert!(!content.windows(8).any(|part| part == b"JBSWY3DP"), "{}", path.display());
        }
    }
}

#[test]
fn who_must_come_back_is_shown_and_saved_as_a_table() {
    let web = Web::start(&[(SLOW, &["--drift", "-97.3"])], &["--no-auto-sync"]);
    let bearer = web.session();
    web.wait_for(&bearer, |state| state["tokens"] == 1);
    let fleet = web.ask(&bearer, json!({ "ask": "fleet", "due_days": 30 })).json();
    assert_eq!((fleet["count"].as_u64(), fleet["forecast"][0]["come"].as_str()), (Some(1), Some("now")));
    assert!(!fleet["words"].as_str().unwrap().contains("--"), "{fleet}");
    let csv = web.ask(&bearer, json!({ "ask": "fleet", "csv": true })).json();
    assert!(csv["csv"].as_str().unwrap().starts_with("serial,model,user,come before"), "{csv}");
    let odd = web.ask(&bearer, json!({ "ask": "fleet", "server": "okta" }));
    assert_eq!(odd.status, 422, "{}", odd.body);
}

/// A page that shows the desk alone.
fn kiosk() -> Web {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    harness::token(folder.path(), SLOW, &["--drift", "0.1"]);
    let mut command = crate::support::in_folder(folder.path());
    // No browser is found, so none opens.
    command.env("PATH", "").args(["--reader", "emulated:tokens", "web", "--kiosk", "--trust-host-clock"]);
    Web::spawn(folder, command)
}

#[test]
fn a_page_that_shows_the_desk_alone_is_answered_nothing_else() {
    let web = kiosk();
    let bearer = web.session();
    let state = web.wait_for(&bearer, |state| state["tokens"] == 1);
    assert_eq!(state["facts"]["kiosk"], true);
    for more in [
        json!({ "ask": "find", "text": "0001" }),
        json!({ "ask": "token", "serial": SLOW }),
        json!({ "ask": "assign", "serial": SLOW, "user": "bob" }),
        json!({ "ask": "burn-again", "serial": SLOW }),
        json!({ "ask": "fleet" }),
        json!({ "ask": "start-batch", "list": { "path": "list.csv" }, "to": [] }),
    ] {
        let refused = web.ask(&bearer, more.clone());
        assert!(
            refused.status == 422 && refused.body.contains("the desk and nothing else"),
            "{more}: {}",
            refused.body
        );
    }
    assert_eq!(web.ask(&bearer, json!({ "ask": "formats" })).status, 200);
}

/// Ten thousand visits that no page has read: the board holds what a page shows, and no more.
#[test]
fn a_board_that_nobody_reads_does_not_grow() {
    let board = Board::new(Facts::default());
    let visit = |number: usize| {
        let serial = Some(format!("8659612{number:07}"));
        let place =
            Place { reader: format!("reader {}", number % 4), serial, what: "x".repeat(200), ..Place::default() };
        board.left(place, !number.is_multiple_of(3), true, chrono::Utc::now());
    };
    (0..1000).for_each(visit);
    let before = board.shown().len();
    (1000..10_000).for_each(visit);
    let after = board.shown().len();
    assert!(after < before + 100, "{before} and then {after} bytes");
    let shown: serde_json::Value = serde_json::from_str(&board.shown()).unwrap();
    assert_eq!((shown["tokens"].as_u64(), shown["visits"].as_array().map(Vec::len)), (Some(10_000), Some(20)));
}

/// A desk with an identity, over one token whose seed is sealed; the path of the token's state, and what must not be seen anywhere.
fn sealed_desk() -> (Web, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let (exit, text) = crate::support::run_in(folder.path(), args);
        assert_eq!(exit, 0, "{args:?}: {text}");
    };
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    harness::token(folder.path(), SLOW, &["--drift", "0.1"]);
    let identity = age::x25519::Identity::generate();
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    std::fs::write(folder.path().join("identity"), &secret).unwrap();
    run(&["inventory", "init", "--recipient", &identity.to_public().to_string()]);
    std::fs::write(folder.path().join("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let state = format!("tokens/{SLOW}.json");
    let reader = format!("emulated:{state}");
    run(&["--reader", &reader, "burn", "--seed-file", "seed", "--no-verify", "--trust-host-clock"]);
    (Web::start_in(folder, &["--identity", "identity", "--ask-code"]), state, secret)
}

/// The code that the token's display shows.
fn displayed(web: &Web, state: &str) -> String {
    let (_, display) = crate::support::run_in(web.folder.path(), &["emulate", "--press", "--state", state]);
    display.chars().filter(char::is_ascii_digit).take(6).collect()
}

/// The code on the display is asked for at the page, and judged by the sealed seed; the first of two answers counts.
#[test]
fn the_code_on_a_display_is_asked_for_in_a_field_and_judged() {
    let (web, state, secret) = sealed_desk();
    let bearer = web.session();
    let board = web.wait_for(&bearer, |state| !state["questions"].as_object().unwrap().is_empty());
    let (_, question) = board["questions"].as_object().unwrap().iter().next().unwrap();
    assert_eq!((question["serial"].as_str(), board["tokens"].as_u64()), (Some(SLOW), Some(0)));
    let answer = |code: &str| web.ask(&bearer, json!({ "ask": "answer", "id": question["id"], "code": code }));
    assert_eq!(answer("12ab").status, 422, "that is no code, and the question stays");
    let code = displayed(&web, &state);
    assert_eq!(answer(&code).status, 200, "{code}");
    assert_eq!(answer(&code).status, 422, "it was answered already");
    let board = web.wait_for(&bearer, |state| state["tokens"] == 1);
    assert_eq!(board["visits"][0]["well"], true, "{board}");
    assert!(board["visits"][0]["what"].as_str().unwrap().contains("right"), "{board}");
    assert!(!board.to_string().contains(&secret) && !board.to_string().contains("JBSWY3DP"));
    // Its user may be at the telephone: the token is on no reader.
    let verify = |code: &str| web.ask(&bearer, json!({ "ask": "verify", "serial": SLOW, "code": code }));
    let right = verify(&displayed(&web, &state)).json();
    assert_eq!(right["right"], true, "{right}");
    let wrong = verify("000000").json();
    assert_eq!(wrong["right"], false, "{wrong}");
    assert_eq!(verify("00").status, 422);
    let token = web.ask(&bearer, json!({ "ask": "token", "serial": SLOW })).json();
    assert_eq!(
        (token["events"][0]["what"].as_str(), token["events"][0]["outcome"].as_str()),
        (Some("verify"), Some("wrong"))
    );
}
