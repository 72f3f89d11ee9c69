//! The built program on a real PC/SC stack: pcscd, the virtual reader, an emulated card.
//!
//! The daemon's socket has a fixed path and the virtual reader fixed ports, so every test runs in namespaces of its
//! own: it starts itself anew inside `unshare` and brings its own daemon and configuration.

use std::ffi::CString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use pcsc::{Context, Disposition, Protocols, ReaderState, Scope, ShareMode, State};
use serde_json::Value;

use crate::support::{text, tokentap};

/// Set inside the namespaces, to the name of the one test that runs there.
const INSIDE: &str = "TOKENTAP_TEST_STACK";

/// A test's upper bound on any single wait; a wait that ends there has failed.
const LIMIT: Duration = Duration::from_secs(30);

const READERS: [&str; 2] = ["Virtual PCD 00 00", "Virtual PCD 00 01"];
const PORTS: [&str; 2] = ["127.0.0.1:35963", "127.0.0.1:35964"];

/// Runs `body` in namespaces of its own. `name` is the calling test's.
fn in_namespace(name: &str, body: impl FnOnce(&Path)) {
    let full = format!("stack::{name}");
    if std::env::var(INSIDE).is_ok_and(|inside| inside == full) {
        let folder = tempfile::tempdir().unwrap();
        sh("mount -t tmpfs none /run && mkdir /run/pcscd && ip link set lo up");
        body(folder.path());
        return;
    }
    let mut unshare = Command::new("unshare");
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        unshare.args(["-U", "-r"]);
    }
    let output = unshare
        .args(["-m", "-n", "-p", "-f", "--mount-proc", "--kill-child"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &full, "--nocapture", "--test-threads=1"])
        .env(INSIDE, &full)
        .output()
        .expect("unshare of util-linux");
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("1 passed"), "the test did not run inside: {}", text(&output));
}

fn sh(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {}", text(&output));
}

/// A PC/SC daemon with the virtual reader's two slots, or with none.
struct Stack {
    daemon: Child,
    folder: PathBuf,
    context: Context,
}

impl Stack {
    fn start(folder: &Path) -> Self {
        let config = folder.join("readers");
        fs::create_dir(&config).unwrap();
        let driver = ["/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "/usr/lib64/pcsc/drivers/serial/libifdvpcd.so"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .expect("the driver of vsmartcard-vpcd");
        let entry =
            format!("FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH {driver}\nCHANNELID 0x8C7B\n");
        fs::write(config.join("vpcd"), entry).unwrap();
        Self::start_with(folder, &config)
    }

    fn start_without_readers(folder: &Path) -> Self {
        let config = folder.join("none");
        fs::create_dir(&config).unwrap();
        Self::start_with(folder, &config)
    }

    fn start_with(folder: &Path, config: &Path) -> Self {
        let (daemon, context) = start_daemon(config);
        Self { daemon, folder: folder.to_owned(), context }
    }

    /// Stops the daemon and starts it again, as a package update does.
    fn restart(&mut self) {
        self.stop();
        (self.daemon, self.context) = start_daemon(&self.folder.join("readers"));
    }

    fn stop(&mut self) {
        let _ = self.daemon.kill();
        self.daemon.wait().unwrap();
        let _ = fs::remove_file("/run/pcscd/pcscd.comm");
        let _ = fs::remove_file("/run/pcscd/pcscd.pid");
    }

    /// Lays an emulated token on a slot, and returns when the daemon sees it.
    fn lay(&self, slot: usize, args: &[&str]) -> Laid<'_> {
        let mut child = tokentap()
            .args(["emulate", "--connect", PORTS[slot]])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains(" lies on "), "{line}");
        let event = self.wait_until(slot, State::PRESENT, None);
        Laid { child, stack: self, slot, event }
    }

    /// Waits for the daemon's word that a slot holds something or nothing, in an event after `after`.
    ///
    /// The state alone does not tell: when a reset fails the daemon says that the slot is empty before it has looked,
    /// and a card that comes back before it looks is never seen.
    fn wait_until(&self, slot: usize, wanted: State, after: Option<u32>) -> u32 {
        let name = CString::new(READERS[slot]).unwrap();
        let mut states = [ReaderState::new(name, State::UNAWARE)];
        loop {
            self.context.get_status_change(LIMIT, &mut states).expect("a change in time");
            let event = states[0].event_count();
            if states[0].event_state().contains(wanted) && Some(event) != after {
                return event;
            }
            states[0].sync_current_state();
        }
    }

    fn run(&self, args: &[&str]) -> Output {
        tokentap().args(args).output().unwrap()
    }

    /// Runs a command that must succeed.
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        text(&output)
    }

    /// Runs a command that must succeed, and returns its JSON.
    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[&["--json"][..], args].concat());
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command that must fail with this exit code, and returns its error object.
    fn fails(&self, exit: i32, args: &[&str]) -> Value {
        let output = self.run(&[&["--json"][..], args].concat());
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", text(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["error"].clone()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// Starts pcscd and returns when it lets programs in.
fn start_daemon(config: &Path) -> (Child, Context) {
    let help = Command::new("pcscd").arg("--help").output().expect("pcscd");
    let mut pcscd = Command::new("pcscd");
    pcscd.arg("--foreground").arg("-c").arg(config).stdout(Stdio::null());
    // 2.0 and later want polkit, or to be told not to; 1.9.9 does not know the flag.
    if text(&help).contains("--disable-polkit") {
        pcscd.arg("--disable-polkit");
    }
    let daemon = pcscd.spawn().unwrap();
    // It says that it is ready before its socket is; only the library tells when it really is.
    let began = std::time::Instant::now();
    loop {
        match Context::establish(Scope::User) {
            Ok(context) => return (daemon, context),
            Err(error) => assert!(began.elapsed() < LIMIT, "pcscd did not start: {error}"),
        }
        std::thread::yield_now();
    }
}

/// An emulated token on a slot.
struct Laid<'a> {
    child: Child,
    stack: &'a Stack,
    slot: usize,
    /// The daemon's count of events when it came.
    event: u32,
}

impl Laid<'_> {
    /// Takes it off, and returns when the daemon has seen that.
    fn take_off(mut self) {
        let _ = self.child.kill();
        self.gone();
    }

    /// Waits until it has left by itself, and the daemon has seen that.
    fn gone(&mut self) {
        self.child.wait().unwrap();
        self.stack.wait_until(self.slot, State::EMPTY, Some(self.event));
    }
}

impl Drop for Laid<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many APDUs a trace shows.
fn apdus(trace: &str) -> usize {
    trace.lines().filter(|line| line.starts_with("trace: ") && line.contains(" -> ")).count()
}

fn state_of(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn info_is_one_apdu_a_fast_sync_five_and_a_burn_six() {
    in_namespace("info_is_one_apdu_a_fast_sync_five_and_a_burn_six", |folder| {
        let stack = Stack::start(folder);
        let seed = folder.join("seed");
        fs::write(&seed, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
        let _token = stack.lay(0, &["--drift", "-97.25"]);
        let info = stack.ok(&["info", "--trace"]);
        assert_eq!(apdus(&info), 1, "{info}");
        assert!(info.contains("OTPC-P1-i 86596120000001 (emulated)"), "{info}");
        assert_eq!(apdus(&stack.ok(&["sync", "--fast", "--trace"])), 5);
        assert_eq!(apdus(&stack.ok(&["burn", "--no-verify", "--trace", "--seed-file", seed.to_str().unwrap()])), 6);
    });
}

#[test]
fn time_0_without_terminal_or_configuration_sets_the_clock_with_one_line() {
    in_namespace("time_0_without_terminal_or_configuration_sets_the_clock_with_one_line", |folder| {
        let stack = Stack::start(folder);
        let state = folder.join("state.json");
        let _token = stack.lay(0, &["--drift", "-97.25", "--state", state.to_str().unwrap()]);
        let output = stack.run(&["--time", "0"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let line = String::from_utf8(output.stdout).unwrap();
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains("clock 97.2") && line.contains(" slow (±0.0"), "{line}");
        let after = stack.json(&["info", "--precise"]);
        let (drift, resolution) =
            (after["clock"]["drift_s"].as_f64().unwrap(), after["clock"]["resolution_s"].as_f64());
        assert!(drift.abs() <= resolution.unwrap() + 0.1, "{after}");
    });
}

#[test]
fn a_restricted_token_is_refused_untouched_and_taken_with_its_seed() {
    in_namespace("a_restricted_token_is_refused_untouched_and_taken_with_its_seed", |folder| {
        let stack = Stack::start(folder);
        let state = folder.join("state.json");
        let (seed, state_arg) = (folder.join("seed"), state.to_str().unwrap());
        fs::write(&seed, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
        let _token = stack.lay(0, &["--restricted", "--drift", "-97.25", "--state", state_arg]);
        stack.ok(&["burn", "--no-verify", "--seed-file", seed.to_str().unwrap()]);
        let before = state_of(&state);
        for command in [&["--time", "0"][..], &["sync"], &["config", "--step", "60"]] {
            let error = stack.fails(5, command);
            assert_eq!(error["kind"], "restricted");
            assert!(error["message"].as_str().unwrap().contains("OTPC-P2-i"), "{error}");
            assert_eq!(state_of(&state), before);
        }
        assert_eq!(apdus(&text(&stack.run(&["sync", "--trace"]))), 1);
        stack.ok(&["sync", "--fast", "--seed-file", seed.to_str().unwrap()]);
        assert_eq!(state_of(&state)["seed"], before["seed"]);
        let erased = stack.ok(&["sync", "--fast", "--erase-seed"]);
        assert!(erased.contains("seed erased"), "{erased}");
        assert_eq!(state_of(&state)["seed"], "");
    });
}

#[test]
fn seeds_of_fifteen_lengths_are_burned_and_oathtool_gives_the_displayed_codes() {
    in_namespace("seeds_of_fifteen_lengths_are_burned_and_oathtool_gives_the_displayed_codes", |folder| {
        let stack = Stack::start(folder);
        let state = folder.join("state.json");
        let state_arg = state.to_str().unwrap();
        let _token = stack.lay(0, &["--restricted", "--drift", "-97.25", "--state", state_arg]);
        for length in [1_u8, 8, 10, 15, 16, 17, 20, 31, 32, 33, 47, 48, 49, 62, 63] {
            // The last byte is 80 where padding could be mistaken for it.
            let mut bytes: Vec<u8> = (0..length).map(|index| index.wrapping_mul(7).wrapping_add(length)).collect();
            if length % 16 == 0 {
                *bytes.last_mut().unwrap() = 0x80;
            }
            let hex = data_encoding::HEXLOWER.encode(&bytes);
            let seed = folder.join("seed");
            fs::write(&seed, &hex).unwrap();
            let (step, hash) = if length % 2 == 0 { ("60", "sha256") } else { ("30", "sha1") };
            let report = stack.json(&[
                "burn",
                "--no-verify",
                "--secret-encoding",
                "hex",
                "--step",
                step,
                "--hash",
                hash,
                "--seed-file",
                seed.to_str().unwrap(),
            ]);
            assert_eq!(state_of(&state)["seed"], hex.as_str(), "{length} bytes");

            let clock = stack.json(&["info"]);
            let oathtool = |at: u64| {
                let output = Command::new("oathtool")
                    .args([&format!("--totp={hash}"), "-s", step, "-N", &format!("@{at}"), &hex])
                    .output()
                    .expect("oathtool");
                assert!(output.status.success(), "{}", text(&output));
                String::from_utf8(output.stdout).unwrap().trim().to_owned()
            };
            // The step may turn between the burn and now.
            let step: u64 = step.parse().unwrap();
            let at = clock["clock"]["token"].as_u64().unwrap();
            let expected = [oathtool(at), oathtool(at + step), oathtool(at - step)];
            let shown = stack.ok(&["emulate", "--press", "--state", state_arg]);
            assert!(expected.contains(&shown.trim().to_owned()), "{length} bytes: {shown} {expected:?}");
            assert!(expected.contains(&report["codes"]["now"].as_str().unwrap().to_owned()), "{length}: {report}");
        }
    });
}

/// Lets a restricted token leave at each of a command's APDUs, before and after it is carried out: what is said of the
/// token must be true, and the same command must finish the job when it is back.
fn leaves_in_the_middle(folder: &Path, command: &[&str], apdus: u32) {
    let stack = Stack::start(folder);
    let (state, seed) = (folder.join("state.json"), folder.join("seed"));
    let (state_arg, seed_arg) = (state.to_str().unwrap(), seed.to_str().unwrap());
    let (old, new) = ("00112233445566778899", "aabbccddeeff00112233");
    let command = [command, &["--seed-file", seed_arg][..if command[0] == "burn" { 2 } else { 0 }]].concat();
    stack.ok(&["emulate", "--create", "--restricted", "--drift", "-97.25", "--state", state_arg]);
    let reader = format!("emulated:{state_arg}");
    for at in 1..=apdus {
        for when in ["--leave-before", "--leave-after"] {
            let name = format!("{command:?} {when} {at}");
            fs::write(&seed, old).unwrap();
            stack.ok(&["burn", "--reader", &reader, "--no-verify", "--seed-file", seed_arg]);
            fs::write(&seed, new).unwrap();

            let mut leaving = stack.lay(0, &["--state", state_arg, when, &at.to_string()]);
            let error = stack.fails(7, &command);
            leaving.gone();
            let (said, holds) = (error["state"].as_str().unwrap(), state_of(&state)["seed"].clone());
            if said.contains("nothing was written") {
                assert_eq!(holds, old, "{name}: {said}");
            } else if said.contains("is unknown; if they were") {
                assert!(holds == old || holds == "", "{name}: {said}");
            } else if said.contains("whether the new seed was written is unknown") {
                assert!(holds == new || holds == "", "{name}: {said}");
            } else if said.contains("everything is written") {
                assert_eq!(holds, new, "{name}: {said}");
            } else {
                assert!(said.contains("the seed is ERASED"), "{name}: {said}");
                assert_eq!(holds, "", "{name}: {said}");
            }

            let back = stack.lay(0, &["--state", state_arg]);
            stack.ok(&command);
            if command[0] == "burn" {
                assert_eq!(state_of(&state)["seed"], new, "{name}");
            }
            back.take_off();
        }
    }
}

#[test]
fn a_token_that_leaves_during_info_is_told_truly() {
    in_namespace("a_token_that_leaves_during_info_is_told_truly", |folder| {
        leaves_in_the_middle(folder, &["info"], 1);
    });
}

#[test]
fn a_token_that_leaves_during_a_sync_is_told_truly_and_synced_when_it_is_back() {
    in_namespace("a_token_that_leaves_during_a_sync_is_told_truly_and_synced_when_it_is_back", |folder| {
        leaves_in_the_middle(folder, &["sync", "--fast", "--erase-seed"], 5);
    });
}

#[test]
fn a_token_that_leaves_during_a_burn_is_told_truly_and_burned_when_it_is_back() {
    in_namespace("a_token_that_leaves_during_a_burn_is_told_truly_and_burned_when_it_is_back", |folder| {
        leaves_in_the_middle(folder, &["burn", "--no-verify"], 6);
    });
}

#[test]
fn without_a_token_a_reader_or_a_service_each_says_so() {
    in_namespace("without_a_token_a_reader_or_a_service_each_says_so", |folder| {
        for command in [&["info"][..], &["--time", "0"], &["sync"], &["config", "--step", "60"], &["readers"]] {
            let output = tokentap().arg("--json").args(command).output().unwrap();
            assert_eq!(output.status.code(), Some(3), "no service: {}", text(&output));
            assert!(text(&output).contains("\"no-service\""), "{}", text(&output));
        }
        let empty = Stack::start_without_readers(folder);
        for command in [&["info"][..], &["sync"], &["readers"], &["info", "--wait", "5"]] {
            assert_eq!(empty.fails(3, command)["kind"], "no-reader");
        }
        assert!(text(&empty.run(&["doctor"])).contains("BAD  readers: there is no reader"));
        drop(empty);
        let _ = fs::remove_file("/run/pcscd/pcscd.comm");
        let _ = fs::remove_file("/run/pcscd/pcscd.pid");
        let stack = Stack::start(folder);
        assert_eq!(stack.fails(4, &["info"])["kind"], "no-token");
        assert_eq!(stack.fails(4, &["sync", "--wait", "1"])["kind"], "no-token");
        assert_eq!(stack.fails(3, &["info", "--reader", "Gamma"])["kind"], "no-such-reader");
    });
}

#[test]
fn a_token_that_is_waited_for_is_taken_when_it_comes() {
    in_namespace("a_token_that_is_waited_for_is_taken_when_it_comes", |folder| {
        let stack = Stack::start(folder);
        let mut waiting =
            tokentap().args(["info", "--wait", "30"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(waiting.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("waiting for a token"), "{line}");
        let _token = stack.lay(1, &[]);
        let output = waiting.wait_with_output().unwrap();
        assert!(output.status.success() && text(&output).contains("Virtual PCD 00 01"), "{}", text(&output));
    });
}

#[test]
fn ctrl_c_ends_a_wait_with_130() {
    in_namespace("ctrl_c_ends_a_wait_with_130", |folder| {
        let _stack = Stack::start(folder);
        let mut waiting = tokentap().args(["info", "--wait", "30"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(waiting.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        sh(&format!("kill -INT {}", waiting.id()));
        assert_eq!(waiting.wait().unwrap().code(), Some(130));
    });
}

#[test]
fn between_two_tokens_nothing_is_guessed() {
    in_namespace("between_two_tokens_nothing_is_guessed", |folder| {
        let stack = Stack::start(folder);
        let _one = stack.lay(0, &[]);
        let _two = stack.lay(1, &["--restricted"]);
        let error = stack.fails(2, &["info"]);
        assert_eq!(error["kind"], "several-tokens");
        assert!(error["message"].as_str().unwrap().contains("Virtual PCD 00 01"), "{error}");
        assert!(stack.ok(&["info", "--reader", "1"]).contains("OTPC-P1-i"));
        assert!(stack.ok(&["info", "--reader", "00 01"]).contains("OTPC-P2-i"));
        assert!(stack.ok(&["readers"]).contains("a contactless card: perhaps a token"));
        let output = tokentap().args(["info"]).env("TOKENTAP_READER", "2").output().unwrap();
        assert!(text(&output).contains("OTPC-P2-i"), "{}", text(&output));
        let error = stack.fails(5, &["sync", "--reader", "1", "--expect-serial", "86596220000001"]);
        assert_eq!(error["kind"], "wrong-token");
    });
}

#[test]
fn a_program_that_holds_the_card_is_waited_for_and_one_that_keeps_the_reader_is_named() {
    in_namespace("a_program_that_holds_the_card_is_waited_for_and_one_that_keeps_the_reader_is_named", |folder| {
        let stack = Stack::start(folder);
        let _token = stack.lay(0, &[]);
        let reader = CString::new(READERS[0]).unwrap();

        let mut card = stack.context.connect(&reader, ShareMode::Shared, Protocols::ANY).unwrap();
        let held = card.transaction().unwrap();
        let mut waiting =
            tokentap().args(["sync", "--fast"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(waiting.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("waiting for another program that uses the reader"), "{line}");
        drop(held);
        assert!(waiting.wait().unwrap().success());

        // The program reset the card when it was done.
        card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard).unwrap();
        let held = card.transaction().unwrap();
        let error = stack.fails(3, &["sync", "--fast"]);
        assert_eq!(error["kind"], "reader-busy");
        assert!(error["message"].as_str().unwrap().contains("does not let go"), "{error}");
        drop(held);
        drop(card);

        let exclusive = stack.context.connect(&reader, ShareMode::Exclusive, Protocols::ANY).unwrap();
        let error = stack.fails(3, &["info"]);
        assert_eq!(error["kind"], "reader-busy");
        assert!(error["next"].as_str().unwrap().contains("gpgconf --kill scdaemon"), "{error}");
        drop(exclusive);
        stack.ok(&["info"]);
    });
}

#[test]
fn a_session_that_another_program_resets_is_begun_again() {
    in_namespace("a_session_that_another_program_resets_is_begun_again", |folder| {
        use tokentap::link::{Link, LinkFault};
        use tokentap::reader::{Patience, PcscLink};
        let stack = Stack::start(folder);
        let _token = stack.lay(0, &[]);
        let patience = Patience { on_hang: Box::new(|| ()), interrupted: Box::new(|| false) };
        let mut link = PcscLink::connect(&stack.context, READERS[0], patience).unwrap();
        let info = [0x80, 0x41, 0, 0, 2, 2, 0x11];
        assert_eq!(link.transmit(&info).unwrap().len(), 26);
        let reader = CString::new(READERS[0]).unwrap();
        drop(stack.context.connect(&reader, ShareMode::Shared, Protocols::ANY).unwrap());
        assert_eq!(link.transmit(&info).unwrap_err().fault, LinkFault::Reset);
        assert_eq!(link.transmit(&info).unwrap().len(), 26);
        link.close();
    });
}

#[test]
fn after_a_restart_of_the_service_the_next_command_works() {
    in_namespace("after_a_restart_of_the_service_the_next_command_works", |folder| {
        let mut stack = Stack::start(folder);
        let token = stack.lay(0, &[]);
        stack.ok(&["info"]);
        drop(token);
        stack.restart();
        let _token = stack.lay(0, &[]);
        stack.ok(&["info"]);
    });
}

#[test]
fn a_token_with_another_customer_key_takes_the_key_of_a_file() {
    in_namespace("a_token_with_another_customer_key_takes_the_key_of_a_file", |folder| {
        let stack = Stack::start(folder);
        let key = folder.join("key");
        fs::write(&key, "00112233445566778899aabbccddeeff\n").unwrap();
        let key = key.to_str().unwrap();
        let _token = stack.lay(0, &["--token-key", key, "--lock-after", "2"]);
        let error = stack.fails(6, &["sync", "--fast"]);
        assert!(error["next"].as_str().unwrap().contains("--token-key FILE"), "{error}");
        stack.ok(&["sync", "--fast", "--token-key", key]);
        for _ in 0..2 {
            stack.fails(6, &["sync", "--fast"]);
        }
        assert_eq!(stack.fails(6, &["sync", "--fast", "--token-key", key])["kind"], "refused");
    });
}
