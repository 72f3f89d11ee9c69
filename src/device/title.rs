//! The title of a slot.

use std::fmt;

use super::CapabilityError;

/// The title of a slot, as the device shows it beside the code: UTF-8 without control characters, counted in bytes
/// (`docs/devices.md` §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// A title of at most `most` bytes; white space around it is trimmed.
    ///
    /// # Errors
    /// [`CapabilityError::TitleLength`] and [`CapabilityError::TitleText`].
    pub fn new(text: &str, most: usize) -> Result<Self, CapabilityError> {
        let text = text.trim();
        match text.len() {
            _ if text.chars().any(char::is_control) => Err(CapabilityError::TitleText),
            bytes if bytes == 0 || bytes > most => Err(CapabilityError::TitleLength { bytes, most }),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The title.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_counted_in_bytes_not_in_characters() {
        assert!(Title::new("twelve bytes", 12).is_ok());
        assert_eq!(Title::new("zwölf Zeichn", 12), Err(CapabilityError::TitleLength { bytes: 13, most: 12 }));
        assert_eq!(Title::new("  ", 12), Err(CapabilityError::TitleLength { bytes: 0, most: 12 }));
        assert_eq!(Title::new("a\nb", 12), Err(CapabilityError::TitleText));
    }
}
