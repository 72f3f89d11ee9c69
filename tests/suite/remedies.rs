//! Every remedy works when it is typed: the commands and flags that messages name are ones that the program has, and where an
//! emulated token can show the trouble, what the message says is done, and ends it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{run_in, text, tokentap};

/// All text between quotes in a source file, up to its tests; continued lines are one.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let (mut found, mut rest) = (Vec::new(), source.chars().peekable());
    let mut previous = ' ';
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => while rest.next().is_some_and(|c| c != '\n') {},
            // A character in quotes of its own, such as '"'.
            '\'' if rest.peek() == Some(&'"') => {
                rest.next();
                rest.next();
            }
            '"' if previous != '\\' => {
                let mut literal = String::new();
                while let Some(c) = rest.next() {
                    match c {
                        '"' => break,
                        '\\' => match rest.next() {
                            Some('\n') => while rest.next_if(|c| c.is_whitespace()).is_some() {},
                            Some('n') => literal.push('\n'),
                            Some(escaped) => literal.push(escaped),
                            None => {}
                        },
                        c => literal.push(c),
                    }
                }
                found.push(literal);
            }
            _ => {}
        }
        previous = c;
    }
    found
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else {
            found.push(entry);
        }
    }
}

fn all_literals() -> Vec<String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    files.iter().flat_map(|file| literals(&fs::read_to_string(file).unwrap())).collect()
}

pub const COMMANDS: &[&str] = &[
    "readers",
    "info",
    "sync",
    "burn",
    "config",
    "slot",
    "lock",
    "unlock",
    "customer-key",
    "factory-reset",
    "verify",
    "code",
    "batch",
    "desk",
    "web",
    "seeds",
    "inventory",
    "server",
    "hand-over",
    "doctor",
    "selftest",
    "emulate",
    "completions",
    "man",
];

/// The groups' commands.
const BELOW: &[&str] = &[
    "clear",
    "title",
    "options",
    "set",
    "check",
    "convert",
    "generate",
    "qr",
    "tokens",
    "events",
    "forecast",
    "batches",
    "show",
    "export",
    "import",
    "assign",
    "unassign",
    "forget",
    "backup",
    "init",
    "serve-init",
    "join",
    "desks",
    "copy",
    "prune",
    "add",
    "list",
    "remove",
    "resync",
    "pull",
    "compare",
];

/// The words of the command that a sentence names after "tokentap", with something in the place of what stands for a value.
fn command(after: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for word in after.split_whitespace() {
        let bare = word.trim_end_matches([',', ';', '.', ')', ':', '`']).trim_start_matches('(');
        let is_last = bare.len() < word.len();
        let value = match bare {
            "FILE" | "<FILE>" => "file",
            "HASH" => "sha256",
            "SERIAL" | "<SERIAL>" => "86596120001234",
            "SECONDS" => "5",
            "2y" => "2026-11-23",
            "30d" => "31d",
            "N" => "1",
            "USER" => "ana@example.org",
            "FOLDER" | "NAME" => "name",
            "age1…" => "age1recipient",
            bare if bare.starts_with("https://") => "https://api.example.org",
            bare if bare.starts_with('{') => "1",
            bare if bare.contains('.') && bare.parse::<f64>().is_err() => "file",
            bare => bare,
        };
        let fits = match words.len() {
            0 => COMMANDS.contains(&bare),
            1 if matches!(words[0], "seeds" | "inventory" | "server" | "slot" | "customer-key") => {
                BELOW.contains(&bare)
            }
            _ => {
                bare.starts_with("--")
                    || value != bare
                    || bare.parse::<f64>().is_ok()
                    || bare.starts_with("sha")
                    || bare.contains('=')
                    || matches!(bare, "user" | "duo" | "csv" | "yes" | "no")
            }
        };
        if !fits {
            break;
        }
        words.push(value);
        if is_last {
            break;
        }
    }
    (!words.is_empty()).then(|| words.into_iter().map(str::to_owned).collect())
}

#[test]
fn every_command_in_a_message_is_one_that_the_program_takes() {
    let mut seen = BTreeSet::new();
    for literal in all_literals() {
        for (at, name) in literal.match_indices("tokentap ") {
            seen.extend(command(&literal[at + name.len()..]));
        }
    }
    assert!(seen.len() >= 25, "{seen:?}");
    for words in seen {
        let output = tokentap().args(&words).arg("--help").output().unwrap();
        assert!(output.status.success(), "tokentap {}, {}: {}", words.join(" "), output.status, text(&output));
    }
}

#[test]
fn every_flag_in_a_message_is_one_that_the_program_has() {
    let mut known: BTreeSet<String> = ["--version", "--help"].map(str::to_owned).into();
    let mut pages: Vec<Vec<&str>> = COMMANDS.iter().map(|command| vec![*command]).collect();
    pages.extend(BELOW.iter().flat_map(|below| {
        [
            vec!["seeds", below],
            vec!["inventory", below],
            vec!["server", below],
            vec!["slot", below],
            vec!["customer-key", below],
        ]
    }));
    for page in pages {
        let help = text(&tokentap().args(page).arg("--help").output().unwrap());
        known.extend(flags(&help));
    }
    // Of other programs, which messages name too, and of this one when it calls itself.
    let others = [
        "--now",
        "--kill",
        "--modversion",
        "--foreground",
        "--decrypt",
        "--incognito",
        "--inprivate",
        "--edge-kiosk-type",
        "--user-data-dir",
        "--no-first-run",
        "--no-default-browser-check",
    ]
    .map(str::to_owned);
    let mut unknown = BTreeSet::new();
    for literal in all_literals() {
        unknown.extend(flags(&literal).into_iter().filter(|flag| !known.contains(flag) && !others.contains(flag)));
    }
    assert_eq!(unknown, BTreeSet::new());
    assert!(known.len() > 80, "{}", known.len());
}

/// The long flags in a text.
pub fn flags(text: &str) -> Vec<String> {
    let is_of_flag = |c: char| c.is_ascii_lowercase() || c == '-';
    text.split(|c: char| !is_of_flag(c))
        .filter(|word| word.starts_with("--") && word.len() > 4 && !word.trim_matches('-').is_empty())
        .map(|word| word.trim_end_matches('-').to_owned())
        .collect()
}

/// A folder with what the commands below need.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let write = |name: &str, content: &str| fs::write(place.0.path().join(name), content).unwrap();
        write("seed", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
        write("other", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        write("short", "GEZDGNBVGY3TQOJQ");
        write("either", "ABCDEF2345672345ABCDEF2345672345");
        write("sha256", "otpauth://totp/t?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA256");
        write("own.key", "000102030405060708090a0b0c0d0e0f");
        write(
            "rows.csv",
            "serial,secret,upn\n1,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,ana\n2,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,eva\n",
        );
        write("there.csv", "serial,secret\n");
        for (name, more) in [
            ("keeps", &["--serial", "86596120000001"][..]),
            ("second", &["--serial", "86596120000002"]),
            ("erases", &["--serial", "86596220000001"]),
            ("unknown", &["--serial", "99999990000001"]),
            ("keyed", &["--serial", "86596120000003", "--token-key", "own.key"]),
        ] {
            let state = format!("{name}.json");
            assert_eq!(place.run(&[&["emulate", "--create", "--state", &state], more].concat()).0, 0);
        }
        place
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        run_in(self.0.path(), args)
    }
}

/// Commands that come first, the one that fails and its exit code, and what its message names that is added to it.
type Trouble = (&'static [&'static [&'static str]], &'static [&'static str], i32, &'static [&'static str]);

const TROUBLES: &[Trouble] = &[
    (&[], &["sync", "--reader", "emulated:erases.json"], 5, &["--seed-file", "seed"]),
    (&[], &["sync", "--reader", "emulated:erases.json"], 5, &["--erase-seed"]),
    (&[], &["config", "--step", "60", "--reader", "emulated:erases.json"], 5, &["--seed-file", "seed"]),
    (
        &[],
        &["burn", "--no-verify", "--seed-file", "seed", "--reader", "emulated:unknown.json"],
        5,
        &["--allow-unknown-model"],
    ),
    (
        &[&["burn", "--no-verify", "--seed-file", "seed", "--reader", "emulated:keeps.json"]],
        &["burn", "--no-verify", "--seed-file", "other", "--reader", "emulated:keeps.json"],
        5,
        &["--replace-seed"],
    ),
    (
        &[&["burn", "--no-verify", "--seed-file", "seed", "--reader", "emulated:keeps.json"]],
        &["burn", "--no-verify", "--seed-file", "seed", "--reader", "emulated:second.json"],
        5,
        &["--allow-shared-secret"],
    ),
    (
        &[&["burn", "--no-verify", "--seed-file", "seed", "--reader", "emulated:keeps.json"]],
        &["burn", "--no-verify", "--seed-file", "sha256", "--reader", "emulated:keeps.json"],
        5,
        // It states the other hash: with the record's profile, that must be the seed file's to correct.
        &["--seed-file"],
    ),
    (
        &[],
        &["burn", "--no-verify", "--seed-file", "short", "--reader", "emulated:keeps.json"],
        2,
        &["--allow-short-seed"],
    ),
    (
        &[],
        &["burn", "--no-verify", "--seed-file", "either", "--reader", "emulated:keeps.json"],
        2,
        &["--secret-encoding", "base32"],
    ),
    (&[], &["sync", "--reader", "emulated:keyed.json"], 6, &["--token-key", "own.key"]),
    (
        &[&["sync", "--reader", "emulated:keyed.json"]],
        &["sync", "--reader", "emulated:keyed.json"],
        6,
        &["--token-key", "own.key"],
    ),
    (&[], &["sync", "--time", "1700000000", "--reader", "emulated:keeps.json"], 2, &["--allow-other-time"]),
    (&[], &["code", "--seed-file", "rows.csv"], 3, &["--row", "1"]),
    (&[], &["seeds", "convert", "rows.csv", "--to", "csv=there.csv"], 1, &["--force"]),
    (&[], &["seeds", "convert", "rows.csv", "--to", "duo=new.csv"], 2, &["--drop", "user"]),
    (&[], &["inventory", "assign", "86596120000001", "ana"], 1, &[]),
    (
        &[&["info", "--reader", "emulated:keeps.json"]],
        &["inventory", "assign", "86596120000009", "ana"],
        2,
        &["--unseen"],
    ),
    (
        &[&["info", "--reader", "emulated:keeps.json"], &["inventory", "assign", "86596120000001", "ana"]],
        &["inventory", "assign", "86596120000001", "eva"],
        2,
        &["--reassign"],
    ),
    (
        &[&["burn", "--no-verify", "--seed-file", "seed", "--reader", "emulated:keeps.json"]],
        &["inventory", "forget", "86596120000001"],
        2,
        &["--yes"],
    ),
];

#[test]
fn what_a_message_says_is_done_next_ends_the_trouble() {
    for (before, failing, exit, remedy) in TROUBLES {
        let place = Place::new();
        let with_trust = |args: &[&'static str]| -> Vec<&'static str> {
            let writes = matches!(args[0], "sync" | "burn" | "config");
            args.iter().copied().chain(writes.then_some("--trust-host-clock")).collect()
        };
        for args in *before {
            let (_, said) = place.run(&with_trust(args));
            assert!(!said.contains("panicked"), "{args:?}: {said}");
        }
        let failing = with_trust(failing);
        let (failed, said) = place.run(&failing);
        assert_eq!(failed, *exit, "{failing:?}: {said}");
        let Some(flag) = remedy.first().filter(|_| remedy.len() != 1 || remedy[0] != "--seed-file") else { continue };
        // With a service that has no reader, the file of many rows cannot ask the token; a row is named instead.
        assert!(said.contains(flag) || *exit == 3, "{failing:?} does not name {flag}: {said}");
        let (ended, said) = place.run(&[&failing[..], remedy].concat());
        assert_eq!(ended, 0, "{failing:?} with {remedy:?}: {said}");
    }
}

#[test]
fn the_profile_that_a_mismatch_names_is_taken_as_it_is_named() {
    let place = Place::new();
    let reader = ["--reader", "emulated:keeps.json", "--trust-host-clock"];
    let burn = |more: &[&str]| place.run(&[&["burn", "--no-verify"], more, &reader].concat());
    assert_eq!(burn(&["--seed-file", "sha256"]).0, 0);
    // The same secret, whose file states SHA-1 by now.
    fs::write(place.0.path().join("sha1"), "otpauth://totp/t?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1")
        .unwrap();
    let (exit, said) = burn(&["--seed-file", "sha1"]);
    assert!(exit == 5 && said.contains("--hash sha256 --step 30"), "{said}");
    assert_eq!(burn(&["--seed-file", "seed", "--hash", "sha256", "--step", "30"]).0, 0);
    let state: Value = serde_json::from_str(&fs::read_to_string(place.0.path().join("keeps.json")).unwrap()).unwrap();
    assert_eq!(state["sha256"], true);
}
