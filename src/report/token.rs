//! A token in a report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::device::{ClockWrite, Info};
use crate::words::counted;

/// A token, as every report has it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TokenReport {
    /// The serial.
    pub serial: String,
    /// The model; `null` if unknown.
    pub model: Option<String>,
    /// `restricted`, `unrestricted` or `unknown`: what a clock write does to the seed.
    pub sync: &'static str,
    /// The slot, on a device that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<u16>,
    /// True for a token that is not a real one; missing for others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub emulated: bool,
    /// The same with the model in front, for text.
    #[serde(skip)]
    pub line: String,
}

impl TokenReport {
    /// A token that was read.
    #[must_use]
    pub fn of(info: &Info, emulated: bool) -> Self {
        Self {
            serial: info.serial.to_string(),
            model: info.model.map(|model| model.name.to_owned()),
            sync: info.clock_write().word(),
            slot: info.slot.as_ref().filter(|_| info.can.slots > 1).map(|slot| slot.slot),
            emulated,
            line: format!("{info}{}", if emulated { " (emulated)" } else { "" }),
        }
    }
}

/// A remark on bytes behind the clock in a token's answer.
#[must_use]
pub fn more_words(bytes: usize) -> String {
    format!(
        "the token's answer has {} after its clock that tokentap does not know; serial and clock were read",
        counted(bytes as u64, "byte")
    )
}

/// The effect of a clock write on the seed, in words.
#[must_use]
pub fn sync_words(effect: ClockWrite) -> &'static str {
    match effect {
        ClockWrite::KeepsSeed => "setting its clock keeps the seed",
        ClockWrite::ErasesSeed => "setting its clock ERASES the seed",
        ClockWrite::Unknown => "setting its clock may erase the seed",
    }
}
