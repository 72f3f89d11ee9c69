//! The page of a program that runs, and whoever asks it: by hand, or in a real browser.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{in_folder, run_in};

/// A test's upper bound on any single wait; a wait that ends there has failed.
pub const LIMIT: Duration = Duration::from_secs(30);

/// `tokentap web` over a folder of emulated tokens.
pub struct Web {
    pub folder: tempfile::TempDir,
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    /// The one-use code.
    pub code: String,
}

/// An answer of the server.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}: {}", self.status, self.body))
    }
}

/// Makes an emulated token in the folder that the program works over.
pub fn token(folder: &Path, serial: &str, args: &[&str]) {
    let state = format!("tokens/{serial}.json");
    let made = [&["emulate", "--create", "--serial", serial, "--state", &state], args].concat();
    let (exit, text) = run_in(folder, &made);
    assert_eq!(exit, 0, "{text}");
}

impl Web {
    /// A page over these tokens: serials, each with further arguments of `emulate`.
    pub fn start(tokens: &[(&str, &[&str])], args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tokens")).unwrap();
        for (serial, args) in tokens {
            token(folder.path(), serial, args);
        }
        Self::start_in(folder, args)
    }

    pub fn start_in(folder: tempfile::TempDir, args: &[&str]) -> Self {
        let mut command = in_folder(folder.path());
        command.args(["--reader", "emulated:tokens", "web", "--no-open", "--trust-host-clock"]).args(args);
        Self::spawn(folder, command)
    }

    /// The page of a command that is ready to run.
    pub fn spawn(folder: tempfile::TempDir, mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.map(Result::unwrap).find(|line| line.trim().starts_with("http://"));
        let Some(address) = address else {
            let output = child.wait_with_output().unwrap();
            panic!("no address: {}", crate::support::text(&output));
        };
        let (origin, code) = address.trim().split_once("/#").unwrap();
        Self { origin: origin.to_owned(), code: code.to_owned(), child, folder }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn host(&self) -> &str {
        self.origin.strip_prefix("http://").unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }

    /// A request with these headers and no others.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut stream = self.connect();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// A request as the page makes it.
    pub fn post(&self, path: &str, bearer: Option<&str>, body: &Value) -> Reply {
        let bearer = bearer.map(|bearer| format!("Bearer {bearer}"));
        let mut headers = vec![("Host", self.host()), ("Origin", &self.origin), ("Content-Type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        self.raw("POST", path, &headers, &body.to_string())
    }

    /// The bearer for the code.
    pub fn session(&self) -> String {
        let reply = self.post("/api/session", None, &json!({ "code": self.code }));
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["bearer"].as_str().unwrap().to_owned()
    }

    pub fn ask(&self, bearer: &str, ask: Value) -> Reply {
        self.post("/api/ask", Some(bearer), &ask)
    }

    pub fn state(&self, bearer: &str, after: u64) -> Value {
        let bearer = format!("Bearer {bearer}");
        let headers = [("Host", self.host()), ("Authorization", bearer.as_str())];
        self.raw("GET", &format!("/api/state?after={after}"), &headers, "").json()
    }

    /// The board as soon as it is so.
    pub fn wait_for(&self, bearer: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        let mut number = 0;
        loop {
            let state = self.state(bearer, number);
            if is_so(&state) {
                return state;
            }
            assert!(began.elapsed() < LIMIT, "{state}");
            number = state["number"].as_u64().unwrap();
        }
    }

    /// Ends it as Ctrl-C does; its exit code, and the folder.
    pub fn end(mut self) -> (i32, tempfile::TempDir) {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let exit = self.child.wait().unwrap().code().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (exit, folder)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
