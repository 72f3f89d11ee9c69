//! What the stand-ins of servers share: HTTP on loopback, plain or by TLS, one request a connection; a log of what was asked; faults that
//! are laid in wait. And a desk that hands burned tokens over, and looks whether a secret has got anywhere.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER};
use serde_json::{Value, json};
use tokentap::inventory::{Deliveries, Delivery, DeliveryFilter, Sqlite};

use crate::inventory::Desk;
use crate::keeping::{private, sealing};
use crate::support::text;

/// A request, as it came.
pub struct Request {
    pub method: String,
    /// Without the query, as it came.
    pub path: String,
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The parts of the path.
    pub fn parts(&self) -> Vec<String> {
        self.path.split('/').skip(1).map(decoded).collect()
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn read(stream: &mut dyn Read) -> std::io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut words = lines.first().ok_or(ErrorKind::InvalidData)?.split(' ');
        let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default());
        let headers: Vec<(String, String)> = lines[1..]
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request =
            Self { method, path: path.to_owned(), query: form(query.as_bytes()), headers, body: Vec::new() };
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body)?;
        Ok(request)
    }
}

/// A part of an address without its `%XX`.
pub fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// The fields of a form, or of a query.
pub fn form(content: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(content).unwrap();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
    };
    pairs.map(pair).collect()
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    pub fn of(status: u16, body: Value) -> Self {
        Self { status, body }
    }
}

/// What a server knows and does.
pub trait Service: Send + 'static {
    /// Does what is asked. It is not called where a fault keeps the request from being done.
    fn answer(&mut self, request: &Request) -> Reply;

    /// The server's clock minus this computer's, in seconds.
    fn clock_offset_s(&self) -> i64 {
        0
    }

    /// What it says where it has a fault of its own.
    fn fault(&self, status: u16) -> Value;
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429, and nothing is done; with `Retry-After` in seconds, or without.
    Busy(Option<u32>),
    /// 429, and nothing is done; `Retry-After` is the time in so many seconds.
    BusyUntil(i64),
    /// 503, and nothing is done.
    Away,
    /// It is done, and the answer is 500.
    FaultyAfter,
    /// It is done, and the connection ends in the middle of the answer.
    CutAfter,
    /// Nothing is done, and the connection ends.
    CutBefore,
    /// It is done, and answered after so many milliseconds.
    Slow(u64),
    /// A page of somebody else's, with 200; nothing is done.
    Page,
    /// A page of somebody else's, with 200, after it was done.
    PageAfter,
    /// It is sent elsewhere; nothing is done.
    Redirect,
    /// It is done, and the answer has nine million bytes.
    TooLarge,
}

/// A fault that lies in wait for requests whose line has this in it, so many of them, after so many others.
struct Waiting {
    of: String,
    fault: Fault,
    after: usize,
    left: usize,
}

#[derive(Default)]
struct Around {
    log: Vec<String>,
    faults: VecDeque<Waiting>,
}

/// A server that runs until the test ends.
pub struct StandIn<S: Service> {
    pub port: u16,
    service: Arc<Mutex<S>>,
    around: Arc<Mutex<Around>>,
    is_over: Arc<AtomicBool>,
}

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Service> StandIn<S> {
    pub fn start(make: impl FnOnce(u16) -> S) -> Self {
        Self::start_with(make, None)
    }

    pub fn start_with(make: impl FnOnce(u16) -> S, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = Arc::new(Mutex::new(make(port)));
        let around = Arc::new(Mutex::new(Around::default()));
        let is_over = Arc::new(AtomicBool::new(false));
        let shared = (service.clone(), around.clone(), is_over.clone());
        std::thread::spawn(move || {
            let (service, around, is_over) = shared;
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (service, around, tls) = (service.clone(), around.clone(), tls.clone());
                std::thread::spawn(move || drop(serve(stream, tls, &service, &around)));
            }
        });
        Self { port, service, around, is_over }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it knows, to look at and to change.
    pub fn now(&self) -> MutexGuard<'_, S> {
        held(&self.service)
    }

    /// Lays a fault in wait for the next requests whose line has this in it.
    pub fn lay(&self, of: &str, fault: Fault, left: usize) {
        held(&self.around).faults.push_back(Waiting { of: of.to_owned(), fault, after: 0, left });
    }

    /// Lays a fault in wait for one request, counted from 1.
    pub fn lay_at(&self, number: usize, fault: Fault) {
        held(&self.around).faults.push_back(Waiting { of: String::new(), fault, after: number - 1, left: 1 });
    }

    /// Nothing goes wrong any more.
    pub fn forget_faults(&self) {
        held(&self.around).faults.clear();
    }

    /// What was asked, a line each: method, path and status.
    pub fn log(&self) -> Vec<String> {
        held(&self.around).log.clone()
    }

    pub fn forget_log(&self) {
        held(&self.around).log.clear();
    }

    /// How many requests have a line that begins so.
    pub fn asked(&self, begins: &str) -> usize {
        self.log().iter().filter(|line| line.starts_with(begins)).count()
    }

    /// Whether every fault was met.
    pub fn has_met_all(&self) -> bool {
        held(&self.around).faults.iter().all(|waiting| waiting.left == 0)
    }
}

impl<S: Service> Drop for StandIn<S> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn serve<S: Service>(
    mut tcp: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    service: &Mutex<S>,
    around: &Mutex<Around>,
) -> std::io::Result<()> {
    tcp.set_read_timeout(Some(Duration::from_secs(30)))?;
    let Some(tls) = tls else { return exchange(&mut tcp, service, around) };
    let connection = rustls::ServerConnection::new(tls).map_err(std::io::Error::other)?;
    let mut stream = rustls::StreamOwned::new(connection, tcp);
    exchange(&mut stream, service, around)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn exchange<S: Service, T: Read + Write>(
    stream: &mut T,
    service: &Mutex<S>,
    around: &Mutex<Around>,
) -> std::io::Result<()> {
    let request = Request::read(stream)?;
    let line = format!("{} {}", request.method, request.path);
    let fault = {
        let mut around = held(around);
        let met = around.faults.iter_mut().find(|waiting| waiting.left > 0 && line.contains(&waiting.of));
        met.and_then(|waiting| match waiting.after.checked_sub(1) {
            Some(after) => {
                waiting.after = after;
                None
            }
            None => {
                waiting.left -= 1;
                Some(waiting.fault)
            }
        })
    };
    let page = "<!doctype html><title>Sign in</title><p>Welcome to the guest network.";
    let (reply, more) = {
        let mut service = held(service);
        let reply = match fault {
            Some(Fault::Busy(_) | Fault::BusyUntil(_)) => Reply::of(429, service.fault(429)),
            Some(Fault::Away) => Reply::of(503, service.fault(503)),
            Some(Fault::Redirect) => Reply::of(302, Value::Null),
            Some(Fault::Page | Fault::CutBefore) => Reply::of(200, Value::Null),
            _ => service.answer(&request),
        };
        let faulty = (fault == Some(Fault::FaultyAfter)).then(|| Reply::of(500, service.fault(500)));
        let date = chrono::Utc::now() + chrono::TimeDelta::seconds(service.clock_offset_s());
        (faulty.unwrap_or(reply), format!("Date: {}\r\n", date.format("%a, %d %b %Y %H:%M:%S GMT")))
    };
    held(around).log.push(format!("{line} {}", reply.status));
    let (mut body, mut kind) = match reply.body {
        Value::Null => (Vec::new(), "application/json"),
        body => (body.to_string().into_bytes(), "application/json"),
    };
    let mut status = reply.status;
    let mut more = more;
    match fault {
        Some(Fault::Busy(Some(after))) => more.push_str(&format!("Retry-After: {after}\r\n")),
        Some(Fault::BusyUntil(seconds)) => {
            let until = chrono::Utc::now() + chrono::TimeDelta::seconds(seconds);
            more.push_str(&format!("Retry-After: {}\r\n", until.format("%a, %d %b %Y %H:%M:%S GMT")));
        }
        Some(Fault::Redirect) => more.push_str("Location: https://elsewhere.example.org/\r\n"),
        Some(Fault::Slow(ms)) => std::thread::sleep(Duration::from_millis(ms)),
        Some(Fault::Page | Fault::PageAfter) => (status, body, kind) = (200, page.as_bytes().to_vec(), "text/html"),
        Some(Fault::TooLarge) => body.resize(9_000_000, b' '),
        Some(Fault::CutBefore) => return Ok(()),
        _ => {}
    }
    let head = format!(
        "HTTP/1.1 {status} Said\r\n{more}Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if fault == Some(Fault::CutAfter) {
        body.truncate(body.len() / 2);
    }
    stream.write_all(&body)?;
    stream.flush()
}

/// A desk with burned tokens, their users, and secrets that must not get anywhere.
pub struct Counter {
    pub desk: Desk,
    secrets: Vec<Vec<u8>>,
}

pub const TRUST: &str = "--trust-host-clock";

impl Counter {
    pub fn new() -> Self {
        Self { desk: sealing().0, secrets: Vec::new() }
    }

    /// A credential in a file, which is a secret from now on.
    pub fn credential(&mut self, credential: &str) {
        private(&self.desk.path("credential"), &format!("{credential}\n"));
        self.secrets.push(credential.as_bytes().to_vec());
    }

    /// Burns a token for a user; its seed.
    pub fn burned(&mut self, serial: &str, user: Option<&str>, more: &[&str]) -> Vec<u8> {
        let reader = format!("emulated:{serial}");
        if !self.desk.path(serial).exists() {
            self.desk.token(serial);
        }
        let burn = ["burn", "--reader", &reader, "--generate", "--no-verify", TRUST];
        self.desk.ok(&[&burn[..], more].concat());
        if let Some(user) = user {
            self.desk.ok(&["inventory", "assign", serial, user]);
        }
        let seed = HEXLOWER.decode(self.desk.seed_of(serial).to_lowercase().as_bytes()).unwrap();
        self.secrets.push(seed.clone());
        seed
    }

    /// Runs the program; its exit code and what it said. No secret is in either, and none is in the inventory's files.
    pub fn run(&self, args: &[&str]) -> (i32, String) {
        self.run_with(args, &|_| ())
    }

    pub fn run_with(&self, args: &[&str], prepare: &dyn Fn(&mut Command)) -> (i32, String) {
        let mut command = self.desk.command(args);
        for proxy in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        prepare(&mut command);
        let output = command.output().unwrap();
        let said = text(&output);
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        self.keeps_secrets(args, said.as_bytes());
        for file in ["inventory.sqlite", "inventory.sqlite-wal", "inventory.sqlite-journal"] {
            self.keeps_secrets(args, &fs::read(self.desk.path(file)).unwrap_or_default());
        }
        (output.status.code().unwrap(), said)
    }

    fn keeps_secrets(&self, args: &[&str], content: &[u8]) {
        // A character a byte: the search of the standard library is for text, and fast.
        let lower = |bytes: &[u8]| bytes.to_ascii_lowercase().into_iter().map(char::from).collect::<String>();
        let content = lower(content);
        for secret in &self.secrets {
            let texts = [HEXLOWER.encode(secret), BASE32_NOPAD.encode(secret), BASE64.encode(secret)];
            let forms = texts.iter().map(|text| lower(text.trim_end_matches('=').as_bytes()));
            for form in forms.chain([lower(secret)]) {
                assert!(!content.contains(&form), "{args:?}: a secret got out");
            }
        }
    }

    pub fn ok(&self, args: &[&str]) -> String {
        let (exit, said) = self.run(args);
        assert_eq!(exit, 0, "{args:?}: {said}");
        said
    }

    /// What went to a server, as the journal has it.
    pub fn delivery(&self, serial: &str) -> Delivery {
        delivery_in(&Sqlite::open(&self.desk.path("inventory.sqlite")).unwrap(), serial)
    }

    /// As if what went there last had gone so many minutes ago.
    pub fn pass_minutes(&self, serial: &str, minutes: i64) {
        pass_minutes_in(&self.desk.path("inventory.sqlite"), serial, minutes);
    }
}

fn delivery_in(inventory: &Sqlite, serial: &str) -> Delivery {
    let filter = DeliveryFilter { server: None, serial: Some(serial.to_owned()) };
    inventory.deliveries(&filter).unwrap().pop().unwrap()
}

/// As if what went to a server last had gone so many minutes ago.
pub fn pass_minutes_in(inventory: &Path, serial: &str, minutes: i64) {
    let inventory = Sqlite::open(inventory).unwrap();
    let known = delivery_in(&inventory, serial);
    let earlier = Delivery { at: known.at - chrono::TimeDelta::minutes(minutes), ..known.clone() };
    inventory.deliver(Some(&known), &earlier, None).unwrap();
    inventory.settle().unwrap();
}

/// A list from `from` on, of at most `most`, and where the next page begins.
pub fn page(all: &[Value], from: usize, most: usize) -> (Value, Option<usize>) {
    let until = (from + most).min(all.len());
    let shown = all.get(from..until).unwrap_or_default();
    (json!(shown), (until < all.len()).then_some(until))
}
