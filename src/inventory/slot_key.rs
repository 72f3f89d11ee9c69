//! The key of what is known of a token: the device's serial, and the slot.

use serde::{Deserialize, Serialize};

use std::fmt;

/// A slot of a device. A device with one seed has slot 0 only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlotKey {
    /// The device's serial.
    pub serial: String,
    /// The slot, numbered from 0.
    pub slot: u16,
}

impl SlotKey {
    /// The only slot of a device that has one.
    #[must_use]
    pub fn only(serial: impl Into<String>) -> Self {
        Self { serial: serial.into(), slot: 0 }
    }

    /// A slot of a device.
    #[must_use]
    pub fn of(serial: impl Into<String>, slot: u16) -> Self {
        Self { serial: serial.into(), slot }
    }
}

impl SlotKey {
    /// The serial and the slot in a text that a person typed: `SERIAL` or `SERIAL/SLOT`. Without a slot, any is meant.
    #[must_use]
    pub fn of_text(text: &str) -> (&str, Option<u16>) {
        match text.rsplit_once('/').map(|(serial, slot)| (serial, slot.parse())) {
            Some((serial, Ok(slot))) => (serial, Some(slot)),
            _ => (text, None),
        }
    }
}

impl fmt::Display for SlotKey {
    /// The serial; with the slot behind it where that is not the first one, as it can be typed: `SERIAL/SLOT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slot {
            0 => f.pad(&self.serial),
            slot => f.pad(&format!("{}/{slot}", self.serial)),
        }
    }
}
