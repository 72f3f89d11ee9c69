//! The inventory's place: a file, or a database; and opening it there.

use std::path::{Path, PathBuf};

use super::args::Global;
use super::describe;
use super::output::note;
use crate::files::{beside, folder_of};
#[cfg(feature = "postgres")]
use crate::inventory::{Address, Joined, Shared, Waits};
use crate::inventory::{Inventory, InventoryError, Pins, Sqlite, Whole, make_folder};
#[cfg(feature = "postgres")]
use crate::job::server::catch_up;
#[cfg(feature = "postgres")]
use crate::report::server_commands::mend;
#[cfg(feature = "postgres")]
use crate::time::{HostClock, SystemClock};

/// An inventory that was opened.
pub enum Store {
    /// In a file.
    File(Box<Sqlite>),
    /// On a server.
    #[cfg(feature = "postgres")]
    Server(Box<Shared>),
}

impl Store {
    /// The inventory, whatever it is kept in.
    pub fn inventory(&self) -> &dyn Inventory {
        match self {
            Self::File(sqlite) => &**sqlite,
            #[cfg(feature = "postgres")]
            Self::Server(shared) => &**shared,
        }
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Sqlite> {
        match self {
            Self::File(sqlite) => Some(sqlite),
            #[cfg(feature = "postgres")]
            Self::Server(_) => None,
        }
    }

    /// The same, to be copied as a whole.
    ///
    /// # Errors
    /// [`InventoryError`]: its server is away.
    pub fn whole(&self) -> Result<&dyn Whole, InventoryError> {
        match self {
            Self::File(sqlite) => Ok(&**sqlite),
            #[cfg(feature = "postgres")]
            Self::Server(shared) => shared.server().map(|server| server as &dyn Whole),
        }
    }

    /// Everything that is wrong with it, in words.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn findings(&self) -> Result<Vec<String>, InventoryError> {
        match self {
            Self::File(sqlite) => sqlite.findings(),
            #[cfg(feature = "postgres")]
            Self::Server(shared) => shared.server()?.findings(),
        }
    }

    /// Why its server could not be reached.
    pub fn outage(&self) -> Option<InventoryError> {
        match self {
            Self::File(_) => None,
            #[cfg(feature = "postgres")]
            Self::Server(shared) => shared.outage(),
        }
    }

    /// Its path or address, for people.
    pub fn name(&self) -> String {
        match self {
            Self::File(sqlite) => describe::path(sqlite.path()),
            #[cfg(feature = "postgres")]
            Self::Server(shared) => describe::path(&shared.address().shown()),
        }
    }

    /// What is wrong with who can change it, and with whom it seals to.
    pub fn standing(&self) -> Result<(), InventoryError> {
        match self {
            Self::File(sqlite) => sqlite.check_alone().and_then(|()| sqlite.check_recipients()),
            #[cfg(feature = "postgres")]
            // Of one that is away nothing is known, and nothing is sealed into it.
            Self::Server(shared) => shared.outage().map_or_else(|| shared.server()?.check_recipients(), |_| Ok(())),
        }
    }
}

/// The inventory's file; `None` for `--inventory none`, and for one on a server.
///
/// # Errors
/// [`InventoryError::NoFolder`].
pub fn path(global: &Global) -> Result<Option<PathBuf>, InventoryError> {
    match locate(global)? {
        Some(Where::File(path, _)) => Ok(Some(path)),
        _ => Ok(None),
    }
}

/// Where an inventory is.
pub enum Where {
    /// In this file; whether somebody typed its path.
    File(PathBuf, bool),
    /// On a server.
    #[cfg(feature = "postgres")]
    Server(Box<Address>),
}

/// Where the inventory is that the arguments name, or the usual one; `None` for `--inventory none`.
///
/// # Errors
/// [`InventoryError::NoFolder`]; [`InventoryError::Address`] for a database's address that cannot be used.
pub fn locate(global: &Global) -> Result<Option<Where>, InventoryError> {
    match global.inventory.as_deref() {
        Some(path) if path == Path::new("none") => Ok(None),
        Some(path) if is_address(path) => server(global, path),
        _ if global.db_ca.is_some() || global.db_plaintext => match joined(global)? {
            Some(server) if global.inventory.is_none() => Ok(Some(server)),
            _ => Err(InventoryError::Address("--db-ca and --db-plaintext are for an inventory on a server".to_owned())),
        },
        Some(path) if !path.as_os_str().is_empty() => Ok(Some(Where::File(path.to_owned(), true))),
        _ => match joined(global)? {
            Some(server) => Ok(Some(server)),
            None => usual_file().map(|file| Some(Where::File(file, false))),
        },
    }
}

/// The usual file.
///
/// # Errors
/// [`InventoryError::NoFolder`].
pub fn usual_file() -> Result<PathBuf, InventoryError> {
    // Not the one that Windows copies between computers when its user signs in.
    let folder = dirs::data_local_dir().ok_or(InventoryError::NoFolder)?;
    Ok(folder.join("tokentap").join("inventory.sqlite"))
}

/// The inventory on a server that this desk has joined, if it has.
#[cfg(feature = "postgres")]
fn joined(global: &Global) -> Result<Option<Where>, InventoryError> {
    let Some(joined) = Joined::usual() else { return Ok(None) };
    let address = joined.address(global.db_ca.as_deref(), global.db_plaintext);
    let address = address.map_err(|error| InventoryError::Address(error.to_string()))?;
    Ok(address.map(|address| Where::Server(Box::new(address))))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unnecessary_wraps, reason = "with databases it can fail")]
fn joined(_: &Global) -> Result<Option<Where>, InventoryError> {
    Ok(None)
}

/// Whether a path is meant as a database's address.
pub fn is_address(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.starts_with("postgres://") || text.starts_with("postgresql://"))
}

#[cfg(feature = "postgres")]
fn server(global: &Global, path: &Path) -> Result<Option<Where>, InventoryError> {
    let text = path.to_str().unwrap_or_default();
    let address = Address::parse(text, global.db_ca.as_deref(), global.db_plaintext);
    address
        .map(|address| Some(Where::Server(Box::new(address))))
        .map_err(|error| InventoryError::Address(error.to_string()))
}

#[cfg(not(feature = "postgres"))]
fn server(_: &Global, _: &Path) -> Result<Option<Where>, InventoryError> {
    Err(InventoryError::Address("this tokentap was built without databases".to_owned()))
}

/// Opens the inventory that the arguments name.
///
/// # Errors
/// [`InventoryError`].
pub fn open_store(global: &Global) -> Result<Option<Store>, InventoryError> {
    open_at(locate(global))
}

pub fn open_at(located: Result<Option<Where>, InventoryError>) -> Result<Option<Store>, InventoryError> {
    let (path, is_named) = match located? {
        None => return Ok(None),
        #[cfg(feature = "postgres")]
        Some(Where::Server(address)) => {
            let shared = Shared::open(*address.clone(), outbox_of(&address)?, pins())?;
            let clock_s = shared.greet(&super::who::station(), &SystemClock::new());
            if let Some(clock_s) = clock_s.filter(|clock_s| clock_s.abs() > CLOCKS_WITHIN_S) {
                note(&format!(
                    "{}; tokens are set by this one (tokentap doctor asks a time service)",
                    crate::report::clocks_apart(clock_s)
                ));
            }
            note_late(&shared);
            return Ok(Some(Store::Server(Box::new(shared))));
        }
        Some(Where::File(path, is_named)) => (path, is_named),
    };
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
    Sqlite::open(&path).map(|sqlite| Some(Store::File(Box::new(sqlite.with_pins(pins())))))
}

/// Keeps on record, and says, which servers may refuse the codes of tokens whose clocks were set while the inventory was away.
#[cfg(feature = "postgres")]
fn note_late(shared: &Shared) {
    match catch_up(shared, SystemClock::new().now().wall) {
        Ok(marked) => marked.iter().for_each(|delivery| {
            let (key, server) = (&delivery.key, &delivery.server);
            note(&format!(
                "the clock of token {key} was set, or may have been, while the inventory was away: {server} may refuse its codes until it is mended there; \
                 with the token on the reader: {}",
                mend(server)
            ));
        }),
        Err(error) => note(&format!(
            "clocks were set while the inventory was away, and which servers may refuse those tokens' codes now could not be looked up: {}; mend \
             each token at the servers that have it: {}",
            crate::report::troubled(&error),
            mend("NAME")
        )),
    }
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

/// A desk's clock that is further from the server's than this, in seconds, is wrong, or the server's is.
#[cfg(feature = "postgres")]
pub const CLOCKS_WITHIN_S: f64 = 2.0;

/// The outbox of an inventory on a server: a file beside the usual inventory, named after the server's address.
#[cfg(feature = "postgres")]
fn outbox_of(address: &Address) -> Result<PathBuf, InventoryError> {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(address.place().as_bytes());
    let name = data_encoding::HEXLOWER.encode(digest.get(..8).unwrap_or_default());
    Ok(usual_file()?.with_file_name(format!("outbox-{name}.sqlite")))
}

/// What waits in this desk's outbox for the inventory that the arguments name; `None` where nothing ever did.
#[cfg(feature = "postgres")]
pub fn waits(global: &Global) -> Option<(String, Result<Waits, InventoryError>)> {
    let Ok(Some(Where::Server(address))) = locate(global) else { return None };
    let path = outbox_of(&address).ok().filter(|path| path.exists())?;
    let waits = crate::inventory::Outbox::open(&path).and_then(|outbox| outbox.waits());
    Some((describe::path(&address.shown()), waits)).filter(|(_, waits)| *waits != Ok(Waits::default()))
}

/// The same in words.
pub fn waiting(global: &Global) -> Option<String> {
    #[cfg(feature = "postgres")]
    return waits(global).map(|(inventory, waits)| match waits {
        Ok(waits) => crate::report::waits(&inventory, &waits),
        Err(error) => crate::report::troubled(&error),
    });
    #[cfg(not(feature = "postgres"))]
    {
        let _ = global;
        None
    }
}

/// Where the addresses of servers are kept that this user has used.
#[cfg(feature = "servers")]
pub fn server_pins() -> Option<Pins> {
    dirs::config_local_dir().map(|folder| Pins::in_folder(folder.join("tokentap").join("servers")))
}

/// Where the recipients are kept that this user has confirmed.
pub fn pins() -> Option<Pins> {
    dirs::config_local_dir().map(|folder| Pins::in_folder(folder.join("tokentap").join("recipients")))
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
