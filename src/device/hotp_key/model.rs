//! The keys with a HOTP slot, by the first digits of the serial (`docs/devices.md` §6).

use super::super::{Capabilities, Model, Moves};
use crate::otp::Hash;

static CAN: Capabilities = Capabilities {
    manufacturer: "Token2",
    plugs_in: true,
    slots: 1,
    least_slots: 1,
    moves: Moves::Counter,
    shows_slot_clocks: false,
    sets_clock_alone: false,
    hashes: &[Hash::Sha1],
    steps_s: &[],
    displays: &[],
    digits: &[6, 8],
    seed_bytes: 1..=64,
    title_bytes: 0,
    factory_key: &[],
};

/// A key whose serial is of no model that is known. The command that found its slot is what tells that it has one.
pub static MODEL: Model = Model { prefix: "", name: "FIDO2 key", can: &CAN };

/// The models that others have read off keys.
pub const MODELS: &[Model] = &[
    Model { prefix: "65103", name: "FIDO2 key R3.4", can: &CAN },
    Model { prefix: "66103", name: "FIDO2 key R3.3", can: &CAN },
    Model { prefix: "77103", name: "FIDO2 key R3.2", can: &CAN },
    Model { prefix: "76103", name: "FIDO2 key R3", can: &CAN },
    Model { prefix: "96103", name: "FIDO2 key R2", can: &CAN },
];
