//! What a token is: its models, its commands, its secure messaging, and the session on it.

pub mod command;
mod info;
mod model;
mod other;
mod profile;
pub mod secure;
mod session;

pub use info::{Info, InfoError, Serial};
pub use model::{MODELS, Model, Sync};
pub use other::{Other, identify_other};
pub use profile::{DisplayTime, Profile, ProfileError};
pub use secure::{KeyError, TokenKey};
pub use session::{Authenticated, Identified, Reason, Session, Step, TokenError, check_same};
