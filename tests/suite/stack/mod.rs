//! The built program on a real PC/SC stack: pcscd, the virtual reader, an emulated card.

#[cfg(feature = "web")]
mod counter;
mod crowd;
pub mod harness;
mod runs;
mod standstill;
mod strangers;
mod three_families;

use std::ffi::CString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use pcsc::{Disposition, Protocols, ShareMode};
use serde_json::Value;

use crate::support::{text, tokentap};
use harness::{READERS, Stack, in_namespace, sh};

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
        assert!(line.contains("clock 9") && line.contains(" s slow → "), "{line}");
        let after = stack.json(&["info", "--precise"]);
        let (drift, resolution) =
            (after["clock"]["drift_s"].as_f64().unwrap(), after["clock"]["resolution_s"].as_f64());
        assert!(drift.abs() <= resolution.unwrap() + 1.0, "{after}");
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
                "--allow-short-seed",
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
    let (old, new) = ("00112233445566778899aabbccddeeff00112233", "aabbccddeeff0011223300112233445566778899");
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
fn a_token_that_leaves_during_a_config_is_told_truly_and_set_when_it_is_back() {
    in_namespace("a_token_that_leaves_during_a_config_is_told_truly_and_set_when_it_is_back", |folder| {
        leaves_in_the_middle(folder, &["config", "--fast", "--step", "60", "--erase-seed"], 5);
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
        assert!(text(&empty.run(&["doctor"])).contains("BAD  readers: no reader is connected"));
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
        assert!(line.contains("another program may be using it"), "{line}");
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
        use tokentap::reader::{Bounds, Patience, PcscLink, Service};
        let stack = Stack::start(folder);
        let _token = stack.lay(0, &[]);
        let service = Service::connect(&Bounds::until(None, &|| false)).unwrap();
        let mut link = PcscLink::connect(&service, READERS[0], Patience::usual()).unwrap();
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
