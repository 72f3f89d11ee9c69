//! The documents hold: their commands run as they stand, their tests and libraries exist, and help fits a screen.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokentap::job::Kind;

use crate::support::{text, tokentap};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and all pages in docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root().join(name)));
    pages.sort();
    pages
}

/// The commands of a page that begin like this: those of its blocks in their order, then those within its lines.
pub fn commands(page: &str, program: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut prose = String::new();
    for (number, part) in page.split("```").enumerate() {
        if number % 2 == 1 { blocks.extend(part.lines().skip(1)) } else { prose.push_str(part) }
    }
    let commands = blocks.into_iter().map(|line| line.strip_prefix("$ ").unwrap_or(line).trim().to_owned());
    let inline = prose.split('`').skip(1).step_by(2).map(|code| code.split_whitespace().collect::<Vec<_>>().join(" "));
    commands.chain(inline).filter(|command| command.starts_with(program)).collect()
}

/// Commands that end otherwise than with 0 in the world of this test, and why.
const OTHER_ENDS: [(&str, i32, &str); 19] = [
    (
        "tokentap burn --seed-file seeds.csv",
        5,
        "the token has the seed of an earlier example, and nobody is asked here",
    ),
    (
        "tokentap burn --generate --out FILE.csv",
        5,
        "the token has the seed of an earlier step, and nobody is asked here",
    ),
    ("tokentap batch seeds.csv --to duo=for-duo.csv", 10, "200 rows, and one token at hand"),
    ("tokentap batch --generate 50 --users users.txt --to entra=entra.csv", 10, "50 rows, and one token at hand"),
    ("tokentap verify 123456 --seed-file FILE", 8, "the code is not on the display"),
    ("tokentap verify 123456 654321 --seed-file FILE", 8, "the codes are not on the display"),
    ("tokentap verify --hotp 123456 654321 --seed-file FILE", 8, "the codes are of no counter"),
    ("tokentap verify 123456 --slot 3 --seed-file seed.txt", 8, "the code is not on the display"),
    ("tokentap slot clear --slot 3", 5, "nobody is asked here"),
    ("tokentap slot clear --hotp", 5, "nobody is asked here"),
    ("tokentap customer-key set --new-key key.txt", 2, "nobody is asked here"),
    ("tokentap customer-key check --customer-key key.txt", 6, "it was not set, because nobody was asked"),
    ("tokentap customer-key check --identity identity.age", 5, "none is kept, because nobody was asked"),
    (
        "tokentap customer-key export 826658719844499 --identity identity.age --out key.txt",
        2,
        "none is kept, because nobody was asked",
    ),
    ("tokentap factory-reset", 2, "nobody is asked here"),
    ("tokentap batch", 2, "the command's name alone"),
    ("tokentap selftest", 2, "nobody is asked here"),
    ("tokentap doctor", 3, "no PC/SC service runs here"),
    ("tokentap readers", 3, "no PC/SC service runs here"),
];

/// Commands that are run elsewhere: they take pcscd's virtual reader, as every test in `stack` does, or run until they are told to end.
const ELSEWHERE: [&str; 3] = ["tokentap emulate --drift -97.25", "tokentap emulate", "tokentap web"];

/// The emulated devices that are plugged in where the documents' commands run.
const MOLTO: &str = "molto-on-usb.json";
const KEY: &str = "key-on-usb.json";

/// A folder with everything that the documents' commands take for granted.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), content).unwrap();
    let serial = "86596120001000";
    write("tokens.csv", "serial,secret,user\n86596120001000,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,ada@example.org\n");
    write("users.txt", &(1..=50).map(|user| format!("user{user}@example.org\n")).collect::<String>());
    write("FILE", "serial,secret\n86596120001000,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ\n");
    write("seed.txt", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXR");
    write("hotp-seed.txt", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXS");
    write("key.txt", "MyOwnKey-2026-01\n");
    let account =
        |name: &str, last: char| format!("otpauth://totp/{name}?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX{last}\n");
    write("accounts.txt", &(account("VPN", 'T') + &account("Payroll", 'U')));
    for (family, file) in [("molto2", MOLTO), ("hotp-key", KEY)] {
        let args = ["emulate", "--create", "--family", family, "--state", file];
        assert!(tokentap().current_dir(folder.path()).args(args).status().unwrap().success());
    }
    fs::create_dir(folder.path().join("tokens")).unwrap();
    let args = ["emulate", "--create", "--serial", serial, "--state", "on-the-reader.json", "--drift", "-97.25"];
    assert!(tokentap().current_dir(folder.path()).args(args).status().unwrap().success());
    // Somebody has stated its profile once; its clock is as slow as before.
    let args =
        ["--reader", "emulated:on-the-reader.json", "config", "--hash", "sha1", "--step", "30", "--no-auto-sync"];
    let mut config = tokentap();
    config.current_dir(folder.path()).env("TOKENTAP_INVENTORY", folder.path().join("inventory.sqlite"));
    assert!(config.args(args).status().unwrap().success());
    folder
}

fn run(folder: &Path, command: &str) -> (Option<i32>, String) {
    // SERIAL stands for the token on the reader, as do the serials of the examples.
    let line = command.replace("SERIAL", "86596120001000").replace("86596120001234", "86596120001000");
    // Whether anything keeps this machine's clock synchronised is nobody's promise; a run of many tokens wants to know.
    let is_run = line.split_whitespace().any(|word| matches!(word, "batch" | "desk")) && !line.contains("-h");
    let line = if is_run { format!("{line} --trust-host-clock") } else { line };
    let asks = line.contains("identity.age") || line.contains("--passphrase");
    let program = env!("CARGO_BIN_EXE_tokentap");
    let line = line.replace("--reader molto", &format!("--reader emulated:{MOLTO}"));
    let line = line.replace("--reader fido", &format!("--reader emulated:{KEY}"));
    let line = line.replacen("tokentap", program, 1);
    let mut shell = if asks {
        // A terminal, for the passphrase.
        let mut shell = Command::new("timeout");
        shell.args(["60", "script", "--quiet", "--return", "--command", &line, "/dev/null"]);
        shell
    } else {
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]);
        shell
    };
    shell.current_dir(folder).env("TZ", "UTC").env("TOKENTAP_INVENTORY", folder.join("inventory.sqlite"));
    let of_key = line.contains("--hotp") || line.contains("slot options");
    let of_molto = ["--slot", "slot title", " lock", "unlock", "customer-key", "factory-reset"];
    let plugged_in = match () {
        () if of_key => KEY,
        () if of_molto.iter().any(|word| line.contains(word)) => MOLTO,
        () => "on-the-reader.json",
    };
    shell.env("TOKENTAP_READER", format!("emulated:{plugged_in}"));
    // No PC/SC service is found, whatever runs on this machine.
    shell.env("PCSCLITE_CSOCK_NAME", folder.join("no-service"));
    let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // A new passphrase is typed twice; Enter skips what else may be asked, such as the code on the display.
    let passphrase = "correct horse battery\n";
    let answers = match asks {
        true if line.contains("--passphrase") => passphrase.repeat(2),
        true => format!("{passphrase}\n\n"),
        false => String::new(),
    };
    let _ = input.write_all(answers.as_bytes());
    if !asks {
        drop(input);
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code(), text(&output))
}

#[test]
fn every_command_of_every_page_runs_as_it_stands() {
    let mut ran = 0;
    // That page's need a server (tests/suite/store/desks.rs).
    for path in pages().into_iter().filter(|path| !path.ends_with("many-desks.md") && !path.ends_with("servers.md")) {
        let page = fs::read_to_string(&path).unwrap();
        let folder = world();
        for command in commands(&page, "tokentap ") {
            if ELSEWHERE.contains(&command.as_str()) {
                continue;
            }
            let wanted = OTHER_ENDS.iter().find(|(other, _, _)| *other == command).map_or(0, |(_, exit, _)| *exit);
            let (exit, said) = run(folder.path(), &command);
            assert_eq!(exit, Some(wanted), "{}: {command}\n{said}", path.display());
            ran += 1;
        }
    }
    assert!(ran >= 60, "only {ran} commands were found");
}

#[test]
fn every_script_that_a_page_names_is_there() {
    for path in pages() {
        for command in commands(&fs::read_to_string(&path).unwrap(), "scripts/") {
            let mut words = command.split_whitespace();
            let script = root().join(words.next().unwrap());
            assert!(script.is_file(), "{}: {command}", path.display());
            if let Some(bench) = words.next().filter(|_| script.ends_with("bench")) {
                assert!(root().join("benches").join(format!("{bench}.rs")).is_file(), "{}: {command}", path.display());
            }
        }
    }
}

/// All files below a folder with this ending.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry, extension));
        } else if entry.extension().is_some_and(|own| own == extension) {
            found.push(entry);
        }
    }
    found
}

#[test]
fn every_test_that_the_pages_on_security_name_exists() {
    let pages = ["docs/security.md", "docs/web.md"].map(|page| fs::read_to_string(root().join(page)).unwrap());
    let page = pages.concat();
    let tests: String =
        files(&root().join("tests"), "rs").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut named = 0;
    for name in page.split('`').skip(1).step_by(2) {
        if name.contains('_') && !name.contains(['/', '.', '-']) && name == name.to_lowercase() {
            assert!(tests.contains(&format!("fn {name}(")), "{name}");
            named += 1;
        }
    }
    assert!(named >= 15, "only {named} tests are named");
}

#[test]
fn only_ntp_a_database_a_server_the_page_and_the_virtual_reader_open_a_connection() {
    let marks = [
        "std::net",
        "TcpStream",
        "UdpSocket",
        "ToSocketAddrs",
        "rustix::net",
        "tokio::",
        ".config().connect(",
        "ureq::",
    ];
    let mut found = BTreeSet::new();
    for file in files(&root().join("src"), "rs") {
        let source = fs::read_to_string(&file).unwrap();
        if marks.iter().any(|mark| source.contains(mark)) {
            found.insert(file.strip_prefix(root().join("src")).unwrap().to_owned());
        }
    }
    assert_eq!(
        found,
        BTreeSet::from(
            [
                // The address of the virtual reader is parsed and looked up here.
                "cli/args/emulate.rs",
                "clock/sntp.rs",
                "emulator/vpcd.rs",
                "inventory/postgres/session.rs",
                "server/http.rs",
                // Whether an address is this computer's own.
                "server/settings.rs",
                // The page on loopback; the other two pass on what is said between threads.
                "web/ask.rs",
                "web/board.rs",
                "web/server.rs",
            ]
            .map(PathBuf::from)
        )
    );
}

#[test]
fn every_library_stands_in_the_table_with_its_reason_and_no_other() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut section = String::new();
    let mut used = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if section.ends_with("dependencies")
            && let Some((name, _)) = line.split_once(" = ")
            && !name.starts_with('#')
        {
            used.insert(name.to_owned());
        }
    }
    let page = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let listed: BTreeSet<String> =
        rows.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect();
    assert_eq!(listed, used);
}

/// All commands, as one types them, by what the program's own help lists.
fn all_commands() -> Vec<Vec<String>> {
    let listed = |of: &[&str]| -> Vec<String> {
        let help = text(&tokentap().args(of).arg("--help").env("COLUMNS", "80").output().unwrap());
        let Some((_, list)) = help.split_once("Commands:\n") else { return Vec::new() };
        let rows = list.lines().take_while(|line| !line.is_empty());
        let names = rows.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
        names.map(str::to_owned).collect()
    };
    let mut all = Vec::new();
    for name in listed(&[]) {
        for inner in listed(&[&name]) {
            all.push(vec![name.clone(), inner]);
        }
        all.push(vec![name]);
    }
    all
}

#[test]
fn the_short_help_of_every_command_fits_a_screen_and_begins_with_an_example_that_parses() {
    let all = all_commands();
    assert!(all.len() >= 55, "{all:?}");
    for command in all.into_iter().filter(|command| command.last().is_some_and(|name| name != "help")) {
        let help = text(&tokentap().args(&command).arg("-h").env("COLUMNS", "80").output().unwrap());
        let lines: Vec<&str> = help.lines().collect();
        assert!(lines.len() <= 24, "{command:?}: {} lines\n{help}", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{command:?}\n{help}");
        let example =
            lines[0].strip_prefix("Example: tokentap ").unwrap_or_else(|| panic!("{command:?}: {}", lines[0]));
        assert!(example.starts_with(&command.join(" ")), "{command:?}: {example}");
        let plain = example.split([' ']).take_while(|word| !matches!(*word, ">" | "|"));
        let parsed = tokentap().args(plain).arg("--help").output().unwrap();
        assert!(parsed.status.success(), "{command:?}: {example}: {}", text(&parsed));
    }
}

#[test]
fn the_map_of_the_house_names_what_is_there_and_nothing_else() {
    let map = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let named: BTreeSet<&str> = map.split('`').skip(1).step_by(2).collect();
    for entry in fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        let name = if entry.path().is_dir() { format!("{name}/") } else { name };
        assert!(named.contains(format!("src/{name}").as_str()), "{name} is not on the map");
    }
    for path in named.iter().filter(|name| name.ends_with(".rs") || name.ends_with('/')) {
        let is_there = root().join(path).exists() || root().join("src").join(path).exists();
        assert!(is_there, "{path} is on the map and not there");
    }
}

/// The part of a document between its comments.
fn printed_part(path: &Path, name: &str, wanted: &str) {
    let text = fs::read_to_string(path).unwrap();
    let start = text.find(&format!("<!-- {name}:")).unwrap_or_else(|| panic!("{} has no {name}", path.display()));
    let start = start + text[start..].find('\n').unwrap() + 1;
    let end = start + text[start..].find(&format!("<!-- end of {name} -->")).unwrap();
    if std::env::var_os("TOKENTAP_TEST_PRINT").is_some() {
        fs::write(path, format!("{}{wanted}{}", &text[..start], &text[end..])).unwrap();
        return;
    }
    assert!(text[start..end] == *wanted, "{} says otherwise (TOKENTAP_TEST_PRINT=1 prints it anew)", path.display());
}

#[test]
fn every_kind_of_failure_is_in_docs_json_md_with_its_one_exit_code() {
    let mut table = "| `kind` | exit code | |\n|---|---|---|\n".to_owned();
    let mut seen = BTreeSet::new();
    for kind in Kind::ALL {
        assert!(seen.insert(kind.word()), "two kinds are called {}", kind.word());
        table.push_str(&format!("| `{}` | {} | {} |\n", kind.word(), kind.exit() as u8, kind.meaning()));
    }
    printed_part(&root().join("docs/json.md"), "kinds", &table);
}
