//! Everything that `--json` prints fits the schema in docs/schema.json, which is generated from the reports; and every shape of the
//! schema is one that some command prints.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tokentap::report::schema;

use crate::support::in_folder;

#[test]
fn the_schema_in_the_documents_is_the_one_of_the_reports() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema.json");
    let wanted = schema::document();
    if std::env::var_os("TOKENTAP_TEST_PRINT").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == wanted, "docs/schema.json says otherwise (TOKENTAP_TEST_PRINT=1 prints it anew)");
}

/// A desk with its files, on which all commands can be tried.
struct Bench {
    folder: tempfile::TempDir,
    schema: jsonschema::Validator,
    /// The shapes of each command, with a name to complain by.
    shapes: Vec<(String, jsonschema::Validator)>,
    seen: BTreeSet<String>,
}

impl Bench {
    fn new() -> Self {
        let schema = schema::schema();
        let mut shapes = Vec::new();
        for entry in schema["allOf"].as_array().unwrap() {
            let command = entry["if"]["properties"]["command"]["const"].as_str().unwrap();
            for shape in entry["then"]["anyOf"].as_array().unwrap() {
                let name = format!("{command}: {}", shape["allOf"][0]["$ref"].as_str().unwrap());
                let is_its_own = json!({ "properties": { "command": { "const": command } }, "allOf": [shape] });
                let mut one = is_its_own;
                one["$defs"] = schema["$defs"].clone();
                shapes.push((name, jsonschema::validator_for(&one).unwrap()));
            }
        }
        let schema = jsonschema::validator_for(&schema).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), schema, shapes, seen: BTreeSet::new() }
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// Runs a command, and holds each line that it prints against the schema.
    fn run(&mut self, exit: i32, args: &[&str]) {
        let output = in_folder(self.folder.path()).arg("--json").args(args).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let remarks = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {said}{remarks}");
        assert!(!said.is_empty(), "{args:?} printed nothing");
        for line in said.lines() {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{args:?}: {error}: {line}"));
            let wrong: Vec<String> = self.schema.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{args:?}: {wrong:#?}\n{line}");
            let fits = self.shapes.iter().filter(|(_, shape)| shape.is_valid(&value)).map(|(name, _)| name.clone());
            self.seen.extend(fits);
        }
    }
}

const TRUST: &str = "--trust-host-clock";

/// The commands for one token, and what they say where it is refused.
fn single(bench: &mut Bench) {
    bench.run(0, &["emulate", "--create", "--state", "one.json", "--drift", "-97.25"]);
    bench.run(0, &["emulate", "--create", "--state", "two.json", "--restricted"]);
    bench.write("seed", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    let one = ["--reader", "emulated:one.json"];
    let mut run = |exit: i32, args: &[&str]| bench.run(exit, &[&one[..], args].concat());
    run(0, &["info"]);
    run(0, &["sync", "--dry-run", TRUST]);
    run(0, &["sync", TRUST]);
    run(0, &["sync", "--if-drift-over", "10", TRUST]);
    run(0, &["config", "--step", "60", TRUST]);
    run(0, &["config", "--step", "60", "--dry-run", TRUST]);
    run(0, &["burn", "--seed-file", "seed", "--dry-run", TRUST]);
    run(0, &["burn", "--seed-file", "seed", "--no-verify", "--show-secrets", "--user", "ana@example.org", TRUST]);
    run(8, &["burn", "--seed-file", "seed", "--verify", "000000", TRUST]);
    run(8, &["verify", "000000", "--seed-file", "seed"]);
    run(0, &["info", "--precise"]);
    run(0, &["selftest", "--read-only", "--out", "read"]);
    run(2, &["selftest"]);
    bench.run(0, &["emulate", "--press", "--state", "one.json"]);
    bench.run(5, &["--reader", "emulated:two.json", "sync", TRUST]);
    let two = ["--reader", "emulated:two.json", "--expect-serial", "86596220000001"];
    bench.run(0, &[&two[..], &["selftest", "--erase", TRUST]].concat());
    bench.run(1, &["--reader", "emulated:three.json", "info"]);
    bench.run(2, &["info", "--nothing"]);
    bench.run(2, &["--time", "never"]);
    bench.run(8, &["verify", "000000", "--seed-file", "seed"]);
    bench.run(2, &["verify", "12", "--seed-file", "seed"]);
    bench.run(0, &["code", "--seed-file", "seed"]);
    bench.run(0, &["code", "--seed-file", "seed", "--counter", "7"]);
    // RFC 4226, appendix D: the codes of counters 3 and 4.
    bench.write("rfc", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    bench.run(0, &["verify", "--hotp", "969429", "338314", "--seed-file", "rfc"]);
    bench.run(8, &["verify", "--hotp", "000000", "000001", "--seed-file", "rfc"]);
    bench.run(2, &["burn", "--seed-file", "seed", "--hash", "sha7"]);
}

/// The devices with slots.
fn devices(bench: &mut Bench) {
    bench.run(0, &["emulate", "--create", "--family", "molto2", "--state", "molto.json"]);
    bench.run(0, &["emulate", "--create", "--family", "hotp-key", "--state", "key.json"]);
    bench.write("slot-seed", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXV");
    bench.write("key-seed", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXW");
    bench.write("accounts", "otpauth://totp/VPN?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXX\n");
    bench.write("own-key", "MyOwnKey-2026-01");
    bench.write("other-key", "another key");
    let molto = ["--reader", "emulated:molto.json"];
    let mut run = |exit: i32, args: &[&str]| bench.run(exit, &[&molto[..], args].concat());
    run(0, &["burn", "--slot", "3", "--title", "VPN", "--seed-file", "slot-seed", "--no-verify", TRUST]);
    run(0, &["batch", "accounts", "--slots", TRUST]);
    run(0, &["sync", TRUST]);
    run(0, &["info"]);
    run(0, &["slot", "clear", "--slot", "3", "--erase-seed", "--dry-run"]);
    run(0, &["slot", "title", "--slot", "3", "Mail"]);
    run(5, &["slot", "clear", "--slot", "3"]);
    run(0, &["slot", "clear", "--slot", "3", "--erase-seed"]);
    run(0, &["lock"]);
    run(0, &["unlock"]);
    for command in ["lock", "unlock"] {
        run(6, &[command, "--customer-key", "other-key", "--try-again"]);
    }
    run(10, &["customer-key", "set", "--new-key", "own-key", "--yes"]);
    run(0, &["customer-key", "check", "--customer-key", "own-key"]);
    run(6, &["customer-key", "check"]);
    run(2, &["factory-reset"]);
    run(0, &["factory-reset", "--erase-all"]);
    let key = ["--reader", "emulated:key.json"];
    let mut run = |exit: i32, args: &[&str]| bench.run(exit, &[&key[..], args].concat());
    run(0, &["burn", "--hotp", "--seed-file", "key-seed", "--no-verify"]);
    run(0, &["slot", "options", "--enter", "no"]);
    run(0, &["info"]);
}

/// Files of seeds, and the inventory.
fn kept(bench: &mut Bench) {
    let rows = "serial,secret,user\n86596120000101,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXA,eva@example.org\n\
                86596120000102,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXE,\n";
    bench.write("rows.csv", rows);
    bench.run(0, &["seeds", "check", "rows.csv"]);
    bench.run(0, &["seeds", "convert", "rows.csv", "--to", "duo=duo.csv", "--drop", "user"]);
    bench.run(0, &["seeds", "qr", "rows.csv", "--row", "1", "--png", "seed.png"]);
    bench.run(0, &["seeds", "generate", "--count", "2", "--to", "csv=new.csv"]);
    bench.run(2, &["seeds", "convert", "rows.csv", "--to", "duo=duo2.csv"]);
    bench.run(0, &["inventory", "tokens"]);
    bench.run(0, &["inventory", "events", "--limit", "2"]);
    bench.run(0, &["inventory", "show", "ana@example.org"]);
    bench.run(0, &["inventory", "forecast"]);
    bench.run(2, &["inventory", "show", "nobody@example.org"]);
    bench.run(0, &["inventory", "assign", "86596120000001", "eva@example.org", "--reassign"]);
    bench.write("owners.csv", "serial,user\n86596120000001,ana@example.org\n");
    bench.run(0, &["inventory", "assign", "--csv", "owners.csv", "--reassign"]);
    bench.run(0, &["inventory", "unassign", "86596120000001"]);
    bench.run(0, &["inventory", "check"]);
    bench.run(0, &["inventory", "backup", "backup.sqlite"]);
    bench.run(0, &["inventory", "forget", "86596120000001", "--yes"]);
    let identity = age::x25519::Identity::generate();
    bench.write("identity", age::secrecy::ExposeSecret::expose_secret(&identity.to_string()));
    bench.run(0, &["inventory", "init", "--recipient", &identity.to_public().to_string()]);
    bench.run(0, &["inventory", "import", "rows.csv"]);
    bench.run(0, &["inventory", "export", "--identity", "identity", "--to", "csv=all.csv"]);
    let molto = ["--reader", "emulated:molto.json"];
    bench.run(10, &[&["customer-key", "set", "--new-key", "own-key", "--yes"][..], &molto].concat());
    bench.run(0, &[&["customer-key", "check", "--identity", "identity"][..], &molto].concat());
    let serial = "826658719844499";
    bench.run(0, &["customer-key", "export", serial, "--identity", "identity", "--out", "exported-key"]);
}

/// Many tokens.
fn many(bench: &mut Bench) {
    fs::create_dir(bench.folder.path().join("tray")).unwrap();
    for number in 0..3 {
        let (serial, state) = (format!("8659612000010{number}"), format!("tray/{number}.json"));
        bench.run(0, &["emulate", "--create", "--serial", &serial, "--state", &state, "--drift", "50"]);
    }
    let tray = ["--reader", "emulated:tray"];
    bench.run(0, &[&tray[..], &["batch", "rows.csv", "--dry-run"]].concat());
    bench.run(0, &[&tray[..], &["batch", "rows.csv", TRUST]].concat());
    bench.run(0, &[&tray[..], &["batch", "rows.csv", TRUST]].concat());
    bench.run(0, &["inventory", "batches"]);
    bench.run(0, &["inventory", "batches", "--rows", "1"]);
    bench.run(10, &[&tray[..], &["desk", TRUST]].concat());
    bench.run(0, &[&tray[..], &["desk", "--assume-factory-profile", TRUST]].concat());
}

/// An inventory on a server.
#[cfg(all(feature = "postgres", target_os = "linux"))]
fn served(bench: &mut Bench) {
    let server = crate::store::server::shared();
    let (address, by) =
        (format!("postgres://127.0.0.1:{}/schema", server.port), server.address("postgres", "postgres"));
    bench.run(0, &["inventory", "serve-init", &address, "--by", &by, "--desk", "schema_front", "--out", "desks"]);
    let owner = server.address("postgres", "schema");
    bench.run(0, &["inventory", "join", "desks/schema_front.join"]);
    bench.run(0, &["inventory", "join", "--leave"]);
    bench.run(0, &["inventory", "init", "--inventory", "new.sqlite"]);
    bench.run(0, &["inventory", "copy", "new.sqlite", &owner]);
    bench.run(0, &["--inventory", &owner, "inventory", "desks"]);
    bench.run(0, &["--inventory", &owner, "inventory", "prune", "--events-before", "1y", "--yes"]);
}

/// An authentication server; whether one is installed.
#[cfg(all(feature = "servers", target_os = "linux"))]
fn handed(bench: &mut Bench) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = crate::privacyidea::Server::start(folder.path()) else { return false };
    bench.write("password", crate::privacyidea::PASSWORD_THERE);
    let url = format!("http://127.0.0.1:{}", server.port);
    let add = ["server", "add", "pi", "--kind", "privacyidea", "--url", &url, "--account", crate::privacyidea::ADMIN];
    bench.run(0, &[&add[..], &["--credential-file", "password"]].concat());
    let opens = ["--identity", "identity"];
    bench.run(0, &["server", "list"]);
    bench.run(0, &["server", "confirm", "pi"]);
    bench.run(0, &["server", "mended", "pi", "86596120000101"]);
    bench.run(0, &[&["server", "check", "pi"], &opens[..]].concat());
    bench.run(2, &["server", "check", "nothing"]);
    bench.run(2, &["hand-over", "pi"]);
    let over = ["hand-over", "pi", "--batch", "1", "--unassigned"];
    bench.run(0, &[&over[..], &["--dry-run"], &opens].concat());
    bench.run(0, &[&over[..], &opens].concat());
    bench.run(8, &[&["server", "compare", "pi"], &opens[..]].concat());
    bench.run(0, &[&["server", "pull", "pi"], &opens[..]].concat());
    bench.run(8, &[&["server", "resync", "pi", "86596120000101", "000000", "000001"], &opens[..]].concat());
    bench.run(0, &["inventory", "show", "86596120000101"]);
    bench.run(0, &["server", "remove", "pi"]);
    true
}

#[cfg(not(all(feature = "servers", target_os = "linux")))]
fn handed(_: &mut Bench) -> bool {
    false
}

#[test]
fn whatever_a_command_prints_fits_the_schema_and_every_shape_is_printed_by_one() {
    let mut bench = Bench::new();
    single(&mut bench);
    devices(&mut bench);
    kept(&mut bench);
    many(&mut bench);
    #[cfg(all(feature = "postgres", target_os = "linux"))]
    served(&mut bench);
    let has_servers = handed(&mut bench);
    bench.run(2, &["nothing"]);
    let has_reader = in_folder(bench.folder.path()).args(["--json", "readers"]).output().unwrap();
    assert!(!has_reader.stdout.is_empty());
    bench.run(has_reader.status.code().unwrap(), &["readers"]);
    let doctor = in_folder(bench.folder.path()).args(["--json", "doctor"]).output().unwrap();
    bench.run(doctor.status.code().unwrap(), &["doctor"]);
    let shapes: BTreeSet<String> = bench.shapes.iter().map(|(name, _)| name.clone()).collect();
    // What needs a reader of its own is tried where there is one (tests/suite/stack), and what cannot fail does not.
    let needs_server = ["CopyReport", "DesksReport", "JoinReport", "PruneReport", "ServeInitReport"];
    let has_server = cfg!(all(feature = "postgres", target_os = "linux"));
    let is_elsewhere = |name: &&String| {
        name.contains("ReadersReport")
            || (!has_servers && (name.starts_with("server:") || name.starts_with("hand-over:")))
            || (!has_server && needs_server.iter().any(|shape| name.contains(shape)))
            || name.contains("ReaderEvent")
            || (name.contains("FailureReport")
                && ["readers", "config", "code", "batch", "desk", "doctor", "emulate", "man", "completions"]
                    .iter()
                    .any(|command| name.starts_with(&format!("{command}:"))))
    };
    let missing: Vec<&String> = shapes.difference(&bench.seen).filter(|name| !is_elsewhere(name)).collect();
    assert!(missing.is_empty(), "never printed: {missing:#?}");
}

/// Every name that the schema has, wherever it stands.
fn names(schema: &Value, found: &mut std::collections::BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            let properties = object.get("properties").and_then(Value::as_object);
            found.extend(properties.into_iter().flat_map(|properties| properties.keys().cloned()));
            object.values().for_each(|value| names(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

#[test]
fn every_field_of_the_schema_is_named_in_docs_json_md() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/json.md")).unwrap();
    let schema = serde_json::from_str(&std::fs::read_to_string(root.join("docs/schema.json")).unwrap()).unwrap();
    let mut found = std::collections::BTreeSet::new();
    names(&schema, &mut found);
    assert!(found.len() > 150, "{found:?}");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: std::collections::HashSet<&str> = page.split(|c| !is_word(c)).collect();
    let missing: Vec<&String> = found.iter().filter(|name| !words.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
