//! A counting token whose counter the server has lost: found again by codes off its display.

use super::super::begins::new_job;
use super::Work;
use super::hindrance::Hindrance;
use super::mend::{how_it_failed, keep};
use super::plan::delivery_of;
use crate::inventory::{DeliveryFilter, Fingerprint, Inventory, InventoryError, Outcome, ServerRecord, SlotKey};
use crate::server::{ServerError, ServerKind, ServerSettings};

/// The servers that have this seed of a token and can find its counter again, with their kinds.
///
/// # Errors
/// A failure of the inventory.
pub fn servers_with(
    inventory: &dyn Inventory,
    key: &SlotKey,
    seed: Fingerprint,
) -> Result<Vec<(String, ServerKind)>, InventoryError> {
    let filter = DeliveryFilter { server: None, serial: Some(key.serial.clone()) };
    let mut there = inventory.deliveries(&filter)?;
    there.retain(|one| one.key == *key && one.seed == seed && one.step.is_there());
    let kind = |record: ServerRecord| {
        let settings = ServerSettings::of_text(&record.settings)?;
        there.iter().any(|one| one.server == record.name).then_some((record.name, settings.kind))
    };
    let known = inventory.servers()?.into_iter().filter_map(kind);
    Ok(known.filter(|(_, kind)| kind.codes_to_resync().is_some()).collect())
}

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
    let is_unmended = delivery_of(work, key)?.is_some_and(|known| known.unmended.is_some());
    let job = new_job();
    keep(work, key, job, (Outcome::Begun, is_unmended), "about to send the typed codes")?;
    let found = work.server.resync(there, codes).map_err(|error| match error {
        ServerError::NoSuchCall(_) => Hindrance::NoCall,
        error => Hindrance::Server(error),
    });
    let (outcome, words) = match &found {
        Ok(true) => (Outcome::Done, "found again by its codes"),
        Ok(false) => (Outcome::Failed, "not found by the codes that were typed"),
        Err(why) => (how_it_failed(why), "no result for the codes that were typed"),
    };
    keep(work, key, job, (outcome, is_unmended && found != Ok(true)), words)?;
    found
}
