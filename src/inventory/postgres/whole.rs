//! A whole inventory on the server: read piece by piece, and filled.

use std::path::Path;

use tokio_postgres::Row;

use super::bounds::PATIENCE;
use super::columns::{fingerprint, ms, odd, time};
use super::session::{Session, Trouble};
use super::{Postgres, batches, deliveries, device_keys, explained, holders, schema, tokens};
use crate::inventory::whole::{Piece, Taker, Whole};
use crate::inventory::{BatchRecord, DeliveryFilter, Fingerprint, FingerprintKey, InventoryError, Kept, RowRecord};

/// So many records are fetched at once.
const PAGE: i64 = 2000;

impl Whole for Postgres {
    fn visit_whole(&self, take: &mut Taker<'_>) -> Kept<()> {
        let explain = |trouble| explained(&self.address, trouble);
        let mut session = Session::connect(&self.address).map_err(explain)?;
        visit_at_one_moment(&mut session, take).map_err(explain)
    }

    fn fill(&self, key: &FingerprintKey, fill: &mut dyn FnMut(&mut Taker<'_>) -> Kept<()>) -> Kept<()> {
        let path = self.address.shown();
        self.write(true, &mut |to, owner| {
            // Nobody opens it, and nobody takes a step, until this ends.
            schema::lock(to)?;
            let adopted = to.first("SELECT adopt($1, $2)", &[&key.as_bytes(), &owner.number])?;
            match adopted.map(|row| row.try_get::<_, String>(0)).transpose()?.as_deref() {
                Some("adopted") => {}
                Some("others") => return Err(Trouble::Rows(InventoryError::NotAlone(path.clone()))),
                _ => return Err(Trouble::Rows(InventoryError::NotEmpty(path.clone()))),
            }
            let mut failed = None;
            let filled = fill(&mut |piece| {
                put(to, &piece, &path).map_err(|trouble| {
                    failed = Some(trouble);
                    InventoryError::Unanswered(path.clone())
                })
            });
            match (failed, filled) {
                (Some(trouble), _) => return Err(trouble),
                (None, filled) => filled.map_err(Trouble::Rows)?,
            }
            to.within(PATIENCE);
            let held = to.batch(&format!(
                "SET LOCAL statement_timeout = 0;
                 INSERT INTO holders (seed, serial, slot)
                 SELECT DISTINCT ON (seed) seed, serial, slot FROM ({}) AS named
                 ORDER BY seed, rank, serial, slot
                 ON CONFLICT DO NOTHING",
                holders::NAMED
            ));
            to.as_usual();
            held
        })
    }
}

/// Visits everything as it is at one moment.
pub fn visit_at_one_moment(from: &mut Session, take: &mut Taker<'_>) -> Result<(), Trouble> {
    from.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    visit(from, take)
}

fn visit(from: &mut Session, take: &mut Taker<'_>) -> Result<(), Trouble> {
    for server in deliveries::servers(from)? {
        take(Piece::Server(server)).map_err(Trouble::Rows)?;
    }
    for delivery in deliveries::deliveries(from, &DeliveryFilter::default())? {
        take(Piece::Delivery(Box::new(delivery))).map_err(Trouble::Rows)?;
    }
    for key in device_keys::device_keys(from, None)? {
        take(Piece::DeviceKey(Box::new(key))).map_err(Trouble::Rows)?;
    }
    let mut after = (String::new(), -1);
    loop {
        let sql = "SELECT * FROM tokens WHERE (serial, slot) > ($1, $2) ORDER BY serial, slot LIMIT $3";
        let page = from.rows(sql, &[&after.0, &after.1, &PAGE])?;
        let Some(last) = page.last() else { break };
        after = (last.try_get("serial")?, last.try_get("slot")?);
        for row in &page {
            let life = tokens::with_candidates(from, tokens::token(row)?)?;
            take(Piece::Token(Box::new(life))).map_err(Trouble::Rows)?;
        }
    }
    for row in from.rows("SELECT * FROM refused_keys ORDER BY serial COLLATE \"C\", key", &[])? {
        let key = fingerprint(&row, "key")?.ok_or_else(|| odd("key"))?;
        take(Piece::RefusedKey(row.try_get("serial")?, key, time(&row, "at")?)).map_err(Trouble::Rows)?;
    }
    let mut last_event = 0_i64;
    loop {
        let page = from.rows("SELECT * FROM events WHERE id > $1 ORDER BY id LIMIT $2", &[&last_event, &PAGE])?;
        let Some(last) = page.last() else { break };
        last_event = last.try_get("id")?;
        for row in &page {
            take(Piece::Event(Box::new(tokens::event(row)?))).map_err(Trouble::Rows)?;
        }
    }
    let mut found = batches::all(from, None)?;
    found.reverse();
    for batch in found {
        let id = batch.id;
        take(Piece::Batch(batch)).map_err(Trouble::Rows)?;
        let mut taken = Ok(());
        batches::visit_rows(from, id, &[], &mut |row| {
            if taken.is_ok() {
                taken = take(Piece::Row(id, row));
            }
        })?;
        taken.map_err(Trouble::Rows)?;
        for row in from.rows("SELECT number, serial FROM dealt WHERE batch = $1 ORDER BY number, serial", &[&id])? {
            take(dealt(id, &row)?).map_err(Trouble::Rows)?;
        }
    }
    Ok(())
}

fn dealt(batch: i64, row: &Row) -> Result<Piece, Trouble> {
    let number: i64 = row.try_get("number")?;
    Ok(Piece::Dealt(batch, u64::try_from(number).map_err(|_| odd("number"))?, row.try_get("serial")?))
}

fn put(to: &mut Session, piece: &Piece, path: &Path) -> Result<(), Trouble> {
    match piece {
        Piece::Server(server) => {
            deliveries::check_owner(to, path.to_owned())?;
            deliveries::put_server(to, server)
        }
        Piece::Delivery(delivery) => deliveries::put_new(to, delivery).map(drop),
        Piece::DeviceKey(key) => device_keys::put(to, key),
        Piece::Token(life) => tokens::put_alone(to, life),
        Piece::RefusedKey(serial, key, at) => to
            .execute(
                "INSERT INTO refused_keys (serial, key, at) VALUES ($1, $2, $3)",
                &[serial, &key.as_bytes(), &ms(*at)],
            )
            .map(drop),
        Piece::Event(event) => tokens::add_event(to, event),
        Piece::Batch(BatchRecord { id, name, content, begun, closed, .. }) => to
            .execute(
                "INSERT INTO batches (id, name, content, begun, closed) VALUES ($1, $2, $3, $4, $5)",
                &[id, name, content, &ms(*begun), &closed.map(ms)],
            )
            .map(drop),
        Piece::Row(batch, row) => put_row(to, *batch, row),
        Piece::Dealt(batch, row, serial) => to
            .execute("INSERT INTO dealt (batch, number, serial) VALUES ($1, $2, $3)", &[batch, &(*row as i64), serial])
            .map(drop),
    }
}

fn put_row(to: &mut Session, batch: i64, row: &RowRecord) -> Result<(), Trouble> {
    to.execute(
        "INSERT INTO batch_rows (batch, number, state, serial, is_named, \"user\", seed, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &batch,
            &(row.row as i64),
            &row.state.word(),
            &row.serial,
            &row.is_named,
            &row.user,
            &row.seed.as_ref().map(Fingerprint::as_bytes),
            &row.error,
        ],
    )
    .map(drop)
}
