//! A counting token whose counter the server has lost: found again by codes off its display.

use super::Work;
use super::hindrance::Hindrance;
use super::mend::keep;
use super::plan::delivery_of;
use crate::inventory::{Outcome, SlotKey};
use crate::server::ServerError;

/// Makes the server find a token's counter, or clock, again by codes that follow each other. Whether it did.
///
/// # Errors
/// [`Hindrance`].
pub fn resync(work: &Work<'_>, key: &SlotKey, codes: &[String]) -> Result<bool, Hindrance> {
    let found = work.server.tokens(&key.serial).map_err(Hindrance::Server)?;
    let there = match found.as_slice() {
        [] => return Err(Hindrance::NotThere),
        [one] => one,
        several => return Err(Hindrance::Several(several.len())),
    };
    if there.is_off {
        return Err(Hindrance::OffThere);
    }
    let is_found = work.server.resync(there, codes).map_err(|error| match error {
        ServerError::NoSuchCall(_) => Hindrance::NoCall,
        error => Hindrance::Server(error),
    })?;
    let (outcome, words) = match is_found {
        true => (Outcome::Done, "found again by its codes"),
        false => (Outcome::Failed, "not found by the codes that were typed"),
    };
    let is_open = !is_found && delivery_of(work, key)?.is_some_and(|known| known.unmended.is_some());
    keep(work, key, outcome, is_open, format!("at {}: {words}", work.name))?;
    Ok(is_found)
}
