//! A Molto2, a FIDO2 key and an NFC reader with a token, all plugged in at once: every command reaches its own device, and no wrong key
//! is ever sent to any.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::harness::{Stack, in_namespace};
use crate::support::{text, tokentap};

const MOLTO: &str = "TOKEN2 Molto2 [CCID Interface]";
const KEY: &str = "TOKEN2 FIDO2 Security Key(0016)";
const DESK: &str = "Desk Reader";

struct Plugged(Child);

impl Drop for Plugged {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn plug_in(folder: &Path, port: u16, args: &[&str]) -> Plugged {
    let mut command = tokentap();
    command.current_dir(folder).args(["emulate", "--connect", &format!("127.0.0.1:{port}")]).args(args);
    Plugged(command.stdout(Stdio::null()).spawn().unwrap())
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = tokentap();
    command.current_dir(folder).args(args).env("TOKENTAP_INVENTORY", folder.join("inventory.sqlite"));
    command.stdin(Stdio::null());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

fn ok(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    assert!(output.status.success(), "{args:?}: {}", text(&output));
    text(&output)
}

fn state(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn each_command_does_what_its_user_meant_with_a_molto2_a_key_and_a_token_plugged_in_at_once() {
    in_namespace(
        "three_families::each_command_does_what_its_user_meant_with_a_molto2_a_key_and_a_token_plugged_in_at_once",
        |folder| {
            let stack = Stack::with(folder, &[(MOLTO, 36001), (KEY, 36011), (DESK, 36021)]);
            let _molto = plug_in(folder, 36001, &["--family", "molto2", "--state", "molto.json", "--drift", "-97"]);
            let _key = plug_in(folder, 36011, &["--family", "hotp-key", "--state", "key.json"]);
            let _token = plug_in(folder, 36021, &["--state", "token.json", "--drift", "-97"]);
            for name in [MOLTO, KEY, DESK] {
                stack.wait_present_on(&format!("{name} 00 00"));
            }
            fs::write(folder.join("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
            fs::write(folder.join("other"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ").unwrap();
            // RFC 4226, appendix D.
            fs::write(folder.join("rfc"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
            let trust = "--trust-host-clock";

            let listed = ok(folder, &["readers"]);
            assert!(listed.contains("a Molto2") && listed.contains("a Token2 FIDO2 key"), "{listed}");
            let info = ok(folder, &["info"]);
            assert!(info.contains("OTPC-P1-i 86596120000001"), "{info}");
            assert!(ok(folder, &["info", "--reader", "molto"]).contains("100 slots"));
            assert!(ok(folder, &["info", "--reader", "fido"]).contains("the HOTP slot is empty"));

            let synced = ok(folder, &["sync", trust]);
            assert!(synced.contains("86596120000001"), "{synced}");
            ok(folder, &["burn", "--seed-file", "seed", "--no-verify", trust]);
            let burned =
                ok(folder, &["burn", "--slot", "3", "--title", "VPN", "--seed-file", "other", "--no-verify", trust]);
            assert!(burned.contains("Molto2 826658719844499, slot 3"), "{burned}");
            let codes = "755224,287082";
            let burned = ok(folder, &["burn", "--hotp", "--seed-file", "rfc", "--verify", codes, trust]);
            assert!(burned.contains("both codes are right"), "{burned}");
            assert!(ok(folder, &["sync", "--reader", "molto", trust]).contains("slot 3"));
            assert!(ok(folder, &["sync", "--slot", "3", trust]).contains("slot 3"));
            ok(folder, &["config", "--slot", "3", "--digits", "8", trust]);
            ok(folder, &["slot", "options", "--enter", "no"]);
            ok(folder, &["lock"]);
            // The desk serves the token and the Molto2, and leaves the key alone.
            let mut desk = command(folder, &["--json", "desk", "--fast", "--wait", "3", trust]);
            let desk = desk.output().unwrap();
            let visits = text(&desk);
            let count = |part: &str| visits.lines().filter(|line| line.contains(part)).count();
            assert_eq!(
                (count("\"event\":\"token\""), count("\"outcome\":\"synced\",\"reader\":\"TOKEN2 Molto2")),
                (2, 1),
                "{visits}"
            );
            assert_eq!(desk.status.code(), Some(0), "{visits}");
            // What is not for a device is not sent to it, also where it is named.
            for args in [
                &["burn", "--reader", "molto", "--seed-file", "seed", trust][..],
                &["config", "--reader", "fido", "--step", "60", trust],
                &["sync", "--reader", "fido", trust],
                &["burn", "--reader", "desk", "--slot", "1", "--seed-file", "rfc", trust],
            ] {
                let output = run(folder, args);
                assert!(!output.status.success(), "{args:?}: {}", text(&output));
            }

            let (molto, key, token) =
                (state(folder, "molto.json"), state(folder, "key.json"), state(folder, "token.json"));
            assert_eq!((&molto["wrong_keys"], &molto["tries"]), (&Value::from(0), &Value::from(8)));
            assert_eq!(token["wrong_answers"], 0);
            let hex = |file: &str| {
                let text = fs::read_to_string(folder.join(file)).unwrap();
                data_encoding::HEXLOWER.encode(&data_encoding::BASE32_NOPAD.decode(text.as_bytes()).unwrap())
            };
            assert_eq!(molto["slots"][3]["seed"], hex("other"));
            assert_eq!((&molto["slots"][3]["digits"], &molto["locked"]), (&Value::from(8), &Value::from(true)));
            assert_eq!((&key["seed"], &key["no_enter"]), (&Value::from(hex("rfc")), &Value::from(true)));
            assert_eq!(token["seed"], hex("seed"));
        },
    );
}
