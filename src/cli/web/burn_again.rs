//! A token that gets its sealed seed again: the next time that it is laid down.

use serde_json::{Value, json};

use super::answers::Counter;
use super::readers::Readers;
use crate::device::families::capabilities_on_record;
use crate::job::{Failure, find};
use crate::web::PlaceState;

impl Counter<'_> {
    /// Takes the wish to burn a token's sealed seed again when it is laid down, or takes it back.
    ///
    /// # Errors
    /// A usage failure where that cannot be done here; a failure of the inventory.
    pub(super) fn burn_again(&self, serial: &str, cancel: bool) -> Result<Value, Failure> {
        let token = find::one(self.inventory()?, serial)?;
        let serial = token.key.serial.as_str();
        if cancel {
            self.readers.burn_again(serial, false);
            return Ok(json!({ "words": "Its seed is not burned again." }));
        }
        let can = capabilities_on_record(token.model.as_deref(), serial);
        if can.slots > 1 || !can.has_clock() {
            let next = match can.slots > 1 {
                true => format!("burn it in a terminal: tokentap burn --slot {} --identity FILE", token.key.slot),
                false => "burn it in a terminal: tokentap burn --hotp --identity FILE".to_owned(),
            };
            return Err(Failure::usage("this device is not burned at the desk", next));
        }
        if token.held_sealed().is_none() {
            let next = "burn it in a terminal with the file that has its seed: tokentap burn --seed-file FILE";
            return Err(Failure::usage("the inventory does not keep its seed", next));
        }
        self.opener_of_seeds()?;
        self.readers.check_no_batch()?;
        self.readers.check_host()?;
        self.readers.burn_again(serial, true);
        Ok(
            json!({ "words": "Lay the token on a reader, or lift it and lay it back: the seed on record is burned, and its clock set." }),
        )
    }
}

impl Readers<'_> {
    /// Burns the sealed seed of a token again when it is laid down next, or not after all.
    pub fn burn_again(&self, serial: &str, is_wanted: bool) {
        match is_wanted {
            true => self.again.add(serial),
            false => self.again.remove(serial),
        }
        self.board.burns(self.again.all());
        if !is_wanted {
            return;
        }
        self.board.change_places(|place| {
            if place.serial.as_deref() == Some(serial) && place.state.is_verdict() {
                place.state = PlaceState::LayBack;
                place.next = "lift it, and lay it back: its seed is burned again".to_owned();
            }
        });
    }

    /// Whether a token's sealed seed is burned again when it is laid down next.
    pub fn burns_again(&self, serial: &str) -> bool {
        self.again.wants(serial)
    }
}
