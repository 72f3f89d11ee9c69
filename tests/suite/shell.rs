//! Completions and manual pages: made from the same arguments that the program reads.

use std::process::Command;

use crate::support::{text, tokentap};

#[test]
fn every_shell_gets_completions_that_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let output = tokentap().args(["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        for word in ["batch", "inventory", "expect-serial"] {
            assert!(text(&output).contains(word), "{shell} knows no {word}");
        }
    }
}

#[test]
fn bash_completes_a_command_that_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("tokentap.bash");
    std::fs::write(&script, tokentap().args(["completions", "bash"]).output().unwrap().stdout).unwrap();
    let try_it = format!(
        ". {}; COMP_WORDS=(tokentap inv); COMP_CWORD=1; _tokentap tokentap inv tokentap; echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let output = Command::new("bash").args(["-c", &try_it]).output().unwrap();
    assert_eq!(text(&output).trim(), "inventory");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = tokentap().args(["man", "--out"]).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    for page in ["tokentap", "tokentap-batch", "tokentap-desk", "tokentap-inventory-show", "tokentap-seeds-convert"] {
        let content = std::fs::read_to_string(folder.path().join(format!("{page}.1"))).unwrap();
        assert!(content.contains(".SH NAME"), "{page}");
    }
    // Also what the short help leaves out, with its text.
    let sync = std::fs::read_to_string(folder.path().join("tokentap-sync.1")).unwrap();
    assert!(sync.contains("Only go on if the token has this serial") && sync.contains("Ask this NTP server"), "{sync}");
    let missing = tokentap().args(["man", "--out", "/nonexistent/folder"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1), "{}", text(&missing));
}
