//! A key's serial (`docs/devices.md` §6).

use super::super::Serial;
use crate::iso7816::Apdu;

/// Read the serial: `80 33 00 00 12 D1 10` and 16 zeros.
#[derive(Debug, Clone, Copy)]
pub struct ReadSerial;

impl ReadSerial {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        let mut body = [0; 18];
        [body[0], body[1]] = [0xD1, 0x10];
        Apdu::new([0x80, 0x33, 0x00, 0x00], &body)
    }
}

/// The command that some firmware wants before it tells its serial: `80 C5 03 00 01 04`.
#[derive(Debug, Clone, Copy)]
pub struct Prelude;

impl Prelude {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0xC5, 0x03, 0x00], &[0x04])
    }
}

/// An answer that is no serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its answer is not a serial")]
pub struct SerialError;

/// Reads `D1 L` and so many ASCII characters.
///
/// # Errors
/// [`SerialError`].
pub fn parse_serial(data: &[u8]) -> Result<Serial, SerialError> {
    let [0xD1, length, text @ ..] = data else { return Err(SerialError) };
    let text = Some(text).filter(|text| text.len() == usize::from(*length)).ok_or(SerialError)?;
    std::str::from_utf8(text).ok().and_then(Serial::new).ok_or(SerialError)
}
