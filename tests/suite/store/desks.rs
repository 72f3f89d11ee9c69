//! docs/many-desks.md, followed to the letter with a server: set up, joined, used, backed up, restored, closed to a stolen desk.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::server::{Server, shared};
use super::weather::Proxy;
use crate::documents::commands;
use crate::support::{text, tokentap};

/// A computer: a home of its own, with what it has joined in it.
struct Computer {
    home: tempfile::TempDir,
}

impl Computer {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let made = tokentap().current_dir(home.path()).args(["emulate", "--create", "--state", "token.json"]).status();
        assert!(made.unwrap().success());
        Self { home }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    /// Runs the program as this computer's user; `None` for one that has named no inventory.
    fn run(&self, inventory: Option<&str>, args: &[&str]) -> (i32, String) {
        let mut command = tokentap();
        command.current_dir(self.path()).env("HOME", self.path()).env("XDG_CONFIG_HOME", self.path().join("config"));
        command.env("XDG_DATA_HOME", self.path().join("data")).env("TOKENTAP_READER", "emulated:token.json");
        match inventory {
            Some(named) => command.env("TOKENTAP_INVENTORY", named),
            None => command.env_remove("TOKENTAP_INVENTORY"),
        };
        let output = command.args(args).output().unwrap();
        (output.status.code().unwrap(), text(&output))
    }

    fn ok(&self, args: &[&str]) -> String {
        let (exit, said) = self.run(None, args);
        assert_eq!(exit, 0, "{args:?}: {said}");
        said
    }
}

/// The command that sets a server up, as its administrator types it.
fn serve(server: &Server, host: &Computer, database: &str, args: &[&str]) -> String {
    let (address, by) =
        (format!("postgres://127.0.0.1:{}/{database}", server.port), server.address("postgres", "postgres"));
    let authority = server.authority().display().to_string();
    let begins = ["inventory", "serve-init", &address, "--by", &by, "--db-ca", &authority];
    host.ok(&[&begins[..], args].concat())
}

/// Carries a file from one computer to another.
fn carry(from: &Computer, to: &Computer, name: &str) {
    fs::rename(from.path().join("desks").join(name), to.path().join(name)).unwrap();
}

#[test]
fn every_command_of_the_page_runs_as_it_stands_at_the_place_that_it_is_for() {
    let server = shared();
    let (host, front) = (Computer::new(), Computer::new());
    fs::copy(server.authority(), host.path().join("ca.pem")).unwrap();
    // What the desk has had before it joins.
    let before = fs::canonicalize(front.path()).unwrap().join("inventory.sqlite");
    assert_eq!(front.run(before.to_str(), &["sync", "--hash", "sha1", "--step", "30"]).0, 0);
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/many-desks.md")).unwrap();
    let by = server.address("postgres", "postgres");
    let mut ran = 0;
    for command in commands(&page, "tokentap ").into_iter().filter(|command| !command.contains('…')) {
        let typed = command.replace("db.example.org", &format!("127.0.0.1:{}", server.port));
        let typed = typed.replace("%2Fvar%2Frun%2Fpostgresql", &format!("127.0.0.1:{}", server.port));
        let mut args: Vec<&str> = typed.split_whitespace().skip(1).collect();
        let (exit, said) = if args.contains(&"serve-init") {
            args.extend(["--by", &by]);
            host.run(None, &args)
        } else if args.contains(&"prune") {
            host.run(None, &args)
        } else if args.contains(&"import") {
            continue;
        } else {
            if args.contains(&"join") && !args.contains(&"--leave") {
                carry(&host, &front, "front.join");
            }
            if args.contains(&"--leave") {
                // It is told in passing; the desk stays.
                continue;
            }
            front.run(None, &args)
        };
        if args == ["doctor"] {
            // How it ends depends on the readers and the clock of this machine.
            assert!(said.contains("ok   inventory: postgres://front@"), "{said}");
            continue;
        }
        assert_eq!(exit, 0, "{command}: {said}");
        ran += 1;
    }
    assert!(ran >= 7, "only {ran} commands were found");
    let left = front.ok(&["inventory", "join", "--leave"]);
    assert!(left.starts_with("this desk has left the database"), "{left}");
}

#[test]
fn what_one_desk_does_is_known_at_the_other_and_a_desk_that_is_shut_out_is_told_whom_to_ask() {
    let server = shared();
    let [host, front, back, boss] = [(); 4].map(|()| Computer::new());
    let set_up = serve(
        server,
        &host,
        "shop",
        &["--desk", "shop_front", "--desk", "shop_back", "--viewer", "shop_boss", "--out", "desks"],
    );
    assert!(set_up.contains("tokentap inventory join shop_front.join"), "{set_up}");
    for (desk, name) in [(&front, "shop_front.join"), (&back, "shop_back.join"), (&boss, "shop_boss.join")] {
        carry(&host, desk, name);
        let joined = desk.ok(&["inventory", "join", name]);
        assert!(joined.contains("from now on") && joined.contains("delete it"), "{joined}");
    }
    let again = serve(server, &host, "shop", &["--desk", "shop_front", "--out", "desks"]);
    assert!(again.contains("shop_front was there already"), "{again}");
    front.ok(&["sync", "--hash", "sha1", "--step", "30"]);
    front.ok(&["inventory", "assign", "86596120000001", "ana@example.org"]);
    let shown = back.ok(&["inventory", "show", "ana@example.org"]);
    assert!(shown.contains("SHA1, 30 s") && shown.contains("sync   done"), "{shown}");
    // The profile is known at the other desk; nobody has to state it there.
    fs::copy(front.path().join("token.json"), back.path().join("token.json")).unwrap();
    back.ok(&["sync"]);
    let seen = boss.ok(&["--json", "inventory", "desks"]);
    let seen: Value = serde_json::from_str(&seen).unwrap();
    let logins: Vec<&str> =
        seen["desks"].as_array().unwrap().iter().map(|desk| desk["login"].as_str().unwrap()).collect();
    assert_eq!(logins, ["shop_back", "shop_front"], "{seen}");
    let (exit, said) = boss.run(None, &["inventory", "assign", "86596120000001", "eva@example.org", "--reassign"]);
    assert!(exit == 1 && said.contains("is a viewer of it"), "{exit}: {said}");
    serve(server, &host, "shop", &["--shut-out", "shop_back"]);
    let (exit, said) = back.run(None, &["sync"]);
    assert!(exit == 1 && said.contains("ask whoever runs the database"), "{exit}: {said}");
    serve(server, &host, "shop", &["--renew", "shop_back", "--out", "desks"]);
    carry(&host, &back, "shop_back.join");
    back.ok(&["inventory", "join", "shop_back.join"]);
    back.ok(&["sync"]);
}

#[test]
fn a_dump_brings_back_all_that_the_inventory_knew() {
    let server = shared();
    let [host, desk] = [(); 2].map(|()| Computer::new());
    serve(server, &host, "kept", &["--desk", "kept_front", "--out", "desks"]);
    carry(&host, &desk, "kept_front.join");
    desk.ok(&["inventory", "join", "kept_front.join"]);
    desk.ok(&["sync", "--hash", "sha1", "--step", "30"]);
    let owner = server.address("postgres", "kept");
    let before = desk.path().join("before.sqlite").display().to_string();
    desk.ok(&["inventory", "copy", &owner, &before]);
    let dump = server.files().join("kept.dump").display().to_string();
    let dumped = server.run("pg_dump", &["--format=custom", "--file", &dump, &owner]);
    assert!(dumped.status.success(), "{}", text(&dumped));
    server.sql("postgres", "postgres", "DROP DATABASE kept WITH (FORCE)").unwrap();
    let (exit, said) = desk.run(None, &["sync"]);
    assert!(exit == 1 && said.contains("does not exist"), "{exit}: {said}");
    let restored = server.run("pg_restore", &["--create", "--dbname", &server.address("postgres", "postgres"), &dump]);
    assert!(restored.status.success(), "{}", text(&restored));
    desk.ok(&["inventory", "copy", "--compare", &owner, &before]);
    desk.ok(&["sync"]);
    let events = desk.ok(&["inventory", "events"]);
    assert_eq!(events.matches("done").count(), 2, "{events}");
}

#[test]
fn a_file_that_is_no_invitation_and_an_address_with_a_password_join_nothing() {
    let desk = Computer::new();
    fs::write(desk.path().join("other.join"), "postgres://front@db.example.org/tokentap\n").unwrap();
    for (from, word) in [("other.join", "is not the file of a desk"), ("missing.join", "cannot be read")] {
        let (exit, said) = desk.run(None, &["inventory", "join", from]);
        assert!(exit == 2 && said.contains(word) || exit == 1 && said.contains(word), "{exit}: {said}");
    }
    let (exit, said) = desk.run(None, &["inventory", "join", "postgres://front:hunter2@db.example.org/tokentap"]);
    assert!(exit != 0 && !said.contains("hunter2"), "{exit}: {said}");
    let (exit, said) = desk.run(Some("postgres://front:hunter2@db.example.org/tokentap"), &["inventory", "tokens"]);
    assert!(exit == 1 && said.contains("has a password in it") && !said.contains("hunter2"), "{exit}: {said}");
    assert!(!desk.path().join("config/tokentap/database").exists());
}

#[test]
fn while_the_server_is_away_a_desk_does_what_it_can_says_what_it_cannot_and_tells_it_all_afterwards() {
    let mut server = Server::start();
    let [host, desk] = [(); 2].map(|()| Computer::new());
    serve(&server, &host, "away", &["--desk", "front", "--out", "desks"]);
    carry(&host, &desk, "front.join");
    desk.ok(&["inventory", "join", "front.join"]);
    desk.ok(&["sync", "--hash", "sha1", "--step", "30"]);
    server.kill();
    let began = std::time::Instant::now();
    let (exit, said) = desk.run(None, &["sync"]);
    assert!(exit == 1 && said.contains("does not answer") && said.contains("--hash"), "{exit}: {said}");
    let burn = ["burn", "--generate", "--out", "new.csv", "--hash", "sha1", "--step", "30", "--no-verify"];
    let (exit, said) = desk.run(None, &burn);
    assert!(exit == 1 && said.contains("does not answer"), "{exit}: {said}");
    assert!(!desk.path().join("new.csv").exists(), "nothing is written that nobody needs");
    let (exit, said) = desk.run(None, &["batch", "--generate", "3", "--to", "csv=many.csv"]);
    assert!(exit == 1 && said.contains("does not answer"), "{exit}: {said}");
    let (exit, said) = desk.run(None, &["inventory", "show", "86596120000001"]);
    assert!(exit == 1 && said.contains("see that the database server runs"), "{exit}: {said}");
    let said = desk.ok(&["info"]);
    assert!(said.contains("1 record waits in this desk's outbox"), "{said}");
    // What the remedy of the sync said, as it was said.
    let said = desk.ok(&["sync", "--hash", "sha1", "--step", "30"]);
    assert!(said.contains("seed kept") && said.contains("3 records wait in this desk's outbox"), "{said}");
    assert!(!said.contains("could not be looked up"), "no server refuses codes for that: {said}");
    // Where a clock is moved far, a server that had followed it refuses its codes, and nobody can say which one that is.
    desk.ok(&["emulate", "--create", "--serial", "86596120000077", "--drift", "-97", "--state", "moved.json"]);
    let said = desk.ok(&["--reader", "emulated:moved.json", "sync", "--hash", "sha1", "--step", "30"]);
    assert!(said.contains("which servers may refuse its codes now could not be looked up"), "{said}");
    assert!(began.elapsed() < std::time::Duration::from_secs(60));
    let (_, said) = desk.run(None, &["doctor"]);
    assert!(said.contains("BAD  inventory: the inventory postgres://front@") && said.contains("outbox"), "{said}");
    server.resume();
    // Two seeds had gone to a server long before: one of the token whose clock was moved, and one of the token whose clock was right.
    for serial in ["86596120000001", "86596120000077"] {
        let delivered = format!(
            "INSERT INTO tokentap.deliveries (server, serial, slot, seed, step, since, at)
             VALUES ('idp', '{serial}', 0, decode(repeat('ab', 16), 'hex'), 'active', 1, 1)"
        );
        server.sql("postgres", "away", &delivered).unwrap();
    }
    let (_, said) = desk.run(None, &["doctor"]);
    assert!(said.contains("ok   inventory: postgres://front@"), "{said}");
    let noted = "the clock of token 86596120000077 was set, or may have been, while the inventory was away: idp may refuse its codes";
    for times in [1, 0] {
        let (_, said) = desk.run(None, &["inventory", "tokens"]);
        assert_eq!(said.matches(noted).count(), times, "it is said once: {said}");
        assert_eq!(said.matches("may refuse its codes").count(), times, "the other clock was right: {said}");
    }
    let unmended = server.sql("postgres", "away", "SELECT serial FROM tokentap.deliveries WHERE unmended IS NOT NULL");
    assert_eq!(unmended.unwrap().trim(), "86596120000077", "whoever comes next with it finds that this is open");
    let said = desk.ok(&["inventory", "events"]);
    assert!(!said.contains("outbox") && said.matches("sync").count() == 6 && said.contains("info"), "{said}");
    desk.ok(&["sync"]);
}

/// All files below a folder.
fn all_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { found.extend(all_files(&entry)) } else { found.push(entry) }
    }
    found
}

#[test]
fn a_seed_is_in_none_of_the_server_s_files_nor_in_its_log_nor_on_the_wire_and_neither_is_a_password() {
    let mut server = Server::start();
    server.set(&[
        "logging_collector=on",
        "log_statement=all",
        "log_min_messages=debug1",
        "log_parameter_max_length=-1",
    ]);
    server.kill();
    server.resume();
    let [host, desk] = [(); 2].map(|()| Computer::new());
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    serve(&server, &host, "sealed", &["--desk", "front", "--recipient", &recipient, "--out", "desks"]);
    carry(&host, &desk, "front.join");
    let password = fs::read_to_string(desk.path().join("front.join")).unwrap().lines().nth(1).unwrap().to_owned();
    // Without TLS, so that all of it can be read on its way.
    let proxy = Proxy::before(server.port);
    let address = format!("postgres://front@127.0.0.1:{}/sealed", proxy.port);
    let seed = b"an unmistakable seed";
    fs::write(desk.path().join("seed"), data_encoding::BASE32_NOPAD.encode(seed)).unwrap();
    let burn =
        ["burn", "--no-verify", "--seed-file", "seed", "--user", "ana@example.org", "--hash", "sha1", "--step", "30"];
    let (exit, said) = desk.run(Some(&address), &burn);
    assert_eq!(exit, 0, "{said}");
    server.sql("postgres", "sealed", "CHECKPOINT").unwrap();
    assert_eq!(server.sql("postgres", "sealed", "SELECT count(sealed) FROM tokentap.tokens").unwrap(), "1");
    let mut places = vec![("the wire".to_owned(), proxy.wire())];
    assert!(places[0].1.windows(15).any(|bytes| bytes == b"ana@example.org"), "what goes over it is seen");
    places.extend(all_files(&server.files()).iter().map(|file| (file.display().to_string(), fs::read(file).unwrap())));
    assert!(
        places.iter().any(|(name, bytes)| name.contains("/log/") && bytes.windows(9).any(|word| word == b"leases (s"))
    );
    let (hex, base32) = (data_encoding::HEXLOWER.encode(seed), data_encoding::BASE32_NOPAD.encode(seed));
    let base64 = data_encoding::BASE64_NOPAD.encode(&seed[..18]);
    let secrets = [&seed[..], hex.as_bytes(), base32.as_bytes(), base64.as_bytes(), password.as_bytes()];
    for (name, bytes) in &places {
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{name}");
        }
    }
    assert!(places.len() > 500, "{}", places.len());
}
