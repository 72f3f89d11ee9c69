//! The models, by the first digits of the serial (`docs/protocol.md` §1).

use super::super::{Capabilities, ClockWrite, DisplayTime, Model, Moves};
use super::secure::FACTORY_KEY;
use crate::otp::Hash;

/// A token whose clock write keeps the seed.
pub static KEEPS: Capabilities = with(ClockWrite::KeepsSeed);

/// A token whose clock write erases the seed.
pub static ERASES: Capabilities = with(ClockWrite::ErasesSeed);

/// A token of an unknown model.
pub static UNKNOWN: Capabilities = with(ClockWrite::Unknown);

/// The capabilities of all tokens of this family (`docs/protocol.md` §1, §5, §6).
const fn with(clock_write: ClockWrite) -> Capabilities {
    Capabilities {
        manufacturer: "Token2",
        plugs_in: false,
        slots: 1,
        least_slots: 1,
        moves: Moves::Clock(clock_write),
        shows_slot_clocks: true,
        sets_clock_alone: false,
        hashes: &[Hash::Sha1, Hash::Sha256],
        steps_s: &[30, 60],
        displays: &[DisplayTime::S15, DisplayTime::S30, DisplayTime::S60, DisplayTime::S120],
        digits: &[6],
        seed_bytes: 1..=63,
        title_bytes: 0,
        factory_key: &FACTORY_KEY,
    }
}

/// All models that are known.
pub const MODELS: &[Model] = &[
    Model { prefix: "8659600", name: "miniOTP-2-i", can: &KEEPS },
    Model { prefix: "8659601", name: "miniOTP-3-i", can: &ERASES },
    Model { prefix: "8659609", name: "miniOTP-3-i-NB", can: &ERASES },
    Model { prefix: "8659610", name: "C301-i", can: &ERASES },
    Model { prefix: "8659612", name: "OTPC-P1-i", can: &KEEPS },
    Model { prefix: "8659621", name: "OTPC-P2-i-NB", can: &ERASES },
    Model { prefix: "8659622", name: "OTPC-P2-i", can: &ERASES },
    Model { prefix: "8659632", name: "C302-i", can: &KEEPS },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_told_by_the_prefixes_of_the_vendors_app() {
        for (serial, name, sync) in [
            ("8659600000042", "miniOTP-2-i", ClockWrite::KeepsSeed),
            ("86596120001234", "OTPC-P1-i", ClockWrite::KeepsSeed),
            ("8659632000777", "C302-i", ClockWrite::KeepsSeed),
            ("86596010000001", "miniOTP-3-i", ClockWrite::ErasesSeed),
            ("86596090000001", "miniOTP-3-i-NB", ClockWrite::ErasesSeed),
            ("86596220005678", "OTPC-P2-i", ClockWrite::ErasesSeed),
            ("86596210000001", "OTPC-P2-i-NB", ClockWrite::ErasesSeed),
            ("86596100000001", "C301-i", ClockWrite::ErasesSeed),
        ] {
            let model = Model::among(MODELS, serial).unwrap();
            assert_eq!((model.name, model.can.clock_write()), (name, sync), "{serial}");
        }
        assert_eq!(Model::among(MODELS, "8659699000001"), None);
        assert_eq!(Model::among(MODELS, "X"), None);
    }
}
