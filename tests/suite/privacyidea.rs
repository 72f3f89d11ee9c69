//! A real privacyIDEA imports what is written for it, plain, under a key and under a password, and accepts the codes that burned
//! tokens show. `scripts/prepare --tests` installs it; where it cannot be had, the test says so and compares nothing.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::support::{not_run, run_in, target_folder, text};

const CONFIG: &str = "
import os
HERE = os.environ['PI_HERE']
SQLALCHEMY_DATABASE_URI = 'sqlite:///' + HERE + '/pi.sqlite'
SECRET_KEY = 'of a test'
PI_PEPPER = 'of a test'
PI_ENCFILE = HERE + '/enckey'
PI_AUDIT_MODULE = 'privacyidea.lib.auditmodules.base'
PI_AUDIT_NO_SIGN = True
PI_LOGFILE = HERE + '/pi.log'
PI_LOGLEVEL = 40
";

/// Serves on a free port, whose number is printed, until whoever started it is gone.
const SERVE: &str = "
import os, sys, threading
from privacyidea.app import create_app
from werkzeug.serving import make_server
app = create_app(config_name='production', config_file=sys.argv[1], silent=True)
server = make_server('127.0.0.1', 0, app, threaded=True)
print(server.server_port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
";

/// The administrator's name, and the password of everybody.
pub const ADMIN: &str = "admin";
/// Another one, who may do as much until a policy says less.
pub const HELPER: &str = "helper";
pub const PASSWORD_THERE: &str = "of-a-test";

/// A server that was set up and has not run yet: its files, which each server gets a copy of. They are kept from one run of the tests
/// to the next.
fn set_up() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        let asked = ["-c", "from importlib.metadata import version; print(version('privacyidea'))"];
        let version = Command::new(python()).args(asked).output().ok().filter(|it| it.status.success())?;
        let version = text(&version).trim().to_owned();
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("privacyidea-{version}"));
        if !kept.exists() {
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            fs::write(folder.path().join("pi.cfg"), CONFIG).unwrap();
            for args in [
                &["setup", "create_enckey"][..],
                &["setup", "create_tables"],
                &["admin", "add", "-p", PASSWORD_THERE, ADMIN],
                &["admin", "add", "-p", PASSWORD_THERE, HELPER],
            ] {
                let done = in_its(folder.path(), &python().with_file_name("pi-manage")).args(args).output().unwrap();
                assert!(done.status.success(), "{args:?}: {}", text(&done));
            }
            // Where another run was faster, its files are as good.
            let _ = fs::rename(folder.path(), &kept);
        }
        Some(kept)
    });
    made.as_deref()
}

fn python() -> PathBuf {
    target_folder().join("tools/privacyidea/bin/python")
}

/// A program with the server's files in a folder.
fn in_its(folder: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("PI_HERE", folder).env("PRIVACYIDEA_CONFIGFILE", folder.join("pi.cfg"));
    command
}

/// The server, which ends with the test.
pub struct Server {
    child: Child,
    pub port: u16,
    ticket: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one with a fresh database in a folder; `None`, said, where privacyIDEA is not installed.
    pub fn start(folder: &Path) -> Option<Self> {
        let Some(files) = set_up() else {
            not_run("privacyIDEA is not installed (scripts/prepare --tests)");
            return None;
        };
        for name in ["pi.cfg", "pi.sqlite", "enckey"] {
            fs::copy(files.join(name), folder.join(name)).unwrap();
        }
        let mut command = in_its(folder, &python());
        command.args(["-c", SERVE, folder.join("pi.cfg").to_str().unwrap()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let mut server = Self { child, port: port.trim().parse().unwrap(), ticket: String::new() };
        let signed_in = server.ask("POST", "/auth", &[("username", ADMIN), ("password", PASSWORD_THERE)]);
        server.ticket = signed_in["token"].as_str().unwrap().to_owned();
        Some(server)
    }

    /// Ends it: nothing listens at its port any more.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// A request of the administrator's, and the value that it is answered with.
    pub fn ask(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Value {
        let (status, answer) = self.answer(method, path, form);
        assert_eq!(status, 200, "{method} {path} {form:?}: {answer}");
        answer["result"]["value"].clone()
    }

    /// A request of the administrator's, its status, and all that it is answered with.
    pub fn answer(&self, method: &str, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let fields: Vec<String> =
            form.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
        self.send(method, path, "application/x-www-form-urlencoded", fields.join("&").as_bytes())
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let (ticket, length) = (&self.ticket, body.len());
        let head = format!(
            "{method} {path} HTTP/1.0\r\nAuthorization: {ticket}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    /// Imports a file; how many tokens it has taken in.
    fn import(&self, kind: &str, file: &Path, opens: &[(&str, &str)]) -> u64 {
        const PART: &str = "bbbbbbbbbbbbbbbbbbbb";
        let mut body = Vec::new();
        for (name, value) in [&[("type", kind)][..], opens].concat() {
            let part = format!("--{PART}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        let head = format!("--{PART}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"seeds\"\r\n\r\n");
        body.extend(head.into_bytes());
        body.extend(fs::read(file).unwrap());
        body.extend(format!("\r\n--{PART}--\r\n").into_bytes());
        let (status, answer) =
            self.send("POST", "/token/load/seeds", &format!("multipart/form-data; boundary={PART}"), &body);
        assert_eq!(status, 200, "{answer}");
        answer["result"]["value"]["n_imported"].as_u64().unwrap()
    }

    /// Whether it lets somebody in with this token and what they type.
    pub fn accepts(&self, serial: &str, typed: &str) -> bool {
        self.ask("POST", "/validate/check", &[("serial", serial), ("pass", typed)]) == true
    }
}

fn is_sha256(rows: &str, serial: &str) -> bool {
    rows.lines().any(|row| row.starts_with(serial) && row.contains("SHA256"))
}

/// A format, privacyIDEA's name for it, how it is locked, and how privacyIDEA opens it.
type Form<'a> = (&'a str, &'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

const KEY: &str = "00112233445566778899aabbccddeeff";
const PASSWORD: &str = "correct horse";

#[test]
fn what_is_written_for_privacyidea_is_imported_and_the_codes_of_the_tokens_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(folder.path()) else { return };
    let run = |args: &[&str]| {
        let (exit, said) = run_in(folder.path(), args);
        assert_eq!(exit, 0, "{args:?}: {said}");
        said
    };
    fs::write(folder.path().join("key"), KEY).unwrap();
    fs::write(folder.path().join("password"), PASSWORD).unwrap();
    let forms: [Form<'_>; 4] = [
        ("privacyidea", "OATH CSV", &[], &[]),
        ("pskc", "pskc", &[], &[]),
        ("pskc", "pskc", &["--to-pskc-key", "key"], &[("psk", KEY)]),
        ("pskc", "pskc", &["--to-pskc-password", "password"], &[("password", PASSWORD)]),
    ];
    // What privacyIDEA takes in and then never accepts: SHA-256 by its other name (the reason for the usual one).
    let by_other_name: Form<'_> = ("pskc", "pskc", &["--pskc-suite", "hmac"], &[]);
    for (number, (format, kind, locks, opens)) in forms.into_iter().chain([by_other_name]).enumerate() {
        let tokens = format!("tokens{number}");
        fs::create_dir(folder.path().join(&tokens)).unwrap();
        let mut rows = "serial,secret,hash,step\n".to_owned();
        let mut serials = Vec::new();
        for (index, (hash, step, bytes)) in
            [("SHA1", 30, 20_u8), ("SHA1", 60, 20), ("SHA256", 30, 32), ("SHA256", 60, 32)].into_iter().enumerate()
        {
            let serial = format!("865961200{number}120{index}");
            let secret: Vec<u8> = (0..bytes).map(|at| at.wrapping_mul(37) ^ (number * 16 + index) as u8).collect();
            let secret = data_encoding::BASE32_NOPAD.encode(&secret);
            rows.push_str(&format!("{serial},{secret},{hash},{step}\n"));
            run(&["emulate", "--create", "--serial", &serial, "--state", &format!("{tokens}/{serial}.json")]);
            serials.push(serial);
        }
        let (list, written) = (format!("rows{number}.csv"), format!("written{number}"));
        fs::write(folder.path().join(&list), &rows).unwrap();
        let (to, reader) = (format!("{format}={written}"), format!("emulated:{tokens}"));
        run(&[&["batch", &list, "--to", &to, "--reader", &reader, "--trust-host-clock"][..], locks].concat());
        let written = folder.path().join(written);
        assert_eq!(server.import(kind, &written, opens), 4, "{format} {locks:?}");
        for serial in &serials {
            let is_right = locks != by_other_name.2 || !is_sha256(&rows, serial);
            // A step may end in between.
            let is_accepted = (0..if is_right { 3 } else { 1 }).any(|_| {
                let state = format!("{tokens}/{serial}.json");
                let shown: Value =
                    serde_json::from_str(&run(&["emulate", "--press", "--state", &state, "--json"])).unwrap();
                server.accepts(serial, shown["display"].as_str().unwrap())
            });
            assert_eq!(is_accepted, is_right, "{format} {locks:?}: {serial}");
        }
    }
}
