//! Keys that tokens refused: a further try with one of them may be the last that a token grants.

use rusqlite::{Connection, Error, params};

use super::columns::{damaged, ms, time};
use super::sums;
use crate::inventory::{Fingerprint, KeyChange};
use crate::time::UnixTime;

/// When a token last refused a key, if it accepted none since.
///
/// # Errors
/// `SQLite`'s; a row whose checksum is not its own is one.
pub fn refused(from: &Connection, serial: &str, key: &Fingerprint) -> Result<Option<UnixTime>, Error> {
    let select =
        format!("SELECT {}, sum FROM refused_keys WHERE serial = ?1 AND key = ?2", sums::REFUSED_KEYS.columns());
    let mut select = from.prepare_cached(&select)?;
    let mut rows = select.query(params![serial, key.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    match sums::REFUSED_KEYS.is_right(row)? {
        true => time(row, "at").map(Some),
        false => Err(damaged("a refused key's row does not have its own checksum")),
    }
}

/// Puts on record what a token said of a key.
///
/// # Errors
/// `SQLite`'s.
pub fn change(to: &Connection, serial: &str, change: KeyChange, at: UnixTime) -> Result<(), Error> {
    match change {
        KeyChange::Keep => Ok(()),
        KeyChange::Refused(key) => sums::REFUSED_KEYS.put(to, &[&serial, &key.as_bytes(), &ms(at)]),
        KeyChange::Accepted => {
            to.prepare_cached("DELETE FROM refused_keys WHERE serial = ?1")?.execute([serial]).map(drop)
        }
    }
}
