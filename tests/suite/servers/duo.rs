//! Seeds that go to Duo, tried at the stand-in: handed over once each, whatever goes wrong between here and there.

use serde_json::Value;
use tokentap::inventory::DeliveryStep;

use super::duo_stand_in::{Duo, INTEGRATION_KEY, hotp};
use super::stand_in::{Counter, Fault, StandIn, TRUST};

const IDENTITY: [&str; 2] = ["--identity", "identity"];

fn hand_over(counter: &Counter, serial: &str, more: &[&str]) -> (i32, String) {
    counter.run(&[&["hand-over", "duo", "--serial", serial][..], &IDENTITY, more].concat())
}

fn serial(number: usize) -> String {
    format!("8659612{number:07}")
}

/// One token of a serial is there, with this seed, and it is this user's.
fn holds(server: &StandIn<Duo>, serial: &str, seed: &[u8], user: &str, what: &str) {
    let now = server.now();
    let found = now.of_serial(serial);
    assert_eq!(found.len(), 1, "{what}");
    assert_eq!(found[0].secret, seed, "{what}");
    assert_eq!(now.user_names(found[0]), [user], "{what}");
}

#[test]
fn burned_tokens_are_created_with_their_seeds_and_given_to_their_users_once() {
    let (server, mut counter) = Duo::known(&["ana", "eva", "kim"]);
    server.now().page_most = 1;
    let seeds = [
        counter.burned(&serial(1), Some("ana"), &[]),
        counter.burned(&serial(2), Some("Eva@Example.org"), &["--step", "60"]),
        counter.burned(&serial(3), None, &[]),
    ];
    let check = counter.ok(&[&["server", "check", "duo"][..], &IDENTITY].concat());
    assert!(check.contains(INTEGRATION_KEY), "{check}");
    assert!(counter.ok(&["server", "list"]).contains("credential sealed; 0 tokens"));
    let all = |more: &[&str]| counter.ok(&[&["hand-over", "duo", "--all"][..], &IDENTITY, more].concat());
    let plan = all(&["--dry-run"]);
    assert!(plan.contains("3 would go there"), "{plan}");
    assert_eq!((server.asked("POST"), server.asked("DELETE")), (0, 0), "a plan sends nothing");
    all(&[]);
    holds(&server, &serial(1), &seeds[0], "ana", "by name");
    holds(&server, &serial(2), &seeds[1], "eva", "by address");
    {
        let now = server.now();
        let found = |number: usize| now.of_serial(&serial(number))[0];
        assert_eq!((found(1).kind.as_str(), found(1).step_s), ("t6", 30));
        assert_eq!((found(2).kind.as_str(), found(2).step_s), ("t6", 60));
        assert_eq!((found(3).secret.as_slice(), found(3).users.len()), (seeds[2].as_slice(), 0));
        assert!(now.versions.iter().all(|version| *version == 5));
    }
    assert_eq!(counter.delivery(&serial(1)).step, DeliveryStep::Assigned);
    assert_eq!(counter.delivery(&serial(1)).id, Some(server.now().of_serial(&serial(1))[0].id.clone()));
    let posts = server.asked("POST");
    assert_eq!(posts, 5, "{:?}", server.log());
    all(&[]);
    for number in 1..4 {
        assert_eq!(hand_over(&counter, &serial(number), &[]).0, 0);
    }
    assert_eq!(server.asked("POST"), posts, "nothing is sent twice");
    assert!(counter.ok(&["server", "list"]).contains("3 tokens"));
    let same = counter.ok(&[&["server", "compare", "duo"][..], &IDENTITY].concat());
    assert!(same.contains("agree"), "{same}");
}

#[test]
fn what_duo_cannot_take_and_users_that_it_does_not_know_are_named_before_anything_is_sent() {
    let (server, mut counter) = Duo::known(&["ana", "eva", "kim"]);
    server.now().users[1].email = "both@example.org".to_owned();
    server.now().users[2].email = "both@example.org".to_owned();
    counter.burned(&serial(1), Some("ana"), &["--hash", "sha256"]);
    counter.burned(&serial(2), Some("nobody"), &[]);
    counter.burned(&serial(3), Some("both@example.org"), &[]);
    let seed = counter.burned(&serial(4), Some("ana"), &[]);
    let (exit, said) = hand_over(&counter, &serial(1), &[]);
    assert!(exit != 0 && said.contains("Duo takes SHA-1 only, not SHA256"), "{said}");
    assert_eq!(server.log(), Vec::<String>::new(), "nothing is asked for it");
    for (number, words) in [(2, "no user nobody"), (3, "both@example.org matches 2 users")] {
        let (exit, said) = hand_over(&counter, &serial(number), &[]);
        assert!(exit != 0 && said.contains(words), "{said}");
    }
    let all = ["hand-over", "duo", "--all", "--identity", "identity"];
    let (exit, said) = counter.run(&all);
    assert!(exit != 0, "{said}");
    for words in ["SHA-1 only, not SHA256", "no user nobody", "both@example.org matches 2 users"] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!((server.asked("POST"), server.asked("DELETE")), (0, 0));
    assert_eq!(counter.run(&[&all[..], &["--skip-problems"]].concat()).0, 10);
    assert_eq!(server.now().tokens.len(), 1);
    holds(&server, &serial(4), &seed, "ana", "the one that can be");
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

#[test]
fn whatever_goes_wrong_nothing_is_doubled_or_lost_and_the_next_run_settles_it() {
    use Fault::{Away, Busy, CutAfter, CutBefore, FaultyAfter, Page, PageAfter, Redirect, Slow, TooLarge};
    let (server, mut counter) = Duo::known(&["ana"]);
    server.now().takes_duplicates = true;
    let mut number = 10;
    let same_run = [Busy(Some(1)), Busy(None), Slow(1500), FaultyAfter, CutAfter, TooLarge, PageAfter];
    let later = [Away, CutBefore, Page, Redirect];
    for request in ["POST /admin/v1/tokens", "POST /admin/v1/users", "GET /admin/v1/tokens", "GET /admin/v1/users"] {
        for fault in same_run.into_iter().chain(later) {
            let what = format!("{fault:?} at {request}");
            number += 1;
            let serial = serial(number);
            let seed = counter.burned(&serial, Some("ana"), &[]);
            server.lay(request, fault, 1);
            server.forget_log();
            let first = hand_over(&counter, &serial, &[]);
            assert!(server.has_met_all(), "{what}");
            let is_read = request.starts_with("GET");
            if is_read {
                // Nothing is created where it is not known what is there.
                let goes_on = matches!(fault, Busy(_) | Slow(_) | Away);
                assert_eq!(first.0 == 0, goes_on, "{what}: {}", first.1);
                assert_eq!(server.asked("POST") == 0, !goes_on, "{what}");
            } else if same_run.contains(&fault) {
                assert_eq!(first.0, 0, "{what}: {}", first.1);
            } else {
                assert_ne!(first.0, 0, "{what}: {}", first.1);
            }
            settles(&counter, &serial, first, &what);
            holds(&server, &serial, &seed, "ana", &what);
            assert_eq!(counter.delivery(&serial).step, DeliveryStep::Assigned, "{what}");
            let posts = server.asked("POST");
            assert_eq!(hand_over(&counter, &serial, &[]).0, 0);
            assert_eq!(server.asked("POST"), posts, "{what}");
        }
    }
    assert_eq!(server.now().tokens.len(), 44);
}

#[test]
fn a_server_that_answers_after_its_time_is_up_has_the_token_once() {
    let (server, mut counter) = Duo::known(&["ana"]);
    let seed = counter.burned(&serial(1), Some("ana"), &[]);
    server.lay("POST /admin/v1/tokens", Fault::Slow(21_000), 1);
    assert_eq!(hand_over(&counter, &serial(1), &[]).0, 0);
    holds(&server, &serial(1), &seed, "ana", "slow");
}

#[test]
fn a_token_that_is_listed_late_is_not_created_again() {
    let (server, mut counter) = Duo::known(&["ana"]);
    server.now().takes_duplicates = true;
    // The answer does not come, the one about its user does not, and both come; a look asks for four types.
    let faults = [Some("POST /admin/v1/tokens"), Some("POST /admin/v1/users"), None];
    for (number, fault) in (0..).zip(faults) {
        for looks in [6, 30] {
            let serial = serial(100 + number * 10 + looks);
            let what = format!("{fault:?}, {looks} looks");
            let seed = counter.burned(&serial, Some("ana"), &[]);
            server.now().listed_after = looks;
            if let Some(request) = fault {
                server.lay(request, if request.ends_with("tokens") { Fault::CutAfter } else { Fault::Away }, 1);
            }
            let mut ended = hand_over(&counter, &serial, &[]);
            let mut runs = 1;
            // Somebody who runs it again and again.
            while ended.0 != 0 && runs < 20 {
                assert!(server.now().of_serial(&serial).len() == 1, "{what}");
                ended = hand_over(&counter, &serial, &[]);
                runs += 1;
            }
            assert_eq!(ended.0, 0, "{what}: {}", ended.1);
            for _ in 0..3 {
                let _ = hand_over(&counter, &serial, &[]);
            }
            holds(&server, &serial, &seed, "ana", &what);
        }
    }
}

#[test]
fn a_seed_is_replaced_only_where_that_is_said_and_a_break_leaves_one_token_with_the_new_one() {
    let (server, mut counter) = Duo::known(&["ana", "eva"]);
    server.now().takes_duplicates = true;
    let faults = [
        None,
        Some(("DELETE", Fault::Away)),
        Some(("DELETE", Fault::CutBefore)),
        Some(("DELETE", Fault::CutAfter)),
        Some(("DELETE", Fault::Page)),
        Some(("DELETE", Fault::Redirect)),
        Some(("POST /admin/v1/tokens", Fault::CutAfter)),
        Some(("POST /admin/v1/tokens", Fault::CutBefore)),
        Some(("POST /admin/v1/tokens", Fault::Redirect)),
        Some(("POST /admin/v1/users", Fault::Away)),
        Some(("POST /admin/v1/users", Fault::CutAfter)),
    ];
    for (number, fault) in (200..).zip(faults) {
        for is_known in [true, false] {
            let what = format!("{fault:?}, its user is on record: {is_known}");
            let serial = serial(number * 2 + usize::from(is_known));
            let old = counter.burned(&serial, is_known.then_some("ana"), &[]);
            assert_eq!(hand_over(&counter, &serial, &[]).0, 0);
            if !is_known {
                // Its user is on record at the server alone.
                let id = server.now().users[0].id.clone();
                server.now().tokens.last_mut().unwrap().users.push(id);
            }
            let seed = counter.burned(&serial, None, &["--replace-seed"]);
            assert_ne!(old, seed);
            let (exit, said) = hand_over(&counter, &serial, &[]);
            assert!(exit != 0 && said.contains("--replace"), "{said}");
            holds(&server, &serial, &old, "ana", &what);
            if let Some((request, fault)) = fault {
                server.lay(request, fault, 1);
            }
            let first = hand_over(&counter, &serial, &["--replace"]);
            assert!(server.has_met_all(), "{what}");
            let refused = fault == Some(("DELETE", Fault::Redirect));
            // What was not done was refused: it is to be said again.
            let first = if refused { hand_over(&counter, &serial, &["--replace"]) } else { first };
            settles(&counter, &serial, first, &what);
            holds(&server, &serial, &seed, "ana", &what);
        }
    }
}

/// Without its user it would come back as nobody's.
#[test]
fn a_token_whose_user_cannot_be_looked_up_is_not_removed_to_be_replaced() {
    let (server, mut counter) = Duo::known(&["ana"]);
    let seed = counter.burned(&serial(1), None, &[]);
    {
        let mut now = server.now();
        now.put("t6", &serial(1), &[1; 20]);
        let ana = now.users[0].id.clone();
        now.tokens[0].users = vec![ana];
    }
    server.lay("GET /admin/v1/users", Fault::CutBefore, 1);
    assert_ne!(hand_over(&counter, &serial(1), &["--replace"]).0, 0);
    holds(&server, &serial(1), &[1; 20], "ana", "it is as it was");
    assert_eq!(hand_over(&counter, &serial(1), &["--replace"]).0, 0);
    holds(&server, &serial(1), &seed, "ana", "replaced, and hers");
}

#[test]
fn a_counter_is_found_again_by_three_codes_that_follow_each_other() {
    let (server, mut counter) = Duo::known(&["ana"]);
    for number in [1, 2, 3] {
        counter.burned(&serial(number), None, &[]);
    }
    server.now().put("h6", &serial(1), &[7; 20]);
    server.now().put("t6", &serial(2), &[7; 20]);
    let resync = |number: usize, codes: [String; 3]| {
        let serial = serial(number);
        let [one, two, three] = &codes;
        counter.run(&["server", "resync", "duo", &serial, one, two, three, "--identity", "identity"])
    };
    let codes = |first: u64| [first, first + 1, first + 2].map(|at| hotp(&[7; 20], at, 6));
    let (exit, said) = resync(1, codes(41));
    assert_eq!(exit, 0, "{said}");
    assert_eq!(server.now().of_serial(&serial(1))[0].counter, 44);
    let (exit, said) = resync(1, codes(41));
    assert!(exit == 8 && said.contains("NOT resynchronised"), "used before: {said}");
    let [one, _, three] = codes(50);
    assert_eq!(resync(1, [one.clone(), three.clone(), one]).0, 8, "out of their order");
    assert_eq!(server.now().of_serial(&serial(1))[0].counter, 44);
    let posts = server.asked("POST");
    for (number, words) in [(2, "cannot be asked for that"), (3, "no token of this serial")] {
        let (exit, said) = resync(number, codes(1));
        assert!(exit != 0 && said.contains(words), "{said}");
    }
    let serial = serial(1);
    let (exit, said) = counter.run(&["server", "resync", "duo", &serial, "123456", "123457", IDENTITY[0], IDENTITY[1]]);
    assert!(exit == 2 && said.contains("needs 3 codes"), "{said}");
    assert_eq!(server.asked("POST"), posts);
}

/// Somebody pressed a key until Duo lost it: the codes that prove its seed here show Duo its counter, by the command as it is printed.
#[test]
fn codes_that_were_checked_here_find_the_counter_at_the_server_by_the_command_that_is_printed() {
    let (server, counter) = Duo::known(&["ana"]);
    let serial = "66103000001742";
    let reader = "emulated:key.json";
    counter.ok(&["emulate", "--create", "--family", "hotp-key", "--serial", serial, "--state", "key.json"]);
    counter.ok(&["burn", "--hotp", "--generate", "--no-verify", "--reader", reader, TRUST]);
    counter.ok(&["inventory", "assign", serial, "ana"]);
    counter.ok(&["hand-over", "duo", "--serial", serial, "--identity", "identity"]);
    for _ in 0..30 {
        counter.ok(&["emulate", "--touch", "--state", "key.json"]);
    }
    let touched = || {
        counter.desk.json(&["emulate", "--touch", "--state", "key.json"])["display"].as_str().unwrap().trim().to_owned()
    };
    let codes = [touched(), touched()];
    let said = counter.ok(&["verify", "--hotp", &codes[0], &codes[1], "--reader", reader, "--identity", "identity"]);
    let begins = format!("tokentap server resync duo {serial} {} {}", codes[0], codes[1]);
    assert!(said.contains(&format!("{begins} CODE (with --identity FILE")), "{said}");
    let third = touched();
    let typed = [&begins.split(' ').skip(1).collect::<Vec<_>>()[..], &[third.as_str()], &IDENTITY].concat();
    counter.ok(&typed);
    let next = server.now().of_serial(serial)[0].counter;
    assert_eq!(next, 33);
}

#[test]
fn where_record_and_server_disagree_is_listed_and_nothing_is_changed() {
    let (server, mut counter) = Duo::known(&["ana", "eva"]);
    server.now().page_most = 2;
    for number in 1..=6 {
        counter.burned(&serial(number), Some("ana"), &[]);
        if number < 6 {
            assert_eq!(hand_over(&counter, &serial(number), &[]).0, 0);
        }
    }
    let compare = [&["server", "compare", "duo"][..], &IDENTITY].concat();
    counter.ok(&compare);
    {
        let mut now = server.now();
        let eva = now.users[1].id.clone();
        now.tokens[0].users = vec![eva];
        now.tokens[1].users.clear();
        now.tokens.remove(2);
        now.put("t6", &serial(4), &[1; 20]);
        now.put("t6", &serial(6), &[1; 20]);
        for number in 50..60 {
            now.put("h6", &serial(number), &[1; 20]);
        }
    }
    counter.desk.ok(&["sync", "--fast", "--reader", &format!("emulated:{}", serial(5)), "--erase-seed", TRUST]);
    server.forget_log();
    let (exit, said) = counter.run(&[&["--json"][..], &compare].concat());
    assert_eq!(exit, 8, "{said}");
    let report: Value = serde_json::from_str(&said).unwrap();
    let differences = report["differences"].as_array().unwrap();
    let found: Vec<(&str, &str)> =
        differences.iter().map(|one| (one["serial"].as_str().unwrap(), one["difference"].as_str().unwrap())).collect();
    let serials: Vec<String> = (0..7).map(serial).collect();
    let expected = [
        (serials[1].as_str(), "other-user"),
        (serials[2].as_str(), "nobodys-there"),
        (serials[3].as_str(), "not-there"),
        (serials[4].as_str(), "several"),
        (serials[6].as_str(), "not-handed-over"),
        (serials[6].as_str(), "nobodys-there"),
    ];
    assert_eq!(found, expected);
    assert!(server.log().iter().all(|line| line.starts_with("GET")));
}

#[test]
fn a_check_names_rights_that_lack_a_wrong_key_and_a_wrong_clock() {
    let (server, counter) = Duo::known(&["ana"]);
    let check = || counter.run(&["server", "check", "duo", "--identity", "identity"]);
    server.now().hides_users = true;
    let (exit, said) = check();
    assert!(exit == 8 && said.contains("MISSING  the right users"), "{said}");
    server.now().hides_users = false;
    server.now().clock_offset_s = 100;
    let (exit, said) = check();
    assert!(exit == 8 && said.contains("one of the two is wrong"), "{said}");
    server.now().clock_offset_s = 600;
    let (exit, said) = check();
    assert!(exit != 0 && said.contains("Bad request timestamp"), "{said}");
    server.now().clock_offset_s = 0;
    assert_eq!(check().0, 0);
    let mut other = Counter::new();
    other.credential("another key of forty characters, or so");
    Duo::add(&other, &server.url());
    let (exit, said) = other.run(&["server", "check", "duo", "--identity", "identity"]);
    assert!(exit != 0 && said.contains("does not let this account in: Invalid signature"), "{said}");
}
