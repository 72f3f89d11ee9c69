//! One contact with one device, from its first answer to the reset at its end.
//!
//! A contact that is not unlocked has no method that writes: a family keeps its own typestate behind these traits.

use super::{CapabilityError, Config, DeviceError, Info, Key, Reason, SlotState, Step, Title};
use crate::seed::Seed;

/// A device in reach.
pub trait Device {
    /// Begins a contact: the device says who it is. `again` is given each error, and decides whether to ask once more.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Info`].
    fn open(&mut self, again: &mut dyn FnMut(&DeviceError) -> bool) -> Result<Box<dyn Contact + '_>, DeviceError>;

    /// The kind of a device that refused to say who it is. Nothing may be written to it afterwards.
    fn identify_other(&mut self) -> Other;

    /// Resets the device, so that it stays unlocked for nobody, and lets go of it.
    fn close(&mut self);

    /// Whether it is its own reader, and plugged in: it is not lifted, and not laid back.
    fn is_plugged_in(&self) -> bool {
        false
    }
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
    /// [`DeviceError`] at [`Step::Info`], also if another device answers than at the contact's beginning, or
    /// one without a clock.
    fn read_clock(&mut self) -> Result<u32, DeviceError>;

    /// The device's answer when it was last asked.
    fn info(&self) -> &Info;

    /// Reads what a slot shows of itself; `None` on a device that shows no slots.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Slot`]: a slot that cannot be read is not taken for an empty one.
    fn read_slot(&mut self, _slot: u16) -> Result<Option<SlotState>, DeviceError> {
        Ok(None)
    }

    /// Reads how a device that types its codes does so; `None` on any other.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Slot`].
    fn read_typing(&mut self) -> Result<Option<Typing>, DeviceError> {
        Ok(None)
    }
}

/// A thing that a device does not do at all: nothing is sent.
fn never<T>(step: Step, deed: &'static str) -> Result<T, DeviceError> {
    Err(DeviceError { step, reason: Reason::Beyond(CapabilityError::Never(deed)) })
}

/// A device that said who it is; nothing can be written yet.
pub trait Contact: Timepiece {
    /// Takes hold of the device and unlocks it with the key: one attempt, because some devices lock for good after a few wrong
    /// ones.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Hold`], [`Step::Challenge`] or
    /// [`Step::Answer`].
    fn unlock<'c>(self: Box<Self>, key: &Key) -> Result<Box<dyn Unlocked + 'c>, DeviceError>
    where
        Self: 'c;

    /// Makes the device forget everything and take its factory's key again, which needs no key.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Device`].
    fn reset_to_factory(&mut self) -> Result<Agreed, DeviceError> {
        never(Step::Device, "be reset to its factory's state")
    }
}

/// How a device took an order that its owner may have to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// It is done.
    Done,
    /// It waits for its button.
    WaitsForButton,
}

/// A device that can be written until the contact ends.
pub trait Unlocked: Timepiece {
    /// Writes the profile of a slot, and the clock of a device that has one.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Config`]; what the device cannot do is refused before anything is sent.
    fn write_config(&mut self, slot: u16, config: Config) -> Result<(), DeviceError>;

    /// Sets the clock of a slot and leaves its profile alone, on a device that can do so.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Config`].
    fn write_clock(&mut self, _slot: u16, _clock: u32) -> Result<(), DeviceError> {
        never(Step::Config, "set its clock alone")
    }

    /// Writes the title of a slot.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Title`].
    fn write_title(&mut self, _slot: u16, _title: &Title) -> Result<(), DeviceError> {
        never(Step::Title, "show titles")
    }

    /// Takes the seed out of a slot; whether there was one.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Clear`].
    fn clear_slot(&mut self, _slot: u16) -> Result<bool, DeviceError> {
        never(Step::Clear, "clear a slot")
    }

    /// Sets another key. The old one counts until the device has its owner's word.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Device`].
    fn write_key(&mut self, _key: &Key) -> Result<Agreed, DeviceError> {
        never(Step::Device, "take a key of its owner's")
    }

    /// Locks or unlocks the screen.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Device`].
    fn lock_screen(&mut self, _locks: bool) -> Result<(), DeviceError> {
        never(Step::Device, "lock its screen")
    }

    /// Writes how a device that types its codes does so.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Device`].
    fn write_typing(&mut self, _typing: Typing) -> Result<(), DeviceError> {
        never(Step::Device, "type codes")
    }

    /// Writes the seed of a slot.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Seed`]; what the device cannot hold is refused before anything is sent.
    fn write_seed(&mut self, slot: u16, seed: &Seed) -> Result<(), DeviceError>;

    /// Resets the device within the contact. Whether it is still unlocked, the next write shows: for those who ask just that
    /// (`docs/protocol.md` §7).
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Hold`].
    fn reset(&mut self) -> Result<(), DeviceError>;
}

/// How a device types its codes. What is `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Typing {
    /// It presses Enter behind a code.
    pub enter: Option<bool>,
    /// It wants a long touch.
    pub long_touch: Option<bool>,
    /// It presses the keys of the number pad.
    pub numpad: Option<bool>,
    /// Its keyboard is switched on.
    pub keyboard: Option<bool>,
}

/// A device that stays with its owner: one job after the other works with it, and none lets go of it.
pub struct Lent<'d>(pub &'d mut dyn Device);

impl Device for Lent<'_> {
    fn open(&mut self, again: &mut dyn FnMut(&DeviceError) -> bool) -> Result<Box<dyn Contact + '_>, DeviceError> {
        self.0.open(again)
    }

    fn identify_other(&mut self) -> Other {
        self.0.identify_other()
    }

    fn close(&mut self) {}

    fn is_plugged_in(&self) -> bool {
        self.0.is_plugged_in()
    }
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

    fn is_plugged_in(&self) -> bool {
        (**self).is_plugged_in()
    }
}
