//! Sealed customer keys, in their table.

use rusqlite::{Connection, Error, Row};

use super::columns::{damaged, fingerprint, ms, optional_time, time};
use super::{Sqlite, sums};
use crate::inventory::{DeviceKey, DeviceKeys, Kept};

impl DeviceKeys for Sqlite {
    fn device_keys(&self, serial: Option<&str>) -> Kept<Vec<DeviceKey>> {
        self.read(|from| device_keys(from, serial))
    }

    fn put_device_keys(&self, serial: &str, keys: &[DeviceKey]) -> Kept<()> {
        self.durably(|transaction, _| {
            transaction.execute("DELETE FROM device_keys WHERE serial = ?1", [serial])?;
            keys.iter().try_for_each(|key| Ok(put(transaction, key)?))
        })
    }
}

/// The keys of a device, or of all.
///
/// # Errors
/// `SQLite`'s; a record whose checksum is not its own is one, and not "nothing known".
pub fn device_keys(from: &Connection, serial: Option<&str>) -> Result<Vec<DeviceKey>, Error> {
    let select = format!(
        "SELECT {}, sum FROM device_keys WHERE ?1 IS NULL OR serial = ?1 ORDER BY serial, number DESC, key",
        sums::DEVICE_KEYS.columns()
    );
    let mut select = from.prepare_cached(&select)?;
    let found = select.query_map([serial], |row| match sums::DEVICE_KEYS.is_right(row)? {
        true => device_key(row),
        false => Err(damaged("the record of a customer key does not have its own checksum")),
    })?;
    found.collect()
}

fn device_key(row: &Row<'_>) -> Result<DeviceKey, Error> {
    Ok(DeviceKey {
        serial: row.get("serial")?,
        key: fingerprint(row, "key")?.ok_or_else(|| damaged("a customer key has no fingerprint"))?,
        sealed: row.get("sealed")?,
        number: row.get("number")?,
        at: time(row, "at")?,
        proved: optional_time(row, "proved")?,
        refused: optional_time(row, "refused")?,
    })
}

/// Puts a key in the place of the one of its device and fingerprint.
pub fn put(to: &Connection, key: &DeviceKey) -> Result<(), Error> {
    let (proved, refused) = (key.proved.map(ms), key.refused.map(ms));
    let values: [&dyn rusqlite::ToSql; 7] =
        [&key.serial, &key.key.as_bytes(), &key.sealed, &key.number, &ms(key.at), &proved, &refused];
    sums::DEVICE_KEYS.put(to, &values)
}

/// Each key can be read, whatever its checksum says.
pub fn findings(on: &Connection) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut select = on.prepare("SELECT * FROM device_keys ORDER BY serial, key")?;
    for key in select.query_map([], device_key)? {
        findings.extend(key.err().map(|error| format!("a customer key cannot be read: {error}")));
    }
    Ok(findings)
}
