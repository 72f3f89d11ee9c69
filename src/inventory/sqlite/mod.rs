//! The inventory in a file of SQLite: write-ahead log, full synchronisation, one transaction for each record.

mod batches;
mod columns;
mod schema;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};

use super::batch::{BatchId, BatchRecord, Counts, NewBatch, NewRow, RowRecord, RowState};
use super::error::InventoryError;
use super::event::{Event, EventFilter};
use super::fingerprint::{Fingerprint, FingerprintKey};
use super::token::{TokenFilter, TokenRecord};
use super::{Entry, Inventory, Kept};
use crate::time::UnixTime;

/// How long another program may keep the inventory locked. A record takes milliseconds.
const LOCKED_FOR: Duration = Duration::from_secs(15);

/// An inventory in a file, or in memory.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    key: FingerprintKey,
    recipients: Vec<String>,
}

impl Sqlite {
    /// Opens the inventory at `path`; makes it where there is none, in a folder that must be there.
    ///
    /// # Errors
    /// [`InventoryError`]. A file that is damaged or no inventory is never written to.
    pub fn open(path: &Path) -> Kept<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(InventoryError::NotOurs(path.to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path)?,
            Err(error) => return Err(open_error(path, error)),
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = |error| explained(path, error);
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
        Self::of(connection, path)
    }

    /// An inventory that is forgotten with this process.
    ///
    /// # Errors
    /// [`InventoryError`], when memory or the system's generator fail.
    pub fn in_memory() -> Kept<Self> {
        let path = Path::new("in memory");
        let mut connection = Connection::open_in_memory().map_err(|error| explained(path, error))?;
        fill(&mut connection, path)?;
        Self::of(connection, path)
    }

    fn of(connection: Connection, path: &Path) -> Kept<Self> {
        let failed = |error| explained(path, error);
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA secure_delete = ON;
                 PRAGMA cache_size = -16000;",
            )
            .map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        let meta = |name: &str| {
            let value: Option<Vec<u8>> = connection
                .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
                .optional()
                .map_err(failed)?;
            Ok::<_, InventoryError>(value)
        };
        let damaged = |detail: &str| InventoryError::Damaged { path: path.to_owned(), detail: detail.to_owned() };
        let key = meta("fingerprint-key")?.ok_or_else(|| damaged("it has no key for fingerprints"))?;
        let recipients = meta("recipients")?.unwrap_or_default();
        let recipients = String::from_utf8(recipients).map_err(|_| damaged("its recipients are not text"))?;
        let recipients = recipients.lines().map(str::to_owned).collect();
        Ok(Self { connection, path: path.to_owned(), key: FingerprintKey::new(key), recipients })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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

    /// Seals all seeds to these recipients from now on.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn set_recipients(&mut self, recipients: &[String]) -> Kept<()> {
        let text = recipients.join("\n").into_bytes();
        let sql = "INSERT INTO meta (name, value) VALUES ('recipients', ?1) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.connection.execute(sql, [&text]).map_err(|error| explained(&self.path, error))?;
        self.recipients = recipients.to_vec();
        Ok(())
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
    fn durably<T>(&mut self, body: impl FnOnce(&Transaction<'_>) -> Result<T, Stopped>) -> Kept<T> {
        let path = &self.path;
        let failed = |error| explained(path, error);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let result = body(&transaction).map_err(|stopped| match stopped {
            Stopped::Sql(error) => explained(path, error),
            Stopped::Rows(error) => error,
        })?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }
}

/// Why a transaction was not carried through.
enum Stopped {
    Sql(rusqlite::Error),
    Rows(InventoryError),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Makes a new inventory beside its place and moves it there whole: others see none or all of it.
fn make(path: &Path) -> Kept<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let made =
        tempfile::Builder::new().prefix(".inventory").tempdir_in(folder).map_err(|error| open_error(path, error))?;
    let file = made.path().join("new");
    // Made by hand for its mode: readable by its owner only.
    tempfile::NamedTempFile::new_in(made.path())
        .and_then(|new| new.persist(&file).map_err(|error| error.error))
        .map_err(|error| open_error(path, error))?;
    let mut connection = Connection::open(&file).map_err(|error| explained(path, error))?;
    fill(&mut connection, path)?;
    // Only the file itself is moved into place.
    settle(&connection, path)?;
    connection.close().map_err(|(_, error)| explained(path, error))?;
    match fs::hard_link(&file, path) {
        Ok(()) => Ok(()),
        // Another program was faster: its inventory is as good.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links: whatever is there by now stays.
        Err(_) if path.exists() => Ok(()),
        Err(_) => fs::rename(&file, path).map_err(|error| open_error(path, error)),
    }
}

/// Makes the folder of an inventory, and those above it, for its owner only.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub fn make_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes the folder of an inventory, and those above it.
///
/// # Errors
/// The system's.
#[cfg(not(unix))]
pub fn make_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

/// Moves everything from the write-ahead log into the file.
fn settle(connection: &Connection, path: &Path) -> Kept<()> {
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    match busy.map_err(|error| explained(path, error))? {
        0 => Ok(()),
        _ => Err(InventoryError::Locked(path.to_owned())),
    }
}

/// Everything that a new inventory has.
fn fill(connection: &mut Connection, path: &Path) -> Kept<()> {
    let failed = |error| explained(path, error);
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").map_err(failed)?;
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID).map_err(failed)?;
    schema::migrate(connection).map_err(failed)?;
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|error| open_error(path, error))?;
    connection
        .execute("INSERT INTO meta (name, value) VALUES ('fingerprint-key', ?1)", [key.as_slice()])
        .map_err(failed)?;
    Ok(())
}

fn open_error(path: &Path, error: impl ToString) -> InventoryError {
    InventoryError::Open { path: path.to_owned(), detail: error.to_string() }
}

/// `SQLite`'s errors, as a user meets them.
fn explained(path: &Path, error: rusqlite::Error) -> InventoryError {
    let path = path.to_owned();
    let detail = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => InventoryError::Locked(path),
        Some(ErrorCode::DiskFull) => InventoryError::Full(path),
        Some(ErrorCode::NotADatabase) => InventoryError::NotOurs(path),
        Some(ErrorCode::DatabaseCorrupt) => InventoryError::Damaged { path, detail },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            InventoryError::Open { path, detail }
        }
        _ => InventoryError::Other { path, detail },
    }
}

impl Inventory for Sqlite {
    fn fingerprint_key(&self) -> &FingerprintKey {
        &self.key
    }

    fn recipients(&self) -> &[String] {
        &self.recipients
    }

    fn keep(&mut self, entry: &Entry) -> Kept<()> {
        self.durably(|transaction| {
            tokens::add_event(transaction, &entry.event)?;
            if let Some(change) = &entry.token {
                tokens::change(transaction, change, entry.event.at)?;
            }
            if let Some(change) = &entry.row {
                batches::change_row(transaction, change)?;
            }
            Ok(())
        })
    }

    fn token(&mut self, serial: &str) -> Kept<Option<TokenRecord>> {
        tokens::get(&self.connection, serial).map_err(|error| self.failed(error))
    }

    fn holder(&mut self, seed: &Fingerprint) -> Kept<Option<String>> {
        tokens::holder(&self.connection, seed).map_err(|error| self.failed(error))
    }

    fn add_batch(&mut self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId> {
        self.durably(|transaction| batches::add(transaction, batch, rows))
    }

    fn batch_of_content(&mut self, content: &[u8]) -> Kept<Option<BatchRecord>> {
        batches::of_content(&self.connection, content).map_err(|error| self.failed(error))
    }

    fn open_batch_named(&mut self, name: &str) -> Kept<Option<BatchRecord>> {
        batches::open_named(&self.connection, name).map_err(|error| self.failed(error))
    }

    fn close_batch(&mut self, batch: BatchId, at: UnixTime) -> Kept<()> {
        self.durably(|transaction| Ok(batches::close(transaction, batch, at)?))
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

    fn next_planned(&mut self, batch: BatchId, except: &[u64]) -> Kept<Option<RowRecord>> {
        batches::next_planned(&self.connection, batch, except).map_err(|error| self.failed(error))
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
