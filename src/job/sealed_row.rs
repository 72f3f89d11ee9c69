//! A seed as a row, with all that is known of its token: as the inventory seals it, and as a server's file has it.

use super::plan::{ConfigPlan, ProfileFrom};
use crate::device::{Info, Profile};
use crate::seed::Seed;
use crate::seedfile::{Kind, Row};

/// Whether a plan writes a profile that goes on record: a device that counts has none, and a clock that is set alone leaves it.
pub(super) fn has_profile(info: &Info, config: &ConfigPlan) -> bool {
    info.can.has_clock() && config.from != ProfileFrom::Kept
}

/// A seed as a row, with all that is known of its token.
#[must_use]
pub fn row_of(seed: Seed, info: &Info, profile: Option<Profile>, user: Option<String>) -> Row {
    let counts = !info.can.has_clock();
    Row {
        kind: if counts { Kind::Hotp } else { Kind::Totp },
        kind_is_stated: counts,
        counter: counts.then_some(0),
        serial: Some(info.serial.to_string()),
        slot: (info.can.slots > 1).then_some(info.slot_number()),
        model: info.model.map(|model| model.name.to_owned()),
        manufacturer: info.model.map(|_| info.can.manufacturer.to_owned()),
        digits: info.can.only_digits(),
        hash: profile.map(Profile::hash),
        step: profile.filter(|_| !counts).map(Profile::step),
        user,
        ..Row::of_seed(seed)
    }
}
