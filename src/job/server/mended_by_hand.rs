//! A server that somebody has mended at its own page: nobody but them can say so.

use crate::inventory::{Delivery, DeliveryFilter, Event, Inventory, InventoryError};

/// Puts on record, with the event, that the token that it names was mended at a server by hand. `false`: nothing was left to do, and
/// nothing was kept.
///
/// # Errors
/// [`InventoryError`].
pub fn mended_by_hand(books: &dyn Inventory, server: &str, event: &Event) -> Result<bool, InventoryError> {
    let filter = DeliveryFilter { server: Some(server.to_owned()), serial: event.serial.clone() };
    let is_open = |one: &Delivery| one.key.slot == event.slot && one.unmended.is_some();
    let Some(earlier) = books.deliveries(&filter)?.into_iter().find(is_open) else { return Ok(false) };
    let later = Delivery { unmended: None, ..earlier.clone() };
    books.deliver(Some(&earlier), &later, Some(event))?;
    Ok(true)
}
