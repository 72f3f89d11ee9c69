//! The inventory in a file of SQLite: write-ahead log, full synchronisation, one transaction for each record.

mod batches;
mod check;
mod claims;
mod columns;
mod failed;
mod file;
mod holders;
mod jobs;
mod keys;
mod marks;
mod meta;
mod owner;
mod schema;
mod sums;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::batch::{BatchId, BatchRecord, Claim, Counts, NewBatch, NewRow, RowRecord, RowState};
use super::error::InventoryError;
use super::event::{Event, EventFilter};
use super::fingerprint::{Fingerprint, FingerprintKey};
use super::job::{Begin, Begun};
use super::pins::Pins;
use super::place::network_kind;
use super::rights::{check_alone, check_beside};
use super::token::{TokenFilter, TokenRecord};
use super::{Entry, Inventory, Kept};
use crate::files::FileId;
use crate::time::UnixTime;
use failed::{Stopped, explained, open_error};
use file::{check_names, fill, make, settle};
use owner::Owner;

pub use file::is_log_alone;

/// How long another program may keep the inventory locked. A record takes milliseconds.
const LOCKED_FOR: Duration = Duration::from_secs(15);

/// An inventory in a file, or in memory.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    key: FingerprintKey,
    owner: Owner,
    /// The recipients that the user has confirmed, where that is to be held.
    pins: Option<Pins>,
    /// The file that was opened; none in memory.
    file: Option<FileId>,
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
        Self::of(connection, path, Owner::beside(None))
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
        Ok(Self { connection, path: path.to_owned(), key: FingerprintKey::new(key), owner, pins: None, file: None })
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
        let found = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
        match found.map_err(|error| self.failed(error))?.as_str() {
            "ok" => Ok(()),
            detail => Err(InventoryError::Damaged { path: self.path.clone(), detail: detail.to_owned() }),
        }
    }

    /// Everything that is wrong with the inventory, in words, as far as it can be found without the identity.
    ///
    /// # Errors
    /// [`InventoryError`], where the file is so damaged that it cannot be looked through.
    pub fn findings(&mut self) -> Kept<Vec<String>> {
        let path = self.path.clone();
        check::findings(&mut self.connection).map_err(|error| explained(&path, error))
    }

    /// Whether the file and its folder are this user's alone to change.
    ///
    /// # Errors
    /// [`InventoryError::NotOurAlone`].
    pub fn check_alone(&self) -> Kept<()> {
        if self.connection.path().is_none_or(str::is_empty) { Ok(()) } else { check_alone(&self.path) }
    }

    /// Whether the recipients are those that the user has confirmed. The first ones that are ever seen are taken as such.
    ///
    /// # Errors
    /// [`InventoryError::Recipients`].
    pub fn check_recipients(&mut self) -> Kept<()> {
        let recipients = self.recipients()?;
        meta::check_pinned(self.pins.as_ref(), &self.path, &recipients)
    }

    /// Takes the recipients as those that the user has confirmed.
    ///
    /// # Errors
    /// [`InventoryError::Open`], where that cannot be kept.
    pub fn confirm_recipients(&mut self) -> Kept<()> {
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
        let backup = rusqlite::backup::Backup::new(&self.connection, &mut copy).map_err(failed)?;
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
    pub fn set_recipients(&mut self, recipients: &[String], event: &Event) -> Kept<()> {
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
        settle(&self.connection, &self.path)
    }

    fn failed(&self, error: rusqlite::Error) -> InventoryError {
        explained(&self.path, error)
    }

    /// Runs `body` in one transaction that waits for its turn to write.
    fn durably<T>(&mut self, body: impl FnOnce(&Transaction<'_>, &mut Owner) -> Result<T, Stopped>) -> Kept<T> {
        let path = &self.path;
        let failed = |error| explained(path, error);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        // Looked at with the lock in hand, before anything is promised to the caller.
        if self.file.is_some_and(|opened| FileId::at(path) != Some(opened)) {
            return Err(InventoryError::Replaced(path.clone()));
        }
        let result = body(&transaction, &mut self.owner).map_err(|stopped| match stopped {
            Stopped::Sql(error) => explained(path, error),
            Stopped::Rows(error) => error,
            Stopped::Owner(error) => open_error(path, error),
        })?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }

    /// Runs `body` in one transaction that others see at once and that need not outlive a power failure: what it takes
    /// belongs to a program that would not outlive it either.
    fn loosely<T>(&mut self, body: impl FnOnce(&Transaction<'_>, &mut Owner) -> Result<T, Stopped>) -> Kept<T> {
        self.connection.execute_batch("PRAGMA synchronous = NORMAL").map_err(|error| self.failed(error))?;
        let result = self.durably(body);
        self.connection.execute_batch("PRAGMA synchronous = FULL").map_err(|error| self.failed(error))?;
        result
    }
}

impl Inventory for Sqlite {
    fn fingerprint_key(&self) -> &FingerprintKey {
        &self.key
    }

    fn recipients(&mut self) -> Kept<Vec<String>> {
        meta::recipients(&self.connection).map_err(|error| self.failed(error))
    }

    fn keep(&mut self, entry: &Entry) -> Kept<()> {
        self.durably(|transaction, owner| jobs::keep_apart(transaction, entry, owner))
    }

    fn begin(&mut self, begin: &Begin<'_>) -> Kept<Begun> {
        if begin.seed.is_some() {
            self.check_alone()?;
        }
        let (pins, path) = (self.pins.clone(), self.path.clone());
        let begun = self.durably(|transaction, owner| {
            let recipients = meta::recipients(transaction)?;
            if begin.seed.is_some() {
                meta::check_pinned(pins.as_ref(), &path, &recipients).map_err(Stopped::Rows)?;
            }
            jobs::begin(transaction, begin, owner, &recipients)
        })?;
        self.owner.take(begin.job);
        Ok(begun)
    }

    fn at_work(&mut self, serial: &str) -> Kept<Option<UnixTime>> {
        jobs::at_work(&self.connection, serial, &self.owner).map_err(|error| self.failed(error))
    }

    fn end(&mut self, job: i64, entry: &Entry) -> Kept<()> {
        // Also where its end cannot be recorded: it is not at work any more.
        self.owner.leave(job);
        let was_ours = self.durably(|transaction, _| jobs::end(transaction, job, entry))?;
        let serial = entry.token.as_ref().map(|change| change.serial.clone());
        if was_ours { Ok(()) } else { Err(InventoryError::Overtaken(serial.unwrap_or_default())) }
    }

    fn keep_all(&mut self, seals: bool, next: &mut dyn FnMut(&[String]) -> Kept<Option<Entry>>) -> Kept<u64> {
        let (pins, path) = (self.pins.clone().filter(|_| seals), self.path.clone());
        self.durably(|transaction, owner| {
            let recipients = meta::recipients(transaction)?;
            meta::check_pinned(pins.as_ref(), &path, &recipients).map_err(Stopped::Rows)?;
            let mut kept = 0;
            while let Some(entry) = next(&recipients).map_err(Stopped::Rows)? {
                jobs::keep_apart(transaction, &entry, owner)?;
                kept += 1;
            }
            Ok(kept)
        })
    }

    fn claim(&mut self, batch: BatchId, serial: &str, reburns: bool) -> Kept<Claim> {
        self.loosely(|transaction, owner| claims::claim(transaction, batch, serial, reburns, owner))
    }

    fn release(&mut self, batch: BatchId, row: u64) -> Kept<()> {
        self.loosely(|transaction, _| Ok(claims::release(transaction, batch, row)?))
    }

    fn was_dealt(&mut self, batch: BatchId, row: u64, serial: &str) -> Kept<bool> {
        batches::was_dealt(&self.connection, batch, row, serial).map_err(|error| self.failed(error))
    }

    fn token(&mut self, serial: &str) -> Kept<Option<TokenRecord>> {
        tokens::get(&self.connection, serial).map_err(|error| self.failed(error))
    }

    fn key_refused(&mut self, serial: &str, key: &Fingerprint) -> Kept<Option<UnixTime>> {
        keys::refused(&self.connection, serial, key).map_err(|error| self.failed(error))
    }

    fn holder(&mut self, seed: &Fingerprint) -> Kept<Option<String>> {
        holders::holder(&self.connection, seed).map_err(|error| self.failed(error))
    }

    fn add_batch(&mut self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId> {
        self.durably(|transaction, _| batches::add(transaction, batch, rows))
    }

    fn batch_of_content(&mut self, content: &[u8]) -> Kept<Option<BatchRecord>> {
        batches::of_content(&self.connection, content).map_err(|error| self.failed(error))
    }

    fn open_batch_named(&mut self, name: &str) -> Kept<Option<BatchRecord>> {
        batches::open_named(&self.connection, name).map_err(|error| self.failed(error))
    }

    fn close_batch(&mut self, batch: BatchId, at: UnixTime) -> Kept<()> {
        self.durably(|transaction, _| Ok(batches::close(transaction, batch, at)?))
    }

    fn counts(&mut self, batch: BatchId) -> Kept<Counts> {
        batches::counts(&self.connection, batch).map_err(|error| self.failed(error))
    }

    fn row_of(&mut self, batch: BatchId, serial: &str) -> Kept<Option<RowRecord>> {
        batches::row_of(&self.connection, batch, serial).map_err(|error| self.failed(error))
    }

    fn row_of_seed(&mut self, batch: BatchId, seed: &Fingerprint) -> Kept<Option<RowRecord>> {
        batches::row_of_seed(&self.connection, batch, seed).map_err(|error| self.failed(error))
    }

    fn visit_rows(&mut self, batch: BatchId, states: &[RowState], visit: &mut dyn FnMut(RowRecord)) -> Kept<()> {
        batches::visit_rows(&self.connection, batch, states, visit).map_err(|error| self.failed(error))
    }

    fn visit_events(&mut self, filter: &EventFilter, limit: u64, visit: &mut dyn FnMut(Event)) -> Kept<()> {
        tokens::visit_events(&self.connection, filter, limit, visit).map_err(|error| self.failed(error))
    }

    fn visit_tokens(&mut self, filter: &TokenFilter, limit: u64, visit: &mut dyn FnMut(TokenRecord)) -> Kept<()> {
        tokens::visit(&self.connection, filter, limit, visit).map_err(|error| self.failed(error))
    }

    fn batches(&mut self, since: Option<UnixTime>) -> Kept<Vec<BatchRecord>> {
        batches::all(&self.connection, since).map_err(|error| self.failed(error))
    }
}
