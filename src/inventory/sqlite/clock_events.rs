//! The events that bear on clocks, from their table.

use rusqlite::{Connection, Error, Row};

use super::columns::{measured, time, word};
use crate::inventory::clock_event::CLOCK_EVENTS;
use crate::inventory::{ClockEvent, Deed, Outcome, SlotKey};

/// Those of a serial, or all: token by token, oldest first.
pub fn visit(from: &Connection, serial: Option<&str>, visit: &mut dyn FnMut(ClockEvent)) -> Result<(), Error> {
    // One statement for each way in, so that an index leads there.
    let (of_serial, bound) = match &serial {
        Some(serial) => ("AND serial = ?1", vec![serial as &dyn rusqlite::ToSql]),
        None => ("", Vec::new()),
    };
    let mut select = from.prepare_cached(&format!("{CLOCK_EVENTS} {of_serial} ORDER BY serial, at, id"))?;
    let found = select.query_map(bound.as_slice(), clock_event)?;
    found.into_iter().try_for_each(|event| event.map(&mut *visit))
}

fn clock_event(row: &Row<'_>) -> Result<ClockEvent, Error> {
    Ok(ClockEvent {
        key: SlotKey { serial: row.get("serial")?, slot: row.get("slot")? },
        at: time(row, "at")?,
        job: row.get("job")?,
        desk: row.get("desk")?,
        deed: word(row, "deed", Deed::of_word)?,
        outcome: word(row, "outcome", Outcome::of_word)?,
        before: measured(row, "before_s", "before_resolution_s")?,
        after: measured(row, "after_s", "after_resolution_s")?,
    })
}
