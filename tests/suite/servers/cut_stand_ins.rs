//! Every request of the commands that ask Duo and Entra ID for something else than a hand-over is cut, in each way: nothing is changed that
//! should not be, and the same command settles it.

use super::duo_stand_in::{Duo, hotp};
use super::entra_stand_in::Entra;
use super::stand_in::{Counter, Fault, Service, StandIn};

const IDENTITY: [&str; 2] = ["--identity", "identity"];

const CUTS: [Fault; 5] = [Fault::CutBefore, Fault::CutAfter, Fault::FaultyAfter, Fault::PageAfter, Fault::Redirect];

fn serial(number: usize) -> String {
    format!("8659612{number:07}")
}

fn duo() -> (StandIn<Duo>, Counter) {
    let (server, counter) = Duo::known(&["ana"]);
    server.now().page_most = 2;
    (server, counter)
}

fn entra() -> (StandIn<Entra>, Counter) {
    let (server, counter) = Entra::known(&["ana"]);
    server.now().page_most = 2;
    (server, counter)
}

/// Cuts a command that only reads at each of its requests in each way; run again, it says what it said at first.
fn cut_through<S: Service>(server: &StandIn<S>, counter: &Counter, args: &[&str]) {
    let args = [args, &IDENTITY].concat();
    server.forget_log();
    let whole = counter.run(&args);
    let asked = server.log();
    assert!(whole.0 == 0 && !asked.is_empty(), "{args:?}: {}", whole.1);
    for at in 1..=asked.len() {
        for fault in CUTS {
            let what = format!("{args:?}, request {at} of {} ({}), {fault:?}", asked.len(), asked[at - 1]);
            server.lay_at(at, fault);
            let (exit, said) = counter.run(&args);
            assert!(server.has_met_all(), "{what}: it was not cut");
            assert!(
                matches!(exit, 1 | 10) && said.contains("error:") && said.contains("next:"),
                "{what}: {exit} {said}"
            );
            let (exit, said) = counter.run(&args);
            assert_eq!(exit, 0, "{what}; again: {said}");
        }
    }
    println!("{} cuts of {args:?}", CUTS.len() * asked.len());
}

/// Hands three tokens over, and cuts what only reads: the journal stays as it is.
fn read_and_cut<S: Service>(server: &StandIn<S>, counter: &mut Counter, name: &str, user: &str) {
    for number in 1..=3 {
        counter.burned(&serial(number), Some(user), &[]);
    }
    counter.ok(&["hand-over", name, "--all", "--identity", "identity"]);
    let before = counter.delivery(&serial(1));
    for command in ["check", "compare"] {
        cut_through(server, counter, &["server", command, name]);
    }
    assert_eq!(counter.delivery(&serial(1)), before);
}

#[test]
fn what_only_reads_at_duo_changes_nothing_when_it_is_cut_and_says_so() {
    let (server, mut counter) = duo();
    read_and_cut(&server, &mut counter, "duo", "ana");
    assert_eq!(server.now().tokens.len(), 3);
}

#[test]
fn what_only_reads_at_entra_id_changes_nothing_when_it_is_cut_and_says_so() {
    let (server, mut counter) = entra();
    read_and_cut(&server, &mut counter, "entra", "ana@example.org");
    assert_eq!(server.now().devices.len(), 3);
}

/// Codes are good once: whether they were used, the next three show.
#[test]
fn a_resynchronisation_that_is_cut_anywhere_is_on_record_and_the_next_codes_settle_it() {
    let (server, mut counter) = duo();
    let serial = serial(1);
    counter.burned(&serial, None, &[]);
    server.now().put("h6", &serial, &[7; 20]);
    let mut first = 41;
    let mut resync = |counter: &Counter| {
        let codes = [first, first + 1, first + 2].map(|at| hotp(&[7; 20], at, 6));
        first += 3;
        let [one, two, three] = &codes;
        counter.run(&["server", "resync", "duo", &serial, one, two, three, "--identity", "identity"])
    };
    server.forget_log();
    assert_eq!(resync(&counter).0, 0);
    let asked = server.log();
    for at in 1..=asked.len() {
        for fault in CUTS {
            let what = format!("request {at} of {} ({}), {fault:?}", asked.len(), asked[at - 1]);
            server.lay_at(at, fault);
            let (exit, said) = resync(&counter);
            assert!(server.has_met_all() && exit != 0, "{what}: {said}");
            if asked[at - 1].starts_with("POST") {
                let events = counter.desk.json(&["inventory", "events", "--serial", &serial, "--limit", "2"]);
                let word = |at: usize| events["events"][at]["outcome"].as_str().unwrap().to_owned();
                assert_eq!(word(1), "begun", "{what}: {events}");
                assert!(matches!(word(0).as_str(), "unknown" | "failed"), "{what}: {events}");
            }
            let (exit, said) = resync(&counter);
            assert_eq!(exit, 0, "{what}; again: {said}");
        }
    }
}
