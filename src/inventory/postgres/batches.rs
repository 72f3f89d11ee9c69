//! Batches, their rows, and who has which in hand, in their tables on the server.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::columns::{fingerprint, ms, odd, optional_time, time, word};
use super::schema::PROGRAMS;
use super::session::{Session, Trouble};
use super::tokens;
use crate::inventory::{
    BatchId, BatchRecord, Claim, Counts, Fingerprint, InventoryError, Kept, NewBatch, NewRow, RowChange, RowRecord,
    RowState, SlotKey, TokenRecord,
};
use crate::time::UnixTime;

/// So many rows go to the server in one statement.
const ROWS_AT_ONCE: usize = 500;

/// Adds a batch and its rows.
pub fn add(
    to: &mut Session,
    batch: &NewBatch,
    rows: &mut dyn Iterator<Item = Kept<NewRow>>,
) -> Result<BatchId, Trouble> {
    let made = to.first(
        // Two desks that draw the same number at once cross each other, and one begins again.
        "INSERT INTO batches (id, name, content, begun) SELECT coalesce(max(id), 0) + 1, $1, $2, $3 FROM batches
         ON CONFLICT (content) WHERE closed IS NULL DO NOTHING RETURNING id",
        &[&batch.name, &batch.content, &ms(batch.begun)],
    )?;
    let id: BatchId = made.ok_or(Trouble::Rows(InventoryError::Begun))?.try_get("id")?;
    let mut number = 1_i64;
    loop {
        let rows: Vec<NewRow> = rows.take(ROWS_AT_ONCE).collect::<Kept<_>>().map_err(Trouble::Rows)?;
        if rows.is_empty() {
            return Ok(id);
        }
        let numbers: Vec<i64> = (number..).take(rows.len()).collect();
        number += numbers.len() as i64;
        let states: Vec<&str> = rows.iter().map(|row| row.state.word()).collect();
        let serials: Vec<Option<&str>> = rows.iter().map(|row| row.serial.as_deref()).collect();
        let named: Vec<bool> = rows.iter().map(|row| row.is_named).collect();
        let users: Vec<Option<&str>> = rows.iter().map(|row| row.user.as_deref()).collect();
        let seeds: Vec<Option<&[u8]>> = rows.iter().map(|row| row.seed.as_ref().map(Fingerprint::as_bytes)).collect();
        to.execute(
            "INSERT INTO batch_rows (batch, number, state, serial, is_named, \"user\", seed)
             SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::bytea[])",
            &[&id, &numbers, &states, &serials, &named, &users, &seeds],
        )?;
    }
}

/// Changes a row that is still as it was.
pub fn change_row(to: &mut Session, change: &RowChange) -> Result<(), Trouble> {
    let number = change.row as i64;
    let changed = to.execute(
        "UPDATE batch_rows SET state = $3, serial = $4, seed = coalesce($5, seed), error = $6
         WHERE batch = $1 AND number = $2 AND state = $7",
        &[
            &change.batch,
            &number,
            &change.state.word(),
            &change.serial,
            &change.seed.as_ref().map(Fingerprint::as_bytes),
            &change.error,
            &change.was.word(),
        ],
    )?;
    if changed != 1 {
        return Err(Trouble::Rows(InventoryError::Taken(change.row)));
    }
    match &change.serial {
        Some(serial) if matches!(change.state, RowState::Burning | RowState::Unknown) => to
            .execute(
                "INSERT INTO dealt (batch, number, serial) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                &[&change.batch, &number, serial],
            )
            .map(drop),
        _ => Ok(()),
    }
}

/// The newest batch that a condition fits, with its counts.
fn newest(from: &mut Session, condition: &str, value: &(dyn ToSql + Sync)) -> Result<Option<BatchRecord>, Trouble> {
    let sql = format!("SELECT * FROM batches WHERE {condition} ORDER BY id DESC LIMIT 1");
    let Some(row) = from.first(&sql, &[value])? else { return Ok(None) };
    with_counts(from, batch(&row)?).map(Some)
}

/// The newest batch of a content.
pub fn of_content(from: &mut Session, content: &[u8]) -> Result<Option<BatchRecord>, Trouble> {
    newest(from, "content = $1", &content)
}

/// The newest batch of a name that is not closed.
pub fn open_named(from: &mut Session, name: &str) -> Result<Option<BatchRecord>, Trouble> {
    newest(from, "name = $1 AND closed IS NULL", &name)
}

fn with_counts(from: &mut Session, batch: BatchRecord) -> Result<BatchRecord, Trouble> {
    Ok(BatchRecord { counts: counts(from, batch.id)?, ..batch })
}

fn batch(row: &Row) -> Result<BatchRecord, Trouble> {
    Ok(BatchRecord {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        content: row.try_get("content")?,
        begun: time(row, "begun")?,
        closed: optional_time(row, "closed")?,
        counts: Counts::default(),
    })
}

/// Closes a batch.
pub fn close(to: &mut Session, id: BatchId, at: UnixTime) -> Result<(), Trouble> {
    to.execute("UPDATE batches SET closed = $2 WHERE id = $1", &[&id, &ms(at)]).map(drop)
}

/// All batches since a time, newest first.
pub fn all(from: &mut Session, since: Option<UnixTime>) -> Result<Vec<BatchRecord>, Trouble> {
    let found =
        from.rows("SELECT * FROM batches WHERE begun >= $1 ORDER BY id DESC", &[&since.map_or(i64::MIN, ms)])?;
    found.iter().map(|row| batch(row).and_then(|batch| with_counts(from, batch))).collect()
}

/// How many rows are in which state.
pub fn counts(from: &mut Session, id: BatchId) -> Result<Counts, Trouble> {
    let found = from.rows("SELECT state, count(*) AS many FROM batch_rows WHERE batch = $1 GROUP BY state", &[&id])?;
    let mut counts = Counts::default();
    for row in &found {
        counts.add(word(row, "state", RowState::of_word)?, row.try_get("many")?);
    }
    Ok(counts)
}

/// The row of a serial.
pub fn row_of(from: &mut Session, id: BatchId, serial: &str) -> Result<Option<RowRecord>, Trouble> {
    let found = from.first("SELECT * FROM batch_rows WHERE batch = $1 AND serial = $2", &[&id, &serial])?;
    found.as_ref().map(row).transpose()
}

/// The row of a seed.
pub fn row_of_seed(from: &mut Session, id: BatchId, seed: &Fingerprint) -> Result<Option<RowRecord>, Trouble> {
    let sql = "SELECT * FROM batch_rows WHERE batch = $1 AND seed = $2 ORDER BY number LIMIT 1";
    from.first(sql, &[&id, &seed.as_bytes()])?.as_ref().map(row).transpose()
}

/// Whether a row was ever about to be burned onto a token.
pub fn was_dealt(from: &mut Session, id: BatchId, row: u64, serial: &str) -> Result<bool, Trouble> {
    let sql = "SELECT 1 FROM dealt WHERE batch = $1 AND number = $2 AND serial = $3";
    Ok(from.first(sql, &[&id, &(row as i64), &serial])?.is_some())
}

/// Rows in their order, fetched piece by piece: a list may be longer than memory.
pub fn visit_rows(
    from: &mut Session,
    id: BatchId,
    states: &[RowState],
    visit: &mut dyn FnMut(RowRecord),
) -> Result<(), Trouble> {
    let mut after = 0_i64;
    loop {
        let sql = "SELECT * FROM batch_rows WHERE batch = $1 AND number > $2 ORDER BY number LIMIT 5000";
        let found = from.rows(sql, &[&id, &after])?;
        let Some(last) = found.last() else { return Ok(()) };
        after = last.try_get("number")?;
        for found in &found {
            let found = row(found)?;
            if states.is_empty() || states.contains(&found.state) {
                visit(found);
            }
        }
    }
}

fn row(row: &Row) -> Result<RowRecord, Trouble> {
    let number: i64 = row.try_get("number")?;
    Ok(RowRecord {
        row: u64::try_from(number).map_err(|_| odd("number"))?,
        state: word(row, "state", RowState::of_word)?,
        serial: row.try_get("serial")?,
        is_named: row.try_get("is_named")?,
        user: row.try_get("user")?,
        seed: fingerprint(row, "seed")?,
        error: row.try_get("error")?,
    })
}

/// How long a row stays with a program that neither burns it nor lets it go, by the server's clock, such as one on a computer that
/// was put to sleep.
const LEASE: &str = "2 minutes";

/// How often another row is dealt because another desk was faster.
const DEALS: u32 = 64;

/// Claims the row that a token gets, for the program of this number: see [`crate::inventory::Inventory::claim`]. A row that another
/// desk is just taking is passed over.
pub fn claim(to: &mut Session, batch: BatchId, serial: &str, reburns: bool, me: i32) -> Result<Claim, Trouble> {
    let token = tokens::get(to, &SlotKey::only(serial))?;
    let row = match row_of(to, batch, serial)? {
        // Unless it lost its seed since: then it is to have it again.
        Some(row) if row.state.is_done() && token.as_ref().is_none_or(|token| token.erased.is_none()) => {
            return Ok(Claim::Done(row));
        }
        // Not tried yet: what the token holds is from elsewhere.
        Some(row) if row.state == RowState::Planned && !reburns => match &token {
            Some(token) if token.held().is_some_and(|held| row.seed != Some(held)) => return Ok(holds_another(token)),
            _ => row,
        },
        Some(row) => row,
        None => return claim_dealt(to, batch, serial, token.as_ref(), reburns, me),
    };
    Ok(if take(to, batch, row.row, me)? { Claim::Row(row) } else { Claim::InHand })
}

/// Claims a row for a token that none names. One that went to another desk meanwhile is passed over in silence.
fn claim_dealt(
    to: &mut Session,
    batch: BatchId,
    serial: &str,
    token: Option<&TokenRecord>,
    reburns: bool,
    me: i32,
) -> Result<Claim, Trouble> {
    for _ in 0..DEALS {
        match deal(to, batch, serial, token, reburns)? {
            Ok(row) if take(to, batch, row.row, me)? => return Ok(Claim::Row(row)),
            Ok(_) => {}
            Err(claim) => return Ok(claim),
        }
    }
    Ok(Claim::InHand)
}

/// Takes a row into a program's hand: somebody else's only where that program has ended, or has kept it too long.
fn take(to: &mut Session, batch: BatchId, row: u64, me: i32) -> Result<bool, Trouble> {
    let sql = format!(
        "INSERT INTO claims (batch, number, owner, until) VALUES ($1, $2, $3, clock_timestamp() + interval '{LEASE}')
         ON CONFLICT (batch, number) DO UPDATE SET owner = excluded.owner, until = excluded.until
             WHERE claims.until < clock_timestamp() OR (claims.owner <> excluded.owner AND NOT is_running(claims.owner))"
    );
    Ok(to.execute(&sql, &[&batch, &(row as i64), &me])? == 1)
}

/// Whether a row is in no other hand: what another desk was given since is not begun here any more.
///
/// # Errors
/// [`InventoryError::Taken`].
pub fn check_in_hand(from: &mut Session, change: &RowChange, me: i32) -> Result<(), Trouble> {
    let sql = "SELECT 1 FROM claims WHERE batch = $1 AND number = $2 AND owner <> $3 AND is_running(owner)";
    match from.first(sql, &[&change.batch, &(change.row as i64), &me])? {
        Some(_) => Err(Trouble::Rows(InventoryError::Taken(change.row))),
        None => Ok(()),
    }
}

/// Lets go of a row, if it is still in this hand.
pub fn release(to: &mut Session, batch: BatchId, row: u64, me: i32) -> Result<(), Trouble> {
    to.execute("DELETE FROM claims WHERE batch = $1 AND number = $2 AND owner = $3", &[&batch, &(row as i64), &me])
        .map(drop)
}

fn holds_another(token: &TokenRecord) -> Claim {
    Claim::HoldsAnother { burned: token.burned, user: token.user.clone() }
}

/// A row without a serial for a token that no row names, or why it gets none.
fn deal(
    from: &mut Session,
    batch: BatchId,
    serial: &str,
    token: Option<&TokenRecord>,
    reburns: bool,
) -> Result<Result<RowRecord, Claim>, Trouble> {
    let held = token.and_then(TokenRecord::held);
    if let (Some(token), Some(seed)) = (token, &held) {
        // A row's seed is on it already: that row is its own, and another token must not get it.
        let own = row_of_seed(from, batch, seed)?;
        if let Some(row) = own.filter(|row| row.state == RowState::Planned && !row.is_named) {
            return Ok(Ok(row));
        }
        if !reburns {
            let listed = "SELECT 1 FROM batch_rows WHERE batch = $1 AND state = 'planned' AND NOT is_named LIMIT 1";
            let is_listed = from.first(listed, &[&batch])?.is_some();
            return Ok(Err(if is_listed { holds_another(token) } else { Claim::NotListed }));
        }
    }
    // A seed that another token holds waits for that token. Who runs is looked up once, and not for each row that is in another hand by
    // `is_running`, which reads all locks of the server each time. The two conditions must agree.
    let sql = format!(
        "WITH running AS MATERIALIZED (SELECT objid AS program FROM pg_locks WHERE locktype = 'advisory' AND classid = {PROGRAMS}
             AND objsubid = 2 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
         SELECT r.* FROM batch_rows AS r
         WHERE batch = $1 AND state = 'planned' AND NOT is_named
             AND NOT EXISTS (SELECT 1 FROM claims AS c WHERE c.batch = r.batch AND c.number = r.number AND c.until > clock_timestamp()
                 AND c.owner::oid IN (SELECT program FROM running))
             AND NOT EXISTS (SELECT 1 FROM holders AS h WHERE h.seed = r.seed AND (h.serial <> $2 OR h.slot <> 0))
         ORDER BY number LIMIT 1 FOR UPDATE OF r SKIP LOCKED"
    );
    let free = from.first(&sql, &[&batch, &serial])?;
    Ok(free.as_ref().map(row).transpose()?.ok_or(Claim::NotListed))
}
