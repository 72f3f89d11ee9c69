//! Sealed customer keys, on the server. None waits in the outbox: a key that nobody else knows of is kept before a device gets it.

use super::Shared;
use crate::inventory::{DeviceKey, DeviceKeys, Kept};

impl DeviceKeys for Shared {
    fn device_keys(&self, serial: Option<&str>) -> Kept<Vec<DeviceKey>> {
        self.ask(|server| server.device_keys(serial))
    }

    fn put_device_keys(&self, serial: &str, keys: &[DeviceKey]) -> Kept<()> {
        self.ask(|server| server.put_device_keys(serial, keys))
    }
}
