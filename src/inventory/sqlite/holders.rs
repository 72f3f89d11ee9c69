//! Which token holds a seed: a table with one row a seed, written in the same transaction as the record of the token.

use rusqlite::{Connection, Error, OptionalExtension, params};

use super::Stopped;
use crate::inventory::{Fingerprint, InventoryError};

/// The token that holds, or may hold, a seed.
pub fn holder(from: &Connection, seed: &Fingerprint) -> Result<Option<String>, Error> {
    from.prepare_cached("SELECT serial FROM holders WHERE seed = ?1")?
        .query_row([seed.as_bytes()], |row| row.get(0))
        .optional()
}

/// Makes a token the holder of a seed.
///
/// # Errors
/// [`InventoryError::Held`] where another token holds it, unless they may share it.
pub fn hold(to: &Connection, seed: &Fingerprint, serial: &str, shares: bool) -> Result<(), Stopped> {
    to.prepare_cached("INSERT OR IGNORE INTO holders (seed, serial) VALUES (?1, ?2)")?
        .execute(params![seed.as_bytes(), serial])?;
    match holder(to, seed)? {
        Some(other) if other != serial && !shares => Err(Stopped::Rows(InventoryError::Held(other))),
        _ => Ok(()),
    }
}

/// The seeds that the records of all tokens name, each with its token.
pub const NAMED: &str = "SELECT seed, serial FROM tokens WHERE seed IS NOT NULL
     UNION ALL SELECT pending_seed, serial FROM tokens WHERE pending_seed IS NOT NULL
     UNION ALL SELECT seed, serial FROM candidates";

/// Brings the seeds that a token holds to what its record says by now. One that it no longer holds goes to another token
/// that shares it, if there is one.
pub fn settle(to: &Connection, serial: &str) -> Result<(), Error> {
    to.prepare_cached(
        "INSERT OR IGNORE INTO holders (seed, serial)
         SELECT seed, serial FROM tokens WHERE serial = ?1 AND seed IS NOT NULL
         UNION ALL SELECT pending_seed, serial FROM tokens WHERE serial = ?1 AND pending_seed IS NOT NULL
         UNION ALL SELECT seed, serial FROM candidates WHERE serial = ?1",
    )?
    .execute([serial])?;
    let mut delete = to.prepare_cached(
        "DELETE FROM holders WHERE serial = ?1 AND seed NOT IN (
             SELECT seed FROM tokens WHERE serial = ?1 AND seed IS NOT NULL
             UNION ALL SELECT pending_seed FROM tokens WHERE serial = ?1 AND pending_seed IS NOT NULL
             UNION ALL SELECT seed FROM candidates WHERE serial = ?1)
         RETURNING seed",
    )?;
    let freed = delete.query_map([serial], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
    for seed in freed {
        to.prepare_cached(
            "INSERT OR IGNORE INTO holders (seed, serial)
             SELECT seed, serial FROM tokens WHERE seed = ?1
             UNION ALL SELECT pending_seed, serial FROM tokens WHERE pending_seed = ?1
             UNION ALL SELECT seed, serial FROM candidates WHERE seed = ?1",
        )?
        .execute([&seed])?;
    }
    Ok(())
}
