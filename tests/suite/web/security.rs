//! Who may ask: each row of the table in docs/web.md, and what somebody on this computer, or a page in the same browser, could try.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::json;

use super::harness::Web;

fn web() -> Web {
    Web::start(&[], &[])
}

#[test]
fn a_name_that_leads_here_by_somebody_elses_dns_gets_nothing() {
    let web = web();
    let (_, port) = web.origin.rsplit_once(':').unwrap();
    for host in ["evil.test", "127.0.0.1.evil.test", "localhost", "127.0.0.1", "[::1]", ""] {
        for host in [host.to_owned(), format!("{host}:{port}"), format!("{host}:80")] {
            if host == format!("127.0.0.1:{port}") {
                continue;
            }
            for (method, path) in [("GET", "/"), ("GET", "/app.js"), ("GET", "/api/state"), ("POST", "/api/session")] {
                let reply = web.raw(method, path, &[("Host", &host)], "");
                assert!(matches!(reply.status, 400 | 421), "{method} {path} as {host:?}: {}", reply.status);
                assert!(!reply.body.contains("tokentap"), "{host}");
            }
        }
    }
}

#[test]
fn a_form_or_a_page_from_another_origin_is_refused_also_with_a_bearer() {
    let web = web();
    let bearer = web.session();
    let (host, bearer) = (web.origin.replace("http://", ""), format!("Bearer {bearer}"));
    let ask = json!({ "ask": "find", "text": "x" }).to_string();
    let (_, port) = web.origin.rsplit_once(':').unwrap();
    let origins = [
        "https://evil.test".to_owned(),
        "null".to_owned(),
        format!("https://127.0.0.1:{port}"),
        "http://127.0.0.1:8202".to_owned(),
        format!("{}.evil.test", web.origin),
        format!("{}/", web.origin),
        String::new(),
    ];
    for origin in &origins {
        let headers = [
            ("Host", host.as_str()),
            ("Origin", origin),
            ("Authorization", &bearer),
            ("Content-Type", "application/json"),
        ];
        let reply = web.raw("POST", "/api/ask", &headers, &ask);
        assert_eq!(reply.status, 403, "{origin:?}: {}", reply.body);
    }
    // No origin at all: a browser sends one with every POST.
    let headers = [("Host", host.as_str()), ("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    assert_eq!(web.raw("POST", "/api/ask", &headers, &ask).status, 403);
    // A form cannot send JSON as JSON.
    for kind in ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"] {
        let headers =
            [("Host", host.as_str()), ("Origin", &web.origin), ("Authorization", &bearer), ("Content-Type", kind)];
        assert_eq!(web.raw("POST", "/api/ask", &headers, &ask).status, 415, "{kind}");
    }
    // A browser's own word that the page is another one's.
    let headers = [("Host", host.as_str()), ("Sec-Fetch-Site", "cross-site"), ("Authorization", bearer.as_str())];
    assert_eq!(web.raw("GET", "/api/state", &headers, "").status, 403);
    assert_eq!(
        web.raw("GET", "/", &headers, "").status,
        200,
        "the empty page may be led to: from the file that opens the browser"
    );
    // Nobody is told that another origin may read here.
    let headers = [("Host", host.as_str()), ("Origin", "https://evil.test"), ("Access-Control-Request-Method", "POST")];
    let preflight = web.raw("OPTIONS", "/api/ask", &headers, "");
    assert!(preflight.status >= 400 && !preflight.head.contains("access-control-allow"), "{}", preflight.head);
}

#[test]
fn a_code_works_once_and_a_guessed_one_never_and_neither_opens_without_it() {
    let web = web();
    let bearer = web.session();
    let again = web.post("/api/session", None, &json!({ "code": web.code }));
    assert_eq!(again.status, 401, "the code was used");
    for path in ["/api/ask", "/api/code"] {
        assert_eq!(web.post(path, None, &json!({ "ask": "formats" })).status, 401);
        assert_eq!(web.post(path, Some(&web.code), &json!({ "ask": "formats" })).status, 401, "a code is no bearer");
    }
    assert_eq!(web.ask(&bearer, json!({ "ask": "formats" })).status, 200);
}

#[test]
fn wrong_codes_and_bearers_are_answered_ten_times_a_minute_and_lock_nobody_out() {
    let web = web();
    let bearer = web.session();
    let mut statuses = Vec::new();
    for number in 0..20 {
        let guess = format!("{number:043}");
        statuses.push(match number % 2 {
            0 => web.post("/api/session", None, &json!({ "code": guess })).status,
            _ => web.ask(&guess, json!({ "ask": "formats" })).status,
        });
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10..], [429; 10]);
    assert_eq!(web.ask(&bearer, json!({ "ask": "formats" })).status, 200, "the right one passes");
    let address = web.post("/api/code", Some(&bearer), &json!({})).json()["address"].as_str().unwrap().to_owned();
    let code = address.split_once("/#").unwrap().1;
    assert_eq!(web.post("/api/session", None, &json!({ "code": code })).status, 200, "a right code, too");
}

#[test]
fn every_answer_has_the_headers_that_keep_others_out_and_nothing_behind() {
    let web = web();
    let host = web.origin.replace("http://", "");
    let headers = [("Host", host.as_str())];
    for (method, path) in
        [("GET", "/"), ("GET", "/app.js"), ("GET", "/style.css"), ("GET", "/api/state"), ("GET", "/none")]
    {
        let reply = web.raw(method, path, &headers, "");
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; \
             frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(reply.head.contains(header), "{path}: no {header} in\n{}", reply.head);
        }
        assert!(!reply.head.contains("set-cookie") && !reply.head.contains("access-control"), "{}", reply.head);
    }
}

/// Everything that a page loads without a bearer is the same for everybody.
#[test]
fn without_a_bearer_there_is_nothing_but_the_empty_page_and_it_is_under_60_kilobytes() {
    let web = web();
    let host = web.origin.replace("http://", "");
    let mut size = 0;
    for path in ["/", "/app.js", "/style.css", "/icon.svg"] {
        let reply = web.raw("GET", path, &[("Host", &host)], "");
        assert_eq!(reply.status, 200, "{path}");
        assert!(!reply.body.contains(&web.code), "{path}");
        size += reply.body.len();
    }
    assert!(size < 60_000, "{size} bytes");
    for path in ["/api/state", "/api/ask", "/tokens", "/../Cargo.toml", "/%2e%2e/etc/passwd"] {
        assert!(web.raw("GET", path, &[("Host", &host)], "").status >= 400, "{path}");
    }
}

#[test]
fn the_server_is_on_loopback_alone_and_ends_with_its_program() {
    let web = web();
    let port: u16 = web.origin.rsplit_once(':').unwrap().1.parse().unwrap();
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let listening: Vec<&str> =
        sockets.lines().filter(|line| line.contains(&format!(":{port:04X} 00000000:0000 0A"))).collect();
    assert_eq!(listening.len(), 1, "{listening:?}");
    assert!(listening[0].contains("0100007F:"), "127.0.0.1: {listening:?}");
    let host = web.origin.replace("http://", "");
    let (exit, _) = web.end();
    assert_eq!(exit, 0);
    assert!(std::net::TcpStream::connect(host).is_err(), "nobody listens there any more");
}

#[test]
fn a_client_that_is_slow_hangs_or_sends_too_much_keeps_nobody_else_from_the_desk() {
    let web = web();
    let bearer = web.session();
    // Some that ask for the board and never read it, and sixty that say half of what they want.
    let host = web.origin.replace("http://", "");
    let unread: Vec<_> = (0..3)
        .map(|_| {
            let mut stream = web.connect();
            let ask = format!("GET /api/state HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {bearer}\r\n\r\n");
            stream.write_all(ask.as_bytes()).unwrap();
            stream
        })
        .collect();
    let mut hung: Vec<_> = (0..60).map(|_| web.connect()).collect();
    for stream in &mut hung {
        stream.write_all(b"POST /api/ask HTTP/1.1\r\nHost: 12").unwrap();
    }
    let began = Instant::now();
    assert_eq!(web.ask(&bearer, json!({ "ask": "formats" })).status, 200);
    assert!(began.elapsed() < Duration::from_secs(20));
    // They are let go of after a while, so that others can come.
    let mut rest = Vec::new();
    let closed = hung[0].read_to_end(&mut rest);
    assert!(closed.is_ok() || rest.is_empty(), "{closed:?}");
    drop((hung, unread));
    let huge = format!("{{\"ask\":\"find\",\"text\":\"{}\"}}", "x".repeat(9 << 20));
    let authorization = format!("Bearer {bearer}");
    let mut stream = web.connect();
    let head = format!(
        "POST /api/ask HTTP/1.1\r\nHost: {host}\r\nOrigin: {}\r\nContent-Type: application/json\r\nAuthorization: {authorization}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        web.origin,
        huge.len()
    );
    // It is told so before anything of that is sent.
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    let reply = String::from_utf8_lossy(&reply).into_owned();
    assert!(reply.starts_with("HTTP/1.1 413"), "{reply}");
    // And what is sent all the same is not kept.
    let mut stream = web.connect();
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(huge.as_bytes()));
    assert_eq!(web.ask(&bearer, json!({ "ask": "formats" })).status, 200, "it goes on");
}

/// The secrets of the page are in no log, no title and no argument.
#[test]
fn neither_the_code_nor_a_bearer_is_in_what_the_program_was_started_with_or_keeps_on_disk() {
    let web = web();
    let bearer = web.session();
    let arguments = std::fs::read(format!("/proc/{}/cmdline", web.id())).unwrap();
    let environment = std::fs::read(format!("/proc/{}/environ", web.id())).unwrap();
    for secret in [&web.code, &bearer] {
        for place in [&arguments, &environment] {
            assert!(!place.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
    let (code, bearer) = (web.code.clone(), bearer);
    let (_, folder) = web.end();
    let files = files_below(folder.path());
    assert!(files.iter().any(|file| file.ends_with("inventory.sqlite")), "{files:?}");
    for file in files {
        let content = std::fs::read(&file).unwrap();
        for secret in [&code, &bearer] {
            assert!(!content.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", file.display());
        }
    }
}

/// All files below a folder, which is everything that the program may write to in a test.
fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
