//! Fingerprints of seeds: enough to tell whether a seed is the one that was burned, and no more.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::seed::Seed;

/// The bytes that are kept of a fingerprint: an accident among a million seeds has a chance below 10⁻²⁶.
const BYTES: usize = 16;

/// HMAC-SHA-256 of a seed under the inventory's own key, cut to 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; BYTES]);

impl Fingerprint {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The fingerprint of these bytes; `None` for another number of them.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = HEXLOWER.decode(String::deserialize(from)?.as_bytes()).map_err(serde::de::Error::custom)?;
        Self::of_bytes(&bytes).ok_or_else(|| serde::de::Error::custom("no fingerprint"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// The key of an inventory's fingerprints: with it, and only with it, a guess at a seed can be checked.
#[derive(Clone)]
pub struct FingerprintKey(Zeroizing<Vec<u8>>);

impl FingerprintKey {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The fingerprint of a seed.
    #[must_use]
    pub fn of(&self, seed: &Seed) -> Fingerprint {
        Self::cut(self.hash(&[seed.expose()]))
    }

    /// The fingerprint of a device's key, which is not that of any seed.
    #[must_use]
    pub fn of_token_key(&self, key: &[u8]) -> Fingerprint {
        let hex = Zeroizing::new(HEXLOWER.encode(key));
        Self::cut(self.hash(&[b"token key", hex.as_bytes()]))
    }

    fn cut(digest: Vec<u8>) -> Fingerprint {
        let mut bytes = [0; BYTES];
        bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Fingerprint(bytes)
    }

    /// A keyed hash of parts, each with its length in front, so that no two lists of parts run together.
    #[must_use]
    pub fn hash(&self, parts: &[&[u8]]) -> Vec<u8> {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Vec::new() };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().to_vec()
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey")
    }
}
