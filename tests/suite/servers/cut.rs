//! The network between the program and a real privacyIDEA is cut at every request of every command: before it is passed on, before its
//! answer, and in the middle of that. Nothing is doubled or lost, and the same command settles it.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::harness::{Site, TRUST, code_of};
use crate::privacyidea::ADMIN;

/// Where a request is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// It is not passed on.
    Before,
    /// It is carried out, and its answer is not passed on.
    Unanswered,
    /// Half of its answer is passed on.
    Halfway,
}

const CUTS: [Cut; 3] = [Cut::Before, Cut::Unanswered, Cut::Halfway];

/// How many requests came since it was last told, which of them is to be cut, and what was asked.
#[derive(Default)]
struct Wire {
    cut: Option<(usize, Cut)>,
    asked: Vec<String>,
}

/// What stands between the program and the server.
struct Proxy {
    port: u16,
    wire: Arc<Mutex<Wire>>,
}

impl Proxy {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire: Arc<Mutex<Wire>> = Arc::default();
        let shared = Arc::clone(&wire);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let _ = pass_on(client, server, &shared);
            }
        });
        Self { port, wire }
    }

    /// From now on requests are counted anew, and one of them is cut.
    fn cut_at(&self, cut: Option<(usize, Cut)>) {
        *self.wire.lock().unwrap() = Wire { cut, asked: Vec::new() };
    }

    fn asked(&self) -> Vec<String> {
        self.wire.lock().unwrap().asked.clone()
    }
}

/// One request, and its answer: the server ends each connection.
fn pass_on(mut client: TcpStream, server: u16, wire: &Mutex<Wire>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 1 << 16];
    while !is_whole(&request) {
        match client.read(&mut buffer)? {
            0 => return Ok(()),
            length => request.extend(&buffer[..length]),
        }
    }
    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    let due = {
        let mut wire = wire.lock().unwrap();
        wire.asked.push(line.split(['?', ' ']).take(2).collect::<Vec<_>>().join(" "));
        let number = wire.asked.len();
        wire.cut.filter(|(at, _)| *at == number).map(|(_, how)| how)
    };
    if due == Some(Cut::Before) {
        return Ok(());
    }
    let mut server = TcpStream::connect(("127.0.0.1", server))?;
    server.write_all(&request)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    match due {
        None => client.write_all(&answer),
        Some(Cut::Halfway) => client.write_all(&answer[..answer.len() / 2]),
        Some(_) => Ok(()),
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |it| it.parse().unwrap());
    body.len() >= length
}

/// A desk that reaches its server by the proxy, and its inventory and tokens as they were when everything was laid out.
struct Line {
    site: Site,
    proxy: Proxy,
    kept: Vec<(String, Vec<u8>)>,
    /// Each request is cut in one way, another for each, and not in all.
    one_way: bool,
}

impl Line {
    fn open() -> Option<Self> {
        let site = Site::open()?;
        let proxy = Proxy::before(site.server.port);
        let url = format!("http://127.0.0.1:{}", proxy.port);
        let add = ["server", "add", "pi", "--kind", "privacyidea", "--url", &url, "--account", ADMIN];
        site.desk.ok(&[&add[..], &["--realm", "office", "--credential-file", "password"]].concat());
        Some(Self { site, proxy, kept: Vec::new(), one_way: false })
    }

    /// Keeps the record and the tokens as they are.
    fn keep(&mut self) {
        let files =
            fs::read_dir(self.site.desk.0.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let is_kept = |name: &String| name.starts_with("inventory.sqlite") || name.starts_with("8659");
        self.kept =
            files.filter(is_kept).map(|name| (name.clone(), fs::read(self.site.desk.path(&name)).unwrap())).collect();
    }

    fn restore(&self) {
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.site.desk.path(&format!("inventory.sqlite{end}")));
        }
        for (name, content) in &self.kept {
            fs::write(self.site.desk.path(name), content).unwrap();
        }
    }

    fn remove_there(&self, serials: &[&str]) {
        for serial in serials {
            self.site.server.answer("DELETE", &format!("/token/{serial}"), &[]);
        }
    }

    /// Cuts a command at each of its requests in each way. `prepare` lays out what it finds, `cut_off` looks at what it left, and `again`
    /// runs it without cuts, and looks.
    fn cut_through(&self, args: &[&str], prepare: &dyn Fn(), exits: &[i32], again: &dyn Fn(&str)) {
        self.proxy.cut_at(None);
        self.restore();
        prepare();
        self.site.done(args);
        let asked = self.proxy.asked();
        assert!(!asked.is_empty(), "{args:?}");
        let mut exits_seen = std::collections::BTreeMap::<i32, u32>::new();
        for at in 1..=asked.len() {
            let ways = if self.one_way { &CUTS[at % CUTS.len()..][..1] } else { &CUTS };
            for how in ways.iter().copied() {
                let what = format!("{args:?}, request {at} of {} ({}), cut {how:?}", asked.len(), asked[at - 1]);
                self.restore();
                prepare();
                self.proxy.cut_at(Some((at, how)));
                let (exit, _, said) = self.site.run(args);
                assert!(self.proxy.asked().len() >= at, "{what}: it was not cut");
                self.proxy.cut_at(None);
                assert!(exits.contains(&exit) || exit == 0, "{what}: {exit} {said}");
                assert!(exit == 0 || said.contains("did not answer in full"), "{what}: {said}");
                assert!(!said.contains("panicked"), "{what}: {said}");
                *exits_seen.entry(exit).or_default() += 1;
                self.site.record_is_sound();
                again(&format!("{what}; at first: exit {exit}, {said}"));
                self.site.record_is_sound();
            }
        }
        let cuts: u32 = exits_seen.values().sum();
        println!("{cuts} cuts of {}: {asked:?}; exit codes {exits_seen:?}", args.join(" "));
    }

    /// Runs it again, which settles it; each token is there once, its journal says so, and the code on its display is accepted at the
    /// first try.
    fn settles(&self, args: &[&str], serials: &[&str], what: &str) {
        let (exit, _, said) = self.site.run(args);
        assert_eq!(exit, 0, "{what}; again: {said}");
        for serial in serials {
            assert_eq!(self.site.all_there(serial).len(), 1, "{what}; again: {said}");
            assert!(self.site.accepts_the_display_of(serial), "{what}; again: {said}");
        }
        self.agrees(what);
    }

    fn agrees(&self, what: &str) {
        let (_, compared, said) = self.site.run(&["server", "compare", "pi"]);
        assert_eq!(compared["differences"], Value::Array(Vec::new()), "{what}; compared: {said}");
    }
}

#[test]
fn a_hand_over_that_is_cut_anywhere_is_settled_by_the_same_command() {
    let Some(mut line) = Line::open() else { return };
    let serials = ["86596120001001", "86596120001002"];
    for (serial, user) in serials.into_iter().zip(["ada", "bob@example.org"]) {
        line.site.burned(serial, "sha1", 30);
        line.site.desk.ok(&["inventory", "assign", serial, user]);
    }
    line.keep();
    let args = ["hand-over", "pi", "--all"];
    line.cut_through(&args, &|| line.remove_there(&serials), &[1, 10], &|what| {
        line.settles(&args, &serials, what);
        assert_eq!(line.site.there(serials[0])["username"], "ada", "{what}");
        assert_eq!(line.site.there(serials[1])["username"], "bob", "{what}");
    });
}

#[test]
fn a_hand_over_to_nobody_and_the_replacement_of_a_seed_are_settled_too() {
    let Some(mut line) = Line::open() else { return };
    let serial = "86596120001101";
    line.site.burned(serial, "sha256", 60);
    line.keep();
    let args = ["hand-over", "pi", "--serial", serial];
    line.cut_through(&args, &|| line.remove_there(&[serial]), &[1, 10], &|what| line.settles(&args, &[serial], what));
    // Somebody's, who has signed in with the seed that is replaced: what is there looks alive, and is not this one.
    let args = ["hand-over", "pi", "--serial", serial, "--replace"];
    let prepare = || {
        line.remove_there(&[serial]);
        let foreign = "00112233445566778899aabbccddeeff00112233";
        line.site.enrol(serial, foreign, "sha1", 30, 0);
        line.site.server.ask("POST", "/token/assign", &[("serial", serial), ("user", "eva"), ("realm", "office")]);
        let count = chrono::Utc::now().timestamp() as u64 / 30;
        assert!(line.site.server.accepts(serial, &code_of(foreign, tokentap::otp::Hash::Sha1, count)));
    };
    line.cut_through(&args, &prepare, &[1, 10], &|what| {
        let (exit, _, said) = line.site.run(&args);
        assert_eq!(exit, 0, "{what}; again: {said}");
        assert!(line.site.accepts_the_display_of(serial), "{what}; again: {said}");
        assert_eq!(line.site.there(serial)["username"], "eva", "{what}");
    });
}

#[test]
fn a_batch_that_hands_over_and_is_cut_anywhere_is_settled_by_the_same_command() {
    let Some(mut line) = Line::open() else { return };
    let serial = "86596120001151";
    let reader = line.site.desk.token(serial);
    let row = format!("serial,secret,user\n{serial},JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ,ada\n");
    fs::write(line.site.desk.path("rows.csv"), row).unwrap();
    line.keep();
    line.one_way = true;
    let args = ["batch", "rows.csv", "--reader", &reader, "--hand-over", "pi", TRUST];
    line.cut_through(&args, &|| line.remove_there(&[serial]), &[1, 10], &|what| {
        line.settles(&args, &[serial], what);
        assert_eq!(line.site.there(serial)["username"], "ada", "{what}");
    });
}

#[test]
fn a_mend_that_is_cut_anywhere_is_settled_by_the_same_command() {
    let Some(mut line) = Line::open() else { return };
    let serial = "86596120001201";
    let reader = format!("emulated:{serial}");
    line.site.burned(serial, "sha1", 30);
    line.site.done(&["hand-over", "pi", "--serial", serial]);
    line.keep();
    let args = ["sync", "--reader", &reader, "--fast", TRUST, "--mend", "pi"];
    line.cut_through(&args, &|| line.site.follows(serial, "sha1", 30, -565), &[10], &|what| {
        line.settles(&args, &[serial], what);
    });
    let args = [&args[..], &["--re-enrol"]].concat();
    line.cut_through(&args, &|| line.site.follows(serial, "sha1", 30, 600), &[10], &|what| {
        line.settles(&args, &[serial], what);
    });
    // A desk does the same unasked.
    line.one_way = true;
    let args = ["desk", "--reader", &reader, "--fast", TRUST];
    line.cut_through(&args, &|| line.site.follows(serial, "sha1", 30, -565), &[10], &|what| {
        line.settles(&args, &[serial], what);
    });
}

#[test]
fn what_only_reads_and_what_finds_a_counter_again_are_settled_too() {
    let Some(mut line) = Line::open() else { return };
    let (used, counts) = ("86596120001301", "86596120001302");
    for serial in [used, counts] {
        line.site.burned(serial, "sha1", 30);
    }
    line.site.enrol(used, &line.site.desk.seed_of(used), "sha1", 30, -95);
    line.site.follows(used, "sha1", 30, -95);
    line.keep();
    let nothing = || ();
    for args in [&["server", "check", "pi"][..], &["server", "pull", "pi"]] {
        line.cut_through(args, &nothing, &[1, 10], &|what| {
            let (exit, report, said) = line.site.run(args);
            assert_eq!(exit, 0, "{what}; again: {said}");
            assert!(args[1] == "check" || report["new"] == 1, "{what}: nothing was kept before");
        });
    }
    let seed = line.site.desk.seed_of(counts);
    let code = |count: u64| code_of(&seed, tokentap::otp::Hash::Sha1, count);
    let prepare = || {
        line.remove_there(&[counts]);
        let form = [("type", "hotp"), ("serial", counts), ("otpkey", &seed), ("otplen", "6"), ("hashlib", "sha1")];
        line.site.server.ask("POST", "/token/init", &form);
    };
    let (one, two) = (code(50), code(51));
    let args = ["server", "resync", "pi", counts, &one, &two];
    line.cut_through(&args, &prepare, &[1, 10], &|what| {
        let (exit, report, said) = line.site.run(&args);
        // Codes are good once: whether they were used is known by the next one.
        assert!(exit == 0 || (exit == 8 && report["found"] == false), "{what}; again: {said}");
        assert!(line.site.server.accepts(counts, &code(52)), "{what}; again: {said}");
    });
    // Nothing was handed over, and so nothing is compared but what was.
    line.restore();
    line.remove_there(&[used, counts]);
    line.cut_through(&["server", "compare", "pi"], &nothing, &[1, 10], &|what| line.agrees(what));
}
