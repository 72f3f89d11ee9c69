//! What is written to a key's slot, sealed to the key of the device in hand (`docs/devices.md` §7): ECDH over P-256 (SEC 1, section
//! 3.3.1), SHA-256 of the shared X, AES-256 in CBC with a zero IV and PKCS#7 padding.

use aes::Aes256;
use cbc::Encryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use p256::ecdh::diffie_hellman;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::{PublicKey, SecretKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A point of P-256 as the device sends and takes it: X and Y.
pub type PublicPoint = [u8; 64];

/// Why nothing could be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The device's key is no point of the curve.
    #[error("its key is not a point of P-256")]
    NotAPoint,
    /// The system's generator failed.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// The program's own half of the agreement: a new one for each write.
pub struct HostKey(SecretKey);

impl HostKey {
    /// A new one.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn random() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; 32]);
        loop {
            getrandom::fill(&mut *bytes).map_err(|_| SealError::NoRandomness)?;
            // One in 2^32 is no number of the curve's.
            if let Some(key) = Self::of_bytes(&bytes) {
                return Ok(key);
            }
        }
    }

    /// The one of these bytes, if it is one.
    #[must_use]
    pub fn of_bytes(bytes: &[u8; 32]) -> Option<Self> {
        SecretKey::from_slice(bytes).ok().map(Self)
    }

    /// Its public point.
    #[must_use]
    pub fn public(&self) -> PublicPoint {
        let point = self.0.public_key().to_encoded_point(false);
        let mut bytes = [0; 64];
        bytes.iter_mut().zip(point.as_bytes().iter().skip(1)).for_each(|(to, from)| *to = *from);
        bytes
    }

    /// Seals a text to the device: this key's public point, and the cipher text behind it.
    ///
    /// # Errors
    /// [`SealError::NotAPoint`].
    pub fn seal(&self, device: &PublicPoint, clear: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let mut encoded = [0x04; 65];
        encoded.iter_mut().skip(1).zip(device).for_each(|(to, from)| *to = *from);
        let theirs = PublicKey::from_sec1_bytes(&encoded).map_err(|_| SealError::NotAPoint)?;
        let shared = diffie_hellman(self.0.to_nonzero_scalar(), theirs.as_affine());
        let key = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(shared.raw_secret_bytes())));
        let cipher = Encryptor::<Aes256>::new((&*key).into(), &[0; 16].into());
        let sealed = cipher.encrypt_padded_vec::<Pkcs7>(clear);
        let mut whole = Zeroizing::new(Vec::with_capacity(64 + sealed.len()));
        whole.extend_from_slice(&self.public());
        whole.extend_from_slice(&sealed);
        Ok(whole)
    }
}
