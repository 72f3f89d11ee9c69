//! A server that the inventory knows, with its credential: sealed, in a file, or from systemd. It is the one that this user has used before.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::unreadable;
use crate::cli::inventory::failed;
use crate::cli::output::note;
use crate::cli::record::{Store, station};
use crate::cli::store::server_pins;
use crate::cli::{describe, input, interrupt};
use crate::inventory::{Identity, Inventory, Pinned, ServerRecord, SlotKey, open_credential};
use crate::job::server::{AfterSync, ByHand, Hindrance, Work, codes_before};
use crate::job::{Failure, Problem, Remedy, TokenState};
use crate::plain::plain;
use crate::seedfile::Row;
use crate::server::{AuthServer, Pause, ServerError, ServerKind, ServerSettings, TellPerson};
use crate::time::{HostClock, SystemClock};

/// A pause of a server that is kept at a desk.
const DESK_WAITS: Duration = Duration::from_secs(3);

/// A server that can be spoken to. Nothing was asked yet.
pub struct Opened {
    /// What the inventory knows of it.
    pub record: ServerRecord,
    /// The same, read.
    pub settings: ServerSettings,
    /// The server.
    pub server: Box<dyn AuthServer + Send + Sync>,
    stops: Stops,
}

/// Whether somebody wants what goes to a server to stop: the whole program, or, once that is named, this alone.
#[derive(Clone, Default)]
struct Stops {
    stopped_by: Arc<OnceLock<Arc<AtomicBool>>>,
    /// Whoever waits at a desk is kept for no longer pause than this.
    patience: Option<Duration>,
}

impl Stops {
    fn asked(&self) -> bool {
        interrupt::asked() || self.stopped_by.get().is_some_and(|stops| stops.load(Ordering::Relaxed))
    }

    /// Waits, in pieces: whoever wants it to stop is not kept. Whether nobody does.
    fn pause(&self, span: Duration) -> bool {
        if self.patience.is_some_and(|most| span > most) {
            return false;
        }
        let until = Instant::now() + span;
        while Instant::now() < until && !self.asked() {
            std::thread::sleep(Duration::from_millis(50).min(until.saturating_duration_since(Instant::now())));
        }
        !self.asked()
    }
}

impl Opened {
    /// It stops too as soon as this is set, and waits for nothing then. Said once.
    #[cfg(feature = "web")]
    pub fn stopped_by(&self, stops: Arc<AtomicBool>) {
        let _ = self.stops.stopped_by.set(stops);
    }

    /// Whether somebody wants this to stop.
    pub fn is_stopped(&self) -> bool {
        self.stops.asked()
    }

    /// Does some work with the server.
    pub fn work<T>(&self, remark: Option<&str>, books: &dyn Inventory, work: impl FnOnce(&Work<'_>) -> T) -> T {
        let (clock, station) = (SystemClock::new(), station());
        work(&Work {
            books,
            name: &self.record.name,
            server: &*self.server,
            clock: &clock,
            station: &station,
            remark,
            pause: &|span| self.stops.pause(span),
        })
    }

    /// A token that was not mended here, for this reason.
    pub fn unmended(&self, serial: &str, why: Hindrance) -> AfterSync {
        unmended(&self.record.name, self.settings.kind, serial, why)
    }

    /// A token that was not mended here because the server is away: with two codes to type, where its seed is at hand.
    pub fn away(&self, serial: &str, why: Hindrance, row: Option<Row>) -> AfterSync {
        let codes = row.map(|row| ByHand::Codes(codes_before(&row, SystemClock::new().now().wall.timestamp(), 2)));
        AfterSync { by_hand: codes.or(Some(ByHand::OffDisplay)), ..self.unmended(serial, why) }
    }
}

/// A token that was not mended at a server, for this reason.
pub fn unmended(server: &str, kind: ServerKind, serial: &str, why: Hindrance) -> AfterSync {
    let by_hand = matches!(why, Hindrance::NoSeedAtHand).then_some(ByHand::OffDisplay);
    AfterSync {
        server: server.to_owned(),
        serial: serial.to_owned(),
        kind,
        done: Err(why),
        by_hand,
        by_hand_from: None,
    }
}

/// What the inventory knows of a server.
///
/// # Errors
/// A usage failure that names those that it knows.
pub fn record(inventory: &dyn Inventory, name: &str) -> Result<ServerRecord, Failure> {
    let servers = inventory.servers().map_err(failed)?;
    let names: Vec<String> = servers.iter().map(|server| server.name.clone()).collect();
    servers.into_iter().find(|server| server.name == name).ok_or_else(|| {
        let next = match names.as_slice() {
            [] => "make it known first with tokentap server add (see --help)".to_owned(),
            names => format!("use one of: {}", names.join(", ")),
        };
        Failure::usage(format!("the inventory knows no server {}", describe::given(name)), next)
    })
}

/// The names of the servers that the inventory knows; none where it does not answer.
#[cfg(feature = "web")]
pub fn names(inventory: &dyn Inventory) -> Vec<String> {
    inventory.servers().unwrap_or_default().into_iter().map(|server| server.name).collect()
}

/// What the inventory knows of a server; `None` where it cannot tell.
fn settings_of(inventory: &dyn Inventory, name: &str) -> Option<ServerSettings> {
    ServerSettings::of_text(&record(inventory, name).ok()?.settings)
}

/// The kind of a server; `None` where the inventory cannot tell.
pub fn kind_of(inventory: &dyn Inventory, name: &str) -> Option<ServerKind> {
    settings_of(inventory, name).map(|settings| settings.kind)
}

/// Whether somebody has to sign in at a page of the server's own each time.
pub fn is_by_person(inventory: &dyn Inventory, name: &str) -> bool {
    settings_of(inventory, name).is_some_and(|settings| settings.by_person)
}

/// Opens a server by its name.
///
/// # Errors
/// A failure of the record or of the credential.
pub fn open(store: &Store, name: &str, identity: Option<&Identity>) -> Result<Opened, Failure> {
    open_with(store, name, identity, Stops::default())
}

/// The same for a desk, where somebody waits: a server that asks for a long pause is away.
///
/// # Errors
/// As [`open()`].
pub fn open_at_desk(store: &Store, name: &str, identity: Option<&Identity>) -> Result<Opened, Failure> {
    open_with(store, name, identity, Stops { patience: Some(DESK_WAITS), ..Stops::default() })
}

fn open_with(store: &Store, name: &str, identity: Option<&Identity>, stops: Stops) -> Result<Opened, Failure> {
    // Whoever can write the inventory could name a server of their own.
    store.standing().map_err(failed)?;
    let record = record(store.inventory(), name)?;
    let settings = ServerSettings::of_text(&record.settings).ok_or_else(|| unreadable(name))?;
    check_known(store, &record, &settings)?;
    let credential = match settings.by_person {
        true => Zeroizing::default(),
        false => credential(&record, &settings, identity)?,
    };
    // On standard error also where the report is JSON: somebody has to do it.
    let tell: TellPerson = Arc::new(|page, code| note(&format!("to sign in, open {page} and type {code}")));
    let waits = stops.clone();
    let wait: Pause = Arc::new(move |span| waits.pause(span));
    let server = crate::server::open(&settings, credential, wait, tell).map_err(|error| server_failure(name, error))?;
    Ok(Opened { record, settings, server, stops })
}

/// Whether the server is where this user has used it before: whoever can write the inventory could send seeds elsewhere.
fn check_known(store: &Store, record: &ServerRecord, settings: &ServerSettings) -> Result<(), Failure> {
    let Known::Moved { was, is } = known(store, record, settings)? else { return Ok(()) };
    Err(Failure::usage(
        format!("the server {} is not as this user has used it before: {}", record.name, moved_words(&was, &is)),
        format!(
            "ask whoever runs the inventory; if the server has moved there: tokentap server confirm {}",
            record.name
        ),
    ))
}

/// What a server was, and what it is by the inventory.
pub fn moved_words(was: &[String], is: &[String]) -> String {
    let of = |what: &[String]| plain(&what.join(" "));
    format!(
        "it was {}, and according to the inventory it is now {} (in brackets: a digest of realm, tenant, authorities and the credential's file)",
        of(was),
        of(is)
    )
}

/// A server as a user has used it before.
pub enum Known {
    /// As it is now, or not yet.
    AsBefore,
    /// Otherwise: kind, address, account and the digest of the rest.
    Moved {
        /// As this user has used it.
        was: Vec<String>,
        /// As the inventory has it now.
        is: Vec<String>,
    },
}

/// How a server stands to what this user has used before. The first time counts as confirmed.
///
/// # Errors
/// What was confirmed cannot be read.
pub fn known(store: &Store, record: &ServerRecord, settings: &ServerSettings) -> Result<Known, Failure> {
    let Some(pins) = server_pins() else { return Ok(Known::AsBefore) };
    let (place, what) = pinned(store, &record.name, settings);
    let unread = |error: std::io::Error| {
        Failure::file(
            format!("what was confirmed of servers cannot be read: {error}"),
            "see that the folder can be read",
        )
    };
    match pins.compare(&place, &what).map_err(unread)? {
        Pinned::Same => Ok(Known::AsBefore),
        Pinned::First => {
            // What cannot be kept stops nobody; but whether the server moves is not noticed then.
            if let Err(failure) = confirm(store, &record.name, settings) {
                note(&unnoticed(&failure));
            }
            Ok(Known::AsBefore)
        }
        Pinned::Other(was) => Ok(Known::Moved { was, is: what }),
    }
}

/// Takes a server, as it is now, as the one that this user means.
///
/// # Errors
/// That cannot be kept: the server goes on to be taken for one that has moved.
pub fn confirm(store: &Store, name: &str, settings: &ServerSettings) -> Result<(), Failure> {
    let Some(pins) = server_pins() else { return Ok(()) };
    let (place, what) = pinned(store, name, settings);
    pins.confirm(&place, &what).map_err(|error| {
        Failure::file(
            format!("could not record that this server was confirmed: {error}"),
            "check that you can write to the folder of your own configuration",
        )
    })
}

/// What it means that a server could not be confirmed.
pub fn unnoticed(failure: &Failure) -> String {
    format!("{}; tokentap will not notice if its settings change", crate::report::fact(&failure.problem))
}

fn pinned(store: &Store, name: &str, settings: &ServerSettings) -> (PathBuf, Vec<String>) {
    let place = Path::new(&store.name()).join(format!("server {name}"));
    let digest = Sha256::digest(settings.to_text().as_bytes());
    let rest = data_encoding::HEXLOWER.encode(digest.get(..8).unwrap_or_default());
    // The rest: realm, tenant, authorities, and where the credential is.
    let what =
        vec![settings.kind.word().to_owned(), settings.url.clone(), settings.account.clone(), format!("({rest})")];
    (place, what)
}

/// The credential: systemd's, where it hands one over; that of the file; or the sealed one.
fn credential(
    record: &ServerRecord,
    settings: &ServerSettings,
    identity: Option<&Identity>,
) -> Result<Zeroizing<String>, Failure> {
    let name = format!("tokentap-server-{}", record.name);
    let by_systemd = std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| PathBuf::from(folder).join(&name));
    if let Some(file) = by_systemd.filter(|file| file.exists()) {
        return of_file(&file);
    }
    if let Some(file) = &settings.credential_file {
        return of_file(file);
    }
    let Some(sealed) = &record.credential else {
        return Err(Failure::usage(
            format!("no credential of the server {} is at hand", record.name),
            format!("run it as a service of systemd with LoadCredential={name}:FILE, or add the server again"),
        ));
    };
    let Some(identity) = identity else {
        return Err(Failure::usage(
            format!("the credential of the server {} is sealed", record.name),
            "name the identity that opens it with --identity FILE",
        ));
    };
    open_credential(sealed, &record.name, &record.settings, identity).map_err(|error| {
        Failure::usage(
            format!("the credential of the server {}: {error}", record.name),
            "name the identity that opens it, or add the server again with tokentap server add",
        )
    })
}

/// The credential in a file: its first line.
pub fn of_file(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let next = "name a file that holds the credential and nothing else";
    let content = input::small_file(file, next)?;
    of_bytes(&content, &describe::path(file))
}

/// A credential as it was read: one line.
pub fn of_bytes(content: &[u8], name: &str) -> Result<Zeroizing<String>, Failure> {
    let text = std::str::from_utf8(content).unwrap_or_default().trim_matches(['\r', '\n', '\u{FEFF}']);
    if text.is_empty() || text.contains(['\r', '\n', '\0']) {
        let next = "name a file that holds the credential and nothing else";
        return Err(Failure::usage(format!("{name} does not hold a credential in one line"), next));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// The failure of a server that was asked where no token is in reach.
pub fn server_failure(name: &str, error: ServerError) -> Failure {
    let remedy = Remedy::Server { name: name.to_owned(), remedy: error.remedy() };
    Failure::new(Problem::Server(error), TokenState::NotReached, remedy)
}

/// The failure of work at a server, as a whole or with one token.
pub fn hindered(server: &str, key: Option<&SlotKey>, why: Hindrance) -> Failure {
    match (key, why) {
        (_, Hindrance::Inventory(error)) => crate::job::unopened(&error),
        (None, Hindrance::Server(error)) => server_failure(server, error),
        (key, why) => {
            let (server, serial) = (server.to_owned(), key.map(|key| key.serial.clone()));
            let remedy =
                Remedy::AtServer { server, serial: serial.clone().unwrap_or_default(), why: Box::new(why.clone()) };
            Failure::new(Problem::AtServer { serial, why: Box::new(why) }, TokenState::NotReached, remedy)
        }
    }
}
