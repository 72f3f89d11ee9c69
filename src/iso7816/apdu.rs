//! Short command and response APDUs (ISO/IEC 7816-4, section 5.1).

use std::fmt;

use zeroize::Zeroizing;

use super::StatusWord;

/// The longest body of a short command, in bytes.
pub const MAX_BODY: usize = 255;

/// The longest response to a short command, in bytes: 256 of data and the status word.
pub const MAX_RESPONSE: usize = 258;

/// A short command APDU. Its bytes are wiped when it is dropped, because a body can hold a seed.
#[derive(Clone, PartialEq, Eq)]
pub struct Apdu {
    bytes: Zeroizing<Vec<u8>>,
    has_le: bool,
}

impl Apdu {
    /// A command without Le: header, and the body with its length if there is any.
    ///
    /// The body has at most [`MAX_BODY`] bytes; what is longer is cut off.
    #[must_use]
    pub fn new(header: [u8; 4], body: &[u8]) -> Self {
        let body = body.get(..MAX_BODY).unwrap_or(body);
        let mut bytes = Zeroizing::new(Vec::with_capacity(header.len() + 1 + body.len() + 1));
        bytes.extend_from_slice(&header);
        if let Ok(length @ 1..) = u8::try_from(body.len()) {
            bytes.push(length);
            bytes.extend_from_slice(body);
        }
        Self { bytes, has_le: false }
    }

    /// The same command asking for `le` bytes (0 means 256). An Le that is there already is replaced; a body never is.
    #[must_use]
    pub fn with_le(&self, le: u8) -> Self {
        // Reserved with the Le's byte, so that no shorter copy of a seed is left behind by growth.
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.bytes.len() + 1));
        bytes.extend_from_slice(&self.bytes);
        if self.has_le {
            bytes.pop();
        }
        bytes.push(le);
        Self { bytes, has_le: true }
    }

    /// The bytes to send.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Apdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Apdu({})", describe(&self.bytes))
    }
}

/// A command's header in hex and the length of what follows: all that a trace may show of a command.
#[must_use]
pub fn describe(command: &[u8]) -> String {
    let (header, rest) = command.split_at_checked(4).unwrap_or((command, &[]));
    let header: Vec<String> = header.iter().map(|byte| format!("{byte:02X}")).collect();
    match rest.len() {
        0 => header.join(" "),
        n => format!("{} + {n} bytes", header.join(" ")),
    }
}

/// A response APDU: data and status word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The data in front of the status word; at most 256 bytes from one APDU.
    pub data: Vec<u8>,
    /// The status word.
    pub status: StatusWord,
}

/// Bytes that are no response APDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Fewer than the two bytes of a status word.
    #[error("a reply of length {0}, shorter than a status word")]
    TooShort(usize),
    /// More than [`MAX_RESPONSE`] bytes.
    #[error("a reply of {0} bytes, longer than any that a short command can have")]
    TooLong(usize),
}

impl Response {
    /// Splits received bytes into data and status word.
    ///
    /// # Errors
    /// [`ResponseError`], by length.
    pub fn parse(mut bytes: Vec<u8>) -> Result<Self, ResponseError> {
        let length = bytes.len();
        if length > MAX_RESPONSE {
            return Err(ResponseError::TooLong(length));
        }
        match (bytes.pop(), bytes.pop()) {
            (Some(sw2), Some(sw1)) => Ok(Self { data: bytes, status: StatusWord::new(sw1, sw2) }),
            _ => Err(ResponseError::TooShort(length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_without_a_body_is_its_header() {
        assert_eq!(Apdu::new([0x80, 0x41, 0, 0], &[]).as_bytes(), [0x80, 0x41, 0, 0]);
    }

    #[test]
    fn an_le_is_appended_once_and_then_replaced_and_the_body_stays() {
        let write = Apdu::new([0x84, 0xC5, 1, 0], &[1, 2, 3]);
        let asked = write.with_le(5);
        assert_eq!(asked.as_bytes(), [0x84, 0xC5, 1, 0, 3, 1, 2, 3, 5]);
        assert_eq!(asked.with_le(7).as_bytes(), [0x84, 0xC5, 1, 0, 3, 1, 2, 3, 7]);
    }

    #[test]
    fn a_response_needs_a_status_word_and_fits_a_short_apdu() {
        assert_eq!(Response::parse(vec![]), Err(ResponseError::TooShort(0)));
        assert_eq!(Response::parse(vec![0x90]), Err(ResponseError::TooShort(1)));
        assert_eq!(Response::parse(vec![0; 259]), Err(ResponseError::TooLong(259)));
        let response = Response::parse(vec![7, 0x90, 0x00]).unwrap();
        assert_eq!((response.data.as_slice(), response.status), (&[7][..], StatusWord::OK));
    }

    #[test]
    fn debug_shows_no_body() {
        let write = Apdu::new([0x84, 0xC5, 1, 0], &[0xAA; 20]);
        assert_eq!(format!("{write:?}"), "Apdu(84 C5 01 00 + 21 bytes)");
    }
}
