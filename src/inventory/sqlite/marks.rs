//! What is known of tokens beside their rows: that a clock stood still, and which seed was erased.

use rusqlite::{Connection, Error, params};

use super::columns::{damaged, ms};
use super::sums;
use crate::inventory::{Fingerprint, SlotKey, TokenRecord};

/// The columns that a token's row is read with, from the marks beside it.
pub const COLUMNS: &str = "
    (SELECT at FROM marks WHERE marks.serial = tokens.serial AND marks.slot = tokens.slot AND what = 'clock-stopped') AS clock_stopped,
    (SELECT seed FROM marks WHERE marks.serial = tokens.serial AND marks.slot = tokens.slot AND what = 'seed-erased') AS erased_seed";

const CLOCK_STOPPED: &str = "clock-stopped";
const SEED_ERASED: &str = "seed-erased";

/// Whether the marks of a token have their own checksums.
///
/// # Errors
/// `SQLite`'s; a mark whose checksum is not its own is one.
pub fn check(from: &Connection, key: &SlotKey) -> Result<(), Error> {
    for what in [CLOCK_STOPPED, SEED_ERASED] {
        if sums::MARKS.is_right(from, &[&key.serial, &key.slot, &what])? == Some(false) {
            return Err(damaged("a token's mark does not have its own checksum"));
        }
    }
    Ok(())
}

/// Puts the marks of a token, as its record has them by now, in the place of those of before.
///
/// # Errors
/// `SQLite`'s.
pub fn put(to: &Connection, earlier: Option<&TokenRecord>, later: &TokenRecord) -> Result<(), Error> {
    let key = &later.key;
    if later.clock_stopped != earlier.and_then(|earlier| earlier.clock_stopped) {
        match later.clock_stopped {
            Some(at) => set(to, key, CLOCK_STOPPED, None, ms(at))?,
            None => clear(to, key, CLOCK_STOPPED)?,
        }
    }
    if later.erased_seed != earlier.and_then(|earlier| earlier.erased_seed) {
        match (&later.erased_seed, later.erased) {
            (Some(seed), Some(at)) => set(to, key, SEED_ERASED, Some(seed), ms(at))?,
            _ => clear(to, key, SEED_ERASED)?,
        }
    }
    Ok(())
}

fn set(to: &Connection, key: &SlotKey, what: &str, seed: Option<&Fingerprint>, at: i64) -> Result<(), Error> {
    to.prepare_cached("INSERT OR REPLACE INTO marks (serial, slot, what, seed, at) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![key.serial, key.slot, what, seed.map(Fingerprint::as_bytes), at])?;
    sums::MARKS.stamp(to, &[&key.serial, &key.slot, &what])
}

fn clear(to: &Connection, key: &SlotKey, what: &str) -> Result<(), Error> {
    to.prepare_cached("DELETE FROM marks WHERE serial = ?1 AND slot = ?2 AND what = ?3")?
        .execute(params![key.serial, key.slot, what])
        .map(drop)
}
