//! The memory of an emulated FIDO2 key with a HOTP slot, with a switch for each fact that nobody knows (`docs/devices.md` §9).

use serde::{Deserialize, Serialize};

/// To whom a key tells its serial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SerialBy {
    /// To its OTP application.
    #[default]
    Otp,
    /// To that, after a prelude.
    Prelude,
    /// To FIDO alone.
    Fido,
    /// To nobody.
    Nobody,
}

/// One side of each fact that nobody knows, and the keys that differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that may be either way")]
pub struct KeySwitches {
    /// It says one byte of its set-up, not ten.
    pub says_one_byte: bool,
    /// It leaves and comes back when its interfaces are changed.
    pub re_enumerates: bool,
    /// It has a PIN for codes.
    pub has_pin: bool,
    /// It has no slot.
    pub no_slot: bool,
    /// It goes on counting where it was when its slot is written again.
    pub keeps_counter: bool,
    /// To whom it tells its serial.
    pub serial_by: SerialBy,
}

/// All that is in a key. Its seed is a test seed: nothing protects it but the file's mode.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyState {
    /// Always `hotp-key`.
    family: String,
    /// The serial: ASCII digits.
    pub serial: String,
    /// Its private number on P-256, as 64 hex digits.
    pub private: String,
    /// The seed as hex digits; empty when there is none.
    pub seed: String,
    /// The digits of its codes.
    pub digits: u32,
    /// The counter of the next code.
    pub counter: u64,
    /// The interfaces that are off: 1 FIDO, 2 keyboard, 4 card.
    pub off: u8,
    /// It presses no Enter.
    pub no_enter: bool,
    /// It wants a long touch.
    pub long_touch: bool,
    /// It presses the number pad's keys.
    pub numpad: bool,
    /// The open facts.
    pub switches: KeySwitches,
}

impl std::fmt::Debug for KeyState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyState({})", self.serial)
    }
}

impl KeyState {
    /// A key as it comes from the factory, but for its keyboard, which many have switched off there.
    #[must_use]
    pub fn new(serial: &str) -> Self {
        Self {
            family: "hotp-key".to_owned(),
            serial: serial.to_owned(),
            private: "3b9041bf9a67b24868d621bc0aa7b87b23d363103bc82dffe1271086c8d471bd".to_owned(),
            seed: String::new(),
            digits: 6,
            counter: 0,
            off: 0,
            no_enter: false,
            long_touch: false,
            numpad: false,
            switches: KeySwitches::default(),
        }
    }

    /// Whether a file's state is one.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let is_hex = |text: &str, most: usize| {
            data_encoding::HEXLOWER.decode(text.as_bytes()).is_ok_and(|bytes| bytes.len() <= most)
        };
        if !(1..=32).contains(&self.serial.len()) || !self.serial.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("the serial has no 1 to 32 digits");
        }
        match is_hex(&self.seed, 64) && is_hex(&self.private, 32) && matches!(self.digits, 6 | 8) {
            true => Ok(()),
            false => Err("the seed, the private number or the digits are out of bounds"),
        }
    }
}
