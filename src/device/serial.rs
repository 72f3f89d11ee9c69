//! The serial of a device.

use std::fmt;

/// The longest serial. Those of the NFC tokens have 14 digits.
const MAX_SERIAL: usize = 32;

/// A serial: 1 to 32 ASCII letters and digits, white space and NULs around it trimmed. It is text, never a number.
///
/// A card's own serial goes into records, lists and files that other programs read: nothing else is taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(String);

impl Serial {
    /// The serial in a text that a person typed or a card sent; `None` if it is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let is_one = (1..=MAX_SERIAL).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric());
        is_one.then(|| Self(text.to_owned()))
    }

    /// The serial as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
