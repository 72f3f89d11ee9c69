//! Servers at the page: a token is handed over there, a batch as it is burned, and a server that expects the clock of before is mended.

use serde_json::{Value, json};
use tokentap::inventory::{Deliveries, Delivery, DeliveryFilter, Entry, Event, Inventory, Outcome, Sqlite};

use super::browser::{DESKTOP, in_browser};
use super::harness::{Web, token};
use crate::servers::duo_stand_in::{Duo, INTEGRATION_KEY, SECRET_KEY};
use crate::servers::harness::{PIN, Site, TRUST};
use crate::servers::stand_in::{Counter, Fault, pass_minutes_in};

/// The page over a folder of tokens, with what a desk has on record. What the desk's folder holds goes with it.
fn page(folder: tempfile::TempDir, tokens: &[&str]) -> (Web, String) {
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    for serial in tokens {
        token(folder.path(), serial, &["--drift", "0.1"]);
    }
    let mut command = crate::support::in_folder(folder.path());
    command.env("TOKENTAP_INVENTORY", folder.path().join("inventory.sqlite"));
    command.args([
        "--reader",
        "emulated:tokens",
        "web",
        "--no-open",
        TRUST,
        "--no-auto-sync",
        "--identity",
        "identity",
    ]);
    let web = Web::spawn(folder, command);
    let bearer = web.session();
    web.wait_for(&bearer, |state| state["tokens"] == tokens.len());
    (web, bearer)
}

/// privacyIDEA, the real one.
#[test]
fn a_token_is_handed_over_at_the_page_and_a_server_that_expects_the_old_clock_is_mended_there() {
    let Some(site) = Site::known() else { return };
    let (new, moved) = ("86596120002001", "86596120002002");
    for serial in [new, moved] {
        site.burned(serial, "sha1", 30);
        site.desk.ok(&["inventory", "assign", serial, "bob"]);
    }
    site.done(&["hand-over", "pi", "--serial", moved]);
    site.with_pin(moved);
    site.follows(moved, "sha1", 30, -565);
    let reader = format!("emulated:{moved}");
    site.desk.ok(&["sync", "--reader", &reader, "--fast", TRUST]);
    let shown = format!("{PIN}{}", site.shown(moved));
    assert!(!site.server.accepts(moved, &shown), "its user is locked out");
    let Site { server, desk } = site;
    let state = desk.path(moved);
    let (web, bearer) = page(desk.0, &[]);
    let ask = |what: Value| web.ask(&bearer, what);
    let about = |serial: &str| ask(json!({ "ask": "token", "serial": serial })).json();
    assert_eq!((about(new)["unmended"].as_bool(), about(moved)["unmended"].as_bool()), (Some(false), Some(true)));
    // While it is not known whether a clock was set, no server is told of it.
    let books = Sqlite::open(&web.folder.path().join("inventory.sqlite")).unwrap();
    let now_ms = chrono::Utc::now().timestamp_millis();
    for (outcome, status) in [(Outcome::Begun, 422), (Outcome::Unknown, 422)] {
        let event = Event { outcome, job: 77, ..crate::inventory::event(moved, now_ms, "as if it was killed") };
        books.keep(&Entry::of(event)).unwrap();
        let refused = ask(json!({ "ask": "mend", "serial": moved }));
        assert!(refused.status == status && refused.body.contains("lay the token on a reader"), "{}", refused.body);
        let open = ask(json!({ "ask": "fleet" })).json()["open"].clone();
        let why = open.as_array().unwrap().iter().find(|one| one["serial"] == moved).unwrap();
        assert_eq!(why["remedy"], Value::Null, "{why}");
    }
    books.keep(&Entry::of(crate::inventory::event(moved, now_ms + 1, "as if it was laid back"))).unwrap();
    let more = web.post("/api/code", Some(&bearer), &json!({})).json();
    in_browser(more["address"].as_str().unwrap(), DESKTOP, async |page| {
        // Each button by its words, as somebody at the counter presses it.
        let press = async |serial: &str, words: &str| {
            page.js(&format!("openToken('{serial}')")).await;
            let button = format!(
                "[...document.querySelectorAll('#token-body button')].find((one) => one.textContent === '{words}')"
            );
            page.until(&button).await;
            super::page::look_at(&page, &words.replace(' ', "-"), DESKTOP).await;
            // What cannot be taken back is asked once more, on the same button.
            page.js(&format!("{button}.click(); [...document.querySelectorAll('#token-body button')].find((one) => one.dataset.asked)?.click()"))
                .await;
            page.until("document.querySelector('#token-body .card[role=status]')").await;
            page.text("#token-body .card[role=status]").await
        };
        let handed = press(new, "Hand it over to pi").await;
        assert!(handed.contains("bob"), "{handed}");
        let mended = press(moved, "Mend it on its server").await;
        assert!(mended.starts_with("pi: "), "{mended}");
        let again = press(new, "Burn its seed again").await;
        assert!(again.contains("Lay the token on a reader"), "{again}");
        assert!(page.text("#token-body .warn").await.contains("burned again"));
        press(new, "Do not burn it again").await;
        assert_eq!(page.js("return document.querySelector('#token-body .warn')").await, Value::Null);
    });
    assert_eq!(about(new)["servers"][0]["user"], "bob");
    assert_eq!((about(moved)["unmended"].as_bool(), about(new)["burns_again"].as_bool()), (Some(false), Some(false)));
    let display = crate::support::run_in(
        web.folder.path(),
        &["--json", "emulate", "--press", "--state", state.to_str().unwrap()],
    );
    let code = serde_json::from_str::<Value>(&display.1).unwrap()["display"].as_str().unwrap().to_owned();
    assert!(server.accepts(moved, &format!("{PIN}{code}")), "the code on the display, at the first try");
    let again = ask(json!({ "ask": "mend", "serial": moved }));
    assert!(again.status == 422 && again.body.contains("nothing is left to mend"), "{}", again.body);
    // What somebody did at the server's own page is on record by their word.
    let filter = DeliveryFilter { server: None, serial: Some(moved.to_owned()) };
    let known = books.deliveries(&filter).unwrap().pop().unwrap();
    books.deliver(Some(&known), &Delivery { unmended: Some(known.at), ..known.clone() }, None).unwrap();
    assert_eq!(about(moved)["unmended"], true);
    let mended = |server: &str| ask(json!({ "ask": "mended", "serial": moved, "server": server }));
    assert!(mended("okta").status == 422 && about(moved)["unmended"] == true);
    let said = mended("pi");
    assert!(said.status == 200 && said.body.contains("pi was mended by hand"), "{}", said.body);
    assert_eq!(about(moved)["unmended"], false);
    assert_eq!(about(moved)["events"][0]["remark"], "at pi: mended by hand");
    assert_eq!(web.end().0, 0);
}

#[test]
fn a_batch_that_is_started_at_the_page_is_handed_over_as_it_is_burned_and_its_rows_are_shown() {
    let server = Duo::start(&["ana", "ben"]);
    let mut counter = Counter::new();
    counter.credential(SECRET_KEY);
    let words = ["server", "add", "duo", "--kind", "duo", "--url", &server.url(), "--account", INTEGRATION_KEY];
    assert_eq!(counter.run(&[&words[..], &["--credential-file", "credential"]].concat()).0, 0);
    let tokens = ["86596120003001", "86596120003002"];
    let (web, bearer) = page(std::mem::replace(&mut counter.desk.0, tempfile::tempdir().unwrap()), &tokens);
    assert_eq!(web.ask(&bearer, json!({ "ask": "formats" })).json()["servers"], json!(["duo"]));
    let list = |users: [&str; 2]| {
        let text = format!(
            "serial,secret,user\n{},JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,{}\n{},KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU,{}\n",
            tokens[0], users[0], tokens[1], users[1]
        );
        json!({ "name": "list.csv", "content": data_encoding::BASE64.encode(text.as_bytes()) })
    };
    let out = format!("csv={}", web.folder.path().join("out.csv").display());
    let start =
        |users| web.ask(&bearer, json!({ "ask": "start-batch", "list": list(users), "to": [out], "hand_over": "duo" }));
    let refused = start(["ana", "nobody"]);
    assert!(refused.status == 422 && refused.body.contains("no user nobody"), "{}", refused.body);
    assert!(server.now().tokens.is_empty(), "nothing was burned, and nothing sent");
    server.lay("POST /admin/v1/tokens", Fault::CutBefore, 1);
    let started = start(["ana", "ben"]);
    assert_eq!(started.status, 200, "{}", started.body);
    let board = web.wait_for(&bearer, |state| state["batch"]["done"] == 2 && state["batch"]["runs"] == false);
    assert!(server.now().tokens.is_empty() && board["batch"]["words"].to_string().contains("2 undone"), "{board}");
    // Whoever starts the list again has no token to lay down: what the server lacks is handed over.
    pass_minutes_in(&web.folder.path().join("inventory.sqlite"), tokens[0], 11);
    assert_eq!(start(["ana", "ben"]).status, 200);
    let board = web.wait_for(&bearer, |state| state["batch"]["words"].to_string().contains("2 there"));
    assert_eq!(server.now().tokens.len(), 2, "{board}");
    assert!(board["batch"]["words"].to_string().contains("duo"), "{board}");
    assert!(!board.to_string().contains("JBSWY3DP"), "{board}");
    let rows = web.ask(&bearer, json!({ "ask": "batch-rows", "batch": board["batch"]["id"] })).json();
    let shown: Vec<_> =
        rows["rows"].as_array().unwrap().iter().map(|row| (row["state"].as_str(), row["user"].as_str())).collect();
    assert_eq!(shown, [(Some("burned"), Some("ana")), (Some("burned"), Some("ben"))]);
    // What the server has as this desk's own is not handed over twice.
    let again = web.ask(&bearer, json!({ "ask": "hand-over", "serial": tokens[0], "server": "duo" }));
    assert_eq!((again.status, server.now().tokens.len()), (200, 2), "{}", again.body);
    let unknown = web.ask(&bearer, json!({ "ask": "hand-over", "serial": tokens[0], "server": "okta" }));
    assert!(unknown.status == 422 && unknown.body.contains("use one of: duo"), "{}", unknown.body);
}

#[test]
fn a_hand_over_that_a_server_makes_wait_ends_when_somebody_stops_the_batch_at_the_page() {
    let server = Duo::start(&["ana"]);
    let mut counter = Counter::new();
    counter.credential(SECRET_KEY);
    Duo::add(&counter, &server.url());
    let token = "86596120003101";
    let (web, bearer) = page(std::mem::replace(&mut counter.desk.0, tempfile::tempdir().unwrap()), &[token]);
    let text = format!("serial,secret,user\n{token},JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,ana\n");
    let list = json!({ "name": "list.csv", "content": data_encoding::BASE64.encode(text.as_bytes()) });
    // It asks for a minute's pause, each time.
    server.lay("POST /admin/v1/tokens", Fault::Busy(Some(60)), 1000);
    let started = web.ask(&bearer, json!({ "ask": "start-batch", "list": list, "to": [], "hand_over": "duo" }));
    assert_eq!(started.status, 200, "{}", started.body);
    web.wait_for(&bearer, |state| state["batch"]["done"] == 1);
    while server.asked("POST /admin/v1/tokens") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // Laid down meanwhile, a token would get a seed of the list.
    let again = web.ask(&bearer, json!({ "ask": "burn-again", "serial": token, "cancel": false }));
    assert!(again.status == 422 && again.body.contains("a batch is running"), "{}", again.body);
    assert_eq!(web.ask(&bearer, json!({ "ask": "stop-batch" })).status, 200);
    let board = web.wait_for(&bearer, |state| state["batch"]["runs"] == false);
    assert_eq!(server.asked("POST /admin/v1/tokens"), 1, "it was not asked again: {board}");
    assert!(board["batch"]["words"].to_string().contains("1 undone"), "{board}");
}

#[test]
fn what_changes_beside_the_readers_is_shown_on_a_page_that_is_open() {
    let server = Duo::start(&["ana"]);
    let mut counter = Counter::new();
    counter.credential(SECRET_KEY);
    let (web, bearer) = page(std::mem::replace(&mut counter.desk.0, tempfile::tempdir().unwrap()), &[]);
    let facts = |board: &Value| (board["facts"]["servers"].clone(), board["facts"]["warning"].clone());
    assert_eq!(facts(&web.wait_for(&bearer, |_| true)), (json!([]), Value::Null));
    let add = ["server", "add", "duo", "--kind", "duo", "--url", &server.url(), "--account", INTEGRATION_KEY];
    let mut command = crate::support::in_folder(web.folder.path());
    command.env("TOKENTAP_INVENTORY", web.folder.path().join("inventory.sqlite"));
    assert!(command.args(add).args(["--credential-file", "credential"]).status().unwrap().success());
    web.wait_for(&bearer, |board| board["facts"]["servers"] == json!(["duo"]));
}

/// Whoever sits at the page does not see the terminal that it was started in.
#[cfg(unix)]
#[test]
fn an_inventory_that_others_can_change_is_told_at_the_page() {
    use std::os::unix::fs::PermissionsExt;

    let mut counter = Counter::new();
    counter.burned("86596120003201", None, &[]);
    let inventory = counter.desk.path("inventory.sqlite");
    std::fs::set_permissions(&inventory, std::fs::Permissions::from_mode(0o666)).unwrap();
    let folder = std::mem::replace(&mut counter.desk.0, tempfile::tempdir().unwrap());
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    let mut command = crate::support::in_folder(folder.path());
    command.env("TOKENTAP_INVENTORY", folder.path().join("inventory.sqlite"));
    command.args(["--reader", "emulated:tokens", "web", "--no-open", "--no-auto-sync", TRUST]);
    let web = Web::spawn(folder, command);
    let board = web.wait_for(&web.session(), |_| true);
    let said = board["facts"]["warning"].as_str().unwrap_or_default();
    assert!(said.contains("can be changed by others") || said.contains("others"), "{board}");
}
