//! What a server lists and this program cannot read is not taken for something that is not there: nothing is created beside it.

use super::duo_stand_in::Duo;
use super::entra_stand_in::Entra;
use super::stand_in::Counter;

const SERIAL: &str = "86596120001234";

fn hand_over(counter: &Counter, server: &str) -> (i32, String) {
    counter.run(&["hand-over", server, "--serial", SERIAL, "--identity", "identity"])
}

#[test]
fn a_token_that_entra_id_lists_without_its_id_or_serial_is_told_and_none_is_created_beside_it() {
    let (server, mut counter) = Entra::known(&["ana", "eva"]);
    counter.burned(SERIAL, Some("ana@example.org"), &[]);
    server.now().put(SERIAL, &[1; 20]);
    for field in ["id", "serialNumber"] {
        server.now().lacks = Some(field);
        let (exit, said) = hand_over(&counter, "entra");
        assert!(exit != 0 && said.contains("lacks") && said.contains(field), "{said}");
        assert!(said.contains("next:"), "{said}");
    }
    server.now().lacks = None;
    // As one page of its reference has it.
    server.now().is_nested = true;
    let (exit, said) = hand_over(&counter, "entra");
    assert!(exit != 0 && said.contains("a token of this serial already"), "{said}");
    assert_eq!((server.asked("POST /beta"), server.now().devices.len()), (0, 1));
}

#[test]
fn a_token_that_duo_lists_without_its_id_or_serial_is_told_and_none_is_created_beside_it() {
    let (server, mut counter) = Duo::known(&["ana"]);
    counter.burned(SERIAL, Some("ana"), &[]);
    server.now().put("t6", SERIAL, &[1; 20]);
    for field in ["token_id", "serial"] {
        server.now().lacks = Some(field);
        let (exit, said) = hand_over(&counter, "duo");
        assert!(exit != 0 && said.contains("lacks") && said.contains(field), "{said}");
    }
    assert_eq!((server.asked("POST"), server.now().tokens.len()), (0, 1));
}

#[test]
fn a_user_of_entra_id_is_found_by_name_then_by_address_and_never_where_two_have_it() {
    let (server, mut counter) = Entra::known(&["ana", "eva"]);
    counter.burned(SERIAL, Some("a.lovelace@example.com"), &[]);
    server.now().users[0].mail = Some("a.lovelace@example.com".to_owned());
    server.now().users[1].mail = Some("a.lovelace@example.com".to_owned());
    let (exit, said) = hand_over(&counter, "entra");
    assert!(exit != 0 && said.contains("matches 2 users"), "{said}");
    server.now().users[1].mail = None;
    let (exit, said) = hand_over(&counter, "entra");
    assert_eq!(exit, 0, "{said}");
    let now = server.now();
    assert_eq!(now.of_serial(SERIAL)[0].user.as_ref(), Some(&now.users[0].id));
}

#[test]
fn a_check_of_entra_id_names_the_right_to_look_users_up() {
    let (server, counter) = Entra::known(&["ana", "eva"]);
    server.now().rights.retain(|right| *right != "User.Read.All");
    let (exit, said) = counter.run(&["server", "check", "entra", "--identity", "identity"]);
    assert!(exit == 8 && said.contains("MISSING  the right users"), "{said}");
}
