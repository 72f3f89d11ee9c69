//! Sealed customer keys, on the server of the inventory.

use tokio_postgres::Row;

use super::Postgres;
use super::columns::{fingerprint, ms, odd, optional_time, time};
use super::session::{Session, Trouble};
use crate::inventory::{DeviceKey, DeviceKeys, Kept};

impl DeviceKeys for Postgres {
    fn device_keys(&self, serial: Option<&str>) -> Kept<Vec<DeviceKey>> {
        self.read(&mut |from, _| device_keys(from, serial))
    }

    fn put_device_keys(&self, serial: &str, keys: &[DeviceKey]) -> Kept<()> {
        self.write(true, &mut |to, _| {
            to.execute("DELETE FROM device_keys WHERE serial = $1", &[&serial])?;
            keys.iter().try_for_each(|key| put(to, key))
        })
    }
}

/// The keys of a device, or of all.
pub fn device_keys(from: &mut Session, serial: Option<&str>) -> Result<Vec<DeviceKey>, Trouble> {
    let sql = "SELECT * FROM device_keys WHERE $1::text IS NULL OR serial = $1 ORDER BY serial, number DESC, key";
    from.rows(sql, &[&serial])?.iter().map(device_key).collect()
}

fn device_key(row: &Row) -> Result<DeviceKey, Trouble> {
    Ok(DeviceKey {
        serial: row.try_get("serial")?,
        key: fingerprint(row, "key")?.ok_or_else(|| odd("key"))?,
        sealed: row.try_get("sealed")?,
        number: row.try_get("number")?,
        at: time(row, "at")?,
        proved: optional_time(row, "proved")?,
        refused: optional_time(row, "refused")?,
    })
}

/// Puts a key where there is none of its device and fingerprint.
pub fn put(to: &mut Session, key: &DeviceKey) -> Result<(), Trouble> {
    let sql = "INSERT INTO device_keys (serial, key, sealed, number, at, proved, refused) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (proved, refused) = (key.proved.map(ms), key.refused.map(ms));
    to.execute(sql, &[&key.serial, &key.key.as_bytes(), &key.sealed, &key.number, &ms(key.at), &proved, &refused])
        .map(drop)
}
