//! The device's side of the cryptography, written apart from the programmer's side on purpose.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use sm4::Sm4;
use sm4::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt};

/// The key that tokens are made with (`docs/protocol.md` §5).
pub(super) const FACTORY_KEY: &str = "8ad206883ca369482ab27182b6e83224";

/// A device key from its 32 hex digits.
pub(super) fn key_from_hex(text: &str) -> Option<[u8; 16]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

fn cipher(key: &[u8; 16]) -> Sm4 {
    Sm4::new(&Array(*key))
}

/// The right answer to a challenge.
pub(super) fn expected_answer(key: &[u8; 16], challenge: [u8; 8]) -> [u8; 16] {
    let padded = u128::from(u64::from_be_bytes(challenge)) << 64;
    let mut block = Array(padded.to_be_bytes());
    cipher(key).encrypt_block(&mut block);
    block.0
}

/// SM4-CBC-MAC over the command as the device sees it, the last block's first four bytes.
pub(super) fn mac(key: &[u8; 16], instruction: [u8; 3], body: &[u8]) -> [u8; 4] {
    let [ins, p1, p2] = instruction;
    let mut message = vec![0x80, ins, p1, p2, body.len() as u8];
    message.extend_from_slice(body);
    if message.len() % 16 != 0 {
        message.push(0x80);
        while message.len() % 16 != 0 {
            message.push(0);
        }
    }
    let cipher = cipher(key);
    let mut chain = 0_u128;
    let (blocks, _) = message.as_chunks::<16>();
    for block in blocks {
        let mut mixed = Array((u128::from_be_bytes(*block) ^ chain).to_be_bytes());
        cipher.encrypt_block(&mut mixed);
        chain = u128::from_be_bytes(mixed.0);
    }
    ((chain >> 96) as u32).to_be_bytes()
}

/// Decrypts a seed's body and takes its padding off; `None` if the padding is not ISO/IEC 9797-1 method 2.
pub(super) fn decrypt_seed(key: &[u8; 16], body: &[u8]) -> Option<Vec<u8>> {
    unpadded(&decrypt_blocks(key, body)?)
}

/// Takes the padding of ISO/IEC 9797-1 method 2 off.
pub(super) fn unpadded(plain: &[u8]) -> Option<Vec<u8>> {
    let end = plain.iter().rposition(|byte| *byte != 0)?;
    (plain.get(end) == Some(&0x80)).then(|| plain.get(..end).unwrap_or_default().to_vec())
}

/// Decrypts whole blocks; `None` where there are none.
pub(super) fn decrypt_blocks(key: &[u8; 16], body: &[u8]) -> Option<Vec<u8>> {
    let (blocks, rest) = body.as_chunks::<16>();
    if !rest.is_empty() || blocks.is_empty() {
        return None;
    }
    let cipher = cipher(key);
    let mut plain = Vec::with_capacity(body.len());
    for block in blocks {
        let mut block = Array(*block);
        cipher.decrypt_block(&mut block);
        plain.extend_from_slice(&block);
    }
    Some(plain)
}

/// The digits on the display.
pub(super) fn code(seed: &[u8], sha256: bool, counter: u64, digits: u32) -> String {
    let message = counter.to_be_bytes();
    let mac = if sha256 {
        Hmac::<Sha256>::new_from_slice(seed).map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
    } else {
        Hmac::<Sha1>::new_from_slice(seed).map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
    };
    let mac = mac.unwrap_or_default();
    let at = mac.last().map_or(0, |last| usize::from(last % 16));
    let number = mac.iter().skip(at).take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    let shown = u64::from(number & 0x7FFF_FFFF) % 10_u64.pow(digits.min(10));
    format!("{shown:0width$}", width = digits as usize)
}
