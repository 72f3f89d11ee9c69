//! A code as a display shows it.

use std::fmt;
use std::str::FromStr;

/// How many decimal digits a code has. A token always shows six (`docs/protocol.md` §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Digits {
    /// Six digits.
    #[default]
    Six,
    /// Eight digits.
    Eight,
    /// Four digits, as a Molto2 can show them.
    Four,
    /// Ten digits: the whole 31-bit number (RFC 4226, section 5.3, step 2), with zeros in front.
    Ten,
}

impl Digits {
    /// As many as this.
    #[must_use]
    pub fn of_count(count: u32) -> Option<Self> {
        match count {
            4 => Some(Self::Four),
            6 => Some(Self::Six),
            8 => Some(Self::Eight),
            10 => Some(Self::Ten),
            _ => None,
        }
    }

    /// How many: 4, 6, 8 or 10.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Six => 6,
            Self::Eight => 8,
            Self::Ten => 10,
        }
    }

    /// How many different codes there are: 10 to the power of the digits, and at most 2^31.
    #[must_use]
    pub fn codes(self) -> u32 {
        match self {
            Self::Four => 10_000,
            Self::Six => 1_000_000,
            Self::Eight => 100_000_000,
            Self::Ten => 1 << 31,
        }
    }
}

/// A code: a number with leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    value: u32,
    digits: Digits,
}

impl Code {
    /// The last `digits` decimal digits of `number` (RFC 4226, section 5.3, step 3).
    #[must_use]
    pub fn truncated(number: u32, digits: Digits) -> Self {
        Self { value: number % digits.codes(), digits }
    }

    /// Reads a code of so many digits; spaces and hyphens between them are ignored.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn of_digits(text: &str, digits: Digits) -> Result<Self, CodeError> {
        let typed: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        match typed.len() {
            _ if !typed.chars().all(|c| c.is_ascii_digit()) => Err(CodeError::NotDigits),
            length if length != digits.count() => Err(CodeError::OtherLength(digits.count(), length)),
            // Ten digits may be more than any code has: that is another seed's, or a slip.
            _ => Ok(Self { value: typed.parse().unwrap_or(u32::MAX), digits }),
        }
    }

    /// How many digits it has.
    #[must_use]
    pub fn digits(self) -> Digits {
        self.digits
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.value, width = self.digits.count())
    }
}

/// Why a text is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Something other than digits and spaces.
    #[error("a code has only digits")]
    NotDigits,
    /// Another number of digits than this device shows.
    #[error("a code of this slot has {0} digits, this has {1}")]
    OtherLength(usize, usize),
    /// Neither six digits nor eight.
    #[error("a code has 6 or 8 digits, this has {0}")]
    Length(usize),
}

impl FromStr for Code {
    type Err = CodeError;

    /// Reads six or eight digits; spaces and hyphens between them are ignored.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(CodeError::NotDigits);
        }
        let count = match digits.len() {
            6 => Digits::Six,
            8 => Digits::Eight,
            n => return Err(CodeError::Length(n)),
        };
        let value = digits.parse().map_err(|_| CodeError::NotDigits)?;
        Ok(Self { value, digits: count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_keeps_its_leading_zeros() {
        assert_eq!("012 345".parse::<Code>().unwrap().to_string(), "012345");
        assert_eq!("0001-2345".parse::<Code>().unwrap().to_string(), "00012345");
    }

    #[test]
    fn other_lengths_and_letters_are_refused() {
        assert_eq!("1234567".parse::<Code>(), Err(CodeError::Length(7)));
        assert_eq!("12345a".parse::<Code>(), Err(CodeError::NotDigits));
        assert_eq!("".parse::<Code>(), Err(CodeError::Length(0)));
    }
}
