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

impl fmt::Display for SlotKey {
    /// The serial; with the slot behind it where that is not the first one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slot {
            0 => f.write_str(&self.serial),
            slot => write!(f, "{}, slot {slot}", self.serial),
        }
    }
}
