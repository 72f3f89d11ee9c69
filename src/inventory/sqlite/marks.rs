//! Marks on tokens beside their rows: that a clock stood still, and which seed was erased.

use rusqlite::{Connection, Error, Row, ToSql, params};

use super::columns::{damaged, ms};
use super::sums;
use crate::inventory::{Fingerprint, SlotKey, TokenRecord};

/// The columns that a token's row is read with, from the marks beside it.
pub const COLUMNS: &str = "
    (SELECT at FROM marks WHERE marks.serial = tokens.serial AND marks.slot = tokens.slot AND what = 'clock-stopped')
        AS clock_stopped,
    (SELECT sum FROM marks WHERE marks.serial = tokens.serial AND marks.slot = tokens.slot AND what = 'clock-stopped')
        AS clock_stopped_sum,
    (SELECT seed FROM marks WHERE marks.serial = tokens.serial AND marks.slot = tokens.slot AND what = 'seed-erased')
        AS erased_seed,
    (SELECT at FROM marks WHERE marks.serial = tokens.serial AND marks.slot = tokens.slot AND what = 'seed-erased')
        AS erased_seed_at,
    (SELECT sum FROM marks WHERE marks.serial = tokens.serial AND marks.slot = tokens.slot AND what = 'seed-erased')
        AS erased_seed_sum";

const CLOCK_STOPPED: &str = "clock-stopped";
const SEED_ERASED: &str = "seed-erased";

/// Whether the marks of a token, in a row that was read with [`COLUMNS`], have their own checksums.
///
/// # Errors
/// `SQLite`'s; a mark whose checksum is not its own is one.
pub fn check(key: &SlotKey, row: &Row<'_>) -> Result<(), Error> {
    let is_right = |what: &str, seed: Option<Vec<u8>>, at: Option<i64>, sum: Option<i64>| -> Result<bool, Error> {
        let values: [&dyn ToSql; 5] = [&key.serial, &key.slot, &what, &seed, &at];
        Ok(at.is_none() || sum == Some(sums::of_params(&values)?))
    };
    let stopped = is_right(CLOCK_STOPPED, None, row.get("clock_stopped")?, row.get("clock_stopped_sum")?)?;
    let (seed, at) = (row.get("erased_seed")?, row.get("erased_seed_at")?);
    let erased = is_right(SEED_ERASED, seed, at, row.get("erased_seed_sum")?)?;
    match stopped && erased {
        true => Ok(()),
        false => Err(damaged("a token's mark does not have its own checksum")),
    }
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
    sums::MARKS.put(to, &[&key.serial, &key.slot, &what, &seed.map(Fingerprint::as_bytes), &at])
}

fn clear(to: &Connection, key: &SlotKey, what: &str) -> Result<(), Error> {
    to.prepare_cached("DELETE FROM marks WHERE serial = ?1 AND slot = ?2 AND what = ?3")?
        .execute(params![key.serial, key.slot, what])
        .map(drop)
}
