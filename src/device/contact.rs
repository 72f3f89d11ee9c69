//! One contact with one device, from its first answer to the reset at its end.
//!
//! A contact that is not unlocked has no method that writes: a family keeps its own typestate behind these traits.

use super::{Config, DeviceError, Info, Key};
use crate::seed::Seed;

/// A device in reach.
pub trait Device {
    /// Begins a contact: the device says who it is. `again` is given each error, and decides whether to ask once more.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Info`](super::Step::Info).
    fn open(&mut self, again: &mut dyn FnMut(&DeviceError) -> bool) -> Result<Box<dyn Contact + '_>, DeviceError>;

    /// The kind of a device that refused to say who it is. Nothing may be written to it afterwards.
    fn identify_other(&mut self) -> Other;

    /// Resets the device, so that it stays unlocked for nobody, and lets go of it.
    fn close(&mut self);
}

/// A device that refused to say who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// A security key: it answers to FIDO or OATH.
    SecurityKey,
    /// Anything else.
    Unknown,
}

/// A device whose clock can be read.
pub trait Timepiece {
    /// Reads the clock, in whole Unix seconds: one APDU.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Info`](super::Step::Info), also if another device answers than at the contact's beginning, or
    /// one without a clock.
    fn read_clock(&mut self) -> Result<u32, DeviceError>;

    /// The device's answer when it was last asked.
    fn info(&self) -> &Info;
}

/// A device that said who it is; nothing can be written yet.
pub trait Contact: Timepiece {
    /// Takes hold of the device and unlocks it with the key: one attempt, because some devices lock for good after a few wrong
    /// ones.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Hold`](super::Step::Hold), [`Step::Challenge`](super::Step::Challenge) or
    /// [`Step::Answer`](super::Step::Answer).
    fn unlock<'c>(self: Box<Self>, key: &Key) -> Result<Box<dyn Unlocked + 'c>, DeviceError>
    where
        Self: 'c;
}

/// A device that can be written until the contact ends.
pub trait Unlocked: Timepiece {
    /// Writes the profile of a slot, and the clock of a device that has one.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Config`](super::Step::Config); what the device cannot do is refused before anything is sent.
    fn write_config(&mut self, slot: u16, config: Config) -> Result<(), DeviceError>;

    /// Writes the seed of a slot.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Seed`](super::Step::Seed); what the device cannot hold is refused before anything is sent.
    fn write_seed(&mut self, slot: u16, seed: &Seed) -> Result<(), DeviceError>;

    /// Resets the device within the contact. Whether it is still unlocked, the next write shows: for those who ask just that
    /// (`docs/protocol.md` §7).
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Hold`](super::Step::Hold).
    fn reset(&mut self) -> Result<(), DeviceError>;
}

impl<D: Device + ?Sized> Device for Box<D> {
    fn open(&mut self, again: &mut dyn FnMut(&DeviceError) -> bool) -> Result<Box<dyn Contact + '_>, DeviceError> {
        (**self).open(again)
    }

    fn identify_other(&mut self) -> Other {
        (**self).identify_other()
    }

    fn close(&mut self) {
        (**self).close();
    }
}
