//! A token in software: what the rest of this program is tried on where there is no hardware.
//!
//! It shares no cryptography with [`crate::device`]: its cipher calls, MAC and codes are its own, so that an error in
//! one of the two does not hide in the other. It serves as a [`crate::link::Link`] in process ([`EmulatedLink`]) or as
//! a card behind pcscd's virtual reader ([`vpcd`]).

mod card;
mod clock;
mod command;
mod crypto;
mod emulated;
mod fault;
mod hotp_key;
mod hotp_key_state;
mod link;
mod molto2;
mod molto2_state;
mod state;
mod tray;
pub mod vpcd;

pub use card::Card;
pub use clock::TokenClock;
pub use emulated::Emulated;
pub use fault::{Fault, FaultKind};
pub use hotp_key::EmulatedKey;
pub use hotp_key_state::{KeyState, KeySwitches, SerialBy};
pub use link::{EmulatedLink, Latency};
pub use molto2::EmulatedMolto2;
pub use molto2_state::{MoltoSlot, MoltoState, MoltoSwitches};
pub use state::{AnyState, CardState, MAX_SERIAL, StateError, StateFile, USUAL_SERIAL};
pub use tray::{EmulatedTray, FixedTrays};
