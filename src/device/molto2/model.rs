//! The Molto2 and its capabilities (`docs/devices.md` §2).

use super::super::{Capabilities, ClockWrite, DisplayTime, Model, Moves};
use crate::otp::Hash;

/// The slots of a Molto2v2, numbered from 0. A first Molto2 has [`FIRST_HAS`], and nothing in its answers tells them apart before
/// a slot is read that it does not have.
pub const SLOTS: u16 = 100;

/// The slots of a first Molto2.
pub const FIRST_HAS: u16 = 50;

/// SM4's key of the customer key that it leaves the factory with: `TOKEN2MOLTO1-KEY`. It is public and proves nothing.
pub const FACTORY_KEY: [u8; 16] =
    [0x09, 0x92, 0x50, 0xFD, 0xB0, 0x17, 0xF4, 0x42, 0xDA, 0x42, 0x9E, 0xCB, 0xBE, 0xE1, 0x7F, 0x79];

static CAN: Capabilities = Capabilities {
    manufacturer: "Token2",
    plugs_in: true,
    slots: SLOTS,
    least_slots: FIRST_HAS,
    moves: Moves::Clock(ClockWrite::KeepsSeed),
    shows_slot_clocks: false,
    sets_clock_alone: true,
    hashes: &[Hash::Sha1, Hash::Sha256],
    steps_s: &[30, 60],
    displays: &[DisplayTime::S15, DisplayTime::S30, DisplayTime::S60, DisplayTime::S120],
    digits: &[6, 4, 8, 10],
    seed_bytes: 1..=63,
    title_bytes: 12,
    factory_key: &FACTORY_KEY,
};

/// The one model; its serials have no prefix of their own.
pub static MODEL: Model = Model { prefix: "", name: "Molto2", can: &CAN };
