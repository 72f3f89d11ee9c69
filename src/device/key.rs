//! The key that a device and its programmer share.

use std::fmt;

use zeroize::Zeroizing;

/// The key that unlocks a device.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Key {
    /// The one that the device left the factory with.
    #[default]
    Factory,
    /// One of the user's own.
    Own(Zeroizing<[u8; 16]>),
}

impl Key {
    /// The bytes of the key, for a device whose factory key is `factory`.
    #[must_use]
    pub fn bytes<'k>(&'k self, factory: &'k [u8]) -> &'k [u8] {
        match self {
            Self::Factory => factory,
            Self::Own(bytes) => &bytes[..],
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Factory => "Key(factory)",
            Self::Own(_) => "Key(16 bytes)",
        })
    }
}
