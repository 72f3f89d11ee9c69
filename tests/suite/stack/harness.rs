//! A PC/SC daemon with the virtual reader, and emulated tokens on it, in namespaces of their own.
//!
//! The daemon's socket has a fixed path and the virtual reader fixed ports, so every user of this starts itself anew
//! inside `unshare` and brings its own daemon and configuration.

use std::ffi::CString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pcsc::{Context, ReaderState, Scope, State};
use serde_json::Value;

use crate::support::{text, tokentap};

/// Set inside the namespaces, to the name of the one test that runs there.
const INSIDE: &str = "TOKENTAP_TEST_STACK";

/// A test's upper bound on any single wait; a wait that ends there has failed.
pub const LIMIT: Duration = Duration::from_secs(30);

pub const READERS: [&str; 2] = ["Virtual PCD 00 00", "Virtual PCD 00 01"];
pub const PORTS: [&str; 2] = ["127.0.0.1:35963", "127.0.0.1:35964"];

/// Runs `body` in namespaces of its own. `name` is the calling test's.
pub fn in_namespace(name: &str, body: impl FnOnce(&Path)) {
    let full = format!("stack::{name}");
    if is_inside(&full) {
        return inside(body);
    }
    let output =
        anew(&full, &["--exact", &full, "--nocapture", "--test-threads=1"]).output().expect("unshare of util-linux");
    println!("{}", text(&output));
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("1 passed"), "the test did not run inside: {}", text(&output));
}

/// Whether this process was started in its namespaces already.
pub fn is_inside(name: &str) -> bool {
    std::env::var(INSIDE).is_ok_and(|inside| inside == name)
}

/// This program again, in new namespaces.
pub fn anew(name: &str, args: &[&str]) -> Command {
    // A test that waits for ever is a failure.
    let mut again = Command::new("timeout");
    again.args(["--foreground", "--kill-after=10", "900", "unshare"]);
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        again.args(["-U", "-r"]);
    }
    again.args(["-m", "-n", "-p", "-f", "--mount-proc", "--kill-child"]);
    again.arg(std::env::current_exe().unwrap()).args(args).env(INSIDE, name);
    again
}

/// Prepares the namespaces and runs `body` in them, with a folder that is removed afterwards.
pub fn inside(body: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    sh("mount -t tmpfs none /run && mkdir /run/pcscd && ip link set lo up");
    body(folder.path());
}

pub fn sh(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {}", text(&output));
}

/// A PC/SC daemon with the virtual reader's two slots, or with none.
pub struct Stack {
    daemon: Child,
    folder: PathBuf,
    pub context: Context,
}

impl Stack {
    pub fn start(folder: &Path) -> Self {
        Self::named(folder, "Virtual PCD")
    }

    /// The same with another name of the reader.
    pub fn named(folder: &Path, name: &str) -> Self {
        Self::with(folder, &[(name, 35963)])
    }

    /// Readers of these names, each with two slots, at these ports and the next ones.
    pub fn with(folder: &Path, readers: &[(&str, u16)]) -> Self {
        let config = folder.join("readers");
        fs::create_dir(&config).unwrap();
        let driver = ["/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "/usr/lib64/pcsc/drivers/serial/libifdvpcd.so"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .expect("the driver of vsmartcard-vpcd");
        let mut entries = String::new();
        for (name, port) in readers {
            // Readers that share one driver file disturb each other.
            let own = folder.join(format!("vpcd-{port}.so"));
            fs::copy(driver, &own).unwrap();
            let own = own.display();
            entries.push_str(&format!(
                "FRIENDLYNAME \"{name}\"\nDEVICENAME /dev/null:{port:#X}\nLIBPATH {own}\nCHANNELID {port:#X}\n\n"
            ));
        }
        fs::write(config.join("vpcd"), entries).unwrap();
        Self::start_with(folder, &config)
    }

    pub fn start_without_readers(folder: &Path) -> Self {
        let config = folder.join("none");
        fs::create_dir(&config).unwrap();
        Self::start_with(folder, &config)
    }

    fn start_with(folder: &Path, config: &Path) -> Self {
        let (daemon, context) = start_daemon(config);
        Self { daemon, folder: folder.to_owned(), context }
    }

    /// Stops the daemon and starts it again, as a package update does.
    pub fn restart(&mut self) {
        self.stop();
        (self.daemon, self.context) = start_daemon(&self.folder.join("readers"));
    }

    /// The daemon's process.
    pub fn daemon_id(&self) -> u32 {
        self.daemon.id()
    }

    fn stop(&mut self) {
        let _ = self.daemon.kill();
        self.daemon.wait().unwrap();
        let _ = fs::remove_file("/run/pcscd/pcscd.comm");
        let _ = fs::remove_file("/run/pcscd/pcscd.pid");
    }

    /// Lays an emulated token on a slot, and returns when the daemon sees it.
    pub fn lay(&self, slot: usize, args: &[&str]) -> Laid<'_> {
        let mut child = tokentap()
            .args(["emulate", "--connect", PORTS[slot]])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains(" is on "), "{line}");
        let event = self.wait_until(slot, State::PRESENT, None);
        Laid { child, stack: self, slot, event }
    }

    /// The names of all readers, as the daemon has them.
    pub fn names(&self) -> Vec<String> {
        let names = self.context.list_readers_owned().unwrap();
        names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// Lays an emulated token on a slot of whatever name, and returns when the daemon sees a card there.
    pub fn lay_unseen(&self, slot: usize, args: &[&str]) -> Unseen {
        let mut command = tokentap();
        command.args(["emulate", "--connect", PORTS[slot]]).args(args).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let name = self.context.list_readers_owned().unwrap().swap_remove(slot);
        self.wait_for(name, State::PRESENT, None);
        Unseen(child)
    }

    pub fn wait_present(&self, slot: usize) {
        self.wait_until(slot, State::PRESENT, None);
    }

    /// Waits until a card is on the reader of this name.
    pub fn wait_present_on(&self, name: &str) {
        self.wait_for(CString::new(name).unwrap(), State::PRESENT, None);
    }

    pub fn wait_empty(&self, slot: usize) {
        self.wait_until(slot, State::EMPTY, None);
    }

    /// Waits for the daemon's word that a slot holds something or nothing, in an event after `after`.
    ///
    /// The state alone does not tell: when a reset fails the daemon says that the slot is empty before it has looked,
    /// and a card that comes back before it looks is never seen.
    fn wait_until(&self, slot: usize, wanted: State, after: Option<u32>) -> u32 {
        self.wait_for(CString::new(READERS[slot]).unwrap(), wanted, after)
    }

    fn wait_for(&self, name: CString, wanted: State, after: Option<u32>) -> u32 {
        let mut states = [ReaderState::new(name, State::UNAWARE)];
        loop {
            self.context.get_status_change(LIMIT, &mut states).expect("a change in time");
            let event = states[0].event_count();
            if states[0].event_state().contains(wanted) && Some(event) != after {
                return event;
            }
            states[0].sync_current_state();
        }
    }

    pub fn run(&self, args: &[&str]) -> Output {
        tokentap().args(args).output().unwrap()
    }

    /// Runs a command that must succeed.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        text(&output)
    }

    /// Runs a command that must succeed, and returns its JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[&["--json"][..], args].concat());
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command that must fail with this exit code, and returns its error object.
    pub fn fails(&self, exit: i32, args: &[&str]) -> Value {
        let output = self.run(&[&["--json"][..], args].concat());
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", text(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["error"].clone()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// Starts pcscd and returns when it lets programs in.
fn start_daemon(config: &Path) -> (Child, Context) {
    let help = Command::new("pcscd").arg("--help").output().expect("pcscd");
    let mut pcscd = Command::new("pcscd");
    pcscd.arg("--foreground").arg("-c").arg(config).stdout(Stdio::null());
    // 2.0 and later want polkit, or to be told not to; 1.9.9 does not know the flag.
    if text(&help).contains("--disable-polkit") {
        pcscd.arg("--disable-polkit");
    }
    let daemon = pcscd.spawn().unwrap();
    // It says that it is ready before its socket is; only the library tells when it really is.
    let began = std::time::Instant::now();
    loop {
        match Context::establish(Scope::User) {
            Ok(context) => return (daemon, context),
            Err(error) => assert!(began.elapsed() < LIMIT, "pcscd did not start: {error}"),
        }
        std::thread::yield_now();
    }
}

/// An emulated token that is taken off by being dropped.
pub struct Unseen(Child);

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A card in bytes of the test's choice, which counts what is sent to it.
pub struct Stranger {
    stream: std::net::TcpStream,
    heard: Arc<AtomicU32>,
}

/// A contactless card's ATR.
const CONTACTLESS: &[u8] = &[0x3B, 0x88, 0x80, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 1];

impl Stranger {
    /// A card that says nothing but who it is.
    pub fn lay(port: &str, serial: &[u8]) -> Self {
        let mut info = vec![0xFF, 1, 2, u8::try_from(serial.len()).unwrap()];
        info.extend_from_slice(serial);
        info.extend_from_slice(&[0, 0, 0x6B, 0, 0, 0, 0x90, 0x00]);
        Self::answering(port, CONTACTLESS, move |command, _| match command {
            [0x80, 0x41, ..] => info.clone(),
            _ => vec![0x6D, 0x00],
        })
    }

    /// A card with an ATR and an answer to each command, which is given its number, counted from 1.
    pub fn answering(port: &str, atr: &'static [u8], answer: impl Fn(&[u8], u32) -> Vec<u8> + Send + 'static) -> Self {
        use std::io::{Read, Write};
        let stream = std::net::TcpStream::connect(port).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut card = stream.try_clone().unwrap();
        let heard = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut length = [0; 2];
            while card.read_exact(&mut length).is_ok() {
                let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
                if card.read_exact(&mut message).is_err() {
                    return;
                }
                let reply = match message.as_slice() {
                    [0..=2] => continue,
                    [4] => atr.to_vec(),
                    command => answer(command, counted.fetch_add(1, Ordering::SeqCst) + 1),
                };
                let framed = [&(reply.len() as u16).to_be_bytes()[..], &reply].concat();
                if card.write_all(&framed).is_err() {
                    return;
                }
            }
        });
        Self { stream, heard }
    }

    /// How many commands were sent to it.
    pub fn heard(&self) -> u32 {
        self.heard.load(Ordering::SeqCst)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// An emulated token on a slot.
pub struct Laid<'a> {
    child: Child,
    stack: &'a Stack,
    slot: usize,
    /// The daemon's count of events when it came.
    event: u32,
}

impl Laid<'_> {
    /// Takes it off, and returns when the daemon has seen that.
    pub fn take_off(mut self) {
        let _ = self.child.kill();
        self.gone();
    }

    /// Waits until it has left by itself, and the daemon has seen that.
    pub fn gone(&mut self) {
        self.child.wait().unwrap();
        self.stack.wait_until(self.slot, State::EMPTY, Some(self.event));
    }
}

impl Drop for Laid<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
