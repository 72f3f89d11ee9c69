//! The commands to a key's OTP application, each a type (`docs/devices.md` §7). All are short: readers with contacts refuse others.

use zeroize::Zeroizing;

use super::sealed::{HostKey, PublicPoint, SealError};
use crate::iso7816::Apdu;
use crate::seed::Seed;

/// Select the OTP application, which other keys do not have: `00 A4 04 00 08 F0 00 00 01 4F 74 70 01`.
#[derive(Debug, Clone, Copy)]
pub struct Select;

impl Select {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x00, 0xA4, 0x04, 0x00], &[0xF0, 0x00, 0x00, 0x01, 0x4F, 0x74, 0x70, 0x01])
    }
}

/// Select FIDO, where some keys tell their serial: `00 A4 04 00 08 A0 00 00 06 47 2F 00 01`.
#[derive(Debug, Clone, Copy)]
pub struct SelectFido;

impl SelectFido {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x00, 0xA4, 0x04, 0x00], &[0xA0, 0x00, 0x00, 0x06, 0x47, 0x2F, 0x00, 0x01])
    }
}

/// Read the device's key: `80 C5 01 00 00`. With a PIN for codes it is refused with 6A81.
#[derive(Debug, Clone, Copy)]
pub struct DeviceKey;

impl DeviceKey {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0xC5, 0x01, 0x00], &[]).with_le(0)
    }
}

/// Read the set-up: `80 C5 02 00 0A`, where 0A is an Le.
#[derive(Debug, Clone, Copy)]
pub struct ReadConfig;

impl ReadConfig {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0xC5, 0x02, 0x00], &[]).with_le(0x0A)
    }
}

/// Write the slot: `80 C5 00 00 Lc`, sealed digits, length and seed.
pub struct WriteSlot<'a> {
    /// The digits of its codes: 6 or 8.
    pub digits: u8,
    /// A seed of 1 to 64 bytes.
    pub seed: &'a Seed,
}

impl WriteSlot<'_> {
    /// The command, sealed to a device's key.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn apdu(&self, host: &HostKey, device: &PublicPoint) -> Result<Apdu, SealError> {
        let mut clear = Zeroizing::new(Vec::with_capacity(2 + self.seed.len()));
        clear.extend_from_slice(&[self.digits, u8::try_from(self.seed.len()).unwrap_or(u8::MAX)]);
        clear.extend_from_slice(self.seed.expose());
        Ok(Apdu::new([0x80, 0xC5, 0x00, 0x00], &host.seal(device, &clear)?))
    }
}

/// Empty the slot: the same with `00 00`.
pub struct EmptySlot;

impl EmptySlot {
    /// The command, sealed to a device's key.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn apdu(self, host: &HostKey, device: &PublicPoint) -> Result<Apdu, SealError> {
        Ok(Apdu::new([0x80, 0xC5, 0x00, 0x00], &host.seal(device, &[0x00, 0x00])?))
    }
}

/// One of the settings: `80 C5 02 WHAT 01 VALUE`.
fn setting(what: u8, value: u8) -> Apdu {
    Apdu::new([0x80, 0xC5, 0x02, what], &[value])
}

/// Whether Enter is pressed behind a code: 00 is yes, 01 no.
#[derive(Debug, Clone, Copy)]
pub struct PressEnter(pub bool);

impl PressEnter {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        setting(0x02, u8::from(!self.0))
    }
}

/// Whether a long touch is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Touch {
    /// It is.
    pub long: bool,
}

impl Touch {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        setting(0x04, u8::from(self.long))
    }
}

/// Whether the number pad's keys are pressed.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    /// They are.
    pub numpad: bool,
}

impl Keys {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        setting(0x06, u8::from(self.numpad))
    }
}

/// The interfaces that are switched off. There is no way to write that all are: a key without any is lost for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisableInterfaces(u8);

impl DisableInterfaces {
    /// A mask of those that are off: 1 FIDO, 2 keyboard, 4 card. `None` where fewer than two would be left, or for an unknown one.
    #[must_use]
    pub fn new(mask: u8) -> Option<Self> {
        (mask <= 0x07 && mask.count_ones() <= 1).then_some(Self(mask))
    }

    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        setting(0x01, self.0)
    }
}
