//! Values that the inventory has once: the key of its fingerprints, and whom it seals seeds to.

use rusqlite::{Connection, Error};

use super::{columns, sums};

/// A value that the inventory has once.
pub fn get(from: &Connection, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let select = format!("SELECT {}, sum FROM meta WHERE name = ?1", sums::META.columns());
    let mut select = from.prepare_cached(&select)?;
    let mut rows = select.query([name])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    match sums::META.is_right(row)? {
        true => row.get("value").map(Some),
        false => Err(columns::damaged(&format!("its {name} does not have its own checksum"))),
    }
}

/// Puts such a value in the place of the one that was there.
pub fn put(to: &Connection, name: &str, value: &[u8]) -> Result<(), Error> {
    sums::META.put(to, &[&name, &value])
}

/// The recipients as they are kept: one a line.
pub fn recipients(from: &Connection) -> Result<Vec<String>, Error> {
    let text = get(from, "recipients")?.unwrap_or_default();
    let text = String::from_utf8(text).map_err(|_| columns::damaged("its recipients are not text"))?;
    Ok(text.lines().map(str::to_owned).collect())
}
