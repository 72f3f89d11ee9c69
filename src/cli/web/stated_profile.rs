//! The profile of a token, as somebody at the page states it.

use super::readers::Readers;
use super::words::wish_words;
use crate::job::{Failure, ProfileWish};
use crate::web::PlaceState;

impl Readers<'_> {
    /// Takes somebody's word on the profile of a token that waits for it; it is set with that when it is laid back.
    ///
    /// # Errors
    /// A usage failure where no token of this serial waits for its profile.
    pub fn state_profile(&self, serial: &str, profile: ProfileWish) -> Result<(), Failure> {
        let mut waits = false;
        self.board.change_places(|place| {
            if place.serial.as_deref() == Some(serial) && place.asks_profile {
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
