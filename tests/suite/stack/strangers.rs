//! Names and texts that come from outside, each as bad as it can be: nothing of them acts on a terminal or on its reader's eye.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::harness::{PORTS, Stack, Stranger, in_namespace, sh};
use crate::support::{text, tokentap};

/// Renames the window, clears the screen, turns the line round, hides.
const WORST: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}gpj\u{2066}\u{200b}";

fn check(output: &Output, what: &[&str]) {
    let said = text(output);
    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
    };
    assert!(!said.contains(acts), "{what:?}: {said:?}");
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command: Command = tokentap();
    command.current_dir(folder).env("TOKENTAP_INVENTORY", folder.join("inventory.sqlite"));
    command.env("XDG_CONFIG_HOME", folder.join("config")).args(args).stdin(Stdio::null());
    command.output().unwrap()
}

#[test]
fn a_reader_a_card_and_a_user_with_the_worst_of_names_play_no_tricks_in_any_output() {
    in_namespace(
        "strangers::a_reader_a_card_and_a_user_with_the_worst_of_names_play_no_tricks_in_any_output",
        |folder| {
            let stack = Stack::named(folder, &format!("Virtual PCD {WORST}"));
            let first = stack.lay_unseen(0, &["--serial", "86596120001234"]);
            let reader =
                stack.names().into_iter().find(|name| name.contains("owned")).expect("the reader's name as it is");
            let rows =
                format!("serial,secret,upn\n86596120001234,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,ada{}\n", "\u{202e}gpj");
            fs::write(folder.join("rows.csv"), rows).unwrap();
            for args in [
                &["readers"][..],
                &["info"],
                &["info", "-v"],
                &["info", "--trace"],
                &["--json", "info"],
                &["doctor"],
                &["--json", "doctor"],
                &["info", "--reader", WORST],
                &["info", "--reader", &reader],
                &["sync", "--fast", "-v", "--trust-host-clock"],
                &["batch", "rows.csv", "--wait", "2", "--trust-host-clock"],
                &["desk", "--fast", "--wait", "2", "--trust-host-clock"],
                &["--json", "desk", "--fast", "--wait", "2", "--trust-host-clock"],
                &["inventory", "assign", "86596120001234", "ada\u{202e}gpj"],
                &["inventory", "show", "86596120001234"],
                &["--json", "inventory", "show", "86596120001234"],
                &["inventory", "tokens"],
                &["inventory", "tokens", "--csv"],
                &["inventory", "events"],
                &["--json", "inventory", "events"],
                &["inventory", "batches"],
                &["inventory", "batches", "--rows", "1"],
                &["seeds", "check", WORST],
                &["seeds", "check", "rows.csv", "--from", WORST],
                &["seeds", "convert", "rows.csv", "--to", &format!("csv={WORST}/x")],
                &[WORST],
                &["sync", WORST],
                &["sync", "--time", WORST],
                &["--wait", WORST, "info"],
            ] {
                check(&run(folder, args), args);
            }
            let _second = stack.lay_unseen(1, &["--serial", "86596220005678"]);
            for args in [&["info"][..], &["--json", "info"]] {
                let output = run(folder, args);
                assert_eq!(output.status.code(), Some(2), "{}", text(&output));
                check(&output, args);
            }
            drop(first);
        },
    );
}

#[test]
fn a_card_whose_serial_is_no_serial_is_recorded_nowhere() {
    in_namespace("strangers::a_card_whose_serial_is_no_serial_is_recorded_nowhere", |folder| {
        let stack = Stack::start(folder);
        for serial in ["=cmd|'/c calc'!A1", "+1", "-2", "@x", "8659612 0001234", &"8".repeat(33), "8659\u{1b}[2J"] {
            let card = Stranger::lay(PORTS[0], serial.as_bytes());
            stack.wait_present(0);
            for args in [&["info"][..], &["sync", "--fast", "--trust-host-clock"], &["--json", "info"]] {
                let output = run(folder, args);
                assert_eq!(output.status.code(), Some(5), "{serial:?}: {}", text(&output));
                check(&output, args);
            }
            drop(card);
            stack.wait_empty(0);
        }
        let listed = run(folder, &["inventory", "tokens", "--csv"]);
        assert!(text(&listed).lines().count() <= 3, "{}", text(&listed));
        sh("true");
    });
}

/// The ATR of a `YubiKey` that is plugged in, and of one over NFC (`3B 8n 80 01`, its name in the historical bytes).
const KEY_PLUGGED_IN: &[u8] = &[
    0x3B, 0xFD, 0x13, 0, 0, 0x81, 0x31, 0xFE, 0x15, 0x80, 0x73, 0xC0, 0x21, 0xC0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4B,
    0x65, 0x79, 0x40,
];
const KEY_BY_NFC: &[u8] =
    &[0x3B, 0x8D, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x21, 0xC0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4B, 0x65, 0x79, 0xF9];

#[test]
fn a_molto2_a_security_key_and_a_card_with_contacts_are_waited_past_and_nothing_is_sent_to_them() {
    in_namespace(
        "strangers::a_molto2_a_security_key_and_a_card_with_contacts_are_waited_past_and_nothing_is_sent_to_them",
        |folder| {
            let names =
                ["TOKEN2 Molto2 [CCID Interface]", "Yubico YubiKey OTP+FIDO+CCID", "Built-in Reader", "Desk Reader"];
            let stack =
                Stack::with(folder, &[(names[0], 36001), (names[1], 36011), (names[2], 36021), (names[3], 36031)]);
            let refuses = |_: &[u8], _: u32| vec![0x63, 0xC7];
            // What costs a Molto2 one of its tries, or changes it.
            let harmful = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&harmful);
            let molto2 = move |command: &[u8], _: u32| {
                if command.first() == Some(&0x84) || matches!(command.get(1), Some(0xCE | 0x4B | 0xE6 | 0x56)) {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                vec![0x63, 0xC7]
            };
            let others = [
                // A Molto2's ATR is not published: it may look like any card's.
                Stranger::answering("127.0.0.1:36001", KEY_BY_NFC, molto2),
                Stranger::answering("127.0.0.1:36011", KEY_PLUGGED_IN, refuses),
                Stranger::answering("127.0.0.1:36021", &[0x3B, 0x9F, 0x95, 0x81, 0x31, 0xFE, 0x9F], refuses),
                Stranger::answering("127.0.0.1:36031", KEY_BY_NFC, refuses),
            ];
            for name in names {
                stack.wait_present_on(&format!("{name} 00 00"));
            }
            let heard = || others.iter().map(Stranger::heard).collect::<Vec<_>>();
            let sync = ["sync", "--allow-unknown-model", "--erase-seed", "--trust-host-clock"];
            for args in [&["info"][..], &["info", "--wait", "1"], &sync, &["readers"], &["doctor"]] {
                let output = run(folder, args);
                let said = text(&output);
                assert_eq!(heard(), [0; 4], "{args:?}: {said}");
                if !matches!(args[0], "readers" | "doctor") {
                    assert_eq!(output.status.code(), Some(5), "{args:?}: {said}");
                    assert!(said.contains("nothing was sent to it"), "{said}");
                }
            }
            fs::write(folder.join("rows.csv"), "serial,secret\n86596120001234,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n")
                .unwrap();
            let said = text(&run(folder, &["batch", "rows.csv", "--wait", "2", "--trust-host-clock"]));
            assert_eq!(heard(), [0; 4], "{said}");
            // A desk serves a Molto2: it asks who is there, and sends no key to what does not say.
            let said = text(&run(folder, &["desk", "--wait", "2", "--trust-host-clock"]));
            assert_eq!((&heard()[1..], harmful.load(Ordering::SeqCst)), (&[0; 3][..], 0), "{said}");
            // A token beside all of them is found, and so is one that comes while they are waited past.
            let mut waiting = tokentap();
            waiting.current_dir(folder).args(["info", "--wait", "30"]).stdout(Stdio::piped()).stderr(Stdio::piped());
            let waiting = waiting.spawn().unwrap();
            let mut laid = tokentap();
            let mut laid =
                laid.args(["emulate", "--connect", "127.0.0.1:36032"]).stdout(Stdio::null()).spawn().unwrap();
            stack.wait_present_on("Desk Reader 00 01");
            let output = waiting.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output));
            assert!(run(folder, &["info"]).status.success());
            assert_eq!(heard()[1..], [0; 3]);
            // Whoever names one means it, and is told which reader it was; a Molto2 would count a wrong key.
            let named = run(folder, &["--json", "info", "--reader", "yubikey"]);
            assert_eq!(named.status.code(), Some(5), "{}", text(&named));
            assert!(text(&named).contains("\"reader\":\"Yubico YubiKey OTP+FIDO+CCID 00 00\""), "{}", text(&named));
            assert!(others[1].heard() > 0);
            for args in [&["info"][..], &sync, &["burn", "--generate", "--out", "new.csv"]] {
                let said = run(folder, &[args, &["--reader", "molto2"]].concat());
                assert!(!said.status.success(), "{}", text(&said));
                assert_eq!(harmful.load(Ordering::SeqCst), 0, "{}", text(&said));
            }
            laid.kill().unwrap();
            laid.wait().unwrap();
        },
    );
}

#[test]
fn a_token_that_is_not_awake_yet_is_asked_again_and_one_that_was_lifted_is_waited_for() {
    in_namespace(
        "strangers::a_token_that_is_not_awake_yet_is_asked_again_and_one_that_was_lifted_is_waited_for",
        |folder| {
            let stack = Stack::start(folder);
            const TOKEN: &[u8] = &[0x3B, 0x88, 0x80, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 1];
            let info = [&[0, 0, 0, 14][..], b"86596120001234", &[0, 0, 0x6B, 0, 0, 0, 0x90, 0x00]].concat();
            for status in [[0x6F, 0x00], [0x63, 0x00]] {
                let info = info.clone();
                let awakes = move |_: &[u8], number: u32| if number < 3 { status.to_vec() } else { info.clone() };
                let cold = Stranger::answering(PORTS[0], TOKEN, awakes);
                stack.wait_present(0);
                let output = run(folder, &["info"]);
                assert!(output.status.success() && cold.heard() == 3, "{}", text(&output));
                drop(cold);
                stack.wait_empty(0);
                let never = Stranger::answering(PORTS[0], TOKEN, move |_, _| status.to_vec());
                stack.wait_present(0);
                let output = run(folder, &["info", "--wait", "2"]);
                let said = text(&output);
                assert_eq!(output.status.code(), Some(7), "{said}");
                assert!(said.contains("not awake yet") && said.contains("reader: Virtual PCD 00 00"), "{said}");
                assert!(!said.contains("not a programmable token"), "{said}");
                drop(never);
                stack.wait_empty(0);
            }
            // It leaves before it is read, and is back while it is waited for.
            let mut first = stack.lay(0, &["--leave-before", "1"]);
            let mut waiting = tokentap();
            waiting.args(["info", "--wait", "30"]).stdout(Stdio::piped()).stderr(Stdio::piped());
            let waiting = waiting.spawn().unwrap();
            first.gone();
            let _second = stack.lay(0, &[]);
            let output = waiting.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", text(&output));
            assert!(text(&output).contains("lay it back"), "{}", text(&output));
        },
    );
}
