//! What keeps a token from a server is told before anything is sent, and what the remedy names then works as it is typed.

use std::time::{Duration, Instant};

use super::duo_stand_in::Duo;
use super::entra_stand_in::Entra;
use super::stand_in::{Counter, Fault, StandIn, TRUST};

const SERIAL: &str = "86596120000001";

fn hand_over(counter: &Counter, more: &[&str]) -> (i32, String) {
    counter.run(&[&["hand-over", "duo", "--serial", SERIAL, "--identity", "identity"], more].concat())
}

fn unchanged(server: &StandIn<Duo>) {
    let log = server.log();
    assert!(log.iter().all(|line| line.starts_with("GET")), "{log:?}");
}

#[test]
fn a_token_that_was_only_read_here_goes_to_no_server_before_it_is_burned() {
    let (server, mut counter) = Duo::known(&["ana"]);
    counter.desk.token(SERIAL);
    let (exit, said) = hand_over(&counter, &[]);
    assert!(exit == 2 && said.contains("tokentap inventory tokens lists all"), "{exit}: {said}");
    counter.desk.ok(&["info", "--reader", &format!("emulated:{SERIAL}")]);
    let (exit, said) = hand_over(&counter, &[]);
    assert!(exit == 10 && said.contains("no seed was burned on it here"), "{exit}: {said}");
    unchanged(&server);
    counter.burned(SERIAL, None, &[]);
    assert_eq!(hand_over(&counter, &[]).0, 0);
    assert_eq!(server.now().tokens.len(), 1);
}

#[test]
fn a_token_that_two_users_have_there_is_not_replaced_by_one_that_only_one_of_them_has() {
    let (server, mut counter) = Duo::known(&["ana", "ben"]);
    let seed = counter.burned(SERIAL, Some("ana"), &[]);
    server.now().put("t6", SERIAL, &[7; 20]);
    {
        let mut now = server.now();
        let both: Vec<String> = now.users.iter().map(|user| user.id.clone()).collect();
        now.tokens[0].users = both;
    }
    let (exit, said) = hand_over(&counter, &["--replace"]);
    assert!(exit == 10 && said.contains("it has 2 users at the server"), "{exit}: {said}");
    unchanged(&server);
    assert_eq!(server.now().tokens[0].secret, [7; 20]);
    // What the remedy says: at the server, it is left to one user.
    server.now().tokens[0].users.truncate(1);
    let (exit, said) = hand_over(&counter, &["--replace"]);
    let now = server.now();
    assert_eq!((exit, now.tokens.len()), (0, 1), "{said}");
    assert!(now.tokens[0].secret == seed && now.user_names(&now.tokens[0]) == ["ana"], "{said}");
}

#[test]
fn a_token_that_comes_to_the_server_between_the_look_and_the_request_is_not_doubled() {
    let (server, mut counter) = Duo::known(&["ana"]);
    counter.burned(SERIAL, Some("ana"), &[]);
    // The first look is answered late: what it says was so when it was asked.
    server.lay("GET /admin/v1/tokens", Fault::Slow(1500), 1);
    let (exit, said) = std::thread::scope(|scope| {
        let run = scope.spawn(|| hand_over(&counter, &[]));
        let began = Instant::now();
        while server.asked("GET /admin/v1/tokens") == 0 && began.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(5));
        }
        server.now().put("t6", SERIAL, &[7; 20]);
        run.join().unwrap()
    });
    assert!(exit == 10 && said.contains("it has just changed at the server"), "{exit}: {said}");
    unchanged(&server);
    // The same command, as the remedy says: now it is known what is there.
    let (exit, said) = hand_over(&counter, &[]);
    assert!(exit == 10 && said.contains("--replace"), "{exit}: {said}");
    assert_eq!(server.now().tokens.len(), 1);
    assert_eq!(hand_over(&counter, &["--replace"]).0, 0);
    assert_eq!(server.now().tokens.len(), 1);
}

#[test]
fn a_token_that_the_server_stumbles_over_keeps_no_other_from_it() {
    let (server, mut counter) = Duo::known(&["ana"]);
    for serial in [SERIAL, "86596120000002"] {
        counter.burned(serial, None, &[]);
    }
    server.lay("GET /admin/v1/tokens", Fault::FaultyAfter, 1);
    let all = ["hand-over", "duo", "--all", "--skip-problems", "--identity", "identity"];
    let (exit, said) = counter.run(&all);
    assert!(exit == 10 && said.contains("HTTP 500"), "{exit}: {said}");
    assert_eq!(server.now().tokens.len(), 1, "{said}");
    assert_eq!(counter.run(&all).0, 0);
    assert_eq!(server.now().tokens.len(), 2);
}

#[test]
fn a_desk_waits_for_no_long_pause_of_a_server_and_leaves_the_mark() {
    let (server, mut counter) = Entra::known(&["ana"]);
    counter.burned(SERIAL, Some("ana@example.org"), &[]);
    counter.ok(&["hand-over", "entra", "--serial", SERIAL, "--identity", "identity"]);
    counter.desk.drift(SERIAL, -565);
    server.forget_log();
    server.lay("GET", Fault::Busy(Some(60)), 1000);
    let reader = format!("emulated:{SERIAL}");
    let (exit, said) = counter.run(&["desk", "--reader", &reader, "--fast", TRUST, "--identity", "identity"]);
    assert!(exit == 10 && said.contains("is busy"), "{exit}: {said}");
    assert_eq!(server.asked("GET"), 1, "{said}");
    assert!(counter.delivery(SERIAL).unmended.is_some());
}
