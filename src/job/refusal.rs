//! The refusals of a token, told apart by where they came (`docs/protocol.md` §8).

use crate::device::{Info, Step};
use crate::iso7816::StatusWord;
use crate::time::UnixTime;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The token refused this key earlier, by the inventory; it was not asked again.
    KeyOnRecord(UnixTime, Info),
    /// The token refused the key.
    Key(StatusWord, Option<Info>),
    /// Something came between its challenge and the answer.
    BetweenTheTwo(StatusWord, Option<Info>),
    /// It no longer counts as authenticated, or the MAC is wrong.
    NotAuthenticated(Step, StatusWord, Option<Info>),
    /// It does not accept the data.
    Data(Step, StatusWord, Option<Info>),
    /// It does not take a seed as long as its keyboard is switched off.
    KeyboardOff(Option<Info>),
    /// It has a PIN for codes, without which nothing is written.
    CodePin(StatusWord, Option<Info>),
    /// It has no such slot.
    NoSlot(StatusWord, Option<Info>),
    /// It refused anything else, or answered with a status that is not known.
    Other(Step, StatusWord, Option<Info>),
}
