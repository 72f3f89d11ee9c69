//! A whole file: read piece by piece, and filled.

use rusqlite::{Connection, Error, params};

use super::columns::{self, damaged, ms, time};
use super::failed::Stopped;
use super::{Sqlite, batches, deliveries, device_keys, meta, sums, tokens};
use crate::inventory::whole::{Piece, Taker, Whole};
use crate::inventory::{
    BatchRecord, DeliveryFilter, Fingerprint, FingerprintKey, InventoryError, Kept, RowRecord, TokenFilter,
};

impl Whole for Sqlite {
    fn visit_whole(&self, take: &mut Taker<'_>) -> Kept<()> {
        let mut refused = Ok(());
        let visited = self.read(|from| {
            // One moment.
            let moment = from.unchecked_transaction()?;
            refused = visit(&moment, take)?;
            Ok(())
        });
        visited.and(refused)
    }

    fn fill(&self, key: &FingerprintKey, fill: &mut dyn FnMut(&mut Taker<'_>) -> Kept<()>) -> Kept<()> {
        self.durably(|to, _| {
            for table in ["tokens", "events WHERE deed <> 'init'", "batches", "servers", "deliveries", "device_keys"] {
                if to.prepare(&format!("SELECT 1 FROM {table} LIMIT 1"))?.exists([])? {
                    return Err(Stopped::Rows(InventoryError::NotEmpty(self.path.clone())));
                }
            }
            meta::put(to, "fingerprint-key", key.as_bytes())?;
            let mut failed = None;
            let filled = fill(&mut |piece| {
                put(to, &piece).map_err(|stopped| {
                    let path = self.path.clone();
                    let detail = match &stopped {
                        Stopped::Sql(error) => error.to_string(),
                        _ => String::new(),
                    };
                    failed = Some(stopped);
                    InventoryError::Other { path, detail }
                })
            });
            match (failed, filled) {
                (Some(stopped), _) => Err(stopped),
                (None, filled) => filled.map_err(Stopped::Rows),
            }
        })
    }
}

/// Visits all pieces; the inner result is what `take` said.
fn visit(from: &Connection, take: &mut Taker<'_>) -> Result<Kept<()>, Error> {
    // Pieces are taken one by one as they are read: once one is refused, the others are passed over.
    let mut taken = Ok(());
    let mut next = |piece: Piece| {
        if taken.is_ok() {
            taken = take(piece);
        }
    };
    deliveries::servers(from)?.into_iter().for_each(|server| next(Piece::Server(server)));
    for delivery in deliveries::deliveries(from, &DeliveryFilter::default())? {
        next(Piece::Delivery(Box::new(delivery)));
    }
    device_keys::device_keys(from, None)?.into_iter().for_each(|key| next(Piece::DeviceKey(Box::new(key))));
    let mut keys = Vec::new();
    tokens::visit(from, &TokenFilter::default(), u64::MAX, &mut |token| keys.push(token.key))?;
    for key in keys {
        if let Some(life) = tokens::life(from, &key)? {
            next(Piece::Token(Box::new(life)));
        }
    }
    let mut select = from.prepare("SELECT serial, key, at FROM refused_keys ORDER BY serial, key")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let key = columns::fingerprint(row, "key")?.ok_or_else(|| damaged("a refused key has no fingerprint"))?;
        next(Piece::RefusedKey(row.get("serial")?, key, time(row, "at")?));
    }
    let mut select = from.prepare("SELECT * FROM events ORDER BY id")?;
    for event in select.query_map([], tokens::event)? {
        next(Piece::Event(Box::new(event?)));
    }
    let mut found = batches::all(from, None)?;
    found.reverse();
    for batch in found {
        let id = batch.id;
        next(Piece::Batch(batch));
        batches::visit_rows(from, id, &[], &mut |row| next(Piece::Row(id, row)))?;
        let mut select = from.prepare("SELECT number, serial FROM dealt WHERE batch = ?1 ORDER BY number, serial")?;
        let dealt = select.query_map([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        for dealt in dealt {
            let (row, serial) = dealt?;
            next(Piece::Dealt(id, u64::try_from(row).unwrap_or_default(), serial));
        }
    }
    Ok(taken)
}

fn put(to: &Connection, piece: &Piece) -> Result<(), Stopped> {
    match piece {
        Piece::Server(server) => deliveries::put_server(to, server)?,
        Piece::Delivery(delivery) => deliveries::put(to, delivery)?,
        Piece::DeviceKey(key) => device_keys::put(to, key)?,
        Piece::Token(life) => tokens::put(to, None, life)?,
        Piece::RefusedKey(serial, key, at) => sums::REFUSED_KEYS.put(to, &[serial, &key.as_bytes(), &ms(*at)])?,
        Piece::Event(event) => tokens::add_event(to, event)?,
        Piece::Batch(BatchRecord { id, name, content, begun, closed, .. }) => {
            sums::BATCHES.put(to, &[id, name, content, &ms(*begun), &closed.map(ms)])?;
        }
        Piece::Row(batch, row) => put_row(to, *batch, row)?,
        Piece::Dealt(batch, row, serial) => sums::DEALT.put(to, &[batch, &(*row as i64), serial])?,
    }
    Ok(())
}

fn put_row(to: &Connection, batch: i64, row: &RowRecord) -> Result<(), Error> {
    let seed = row.seed.as_ref().map(Fingerprint::as_bytes);
    let values = params![batch, row.row as i64, row.state.word(), row.serial, row.is_named, row.user, seed, row.error];
    sums::BATCH_ROWS.put(to, values)
}
