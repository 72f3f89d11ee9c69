//! A checksum in every row, so that a bit that flips on the disk is found where SQLite's own checks cannot: in a value.
//!
//! It is no protection from people: whoever can write the file can write a checksum too.

use std::ops::Range;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, Row, ToSql};
use sha2::{Digest, Sha256};

/// A table whose rows have a checksum.
pub struct Summed {
    /// The table's name.
    pub name: &'static str,
    /// Its key, as a condition with numbered parameters.
    key: &'static str,
    /// The columns of that key.
    key_columns: &'static str,
    /// The columns that the checksum covers, in its order.
    columns: &'static str,
}

/// The inventory's own values: the key of fingerprints, the recipients.
pub const META: Summed = Summed { name: "meta", key: "name = ?1", key_columns: "name", columns: "name, value" };

/// Tokens.
pub const TOKENS: Summed = Summed {
    name: "tokens",
    key: "serial = ?1 AND slot = ?2",
    key_columns: "serial, slot",
    columns: "serial, slot, model, emulated, user, hash, step_s, display_s, first_seen, last_seen, drift_s, resolution_s, \
              synced, burned, seed, sealed, pending_job, pending_deed, pending_at, pending_hash, pending_step_s, \
              pending_display_s, pending_seed, pending_sealed, erased",
};

/// Seeds that a token may hold.
pub const CANDIDATES: Summed = Summed {
    name: "candidates",
    key: "serial = ?1 AND slot = ?2 AND seed = ?3",
    key_columns: "serial, slot, seed",
    columns: "serial, slot, seed, sealed",
};

/// Events. Their number is left out: it is not known before they are written, and must have no gaps.
pub const EVENTS: Summed = Summed {
    name: "events",
    key: "id = ?1",
    key_columns: "id",
    columns: "at, job, desk, operator, reader, serial, slot, deed, outcome, before_s, before_resolution_s, after_s, \
              after_resolution_s, state, detail",
};

/// Batches.
pub const BATCHES: Summed =
    Summed { name: "batches", key: "id = ?1", key_columns: "id", columns: "id, name, content, begun, closed" };

/// Rows of batches.
pub const BATCH_ROWS: Summed = Summed {
    name: "batch_rows",
    key: "batch = ?1 AND number = ?2",
    key_columns: "batch, number",
    columns: "batch, number, state, serial, is_named, user, seed, error",
};

/// The tokens that rows were ever burned onto.
pub const DEALT: Summed = Summed {
    name: "dealt",
    key: "batch = ?1 AND number = ?2 AND serial = ?3",
    key_columns: "batch, number, serial",
    columns: "batch, number, serial",
};

/// The keys that tokens refused.
pub const REFUSED_KEYS: Summed = Summed {
    name: "refused_keys",
    key: "serial = ?1 AND key = ?2",
    key_columns: "serial, key",
    columns: "serial, key, at",
};

/// Marks on tokens beside their rows.
pub const MARKS: Summed = Summed {
    name: "marks",
    key: "serial = ?1 AND slot = ?2 AND what = ?3",
    key_columns: "serial, slot, what",
    columns: "serial, slot, what, seed, at",
};

/// Servers that seeds go to.
pub const SERVERS: Summed =
    Summed { name: "servers", key: "name = ?1", key_columns: "name", columns: "name, settings, credential, added" };

/// What went to servers.
pub const DELIVERIES: Summed = Summed {
    name: "deliveries",
    key: "server = ?1 AND serial = ?2 AND slot = ?3",
    key_columns: "server, serial, slot",
    columns: "server, serial, slot, seed, step, id, user, since, at, unmended, detail",
};

/// Customer keys of devices.
pub const DEVICE_KEYS: Summed = Summed {
    name: "device_keys",
    key: "serial = ?1 AND key = ?2",
    key_columns: "serial, key",
    columns: "serial, key, sealed, number, at, proved, refused",
};

/// All of them.
pub const TABLES: [Summed; 12] = [
    META,
    TOKENS,
    CANDIDATES,
    EVENTS,
    BATCHES,
    BATCH_ROWS,
    DEALT,
    REFUSED_KEYS,
    MARKS,
    SERVERS,
    DELIVERIES,
    DEVICE_KEYS,
];

/// Those that have slots, in the order of [`BEFORE_SLOTS`].
pub const SLOTTED: [Summed; 4] = [TOKENS, CANDIDATES, MARKS, EVENTS];

/// The same as they were without slots.
pub const BEFORE_SLOTS: [Summed; 4] = [
    Summed {
        key: "serial = ?1",
        key_columns: "serial",
        columns: "serial, model, emulated, user, hash, step_s, display_s, first_seen, last_seen, drift_s, resolution_s, \
                  synced, burned, seed, sealed, pending_job, pending_deed, pending_at, pending_hash, pending_step_s, \
                  pending_display_s, pending_seed, pending_sealed, erased",
        ..TOKENS
    },
    Summed {
        key: "serial = ?1 AND seed = ?2",
        key_columns: "serial, seed",
        columns: "serial, seed, sealed",
        ..CANDIDATES
    },
    Summed {
        key: "serial = ?1 AND what = ?2",
        key_columns: "serial, what",
        columns: "serial, what, seed, at",
        ..MARKS
    },
    Summed {
        columns: "at, job, desk, operator, reader, serial, deed, outcome, before_s, before_resolution_s, after_s, \
                  after_resolution_s, state, detail",
        ..EVENTS
    },
];

impl Summed {
    /// Gives the row of this key its checksum.
    ///
    /// # Errors
    /// `SQLite`'s.
    pub fn stamp(&self, to: &Connection, key: &[&dyn ToSql]) -> Result<(), Error> {
        let sum = to
            .prepare_cached(&format!("SELECT {} FROM {} WHERE {}", self.columns, self.name, self.key))?
            .query_row(key, |row| of_row(row, self.count()))?;
        // SQLite numbers a parameter that is not there yet.
        let number = key.len() + 1;
        let mut values = key.to_vec();
        values.push(&sum);
        to.prepare_cached(&format!("UPDATE {} SET sum = ?{number} WHERE {}", self.name, self.key))?
            .execute(values.as_slice())
            .map(drop)
    }

    /// Takes the checksum of the row of this key away.
    ///
    /// # Errors
    /// `SQLite`'s.
    pub fn unstamp(&self, to: &Connection, key: &[Value]) -> Result<(), Error> {
        let key: Vec<&dyn ToSql> = key.iter().map(|value| value as &dyn ToSql).collect();
        to.execute(&format!("UPDATE {} SET sum = NULL WHERE {}", self.name, self.key), key.as_slice()).map(drop)
    }

    /// The keys of the rows that have a checksum that is not theirs, or none.
    ///
    /// # Errors
    /// `SQLite`'s.
    pub fn wrong_keys(&self, from: &Connection) -> Result<Vec<Vec<Value>>, Error> {
        let count = self.count();
        let select = format!("SELECT {}, sum, {} FROM {}", self.columns, self.key_columns, self.name);
        let mut select = from.prepare(&select)?;
        let mut rows = select.query([])?;
        let mut wrong = Vec::new();
        while let Some(row) = rows.next()? {
            if row.get::<_, Option<i64>>(count)? != Some(of_row(row, count)?) {
                let keys = self.key_columns.split(", ").count();
                wrong.extend(key_of(row, count + 1..count + 1 + keys)?);
            }
        }
        Ok(wrong)
    }

    /// Gives every row its checksum.
    ///
    /// # Errors
    /// `SQLite`'s.
    pub fn stamp_all(&self, to: &Connection) -> Result<(), Error> {
        let keys = self.key_columns.split(", ").count();
        let mut select = to.prepare(&format!("SELECT {} FROM {}", self.key_columns, self.name))?;
        let found = select
            .query_map([], |row| (0..keys).map(|index| row.get::<_, Value>(index)).collect::<Result<Vec<_>, _>>())?;
        // Read in full first: rows that change while they are walked over may come twice.
        for key in found.collect::<Result<Vec<_>, _>>()? {
            let key: Vec<&dyn ToSql> = key.iter().map(|value| value as &dyn ToSql).collect();
            self.stamp(to, &key)?;
        }
        Ok(())
    }

    /// How many rows have a checksum that is not theirs, or none.
    ///
    /// # Errors
    /// `SQLite`'s.
    pub fn wrong(&self, from: &Connection) -> Result<u64, Error> {
        let mut select = from.prepare(&format!("SELECT {}, sum FROM {}", self.columns, self.name))?;
        let mut rows = select.query([])?;
        let (mut wrong, count) = (0, self.count());
        while let Some(row) = rows.next()? {
            wrong += u64::from(row.get::<_, Option<i64>>(count)? != Some(of_row(row, count)?));
        }
        Ok(wrong)
    }

    /// The columns that the checksum covers, as a list for a statement.
    #[must_use]
    pub fn columns(&self) -> &'static str {
        self.columns
    }

    /// Whether a row has its own checksum. It begins with the columns that are covered, and the checksum behind them.
    ///
    /// # Errors
    /// `SQLite`'s.
    pub fn is_right(&self, row: &Row<'_>) -> Result<bool, Error> {
        let count = self.count();
        Ok(row.get::<_, Option<i64>>(count)? == Some(of_row(row, count)?))
    }

    /// Puts a row with its checksum in the place of the one that has its key; `values` are those of the columns, in their order.
    ///
    /// # Errors
    /// `SQLite`'s.
    pub fn put(&self, to: &Connection, values: &[&dyn ToSql]) -> Result<(), Error> {
        let sum = of_params(values)?;
        let places: Vec<String> = (1..=values.len() + 1).map(|number| format!("?{number}")).collect();
        let insert =
            format!("INSERT OR REPLACE INTO {} ({}, sum) VALUES ({})", self.name, self.columns, places.join(", "));
        let with_sum: Vec<&dyn ToSql> = values.iter().copied().chain([&sum as &dyn ToSql]).collect();
        to.prepare_cached(&insert)?.execute(with_sum.as_slice()).map(drop)
    }

    fn count(&self) -> usize {
        self.columns.split(", ").count()
    }
}

/// The key in these columns of a row; `None` where it holds text that is none. Such a row is damaged, and gets no checksum.
fn key_of(row: &Row<'_>, columns: Range<usize>) -> Result<Option<Vec<Value>>, Error> {
    let mut key = Vec::new();
    for column in columns {
        match row.get_ref(column)? {
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => key.push(Value::Text(text.to_owned())),
                Err(_) => return Ok(None),
            },
            other => key.push(other.try_into().map_err(|_| Error::InvalidQuery)?),
        }
    }
    Ok(Some(key))
}

/// The first 64 bits of SHA-256 over values, each with its type and length in front.
fn of_values<'v>(values: impl Iterator<Item = ValueRef<'v>>) -> i64 {
    let mut hash = Sha256::new();
    for value in values {
        match value {
            ValueRef::Null => hash.update([0]),
            ValueRef::Integer(number) => {
                hash.update([1]);
                hash.update(number.to_be_bytes());
            }
            ValueRef::Real(number) => {
                hash.update([2]);
                hash.update(number.to_be_bytes());
            }
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                hash.update([if matches!(value, ValueRef::Text(_)) { 3 } else { 4 }]);
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk().map_or(0, |first| i64::from_be_bytes(*first))
}

/// The checksum of values as they are about to be written.
///
/// # Errors
/// `SQLite`'s, of a value that it cannot keep.
pub fn of_params(values: &[&dyn ToSql]) -> Result<i64, Error> {
    let outputs = values.iter().map(|value| value.to_sql()).collect::<Result<Vec<_>, _>>()?;
    let values = outputs.iter().map(|output| match output {
        ToSqlOutput::Borrowed(value) => *value,
        ToSqlOutput::Owned(value) => ValueRef::from(value),
        _ => ValueRef::Null,
    });
    Ok(of_values(values))
}

/// The checksum of a row's first `count` values.
fn of_row(row: &Row<'_>, count: usize) -> Result<i64, Error> {
    let values = (0..count).map(|index| row.get_ref(index)).collect::<Result<Vec<_>, _>>()?;
    Ok(of_values(values.into_iter()))
}
