//! Customer keys: what a person knows, and what the device has of it (`docs/devices.md` §3).

use sha1::{Digest, Sha1};
use sm4::Sm4;
use sm4::cipher::{Block, BlockCipherDecrypt, KeyInit};
use zeroize::Zeroizing;

use super::super::Key;

/// The longest customer key that is read, in bytes. The device sees only its digest, so it has no bound of its own.
const LONGEST: usize = 64;

/// The key that the vendor's configuration tool keeps customer keys under; it is the same in every copy.
const INI_KEY: [u8; 16] =
    [0x61, 0x29, 0x22, 0xF3, 0x79, 0xD3, 0xE1, 0x4B, 0x29, 0x08, 0xBC, 0x6F, 0xE5, 0x98, 0x1F, 0x87];

/// Why a file holds no customer key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CustomerKeyError {
    /// Nothing, or more than 64 bytes.
    #[error("a customer key has 1 to {LONGEST} bytes; this has {0}")]
    Length(usize),
    /// More than one line, or text that is not UTF-8.
    #[error("a customer key is one line of text")]
    Lines,
    /// A configuration of the vendor's tool without a key, or with one that is no 32 hex digits.
    #[error("its CUSTOMER_KEY is missing, or is not 32 hex digits")]
    BadIni,
}

/// The key that the device has of a customer key: the first 16 bytes of its SHA-1.
#[must_use]
pub fn customer_key(text: &[u8]) -> Key {
    let digest = Zeroizing::new(<[u8; 20]>::from(Sha1::digest(text)));
    let mut bytes = Zeroizing::new([0; 16]);
    bytes.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    Key::Own(bytes)
}

/// The customer key in a file: its text up to the end of the line, or that of the vendor's `Molto2Cfg.ini`.
///
/// # Errors
/// [`CustomerKeyError`]; it repeats none of the file.
pub fn customer_key_of_file(content: &[u8]) -> Result<Zeroizing<Vec<u8>>, CustomerKeyError> {
    let text = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    let lines = || text.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
    if lines().any(|line| line.eq_ignore_ascii_case(b"[CONFIG]")) {
        let value = lines().find_map(|line| {
            let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b'=')?)?;
            name.trim_ascii().eq_ignore_ascii_case(b"CUSTOMER_KEY").then(|| value.trim_ascii_start())
        });
        return of_ini(value.and_then(|value| value.strip_prefix(b"=")).unwrap_or_default().trim_ascii());
    }
    let key = text.strip_suffix(b"\n").unwrap_or(text);
    let key = key.strip_suffix(b"\r").unwrap_or(key);
    // Another line would be taken for a part of the key, and cost the device one of its tries.
    if key.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(CustomerKeyError::Lines);
    }
    match key.len() {
        1..=LONGEST => Ok(Zeroizing::new(key.to_vec())),
        length => Err(CustomerKeyError::Length(length)),
    }
}

/// A key as the vendor's tool keeps it: one block of SM4, without padding.
fn of_ini(value: &[u8]) -> Result<Zeroizing<Vec<u8>>, CustomerKeyError> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(value).map(Zeroizing::new);
    let mut bytes = bytes.ok().filter(|bytes| bytes.len() == 16).ok_or(CustomerKeyError::BadIni)?;
    let cipher = Sm4::new((&INI_KEY).into());
    let block = <&mut Block<Sm4>>::try_from(bytes.as_mut_slice()).map_err(|_| CustomerKeyError::BadIni)?;
    cipher.decrypt_block(block);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_end_is_not_part_of_the_key_and_blanks_are() {
        let read = |content: &[u8]| customer_key_of_file(content).map(|key| key.to_vec());
        assert_eq!(read(b"TOKEN2MOLTO1-KEY\r\n"), Ok(b"TOKEN2MOLTO1-KEY".to_vec()));
        assert_eq!(read(b"\xEF\xBB\xBFa key \n"), Ok(b"a key ".to_vec()));
        assert_eq!(read(b"\n"), Err(CustomerKeyError::Length(0)));
        assert_eq!(read(b"a key\n# a note\n"), Err(CustomerKeyError::Lines));
        assert_eq!(read(b"\xFF\xFEa\0b\0"), Err(CustomerKeyError::Lines));
        assert_eq!(read(&[b'x'; 65]), Err(CustomerKeyError::Length(65)));
        assert_eq!(read(b"[CONFIG]\nCUSTOMER_KEY=12\n"), Err(CustomerKeyError::BadIni));
        assert_eq!(read(b"[CONFIG]\nOTHER=1\n"), Err(CustomerKeyError::BadIni));
    }

    #[test]
    fn the_factory_s_key_is_that_of_its_published_text() {
        let key = customer_key(b"TOKEN2MOLTO1-KEY");
        assert_eq!(key.bytes(&[]), super::super::model::FACTORY_KEY);
    }
}
