//! Another card or token than the one that was meant.

use crate::device::{Info, Serial};
use crate::iso7816::StatusWord;

/// A card that is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stranger {
    /// A security key.
    SecurityKey,
    /// A card that refuses get info.
    Refuses(StatusWord),
}

/// A token that is not the one that was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistaken {
    /// Another serial than the one that was expected.
    Expected {
        /// The token on the reader.
        found: Info,
        /// The one that was expected.
        expected: Serial,
    },
    /// Another serial than a moment ago; nothing was written.
    Changed {
        /// The serial that is there now.
        found: String,
        /// The token before.
        token: Option<Info>,
    },
    /// No row of the seed file has its serial.
    NoRow(Info),
}
