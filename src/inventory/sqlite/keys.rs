//! Keys that tokens refused: a further try with one of them may be the last that a token grants.

use rusqlite::{Connection, Error, OptionalExtension, params};

use super::columns::{damaged, ms, time};
use super::sums;
use crate::inventory::{Fingerprint, KeyChange};
use crate::time::UnixTime;

/// When a token last refused a key, if it accepted none since.
///
/// # Errors
/// `SQLite`'s; a row whose checksum is not its own is one.
pub fn refused(from: &Connection, serial: &str, key: &Fingerprint) -> Result<Option<UnixTime>, Error> {
    match sums::REFUSED_KEYS.is_right(from, &[&serial, &key.as_bytes()])? {
        None => return Ok(None),
        Some(true) => {}
        Some(false) => return Err(damaged("a refused key's row does not have its own checksum")),
    }
    from.prepare_cached("SELECT at FROM refused_keys WHERE serial = ?1 AND key = ?2")?
        .query_row(params![serial, key.as_bytes()], |row| time(row, "at"))
        .optional()
}

/// Puts on record what a token said of a key.
///
/// # Errors
/// `SQLite`'s.
pub fn change(to: &Connection, serial: &str, change: KeyChange, at: UnixTime) -> Result<(), Error> {
    match change {
        KeyChange::Keep => Ok(()),
        KeyChange::Refused(key) => {
            to.prepare_cached("INSERT OR REPLACE INTO refused_keys (serial, key, at) VALUES (?1, ?2, ?3)")?
                .execute(params![serial, key.as_bytes(), ms(at)])?;
            sums::REFUSED_KEYS.stamp(to, &[&serial, &key.as_bytes()])
        }
        KeyChange::Accepted => {
            to.prepare_cached("DELETE FROM refused_keys WHERE serial = ?1")?.execute([serial]).map(drop)
        }
    }
}
