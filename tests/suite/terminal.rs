//! A terminal that goes away in the middle of a run, as a closed window or a dropped connection does it: the token in hand is
//! finished, the server's file is written, and nothing panics.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::batch::{Tray, check_agreement, rows, serials};
use crate::support::{Dice, tokentap};

/// Runs a command at a terminal of its own, which goes away when the child is killed. Its exit code and what a panic would
/// have said come into files.
fn at_terminal(desk: &Tray, args: &str) -> Child {
    let program = tokentap().get_program().to_owned().into_string().unwrap();
    // The shell outlives the terminal; the program has a handler of its own for what tells of its end.
    let inner =
        format!("trap '' HUP; {program} --reader emulated:tokens {args} 2>said; echo $? > code.new; mv code.new code");
    fs::write(desk.path("inner.sh"), inner).unwrap();
    let mut command = Command::new("script");
    command.args(["-qec", "sh inner.sh", "/dev/null"]).current_dir(desk.folder.path());
    command.env("TOKENTAP_INVENTORY", desk.path("inventory.sqlite")).env("TERM", "xterm").env("TZ", "UTC");
    command.env("XDG_CONFIG_HOME", desk.path("config")).stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().expect("script of util-linux")
}

fn code(path: &Path) -> Option<i32> {
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "the program did not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    fs::read_to_string(path).unwrap().trim().parse().ok()
}

#[test]
fn a_batch_whose_terminal_goes_away_finishes_the_token_in_hand_and_writes_its_files() {
    let mut dice = Dice::new();
    for _ in 0..5 {
        let desk = Tray::new(&serials("8659612", 40));
        desk.write("rows.csv", &rows(&[None; 40]));
        let mut child = at_terminal(&desk, "batch rows.csv --to csv=out.csv --precise --trust-host-clock");
        let began = Instant::now();
        while desk.seeds().len() < 2 {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(dice.below(1500)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(code(&desk.path("code")), Some(130), "{:?}", fs::read_to_string(desk.path("said")));
        check_agreement(&desk, Some("out.csv"));
        let batch = desk.inventory_batch();
        assert_eq!(batch.counts.unknown(), 0);
        assert!(batch.counts.done() >= 2 && batch.counts.left() > 0);
    }
}

#[test]
fn a_desk_whose_terminal_goes_away_ends_with_130() {
    let desk = Tray::new(&serials("8659612", 30));
    let mut child = at_terminal(&desk, "desk --trust-host-clock");
    let began = Instant::now();
    while !desk.path("inventory.sqlite").exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(1500));
    child.kill().unwrap();
    child.wait().unwrap();
    let said = || fs::read_to_string(desk.path("said")).unwrap_or_default();
    assert!(matches!(code(&desk.path("code")), Some(10 | 130)), "{}", said());
    assert!(!said().contains("panicked"), "{}", said());
}
