//! The slot that holds a seed: a row a seed, written in the same transaction as the record of the token, so that two desks never
//! burn one seed onto two tokens.

use super::columns::slot;
use super::session::{Session, Trouble};
use crate::inventory::{Fingerprint, InventoryError, SlotKey};

/// The slot that holds, or may hold, a seed.
pub fn holder(from: &mut Session, seed: &Fingerprint) -> Result<Option<SlotKey>, Trouble> {
    let found = from.first("SELECT serial, slot FROM holders WHERE seed = $1", &[&seed.as_bytes()])?;
    found.map(|row| Ok(SlotKey { serial: row.try_get("serial")?, slot: slot(&row, "slot")? })).transpose()
}

/// Makes a slot the holder of a seed. Waits for another desk that is just doing the same.
///
/// # Errors
/// [`InventoryError::Held`] where another one holds it, unless they may share it.
pub fn hold(to: &mut Session, seed: &Fingerprint, key: &SlotKey, shares: bool) -> Result<(), Trouble> {
    loop {
        let made = to.execute(
            "INSERT INTO holders (seed, serial, slot) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            &[&seed.as_bytes(), &key.serial, &i32::from(key.slot)],
        )?;
        if made == 1 {
            return Ok(());
        }
        match holder(to, seed)? {
            Some(other) if other != *key && !shares => return Err(Trouble::Rows(InventoryError::Held(other))),
            Some(_) => return Ok(()),
            // Let go of by another desk between the two statements: it is to be had now.
            None => {}
        }
    }
}

/// The seeds that the records of all tokens name, each with its slot, and with how sure it is there: the lower, the surer.
pub const NAMED: &str = "SELECT 1 AS rank, seed, serial, slot FROM tokens WHERE seed IS NOT NULL
     UNION ALL SELECT 2, pending_seed, serial, slot FROM tokens WHERE pending_seed IS NOT NULL
     UNION ALL SELECT 3, seed, serial, slot FROM candidates";

/// Brings the seeds that a slot holds to what its record says by now. One that it no longer holds goes to another slot that shares
/// it, if there is one.
pub fn settle(to: &mut Session, key: &SlotKey) -> Result<(), Trouble> {
    let slot = i32::from(key.slot);
    to.execute(
        &format!(
            "INSERT INTO holders (seed, serial, slot)
             SELECT DISTINCT seed, serial, slot FROM ({NAMED}) AS named WHERE serial = $1 AND slot = $2
             ON CONFLICT DO NOTHING"
        ),
        &[&key.serial, &slot],
    )?;
    let freed = to.rows(
        &format!(
            "DELETE FROM holders WHERE serial = $1 AND slot = $2
                 AND seed NOT IN (SELECT seed FROM ({NAMED}) AS named WHERE serial = $1 AND slot = $2)
             RETURNING seed"
        ),
        &[&key.serial, &slot],
    )?;
    for row in freed {
        let seed: Vec<u8> = row.try_get("seed")?;
        to.execute(
            &format!(
                "INSERT INTO holders (seed, serial, slot)
                 SELECT seed, serial, slot FROM ({NAMED}) AS named WHERE seed = $1
                 ORDER BY rank, serial, slot LIMIT 1
                 ON CONFLICT DO NOTHING"
            ),
            &[&seed],
        )?;
    }
    Ok(())
}
