//! Windows' smart card service as the program meets it there, for emulated tokens: `winscard.c` hands each call over a socket.
//!
//! It keeps to what is documented (<https://learn.microsoft.com/windows/win32/api/winscard/>): no service while no reader is there;
//! it stops with the last reader; a transaction that sends nothing for five seconds ends with a reset; Windows selects applications of
//! its own when a card arrives.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokentap::emulator::{EmulatedLink, StateFile};
use tokentap::link::Link;
use tokentap::time::SystemClock;

/// The codes of winerror.h that the service answers with.
mod code {
    pub const SUCCESS: u32 = 0;
    pub const INVALID_HANDLE: u32 = 0x8010_0003;
    pub const UNKNOWN_READER: u32 = 0x8010_0009;
    pub const TIMEOUT: u32 = 0x8010_000A;
    pub const NOT_TRANSACTED: u32 = 0x8010_0016;
    pub const NO_SERVICE: u32 = 0x8010_001D;
    pub const SERVICE_STOPPED: u32 = 0x8010_001E;
    pub const NO_READERS: u32 = 0x8010_002E;
    pub const RESET_CARD: u32 = 0x8010_0068;
    pub const REMOVED_CARD: u32 = 0x8010_0069;
}

/// The states of winscard.h.
mod state {
    pub const CHANGED: u32 = 0x2;
    pub const UNKNOWN: u32 = 0x4;
    pub const EMPTY: u32 = 0x10;
    pub const PRESENT: u32 = 0x20;
}

/// The ATR of a contactless card.
const ATR: [u8; 13] = [0x3B, 0x88, 0x80, 0x01, b'T', b'O', b'K', b'E', b'N', b'T', b'A', b'P', 0x17];

/// The reader that stands for the arrival of readers.
const NOTIFICATION: &str = "\\\\?PnP?\\Notification";

/// How long a transaction may send nothing.
const IDLE: Duration = Duration::from_secs(5);

/// Applications that Windows selects when a card arrives: PIV, and the one of its own minidrivers.
const SELECTS: [&[u8]; 2] = [
    &[0x00, 0xA4, 0x04, 0x00, 0x09, 0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00],
    &[0x00, 0xA4, 0x04, 0x00, 0x09, 0xA0, 0x00, 0x00, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59],
];

/// A token that leaves at one of the commands that the program sends it, counted from 1.
#[derive(Debug, Clone, Copy)]
pub struct Leaves {
    pub at: u32,
    /// After it carried the command out, with its answer lost.
    pub after: bool,
}

struct Laid {
    link: EmulatedLink,
    number: u32,
    sent: u32,
    leaves: Option<Leaves>,
    /// Another program's reset comes before this command.
    reset_at: Option<u32>,
    /// How often it was reset.
    resets: u32,
    /// Who holds it, and when it last sent something.
    holder: Option<(u32, Instant)>,
}

struct Reader {
    name: String,
    /// Arrivals and departures.
    events: u32,
    laid: Option<Laid>,
}

/// A connection to a card.
#[derive(Clone)]
struct Handle {
    reader: String,
    card: u32,
    resets: u32,
}

#[derive(Default)]
struct World {
    readers: Vec<Reader>,
    contexts: HashMap<u32, u32>,
    handles: HashMap<u32, Handle>,
    /// Contexts of an earlier service are dead.
    life: u32,
    next: u32,
    log: Vec<String>,
}

/// The service.
#[derive(Clone)]
pub struct Service {
    world: Arc<(Mutex<World>, Condvar)>,
    port: u16,
}

impl Service {
    /// A service without any reader: it does not run.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self { world: Arc::default(), port: listener.local_addr().unwrap().port() };
        let shared = service.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let service = shared.clone();
                std::thread::spawn(move || service.serve(stream));
            }
        });
        service
    }

    /// Its port, as `winscard.c` wants it.
    pub fn port(&self) -> String {
        self.port.to_string()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.0.lock().unwrap()
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let done = change(&mut self.world());
        self.world.1.notify_all();
        done
    }

    pub fn plug_in(&self, name: &str) {
        self.change(|world| world.readers.push(Reader { name: name.to_owned(), events: 0, laid: None }));
    }

    /// With the last reader the service stops.
    pub fn pull_out(&self, name: &str) {
        self.change(|world| {
            world.readers.retain(|reader| reader.name != name);
            world.life += u32::from(world.readers.is_empty());
        });
    }

    /// Lays an emulated token on a reader. Windows asks it first what it is.
    pub fn lay(&self, name: &str, state: &Path, leaves: Option<Leaves>) {
        self.lay_and_reset(name, state, leaves, None);
    }

    pub fn lay_and_reset(&self, name: &str, state: &Path, leaves: Option<Leaves>, reset_at: Option<u32>) {
        let file = StateFile::new(PathBuf::from(state));
        let card = file.load().unwrap().unwrap();
        let mut link = EmulatedLink::kept(file, card, Arc::new(SystemClock::new()));
        for select in SELECTS {
            assert_eq!(link.transmit(select).unwrap(), [0x6E, 0x00], "a token knows no such class");
        }
        self.change(|world| {
            world.next += 1;
            let (number, holder) = (world.next, None);
            let reader = world.reader(name).unwrap();
            reader.events += 1;
            reader.laid = Some(Laid { link, number, sent: 0, leaves, reset_at, resets: 0, holder });
        });
    }

    pub fn lift(&self, name: &str) {
        self.change(|world| world.lift(name));
    }

    /// Whether a token lies on a reader: one may have left.
    pub fn has_token(&self, name: &str) -> bool {
        self.world().reader(name).is_some_and(|reader| reader.laid.is_some())
    }

    /// How many commands the program has sent to the token on a reader.
    pub fn sent(&self, name: &str) -> u32 {
        self.world().reader(name).and_then(|reader| reader.laid.as_ref()).map_or(0, |laid| laid.sent)
    }

    /// Waits until a token was worked with and let go of.
    pub fn wait_until_done(&self, name: &str) {
        self.wait_until_done_or(name, &mut || false);
    }

    /// The same, or until nobody will work with it any more.
    pub fn wait_until_done_or(&self, name: &str, is_over: &mut dyn FnMut() -> bool) {
        let began = Instant::now();
        while !is_over() {
            let world = self.world();
            let is_open = world.handles.values().any(|handle| handle.reader == name);
            let sent = world.readers.iter().find(|reader| reader.name == name).and_then(|reader| reader.laid.as_ref());
            if sent.is_none_or(|laid| laid.sent > 0) && !is_open {
                return;
            }
            drop(world);
            assert!(began.elapsed() < Duration::from_secs(60), "nobody works with the token: {:?}", self.world().log);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut head = [0; 20];
        if stream.read_exact(&mut head).is_err() {
            return;
        }
        let word = |at: usize| u32::from_le_bytes(head[at * 4..at * 4 + 4].try_into().unwrap());
        let mut bytes = vec![0; word(4) as usize];
        stream.read_exact(&mut bytes).unwrap();
        let (code, numbers, answer) = self.call(word(0), word(1), word(2), &bytes);
        let mut reply = Vec::new();
        for number in [code, numbers[0], numbers[1], answer.len() as u32] {
            reply.extend_from_slice(&number.to_le_bytes());
        }
        reply.extend_from_slice(&answer);
        let _ = stream.write_all(&reply);
    }

    fn call(&self, number: u32, a: u32, b: u32, bytes: &[u8]) -> (u32, [u32; 2], Vec<u8>) {
        let plain = |code| (code, [0; 2], Vec::new());
        match number {
            1 => self.change(|world| match world.readers.is_empty() {
                true => plain(code::NO_SERVICE),
                false => {
                    world.next += 1;
                    let (number, life) = (world.next, world.life);
                    world.contexts.insert(number, life);
                    (code::SUCCESS, [number, 0], Vec::new())
                }
            }),
            2 => plain(self.change(|world| world.contexts.remove(&a).map_or(code::INVALID_HANDLE, |_| code::SUCCESS))),
            3 => self.change(|world| match world.context(a) {
                Err(code) => plain(code),
                Ok(()) if world.readers.is_empty() => plain(code::NO_READERS),
                Ok(()) => {
                    let names: Vec<u8> =
                        world.readers.iter().flat_map(|reader| [reader.name.as_bytes(), b"\0"].concat()).collect();
                    (code::SUCCESS, [0; 2], [&names[..], b"\0"].concat())
                }
            }),
            4 => self.status(a, b, bytes),
            5 => self.change(|world| match world.connect(a, &String::from_utf8_lossy(bytes)) {
                // T=1, as every contactless card.
                Ok(handle) => (code::SUCCESS, [handle, 2], Vec::new()),
                Err(code) => plain(code),
            }),
            6 => self.change(|world| (world.reconnect(a, b), [0, 2], Vec::new())),
            7 => plain(self.change(|world| world.disconnect(a, b))),
            8 => plain(self.begin(a)),
            9 => plain(self.change(|world| world.end(a))),
            10 => self.change(|world| match world.transmit(a, bytes) {
                Ok(answer) => (code::SUCCESS, [0; 2], answer),
                Err(code) => plain(code),
            }),
            _ => plain(code::SUCCESS),
        }
    }

    /// Waits until the state of a reader is another one than the program knows.
    fn status(&self, context: u32, timeout: u32, question: &[u8]) -> (u32, [u32; 2], Vec<u8>) {
        let mut asked = Vec::new();
        let mut rest = question;
        while let Some((current, tail)) = rest.split_first_chunk::<4>() {
            let end = tail.iter().position(|byte| *byte == 0).unwrap();
            asked.push((u32::from_le_bytes(*current), String::from_utf8_lossy(&tail[..end]).into_owned()));
            rest = &tail[end + 1..];
        }
        let deadline = Instant::now() + Duration::from_millis(timeout.into());
        let mut world = self.world();
        loop {
            if let Err(code) = world.context(context) {
                return (code, [0; 2], Vec::new());
            }
            let mut answer = Vec::new();
            let mut has_changed = false;
            for (current, name) in &asked {
                let (now, atr) = world.state(name);
                let changed = current & !state::CHANGED != now;
                has_changed |= changed;
                let event = now | if changed { state::CHANGED } else { 0 };
                answer.extend_from_slice(&event.to_le_bytes());
                answer.extend_from_slice(&(atr.len() as u32).to_le_bytes());
                answer.extend_from_slice(atr);
                answer.resize(answer.len().next_multiple_of(44), 0);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if has_changed || left.is_zero() {
                return (if has_changed { code::SUCCESS } else { code::TIMEOUT }, [0; 2], answer);
            }
            world = self.world.1.wait_timeout(world, left).unwrap().0;
        }
    }

    /// Waits until nobody else holds the card.
    fn begin(&self, handle: u32) -> u32 {
        let mut world = self.world();
        loop {
            let laid = match world.laid(handle) {
                Ok(laid) => laid,
                Err(code) => return code,
            };
            match laid.holder {
                Some((other, since)) if other != handle && since.elapsed() < IDLE => {}
                _ => {
                    laid.holder = Some((handle, Instant::now()));
                    return code::SUCCESS;
                }
            }
            world = self.world.1.wait_timeout(world, Duration::from_millis(50)).unwrap().0;
        }
    }
}

impl World {
    fn reader(&mut self, name: &str) -> Option<&mut Reader> {
        self.readers.iter_mut().find(|reader| reader.name == name)
    }

    /// Whether a context is one of the service that runs.
    fn context(&self, number: u32) -> Result<(), u32> {
        match self.contexts.get(&number) {
            None => Err(code::INVALID_HANDLE),
            Some(life) if *life != self.life || self.readers.is_empty() => Err(code::SERVICE_STOPPED),
            Some(_) => Ok(()),
        }
    }

    /// The state of a reader, with the count of its events in the upper half, and the ATR there.
    fn state(&self, name: &str) -> (u32, &'static [u8]) {
        if name == NOTIFICATION {
            return ((self.readers.len() as u32) << 16, &[]);
        }
        match self.readers.iter().find(|reader| reader.name == name) {
            None => (state::UNKNOWN, &[]),
            Some(Reader { events, laid: None, .. }) => (events << 16 | state::EMPTY, &[]),
            Some(Reader { events, laid: Some(_), .. }) => (events << 16 | state::PRESENT, &ATR),
        }
    }

    fn lift(&mut self, name: &str) {
        if let Some(reader) = self.reader(name) {
            reader.events += u32::from(reader.laid.take().is_some());
        }
    }

    fn connect(&mut self, context: u32, name: &str) -> Result<u32, u32> {
        self.context(context)?;
        let reader = self.reader(name).ok_or(code::UNKNOWN_READER)?;
        let laid = reader.laid.as_ref().ok_or(code::REMOVED_CARD)?;
        let handle = Handle { reader: name.to_owned(), card: laid.number, resets: laid.resets };
        self.next += 1;
        self.handles.insert(self.next, handle);
        Ok(self.next)
    }

    /// The card of a connection.
    fn laid(&mut self, handle: u32) -> Result<&mut Laid, u32> {
        let Some(Handle { reader, card, resets }) = self.handles.get(&handle).cloned() else {
            return Err(if self.readers.is_empty() { code::SERVICE_STOPPED } else { code::INVALID_HANDLE });
        };
        let Some(reader) = self.readers.iter_mut().find(|other| other.name == reader) else {
            return Err(code::SERVICE_STOPPED);
        };
        match &mut reader.laid {
            Some(laid) if laid.number != card => Err(code::REMOVED_CARD),
            None => Err(code::REMOVED_CARD),
            Some(laid) => {
                // Nothing was sent for too long.
                if laid.holder.is_some_and(|(_, since)| since.elapsed() >= IDLE) {
                    drop(laid.link.reset());
                    laid.resets += 1;
                    laid.holder = None;
                }
                if laid.resets == resets { Ok(laid) } else { Err(code::RESET_CARD) }
            }
        }
    }

    fn reconnect(&mut self, handle: u32, initialization: u32) -> u32 {
        let found = match self.laid(handle) {
            Err(code::RESET_CARD) | Ok(_) => self.handles.get(&handle).cloned(),
            Err(code) => return code,
        };
        let Some(Handle { reader, .. }) = found else { return code::INVALID_HANDLE };
        let Some(laid) = self.reader(&reader).and_then(|reader| reader.laid.as_mut()) else {
            return code::REMOVED_CARD;
        };
        if initialization != 0 {
            drop(laid.link.reset());
            laid.resets += 1;
        }
        let resets = laid.resets;
        if let Some(handle) = self.handles.get_mut(&handle) {
            handle.resets = resets;
        }
        code::SUCCESS
    }

    fn disconnect(&mut self, handle: u32, disposition: u32) -> u32 {
        if let Ok(laid) = self.laid(handle) {
            if disposition != 0 {
                drop(laid.link.reset());
                laid.resets += 1;
            }
            laid.holder = laid.holder.filter(|(holder, _)| *holder != handle);
        }
        self.handles.remove(&handle).map_or(code::INVALID_HANDLE, |_| code::SUCCESS)
    }

    fn end(&mut self, handle: u32) -> u32 {
        self.laid(handle).map_or_else(
            |code| code,
            |laid| {
                laid.holder = None;
                code::SUCCESS
            },
        )
    }

    fn transmit(&mut self, handle: u32, command: &[u8]) -> Result<Vec<u8>, u32> {
        let laid = self.laid(handle)?;
        laid.sent += 1;
        if laid.reset_at.take_if(|at| *at == laid.sent).is_some() {
            drop(laid.link.reset());
            laid.resets += 1;
            return Err(code::RESET_CARD);
        }
        let leaves = laid.leaves.filter(|leaves| leaves.at == laid.sent);
        if leaves.is_none_or(|leaves| leaves.after) {
            let answer = laid.link.transmit(command).map_err(|_| code::NOT_TRANSACTED)?;
            laid.holder = laid.holder.map(|(holder, _)| (holder, Instant::now()));
            if leaves.is_none() {
                return Ok(answer);
            }
        }
        let reader = self.handles[&handle].reader.clone();
        self.lift(&reader);
        Err(code::REMOVED_CARD)
    }
}
