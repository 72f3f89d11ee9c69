//! No flag is taken where it does nothing: who types it believes that it does something.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::support::{run_in, text, tokentap};

/// The flags that the help of every command shows, and the commands that have a use for each.
const GLOBAL: &[(&str, &[&str])] = &[
    ("--reader", &["info", "sync", "burn", "config", "verify", "code", "batch", "desk"]),
    ("--inventory", &["info", "sync", "burn", "config", "verify", "code", "batch", "desk", "inventory"]),
    ("--db-ca", &["info", "sync", "burn", "config", "verify", "code", "batch", "desk", "inventory"]),
    ("--db-plaintext", &["info", "sync", "burn", "config", "verify", "code", "batch", "desk", "inventory"]),
    ("--expect-serial", &["info", "sync", "burn", "config", "verify", "code"]),
    (
        "--json",
        &[
            "readers",
            "info",
            "sync",
            "burn",
            "config",
            "verify",
            "code",
            "batch",
            "desk",
            "seeds",
            "inventory",
            "doctor",
            "emulate",
        ],
    ),
    ("--wait", &["info", "sync", "burn", "config", "verify", "code", "batch", "desk"]),
    ("--dry-run", &["sync", "burn", "config", "batch"]),
    ("--verbose", &["info", "sync", "burn", "config", "verify", "code"]),
    (
        "--remark",
        &["info", "sync", "burn", "config", "verify", "batch", "desk", "inventory assign", "inventory forget"],
    ),
    ("--trace", &["info", "sync", "burn", "config", "verify", "code"]),
];

/// A complete command of each kind, to which a flag is added.
const COMMANDS: &[&[&str]] = &[
    &["readers"],
    &["info"],
    &["sync"],
    &["burn", "--no-verify", "--seed-file", "seed"],
    &["config", "--step", "30"],
    &["verify", "123456", "--seed-file", "seed"],
    &["code", "--seed-file", "seed"],
    &["batch", "rows.csv"],
    &["desk"],
    &["doctor"],
    &["emulate"],
    &["completions", "bash"],
    &["man"],
    &["seeds", "check", "rows.csv"],
    &["seeds", "convert", "rows.csv", "--to", "duo=out.csv"],
    &["seeds", "generate", "--count", "1", "--to", "csv=new.csv"],
    &["seeds", "qr", "rows.csv", "--png", "code.png"],
    &["inventory", "tokens"],
    &["inventory", "events"],
    &["inventory", "batches"],
    &["inventory", "show", "86596120000001"],
    &["inventory", "assign", "86596120000001", "ada@example.org"],
    &["inventory", "forget", "86596120000001"],
    &["inventory", "check"],
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let rows = "serial,secret,upn\n86596120000001,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,ada@example.org\n";
    fs::write(folder.path().join("rows.csv"), rows).unwrap();
    fs::write(folder.path().join("duo.csv"), "86596120000001,3132333435363738393031323334353637383930\n").unwrap();
    fs::write(folder.path().join("key"), "000102030405060708090a0b0c0d0e0f").unwrap();
    fs::write(folder.path().join("users"), "ada@example.org\n").unwrap();
    let made = tokentap().current_dir(folder.path()).args(["emulate", "--create", "--state", "token.json"]).status();
    assert!(made.unwrap().success());
    folder
}

/// A value for a flag that needs one.
fn with_value(flag: &str) -> Vec<String> {
    let value = match flag {
        "--reader" => Some("emulated:token.json"),
        "--inventory" => Some("other.sqlite"),
        "--db-ca" => Some("ca.pem"),
        "--expect-serial" => Some("86596120000001"),
        "--wait" => Some("1"),
        "--remark" => Some("INC-1"),
        _ => None,
    };
    [flag].into_iter().chain(value).map(str::to_owned).collect()
}

#[test]
fn a_flag_of_every_command_is_refused_by_those_that_have_no_use_for_it() {
    let folder = folder();
    let mut refused = 0;
    for (flag, users) in GLOBAL {
        let has_use = |command: &&&[&str]| {
            users.contains(&command[0])
                || command.get(1).is_some_and(|sub| users.contains(&&*format!("{} {sub}", command[0])))
        };
        for command in COMMANDS.iter().filter(|command| !has_use(command)) {
            let flag_words = with_value(flag);
            let args: Vec<&str> = command.iter().copied().chain(flag_words.iter().map(String::as_str)).collect();
            let (exit, said) = run_in(folder.path(), &args);
            assert_eq!(exit, 2, "{args:?}: {said}");
            assert!(said.contains(flag), "{args:?}: {said}");
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
    // A new flag needs a place in the table.
    let (_, help) = run_in(folder.path(), &["readers", "--help"]);
    let named: BTreeSet<String> = help
        .split_whitespace()
        .filter(|word| word.starts_with("--"))
        .map(|word| word.trim_end_matches(',').to_owned())
        .collect();
    let known: BTreeSet<String> =
        GLOBAL.iter().map(|(flag, _)| (*flag).to_owned()).chain(["--help".to_owned()]).collect();
    assert_eq!(named, known);
}

#[test]
fn what_the_environment_says_is_for_the_commands_that_have_a_use_for_it() {
    let folder = folder();
    let mut command = tokentap();
    command.current_dir(folder.path()).env("TOKENTAP_READER", "emulated:token.json").env("TOKENTAP_WAIT", "5");
    let output = command.args(["seeds", "check", "rows.csv"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

/// Flags that would do nothing beside what else is typed.
const IN_VAIN: &[(&[&str], &str)] = &[
    (&["sync", "--from", "csv"], "--from"),
    (&["sync", "--columns", "serial,secret"], "--columns"),
    (&["sync", "--row", "1"], "--row"),
    (&["sync", "--user", "ada"], "--user"),
    (&["sync", "--pskc-key", "key"], "--pskc-key"),
    (&["sync", "--secret-encoding", "hex"], "--secret-encoding"),
    (&["sync", "--allow-shared-secret"], "--allow-shared-secret"),
    (&["sync", "--allow-short-seed"], "--allow-short-seed"),
    (&["sync", "--allow-other-time"], "--allow-other-time"),
    (&["--time", "0", "--allow-other-time"], "--allow-other-time"),
    (&["sync", "--max-host-error", "1"], "--ntp"),
    (&["sync", "--ntp-check"], "--ntp"),
    (&["sync", "--allow-large-correction"], "--ntp"),
    (&["sync", "--strict-clock", "--trust-host-clock"], "--strict-clock"),
    (&["sync", "--strict-clock", "--ntp", "127.0.0.1:1"], "--strict-clock"),
    (&["sync", "--erase-seed", "--seed-file", "seed"], "--erase-seed"),
    (&["sync", "--identity", "key", "--seed-file", "seed"], "--identity"),
    (&["sync", "--row", "1", "--seed-file", "seed"], "--row"),
    (&["sync", "--pskc-key", "key", "--seed-file", "rows.csv"], "--pskc-key"),
    (&["sync", "--columns", "serial,secret", "--seed-file", "duo.csv", "--from", "duo"], "--columns"),
    (&["config", "--step", "30", "--allow-short-seed"], "--allow-short-seed"),
    (&["config", "--step", "30", "--row", "1"], "--row"),
    (&["burn", "--generate", "--out", "o.csv", "--from", "csv"], "--from"),
    (&["burn", "--generate", "--out", "o.csv", "--row", "1"], "--row"),
    (&["burn", "--generate", "--out", "o.csv", "--allow-short-seed"], "--allow-short-seed"),
    (&["burn", "--seed-file", "seed", "--out", "o.csv"], "--out"),
    (&["burn", "--seed-file", "seed", "--seed-only", "--precise"], "--precise"),
    (&["burn", "--seed-file", "seed", "--seed-only", "--allow-other-time"], "--allow-other-time"),
    (&["verify", "123456", "--hotp", "--step", "30", "--seed-file", "seed"], "--step"),
    (&["verify", "123456", "--hotp", "--window", "30", "--seed-file", "seed"], "--window"),
    (&["verify", "123456", "--counter", "3", "--seed-file", "seed"], "--hotp"),
    (&["code", "--counter", "3", "--step", "30", "--seed-file", "seed"], "--step"),
    (&["batch", "rows.csv", "--drop", "user"], "--to"),
    (&["seeds", "convert", "rows.csv", "--to", "duo=o.csv", "--drop", "hash"], "--drop"),
    (&["seeds", "convert", "rows.csv", "--to", "pingid=o.csv", "--drop", "digits"], "--drop"),
    (&["seeds", "convert", "rows.csv", "--to", "duo=o.csv", "--drop", "counter"], "--drop"),
    (&["seeds", "check", "rows.csv", "--drop", "user"], "--for"),
    (&["seeds", "check", "rows.csv", "--for", "duo", "--drop", "hash"], "--drop"),
    (&["seeds", "check", "rows.csv", "--for", "csv", "--drop", "user"], "--drop user"),
    (&["batch", "rows.csv", "--force"], "--to"),
    (&["batch", "rows.csv", "--bytes", "20"], "--bytes"),
    (&["batch", "rows.csv", "--to", "duo=o.csv", "--to-pskc-key", "key"], "--to-pskc-key"),
    (&["batch", "rows.csv", "--to", "duo=o.csv", "--drop", "user", "--entra-timeinterval"], "--entra-timeinterval"),
    (&["batch", "rows.csv", "--to", "csv=o.csv", "--drop", "user"], "--drop user"),
    (&["batch", "--generate", "1", "--to", "csv=o.csv", "--from", "csv"], "--from"),
    (&["batch", "--generate", "1", "--to", "csv=o.csv", "--allow-short-seed"], "--allow-short-seed"),
    (&["desk", "--allow-unknown-model"], "--allow-unknown-model"),
    (&["desk", "--no-auto-sync", "--assume-factory-profile"], "--no-auto-sync"),
    (&["desk", "--no-auto-sync", "--hash", "sha256"], "--no-auto-sync"),
    (&["desk", "--no-auto-sync", "--token-key", "key"], "--no-auto-sync"),
    (&["burn", "--generate", "--identity", "key"], "--identity"),
    (&["batch", "list.csv", "--to", "csv=out.csv", "--identity", "key"], "--identity"),
    (&["desk", "--no-auto-sync", "--identity", "key"], "--identity"),
    (&["desk", "--ask-code"], "--identity"),
    (&["seeds", "check", "rows.csv", "--hotp"], "--hotp"),
    (&["seeds", "check", "rows.csv", "--file-password", "key"], "--file-password"),
    (&["seeds", "convert", "rows.csv", "--to", "csv=o.csv", "--drop", "user"], "--drop user"),
    (&["seeds", "convert", "rows.csv", "--to", "csv=o.csv", "--to-pskc-key", "key"], "--to-pskc-key"),
    (&["seeds", "generate", "--count", "1", "--to", "csv", "--json"], "--json"),
    (&["seeds", "qr", "rows.csv", "--json"], "--json"),
    (&["emulate", "--state", "token.json", "--drift", "3"], "--drift"),
    (&["emulate", "--state", "token.json", "--press", "--drift", "3"], "--press"),
    (&["emulate", "--state", "t2.json", "--create", "--latency", "3"], "--latency"),
    (&["inventory", "batches", "--state", "burned"], "--rows"),
    (&["inventory", "batches", "--rows", "1", "--since", "1d"], "--since"),
];

#[test]
fn a_flag_that_does_nothing_beside_the_others_is_refused_by_name() {
    let folder = folder();
    let mut wrong = BTreeMap::new();
    for (args, named) in IN_VAIN {
        let needs_reader = matches!(args[0], "sync" | "config" | "burn" | "batch" | "desk" | "--time");
        let reader: &[&str] = match (needs_reader, args[0]) {
            (false, _) => &[],
            (true, "batch" | "desk") => &["--reader", "emulated:token.json"],
            _ => &["--reader", "emulated:token.json"],
        };
        let before = fs::read_to_string(folder.path().join("token.json")).unwrap();
        let (exit, said) = run_in(folder.path(), &[args, reader].concat());
        let is_untouched = fs::read_to_string(folder.path().join("token.json")).unwrap() == before;
        if exit != 2 || !said.contains(named) || !is_untouched {
            wrong.insert(args.join(" "), format!("{exit}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_one_server_cannot_take_is_kept_for_the_other() {
    let folder = folder();
    let to = ["--to", "privacyidea=p.csv", "--to", "pskc=k.xml", "--drop", "user"];
    let (exit, said) = run_in(folder.path(), &[&["seeds", "convert", "rows.csv"], &to[..]].concat());
    assert_eq!(exit, 0, "{said}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(!read("p.csv").contains("ada@example.org"), "{}", read("p.csv"));
    assert!(read("k.xml").contains("ada@example.org"), "{}", read("k.xml"));
}
