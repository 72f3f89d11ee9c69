//! The profile of a token, as somebody at the page states it.

use super::readers::Readers;
use super::words::wish_words;
use crate::job::{Failure, ProfileWish};
use crate::web::{PlaceRemedy, PlaceState};

impl Readers<'_> {
    /// Takes somebody's word on the profile of a token that waits for it; it is set with that when it is laid back.
    ///
    /// # Errors
    /// A usage failure where no token of this serial waits for its profile, or a batch runs.
    pub fn state_profile(&self, serial: &str, profile: ProfileWish) -> Result<(), Failure> {
        self.check_no_batch()?;
        // It may have been lifted since, and another one laid down.
        let mut waits = self.board.is_undone_for(serial, PlaceRemedy::StateProfile);
        self.board.change_places(|place| {
            if place.serial.as_deref() == Some(serial) && place.remedy == Some(PlaceRemedy::StateProfile) {
                waits = true;
                place.state = PlaceState::LayBack;
                place.next = format!("lift it, and lay it back: it is set with {}", wish_words(profile));
            }
        });
        if !waits {
            return Err(Failure::usage("this token does not wait for its profile", "lay it on a reader first"));
        }
        self.stated.state(serial, profile);
        Ok(())
    }
}
