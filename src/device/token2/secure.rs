//! Secure messaging: SM4, padding and MAC (`docs/protocol.md` §5).

use sm4::Sm4;
use sm4::cipher::{Block, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

use super::super::Key;
use crate::iso7816::Apdu;

/// The block of SM4, in bytes (GM/T 0002-2012).
pub const BLOCK: usize = 16;

/// The key that tokens leave the factory with. It is public and proves nothing.
pub const FACTORY_KEY: [u8; BLOCK] =
    [0x8A, 0xD2, 0x06, 0x88, 0x3C, 0xA3, 0x69, 0x48, 0x2A, 0xB2, 0x71, 0x82, 0xB6, 0xE8, 0x32, 0x24];

/// The 16-byte key that a token and its programmer share.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey(Zeroizing<[u8; BLOCK]>);

/// Why a file holds no token key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither 16 raw bytes nor 32 hex digits.
    #[error("a token key is 16 raw bytes or 32 hex digits; this has {0} bytes")]
    Length(usize),
    /// 32 characters that are not all hex digits.
    #[error("a token key of 32 characters has only hex digits")]
    NotHex,
}

impl TokenKey {
    /// The key that tokens leave the factory with. It is public and proves nothing.
    #[must_use]
    pub fn factory() -> Self {
        Self(Zeroizing::new(FACTORY_KEY))
    }

    /// The key of these bytes.
    #[must_use]
    pub fn of_bytes(bytes: [u8; BLOCK]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key in a file's content: 16 raw bytes, or 32 hex digits with white space around them.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_file_content(content: &[u8]) -> Result<Self, KeyError> {
        if let Ok(raw) = <[u8; BLOCK]>::try_from(content) {
            return Ok(Self(Zeroizing::new(raw)));
        }
        let text = content.trim_ascii();
        if text.len() != 2 * BLOCK {
            return Err(KeyError::Length(content.len()));
        }
        let bytes =
            data_encoding::HEXLOWER_PERMISSIVE.decode(text).map(Zeroizing::new).map_err(|_| KeyError::NotHex)?;
        <[u8; BLOCK]>::try_from(bytes.as_slice()).map(|raw| Self(Zeroizing::new(raw))).map_err(|_| KeyError::NotHex)
    }

    fn cipher(&self) -> Sm4 {
        Sm4::new((&*self.0).into())
    }

    /// SM4 in ECB over whole blocks; a rest that fills no block is left as it is.
    fn encrypt_blocks(&self, data: &mut [u8]) {
        let cipher = self.cipher();
        for block in data.chunks_exact_mut(BLOCK) {
            if let Ok(block) = <&mut Block<Sm4>>::try_from(block) {
                cipher.encrypt_block(block);
            }
        }
    }

    /// The answer to a challenge: SM4 over the challenge and eight zero bytes.
    #[must_use]
    pub fn answer(&self, challenge: [u8; 8]) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let (front, _) = block.split_at_mut(challenge.len());
        front.copy_from_slice(&challenge);
        self.encrypt_blocks(&mut block);
        block
    }

    /// A seed or anything else that is written secret: padded, and encrypted block by block.
    #[must_use]
    pub fn encrypt_padded(&self, secret: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut data = pad(secret);
        self.encrypt_blocks(&mut data);
        data
    }

    /// The MAC of a write: over `80 INS P1 P2 L` and the body, where L is the body's length without the MAC.
    ///
    /// The class is `80` here although `84` is sent. The data is padded unless it is aligned already.
    #[must_use]
    pub fn mac(&self, ins: u8, p1: u8, p2: u8, body: &[u8]) -> [u8; 4] {
        let mut data = Zeroizing::new(Vec::with_capacity(5 + body.len() + BLOCK));
        data.extend_from_slice(&[0x80, ins, p1, p2, body.len() as u8]);
        data.extend_from_slice(body);
        if !data.len().is_multiple_of(BLOCK) {
            data = pad(&data);
        }
        let cipher = self.cipher();
        let mut chain = [0_u8; BLOCK];
        for block in data.chunks_exact(BLOCK) {
            for (c, b) in chain.iter_mut().zip(block) {
                *c ^= b;
            }
            cipher.encrypt_block((&mut chain).into());
        }
        let [a, b, c, d, ..] = chain;
        [a, b, c, d]
    }
}

impl TokenKey {
    /// A write: class 84, its body, and the MAC behind it.
    #[must_use]
    pub fn secured(&self, [ins, p1, p2]: [u8; 3], body: &[u8]) -> Apdu {
        let mac = self.mac(ins, p1, p2, body);
        let mut whole = Zeroizing::new(Vec::with_capacity(body.len() + mac.len()));
        whole.extend_from_slice(body);
        whole.extend_from_slice(&mac);
        Apdu::new([0x84, ins, p1, p2], &whole)
    }
}

impl From<&Key> for TokenKey {
    fn from(key: &Key) -> Self {
        match key {
            Key::Factory => Self::factory(),
            Key::Own(bytes) => Self(bytes.clone()),
        }
    }
}

impl From<TokenKey> for Key {
    fn from(key: TokenKey) -> Self {
        Self::Own(key.0)
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(16 bytes)")
    }
}

/// ISO/IEC 9797-1, padding method 2: `80`, then zeros to the next multiple of 16. Always: aligned data gains a block.
fn pad(data: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = (data.len() / BLOCK + 1) * BLOCK;
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    padded.extend_from_slice(data);
    padded.push(0x80);
    padded.resize(length, 0);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sm4_gives_the_known_answer_of_gmt_0002_2012_a1() {
        let key = TokenKey::from_file_content(b"0123456789ABCDEFFEDCBA9876543210").unwrap();
        let mut block: [u8; 16] = *key.0;
        key.encrypt_blocks(&mut block);
        let expected = data_encoding::HEXLOWER.decode(b"681edf34d206965e86b3e94f536e4246").unwrap();
        assert_eq!(block.as_slice(), expected);
    }

    #[test]
    fn aligned_data_gains_a_whole_block_of_padding() {
        for (length, padded) in [(0, 16), (1, 16), (15, 16), (16, 32), (17, 32), (48, 64), (63, 64)] {
            let data = pad(&vec![7; length]);
            assert_eq!((data.len(), data[length]), (padded, 0x80), "{length}");
            assert!(data[length + 1..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn a_key_file_is_16_raw_bytes_or_32_hex_digits() {
        let raw = TokenKey::from_file_content(&TokenKey::factory().0[..]).unwrap();
        let hex = TokenKey::from_file_content(b"8ad206883ca369482ab27182b6e83224\n").unwrap();
        assert!(raw == hex && raw == TokenKey::factory());
        assert_eq!(TokenKey::from_file_content(b"8ad2"), Err(KeyError::Length(4)));
        assert_eq!(TokenKey::from_file_content(&[b'x'; 32]), Err(KeyError::NotHex));
    }
}
