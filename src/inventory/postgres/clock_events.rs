//! The events that bear on clocks, from the server.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::columns::{measured, slot, time, word};
use super::session::{Session, Trouble};
use crate::inventory::clock_event::CLOCK_EVENTS;
use crate::inventory::{ClockEvent, Deed, Outcome, SlotKey};

/// Those of a serial, or all: token by token, oldest first.
pub fn visit(from: &mut Session, serial: Option<&str>, visit: &mut dyn FnMut(ClockEvent)) -> Result<(), Trouble> {
    let (of_serial, bound) = match &serial {
        Some(serial) => ("AND serial = $1", vec![serial as &(dyn ToSql + Sync)]),
        None => ("", Vec::new()),
    };
    let found = from.rows(&format!("{CLOCK_EVENTS} {of_serial} ORDER BY serial, at, id"), &bound)?;
    found.iter().try_for_each(|row| clock_event(row).map(&mut *visit))
}

fn clock_event(row: &Row) -> Result<ClockEvent, Trouble> {
    Ok(ClockEvent {
        key: SlotKey { serial: row.try_get("serial")?, slot: slot(row, "slot")? },
        at: time(row, "at")?,
        job: row.try_get("job")?,
        desk: row.try_get("desk")?,
        deed: word(row, "deed", Deed::of_word)?,
        outcome: word(row, "outcome", Outcome::of_word)?,
        before: measured(row, "before_s", "before_resolution_s")?,
        after: measured(row, "after_s", "after_resolution_s")?,
    })
}
