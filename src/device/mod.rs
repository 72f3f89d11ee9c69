//! A programmable device: its identity, its capabilities, what is written to it, and how far a write came.
//!
//! A family is a folder that implements [`Device`]. The floors above know devices by this module alone; [`families`] is the one
//! list of those that there are.

mod capabilities;
mod capability_error;
mod command;
mod contact;
mod error;
pub mod families;
pub mod hotp_key;
mod info;
mod key;
mod model;
pub mod molto2;
mod profile;
mod progress;
mod serial;
mod slot_state;
mod title;
pub mod token2;

pub use capabilities::{Capabilities, ClockWrite, Moves};
pub use capability_error::CapabilityError;
pub use contact::{Agreed, Contact, Device, Lent, Other, Timepiece, Typing, Unlocked};
pub use error::{DeviceError, Reason, Step, check_same};
pub use families::Family;
pub use info::Info;
pub use key::Key;
pub use model::Model;
pub use molto2::customer_key;
pub use profile::{Config, DisplayTime, Profile};
pub use progress::{Carried, Progress};
pub use serial::Serial;
pub use slot_state::SlotState;
pub use title::Title;
