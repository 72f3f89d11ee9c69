//! A token's answer to get info: its serial and its clock (`docs/protocol.md` §4).

use super::super::{Info, Model, Serial};
use super::{MODELS, UNKNOWN};

/// A fault in an answer to get info.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InfoError {
    /// The answer ends before its serial's length, or before its clock.
    #[error("its answer has {actual} bytes where {needed} are due: the reader or its driver cuts answers short")]
    TooShort {
        /// The bytes that came.
        actual: usize,
        /// The bytes that its own lengths ask for.
        needed: usize,
    },
    /// Bytes behind the clock, and a serial that is longer than it says.
    #[error("its answer has {0} bytes more than its own lengths account for")]
    WrongLength(usize),
    /// No serial.
    #[error("its serial is empty")]
    NoSerial,
    /// A serial with anything else than letters and digits, or too many of them; escaped.
    #[error("its serial is not 1 to 32 letters and digits: \"{0}\"")]
    BadSerial(String),
}

/// Reads `h h h N serial[N] s s time[4]`; the opaque bytes `h` and `s` are not constant and are not looked at.
///
/// # Errors
/// [`InfoError`]; every length is checked before it is used.
pub fn parse_info(data: &[u8]) -> Result<Info, InfoError> {
    let too_short = |needed| InfoError::TooShort { actual: data.len(), needed };
    let length = usize::from(*data.get(3).ok_or(too_short(4))?);
    let needed = 4 + length + 2 + 4;
    let serial = data.get(4..4 + length).ok_or(too_short(needed))?;
    let clock: [u8; 4] =
        data.get(4 + length + 2..needed).and_then(|bytes| bytes.try_into().ok()).ok_or(too_short(needed))?;
    let more = data.len() - needed;
    // Where the serial goes on behind its own end, its length is wrong, and what is taken for the clock is none.
    if more > 0 && data.get(4 + length).is_some_and(u8::is_ascii_alphanumeric) {
        return Err(InfoError::WrongLength(more));
    }
    let trimmed = serial.trim_ascii();
    if trimmed.iter().all(|byte| *byte == 0) {
        return Err(InfoError::NoSerial);
    }
    let serial = std::str::from_utf8(serial)
        .ok()
        .and_then(Serial::new)
        .ok_or_else(|| InfoError::BadSerial(trimmed.escape_ascii().to_string()))?;
    let model = Model::among(MODELS, serial.as_str());
    let can = model.map_or(&UNKNOWN, |model| model.can);
    // `h h h` and `s s`: reported by those who have a token, and by nobody else.
    let mut opaque = [0; 5];
    let unread = data.iter().take(3).chain(data.iter().skip(4 + length).take(2));
    opaque.iter_mut().zip(unread).for_each(|(to, byte)| *to = *byte);
    Ok(Info { serial, model, can, clock: Some(u32::from_be_bytes(clock)), more, opaque, slot: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(serial: &[u8], clock: u32) -> Vec<u8> {
        let mut data = vec![0xFF, 0x01, 0x02, u8::try_from(serial.len()).unwrap()];
        data.extend_from_slice(serial);
        data.extend_from_slice(&[0xAA, 0xBB]);
        data.extend_from_slice(&clock.to_be_bytes());
        data
    }

    #[test]
    fn opaque_bytes_are_not_looked_at() {
        let info = parse_info(&answer(b"86596120001234", 1_795_454_228)).unwrap();
        assert_eq!((info.serial.as_str(), info.clock), ("86596120001234", Some(1_795_454_228)));
        assert_eq!(info.opaque, [0xFF, 0x01, 0x02, 0xAA, 0xBB]);
    }

    #[test]
    fn white_space_and_nuls_around_the_serial_are_trimmed() {
        assert_eq!(parse_info(&answer(b" 8659612\0\0", 0)).unwrap().serial.as_str(), "8659612");
    }

    #[test]
    fn an_answer_cut_short_anywhere_is_named_and_never_panics() {
        let whole = answer(b"86596120001234", 1);
        for length in 0..whole.len() {
            assert!(matches!(parse_info(&whole[..length]), Err(InfoError::TooShort { .. })), "{length}");
        }
        let mut long = whole;
        long.push(0);
        assert_eq!(parse_info(&long).unwrap().more, 1);
        // A length that is too small makes a clock of what is none.
        let mut lying = answer(b"86596120001234", 1);
        lying[3] -= 1;
        assert_eq!(parse_info(&lying), Err(InfoError::WrongLength(1)));
    }

    #[test]
    fn control_characters_in_a_serial_are_escaped_in_the_error() {
        assert_eq!(parse_info(&answer(b"86\x1b[2J", 0)), Err(InfoError::BadSerial("86\\x1b[2J".to_owned())));
        assert_eq!(parse_info(&answer(b"\0\0", 0)), Err(InfoError::NoSerial));
        assert_eq!(parse_info(&answer(b"", 0)), Err(InfoError::NoSerial));
        assert_eq!(parse_info(&answer(b"\xff\xfe", 0)), Err(InfoError::BadSerial("\\xff\\xfe".to_owned())));
    }
}
