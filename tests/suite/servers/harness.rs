//! A real privacyIDEA with users in two realms, a desk with emulated tokens that hands seeds to it, and the tests' own look at both.

use std::fs;
use std::process::Output;

use serde_json::Value;
use tokentap::otp::{Digits, Hash, hotp};
use tokentap::seed::Seed;

use crate::inventory::Desk;
use crate::keeping::{private, sealing};
use crate::privacyidea::{ADMIN, PASSWORD_THERE, Server};
use crate::support::text;

/// Users by login name, number, name and address. Two are called ada, and two share an address.
const OFFICE: &str = "ada:x:1001:100:Ada Lovelace,Room 1,,,ada@example.org:/:/bin/false
bob:x:1002:100:Bob Byte,Room 2,,,bob@example.org:/:/bin/false
eva:x:1003:100:Eva One,Room 2,,,same@example.org:/:/bin/false
";
const BRANCH: &str = "ada:x:2001:100:Ada Other,Room 1,,,ada.other@example.org:/:/bin/false
max:x:2002:100:Max Two,Room 2,,,same@example.org:/:/bin/false
";

pub const PIN: &str = "1234";

pub const TRUST: &str = "--trust-host-clock";

/// The desk, and the server, which ends first.
pub struct Site {
    pub server: Server,
    pub desk: Desk,
}

impl Site {
    /// A desk that seals its seeds, and a server with the realms `office` and `branch`; `None`, said, where privacyIDEA is not installed.
    pub fn open() -> Option<Self> {
        let (desk, _) = sealing();
        fs::create_dir(desk.path("pi")).unwrap();
        let server = Server::start(&desk.path("pi"))?;
        for (realm, users) in [("office", OFFICE), ("branch", BRANCH)] {
            let file = desk.path(realm);
            fs::write(&file, users).unwrap();
            let resolver = [("type", "passwdresolver"), ("fileName", file.to_str().unwrap())];
            server.ask("POST", &format!("/resolver/{realm}"), &resolver);
            server.ask("POST", &format!("/realm/{realm}"), &[("resolvers", realm)]);
        }
        private(&desk.path("password"), &format!("{PASSWORD_THERE}\n"));
        Some(Self { server, desk })
    }

    /// The same, with the server known to the desk as `pi`, its password sealed.
    pub fn known() -> Option<Self> {
        let site = Self::open()?;
        site.add("pi", ADMIN, &["--realm", "office", "--credential-file", "password"]);
        Some(site)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    pub fn add(&self, name: &str, account: &str, more: &[&str]) -> Value {
        let url = self.url();
        let args = ["server", "add", name, "--kind", "privacyidea", "--url", &url, "--account", account];
        self.desk.json(&[&args[..], more].concat())
    }

    /// Runs the program with the identity that opens what is sealed; its exit code, its report, and all of its words.
    pub fn run(&self, args: &[&str]) -> (i32, Value, String) {
        let args = [&["--json"], args, &["--identity", "identity"]].concat();
        read(&self.desk.command(&args).output().unwrap())
    }

    /// The same where it goes well.
    pub fn done(&self, args: &[&str]) -> Value {
        let (exit, report, words) = self.run(args);
        assert_eq!(exit, 0, "{args:?}: {words}");
        report
    }

    /// Makes an emulated token, and burns a seed of its own onto it; what `--reader` takes.
    pub fn burned(&self, serial: &str, hash: &str, step: u32) -> String {
        let reader = self.desk.token(serial);
        self.burn_again(serial, hash, step);
        reader
    }

    pub fn burn_again(&self, serial: &str, hash: &str, step: u32) {
        let (reader, step) = (format!("emulated:{serial}"), step.to_string());
        let burn = ["burn", "--reader", &reader, "--generate", "--no-verify", "--hash", hash, "--step", &step, TRUST];
        self.desk.ok(&[&burn[..], &["--replace-seed"]].concat());
    }

    /// What is on the display of an emulated token now.
    pub fn shown(&self, serial: &str) -> String {
        self.desk.json(&["emulate", "--press", "--state", serial])["display"].as_str().unwrap().to_owned()
    }

    /// The server accepts what is on the display, at the first try.
    pub fn accepts_the_display_of(&self, serial: &str) -> bool {
        let shown = self.shown(serial);
        self.server.accepts(serial, &shown)
    }

    /// All tokens of a serial at the server.
    pub fn all_there(&self, serial: &str) -> Vec<Value> {
        let found = self.server.ask("GET", &format!("/token/?serial={serial}"), &[]);
        found["tokens"].as_array().unwrap().clone()
    }

    /// The one token of a serial at the server.
    pub fn there(&self, serial: &str) -> Value {
        let mut all = self.all_there(serial);
        assert_eq!(all.len(), 1, "{serial}: {all:?}");
        all.remove(0)
    }

    /// Enrols a seed at the server by its own API, in the place of what is there, with a belief about its clock; user and PIN stay.
    pub fn enrol(&self, serial: &str, seed: &str, hash: &str, step: u32, drift_s: i64) {
        let (step, shift) = (step.to_string(), drift_s.to_string());
        let form = [
            ("type", "totp"),
            ("serial", serial),
            ("otpkey", seed),
            ("genkey", "0"),
            ("otplen", "6"),
            ("hashlib", hash),
            ("timeStep", &step),
            ("timeShift", &shift),
        ];
        self.server.ask("POST", "/token/init", &form);
    }

    /// Has the server follow a token whose clock is off by so much, as after months of logins: enrolled with this belief, and a login
    /// with the code on its display.
    pub fn follows(&self, serial: &str, hash: &str, step: u32, drift_s: i64) {
        self.enrol(serial, &self.desk.seed_of(serial), hash, step, drift_s);
        self.desk.drift(serial, drift_s);
        let pin = if self.there(serial)["description"] == PIN { PIN } else { "" };
        assert!(
            self.server.accepts(serial, &format!("{pin}{}", self.shown(serial))),
            "{serial}: a login, {drift_s} s off"
        );
    }

    /// Gives a token at the server a PIN.
    pub fn with_pin(&self, serial: &str) {
        self.server.ask("POST", "/token/setpin", &[("serial", serial), ("otppin", PIN)]);
        self.server.ask("POST", "/token/set", &[("serial", serial), ("description", PIN)]);
    }

    /// Sets the clock of a token, and mends it at `pi`.
    pub fn mends(&self, serial: &str, more: &[&str]) -> (i32, Value, String) {
        let reader = format!("emulated:{serial}");
        let sync = ["sync", "--reader", &reader, "--fast", TRUST, "--mend", "pi"];
        let (exit, report, words) = self.run(&[&sync[..], more].concat());
        (exit, report["servers"][0].clone(), words)
    }

    /// The desk's record holds together, seeds and seals too.
    pub fn record_is_sound(&self) {
        self.done(&["inventory", "check"]);
    }

    /// The events of a token, the last one first.
    pub fn events(&self, serial: &str) -> Vec<Value> {
        let report = self.desk.json(&["inventory", "events", "--serial", serial]);
        report["events"].as_array().unwrap().clone()
    }
}

/// An exit code, a report, and all words.
pub fn read(output: &Output) -> (i32, Value, String) {
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap(), report, text(output))
}

/// The code of a seed in hex at a count.
pub fn code_of(seed: &str, hash: Hash, count: u64) -> String {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(seed.as_bytes()).unwrap();
    hotp(&Seed::from_bytes(bytes).unwrap(), hash, count, Digits::Six).to_string()
}
