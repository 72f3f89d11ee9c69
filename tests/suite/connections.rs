//! Which connections the program makes: none, but to the server that a command names.

use std::fs;
use std::process::Command;

use crate::inventory::Desk;
use crate::keeping::sealing;
use crate::servers::duo_stand_in::{Duo, INTEGRATION_KEY, SECRET_KEY};
use crate::support::{not_run, text};

const SERIAL: &str = "86596120000001";

const MOLTO2: &str = "emulated:molto.json";
const READER: &str = "emulated:86596120000001";

const TRUST: &str = "--trust-host-clock";

/// The connections to other computers, or to this one by a network, that a command makes, as `strace` writes them; `None`, said, where
/// nothing can be traced.
fn connections(desk: &Desk, args: &[&str]) -> Option<Vec<String>> {
    let trace = desk.path("trace");
    let command = desk.command(args);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o"]).arg(&trace).arg(command.get_program());
    traced.args(command.get_args()).current_dir(desk.0.path());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    let output = traced.output().expect("scripts/prepare --tests installs strace");
    let Ok(seen) = fs::read_to_string(&trace) else {
        not_run(&format!("strace cannot trace here: {}", text(&output)));
        return None;
    };
    // Whatever it ends with on this system, it has understood what was typed.
    assert_ne!(output.status.code().unwrap(), 2, "{args:?}: {}", text(&output));
    Some(seen.lines().filter(|line| line.contains("AF_INET")).map(str::to_owned).collect())
}

#[test]
fn no_command_makes_a_connection_that_names_no_server() {
    let (desk, _) = sealing();
    desk.token(SERIAL);
    fs::write(desk.path("seed"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    fs::write(desk.path("seeds.csv"), "secret\nGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n").unwrap();
    let url = "https://api-1.example.org";
    let add = ["server", "add", "duo", "--kind", "duo", "--url", url, "--account", INTEGRATION_KEY];
    crate::keeping::private(&desk.path("credential"), &format!("{SECRET_KEY}\n"));
    let add = [&add[..], &["--credential-file", "credential"]].concat();
    for (name, family) in [("molto.json", "molto2"), ("key.json", "hotp-key")] {
        desk.ok(&["emulate", "--create", "--family", family, "--state", name]);
    }
    let commands: [&[&str]; 43] = [
        &["--version"],
        &["readers"],
        &["doctor"],
        &["info", "--reader", READER],
        &["burn", "--reader", READER, "--generate", "--no-verify", TRUST],
        &["sync", "--reader", READER, "--fast", TRUST],
        &["config", "--reader", READER, "--step", "30", TRUST],
        &add,
        &["server", "list"],
        &["server", "confirm", "duo"],
        &["sync", "--reader", READER, "--fast", TRUST],
        &["desk", "--reader", READER, "--fast", TRUST],
        &["inventory", "tokens"],
        &["inventory", "show", SERIAL],
        &["inventory", "events"],
        &["inventory", "forecast"],
        &["inventory", "check", "--identity", "identity"],
        &["inventory", "assign", SERIAL, "ana"],
        &["inventory", "export", "--identity", "identity", "--to", "csv=out.csv"],
        &["seeds", "check", "seeds.csv"],
        &["batch", "seeds.csv", "--dry-run"],
        &["emulate", "--press", "--state", SERIAL],
        &["server", "remove", "duo"],
        &["completions", "bash"],
        &["man"],
        &["code", "--seed-file", "seed"],
        &["verify", "123456", "--seed-file", "seed"],
        &["seeds", "qr", "seeds.csv", "--row", "1", "--png", "qr.png"],
        &["seeds", "generate", "--count", "2", "--to", "csv=new.csv"],
        &["seeds", "convert", "seeds.csv", "--to", "csv=other.csv"],
        &["inventory", "backup", "copy.sqlite"],
        &["inventory", "batches"],
        &["inventory", "unassign", SERIAL],
        &["inventory", "forget", SERIAL, "--yes"],
        &["selftest", "--read-only", "--reader", READER],
        &["slot", "title", "--slot", "3", "ana", "--reader", MOLTO2],
        &["burn", "--slot", "3", "--reader", MOLTO2, "--generate", "--no-verify", TRUST],
        &["slot", "clear", "--slot", "3", "--reader", MOLTO2],
        &["lock", "--reader", MOLTO2],
        &["unlock", "--reader", MOLTO2],
        &["customer-key", "check", "--reader", MOLTO2],
        &["factory-reset", "--erase-all", "--reader", MOLTO2],
        &["burn", "--hotp", "--reader", "emulated:key.json", "--generate", "--no-verify", TRUST],
    ];
    for args in commands {
        let Some(made) = connections(&desk, args) else { return };
        assert_eq!(made, Vec::<String>::new(), "{args:?}");
    }
}

#[test]
fn a_command_that_names_a_server_connects_to_nothing_else() {
    let (desk, _) = sealing();
    let server = Duo::start(&["ana"]);
    crate::keeping::private(&desk.path("credential"), &format!("{SECRET_KEY}\n"));
    let url = server.url();
    let add = ["server", "add", "duo", "--kind", "duo", "--url", &url, "--account", INTEGRATION_KEY];
    desk.ok(&[&add[..], &["--credential-file", "credential"]].concat());
    desk.token(SERIAL);
    desk.ok(&["burn", "--reader", READER, "--generate", "--no-verify", TRUST]);
    desk.ok(&["inventory", "assign", SERIAL, "ana"]);
    let of_server = format!("sin_port=htons({}), sin_addr=inet_addr(\"127.0.0.1\")", server.port);
    for command in [
        &["server", "check", "duo"][..],
        &["hand-over", "duo", "--serial", SERIAL],
        &["server", "compare", "duo"],
        &["server", "resync", "duo", SERIAL, "123456", "123457", "123458"],
    ] {
        let args = [command, &["--identity", "identity"]].concat();
        let Some(made) = connections(&desk, &args) else { return };
        assert!(!made.is_empty() && made.iter().all(|line| line.contains(&of_server)), "{args:?}: {made:?}");
    }
}
