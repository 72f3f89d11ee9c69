//! Status words (ISO/IEC 7816-4, section 5.1.3; `docs/protocol.md` §8).

use std::fmt;

/// The two bytes that end every response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(u16);

/// The meaning of a status word, whatever the command was. Every word is one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusKind {
    /// 9000.
    Done,
    /// 61 XX: so many more bytes wait (0 means 256).
    MoreData(u8),
    /// 6C XX: ask again with this Le.
    WrongLe(u8),
    /// 63 CX: refused, and so many tries are left.
    TriesLeft(u8),
    /// 63 XX otherwise: refused, on related devices with the tries left in XX.
    Warning(u8),
    /// 6700.
    WrongLength,
    /// 6983: locked, or not authenticated, or a wrong answer or MAC.
    Blocked,
    /// 6A80: the data is not acceptable.
    WrongData,
    /// 6D00: the instruction is unknown.
    UnknownInstruction,
    /// 6E00: the class is unknown.
    UnknownClass,
    /// Anything else.
    Other,
}

impl StatusWord {
    /// 9000: done.
    pub const OK: Self = Self(0x9000);

    /// 9060: accepted, and the device waits for its button (`docs/devices.md` §3).
    pub const WAITS_FOR_BUTTON: Self = Self(0x9060);

    /// 6A81: not as things are.
    pub const NOT_NOW: Self = Self(0x6A81);

    /// 6A86: what is meant does not exist here.
    pub const NO_SLOT: Self = Self(0x6A86);

    /// 6A83: there is no such record.
    pub const NOTHING_THERE: Self = Self(0x6A83);

    /// The word of two bytes.
    #[must_use]
    pub fn new(sw1: u8, sw2: u8) -> Self {
        Self(u16::from_be_bytes([sw1, sw2]))
    }

    /// Whether the command was certainly not carried out: an error that was found before anything was done (ISO/IEC 7816-4,
    /// section 5.1.3: 64 XX, and the checking errors 67 XX to 6E XX). 63 XX and 65 XX say that memory may have changed,
    /// and 6F XX that there is no diagnosis.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(self.0.to_be_bytes(), [0x64 | 0x67..=0x6E, _])
    }

    /// Whether a token said no to what proves the key: also 63 XX, which counts tries there and has nothing to change.
    #[must_use]
    pub fn is_denial(self) -> bool {
        self.is_refusal() || matches!(self.0.to_be_bytes(), [0x63, _])
    }

    /// Whether it tells nothing of what is wrong: a warning without more, or no diagnosis (6300, 6F XX).
    #[must_use]
    pub fn says_nothing(self) -> bool {
        matches!(self.0.to_be_bytes(), [0x63, 0x00] | [0x6F, _])
    }

    /// Its meaning.
    #[must_use]
    pub fn kind(self) -> StatusKind {
        let [sw1, sw2] = self.0.to_be_bytes();
        match (sw1, sw2) {
            (0x90, 0x00) => StatusKind::Done,
            (0x61, left) => StatusKind::MoreData(left),
            (0x6C, le) => StatusKind::WrongLe(le),
            (0x63, 0xC0..=0xCF) => StatusKind::TriesLeft(sw2 & 0x0F),
            (0x63, detail) => StatusKind::Warning(detail),
            (0x67, 0x00) => StatusKind::WrongLength,
            (0x69, 0x83) => StatusKind::Blocked,
            (0x6A, 0x80) => StatusKind::WrongData,
            (0x6D, _) => StatusKind::UnknownInstruction,
            (0x6E, _) => StatusKind::UnknownClass,
            _ => StatusKind::Other,
        }
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusWord({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_which_memory_may_have_changed_or_nothing_is_known_are_no_refusal() {
        for (word, is_refusal) in [
            ([0x63, 0x00], false),
            ([0x63, 0xC2], false),
            ([0x65, 0x81], false),
            ([0x6F, 0x00], false),
            ([0x64, 0x00], true),
            ([0x69, 0x83], true),
            ([0x6A, 0x80], true),
            ([0x6E, 0x00], true),
        ] {
            assert_eq!(StatusWord::new(word[0], word[1]).is_refusal(), is_refusal, "{word:02X?}");
        }
        assert!(StatusWord::new(0x63, 0xC2).is_denial() && !StatusWord::new(0x6F, 0x00).is_denial());
    }

    #[test]
    fn the_words_of_the_protocol_are_told_apart() {
        for (word, kind) in [
            ([0x90, 0x00], StatusKind::Done),
            ([0x61, 0x10], StatusKind::MoreData(0x10)),
            ([0x6C, 0x1C], StatusKind::WrongLe(0x1C)),
            ([0x63, 0xC2], StatusKind::TriesLeft(2)),
            ([0x63, 0x00], StatusKind::Warning(0)),
            ([0x67, 0x00], StatusKind::WrongLength),
            ([0x69, 0x83], StatusKind::Blocked),
            ([0x6A, 0x80], StatusKind::WrongData),
            ([0x6D, 0x00], StatusKind::UnknownInstruction),
            ([0x6E, 0x00], StatusKind::UnknownClass),
            ([0x90, 0x01], StatusKind::Other),
        ] {
            assert_eq!(StatusWord::new(word[0], word[1]).kind(), kind, "{word:02X?}");
        }
    }
}
