//! A device's answer to the question who it is.

use std::fmt;

use super::{Capabilities, ClockWrite, Model, Serial};

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
}

impl Info {
    /// The effect of a clock write on the seed.
    #[must_use]
    pub fn clock_write(&self) -> ClockWrite {
        self.can.clock_write()
    }

    /// The model's name, or "unknown model".
    #[must_use]
    pub fn model_name(&self) -> &'static str {
        self.model.map_or("unknown model", |model| model.name)
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.model_name(), self.serial)
    }
}
