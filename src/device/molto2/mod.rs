//! The Molto2: a token over USB with up to a hundred slots, each with its own seed, profile and title (`docs/devices.md`).

mod command;
mod customer_key;
mod model;
mod public_block;
mod session;

pub use command::{
    AnswerChallenge, ClearSlot, GetChallenge, GetInfo, LockScreen, ReadSlot, ResetToFactory, WriteClock, WriteConfig,
    WriteKey, WriteSeed, WriteTitle,
};
pub use customer_key::{CustomerKeyError, customer_key, customer_key_of_file};
pub use model::{FIRST_HAS, MODEL, SLOTS};
pub use public_block::{PublicBlockError, parse_public_block};
pub use session::Molto2;
