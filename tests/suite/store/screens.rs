//! The server is away (docs/many-desks.md), and somebody sits at the desk: what waits stands on the screen.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::server::Server;
use crate::batch::{Tray, serials};
use crate::support::{text, tokentap};

/// Waits until something is so, within a time that no working program needs.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_waits_for_a_server_that_is_away_stands_on_the_desks_screen_and_is_on_record_afterwards() {
    let mut server = Server::start();
    let address = server.database();
    let database = address.rsplit('/').next().unwrap().to_owned();
    let tray = Tray::new(&serials("8659612", 12));
    let program = tokentap().get_program().to_owned().into_string().unwrap();
    let desk = format!("{program} --reader emulated:tokens desk --no-auto-sync --trust-host-clock");
    let mut command = Command::new("script");
    command.args(["-qfec", &desk, "screen"]).current_dir(tray.folder.path()).stdin(Stdio::piped());
    command.env("TOKENTAP_INVENTORY", &address).env("XDG_DATA_HOME", tray.path("data")).env("TERM", "xterm");
    command.env("XDG_CONFIG_HOME", tray.path("config")).env("COLUMNS", "80");
    let mut desk = command.stdout(Stdio::null()).spawn().expect("script of util-linux");

    let on_record = |server: &Server| {
        let events = server.sql("postgres", &database, "SELECT count(DISTINCT serial) FROM tokentap.events");
        events.map_or(0, |count| count.parse::<u32>().unwrap())
    };
    wait_until("no token is on record", || on_record(&server) > 0);
    server.kill();
    let screen = || String::from_utf8_lossy(&fs::read(tray.path("screen")).unwrap_or_default()).into_owned();
    // However fast it is, there is always one more.
    let mut more = 100_000;
    wait_until("the screen does not say what waits", || {
        tray.add(&format!("8659612{more:07}"));
        more += 1;
        screen().contains("in this desk's outbox")
    });
    // Ctrl-C, as it is typed there.
    desk.stdin.take().unwrap().write_all(b"\x03").unwrap();
    wait_until("the desk does not end", || desk.try_wait().unwrap().is_some());
    assert!(!screen().contains("panicked"), "{}", screen());
    // They go there with the next command, as the screen has said.
    server.resume();
    let before = on_record(&server);
    let mut next = tray.command(&["inventory", "tokens"]);
    let output = next.env("TOKENTAP_INVENTORY", &address).env("XDG_DATA_HOME", tray.path("data")).output().unwrap();
    assert!(output.status.success() && !text(&output).contains("outbox"), "{}", text(&output));
    assert!(on_record(&server) > before, "{before} tokens are on record, as before");
}
