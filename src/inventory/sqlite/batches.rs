//! Batches and their rows in their tables.

use rusqlite::{Connection, Error, OptionalExtension, Row, params};

use super::Stopped;
use super::columns::{fingerprint, ms, optional_time, time, word};
use super::sums;
use crate::inventory::{
    BatchId, BatchRecord, Counts, Fingerprint, InventoryError, Kept, NewBatch, NewRow, RowChange, RowRecord, RowState,
};
use crate::time::UnixTime;

/// Adds a batch and its rows.
pub fn add(
    to: &Connection,
    batch: &NewBatch,
    rows: &mut dyn Iterator<Item = Kept<NewRow>>,
) -> Result<BatchId, Stopped> {
    let open =
        to.query_row("SELECT 1 FROM batches WHERE content = ?1 AND closed IS NULL", [&batch.content], |_| Ok(()));
    if open.optional()?.is_some() {
        return Err(Stopped::Rows(InventoryError::Begun));
    }
    to.prepare_cached("INSERT INTO batches (name, content, begun) VALUES (?1, ?2, ?3)")?.execute(params![
        batch.name,
        batch.content,
        ms(batch.begun)
    ])?;
    let id = to.last_insert_rowid();
    sums::BATCHES.stamp(to, &[&id])?;
    let mut insert = to.prepare_cached(
        "INSERT INTO batch_rows (batch, number, state, serial, is_named, user, seed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (number, row) in (1_i64..).zip(rows) {
        let row = row.map_err(Stopped::Rows)?;
        let seed = row.seed.as_ref().map(Fingerprint::as_bytes);
        insert.execute(params![id, number, row.state.word(), row.serial, row.is_named, row.user, seed])?;
        sums::BATCH_ROWS.stamp(to, &[&id, &number])?;
    }
    Ok(id)
}

/// Changes a row that is still as it was.
pub fn change_row(to: &Connection, change: &RowChange) -> Result<(), Stopped> {
    let number = change.row as i64;
    let changed = to
        .prepare_cached(
            "UPDATE batch_rows SET state = ?3, serial = ?4, seed = coalesce(?5, seed), error = ?6
         WHERE batch = ?1 AND number = ?2 AND state = ?7",
        )?
        .execute(params![
            change.batch,
            number,
            change.state.word(),
            change.serial,
            change.seed.as_ref().map(Fingerprint::as_bytes),
            change.error,
            change.was.word(),
        ])?;
    if changed != 1 {
        return Err(Stopped::Rows(InventoryError::Taken(change.row)));
    }
    sums::BATCH_ROWS.stamp(to, &[&change.batch, &number])?;
    match &change.serial {
        Some(serial) if matches!(change.state, RowState::Burning | RowState::Unknown) => {
            Ok(note_dealt(to, change, serial)?)
        }
        _ => Ok(()),
    }
}

/// The newest batch of a content.
pub fn of_content(from: &Connection, content: &[u8]) -> Result<Option<BatchRecord>, Error> {
    let sql = "SELECT * FROM batches WHERE content = ?1 ORDER BY id DESC LIMIT 1";
    with_counts(from, from.query_row(sql, [content], batch).optional()?)
}

/// The newest batch of a name that is not closed.
pub fn open_named(from: &Connection, name: &str) -> Result<Option<BatchRecord>, Error> {
    let sql = "SELECT * FROM batches WHERE name = ?1 AND closed IS NULL ORDER BY id DESC LIMIT 1";
    with_counts(from, from.query_row(sql, [name], batch).optional()?)
}

fn with_counts(from: &Connection, found: Option<BatchRecord>) -> Result<Option<BatchRecord>, Error> {
    found.map(|batch| Ok(BatchRecord { counts: counts(from, batch.id)?, ..batch })).transpose()
}

fn batch(row: &Row<'_>) -> Result<BatchRecord, Error> {
    Ok(BatchRecord {
        id: row.get("id")?,
        name: row.get("name")?,
        content: row.get("content")?,
        begun: time(row, "begun")?,
        closed: optional_time(row, "closed")?,
        counts: Counts::default(),
    })
}

/// Closes a batch.
pub fn close(to: &Connection, id: BatchId, at: UnixTime) -> Result<(), Error> {
    to.execute("UPDATE batches SET closed = ?2 WHERE id = ?1", params![id, ms(at)])?;
    sums::BATCHES.stamp(to, &[&id])
}

/// All batches since a time, newest first.
pub fn all(from: &Connection, since: Option<UnixTime>) -> Result<Vec<BatchRecord>, Error> {
    let mut select = from.prepare("SELECT * FROM batches WHERE begun >= ?1 ORDER BY id DESC")?;
    let found: Result<Vec<_>, _> = select.query_map([since.map_or(i64::MIN, ms)], batch)?.collect();
    let counted = found?.into_iter().map(|batch| Ok(BatchRecord { counts: counts(from, batch.id)?, ..batch }));
    counted.collect()
}

/// How many rows are in which state.
pub fn counts(from: &Connection, id: BatchId) -> Result<Counts, Error> {
    let mut select =
        from.prepare_cached("SELECT state, count(*) AS many FROM batch_rows WHERE batch = ?1 GROUP BY state")?;
    let mut counts = Counts::default();
    for found in select.query_map([id], |row| Ok((word(row, "state", RowState::of_word)?, row.get("many")?)))? {
        let (state, many) = found?;
        counts.add(state, many);
    }
    Ok(counts)
}

/// The row of a serial.
pub fn row_of(from: &Connection, id: BatchId, serial: &str) -> Result<Option<RowRecord>, Error> {
    from.prepare_cached("SELECT * FROM batch_rows WHERE batch = ?1 AND serial = ?2")?
        .query_row(params![id, serial], row)
        .optional()
}

/// The row of a seed.
pub fn row_of_seed(from: &Connection, id: BatchId, seed: &Fingerprint) -> Result<Option<RowRecord>, Error> {
    from.prepare_cached("SELECT * FROM batch_rows WHERE batch = ?1 AND seed = ?2 LIMIT 1")?
        .query_row(params![id, seed.as_bytes()], row)
        .optional()
}

/// The planned rows without a serial, in their order, until one is taken; whether one was.
pub fn visit_planned(
    from: &Connection,
    id: BatchId,
    take: &mut dyn FnMut(RowRecord) -> Result<bool, Error>,
) -> Result<bool, Error> {
    // Named, because the planner would rather walk over all rows that are done.
    let mut select = from.prepare_cached(
        "SELECT * FROM batch_rows INDEXED BY batch_rows_by_state
         WHERE batch = ?1 AND state = 'planned' AND is_named = 0 ORDER BY number",
    )?;
    for found in select.query_map(params![id], row)? {
        if take(found?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes note that a row is about to be burned onto a token.
fn note_dealt(to: &Connection, change: &RowChange, serial: &str) -> Result<(), Error> {
    let number = change.row as i64;
    let is_new = to
        .prepare_cached("INSERT OR IGNORE INTO dealt (batch, number, serial) VALUES (?1, ?2, ?3)")?
        .execute(params![change.batch, number, serial])?;
    if is_new == 1 { sums::DEALT.stamp(to, &[&change.batch, &number, &serial]) } else { Ok(()) }
}

/// Whether a row was ever about to be burned onto a token.
pub fn was_dealt(from: &Connection, id: BatchId, row: u64, serial: &str) -> Result<bool, Error> {
    from.prepare_cached("SELECT 1 FROM dealt WHERE batch = ?1 AND number = ?2 AND serial = ?3")?
        .exists(params![id, row as i64, serial])
}

/// Rows in their order.
pub fn visit_rows(
    from: &Connection,
    id: BatchId,
    states: &[RowState],
    visit: &mut dyn FnMut(RowRecord),
) -> Result<(), Error> {
    let mut select = from.prepare_cached("SELECT * FROM batch_rows WHERE batch = ?1 ORDER BY number")?;
    for found in select.query_map([id], row)? {
        let found = found?;
        if states.is_empty() || states.contains(&found.state) {
            visit(found);
        }
    }
    Ok(())
}

fn row(row: &Row<'_>) -> Result<RowRecord, Error> {
    let number: i64 = row.get("number")?;
    Ok(RowRecord {
        row: u64::try_from(number).unwrap_or_default(),
        state: word(row, "state", RowState::of_word)?,
        serial: row.get("serial")?,
        is_named: row.get("is_named")?,
        user: row.get("user")?,
        seed: fingerprint(row, "seed")?,
        error: row.get("error")?,
    })
}
