//! Profiles that somebody at the desk has stated for single tokens, as their server has them.

use std::collections::HashMap;
use std::sync::Mutex;

use super::plan::ProfileWish;
use super::record::locked;

/// Profiles by serial, for as long as the desk is open; on record is what was written.
#[derive(Debug, Default)]
pub struct StatedProfiles(Mutex<HashMap<String, ProfileWish>>);

impl StatedProfiles {
    /// Takes somebody's word on a token's profile.
    pub fn state(&self, serial: &str, profile: ProfileWish) {
        locked(&self.0).insert(serial.to_owned(), profile);
    }

    /// The profile that was stated for a token.
    #[must_use]
    pub fn of(&self, serial: &str) -> Option<ProfileWish> {
        locked(&self.0).get(serial).copied()
    }
}
