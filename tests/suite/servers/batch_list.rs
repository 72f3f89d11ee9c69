//! A list whose tokens are handed over as they are burned: what could not go to the server is named before the first of them is burned.

use std::fs;

use super::duo_stand_in::Duo;
use super::stand_in::{Counter, StandIn, TRUST};

const SECRETS: [&str; 3] =
    ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJS"];

fn serial(number: usize) -> String {
    format!("8659612009{number:04}")
}

/// A desk with three tokens in a tray, a list for them, and a server.
fn laid_out(users: [&str; 3]) -> (StandIn<Duo>, Counter) {
    let (server, counter) = Duo::known(&["ana", "eva"]);
    fs::create_dir(counter.desk.path("tray")).unwrap();
    let mut list = "serial,secret,user\n".to_owned();
    for (number, (secret, user)) in SECRETS.into_iter().zip(users).enumerate() {
        let serial = serial(number);
        counter.ok(&["emulate", "--create", "--serial", &serial, "--state", &format!("tray/{serial}.json")]);
        list.push_str(&format!("{serial},{secret},{user}\n"));
    }
    fs::write(counter.desk.path("list.csv"), list).unwrap();
    (server, counter)
}

fn batch(counter: &Counter, more: &[&str]) -> (i32, String) {
    let args =
        ["batch", "list.csv", "--reader", "emulated:tray", TRUST, "--hand-over", "duo", "--identity", "identity"];
    counter.run(&[&args[..], more].concat())
}

#[test]
fn rows_that_the_server_could_not_be_given_are_named_before_the_first_is_burned() {
    let (server, counter) = laid_out(["ana", "nobody", "eva"]);
    server.now().put("t6", &serial(2), &[1; 20]);
    for more in [&["--dry-run"][..], &[]] {
        let (exit, said) = batch(&counter, more);
        assert!(exit != 0 && said.contains("2 rows of the list cannot be handed over to duo"), "{more:?}: {said}");
        assert!(said.contains("row 2: the server has no user nobody"), "{said}");
        assert!(said.contains("row 3: the server has a token of this serial already"), "{said}");
        // What nobody has looked at is not taken for right.
        let (exit, said) = batch(&counter, &[&["--hash", "sha256"][..], more].concat());
        assert!(exit != 0 && said.contains("rows 1, 2, 3: Duo takes SHA-1 only, not SHA256"), "{more:?}: {said}");
    }
    assert_eq!(server.asked("POST"), 0);
    let events = counter.desk.json(&["inventory", "events"]).to_string();
    assert!(!events.contains("\"burn\""), "{events}");
}

#[test]
fn a_list_that_the_server_takes_is_burned_and_handed_over_and_a_dry_run_says_that_it_was_asked() {
    let (server, counter) = laid_out(["ana", "eva", ""]);
    let (exit, said) = batch(&counter, &["--dry-run"]);
    assert!(exit == 0 && said.contains("duo was checked"), "{said}");
    assert_eq!(server.asked("POST"), 0);
    let (exit, said) = batch(&counter, &[]);
    assert_eq!((exit, server.now().tokens.len()), (0, 3), "{said}");
    // What went there from here is no hindrance to the same list.
    let posts = server.asked("POST");
    let (exit, said) = batch(&counter, &[]);
    assert_eq!((exit, server.asked("POST")), (0, posts), "{said}");
    // What only the server lacks needs neither a reader nor a clock that anybody vouches for.
    server.now().tokens.retain(|token| token.serial != serial(1));
    let list = ["batch", "list.csv", "--reader", "emulated:nowhere", "--hand-over", "duo", "--identity", "identity"];
    let (exit, said) = counter.run(&list);
    assert!(exit == 10 && said.contains("3 tokens for duo: 2 there, 1 undone"), "{said}");
    // Another seed for a token that is there would be burned, and refused then.
    let list = fs::read_to_string(counter.desk.path("list.csv")).unwrap();
    fs::write(counter.desk.path("list.csv"), list.replace(SECRETS[0], "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJT")).unwrap();
    let (exit, said) = batch(&counter, &["--reburn", "--dry-run"]);
    assert!(exit != 0 && said.contains("row 1: the server has a token of this serial already"), "{said}");
    assert!(!said.contains("burn them without a server"), "that would help nothing: {said}");
}
