//! What no credential and no seed goes to: plain text to another computer, a page that is not the server's, a certificate that is not.

use std::fs;
use std::io::{Read, Write};

use tokentap::inventory::{Deliveries, ServerRecord, Sqlite};

use super::duo_stand_in::{Duo, INTEGRATION_KEY, SECRET_KEY};
use super::stand_in::{Counter, Fault, StandIn};
use crate::certificate::tls;

fn add(counter: &Counter, url: &str, more: &[&str]) -> (i32, String) {
    let words = ["server", "add", "duo", "--kind", "duo", "--url", url, "--account", INTEGRATION_KEY];
    counter.run(&[&words[..], &["--credential-file", "credential"], more].concat())
}

fn counter() -> Counter {
    let mut counter = Counter::new();
    counter.credential(SECRET_KEY);
    counter
}

const CHECK: [&str; 5] = ["server", "check", "duo", "--identity", "identity"];
const SERIAL: &str = "86596120001234";
const HAND_OVER: [&str; 6] = ["hand-over", "duo", "--serial", SERIAL, "--identity", "identity"];

#[test]
fn an_address_in_plain_text_elsewhere_or_with_a_credential_in_it_is_not_taken() {
    let server = Duo::start(&["ana"]);
    let counter = counter();
    let port = server.port;
    for (url, words) in [
        (format!("http://api-1.example.org:{port}"), "in plain text"),
        (format!("http://127.0.0.1.example.org:{port}"), "in plain text"),
        (format!("http://0.0.0.0:{port}"), "in plain text"),
        (format!("http://admin:secret-of-a-test@127.0.0.1:{port}"), "has a name or password in it"),
        (format!("https://admin@127.0.0.1:{port}"), "has a name or password in it"),
        (format!("ftp://127.0.0.1:{port}"), "no address of a server"),
    ] {
        let (exit, said) = add(&counter, &url, &[]);
        assert!(exit == 2 && said.contains(words), "{url}: {said}");
        assert!(!said.contains("secret-of-a-test"), "{said}");
    }
    let entra = ["server", "add", "entra", "--kind", "entra", "--tenant", "example.org", "--account", "client"];
    let elsewhere = ["--sign-in-url", "http://login.example.org", "--credential-file", "credential"];
    let (exit, said) = counter.run(&[&entra[..], &elsewhere].concat());
    assert!(exit == 2 && said.contains("in plain text"), "{said}");
    assert!(counter.ok(&["server", "list"]).contains("no server is known"));
    assert_eq!(server.log(), Vec::<String>::new());
}

#[test]
fn a_page_a_redirect_and_too_large_an_answer_are_told_and_nothing_is_sent() {
    let server = Duo::start(&["ana"]);
    let mut counter = counter();
    assert_eq!(add(&counter, &server.url(), &[]).0, 0);
    counter.burned(SERIAL, Some("ana"), &[]);
    for (fault, words) in [
        (Fault::Page, "answered with a page and not with data"),
        (Fault::Redirect, "redirects to elsewhere.example.org, which is not followed"),
        (Fault::TooLarge, "is too large"),
        (Fault::CutAfter, "did not answer in full"),
        (Fault::FaultyAfter, "a fault of its own (HTTP 500)"),
    ] {
        for command in [&CHECK[..], &HAND_OVER] {
            server.lay("GET", fault, 1);
            let (exit, said) = counter.run(command);
            assert!(exit != 0 && said.contains(words), "{fault:?}: {said}");
            assert!(said.contains("next:"), "{said}");
        }
    }
    assert_eq!(server.asked("POST"), 0);
    assert_eq!(server.now().tokens.len(), 0);
}

#[test]
fn a_server_that_is_not_there_is_told_and_named_again_where_it_is() {
    let server = Duo::start(&["ana"]);
    let mut counter = counter();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    assert_eq!(add(&counter, &format!("http://127.0.0.1:{port}"), &[]).0, 0);
    counter.burned(SERIAL, Some("ana"), &[]);
    let (exit, said) = counter.run(&HAND_OVER);
    assert!(exit != 0 && said.contains("cannot be reached"), "{said}");
    // It is at another port by now, and somebody says so.
    assert_eq!(add(&counter, &server.url(), &[]).0, 0);
    assert_eq!(counter.run(&HAND_OVER).0, 0);
    assert_eq!(server.now().tokens.len(), 1);
}

/// Whoever can write the inventory could send seeds elsewhere; and on a database only its owner can add servers.
#[test]
fn a_server_that_somebody_else_has_moved_is_used_once_its_user_has_confirmed_it() {
    let (first, second) = (Duo::start(&["ana"]), Duo::start(&["ana"]));
    let counter = counter();
    assert_eq!(add(&counter, &first.url(), &[]).0, 0);
    assert_eq!(counter.run(&CHECK).0, 0);
    let config = counter.desk.path("another-user");
    let words = ["server", "add", "duo", "--kind", "duo", "--url", &second.url(), "--account", INTEGRATION_KEY];
    let moved = counter.run_with(&[&words[..], &["--credential-file", "credential"]].concat(), &|command| {
        command.env("XDG_CONFIG_HOME", &config);
    });
    assert_eq!(moved.0, 0, "{}", moved.1);
    let confirm = ["server", "confirm", "duo"];
    let (exit, said) = counter.run(&CHECK);
    assert!(exit == 2 && said.contains("tokentap server confirm duo"), "{said}");
    let (exit, said) = counter.run(&confirm);
    assert!(exit == 2 && said.contains(&first.url()) && said.contains(&second.url()), "{said}");
    assert!(counter.run(&CHECK).0 == 2 && second.log().is_empty(), "nothing was confirmed, and nothing was sent");
    assert_eq!(counter.run(&[&confirm[..], &["--yes"]].concat()).0, 0);
    assert_eq!(counter.run(&CHECK).0, 0);
    let (exit, said) = counter.run(&confirm);
    assert!(exit == 0 && said.contains("there was nothing to confirm"), "{said}");
}

/// What went there stays in the journal, under the name.
#[test]
fn a_server_that_was_removed_or_cannot_be_read_is_added_again_at_its_user_s_word() {
    let server = Duo::start(&["ana"]);
    let mut counter = counter();
    assert_eq!(add(&counter, &server.url(), &[]).0, 0);
    counter.burned(SERIAL, Some("ana"), &[]);
    counter.ok(&HAND_OVER);
    for damage in [false, true] {
        match damage {
            true => {
                // As another version may write it.
                let inventory = Sqlite::open(&counter.desk.path("inventory.sqlite")).unwrap();
                let known = inventory.servers().unwrap().remove(0);
                let unread = ServerRecord { settings: "{}".to_owned(), ..known };
                inventory.put_server(&unread, &crate::inventory::event(SERIAL, 1, "moved")).unwrap();
                inventory.settle().unwrap();
                let (exit, said) = counter.run(&CHECK);
                assert!(exit != 0 && said.contains("add duo again") && said.contains("--same-server"), "{said}");
            }
            false => drop(counter.ok(&["server", "remove", "duo"])),
        }
        let (exit, said) = add(&counter, &server.url(), &[]);
        assert!(exit == 2 && said.contains("1 token went to a server with the name duo"), "{said}");
        assert!(said.contains("--same-server"), "{said}");
        assert_eq!(add(&counter, &server.url(), &["--same-server"]).0, 0);
        assert_eq!(counter.run(&CHECK).0, 0);
        assert!(counter.ok(&["server", "list"]).contains("1 token"), "what went there is known");
    }
    let entra = ["server", "add", "duo", "--kind", "entra", "--tenant", "example.org", "--account", "client"];
    let (exit, said) = counter.run(&[&entra[..], &["--credential-file", "credential", "--same-server"]].concat());
    assert!(exit == 2 && said.contains("a server of another kind (Duo)"), "{said}");
}

#[test]
fn a_move_that_cannot_be_confirmed_is_not_called_confirmed() {
    let (first, second) = (Duo::start(&["ana"]), Duo::start(&["ana"]));
    let counter = counter();
    assert_eq!(add(&counter, &first.url(), &[]).0, 0);
    // No folder can be made there.
    fs::write(counter.desk.path("file"), "").unwrap();
    let blocked = |args: &[&str]| {
        counter.run_with(args, &|command| {
            command.env("XDG_CONFIG_HOME", counter.desk.path("file")).env("HOME", counter.desk.path("file"));
        })
    };
    let url = second.url();
    let words = ["server", "add", "duo", "--kind", "duo", "--url", &url, "--account", INTEGRATION_KEY];
    let (exit, said) = blocked(&[&words[..], &["--credential-file", "credential"]].concat());
    assert!(exit == 0 && said.contains("will not notice if its settings change"), "{said}");
    // Where it cannot be read either, nothing goes to a server that may be another one.
    let asked = second.log().len();
    let (exit, said) = blocked(&CHECK);
    let is_noticed = exit != 0 && said.contains("cannot be read") && second.log().len() == asked;
    assert!(is_noticed || said.contains("will not notice if its settings change"), "{exit} {said}");
}

#[test]
fn a_list_whose_next_page_does_not_lie_ahead_is_not_taken_for_the_whole() {
    let server = Duo::start(&["ana"]);
    let counter = counter();
    assert_eq!(add(&counter, &server.url(), &[]).0, 0);
    let compare = ["server", "compare", "duo", "--identity", "identity"];
    server.now().put("t6", SERIAL, &[1; 20]);
    assert_eq!(counter.run(&compare).0, 0);
    for next in [0, 1_000_000_000] {
        server.now().next_page = Some(next);
        let (exit, said) = counter.run(&compare);
        assert!(exit != 0 && said.contains("do not come to an end"), "{next}: {said}");
    }
}

#[test]
fn certificates_that_are_not_the_server_s_or_not_of_now_are_refused_by_their_reason_and_nothing_is_sent() {
    for (name, days, names_authority, refused) in [
        ("localhost", -60..30, true, None),
        ("localhost", -60..-1, true, Some("it has expired")),
        ("localhost", 1..30, true, Some("it is not valid yet")),
        ("api-1.duosecurity.com", -60..30, true, Some("it is for another name")),
        ("localhost", -60..30, false, Some("no authority that is trusted here vouches for it")),
    ] {
        let (config, authority) = tls(name, days.clone());
        let server = StandIn::start_with(|port| Duo::of(port, &["ana"]), Some(config));
        let mut counter = counter();
        fs::write(counter.desk.path("ca.pem"), authority).unwrap();
        let url = format!("https://localhost:{}", server.port);
        let more: &[&str] = if names_authority { &["--ca", "ca.pem"] } else { &[] };
        assert_eq!(add(&counter, &url, more).0, 0);
        counter.burned(SERIAL, Some("ana"), &[]);
        for command in [&CHECK[..], &HAND_OVER] {
            let (exit, said) = counter.run(command);
            match refused {
                None => assert_eq!(exit, 0, "{said}"),
                Some(words) => {
                    assert!(exit != 0 && said.contains(words), "{name}, {days:?}: {said}");
                    assert!(said.contains("nothing was sent"), "{said}");
                }
            }
        }
        assert_eq!(server.log().is_empty(), refused.is_some(), "{name}, {days:?}");
        assert_eq!(server.now().tokens.len(), usize::from(refused.is_none()));
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_told_as_that_and_no_credential_goes_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // As nginx answers on a port for plain text.
    let plain = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 512];
        let count = stream.read(&mut hello).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        hello[..count].to_vec()
    });
    let counter = counter();
    assert_eq!(add(&counter, &format!("https://127.0.0.1:{port}"), &[]).0, 0);
    let (exit, said) = counter.run(&CHECK);
    assert!(exit != 0 && said.contains("what answers there does not speak TLS"), "{said}");
    // RFC 8446, section 5.1: a handshake record, and nothing of the request.
    assert_eq!(plain.join().unwrap()[0], 22);
}

#[test]
fn what_goes_to_this_computer_in_plain_text_goes_past_no_proxy() {
    let server = Duo::start(&["ana"]);
    let proxy = Duo::start(&[]);
    let mut counter = counter();
    assert_eq!(add(&counter, &server.url(), &[]).0, 0);
    counter.burned(SERIAL, Some("ana"), &[]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        let (exit, said) = counter.run_with(&CHECK, &|command| {
            command.env(name, proxy.url()).env_remove("NO_PROXY").env_remove("no_proxy");
        });
        assert_eq!(exit, 0, "{name}: {said}");
    }
    assert_eq!(proxy.log(), Vec::<String>::new());
}

/// A proxy for TLS passes bytes on (RFC 9110, section 9.3.6): it looks the name up, which this computer need not know.
#[test]
fn what_goes_elsewhere_goes_past_the_proxy_that_is_named_and_the_server_s_name_is_looked_up_there() {
    let (config, authority) = tls("duo.example.org", -1..1);
    let server = StandIn::start_with(|port| Duo::of(port, &["ana"]), Some(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (proxy, to) = (listener.local_addr().unwrap(), server.port);
    let (told, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
            told.send(line).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let mut there = std::net::TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut back, mut out) = (there.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || drop(std::io::copy(&mut back, &mut out)));
            std::thread::spawn(move || drop(std::io::copy(&mut client, &mut there)));
        }
    });
    let mut counter = counter();
    fs::write(counter.desk.path("ca.pem"), authority).unwrap();
    assert_eq!(add(&counter, "https://duo.example.org", &["--ca", "ca.pem"]).0, 0);
    counter.burned(SERIAL, Some("ana"), &[]);
    let (exit, said) = counter.run_with(&HAND_OVER, &|command| {
        command.env("HTTPS_PROXY", format!("http://{proxy}")).env_remove("NO_PROXY").env_remove("no_proxy");
    });
    assert_eq!(exit, 0, "{said}");
    assert_eq!(server.now().tokens.len(), 1);
    let lines: Vec<String> = asked.try_iter().collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line == "CONNECT duo.example.org:443 HTTP/1.1"), "{lines:?}");
}

#[test]
fn a_proxy_that_cannot_be_used_is_told_and_not_passed_by() {
    let counter = counter();
    assert_eq!(add(&counter, "https://duo.example.org", &[]).0, 0);
    let check = |variables: &[(&str, &str)]| {
        counter.run_with(&CHECK, &|command| {
            command.env_remove("NO_PROXY").env_remove("no_proxy").envs(variables.iter().copied());
        })
    };
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let (exit, said) = check(&[(name, "ftp://127.0.0.1:9")]);
        let is_told = said.contains(&format!("the variable {name} names no proxy that can be used"));
        assert!(exit != 0 && is_told && !said.contains("ftp:"), "{said}");
        let (exit, said) = check(&[(name, "http://proxy.invalid:3128")]);
        assert!(exit != 0 && said.contains("the proxy proxy.invalid is not known here"), "{said}");
        assert!(said.contains("nothing was sent"), "{said}");
    }
    // Past the proxy by its user's word: here the server's own name is looked up.
    let (exit, said) = check(&[("HTTPS_PROXY", "http://proxy.invalid:3128"), ("NO_PROXY", "duo.example.org")]);
    assert!(
        exit != 0 && said.contains("duo.example.org cannot be reached") && !said.contains("proxy.invalid"),
        "{said}"
    );
}
