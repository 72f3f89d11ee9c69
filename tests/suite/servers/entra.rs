//! Seeds that go to Entra ID, tried at the stand-in: handed over once each and activated, whatever goes wrong, and enrolled again after a
//! clock was set.

use serde_json::Value;
use tokentap::inventory::DeliveryStep;

use super::entra_stand_in::{CLIENT, Entra};
use super::stand_in::{Counter, Fault, StandIn, TRUST};

const IDENTITY: [&str; 2] = ["--identity", "identity"];

fn hand_over(counter: &Counter, serial: &str, more: &[&str]) -> (i32, String) {
    counter.run(&[&["hand-over", "entra", "--serial", serial][..], &IDENTITY, more].concat())
}

fn serial(number: usize) -> String {
    format!("8659612{number:07}")
}

/// Requests that change something at Graph.
fn changes(server: &StandIn<Entra>) -> usize {
    server.asked("POST /beta") + server.asked("DELETE")
}

/// One token of a serial is there, with this seed, active, and it is this user's.
fn holds(server: &StandIn<Entra>, serial: &str, seed: &[u8], user: usize, what: &str) {
    let now = server.now();
    let found = now.of_serial(serial);
    assert_eq!(found.len(), 1, "{what}");
    assert_eq!(found[0].secret, seed, "{what}");
    assert_eq!((found[0].user.as_ref(), found[0].is_active), (Some(&now.users[user].id), true), "{what}");
}

#[test]
fn burned_tokens_are_created_given_to_their_users_and_activated_once() {
    let (server, mut counter) = Entra::known(&["ana", "eva"]);
    server.now().page_most = 1;
    let seeds = [
        counter.burned(&serial(1), Some("ana@example.org"), &[]),
        counter.burned(&serial(2), Some("Eva@Example.org"), &["--step", "60", "--hash", "sha256"]),
        counter.burned(&serial(3), None, &[]),
    ];
    let check = counter.ok(&["server", "check", "entra", "--identity", "identity"]);
    assert!(check.contains(CLIENT), "{check}");
    let all = |more: &[&str]| counter.ok(&[&["hand-over", "entra", "--all"][..], &IDENTITY, more].concat());
    all(&["--dry-run"]);
    assert_eq!(changes(&server), 0, "a plan sends nothing");
    all(&[]);
    holds(&server, &serial(1), &seeds[0], 0, "SHA-1");
    holds(&server, &serial(2), &seeds[1], 1, "SHA-256");
    {
        let now = server.now();
        let found = |number: usize| now.of_serial(&serial(number))[0];
        assert_eq!((found(1).step_s, found(1).hash.as_str()), (30, "hmacsha1"));
        assert_eq!((found(2).step_s, found(2).hash.as_str()), (60, "hmacsha256"));
        assert_eq!((found(3).secret.as_slice(), &found(3).user), (seeds[2].as_slice(), &None));
    }
    assert_eq!(counter.delivery(&serial(1)).step, DeliveryStep::Active);
    let sent = changes(&server);
    assert_eq!(sent, 7, "{:?}", server.log());
    all(&[]);
    for number in 1..4 {
        assert_eq!(hand_over(&counter, &serial(number), &[]).0, 0);
    }
    assert_eq!(changes(&server), sent, "nothing is sent twice");
    // The one that is nobody's waits for its first code there.
    let (exit, said) = counter.run(&["--json", "server", "compare", "entra", "--identity", "identity"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    let differences = report["differences"].as_array().unwrap();
    assert!(exit == 8 && differences.len() == 1, "{said}");
    assert_eq!((&differences[0]["serial"], &differences[0]["difference"]), (&serial(3).into(), &"off-there".into()));
}

#[test]
fn users_that_are_not_there_and_serials_that_are_there_are_named_before_anything_is_sent() {
    let (server, mut counter) = Entra::known(&["ana"]);
    counter.burned(&serial(1), Some("nobody@example.org"), &[]);
    counter.burned(&serial(2), Some("ana@example.org"), &[]);
    counter.burned(&serial(3), Some("ana@example.org"), &[]);
    server.now().put(&serial(2), &[1; 20]);
    for _ in 0..2 {
        server.now().put(&serial(3), &[1; 20]);
    }
    let named = ["no user nobody@example.org", "a token of this serial already", "2 tokens of this serial"];
    for (number, words) in (1..).zip(named) {
        let (exit, said) = hand_over(&counter, &serial(number), &[]);
        assert!(exit != 0 && said.contains(words), "{said}");
    }
    let (exit, said) = counter.run(&[&["hand-over", "entra", "--all"][..], &IDENTITY].concat());
    assert!(exit != 0 && named.iter().all(|words| said.contains(words)), "{said}");
    server.now().rights.pop();
    let (exit, said) = counter.run(&["server", "check", "entra", "--identity", "identity"]);
    assert!(exit == 8 && said.contains("MISSING  the right assign"), "{said}");
    assert_eq!(changes(&server), 0);
}

/// Runs until it is done: as often as somebody would, and with ten minutes between where that is asked for.
fn settles(counter: &Counter, serial: &str, first: (i32, String), what: &str) {
    let mut last = first;
    for _ in 0..3 {
        if last.0 == 0 {
            return;
        }
        if last.1.contains("the list can be trusted from") {
            counter.pass_minutes(serial, 11);
        }
        last = hand_over(counter, serial, &[]);
    }
    assert_eq!(last.0, 0, "{what}: {}", last.1);
}

const DEVICES: &str = "/beta/directory/authenticationMethodDevices/hardwareOathDevices";

#[test]
fn whatever_goes_wrong_nothing_is_doubled_or_lost_and_the_next_run_settles_it() {
    use Fault::{Away, Busy, CutAfter, CutBefore, FaultyAfter, Page, PageAfter, Redirect, Slow, TooLarge};
    let (server, mut counter) = Entra::known(&["ana"]);
    let mut number = 10;
    let same_run = [Busy(Some(1)), Slow(1500), FaultyAfter, CutAfter, TooLarge, PageAfter];
    let later = [Away, CutBefore, Page, Redirect];
    for request in [&format!("POST {DEVICES}"), "POST /beta/users", "/activate", "GET /beta", "POST /example.org"] {
        for fault in same_run.into_iter().chain(later) {
            let what = format!("{fault:?} at {request}");
            number += 1;
            let serial = serial(number);
            let seed = counter.burned(&serial, Some("ana@example.org"), &[]);
            server.lay(request, fault, 1);
            server.forget_log();
            let first = hand_over(&counter, &serial, &[]);
            assert!(server.has_met_all(), "{what}");
            let is_read = request.starts_with("GET") || request.contains("example.org");
            if is_read && first.0 != 0 {
                assert_eq!(changes(&server), 0, "{what}");
            } else if !is_read && same_run.contains(&fault) {
                assert_eq!(first.0, 0, "{what}: {}", first.1);
            } else if !is_read {
                assert_ne!(first.0, 0, "{what}: {}", first.1);
            }
            settles(&counter, &serial, first, &what);
            holds(&server, &serial, &seed, 0, &what);
            assert_eq!(counter.delivery(&serial).step, DeliveryStep::Active, "{what}");
            let sent = changes(&server);
            assert_eq!(hand_over(&counter, &serial, &[]).0, 0);
            assert_eq!(changes(&server), sent, "{what}");
        }
    }
    assert_eq!(server.now().devices.len(), 50);
}

#[test]
fn a_token_that_is_listed_late_is_not_created_again() {
    let (server, mut counter) = Entra::known(&["ana"]);
    for (number, fault) in (0..).zip([Some("POST /beta/directory"), Some("POST /beta/users"), None]) {
        for looks in [2, 8] {
            let serial = serial(100 + number * 10 + looks);
            let what = format!("{fault:?}, {looks} looks");
            let seed = counter.burned(&serial, Some("ana@example.org"), &[]);
            server.now().listed_after = looks;
            if let Some(request) = fault {
                server.lay(request, if request.ends_with("directory") { Fault::CutAfter } else { Fault::Away }, 1);
            }
            let mut ended = hand_over(&counter, &serial, &[]);
            let mut runs = 1;
            while ended.0 != 0 && runs < 20 {
                assert_eq!(server.now().of_serial(&serial).len(), 1, "{what}");
                ended = hand_over(&counter, &serial, &[]);
                runs += 1;
            }
            assert_eq!(ended.0, 0, "{what}: {}", ended.1);
            for _ in 0..3 {
                let _ = hand_over(&counter, &serial, &[]);
            }
            holds(&server, &serial, &seed, 0, &what);
        }
    }
}

#[test]
fn a_ticket_that_ends_in_between_is_had_anew_and_nothing_is_sent_twice() {
    let (server, mut counter) = Entra::known(&["ana"]);
    server.now().ticket_uses = 1;
    let seed = counter.burned(&serial(1), Some("ana@example.org"), &[]);
    let (exit, said) = hand_over(&counter, &serial(1), &[]);
    assert_eq!(exit, 0, "{said}");
    holds(&server, &serial(1), &seed, 0, "by many tickets");
    assert!(server.now().sign_ins > 3);
}

#[test]
fn a_person_signs_in_at_a_page_and_whoever_declines_is_not_let_in() {
    let server = Entra::start(&["ana"]);
    let mut counter = Counter::new();
    let said = Entra::add(&counter, &server, &["--by-person"]);
    assert!(said.contains("somebody signs in at its page"), "{said}");
    let seed = counter.burned(&serial(1), Some("ana@example.org"), &[]);
    (server.now().pending, server.now().slow_downs) = (2, 1);
    let began = std::time::Instant::now();
    let (exit, said) = hand_over(&counter, &serial(1), &[]);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("https://login.example.org/device") && said.contains("GTHKQZ7KJ"), "{said}");
    // One second at first, and five more each after the server has asked for that (RFC 8628, section 3.5).
    assert!(began.elapsed() >= std::time::Duration::from_secs(1 + 6 + 6 + 6));
    holds(&server, &serial(1), &seed, 0, "by a person");
    // Nobody at a desk waits until somebody has signed in: it is said what to do there.
    let signed_in = server.log().len();
    counter.desk.drift(&serial(1), -300);
    let reader = format!("emulated:{}", serial(1));
    let desk = ["desk", "--reader", &reader, "--fast", TRUST];
    let (exit, said) = counter.run(&[&desk[..], &IDENTITY].concat());
    assert!(exit == 10 && said.contains("in the Entra admin centre"), "{exit}: {said}");
    assert_eq!(server.log().len(), signed_in, "nothing was asked of it");
    server.now().is_declined = true;
    let (exit, said) = counter.run(&["server", "check", "entra"]);
    assert!(exit != 0 && said.contains("nobody signed in"), "{said}");
}

#[test]
fn a_wrong_secret_and_a_next_page_elsewhere_are_told_and_no_ticket_goes_there() {
    let (server, counter) = Entra::known(&["ana"]);
    let other = Entra::start(&["ana"]);
    for number in 0..3 {
        server.now().put(&serial(number), &[1; 20]);
    }
    server.now().page_most = 1;
    let compare = || counter.run(&["server", "compare", "entra", "--identity", "identity"]);
    assert_eq!(compare().0, 0);
    // Another port, and an address that only begins as this one does.
    for elsewhere in [other.url(), format!("{}0", server.url()), format!("{}@127.0.0.1:{}", server.url(), other.port)] {
        server.now().next_elsewhere = Some(format!("{elsewhere}{DEVICES}?$skiptoken=1"));
        let (exit, said) = compare();
        assert!(exit != 0 && said.contains("which is not followed"), "{elsewhere}: {said}");
    }
    assert_eq!(other.log(), Vec::<String>::new());
    let mut wrong = Counter::new();
    wrong.credential("another secret of a client's");
    Entra::add(&wrong, &server, &["--credential-file", "credential"]);
    let (exit, said) = wrong.run(&["server", "check", "entra", "--identity", "identity"]);
    assert!(exit != 0 && said.contains("AADSTS7000215: Invalid client secret provided."), "{said}");
    assert!(!said.contains("Trace ID"), "{said}");
}

#[test]
fn a_list_whose_pages_go_round_is_given_up_at_the_bound_of_all_its_bytes() {
    let (server, counter) = Entra::known(&[]);
    for number in 0..2 {
        server.now().put(&serial(number), &[1; 20]).model = "a".repeat(1_900_000);
    }
    server.now().next_elsewhere = Some(format!("{}{DEVICES}?$skiptoken=0", server.url()));
    server.now().page_most = 1;
    let compare = || counter.run(&["server", "compare", "entra", "--identity", "identity"]);
    let (exit, said) = compare();
    assert!(exit != 0 && said.contains("do not come to an end"), "{exit}: {said}");
    let asked = server.asked(&format!("GET {DEVICES}"));
    assert!((130..160).contains(&asked), "{asked} pages were read, of which 141 have 256 MiB");
}

#[test]
fn after_a_clock_was_set_the_same_seed_is_enrolled_anew_and_stays_its_user_s() {
    let (server, mut counter) = Entra::known(&["ana"]);
    let faults = [
        None,
        Some(("DELETE /beta/users", Fault::Away)),
        Some(("DELETE /beta/users", Fault::FaultyAfter)),
        Some(("DELETE /beta/directory", Fault::CutBefore)),
        Some(("DELETE /beta/directory", Fault::FaultyAfter)),
        Some(("DELETE /beta/directory", Fault::Redirect)),
        Some(("POST /beta/directory", Fault::CutAfter)),
        Some(("POST /beta/directory", Fault::CutBefore)),
        Some(("POST /beta/directory", Fault::Redirect)),
        Some(("POST /beta/users", Fault::Away)),
        Some(("/activate", Fault::Away)),
    ];
    for (number, fault) in (300..).zip(faults) {
        let what = format!("{fault:?}");
        let serial = serial(number);
        let seed = counter.burned(&serial, Some("ana@example.org"), &[]);
        assert_eq!(hand_over(&counter, &serial, &[]).0, 0);
        let first = server.now().of_serial(&serial)[0].id.clone();
        let reader = format!("emulated:{serial}");
        let sync = |more: &[&str]| {
            let words = ["sync", "--fast", "--reader", &reader, "--mend", "entra", TRUST];
            counter.run(&[&words[..], &IDENTITY, more].concat())
        };
        let (exit, said) = sync(&[]);
        assert!(exit == 10 && said.contains("--re-enrol"), "{said}");
        assert_eq!(server.now().of_serial(&serial)[0].id, first, "nothing is changed where that is not said");
        if let Some((request, fault)) = fault {
            server.lay(request, fault, 1);
        }
        let (exit, said) = sync(&["--re-enrol"]);
        assert!(server.has_met_all(), "{what}");
        assert!(exit == 0 || exit == 10, "{what}: {said}");
        if fault.is_none() {
            assert!(
                exit == 0 && said.contains("has enrolled the same seed again, and accepts the current code"),
                "{said}"
            );
            assert_ne!(server.now().of_serial(&serial)[0].id, first);
        }
        if exit == 10 {
            // The desk is told what is open, and the hand-over ends it.
            let first = hand_over(&counter, &serial, &[]);
            settles(&counter, &serial, first, &what);
        }
        holds(&server, &serial, &seed, 0, &what);
        let (exit, said) = sync(&["--re-enrol"]);
        assert_eq!(exit, 0, "{what}: {said}");
        holds(&server, &serial, &seed, 0, &what);
    }
}

/// A desk that has handed a token over and set its clock since; nobody has mended the server.
fn left_open() -> (StandIn<Entra>, Counter) {
    let (server, mut counter) = Entra::known(&["ana"]);
    counter.burned(&serial(1), Some("ana@example.org"), &[]);
    assert_eq!(hand_over(&counter, &serial(1), &[]).0, 0);
    let reader = format!("emulated:{}", serial(1));
    let words = ["sync", "--fast", "--reader", &reader, "--mend", "entra", TRUST];
    assert_eq!(counter.run(&[&words[..], &IDENTITY].concat()).0, 10);
    assert!(counter.delivery(&serial(1)).unmended.is_some());
    (server, counter)
}

#[test]
fn a_clock_that_is_still_to_be_followed_is_not_forgotten_before_a_code_was_accepted() {
    let (server, counter) = left_open();
    // An administrator takes it from its user.
    {
        let device = &mut server.now().devices[0];
        (device.user, device.is_active) = (None, false);
    }
    server.lay("/activate", Fault::Away, 1);
    assert_ne!(hand_over(&counter, &serial(1), &["--again"]).0, 0);
    assert!(counter.delivery(&serial(1)).unmended.is_some());
    assert_eq!(hand_over(&counter, &serial(1), &["--again"]).0, 0);
    assert_eq!(counter.delivery(&serial(1)).unmended, None);
}

#[test]
fn what_somebody_has_done_at_the_server_s_page_can_be_said_and_is_asked_for_no_more() {
    let (server, counter) = left_open();
    let mended = format!("server mended entra {}", serial(1));
    let (exit, said) = counter.run(&["server", "compare", "entra", "--identity", "identity"]);
    assert!(exit == 8 && said.contains(&format!("tokentap {mended}")), "{said}");
    let asked = server.log().len();
    let (exit, said) = counter.run(&mended.split(' ').collect::<Vec<_>>());
    assert!(exit == 0 && said.contains("this was not checked at the server"), "{said}");
    assert_eq!(counter.delivery(&serial(1)).unmended, None);
    let (exit, said) = counter.run(&mended.split(' ').collect::<Vec<_>>());
    assert!(exit == 0 && said.contains("nothing was left to mend"), "{said}");
    assert_eq!(server.log().len(), asked, "nothing was sent");
    assert_eq!(counter.run(&["server", "compare", "entra", "--identity", "identity"]).0, 0);
}

#[test]
fn a_seed_that_did_not_go_there_from_here_is_not_put_in_the_place_of_another() {
    let (server, mut counter) = Entra::known(&["ana"]);
    counter.burned(&serial(1), Some("ana@example.org"), &[]);
    server.now().put(&serial(1), &[1; 20]);
    let reader = format!("emulated:{}", serial(1));
    let words = ["sync", "--fast", "--reader", &reader, "--mend", "entra", "--re-enrol", TRUST];
    let (exit, said) = counter.run(&[&words[..], &IDENTITY].concat());
    assert!(exit == 10 && said.contains("did not get it from here"), "{said}");
    assert_eq!(server.now().of_serial(&serial(1))[0].secret, [1; 20]);
    assert_eq!(changes(&server), 0);
}
