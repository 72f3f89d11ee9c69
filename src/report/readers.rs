//! The report of `readers`.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use crate::plain::plain;
use crate::reader::{CardKind, DeviceKind, Laid, Slot};

/// The readers, and what is on each.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReadersReport {
    /// The readers, in the order of their numbers.
    pub readers: Vec<ReaderReport>,
}

/// A reader.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReaderReport {
    /// Its number, as `--reader` takes it.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// `empty`, `card`, `mute`, `storage-tag`, `security-key`, `other-card` or `unknown`.
    pub state: &'static str,
    /// Another program has exclusive use of it.
    pub exclusive: bool,
    /// The card on it, or the device that it is itself; `null` if nothing is known.
    pub device: Option<&'static str>,
    /// The same in words.
    #[serde(skip)]
    words: String,
}

impl ReadersReport {
    /// The report of these slots.
    #[must_use]
    pub fn of(slots: &[Slot]) -> Self {
        let one = |(number, slot): (usize, &Slot)| ReaderReport {
            number,
            name: slot.name.clone(),
            state: state_word(slot.laid),
            exclusive: slot.exclusive,
            device: slot.device().map(DeviceKind::word),
            words: slot_words(slot),
        };
        Self { readers: (1..).zip(slots).map(one).collect() }
    }
}

impl Report for ReadersReport {
    fn text(&self) -> String {
        let width = self.readers.iter().map(|reader| reader.name.chars().count()).max().unwrap_or(0);
        let line =
            |reader: &ReaderReport| format!("{:>2}  {:width$}  {}", reader.number, plain(&reader.name), reader.words);
        self.readers.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn state_word(laid: Laid) -> &'static str {
    match laid {
        Laid::Nothing => "empty",
        Laid::Mute => "mute",
        Laid::Card(CardKind::Contactless) => "card",
        Laid::Card(CardKind::StorageTag) => "storage-tag",
        Laid::Card(CardKind::SecurityKey | CardKind::Token2Key) => "security-key",
        Laid::Card(CardKind::Other | CardKind::Molto2) => "other-card",
        Laid::Unknown => "unknown",
    }
}

/// The card on a reader, and the advice on it.
#[must_use]
pub fn slot_words(slot: &Slot) -> String {
    let laid = match (slot.device(), slot.laid) {
        (Some(device), _) => device.words(),
        (None, Laid::Nothing) => "empty",
        (None, Laid::Mute) => "a card that does not answer: switch the token on by its button",
        (None, _) => "the reader does not say",
    };
    let is_passed = slot.device().is_some_and(|device| !device.is_programmed());
    let passed = if is_passed { "; nothing is sent to it" } else { "" };
    let exclusive = if slot.exclusive { "; another program has exclusive use of it" } else { "" };
    format!("{laid}{passed}{exclusive}")
}
