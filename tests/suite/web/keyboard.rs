//! The page by keyboard alone: a box of tokens whose displays are read one after the other.

use std::fmt::Write;

use fantoccini::key::Key;
use serde_json::Value;

use super::browser::{DESKTOP, in_browser};
use super::harness::{Web, token};
use crate::support::run_in;

/// How many tokens are in the box.
const BOX: usize = 200;

/// A desk with an identity over a box of tokens whose seeds are sealed; every clock is off.
fn a_box() -> Web {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let (exit, text) = run_in(folder.path(), args);
        assert_eq!(exit, 0, "{args:?}: {text}");
    };
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    let mut list = "serial,secret,hash,step\n".to_owned();
    for number in 0..BOX {
        let serial = format!("8659612000{number:04}");
        token(folder.path(), &serial, &["--drift", "-97.3"]);
        // Burned elsewhere: its seed is known by a list.
        let path = folder.path().join(format!("tokens/{serial}.json"));
        let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let seed = format!("{number:040x}");
        state["seed"] = seed.as_str().into();
        std::fs::write(&path, state.to_string()).unwrap();
        writeln!(list, "{serial},{seed},SHA1,30").unwrap();
    }
    std::fs::write(folder.path().join("list.csv"), list).unwrap();
    let identity = age::x25519::Identity::generate();
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    std::fs::write(folder.path().join("identity"), &secret).unwrap();
    run(&["inventory", "init", "--recipient", &identity.to_public().to_string()]);
    run(&["inventory", "import", "list.csv", "--secret-encoding", "hex"]);
    Web::start_in(folder, &["--identity", "identity", "--ask-code", "--fast"])
}

/// Each code is typed where the focus is, and Enter pressed: no mouse, no Tab.
#[test]
fn two_hundred_tokens_are_seen_through_by_keyboard_alone() {
    let web = a_box();
    in_browser(&format!("{}/#{}", web.origin, web.code), DESKTOP, async |page| {
        for number in 0..BOX {
            page.until("document.activeElement.closest('#questions [data-id]')").await;
            let script = "const id = document.activeElement.closest('[data-id]').dataset.id; return [id, state.questions[id].serial]";
            let asked: [String; 2] = serde_json::from_value(page.js(script).await).unwrap();
            let [id, serial] = asked;
            if number == 0 {
                page.until("document.querySelector('#questions .left').textContent.endsWith(' s left')").await;
            }
            let state = format!("tokens/{serial}.json");
            let (_, shown) = run_in(web.folder.path(), &["--json", "emulate", "--press", "--state", &state]);
            let code = serde_json::from_str::<Value>(&shown).unwrap()["display"].as_str().unwrap().to_owned();
            page.keys(&format!("{code}{}", char::from(Key::Enter))).await;
            page.until(&format!("!document.querySelector('#questions [data-id=\"{id}\"]')")).await;
        }
        page.until(&format!("state.tokens === {BOX}")).await;
        assert_eq!(page.js("return state.undone_count").await, 0, "every code was right");
    });
    assert_eq!(web.end().0, 0);
}
