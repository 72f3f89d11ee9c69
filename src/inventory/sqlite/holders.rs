//! The slot that holds a seed: a table with one row a seed, written in the same transaction as the record of the token.

use rusqlite::{Connection, Error, OptionalExtension, params};

use super::Stopped;
use crate::inventory::{Fingerprint, InventoryError, SlotKey};

/// The slot that holds, or may hold, a seed.
pub fn holder(from: &Connection, seed: &Fingerprint) -> Result<Option<SlotKey>, Error> {
    from.prepare_cached("SELECT serial, slot FROM holders WHERE seed = ?1")?
        .query_row([seed.as_bytes()], |row| Ok(SlotKey { serial: row.get(0)?, slot: row.get(1)? }))
        .optional()
}

/// Makes a slot the holder of a seed.
///
/// # Errors
/// [`InventoryError::Held`] where another one holds it, unless they may share it.
pub fn hold(to: &Connection, seed: &Fingerprint, key: &SlotKey, shares: bool) -> Result<(), Stopped> {
    to.prepare_cached("INSERT OR IGNORE INTO holders (seed, serial, slot) VALUES (?1, ?2, ?3)")?.execute(params![
        seed.as_bytes(),
        key.serial,
        key.slot
    ])?;
    match holder(to, seed)? {
        Some(other) if other != *key && !shares => Err(Stopped::Rows(InventoryError::Held(other))),
        _ => Ok(()),
    }
}

/// The seeds that the records of all tokens name, each with its slot.
pub const NAMED: &str = "SELECT seed, serial, slot FROM tokens WHERE seed IS NOT NULL
     UNION ALL SELECT pending_seed, serial, slot FROM tokens WHERE pending_seed IS NOT NULL
     UNION ALL SELECT seed, serial, slot FROM candidates";

/// Brings the seeds that a slot holds to what its record says by now. One that it no longer holds goes to another slot
/// that shares it, if there is one.
pub fn settle(to: &Connection, key: &SlotKey) -> Result<(), Error> {
    to.prepare_cached(
        "INSERT OR IGNORE INTO holders (seed, serial, slot)
         SELECT seed, serial, slot FROM tokens WHERE serial = ?1 AND slot = ?2 AND seed IS NOT NULL
         UNION ALL SELECT pending_seed, serial, slot FROM tokens
             WHERE serial = ?1 AND slot = ?2 AND pending_seed IS NOT NULL
         UNION ALL SELECT seed, serial, slot FROM candidates WHERE serial = ?1 AND slot = ?2",
    )?
    .execute(params![key.serial, key.slot])?;
    let mut delete = to.prepare_cached(
        "DELETE FROM holders WHERE serial = ?1 AND slot = ?2 AND seed NOT IN (
             SELECT seed FROM tokens WHERE serial = ?1 AND slot = ?2 AND seed IS NOT NULL
             UNION ALL SELECT pending_seed FROM tokens WHERE serial = ?1 AND slot = ?2 AND pending_seed IS NOT NULL
             UNION ALL SELECT seed FROM candidates WHERE serial = ?1 AND slot = ?2)
         RETURNING seed",
    )?;
    let freed = delete.query_map(params![key.serial, key.slot], |row| row.get::<_, Vec<u8>>(0))?;
    for seed in freed.collect::<Result<Vec<_>, _>>()? {
        to.prepare_cached(
            "INSERT OR IGNORE INTO holders (seed, serial, slot)
             SELECT seed, serial, slot FROM tokens WHERE seed = ?1
             UNION ALL SELECT pending_seed, serial, slot FROM tokens WHERE pending_seed = ?1
             UNION ALL SELECT seed, serial, slot FROM candidates WHERE seed = ?1",
        )?
        .execute([&seed])?;
    }
    Ok(())
}
