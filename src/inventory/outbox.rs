//! What a desk could not tell the server: records that wait in a file of its own, in their order, and go there when it answers again.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::rights::make_folder;
use super::{Entry, InventoryError, Kept, KeyChange};
use crate::time::UnixTime;

/// How long another program may keep the file locked.
const LOCKED_FOR: Duration = Duration::from_secs(5);

/// A record that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Waiting {
    /// The beginning of a job that takes no seed, while the server was away.
    Begin(Entry),
    /// The end of a job, whether its beginning is on the server or waits too.
    End(i64, Entry),
    /// A reading, or an event that changes no record.
    Seen(Entry),
}

impl Waiting {
    /// What is to be kept.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        match self {
            Self::Begin(entry) | Self::End(_, entry) | Self::Seen(entry) => entry,
        }
    }
}

/// How much waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    /// Records that go to the server as soon as it answers.
    pub records: u64,
    /// Records that it does not take, and why it does not take the first of them.
    pub refused: Option<(u64, String)>,
}

/// The file. It is synchronised with the disk at each record.
pub struct Outbox {
    path: PathBuf,
    file: Mutex<Connection>,
}

impl Outbox {
    /// Opens the file, and makes it where there is none.
    ///
    /// # Errors
    /// [`InventoryError::Outbox`].
    pub fn open(path: &Path) -> Kept<Self> {
        let failed = |detail: String| InventoryError::Outbox { path: path.to_owned(), detail };
        if let Some(folder) = path.parent() {
            make_folder(folder).map_err(|error| failed(error.to_string()))?;
        }
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|error| failed(error.to_string()))?;
        let opened = Connection::open(path).and_then(|file| {
            file.busy_timeout(LOCKED_FOR)?;
            file.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA secure_delete = ON;
                 CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL, refused TEXT)",
            )?;
            Ok(file)
        });
        let file = Mutex::new(opened.map_err(|error| failed(error.to_string()))?);
        Ok(Self { path: path.to_owned(), file })
    }

    fn file(&self) -> MutexGuard<'_, Connection> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> InventoryError {
        InventoryError::Outbox { path: self.path.clone(), detail: error.to_string() }
    }

    /// Keeps a record until the server has it: durable when this returns.
    ///
    /// # Errors
    /// [`InventoryError::Outbox`].
    pub fn put(&self, waiting: &Waiting) -> Kept<()> {
        let record = serde_json::to_string(waiting).map_err(|error| self.failed(&error))?;
        let put = self.file().execute("INSERT INTO waiting (record) VALUES (?1)", params![record]);
        put.map(drop).map_err(|error| self.failed(&error))
    }

    /// The first record that waits, with its number. One that this version cannot read is set aside with that reason.
    ///
    /// # Errors
    /// [`InventoryError::Outbox`].
    pub fn first(&self) -> Kept<Option<(i64, Waiting)>> {
        loop {
            let sql = "SELECT id, record FROM waiting WHERE refused IS NULL ORDER BY id LIMIT 1";
            let found = self.file().query_row(sql, [], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).optional();
            let Some((id, record)) = found.map_err(|error| self.failed(&error))? else { return Ok(None) };
            match serde_json::from_str(&record) {
                Ok(waiting) => return Ok(Some((id, waiting))),
                Err(error) => self.refuse(id, &format!("this version of tokentap cannot read it: {error}"))?,
            }
        }
    }

    /// When a token refused a key, by what waits here, if it did and accepted none since.
    ///
    /// # Errors
    /// [`InventoryError::Outbox`].
    pub fn key_refused(&self, serial: &str) -> Kept<Option<UnixTime>> {
        let file = self.file();
        let mut refused = None;
        let read = || -> Result<Vec<String>, rusqlite::Error> {
            let mut select = file.prepare("SELECT record FROM waiting ORDER BY id")?;
            let rows = select.query_map([], |row| row.get(0))?;
            rows.collect()
        };
        for record in read().map_err(|error| self.failed(&error))? {
            let Ok(waiting) = serde_json::from_str::<Waiting>(&record) else { continue };
            let entry = waiting.entry();
            match entry.token.as_ref().filter(|change| change.key.serial == serial).map(|change| change.refused) {
                Some(KeyChange::Refused(_)) => refused = Some(entry.event.at),
                Some(KeyChange::Accepted) => refused = None,
                Some(KeyChange::Keep) | None => {}
            }
        }
        Ok(refused)
    }

    /// Removes a record that the server has.
    ///
    /// # Errors
    /// [`InventoryError::Outbox`].
    pub fn remove(&self, id: i64) -> Kept<()> {
        let removed = self.file().execute("DELETE FROM waiting WHERE id = ?1", [id]);
        removed.map(drop).map_err(|error| self.failed(&error))
    }

    /// Notes why the server does not take a record. It stays, and the others go on.
    ///
    /// # Errors
    /// [`InventoryError::Outbox`].
    pub fn refuse(&self, id: i64, why: &str) -> Kept<()> {
        let noted = self.file().execute("UPDATE waiting SET refused = ?2 WHERE id = ?1", params![id, why]);
        noted.map(drop).map_err(|error| self.failed(&error))
    }

    /// How much waits.
    ///
    /// # Errors
    /// [`InventoryError::Outbox`].
    pub fn waits(&self) -> Kept<Waits> {
        let sql = "SELECT count(*) FILTER (WHERE refused IS NULL), count(refused),
                (SELECT refused FROM waiting WHERE refused IS NOT NULL ORDER BY id LIMIT 1) FROM waiting";
        let counted = self.file().query_row(sql, [], |row| {
            let (records, refused, why): (u32, u32, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Waits { records: records.into(), refused: why.map(|why| (refused.into(), why)) })
        });
        counted.map_err(|error| self.failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Deed, Event, Outcome, Station, TokenChange};
    use crate::inventory::{Fingerprint, PendingChange, RowChange, RowState, SeedChange, SlotKey};

    fn entry(job: i64) -> Entry {
        let at = UnixTime::from_timestamp_millis(job * 1000).unwrap();
        let event = Event {
            at,
            job,
            station: Station { desk: "front".to_owned(), operator: "ana".to_owned(), reader: None },
            serial: Some("A".to_owned()),
            slot: 0,
            deed: Deed::Burn,
            outcome: Outcome::Done,
            before: None,
            after: None,
            state: None,
            detail: Some("\"quoted\"".to_owned()),
        };
        let seed = SeedChange::Burned { seed: Fingerprint::of_bytes(&[7; 16]).unwrap(), sealed: Some(vec![0, 255]) };
        let token = TokenChange { seed, pending: PendingChange::Over, ..TokenChange::of(SlotKey::only("A")) };
        let (was, state) = (RowState::Burning, RowState::Burned);
        let row = RowChange { batch: 1, row: 2, was, state, serial: None, seed: None, error: None };
        Entry { event, token: Some(token), row: Some(row) }
    }

    #[test]
    fn records_wait_in_their_order_whole_and_over_a_restart_until_they_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("outbox.sqlite");
        let waiting = [Waiting::Begin(entry(1)), Waiting::End(1, entry(2)), Waiting::Seen(entry(3))];
        let outbox = Outbox::open(&path).unwrap();
        waiting.iter().for_each(|waiting| outbox.put(waiting).unwrap());
        drop(outbox);
        let outbox = Outbox::open(&path).unwrap();
        for (number, waiting) in (0..).zip(&waiting) {
            assert_eq!(outbox.waits().unwrap(), Waits { records: 3 - number, refused: None });
            let (id, first) = outbox.first().unwrap().unwrap();
            assert_eq!(first, *waiting);
            outbox.remove(id).unwrap();
        }
        assert_eq!(outbox.first().unwrap(), None);
    }

    #[test]
    fn what_is_refused_stays_and_keeps_nothing_back() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(&folder.path().join("outbox.sqlite")).unwrap();
        outbox.put(&Waiting::Seen(entry(1))).unwrap();
        outbox.put(&Waiting::Seen(entry(2))).unwrap();
        let (id, _) = outbox.first().unwrap().unwrap();
        outbox.refuse(id, "another seed is on record").unwrap();
        let (_, second) = outbox.first().unwrap().unwrap();
        assert_eq!(second, Waiting::Seen(entry(2)));
        let refused = Some((1, "another seed is on record".to_owned()));
        assert_eq!(outbox.waits().unwrap(), Waits { records: 1, refused });
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_users_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.sqlite");
        drop(Outbox::open(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
