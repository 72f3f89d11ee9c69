//! The inventory in a file of SQLite: write-ahead log, full synchronisation, one transaction for each record.

mod batches;
mod check;
mod claims;
mod clock_events;
mod columns;
mod deliveries;
mod device_keys;
mod failed;
mod file;
mod holders;
mod jobs;
mod keys;
mod listing;
mod marks;
mod meta;
mod owner;
mod recording;
mod schema;
mod sums;
mod tokens;
mod whole;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::InventoryError;
use super::event::Event;
use super::fingerprint::FingerprintKey;
use super::pins::Pins;
use super::place::network_kind;
use super::rights::check_beside;
use super::{Inventory, Kept};
use crate::files::FileId;
use failed::{Stopped, explained, open_error};
use file::{check_names, fill, make, settle};
use owner::Owner;

pub use file::is_log_alone;

/// How long another program may keep the inventory locked. A record takes milliseconds.
const LOCKED_FOR: Duration = Duration::from_secs(15);

/// An inventory in a file, or in memory.
pub struct Sqlite {
    /// A second connection, opened when something is read for the first time while the other one writes. It is closed first: the
    /// last one that is closed brings the log into the file.
    reader: OnceLock<Mutex<Connection>>,
    /// The connection that writes. Its lock is held while the disk waits, and by nobody who only reads.
    writer: Mutex<Connection>,
    path: PathBuf,
    key: FingerprintKey,
    owner: Mutex<Owner>,
    /// The recipients that the user has confirmed, where that is to be held.
    pins: Option<Pins>,
    /// The file that was opened; none in memory.
    file: Option<FileId>,
    is_in_memory: bool,
}

impl Sqlite {
    /// Opens the inventory at `path`; makes it where there is none, in a folder that must be there.
    ///
    /// # Errors
    /// [`InventoryError`]. A file that is damaged, no inventory, or on another computer is never written to.
    pub fn open(path: &Path) -> Kept<Self> {
        check_beside(path)?;
        if let Some(kind) = network_kind(path) {
            return Err(InventoryError::Remote { path: path.to_owned(), kind });
        }
        match fs::metadata(path) {
            Ok(found) if found.is_file() => check_names(path)?,
            Ok(_) => return Err(InventoryError::NotOurs(path.to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if file::is_log_alone(path) {
                    return Err(InventoryError::LogAlone(path.to_owned()));
                }
                make(path)?;
            }
            Err(error) => return Err(open_error(path, error)),
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = |error| explained(path, error);
        // Looked at before it is opened: if another file takes its place in between, that is noticed as well.
        let file = FileId::at(path);
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(LOCKED_FOR).map_err(failed)?;
        if schema::application_id(&connection).map_err(failed)? != schema::APPLICATION_ID {
            return Err(InventoryError::NotOurs(path.to_owned()));
        }
        let found = schema::version(&connection).map_err(failed)?;
        if found > schema::latest() {
            return Err(InventoryError::TooNew { path: path.to_owned(), found, known: schema::latest() });
        }
        // Sealed seeds are overwritten where tables are made anew, too.
        connection.execute_batch("PRAGMA secure_delete = ON").map_err(failed)?;
        schema::migrate(&mut connection).map_err(failed)?;
        // A backup has no log of its own.
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(failed)?;
        if mode != "wal" {
            connection.execute_batch("PRAGMA journal_mode = WAL").map_err(failed)?;
        }
        let opened = Self::of(connection, path, Owner::beside(Some(path)))?;
        Ok(Self { file, ..opened })
    }

    /// An inventory that is forgotten with this process.
    ///
    /// # Errors
    /// [`InventoryError`], when memory or the system's generator fail.
    pub fn in_memory() -> Kept<Self> {
        let path = Path::new("in memory");
        let mut connection = Connection::open_in_memory().map_err(|error| explained(path, error))?;
        fill(&mut connection, path)?;
        Ok(Self { is_in_memory: true, ..Self::of(connection, path, Owner::beside(None))? })
    }

    fn of(connection: Connection, path: &Path, owner: Owner) -> Kept<Self> {
        let failed = |error| explained(path, error);
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA secure_delete = ON;
                 PRAGMA cache_size = -16000;",
            )
            .map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        let damaged = |detail: &str| InventoryError::Damaged { path: path.to_owned(), detail: detail.to_owned() };
        let key = meta::get(&connection, "fingerprint-key").map_err(failed)?;
        let key = key.ok_or_else(|| damaged("it has no key for fingerprints"))?;
        let (writer, reader, owner) = (Mutex::new(connection), OnceLock::new(), Mutex::new(owner));
        let (path, key) = (path.to_owned(), FingerprintKey::new(key));
        Ok(Self { writer, reader, path, key, owner, pins: None, file: None, is_in_memory: false })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Holds the inventory's recipients to those that its user has confirmed.
    #[must_use]
    pub fn with_pins(self, pins: Option<Pins>) -> Self {
        Self { pins, ..self }
    }

    /// `SQLite`'s quick check of the whole file.
    ///
    /// # Errors
    /// [`InventoryError::Damaged`] with the first thing that is wrong.
    pub fn quick_check(&self) -> Kept<()> {
        let quick = |from: &Connection| from.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
        match self.read(quick)?.as_str() {
            "ok" => Ok(()),
            detail => Err(InventoryError::Damaged { path: self.path.clone(), detail: detail.to_owned() }),
        }
    }

    /// Everything that is wrong with the inventory, in words, as far as it can be found without the identity.
    ///
    /// # Errors
    /// [`InventoryError`], where the file is so damaged that it cannot be looked through.
    pub fn findings(&self) -> Kept<Vec<String>> {
        check::findings(&mut held(&self.writer)).map_err(|error| self.failed(error))
    }

    /// Whether the recipients are those that the user has confirmed. The first ones that are ever seen are taken as such.
    ///
    /// # Errors
    /// [`InventoryError::Recipients`].
    pub fn check_recipients(&self) -> Kept<()> {
        let recipients = self.recipients()?;
        super::pins::check(self.pins.as_ref(), &self.path, &recipients)
    }

    /// Takes the recipients as those that the user has confirmed.
    ///
    /// # Errors
    /// [`InventoryError::Open`], where that cannot be kept.
    pub fn confirm_recipients(&self) -> Kept<()> {
        let recipients = self.recipients()?;
        let Some(pins) = &self.pins else { return Ok(()) };
        pins.confirm(&self.path, &recipients).map_err(|error| open_error(&self.path, error))
    }

    /// Writes a copy of the whole inventory, as it is at one moment, into a file that is not there yet.
    ///
    /// # Errors
    /// [`InventoryError`]; what was written of the copy is the caller's to remove.
    pub fn back_up(&self, to: &Path) -> Kept<()> {
        let failed = |error| explained(to, error);
        let mut copy = Connection::open(to).map_err(failed)?;
        let writer = held(&self.writer);
        let backup = rusqlite::backup::Backup::new(&writer, &mut copy).map_err(failed)?;
        // All at once: in the mode of the log, who reads keeps nobody from writing.
        backup.step(-1).map_err(failed)?;
        drop(backup);
        // One file, complete in itself.
        copy.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;").map_err(failed)?;
        copy.close().map_err(|(_, error)| explained(to, error))
    }

    /// Seals all seeds to these recipients from now on; the event says so.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn set_recipients(&self, recipients: &[String], event: &Event) -> Kept<()> {
        let text = recipients.join("\n").into_bytes();
        self.durably(|transaction, _| {
            meta::put(transaction, "recipients", &text)?;
            Ok(tokens::add_event(transaction, event)?)
        })
    }

    /// Moves everything from the write-ahead log into the file, so that removed seeds are overwritten there too.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn settle(&self) -> Kept<()> {
        settle(&held(&self.writer), &self.path)
    }

    fn failed(&self, error: rusqlite::Error) -> InventoryError {
        explained(&self.path, error)
    }

    /// Reads with whichever connection is free. In memory there is only one.
    fn read<T>(&self, body: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>) -> Kept<T> {
        let result = match self.writer.try_lock() {
            Ok(writer) => body(&writer),
            Err(_) if self.is_in_memory => body(&held(&self.writer)),
            Err(_) => body(&held(self.reader()?)),
        };
        result.map_err(|error| self.failed(error))
    }

    /// Reads much: with the connection that only reads, so that no job at a reader waits for it.
    fn read_much<T>(&self, body: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>) -> Kept<T> {
        let connection = if self.is_in_memory { &self.writer } else { self.reader()? };
        body(&held(connection)).map_err(|error| self.failed(error))
    }

    fn reader(&self) -> Kept<&Mutex<Connection>> {
        if self.reader.get().is_none() {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let opened = Connection::open_with_flags(&self.path, flags).map_err(|error| self.failed(error))?;
            opened.busy_timeout(LOCKED_FOR).map_err(|error| self.failed(error))?;
            if self.file.is_some_and(|file| FileId::at(&self.path) != Some(file)) {
                return Err(InventoryError::Replaced(self.path.clone()));
            }
            // Another thread may have been faster.
            let _ = self.reader.set(Mutex::new(opened));
        }
        self.reader.get().ok_or_else(|| open_error(&self.path, "it cannot be read while it is written"))
    }

    /// Runs `body` in one transaction that waits for its turn to write.
    fn durably<T>(&self, body: impl FnOnce(&Transaction<'_>, &mut Owner) -> Result<T, Stopped>) -> Kept<T> {
        self.carry_out("PRAGMA synchronous = FULL", body)
    }

    /// Every transaction says for itself whether its commit waits for the disk: none goes by what an earlier one left.
    fn carry_out<T>(
        &self,
        durability: &str,
        body: impl FnOnce(&Transaction<'_>, &mut Owner) -> Result<T, Stopped>,
    ) -> Kept<T> {
        let path = &self.path;
        let failed = |error| explained(path, error);
        let mut writer = held(&self.writer);
        writer.execute_batch(durability).map_err(failed)?;
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        // Looked at with the lock in hand, before anything is promised to the caller.
        if self.file.is_some_and(|opened| FileId::at(path) != Some(opened)) {
            return Err(InventoryError::Replaced(path.clone()));
        }
        // The owner is let go of before the disk is waited for.
        let result = body(&transaction, &mut held(&self.owner));
        let result = result.map_err(|stopped| match stopped {
            Stopped::Sql(error) => explained(path, error),
            Stopped::Rows(error) => error,
            Stopped::Owner(error) => open_error(path, error),
        })?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }

    /// Runs `body` in one transaction that others see at once and that need not outlive a power failure: what it takes
    /// belongs to a program that would not outlive it either, or is a mere reading. The log is synchronised all the same before
    /// anything of it goes into the file.
    fn loosely<T>(&self, body: impl FnOnce(&Transaction<'_>, &mut Owner) -> Result<T, Stopped>) -> Kept<T> {
        self.carry_out("PRAGMA synchronous = NORMAL", body)
    }
}

/// The content of a mutex; after a panic it is as good as before: a transaction that was not committed is taken back.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
