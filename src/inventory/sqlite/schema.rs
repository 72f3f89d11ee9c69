//! The tables, as a list of steps: each brings the schema from one version to the next, and is never changed once it
//! was released.

use rusqlite::types::Value;
use rusqlite::{Connection, Error};

use super::sums;

/// The mark of a file as an inventory, in the header that `SQLite` leaves to applications: "tokt".
pub const APPLICATION_ID: i64 = 0x746F_6B74;

/// The steps. An inventory of version N has had the first N of them.
pub const STEPS: &[&str] =
    &[TOKENS_AND_EVENTS, BATCHES, ERASED, OWNERS_AND_SUMS, REFUSED_KEYS, MARKS, SLOTS, SERVERS, DEVICES, DEVICE_KEYS];

/// The version from which on every row has a checksum.
const SUMMED: usize = 4;

/// The version from which on the checksums cover the slots.
const SLOTTED: usize = 7;

/// Times are milliseconds since 1970, drifts seconds. A job that was begun stands in `pending_…` until its end is known.
const TOKENS_AND_EVENTS: &str = "
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    serial TEXT PRIMARY KEY,
    model TEXT,
    emulated INTEGER NOT NULL DEFAULT 0,
    user TEXT,
    hash TEXT, step_s INTEGER, display_s INTEGER,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    drift_s REAL, resolution_s REAL,
    synced INTEGER, burned INTEGER,
    seed BLOB, sealed BLOB,
    pending_job INTEGER, pending_deed TEXT, pending_at INTEGER,
    pending_hash TEXT, pending_step_s INTEGER, pending_display_s INTEGER,
    pending_seed BLOB, pending_sealed BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_seed ON tokens (seed) WHERE seed IS NOT NULL;
CREATE INDEX tokens_by_pending_seed ON tokens (pending_seed) WHERE pending_seed IS NOT NULL;

-- Seeds of earlier burns of unknown end, which the token may hold instead of the one that stands with it.
CREATE TABLE candidates (
    serial TEXT NOT NULL,
    seed BLOB NOT NULL,
    sealed BLOB,
    PRIMARY KEY (serial, seed)
) STRICT, WITHOUT ROWID;
CREATE INDEX candidates_by_seed ON candidates (seed);

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    job INTEGER NOT NULL,
    desk TEXT NOT NULL, operator TEXT NOT NULL, reader TEXT,
    serial TEXT,
    deed TEXT NOT NULL, outcome TEXT NOT NULL,
    before_s REAL, before_resolution_s REAL,
    after_s REAL, after_resolution_s REAL,
    state TEXT, detail TEXT
) STRICT;
CREATE INDEX events_by_serial ON events (serial, at);
CREATE INDEX events_by_time ON events (at);
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'an event is never removed'); END;
";

const BATCHES: &str = "
CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    begun INTEGER NOT NULL,
    closed INTEGER
) STRICT;
CREATE INDEX batches_by_content ON batches (content);
CREATE UNIQUE INDEX batches_open ON batches (content) WHERE closed IS NULL;
CREATE INDEX batches_by_name ON batches (name);

CREATE TABLE batch_rows (
    batch INTEGER NOT NULL REFERENCES batches (id),
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    serial TEXT,
    is_named INTEGER NOT NULL,
    user TEXT,
    seed BLOB,
    error TEXT,
    PRIMARY KEY (batch, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX batch_rows_by_serial ON batch_rows (batch, serial) WHERE serial IS NOT NULL;
CREATE INDEX batch_rows_by_seed ON batch_rows (batch, seed) WHERE seed IS NOT NULL;
CREATE INDEX batch_rows_by_state ON batch_rows (batch, state, is_named, number);
";

/// When a job erased a token's seed and did not burn it again.
const ERASED: &str = "ALTER TABLE tokens ADD COLUMN erased INTEGER;";

/// Owners: the token that holds a seed (one a seed), the program that works with a token or has claimed a row, and every
/// token that a row was ever burned onto. Checksums: see [`super::sums`].
const OWNERS_AND_SUMS: &str = "
CREATE TABLE holders (seed BLOB PRIMARY KEY, serial TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX holders_by_serial ON holders (serial);
INSERT OR IGNORE INTO holders SELECT seed, serial FROM tokens WHERE seed IS NOT NULL ORDER BY erased IS NOT NULL;
INSERT OR IGNORE INTO holders SELECT pending_seed, serial FROM tokens WHERE pending_seed IS NOT NULL;
INSERT OR IGNORE INTO holders SELECT seed, serial FROM candidates;

CREATE TABLE leases (
    serial TEXT PRIMARY KEY,
    job INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
    batch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    PRIMARY KEY (batch, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE dealt (
    batch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    serial TEXT NOT NULL,
    sum INTEGER,
    PRIMARY KEY (batch, number, serial)
) STRICT, WITHOUT ROWID;
INSERT INTO dealt (batch, number, serial)
    SELECT batch, number, serial FROM batch_rows WHERE serial IS NOT NULL AND state <> 'planned';

ALTER TABLE meta ADD COLUMN sum INTEGER;
ALTER TABLE tokens ADD COLUMN sum INTEGER;
ALTER TABLE candidates ADD COLUMN sum INTEGER;
ALTER TABLE events ADD COLUMN sum INTEGER;
ALTER TABLE batches ADD COLUMN sum INTEGER;
ALTER TABLE batch_rows ADD COLUMN sum INTEGER;
CREATE TRIGGER events_summed BEFORE INSERT ON events WHEN NEW.sum IS NULL
BEGIN SELECT RAISE(ABORT, 'an older tokentap is still running: end it'); END;
";

/// Keys that a token refused and has accepted none since, by fingerprint.
const REFUSED_KEYS: &str = "
CREATE TABLE refused_keys (
    serial TEXT NOT NULL,
    key BLOB NOT NULL,
    at INTEGER NOT NULL,
    sum INTEGER,
    PRIMARY KEY (serial, key)
) STRICT, WITHOUT ROWID;
";

/// Marks on tokens beside their rows.
const MARKS: &str = "
CREATE TABLE marks (
    serial TEXT NOT NULL,
    what TEXT NOT NULL,
    seed BLOB,
    at INTEGER NOT NULL,
    sum INTEGER,
    PRIMARY KEY (serial, what)
) STRICT, WITHOUT ROWID;
";

/// A device may have several slots: they are part of every key but those of what concerns the device as a whole, which are
/// the job at work with it and the keys that it refused. An older program inserts no slot, and is stopped by that.
const SLOTS: &str = "
CREATE TABLE slotted_tokens (
    serial TEXT NOT NULL,
    slot INTEGER NOT NULL,
    model TEXT,
    emulated INTEGER NOT NULL DEFAULT 0,
    user TEXT,
    hash TEXT, step_s INTEGER, display_s INTEGER,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    drift_s REAL, resolution_s REAL,
    synced INTEGER, burned INTEGER,
    seed BLOB, sealed BLOB, erased INTEGER,
    pending_job INTEGER, pending_deed TEXT, pending_at INTEGER,
    pending_hash TEXT, pending_step_s INTEGER, pending_display_s INTEGER,
    pending_seed BLOB, pending_sealed BLOB,
    sum INTEGER,
    PRIMARY KEY (serial, slot)
) STRICT, WITHOUT ROWID;
INSERT INTO slotted_tokens
    SELECT serial, 0, model, emulated, user, hash, step_s, display_s, first_seen, last_seen, drift_s, resolution_s, synced,
        burned, seed, sealed, erased, pending_job, pending_deed, pending_at, pending_hash, pending_step_s, pending_display_s,
        pending_seed, pending_sealed, NULL FROM tokens;
DROP TABLE tokens;
ALTER TABLE slotted_tokens RENAME TO tokens;
CREATE INDEX tokens_by_seed ON tokens (seed) WHERE seed IS NOT NULL;
CREATE INDEX tokens_by_pending_seed ON tokens (pending_seed) WHERE pending_seed IS NOT NULL;

CREATE TABLE slotted_candidates (
    serial TEXT NOT NULL,
    slot INTEGER NOT NULL,
    seed BLOB NOT NULL,
    sealed BLOB,
    sum INTEGER,
    PRIMARY KEY (serial, slot, seed)
) STRICT, WITHOUT ROWID;
INSERT INTO slotted_candidates SELECT serial, 0, seed, sealed, NULL FROM candidates;
DROP TABLE candidates;
ALTER TABLE slotted_candidates RENAME TO candidates;
CREATE INDEX candidates_by_seed ON candidates (seed);

CREATE TABLE slotted_marks (
    serial TEXT NOT NULL,
    slot INTEGER NOT NULL,
    what TEXT NOT NULL,
    seed BLOB,
    at INTEGER NOT NULL,
    sum INTEGER,
    PRIMARY KEY (serial, slot, what)
) STRICT, WITHOUT ROWID;
INSERT INTO slotted_marks SELECT serial, 0, what, seed, at, NULL FROM marks;
DROP TABLE marks;
ALTER TABLE slotted_marks RENAME TO marks;

CREATE TABLE slotted_holders (seed BLOB PRIMARY KEY, serial TEXT NOT NULL, slot INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO slotted_holders SELECT seed, serial, 0 FROM holders;
DROP TABLE holders;
ALTER TABLE slotted_holders RENAME TO holders;
CREATE INDEX holders_by_token ON holders (serial, slot);

ALTER TABLE events ADD COLUMN slot INTEGER;
DROP TRIGGER events_stay;
UPDATE events SET slot = 0;
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
DROP TRIGGER events_summed;
CREATE TRIGGER events_summed BEFORE INSERT ON events WHEN NEW.sum IS NULL OR NEW.slot IS NULL
BEGIN SELECT RAISE(ABORT, 'an older tokentap is still running: end it'); END;
";

/// Servers that seeds go to, and what went there. A server that is forgotten leaves its deliveries on record: they refer to nothing.
const SERVERS: &str = "
CREATE TABLE servers (
    name TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    credential BLOB,
    added INTEGER NOT NULL,
    sum INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    server TEXT NOT NULL,
    serial TEXT NOT NULL,
    slot INTEGER NOT NULL,
    seed BLOB NOT NULL,
    step TEXT NOT NULL,
    id TEXT,
    user TEXT,
    since INTEGER NOT NULL,
    at INTEGER NOT NULL,
    unmended INTEGER,
    detail TEXT,
    sum INTEGER,
    PRIMARY KEY (server, serial, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_token ON deliveries (serial, slot);
";

/// Devices with slots: events may say that one was cleared or titled, which an older program does not know.
const DEVICES: &str = "";

/// Customer keys of devices, sealed.
const DEVICE_KEYS: &str = "
CREATE TABLE device_keys (
    serial TEXT NOT NULL,
    key BLOB NOT NULL,
    sealed BLOB,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    proved INTEGER,
    refused INTEGER,
    sum INTEGER,
    PRIMARY KEY (serial, key)
) STRICT, WITHOUT ROWID;
";

/// The triggers that keep events as they are, by name.
pub const EVENT_TRIGGERS: [&str; 3] = ["events_stay", "events_last", "events_summed"];

/// The version of an inventory.
///
/// # Errors
/// `SQLite`'s.
pub fn version(connection: &Connection) -> Result<i64, Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The mark in the header.
///
/// # Errors
/// `SQLite`'s, for a file that is no database among others.
pub fn application_id(connection: &Connection) -> Result<i64, Error> {
    connection.query_row("PRAGMA application_id", [], |row| row.get(0))
}

/// The last version that this program knows.
#[must_use]
pub fn latest() -> i64 {
    STEPS.len() as i64
}

/// Takes the steps that an inventory has not had yet, all or none.
///
/// # Errors
/// `SQLite`'s.
pub fn migrate(connection: &mut Connection) -> Result<(), Error> {
    if version(connection)? == latest() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another program may have been faster.
    let had = usize::try_from(version(&transaction)?).unwrap_or_default();
    let mut damaged = Vec::new();
    for (number, step) in (1_i64..).zip(STEPS).skip(had) {
        // Looked at when all tables are there that this step changes.
        if number == SLOTTED as i64 && had >= SUMMED {
            damaged = damaged_before_slots(&transaction)?;
        }
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    match had {
        ..SUMMED => stamp(&transaction, &sums::TABLES, &[])?,
        SUMMED..SLOTTED => stamp(&transaction, &sums::SLOTTED, &damaged)?,
        _ => {}
    }
    transaction.commit()
}

/// The rows of an inventory without slots that do not have their own checksum, by table and by the key that they will have.
fn damaged_before_slots(from: &Connection) -> Result<Vec<Vec<Vec<Value>>>, Error> {
    let keys = sums::BEFORE_SLOTS.iter().map(|table| table.wrong_keys(from));
    keys.collect::<Result<Vec<_>, _>>().map(|tables| {
        let with_slot = |mut key: Vec<Value>| {
            // An event's key is its number.
            if matches!(key.first(), Some(Value::Text(_))) {
                key.insert(1, Value::Integer(0));
            }
            key
        };
        tables.into_iter().map(|keys| keys.into_iter().map(with_slot).collect()).collect()
    })
}

/// Gives every row of these tables its checksum; the damaged ones, by table, get none: they are no better for being moved.
/// Events must be changed for that, this once.
fn stamp(to: &Connection, tables: &[sums::Summed], damaged: &[Vec<Vec<Value>>]) -> Result<(), Error> {
    let trigger = "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = 'events_stay'";
    let stay: String = to.query_row(trigger, [], |row| row.get(0))?;
    to.execute_batch("DROP TRIGGER events_stay")?;
    for table in tables {
        table.stamp_all(to)?;
    }
    for (table, keys) in tables.iter().zip(damaged) {
        keys.iter().try_for_each(|key| table.unstamp(to, key))?;
    }
    to.execute_batch(&stay)
}
