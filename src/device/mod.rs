//! A programmable device: its identity, its capabilities, what is written to it, and how far a write came.
//!
//! A family is a folder that implements [`Device`]. The floors above know devices by this module alone; [`families`] is the one
//! list of those that there are.

mod capabilities;
mod capability_error;
mod contact;
mod error;
pub mod families;
mod info;
mod key;
mod model;
mod profile;
mod progress;
mod serial;
pub mod token2;

pub use capabilities::{Capabilities, ClockWrite, Moves};
pub use capability_error::CapabilityError;
pub use contact::{Contact, Device, Other, Timepiece, Unlocked};
pub use error::{DeviceError, Reason, Step, check_same};
pub use info::Info;
pub use key::Key;
pub use model::Model;
pub use profile::{Config, DisplayTime, Profile};
pub use progress::{Carried, Progress};
pub use serial::Serial;
