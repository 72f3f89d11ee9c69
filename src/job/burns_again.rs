//! Tokens that get their sealed seed once more when they are laid down: somebody at the desk has asked for it.

use std::collections::HashSet;
use std::sync::Mutex;

use super::record::locked;

/// Serials, for as long as the desk is open, or until the seed is on its token.
#[derive(Debug, Default)]
pub struct BurnsAgain(Mutex<HashSet<String>>);

impl BurnsAgain {
    /// Takes the wish to burn the seed of a token again.
    pub fn add(&self, serial: &str) {
        locked(&self.0).insert(serial.to_owned());
    }

    /// It was burned, or is not to be burned any more.
    pub fn remove(&self, serial: &str) {
        locked(&self.0).remove(serial);
    }

    /// All of them, sorted.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        let mut all: Vec<String> = locked(&self.0).iter().cloned().collect();
        all.sort();
        all
    }

    /// Whether the seed of this token is to be burned again.
    #[must_use]
    pub fn wants(&self, serial: &str) -> bool {
        locked(&self.0).contains(serial)
    }
}
