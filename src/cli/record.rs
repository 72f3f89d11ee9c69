//! The inventory as a command uses it: opened where the arguments say, or left alone.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use super::args::Global;
use super::describe;
use super::input;
use super::output::{Output, note};
use super::prompt;
use crate::files::{beside, folder_of};
use crate::inventory::{Deed, Identity, Inventory, InventoryError, Pins, SealError, Sqlite, Station, make_folder};
use crate::job::remedy::TokenRemedy;
pub use crate::job::unopened;
use crate::job::{Books, Failure, Opener, Problem, Recorder, TokenState};
use crate::report::{WORDING, remedy_of_record};

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
}

type Opened = Result<OpenBooks, InventoryError>;

impl OpenBooks {
    fn of(sqlite: Option<Sqlite>) -> Self {
        let Some(sqlite) = sqlite else { return Self { inventory: None, file: None, standing: Ok(()) } };
        let standing = sqlite.check_alone().and_then(|()| sqlite.check_recipients());
        let file = Some(sqlite.path().to_owned());
        Self { inventory: Some(Box::new(sqlite)), file, standing }
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
        let sqlite = open_sqlite(global).map_err(|error| unopened(&error))?;
        if let Some(sqlite) = &sqlite {
            sqlite.quick_check().map_err(|error| unopened(&error))?;
        }
        let books = OpenBooks::of(sqlite);
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
        let books = OpenBooks { inventory: Some(Box::new(sqlite)), file: None, standing: Ok(()) };
        let (station, remark) = (self.station.clone(), self.remark.clone());
        Ok(Self { opening: Mutex::default(), books: OnceLock::from(Ok(books)), station, remark })
    }

    /// Whether it outlives this program.
    pub fn is_lasting(&self) -> bool {
        self.path().is_some()
    }

    /// Its file, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.opened().as_ref().ok()?.file.as_deref()
    }

    /// The inventory, where there is one.
    pub fn books(&self) -> Option<&Books> {
        self.opened().as_ref().ok()?.inventory.as_deref()
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
        match self.books() {
            Some(books) => Ok(!books.recipients().map_err(|error| unopened(&error))?.is_empty()),
            None => Ok(false),
        }
    }

    /// The opener of sealed seeds, with the key that tells whether they are those that were burned.
    pub fn opener(&self, identity: Option<Identity>) -> Option<Opener> {
        let books = self.books()?;
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

/// The inventory's file; `None` for `--inventory none`.
///
/// # Errors
/// [`InventoryError::NoFolder`].
pub fn path(global: &Global) -> Result<Option<PathBuf>, InventoryError> {
    match global.inventory.as_deref() {
        Some(path) if path == Path::new("none") => Ok(None),
        Some(path) if !path.as_os_str().is_empty() => Ok(Some(path.to_owned())),
        _ => {
            // Not the one that Windows copies between computers when its user signs in.
            let folder = dirs::data_local_dir().ok_or(InventoryError::NoFolder)?;
            Ok(Some(folder.join("tokentap").join("inventory.sqlite")))
        }
    }
}

/// Opens the inventory that the arguments name.
///
/// # Errors
/// [`InventoryError`].
pub fn open_sqlite(global: &Global) -> Result<Option<Sqlite>, InventoryError> {
    open_at(locate(global))
}

/// The inventory's file, and whether somebody typed its path.
fn locate(global: &Global) -> Result<Option<(PathBuf, bool)>, InventoryError> {
    path(global).map(|path| path.map(|path| (path, is_named(global))))
}

fn open_at(located: Result<Option<(PathBuf, bool)>, InventoryError>) -> Result<Option<Sqlite>, InventoryError> {
    let Some((path, is_named)) = located? else { return Ok(None) };
    // A path that somebody typed may be mistyped: only the usual one's folder is made.
    if let Some(folder) = path.parent().filter(|_| !is_named) {
        let unusable = |error: std::io::Error| InventoryError::Open { path: path.clone(), detail: error.to_string() };
        make_folder(folder).map_err(unusable)?;
        if let Some(roaming) = dirs::data_dir().map(|folder| folder.join("tokentap"))
            && move_from_roaming(&roaming, folder).map_err(unusable)?
        {
            note(&format!("the inventory was moved from {} to {}", describe::path(&roaming), describe::path(folder)));
        }
    }
    Sqlite::open(&path).map(|sqlite| Some(sqlite.with_pins(pins())))
}

/// Moves an inventory, with its log, out of a folder that Windows copies between computers: there it would be replaced by an
/// older copy of itself. Whether there was one to move; one in the new place stays as it is.
///
/// # Errors
/// The system's. Where the last of the files could not be moved, the inventory is still where it was.
fn move_from_roaming(roaming: &Path, local: &Path) -> std::io::Result<bool> {
    let (old, new) = (roaming.join("inventory.sqlite"), local.join("inventory.sqlite"));
    if roaming == local || !old.is_file() || new.exists() {
        return Ok(false);
    }
    // The log goes first: an inventory is never without it.
    let log = beside(&old, "-wal");
    if log.is_file() {
        copy_durably(&log, &beside(&new, "-wal"))?;
    }
    // A roaming folder may be on another disk, or on a server.
    let moved = std::fs::rename(&old, &new).or_else(|_| {
        copy_durably(&old, &new)?;
        std::fs::remove_file(&old).inspect_err(|_| drop(std::fs::remove_file(&new)))
    });
    if let Err(error) = moved {
        // In use, perhaps: a copy beside it would go its own way.
        let _ = std::fs::remove_file(beside(&new, "-wal"));
        let why = format!("it is to be moved from {}: {error}", describe::path(&old));
        return Err(std::io::Error::new(error.kind(), why));
    }
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(&old, ending));
    }
    Ok(true)
}

/// Copies a file that is not there yet, whole and on the disk, or leaves nothing.
fn copy_durably(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut copy = tempfile::NamedTempFile::new_in(folder_of(to))?;
    std::io::copy(&mut std::fs::File::open(from)?, &mut copy)?;
    copy.as_file().sync_all()?;
    copy.persist(to).map(drop).map_err(|error| error.error)
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

/// Where the recipients are kept that this user has confirmed.
pub fn pins() -> Option<Pins> {
    dirs::config_local_dir().map(|folder| Pins::in_folder(folder.join("tokentap").join("recipients")))
}

/// Whether a command goes on without an inventory. One that is there and cannot be read is not "nothing known": what it
/// knows of a token's profile would be overwritten.
fn may_go_on(global: &Global, need: Need) -> bool {
    match need {
        Need::Reading => !is_named(global),
        Need::Stated => true,
        Need::Profile => !is_named(global) && path(global).ok().flatten().is_none_or(|path| is_absent(&path)),
        Need::Must => false,
    }
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

/// An error of the inventory with its remedy, for a remark.
pub fn troubled(error: &InventoryError) -> String {
    format!("{error} ({})", remedy_of_record(&error.remedy()))
}

/// A remark on something that could not be recorded.
pub fn unrecorded(error: &InventoryError, what: &str) -> String {
    format!("{error}; {what} ({})", remedy_of_record(&error.remedy()))
}

/// This host and this user, as the events name them.
pub fn station() -> Station {
    let known = |name: Result<String, _>| name.unwrap_or_else(|_: whoami::Error| "unknown".to_owned());
    Station { desk: known(whoami::hostname()), operator: known(whoami::username()), reader: None }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_in_the_roaming_profile_is_moved_once_with_its_log_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let (roaming, local) = (folder.path().join("roaming"), folder.path().join("local"));
        for made in [&roaming, &local] {
            std::fs::create_dir(made).unwrap();
        }
        assert!(!move_from_roaming(&roaming, &local).unwrap());
        for (name, content) in
            [("inventory.sqlite", "records"), ("inventory.sqlite-wal", "log"), ("inventory.sqlite-shm", "x")]
        {
            std::fs::write(roaming.join(name), content).unwrap();
        }
        assert!(move_from_roaming(&roaming, &local).unwrap());
        assert_eq!(std::fs::read_to_string(local.join("inventory.sqlite")).unwrap(), "records");
        assert_eq!(std::fs::read_to_string(local.join("inventory.sqlite-wal")).unwrap(), "log");
        assert_eq!(std::fs::read_dir(&roaming).unwrap().count(), 0);
        std::fs::write(roaming.join("inventory.sqlite"), "an older copy").unwrap();
        assert!(!move_from_roaming(&roaming, &local).unwrap());
        assert_eq!(std::fs::read_to_string(local.join("inventory.sqlite")).unwrap(), "records");
        assert!(!move_from_roaming(&local, &local).unwrap());
    }
}
