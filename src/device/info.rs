//! A device's answer to the question who it is.

use std::fmt;

use super::{Capabilities, ClockWrite, Model, Serial, SlotState};

/// A device's answer to the question who it is: its identity, its capabilities and its clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The serial.
    pub serial: Serial,
    /// The model, if it is known.
    pub model: Option<&'static Model>,
    /// The capabilities, as far as a careful tool must assume where the model is not known.
    pub can: &'static Capabilities,
    /// The clock: whole Unix seconds, from 1970 to 2106. `None` on a device that counts.
    pub clock: Option<u32>,
    /// The number of bytes behind the clock. Their meaning is unknown, and they are not looked at.
    pub more: usize,
    /// The bytes of its answer whose meaning is not published; nothing goes by them. Zeros where its answer has none.
    pub opaque: [u8; 5],
    /// The slot that is worked with, where the device shows its slots.
    pub slot: Option<Box<SlotState>>,
}

impl Info {
    /// The effect of a clock write on the seed.
    #[must_use]
    pub fn clock_write(&self) -> ClockWrite {
        self.can.clock_write()
    }

    /// The number of the slot that is worked with; 0 on a device that shows none.
    #[must_use]
    pub fn slot_number(&self) -> u16 {
        self.slot.as_ref().map_or(0, |slot| slot.slot)
    }

    /// Its name, as a command takes it: the serial, and the slot behind it where the device has several.
    #[must_use]
    pub fn name(&self) -> String {
        match self.can.slots > 1 {
            true => format!("{}/{}", self.serial, self.slot_number()),
            false => self.serial.to_string(),
        }
    }

    /// Whether the slot that is worked with shows that it holds a seed.
    #[must_use]
    pub fn shows_seed(&self) -> bool {
        self.slot.as_ref().and_then(|slot| slot.has_seed) == Some(true)
    }

    /// The model's name, or "unknown model".
    #[must_use]
    pub fn model_name(&self) -> &'static str {
        self.model.map_or("unknown model", |model| model.name)
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.model_name(), self.serial)?;
        match &self.slot {
            Some(slot) if self.can.slots > 1 => write!(f, ", slot {}", slot.slot),
            _ => Ok(()),
        }
    }
}
