//! Servers and what went to them, on the server of the inventory.

use std::path::PathBuf;

use tokio_postgres::Row;

use super::columns::{fingerprint, ms, odd, optional_time, slot, time, word};
use super::session::{Session, Trouble};
use super::{Postgres, roles, tokens};
use crate::inventory::{
    Deliveries, Delivery, DeliveryFilter, DeliveryStep, Event, InventoryError, Kept, ServerRecord, SlotKey,
};

impl Deliveries for Postgres {
    fn servers(&self) -> Kept<Vec<ServerRecord>> {
        self.read(&mut |from, _| servers(from))
    }

    fn put_server(&self, server: &ServerRecord, event: &Event) -> Kept<()> {
        self.write(true, &mut |to, _| {
            roles::be_owner(to)?;
            check_owner(to, self.address.shown())?;
            put_server(to, server)?;
            tokens::add_event(to, event)
        })
    }

    fn remove_server(&self, name: &str, event: &Event) -> Kept<bool> {
        self.write(true, &mut |to, _| {
            roles::be_owner(to)?;
            check_owner(to, self.address.shown())?;
            let was_known = to.execute("DELETE FROM servers WHERE name = $1", &[&name])? > 0;
            if was_known {
                tokens::add_event(to, event)?;
            }
            Ok(was_known)
        })
    }

    fn deliveries(&self, filter: &DeliveryFilter) -> Kept<Vec<Delivery>> {
        self.read(&mut |from, _| deliveries(from, filter))
    }

    fn deliver(&self, earlier: Option<&Delivery>, later: &Delivery, event: Option<&Event>) -> Kept<()> {
        self.write(true, &mut |to, _| {
            let is_kept = match get(to, &later.server, &later.key)? {
                // Another desk may be putting one there just now: it is waited for, and then nothing is put.
                None => earlier.is_none() && put_new(to, later)?,
                found => Delivery::is_same(found.as_ref(), earlier) && change(to, later)?,
            };
            if !is_kept {
                return Err(Trouble::Rows(InventoryError::Changed(later.key.clone())));
            }
            event.map_or(Ok(()), |event| tokens::add_event(to, event))
        })
    }
}

/// Whether this user may say which servers seeds go to: asked, so that it is told in plain words.
///
/// # Errors
/// [`InventoryError::Barred`].
pub fn check_owner(on: &mut Session, path: PathBuf) -> Result<(), Trouble> {
    let may = on.first("SELECT has_table_privilege('tokentap.servers', 'INSERT')", &[])?;
    if may.map(|row| row.try_get::<_, bool>(0)).transpose()? == Some(true) {
        return Ok(());
    }
    let detail = "only its owner may say which servers seeds go to".to_owned();
    Err(Trouble::Rows(InventoryError::Barred { path, detail }))
}

/// The servers, by name.
pub fn servers(from: &mut Session) -> Result<Vec<ServerRecord>, Trouble> {
    let found = from.rows("SELECT * FROM servers ORDER BY name", &[])?;
    found.iter().map(server).collect()
}

fn server(row: &Row) -> Result<ServerRecord, Trouble> {
    Ok(ServerRecord {
        name: row.try_get("name")?,
        settings: row.try_get("settings")?,
        credential: row.try_get("credential")?,
        added: time(row, "added")?,
    })
}

/// Puts a server in the place of the one of its name.
pub fn put_server(to: &mut Session, server: &ServerRecord) -> Result<(), Trouble> {
    to.execute(
        "INSERT INTO servers (name, settings, credential, added) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, credential = excluded.credential, added = excluded.added",
        &[&server.name, &server.settings, &server.credential, &ms(server.added)],
    )
    .map(drop)
}

/// Deliveries that a filter lets pass.
pub fn deliveries(from: &mut Session, filter: &DeliveryFilter) -> Result<Vec<Delivery>, Trouble> {
    // One condition for each way in, so that an index leads there.
    let by = match (&filter.server, &filter.serial) {
        (Some(_), Some(_)) => "server = $1 AND serial = $2",
        (Some(_), None) => "server = $1 AND $2::text IS NULL",
        (None, Some(_)) => "$1::text IS NULL AND serial = $2",
        (None, None) => "$1::text IS NULL AND $2::text IS NULL",
    };
    let sql = format!("SELECT * FROM deliveries WHERE {by} ORDER BY server, serial, slot");
    let found = from.rows(&sql, &[&filter.server, &filter.serial])?;
    found.iter().map(delivery).collect()
}

/// The delivery of a server and slot, which nobody else changes until the transaction ends.
fn get(from: &mut Session, server: &str, key: &SlotKey) -> Result<Option<Delivery>, Trouble> {
    let sql = "SELECT * FROM deliveries WHERE server = $1 AND serial = $2 AND slot = $3 FOR UPDATE";
    let found = from.first(sql, &[&server, &key.serial, &i32::from(key.slot)])?;
    found.as_ref().map(delivery).transpose()
}

fn delivery(row: &Row) -> Result<Delivery, Trouble> {
    Ok(Delivery {
        server: row.try_get("server")?,
        key: SlotKey { serial: row.try_get("serial")?, slot: slot(row, "slot")? },
        seed: fingerprint(row, "seed")?.ok_or_else(|| odd("seed"))?,
        step: word(row, "step", DeliveryStep::of_word)?,
        id: row.try_get("id")?,
        user: row.try_get("user")?,
        since: time(row, "since")?,
        at: time(row, "at")?,
        unmended: optional_time(row, "unmended")?,
        detail: row.try_get("detail")?,
    })
}

/// Puts a delivery where there is none; whether there was none.
pub fn put_new(to: &mut Session, delivery: &Delivery) -> Result<bool, Trouble> {
    let sql = "INSERT INTO deliveries (server, serial, slot, seed, step, id, \"user\", since, at, unmended, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
    Ok(execute(to, sql, delivery)? == 1)
}

fn change(to: &mut Session, delivery: &Delivery) -> Result<bool, Trouble> {
    let sql = "UPDATE deliveries SET seed = $4, step = $5, id = $6, \"user\" = $7, since = $8, at = $9, unmended = $10,
             detail = $11
         WHERE server = $1 AND serial = $2 AND slot = $3";
    Ok(execute(to, sql, delivery)? == 1)
}

/// Carries out a statement with the values of a delivery.
fn execute(to: &mut Session, sql: &str, delivery: &Delivery) -> Result<u64, Trouble> {
    to.execute(
        sql,
        &[
            &delivery.server,
            &delivery.key.serial,
            &i32::from(delivery.key.slot),
            &delivery.seed.as_bytes(),
            &delivery.step.word(),
            &delivery.id,
            &delivery.user,
            &ms(delivery.since),
            &ms(delivery.at),
            &delivery.unmended.map(ms),
            &delivery.detail,
        ],
    )
}
