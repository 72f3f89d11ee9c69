//! The inventory as a command uses it: opened where the arguments say, or left alone.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use super::args::Global;
use super::describe;
use super::input;
use super::output::Output;
use super::prompt;
use super::store::open_store;
#[cfg(feature = "postgres")]
pub use super::store::pins;
pub use super::store::{Store, Where, locate, open_at, path};
pub use super::who::station;
use crate::inventory::{Deed, Identity, InventoryError, SealError, Sqlite, Station};
use crate::job::remedy::TokenRemedy;
pub use crate::job::unopened;
use crate::job::{Books, Failure, Opener, Problem, Recorder, TokenState};
use crate::report::{Audience, WORDING, remedy_of_record, troubled};

/// How much a command needs the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It only reads the token: without the usual inventory it goes on, with a warning.
    Reading,
    /// It writes a profile that the arguments state in full: without an inventory it goes on, with a warning.
    Stated,
    /// It writes a profile that the inventory may know: it goes on only where there is no inventory yet.
    Profile,
    /// Without it nothing is done.
    Must,
}

/// The inventory, or none; and who works here.
pub struct Record {
    /// The inventory that is being opened beside other work, until somebody needs it.
    opening: Mutex<Option<JoinHandle<Opened>>>,
    books: OnceLock<Opened>,
    station: Station,
    /// The user's remark on everything that is recorded.
    remark: Option<String>,
}

/// An inventory that was opened, if one is wanted: with its file, and what is wrong with who can change it.
struct OpenBooks {
    inventory: Option<Box<Books>>,
    file: Option<PathBuf>,
    standing: Result<(), InventoryError>,
    /// Why its server could not be reached: what goes on all the same waits in the outbox.
    outage: Option<InventoryError>,
    /// It outlives this program.
    is_lasting: bool,
}

type Opened = Result<OpenBooks, InventoryError>;

impl OpenBooks {
    fn none() -> Self {
        Self { inventory: None, file: None, standing: Ok(()), outage: None, is_lasting: false }
    }

    fn of(store: Option<Store>) -> Self {
        let Some(store) = store else { return Self::none() };
        let outage = store.outage();
        let standing = store.standing();
        match store {
            Store::File(sqlite) => {
                let file = Some(sqlite.path().to_owned());
                Self { inventory: Some(sqlite), file, standing, outage, is_lasting: true }
            }
            #[cfg(feature = "postgres")]
            Store::Server(shared) => Self { inventory: Some(shared), file: None, standing, outage, is_lasting: true },
        }
    }
}

impl Record {
    /// Begins to open the inventory that the arguments name, or the usual one, while other things are done. [`Self::ready`] says
    /// how that went.
    pub fn begin(global: &Global) -> Self {
        let located = locate(global);
        if let Ok(None) = located {
            return Self::of(global, OpenBooks::of(None));
        }
        let opening = std::thread::spawn(move || open_at(located).map(OpenBooks::of));
        let (station, remark) = (station(), global.remark.clone());
        Self { opening: Mutex::new(Some(opening)), books: OnceLock::new(), station, remark }
    }

    /// Waits until the inventory is open.
    ///
    /// # Errors
    /// A failure where it cannot be opened and is needed, or was named.
    pub fn ready(&self, global: &Global, need: Need, output: &Output) -> Result<(), Failure> {
        match self.opened() {
            Ok(OpenBooks { outage: Some(error), .. }) => match need {
                Need::Reading | Need::Stated => {
                    output.note(&format!("{error}; what is done here waits in this desk's outbox until it does"));
                    Ok(())
                }
                Need::Profile => Err(unknown_profile(error)),
                Need::Must => Err(unopened(error)),
            },
            Ok(books) => told(books.standing.clone(), need == Need::Must, output),
            Err(error) if may_go_on(global, need) => {
                output.note(&unrecorded(error, "this is not recorded"));
                Ok(())
            }
            Err(error) if matches!(need, Need::Profile) => Err(unknown_profile(error)),
            Err(error) => Err(unopened(error)),
        }
    }

    fn opened(&self) -> &Opened {
        self.books.get_or_init(|| {
            let opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner).take();
            match opening.map(JoinHandle::join) {
                Some(Ok(opened)) => opened,
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                None => Ok(OpenBooks::of(None)),
            }
        })
    }

    /// Opens the inventory that the arguments name, or the usual one.
    ///
    /// # Errors
    /// A failure where it cannot be opened and is needed, or was named.
    pub fn open(global: &Global, need: Need, output: &Output) -> Result<Self, Failure> {
        let record = Self::begin(global);
        record.ready(global, need, output).map(|()| record)
    }

    fn of(global: &Global, books: OpenBooks) -> Self {
        let (station, remark) = (station(), global.remark.clone());
        Self { opening: Mutex::default(), books: OnceLock::from(Ok(books)), station, remark }
    }

    /// Opens the inventory for a run of many tokens: it is checked as a whole, and needed unless none is wanted.
    ///
    /// # Errors
    /// A failure where it cannot be opened or is damaged; where seeds are burned, also where others can change it.
    pub fn open_checked(global: &Global, burns: bool, output: &Output) -> Result<Self, Failure> {
        let store = open_store(global).map_err(|error| unopened(&error))?;
        // A server looks after its files itself.
        if let Some(Store::File(sqlite)) = &store {
            sqlite.quick_check().map_err(|error| unopened(&error))?;
        }
        let books = OpenBooks::of(store);
        if let Some(error) = &books.outage {
            return Err(unopened(error));
        }
        told(books.standing.clone(), burns, output)?;
        Ok(Self::of(global, books))
    }

    /// The same with an inventory in memory, where none is wanted.
    ///
    /// # Errors
    /// A failure of memory or of the system's generator.
    pub fn or_in_memory(self) -> Result<Self, Failure> {
        if self.books().is_some() {
            return Ok(self);
        }
        let sqlite = Sqlite::in_memory().map_err(|error| unopened(&error))?;
        let books = OpenBooks { inventory: Some(Box::new(sqlite)), ..OpenBooks::none() };
        let (station, remark) = (self.station.clone(), self.remark.clone());
        Ok(Self { opening: Mutex::default(), books: OnceLock::from(Ok(books)), station, remark })
    }

    /// Whether it outlives this program.
    pub fn is_lasting(&self) -> bool {
        self.opened().as_ref().is_ok_and(|opened| opened.is_lasting)
    }

    /// The fault in who can change it, or in whom it seals to, in words.
    #[cfg(feature = "web")]
    pub fn warning(&self) -> Option<String> {
        self.opened().as_ref().ok()?.standing.as_ref().err().map(troubled)
    }

    /// Its file, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.opened().as_ref().ok()?.file.as_deref()
    }

    /// The inventory, where there is one.
    pub fn books(&self) -> Option<&Books> {
        self.opened().as_ref().ok()?.inventory.as_deref()
    }

    /// The inventory, where there is one that could be reached: of another one neither recipients nor key are known.
    fn reached(&self) -> Option<&Books> {
        self.books().filter(|_| self.opened().as_ref().is_ok_and(|opened| opened.outage.is_none()))
    }

    /// Where and by whom, apart from the reader.
    pub fn station(&self) -> &Station {
        &self.station
    }

    /// Whether seeds are kept, sealed.
    ///
    /// # Errors
    /// A failure of the inventory.
    pub fn seals(&self) -> Result<bool, Failure> {
        match self.reached() {
            Some(books) => Ok(!books.recipients().map_err(|error| unopened(&error))?.is_empty()),
            None => Ok(false),
        }
    }

    /// The opener of sealed seeds, with the key that tells whether they are those that were burned.
    pub fn opener(&self, identity: Option<Identity>) -> Option<Opener> {
        let books = self.reached()?;
        identity.map(|identity| Arc::new((identity, books.fingerprint_key().clone())))
    }

    /// The user's own remark, and another one behind it.
    pub fn remark(&self, other: Option<String>) -> Option<String> {
        joined(self.remark.clone(), other)
    }

    /// A recorder of one job at a reader.
    pub fn recorder(&self, deed: Deed, reader: &str, emulated: bool) -> Recorder<'_> {
        let station = Station { reader: Some(reader.to_owned()), ..self.station.clone() };
        let remark = self.remark.clone();
        let (books, user) = (self.books(), RefCell::default());
        Recorder { books, station, emulated, deed, user, remark, wording: WORDING }
    }
}

impl Drop for Record {
    /// A file that is being made is not left half made.
    fn drop(&mut self) {
        let opening = self.opening.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let _ = opening.map(JoinHandle::join);
    }
}

/// Two remarks as one.
pub fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}

/// Says what is wrong with who can change an inventory, and whom it seals to; where seeds depend on it, it is a failure.
///
/// # Errors
/// The fault, if `is_needed`.
pub fn told(standing: Result<(), InventoryError>, is_needed: bool, output: &Output) -> Result<(), Failure> {
    match standing {
        Err(error) if is_needed => Err(unopened(&error)),
        Err(error) => {
            output.note(&troubled(&error));
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Whether a command goes on without an inventory. One that is there and cannot be read is not "nothing known": what it
/// knows of a token's profile would be overwritten.
fn may_go_on(global: &Global, need: Need) -> bool {
    match need {
        Need::Reading => !is_named(global),
        // On a server a seed may be held by another token, a profile may be known, and what is written would be on no record.
        #[cfg(feature = "postgres")]
        Need::Stated | Need::Profile if is_on_server(global) => false,
        Need::Stated => true,
        Need::Profile => !is_named(global) && path(global).ok().flatten().is_none_or(|path| is_absent(&path)),
        Need::Must => false,
    }
}

/// Whether the inventory is on a server, or was meant to be.
#[cfg(feature = "postgres")]
fn is_on_server(global: &Global) -> bool {
    matches!(locate(global), Ok(Some(Where::Server(_))) | Err(InventoryError::Address(_)))
}

/// Whether nothing is at a path, for certain.
fn is_absent(path: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    path.symlink_metadata().is_err_and(|error| matches!(error.kind(), NotFound | NotADirectory))
}

/// Whether the arguments name an inventory.
fn is_named(global: &Global) -> bool {
    global.inventory.as_ref().is_some_and(|path| !path.as_os_str().is_empty())
}

/// The failure of an inventory that cannot be read, where it may know the profile that is about to be overwritten.
fn unknown_profile(error: &InventoryError) -> Failure {
    Failure::new(Problem::ProfileUnread(error.clone()), TokenState::NotReached, error.remedy())
        .and(TokenRemedy::StateProfileOrNoInventory)
}

/// A remark on something that could not be recorded.
pub fn unrecorded(error: &InventoryError, what: &str) -> String {
    format!("{error}; {what} ({})", remedy_of_record(&error.remedy(), Audience::Terminal))
}

/// The identity that opens the inventory's seeds, from a file; a locked one is unlocked with a passphrase that is asked for.
///
/// # Errors
/// A failure that never repeats any of the file.
pub fn identity(path: Option<&Path>) -> Result<Option<Identity>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let content = input::small_file(path, "name the file with the identity that opens the inventory's seeds")?;
    let bad = |error: SealError| {
        let next = match error {
            SealError::Passphrase => "run the same command again, and type the passphrase of this file",
            SealError::Damaged => "use a copy of the identity file",
            _ => "name the identity file whose recipient the inventory seals to (tokentap inventory check shows it)",
        };
        Failure::usage(format!("{}: {error}", describe::path(path)), next)
    };
    if !Identity::is_locked(&content) {
        return Identity::parse(&content).map(Some).map_err(bad);
    }
    if !prompt::has_person() {
        let fact = format!("{} is locked with a passphrase, and there is no terminal to ask at", describe::path(path));
        return Err(Failure::usage(fact, "run this at a terminal, or name an identity file that is not locked"));
    }
    let passphrase = prompt::secret("Passphrase of the identity (not shown): ")?;
    Identity::unlock(&content, &passphrase).map(Some).map_err(bad)
}
