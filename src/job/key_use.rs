//! The key that a job may open a device with, and what for.

use zeroize::Zeroizing;

use super::complete::Opener;
use crate::device::Key;

/// What a key is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// To do something: one that is not known to be the device's is not tried.
    Work,
    /// The same at a desk, where a key that was stated for all devices gives way to the one that is kept of this one.
    Desk,
    /// To find out whether the device has it, in one attempt.
    Check,
}

/// The key that a job may use, as it was stated.
pub struct Stated<'a> {
    /// The key; the factory's where none was stated.
    pub key: &'a Key,
    /// The opener of the one that the inventory keeps.
    pub opener: Option<&'a Opener>,
    /// Try one also where the record says that it is not the device's.
    pub tries_again: bool,
}

/// A key as its owner has it.
pub type KeyText = Zeroizing<Vec<u8>>;
