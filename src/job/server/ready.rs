//! A token whose seed is at hand for a server.

use super::hindrance::Hindrance;
use crate::device::families::capabilities_on_record;
use crate::inventory::{FingerprintKey, Identity, TokenRecord, open_of};
use crate::seedfile::{Kind, Row};

/// A token with the seed that was burned onto it, and the profile that it has.
pub struct Ready {
    /// Its record.
    pub token: TokenRecord,
    /// Its seed, serial, user, hash, step and digits.
    pub row: Row,
}

impl Ready {
    /// Opens the seed of a token. Only one that was burned here goes out: of any other it is not known to be on the token.
    ///
    /// # Errors
    /// [`Hindrance`].
    pub fn of(token: TokenRecord, key: &FingerprintKey, identity: &Identity) -> Result<Self, Hindrance> {
        if capabilities_on_record(token.model.as_deref(), &token.key.serial).slots > 1 {
            let why = "a server knows a token by its serial, and the slots of this device have one between them: enter the seed there by hand";
            return Err(Hindrance::Unusable(why.to_owned()));
        }
        if let Some(pending) = &token.pending
            && pending.seed.is_some()
        {
            return Err(Hindrance::Unfinished(pending.at));
        }
        if let Some(at) = token.erased {
            return Err(Hindrance::Erased(at));
        }
        if token.burned.is_none() || token.seed.is_none() {
            return Err(Hindrance::NotBurned);
        }
        let row = open_of(&token, key, identity).map_err(Hindrance::Unopened)?;
        Ok(Self { row: stated(row, &token), token })
    }
}

/// A row with what the record knows better by now: the profile that was written last, and whose it is.
pub(super) fn stated(row: Row, token: &TokenRecord) -> Row {
    let profile = token.meant_profile();
    let can = capabilities_on_record(token.model.as_deref(), &token.key.serial);
    Row {
        serial: Some(token.key.serial.clone()),
        user: token.user.clone().or(row.user.clone()),
        model: token.model.clone().or(row.model.clone()),
        hash: profile.map(|profile| profile.hash()).or(row.hash),
        step: profile.map(|profile| profile.step()).or(row.step),
        digits: can.only_digits().or(row.digits),
        kind: if can.has_clock() { row.kind } else { Kind::Hotp },
        ..row
    }
}
