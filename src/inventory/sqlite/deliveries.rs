//! Servers and what went to them, in their tables.

use rusqlite::{Connection, Error, Row};

use super::columns::{damaged, fingerprint, ms, optional_time, time, word};
use super::failed::Stopped;
use super::{Sqlite, sums, tokens};
use crate::inventory::{
    Deliveries, Delivery, DeliveryFilter, DeliveryStep, Event, InventoryError, Kept, ServerRecord, SlotKey,
};

impl Deliveries for Sqlite {
    fn servers(&self) -> Kept<Vec<ServerRecord>> {
        self.read(servers)
    }

    fn put_server(&self, server: &ServerRecord, event: &Event) -> Kept<()> {
        self.durably(|transaction, _| {
            put_server(transaction, server)?;
            Ok(tokens::add_event(transaction, event)?)
        })
    }

    fn remove_server(&self, name: &str, event: &Event) -> Kept<bool> {
        self.durably(|transaction, _| {
            let was_known = transaction.execute("DELETE FROM servers WHERE name = ?1", [name])? > 0;
            if was_known {
                tokens::add_event(transaction, event)?;
            }
            Ok(was_known)
        })
    }

    fn deliveries(&self, filter: &DeliveryFilter) -> Kept<Vec<Delivery>> {
        match filter.serial {
            Some(_) => self.read(|from| deliveries(from, filter)),
            None => self.read_much(|from| deliveries(from, filter)),
        }
    }

    fn deliver(&self, earlier: Option<&Delivery>, later: &Delivery, event: Option<&Event>) -> Kept<()> {
        self.durably(|transaction, _| {
            let found = get(transaction, &later.server, &later.key)?;
            if !Delivery::is_same(found.as_ref(), earlier) {
                return Err(Stopped::Rows(InventoryError::Changed(later.key.clone())));
            }
            put(transaction, later)?;
            Ok(event.map_or(Ok(()), |event| tokens::add_event(transaction, event))?)
        })
    }
}

/// The servers, by name.
///
/// # Errors
/// `SQLite`'s; a record whose checksum is not its own is one, and not "nothing known".
pub fn servers(from: &Connection) -> Result<Vec<ServerRecord>, Error> {
    let select = format!("SELECT {}, sum FROM servers ORDER BY name", sums::SERVERS.columns());
    let mut select = from.prepare_cached(&select)?;
    let found = select.query_map([], |row| match sums::SERVERS.is_right(row)? {
        true => server(row),
        false => Err(damaged("a server's record does not have its own checksum")),
    })?;
    found.collect()
}

fn server(row: &Row<'_>) -> Result<ServerRecord, Error> {
    Ok(ServerRecord {
        name: row.get("name")?,
        settings: row.get("settings")?,
        credential: row.get("credential")?,
        added: time(row, "added")?,
    })
}

/// Puts a server in the place of the one of its name.
pub fn put_server(to: &Connection, server: &ServerRecord) -> Result<(), Error> {
    sums::SERVERS.put(to, &[&server.name, &server.settings, &server.credential, &ms(server.added)])
}

/// Deliveries that a filter lets pass.
///
/// # Errors
/// As of [`servers`].
pub fn deliveries(from: &Connection, filter: &DeliveryFilter) -> Result<Vec<Delivery>, Error> {
    let select = format!(
        "SELECT {}, sum FROM deliveries WHERE {} ORDER BY server, serial, slot",
        sums::DELIVERIES.columns(),
        condition(filter)
    );
    let mut select = from.prepare_cached(&select)?;
    select.query_map((&filter.server, &filter.serial), checked)?.collect()
}

/// One condition for each way in, so that an index leads there.
fn condition(filter: &DeliveryFilter) -> &'static str {
    match (&filter.server, &filter.serial) {
        (Some(_), Some(_)) => "server = ?1 AND serial = ?2",
        (Some(_), None) => "server = ?1 AND ?2 IS NULL",
        (None, Some(_)) => "?1 IS NULL AND serial = ?2",
        (None, None) => "?1 IS NULL AND ?2 IS NULL",
    }
}

fn get(from: &Connection, server: &str, key: &SlotKey) -> Result<Option<Delivery>, Error> {
    let select = format!(
        "SELECT {}, sum FROM deliveries WHERE server = ?1 AND serial = ?2 AND slot = ?3",
        sums::DELIVERIES.columns()
    );
    let mut select = from.prepare_cached(&select)?;
    let mut found = select.query_map((server, &key.serial, key.slot), checked)?;
    found.next().transpose()
}

fn checked(row: &Row<'_>) -> Result<Delivery, Error> {
    match sums::DELIVERIES.is_right(row)? {
        true => delivery(row),
        false => Err(damaged("the record of what went to a server does not have its own checksum")),
    }
}

fn delivery(row: &Row<'_>) -> Result<Delivery, Error> {
    Ok(Delivery {
        server: row.get("server")?,
        key: SlotKey { serial: row.get("serial")?, slot: row.get("slot")? },
        seed: fingerprint(row, "seed")?.ok_or_else(|| damaged("what went to a server has no fingerprint"))?,
        step: word(row, "step", DeliveryStep::of_word)?,
        id: row.get("id")?,
        user: row.get("user")?,
        since: time(row, "since")?,
        at: time(row, "at")?,
        unmended: optional_time(row, "unmended")?,
        detail: row.get("detail")?,
    })
}

/// Puts a delivery in the place of the one of its server and slot.
pub fn put(to: &Connection, delivery: &Delivery) -> Result<(), Error> {
    let values: [&dyn rusqlite::ToSql; 11] = [
        &delivery.server,
        &delivery.key.serial,
        &delivery.key.slot,
        &delivery.seed.as_bytes(),
        &delivery.step.word(),
        &delivery.id,
        &delivery.user,
        &ms(delivery.since),
        &ms(delivery.at),
        &delivery.unmended.map(ms),
        &delivery.detail,
    ];
    sums::DELIVERIES.put(to, &values)
}

/// Each server and delivery can be read, whatever its checksum says.
pub fn findings(on: &Connection) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut select = on.prepare("SELECT * FROM servers ORDER BY name")?;
    for server in select.query_map([], server)? {
        findings.extend(server.err().map(|error| format!("a server cannot be read: {error}")));
    }
    let mut select = on.prepare("SELECT * FROM deliveries ORDER BY server, serial, slot")?;
    for delivery in select.query_map([], delivery)? {
        findings.extend(delivery.err().map(|error| format!("what went to a server cannot be read: {error}")));
    }
    Ok(findings)
}
