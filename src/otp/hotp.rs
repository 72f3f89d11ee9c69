//! HOTP: the code of a counter (RFC 4226).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::{Code, Digits};
use crate::seed::Seed;

/// The hash under the HMAC (RFC 6238, section 1.2). A token knows the first two (`docs/protocol.md` §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Hash {
    /// SHA-1, as in RFC 4226.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512: computed, but no token knows it.
    Sha512,
}

impl Hash {
    /// The name as FIPS 180-4 writes it.
    #[must_use]
    pub fn dashed(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        })
    }
}

/// The code of `counter` (RFC 4226, section 5.3; for the other hashes RFC 6238, section 1.2).
#[must_use]
pub fn hotp(seed: &Seed, hash: Hash, counter: u64, digits: Digits) -> Code {
    let mac = match hash {
        Hash::Sha1 => hmac_of::<Hmac<Sha1>>(seed, counter),
        Hash::Sha256 => hmac_of::<Hmac<Sha256>>(seed, counter),
        Hash::Sha512 => hmac_of::<Hmac<Sha512>>(seed, counter),
    };
    Code::truncated(dynamic_truncation(&mac), digits)
}

fn hmac_of<M: Mac + KeyInit>(seed: &Seed, counter: u64) -> Zeroizing<Vec<u8>> {
    // HMAC takes keys of any length (RFC 2104, section 3), so the error cannot occur.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(seed.expose()) else {
        return Zeroizing::default();
    };
    mac.update(&counter.to_be_bytes());
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

/// RFC 4226, section 5.3, step 2: the last half-byte says where the 31 bits are taken.
fn dynamic_truncation(mac: &[u8]) -> u32 {
    let offset = mac.last().map_or(0, |byte| usize::from(byte & 0x0F));
    let mut word = [0; 4];
    if let Some(bytes) = mac.get(offset..offset + 4) {
        word.copy_from_slice(bytes);
    }
    u32::from_be_bytes(word) & 0x7FFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_rfc_4226_appendix_d() {
        let seed = Seed::from_bytes(b"12345678901234567890".to_vec()).unwrap();
        let expected =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, code) in (0..).zip(expected) {
            assert_eq!(hotp(&seed, Hash::Sha1, counter, Digits::Six).to_string(), code, "counter {counter}");
        }
    }
}
