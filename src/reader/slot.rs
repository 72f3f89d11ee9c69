//! A slot of a reader, and what lies on it.

use super::atr::CardKind;
use super::device_kind::DeviceKind;

/// The card on a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Laid {
    /// Nothing.
    Nothing,
    /// Something that does not answer: a token that is switched off, or a tag of another kind.
    Mute,
    /// A card.
    Card(CardKind),
    /// The reader does not say.
    Unknown,
}

/// A slot of a reader, as PC/SC names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The name.
    pub name: String,
    /// The card on it.
    pub laid: Laid,
    /// Another program has it for itself.
    pub exclusive: bool,
}

impl Slot {
    /// The kind of what lies there, or of the slot itself where its name tells; `None` for an empty slot of any kind.
    #[must_use]
    pub fn device(&self) -> Option<DeviceKind> {
        match self.laid {
            Laid::Card(card) => Some(DeviceKind::of(&self.name, card)),
            _ => DeviceKind::of_name(&self.name),
        }
    }
}
