//! Names and texts that come from outside, each as bad as it can be: nothing of them acts on a terminal or on its reader's eye.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::harness::{PORTS, Stack, in_namespace, sh};
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
            let card = super::harness::Stranger::lay(PORTS[0], serial.as_bytes());
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
