//! `docs/helpdesk.md`, followed to the letter by somebody who believes every word: twelve tokens, each of which ends working or with
//! the right next step.

use std::fs;

use serde_json::Value;

use crate::support::{in_folder, text};

const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const OTHER: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A helpdesk person at a desk with one token, its user's seed file, and an inventory.
struct Helpdesk {
    folder: tempfile::TempDir,
    serial: &'static str,
}

impl Helpdesk {
    fn new(serial: &'static str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), serial };
        desk.ok(&["emulate", "--create", "--serial", serial, "--state", "token.json"]);
        fs::write(desk.folder.path().join("FILE"), SEED).unwrap();
        fs::write(desk.folder.path().join("other"), OTHER).unwrap();
        desk
    }

    /// A token that was burned here with its seed, this profile, and a clock that is so far off by now.
    fn burned(serial: &'static str, profile: &[&str], drift_s: f64) -> Self {
        let desk = Self::new(serial);
        let burn = ["burn", "--no-verify", "--seed-file", "FILE", "--user", "ana@example.org", "--trust-host-clock"];
        desk.ok(&[&burn[..], profile].concat());
        desk.change(|state| {
            state["clock"]["shown_ns"] = (state["clock"]["shown_ns"].as_i64().unwrap() + (drift_s * 1e9) as i64).into()
        });
        desk
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let mut command = in_folder(self.folder.path());
        command.env("TOKENTAP_READER", "emulated:token.json").args(args);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), text(&output))
    }

    fn ok(&self, args: &[&str]) -> String {
        let (exit, said) = self.run(args);
        assert_eq!(exit, 0, "{args:?}: {said}");
        said
    }

    fn state(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.folder.path().join("token.json")).unwrap()).unwrap()
    }

    fn change(&self, change: impl Fn(&mut Value)) {
        let mut state = self.state();
        change(&mut state);
        fs::write(self.folder.path().join("token.json"), state.to_string()).unwrap();
    }

    /// The verdict: a word, and the first line of what is read out.
    fn verdict(&self) -> (String, String) {
        let mut command = in_folder(self.folder.path());
        let output = command.args(["--json", "info", "--reader", "emulated:token.json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
        (report["verdict"].as_str().unwrap().to_owned(), report["verdict_text"].as_str().unwrap().to_owned())
    }

    /// Types the first command that a text names, as it stands.
    fn follow(&self, said: &str) -> (i32, String) {
        let command = said.split("tokentap ").nth(1).unwrap_or_else(|| panic!("no command in: {said}"));
        let command = command.split([',', ';', '\n', '(']).next().unwrap();
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--trust-host-clock");
        if args[0] == "burn" {
            args.push("--no-verify");
        }
        self.run(&args)
    }

    /// Whether the user's codes are those that the server expects: of this seed, hash and step, now.
    fn works(&self, seed: &str, profile: &[&str]) -> bool {
        fs::write(self.folder.path().join("server"), seed).unwrap();
        // A step may end in between, and the token's clock may be a second from the host's: near a step's end the two show
        // different codes for as long.
        (0..5).any(|tries| {
            std::thread::sleep(std::time::Duration::from_millis(if tries == 0 { 0 } else { 600 }));
            let display = self.ok(&["emulate", "--press", "--state", "token.json"]);
            let server = self.ok(&[&["code", "--seed-file", "server"][..], profile].concat());
            server.lines().any(|line| line.starts_with(display.trim()))
        })
    }
}

const KEEPS: &str = "86596120000001";
const ERASES: &str = "86596220000001";
const UNKNOWN: &str = "99999990000001";
const OTHER_PROFILE: [&str; 4] = ["--hash", "sha256", "--step", "60"];

#[test]
fn case_1_a_slow_clock_is_set_by_the_command_that_is_named() {
    let desk = Helpdesk::burned(KEEPS, &[], -97.25);
    let (word, said) = desk.verdict();
    assert_eq!(word, "off", "{said}");
    assert_eq!(desk.follow(&said).0, 0, "{said}");
    assert!(desk.works(SEED, &[]));
    assert_eq!(desk.verdict().0, "works");
}

#[test]
fn case_2_a_fast_clock_of_another_profile_keeps_that_profile() {
    let desk = Helpdesk::burned(KEEPS, &OTHER_PROFILE, 240.0);
    let (word, said) = desk.verdict();
    assert_eq!(word, "off", "{said}");
    assert_eq!(desk.follow(&said).0, 0, "{said}");
    assert!(desk.works(SEED, &OTHER_PROFILE));
}

#[test]
fn case_3_a_stopped_clock_is_called_so_and_its_user_gets_another_token() {
    let desk = Helpdesk::burned(KEEPS, &[], -500.0);
    desk.change(|state| state["clock"]["ppm"] = (-1e6).into());
    let (_, said) = desk.verdict();
    let (exit, said) = desk.follow(&said);
    assert_eq!(exit, 8, "{said}");
    assert!(said.contains("has stopped") && said.contains("another token"), "{said}");
}

#[test]
fn case_4_an_erased_seed_is_said_first_and_the_same_seed_makes_it_work() {
    let desk = Helpdesk::burned(ERASES, &OTHER_PROFILE, 0.0);
    desk.ok(&["sync", "--erase-seed", "--trust-host-clock"]);
    let (word, said) = desk.verdict();
    assert_eq!(word, "erased", "{said}");
    assert!(said.contains("shows no codes"), "{said}");
    // Step 3 with the seed at hand; the profile is the one on record.
    desk.ok(&["burn", "--no-verify", "--seed-file", "FILE", "--trust-host-clock"]);
    assert!(desk.works(SEED, &OTHER_PROFILE));
}

#[test]
fn case_5_a_half_burned_token_is_named_and_burning_it_again_makes_it_work() {
    let desk = Helpdesk::burned(KEEPS, &OTHER_PROFILE, 0.0);
    // The program was killed between its record and the end of the burn.
    let mut burn = in_folder(desk.folder.path());
    burn.args(["burn", "--no-verify", "--precise", "--seed-file", "other", "--replace-seed", "--trust-host-clock"]);
    let mut child = burn.args(["--reader", "emulated:token.json"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    // Killed at some moment of the two seconds that it takes to write on the second; where it was done already, or not begun,
    // there is nothing to name.
    std::thread::sleep(std::time::Duration::from_millis(1400));
    let _ = child.kill();
    child.wait().unwrap();
    let (word, said) = desk.verdict();
    assert!(matches!(word.as_str(), "unfinished" | "works"), "{word}: {said}");
    if word == "unfinished" {
        assert!(said.contains("did not end as it should"), "{said}");
    }
    desk.ok(&["burn", "--no-verify", "--seed-file", "other", "--replace-seed", "--trust-host-clock"]);
    assert!(desk.works(OTHER, &OTHER_PROFILE));
    assert_eq!(desk.verdict().0, "works");
}

#[test]
fn case_6_a_wrong_seed_is_found_by_a_code_and_a_new_one_needs_a_yes() {
    let desk = Helpdesk::burned(KEEPS, &[], 0.0);
    // The server has another seed than the token.
    let display = desk.ok(&["emulate", "--press", "--state", "token.json"]);
    // Within ten minutes a code of another seed fits by chance once in six thousand runs, within a day once in eighty.
    let (exit, said) = desk.run(&["verify", display.trim(), "--seed-file", "other", "--window", "600"]);
    assert!(exit == 8 && said.contains("no match") && said.contains("another seed"), "{said}");
    // Step 3: nothing on record is overwritten by accident.
    let (exit, said) = desk.run(&["burn", "--generate", "--no-verify", "--out", "new.csv", "--trust-host-clock"]);
    assert!(exit == 5 && said.contains("ana@example.org") && said.contains("--replace-seed"), "{said}");
    assert!(desk.works(SEED, &[]));
    desk.ok(&["burn", "--generate", "--no-verify", "--out", "new.csv", "--replace-seed", "--trust-host-clock"]);
    let display = desk.ok(&["emulate", "--press", "--state", "token.json"]);
    let is_right = (0..3).any(|_| desk.run(&["verify", display.trim(), "--seed-file", "new.csv"]).0 == 0);
    assert!(is_right, "the file has the seed that is on the token");
}

#[test]
fn case_7_a_wrong_profile_is_found_by_a_code_and_set_with_the_server_s() {
    let desk = Helpdesk::burned(KEEPS, &OTHER_PROFILE, 0.0);
    // The server counts with SHA-1 and 30 s.
    let display = desk.ok(&["emulate", "--press", "--state", "token.json"]);
    let is_named = (0..3).any(|_| {
        let display = desk.ok(&["emulate", "--press", "--state", "token.json"]);
        let (exit, said) = desk.run(&["verify", display.trim(), "--seed-file", "FILE"]);
        exit == 0 && said.contains("SHA256 and 60 s, and so must its server")
    });
    assert!(is_named);
    let (exit, said) = desk.run(&["verify", display.trim(), "--seed-file", "FILE", "--hash", "sha1", "--step", "30"]);
    assert!(exit == 8 && said.contains("other profile") && said.contains("ask what the server has"), "{said}");
    desk.ok(&["burn", "--no-verify", "--seed-file", "FILE", "--hash", "sha1", "--step", "30", "--trust-host-clock"]);
    assert!(desk.works(SEED, &[]));
}

#[test]
fn case_8_a_restricted_token_with_its_seed_at_hand_keeps_its_profile_and_works() {
    let desk = Helpdesk::burned(ERASES, &OTHER_PROFILE, -97.25);
    let (word, said) = desk.verdict();
    assert!(word == "off" && said.contains("--seed-file FILE"), "{said}");
    assert_eq!(desk.follow(&said).0, 0, "{said}");
    assert!(desk.works(SEED, &OTHER_PROFILE));
}

#[test]
fn case_9_a_restricted_token_without_its_seed_is_left_as_it_is_and_the_server_is_named() {
    let desk = Helpdesk::burned(ERASES, &[], -97.25);
    let before = desk.state();
    let (_, said) = desk.verdict();
    assert!(said.contains("without that, resynchronise it on its server"), "{said}");
    // Whoever skips that and types the usual command is stopped.
    let (exit, refused) = desk.run(&["sync", "--trust-host-clock"]);
    assert!(exit == 5 && refused.contains("erases its seed"), "{refused}");
    assert_eq!(desk.state(), before);
}

#[test]
fn case_10_an_unknown_model_is_read_and_not_written() {
    let desk = Helpdesk::new(UNKNOWN);
    desk.change(|state| {
        state["clock"]["shown_ns"] = (state["clock"]["shown_ns"].as_i64().unwrap() - 97_000_000_000).into()
    });
    let before = desk.state();
    let (word, said) = desk.verdict();
    assert!(word == "off" && said.contains("its model is not known"), "{said}");
    let (exit, refused) = desk.run(&["sync", "--trust-host-clock"]);
    assert!(exit == 5, "{refused}");
    assert_eq!(desk.state(), before);
}

#[test]
fn case_11_a_server_that_followed_the_old_clock_is_named_after_a_large_correction() {
    let desk = Helpdesk::burned(KEEPS, &[], -300.0);
    let (_, said) = desk.verdict();
    let (exit, said) = desk.follow(&said);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("resynchronise"), "{said}");
}

#[test]
fn case_12_of_two_tokens_the_one_that_is_meant_is_found_by_its_user() {
    let desk = Helpdesk::burned(KEEPS, &[], 0.0);
    desk.ok(&["emulate", "--create", "--serial", "86596120000002", "--state", "second.json"]);
    desk.ok(&["info", "--reader", "emulated:second.json"]);
    let shown = desk.ok(&["inventory", "show", "ana@example.org"]);
    assert!(shown.contains(desk.serial), "{shown}");
    // The wrong one of the two is not written.
    let args = ["sync", "--expect-serial", desk.serial, "--hash", "sha1", "--step", "30", "--trust-host-clock"];
    let (exit, said) = desk.run(&[&args[..], &["--reader", "emulated:second.json"]].concat());
    assert!(exit == 5 && said.contains("86596120000002") && said.contains(desk.serial), "{said}");
    desk.ok(&args);
}

#[test]
fn another_card_is_never_taken_for_a_token() {
    // On a reader of PC/SC: stack::strangers. In the folder of an emulated one: a file that is no token.
    let desk = Helpdesk::new(KEEPS);
    fs::write(desk.folder.path().join("card.json"), "{}").unwrap();
    let (exit, said) = desk.run(&["info", "--reader", "emulated:card.json"]);
    assert!(exit == 1 && said.contains("not the state of an emulated token"), "{said}");
}
