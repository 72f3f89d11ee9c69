//! The program for Windows in Wine, at emulated tokens behind a smart card service that behaves as Windows' own does (`service.rs`).
//! Run by `scripts/windows`, which names the program in `TOKENTAP_TEST_PROGRAM`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod service;
#[allow(dead_code, reason = "the suite uses the rest of it")]
#[path = "../suite/support.rs"]
mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokentap::emulator::{CardState, StateFile, TokenClock};
use tokentap::time::{HostClock, SystemClock, unix_ns};

use service::{Leaves, Service};
use support::{RESTRICTED, UNRESTRICTED, tokentap};

/// Readers as Windows numbers them.
const READER: &str = "ACS ACR1252 1S CL Reader PICC 0";
const SECOND: &str = "ACS ACR1252 1S CL Reader PICC 1";

const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// A desk on Windows.
struct Desk {
    folder: tempfile::TempDir,
    service: Service,
}

impl Desk {
    fn new() -> Self {
        assert!(std::env::var_os("TOKENTAP_TEST_PROGRAM").is_some(), "scripts/windows runs these tests");
        let desk = Self { folder: tempfile::tempdir().unwrap(), service: Service::start() };
        fs::write(desk.path("seed"), SEED).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file of a new token, 97 seconds slow.
    fn token(&self, serial: &str) -> PathBuf {
        let clock = TokenClock::new(unix_ns(SystemClock::new().now().wall), -97.25, 0.0, false);
        let mut card = CardState::new(serial, serial == RESTRICTED, clock);
        card.seed = data_encoding::HEXLOWER.encode(b"an earlier seed");
        let path = self.path(&format!("{serial}.json"));
        StateFile::new(&path).save(&card).unwrap();
        path
    }

    fn card(&self, serial: &str) -> CardState {
        StateFile::new(self.path(&format!("{serial}.json"))).load().unwrap().unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = tokentap();
        command.current_dir(self.folder.path()).env("TOKENTAP_INVENTORY", "inventory.sqlite");
        command.env("TOKENTAP_TEST_SCARD", self.service.port()).arg("--json").args(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The exit code, and each line of the report.
    fn ended(child: Child) -> (i32, Vec<Value>, String) {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let remarks = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines =
            said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {said}")));
        (output.status.code().unwrap(), lines.collect(), remarks)
    }

    fn run(&self, args: &[&str]) -> (i32, Value) {
        let (exit, mut lines, remarks) = Self::ended(self.command(args).spawn().unwrap());
        assert_eq!(lines.len(), 1, "{args:?}: {lines:?} {remarks}");
        (exit, lines.remove(0))
    }
}

fn hex(base32: &str) -> String {
    hex_of(&data_encoding::BASE32.decode(base32.as_bytes()).unwrap())
}

fn hex_of(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[test]
fn without_a_reader_no_service_runs_and_the_remedy_is_to_plug_one_in() {
    let desk = Desk::new();
    let (exit, report) = desk.run(&["info"]);
    assert_eq!((exit, report["error"]["kind"].as_str()), (3, Some("no-service")), "{report}");
    assert!(report["error"]["next"].as_str().unwrap().contains("plug"), "{report}");
    let (exit, report) = desk.run(&["doctor"]);
    assert_eq!(exit, 3, "{report}");
    assert!(!report.to_string().contains("systemctl"), "{report}");
}

#[test]
fn one_token_is_read_set_burned_and_checked() {
    let desk = Desk::new();
    desk.service.plug_in(READER);
    let (exit, report) = desk.run(&["info"]);
    assert_eq!((exit, report["error"]["kind"].as_str()), (4, Some("no-token")), "{report}");
    desk.service.lay(READER, &desk.token(UNRESTRICTED), None);
    let (exit, report) = desk.run(&["readers"]);
    assert_eq!((exit, report["readers"][0]["name"].as_str()), (0, Some(READER)), "{report}");
    let (exit, report) = desk.run(&["info"]);
    let drift = report["clock"]["drift_s"].as_f64().unwrap();
    assert!(exit == 0 && (drift + 97.25).abs() < 1.5, "{report}");
    assert_eq!(report["token"]["serial"].as_str(), Some(UNRESTRICTED));

    let (exit, report) = desk.run(&["sync", "--hash", "sha1", "--step", "30"]);
    assert!(exit == 0 && report["clock"]["after"]["method"].as_str() == Some("tick"), "{report}");
    let now = unix_ns(SystemClock::new().now().wall);
    assert!(desk.card(UNRESTRICTED).clock.drift_s(now).abs() < 0.6);

    let (exit, report) = desk.run(&["burn", "--seed-file", "seed", "--no-verify"]);
    assert_eq!((exit, report["seed"].as_str()), (0, Some("burned")), "{report}");
    assert_eq!(desk.card(UNRESTRICTED).seed, hex(SEED));
    let code = desk.card(UNRESTRICTED).display(unix_ns(SystemClock::new().now().wall)).unwrap();
    let (exit, report) = desk.run(&["verify", &code, "--seed-file", "seed"]);
    assert_eq!((exit, report["accepted"].as_bool()), (0, Some(true)), "{report}");
    let (exit, report) = desk.run(&["inventory", "show", UNRESTRICTED]);
    assert_eq!((exit, report["token"]["seed"].as_str()), (0, Some("known")), "{report}");
    let (exit, report) = desk.run(&["selftest", "--read-only"]);
    assert_eq!((exit, report["system"].as_str()), (0, Some("windows x86_64")), "{report}");
}

#[test]
fn windows_own_readers_are_passed_over_and_a_number_is_told_from_its_neighbours() {
    let desk = Desk::new();
    for name in ["Windows Hello for Business 1", READER, SECOND, "Microsoft Virtual Smart Card 0"] {
        desk.service.plug_in(name);
    }
    desk.service.lay("Windows Hello for Business 1", &desk.token("86596120000777"), None);
    desk.service.lay(SECOND, &desk.token(UNRESTRICTED), None);
    let (exit, report) = desk.run(&["info"]);
    assert_eq!((exit, report["token"]["serial"].as_str()), (0, Some(UNRESTRICTED)), "{report}");
    assert_eq!(desk.service.sent("Windows Hello for Business 1"), 0, "nothing is sent to what is no token");
    let (exit, report) = desk.run(&["--reader", READER, "info"]);
    assert_eq!((exit, report["error"]["kind"].as_str()), (4, Some("no-token")), "{report}");
}

#[test]
fn a_reset_by_windows_at_any_command_is_no_failure() {
    let desk = Desk::new();
    desk.service.plug_in(READER);
    for at in 1..=6 {
        let state = desk.token(RESTRICTED);
        desk.service.lay_and_reset(READER, &state, None, Some(at));
        let (exit, report) = desk.run(&["burn", "--seed-file", "seed", "--no-verify", "--replace-seed"]);
        assert_eq!((exit, desk.card(RESTRICTED).seed), (0, hex(SEED)), "reset at {at}: {report}");
        desk.service.lift(READER);
    }
}

/// Lays a token down that leaves at each command in turn, before and after it was carried out, and does the same again when it is back.
fn leave_at_each(serial: &str, args: &[&str], check: &dyn Fn(&CardState)) -> u32 {
    let desk = Desk::new();
    desk.service.plug_in(READER);
    let mut left = 0;
    for after in [false, true] {
        for at in 1.. {
            let state = desk.token(serial);
            let before = desk.card(serial);
            desk.service.lay(READER, &state, Some(Leaves { at, after }));
            let (exit, report) = desk.run(args);
            desk.service.lift(READER);
            if exit == 0 {
                check(&desk.card(serial));
                break;
            }
            assert_eq!(
                (exit, report["error"]["kind"].as_str()),
                (7, Some("link-lost")),
                "{args:?} left at {at}: {report}"
            );
            if report["error"]["state"].as_str().unwrap().contains("nothing was written") {
                assert!(desk.card(serial) == before, "left at {at}, after {after}: {report}");
            }
            left += 1;
            desk.service.lay(READER, &state, None);
            let (exit, report) = desk.run(args);
            assert_eq!(exit, 0, "again after {at}: {report}");
            check(&desk.card(serial));
            desk.service.lift(READER);
        }
    }
    left
}

#[test]
fn a_token_that_leaves_at_any_command_of_a_burn_is_told_as_it_is_and_right_the_second_time() {
    let args = ["burn", "--seed-file", "seed", "--no-verify", "--replace-seed"];
    let left = leave_at_each(RESTRICTED, &args, &|card| assert_eq!(card.seed, hex(SEED)));
    assert!(left >= 8, "{left}");
}

#[test]
fn a_token_that_leaves_at_any_command_of_a_reading_or_a_sync_is_told_as_it_is_and_right_the_second_time() {
    assert!(leave_at_each(UNRESTRICTED, &["info"], &|_| ()) >= 1);
    let args = ["sync", "--fast", "--hash", "sha1", "--step", "30"];
    let right = |card: &CardState| {
        let now = unix_ns(SystemClock::new().now().wall);
        assert!(card.clock.drift_s(now).abs() < 1.6 && card.seed == hex_of(b"an earlier seed"));
    };
    assert!(leave_at_each(UNRESTRICTED, &args, &right) >= 6);
}

/// Runs a command that waits for tokens, lays one down that leaves at each command in turn, before and after it was carried out, and lays it
/// back: the command goes on with it, and ends well.
fn leave_at_each_of_a_run(args: &[&str], right: &dyn Fn(&CardState)) -> u32 {
    let mut left = 0;
    for after in [false, true] {
        for at in 1.. {
            let desk = Desk::new();
            fs::write(desk.path("rows.csv"), format!("serial,secret\r\n{UNRESTRICTED},{}\r\n", secret(7))).unwrap();
            desk.service.plug_in(READER);
            let mut child = desk.command(args).spawn().unwrap();
            let state = desk.token(UNRESTRICTED);
            desk.service.lay(READER, &state, Some(Leaves { at, after }));
            desk.service.wait_until_done(READER);
            let has_left = !desk.service.has_token(READER);
            if has_left {
                desk.service.lay(READER, &state, None);
                // What left at the last command may have been done with, and with it the list.
                desk.service.wait_until_done_or(READER, &mut || child.try_wait().unwrap().is_some());
            }
            desk.service.lift(READER);
            let (exit, lines, remarks) = Desk::ended(child);
            assert_eq!(exit, 0, "{args:?}, left at {at}, after {after}: {lines:#?} {remarks}");
            right(&desk.card(UNRESTRICTED));
            if !has_left {
                break;
            }
            left += 1;
        }
    }
    left
}

#[test]
fn a_token_that_leaves_a_batch_at_any_command_gets_its_row_when_it_is_laid_back() {
    let args = ["batch", "rows.csv", "--trust-host-clock"];
    let left = leave_at_each_of_a_run(&args, &|card| assert_eq!(card.seed_bytes(), [7; 20]));
    assert!(left >= 8, "{left}");
}

#[test]
fn a_token_that_leaves_a_desk_at_any_command_is_set_when_it_is_laid_back() {
    let args = ["desk", "--fast", "--assume-factory-profile", "--trust-host-clock", "--wait", "3"];
    let right = |card: &CardState| {
        let now = unix_ns(SystemClock::new().now().wall);
        assert!(card.clock.drift_s(now).abs() < 1.6 && card.seed == hex_of(b"an earlier seed"));
    };
    let left = leave_at_each_of_a_run(&args, &right);
    assert!(left >= 6, "{left}");
}

#[test]
fn a_seed_goes_into_no_device_and_a_long_path_is_none_to_be_afraid_of() {
    let desk = Desk::new();
    desk.service.plug_in(READER);
    desk.service.lay(READER, &desk.token(UNRESTRICTED), None);
    let before = desk.card(UNRESTRICTED);
    for name in ["NUL", "con.csv", "seeds/COM1", "CONOUT$"] {
        let _ = fs::create_dir(desk.path("seeds"));
        let (exit, report) = desk.run(&["burn", "--generate", "--no-verify", "--replace-seed", "--out", name]);
        assert_eq!((exit, report["error"]["kind"].as_str()), (1, Some("file")), "{name}: {report}");
        assert!(desk.card(UNRESTRICTED).seed == before.seed, "{name}");
    }
    let folder = format!(
        "{0}/{0}/{0}",
        "a folder with a name of quite some length for one that holds nothing but seeds".repeat(2)
    );
    fs::create_dir_all(desk.path(&folder)).unwrap();
    let out = format!("{folder}/schlüssel für ana.csv");
    assert!(out.len() > 260);
    let (exit, report) = desk.run(&["burn", "--generate", "--no-verify", "--replace-seed", "--out", &out]);
    assert_eq!(exit, 0, "{report}");
    assert!(fs::read_to_string(desk.path(&out)).unwrap().contains(UNRESTRICTED));
}

/// Runs the program, and raises an event of its console after so many milliseconds (`ending.c`).
fn ended_by(desk: &Desk, event: u32, after_ms: u64, args: &[&str]) -> (i32, Vec<Value>, String) {
    let program = PathBuf::from(std::env::var_os("TOKENTAP_TEST_PROGRAM").unwrap());
    let mut command = Command::new(program.with_file_name("ending"));
    command
        .args([&event.to_string(), &after_ms.to_string()])
        .arg(format!("Z:{}", program.with_file_name("wine/tokentap.exe").display()));
    let whole = desk.command(args);
    for (name, value) in whole.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(whole.get_args()).current_dir(desk.folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Desk::ended(command.spawn().unwrap())
}

/// The console's window is closed (CTRL_CLOSE_EVENT): Windows ends the program as soon as its handlers have returned.
#[test]
fn a_window_that_is_closed_at_any_moment_cuts_no_burn_off() {
    let desk = Desk::new();
    let (mut whole, mut unbegun) = (0, 0);
    for after_ms in (0..24).map(|step| 20 + 150 * step) {
        let state = desk.token(RESTRICTED);
        let before = desk.card(RESTRICTED);
        let reader = format!("emulated:{}", state.file_name().unwrap().to_str().unwrap());
        let args = [
            "--reader",
            &reader,
            "burn",
            "--precise",
            "--seed-file",
            "seed",
            "--no-verify",
            "--replace-seed",
            "--trust-host-clock",
        ];
        let (exit, report, remarks) = ended_by(&desk, 2, after_ms, &args);
        let card = desk.card(RESTRICTED);
        let told = format!("closed after {after_ms} ms: {exit} {report:?} {remarks}");
        let (_, shown) = desk.run(&["inventory", "tokens"]);
        let unfinished =
            shown["tokens"].as_array().is_some_and(|tokens| tokens.iter().any(|token| !token["unfinished"].is_null()));
        if card.seed == hex(SEED) {
            whole += 1;
            let drift_s = card.clock.drift_s(unix_ns(SystemClock::new().now().wall));
            assert!(drift_s.abs() < 1.0 && !unfinished, "{told}: {drift_s} {shown}");
        } else {
            unbegun += 1;
            assert!(card == before && !unfinished, "{told}: {shown}");
        }
    }
    println!("closed: {whole} burns were whole, {unbegun} not begun");
    assert!(whole >= 2 && unbegun >= 1, "{whole} {unbegun}");
}

/// The secret of a row, which says nothing but its number.
fn secret(number: u8) -> String {
    data_encoding::BASE32.encode(&[number; 20])
}

/// So many tokens in a tray, and a list of a row for each: the tray, and the serials.
fn in_a_tray(desk: &Desk, count: u32) -> (PathBuf, Vec<String>) {
    let tray = desk.path("tray");
    fs::create_dir(&tray).unwrap();
    let serials: Vec<String> = (100..100 + count).map(|number| format!("86596120000{number}")).collect();
    for serial in &serials {
        fs::rename(desk.token(serial), tray.join(format!("{serial}.json"))).unwrap();
    }
    let rows: String = (1..).zip(&serials).map(|(number, serial)| format!("{serial},{}\n", secret(number))).collect();
    fs::write(desk.path("rows.csv"), format!("serial,secret\n{rows}")).unwrap();
    (tray, serials)
}

#[test]
fn ctrl_c_ends_a_batch_after_the_token_in_hand_and_it_goes_on_later() {
    let desk = Desk::new();
    let (tray, serials) = in_a_tray(&desk, 3);
    let args = ["--reader", "emulated:tray", "batch", "rows.csv", "--precise", "--trust-host-clock"];
    let (exit, lines, remarks) = ended_by(&desk, 0, 3000, &args);
    let (_, shown) = desk.run(&["inventory", "tokens"]);
    assert!(!shown.to_string().contains("\"unfinished\":{"), "{exit} {lines:?} {remarks} {shown}");
    // Not all of them: it noticed.
    assert!(matches!(exit, 10 | 130), "{exit} {lines:?} {remarks}");
    let (exit, lines, remarks) = Desk::ended(desk.command(&args).spawn().unwrap());
    assert_eq!(exit, 0, "{lines:?} {remarks}");
    for (number, serial) in (1..).zip(&serials) {
        let card = StateFile::new(tray.join(format!("{serial}.json"))).load().unwrap().unwrap();
        assert_eq!(card.seed_bytes(), [number; 20], "{serial}");
    }
}

#[test]
fn a_batch_that_is_killed_goes_on_and_puts_each_seed_on_one_token() {
    let mut dice = support::Dice::new();
    let desk = Desk::new();
    let (tray, serials) = in_a_tray(&desk, 8);
    let args =
        ["--reader", "emulated:tray", "batch", "rows.csv", "--to", "csv=out.csv", "--precise", "--trust-host-clock"];
    let mut kills = 0;
    loop {
        let mut child = desk.command(&args).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500 + dice.below(3000)));
        // Wine's process, and not the shell that has become it.
        if child.try_wait().unwrap().is_some() || kills == 8 {
            let (exit, lines, remarks) = Desk::ended(child);
            assert_eq!(exit, 0, "{lines:#?} {remarks}");
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    let written = fs::read_to_string(desk.path("out.csv")).unwrap();
    for (number, serial) in (1..).zip(&serials) {
        let card = StateFile::new(tray.join(format!("{serial}.json"))).load().unwrap().unwrap();
        assert_eq!(card.seed_bytes(), [number; 20], "{serial}");
        let is_its = |line: &str| line.contains(serial.as_str()) && line.contains(&secret(number));
        assert!(written.lines().any(is_its), "{serial}: {written}");
    }
    assert!(kills >= 3, "{kills}");
}

#[test]
fn a_batch_on_two_readers_puts_each_row_on_one_token() {
    let desk = Desk::new();
    let serials: Vec<String> = (1..=4).map(|number| format!("8659612000010{number}")).collect();
    let secrets = ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXA", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXE"];
    let secrets = [secrets, ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXI", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXM"]].concat();
    let rows: String = serials.iter().zip(&secrets).map(|(serial, secret)| format!("{serial},{secret}\r\n")).collect();
    fs::write(desk.path("rows of today.csv"), format!("serial,secret\r\n{rows}")).unwrap();
    desk.service.plug_in(READER);
    desk.service.plug_in(SECOND);
    let child = desk
        .command(&["batch", "rows of today.csv", "--to", "csv=für den Server.csv", "--trust-host-clock"])
        .spawn()
        .unwrap();
    for pair in serials.chunks(2) {
        let readers = [READER, SECOND];
        for (serial, reader) in pair.iter().zip(readers) {
            desk.service.lay(reader, &desk.token(serial), None);
        }
        for reader in readers {
            desk.service.wait_until_done(reader);
            desk.service.lift(reader);
        }
    }
    let (exit, lines, remarks) = Desk::ended(child);
    assert_eq!(exit, 0, "{lines:#?} {remarks}");
    for (serial, secret) in serials.iter().zip(&secrets) {
        assert_eq!(desk.card(serial).seed, hex(secret));
    }
    let written = fs::read_to_string(desk.path("für den Server.csv")).unwrap();
    assert!(secrets.iter().all(|secret| written.contains(secret)), "{written}");
}

#[test]
fn a_desk_goes_on_after_the_last_reader_was_pulled_and_plugged_in_again() {
    let desk = Desk::new();
    desk.service.plug_in(READER);
    let args = ["desk", "--assume-factory-profile", "--trust-host-clock", "--wait", "6"];
    let child = desk.command(&args).spawn().unwrap();
    desk.service.lay(READER, &desk.token("86596120000201"), None);
    desk.service.wait_until_done(READER);
    desk.service.pull_out(READER);
    std::thread::sleep(Duration::from_secs(2));
    desk.service.plug_in(READER);
    desk.service.lay(READER, &desk.token("86596120000202"), None);
    desk.service.wait_until_done(READER);
    desk.service.lift(READER);
    let (exit, lines, remarks) = Desk::ended(child);
    let now = unix_ns(SystemClock::new().now().wall);
    for serial in ["86596120000201", "86596120000202"] {
        assert!(desk.card(serial).clock.drift_s(now).abs() < 0.6, "{serial}, {exit}: {lines:#?} {remarks}");
    }
}
