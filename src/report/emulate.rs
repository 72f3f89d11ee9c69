//! The reports of `emulate`.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use crate::device::families::model_of;
use crate::emulator::CardState;
use crate::plain::plain;

/// An emulated token.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EmulatedToken {
    /// The serial.
    pub serial: String,
    /// A clock write erases its seed.
    pub restricted: bool,
    /// Always true.
    pub emulated: bool,
    /// `molto2` or `hotp-key`; missing for an NFC token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<&'static str>,
}

impl EmulatedToken {
    /// The token with this state.
    #[must_use]
    pub fn of(state: &CardState) -> Self {
        Self { serial: state.serial.clone(), restricted: state.restricted, emulated: true, family: None }
    }

    /// A device of another family.
    #[must_use]
    pub fn of_device(serial: &str, family: &'static str) -> Self {
        Self { serial: serial.to_owned(), restricted: false, emulated: true, family: Some(family) }
    }

    fn words(&self) -> String {
        let of_serial = || model_of(&self.serial).map_or("unknown model", |model| model.name);
        let model = match self.family {
            Some("molto2") => "Molto2",
            Some(_) => "FIDO2 key",
            None => of_serial(),
        };
        let restricted = if self.restricted { ", restricted" } else { "" };
        format!("emulated {model} {}{restricted}", plain(&self.serial))
    }
}

/// A token that was made, or is on the virtual reader.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EmulatedReport {
    /// The token.
    pub token: EmulatedToken,
    /// The address of the virtual reader; missing for a token that was only made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected: Option<String>,
}

impl Report for EmulatedReport {
    fn text(&self) -> String {
        match &self.connected {
            None => format!("made: {}", self.token.words()),
            Some(address) => format!("{} is on {address}; Ctrl-C takes it off", self.token.words()),
        }
    }
}

/// The display of an emulated token.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DisplayReport {
    /// The token.
    pub token: EmulatedToken,
    /// The code; `------` without a seed.
    pub display: String,
}

impl Report for DisplayReport {
    fn text(&self) -> String {
        self.display.clone()
    }
}
