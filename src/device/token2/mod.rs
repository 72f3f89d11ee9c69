//! Token2's single-profile NFC tokens: models, commands, secure messaging, and the session on one (`docs/protocol.md`).

pub mod command;
mod info;
mod model;
mod nfc_token;
mod other;
pub mod secure;
mod session;

pub use info::{InfoError, parse_info};
pub use model::{ERASES, KEEPS, MODELS, UNKNOWN};
pub use nfc_token::NfcToken;
pub use other::identify_other;
pub use secure::{KeyError, TokenKey};
pub use session::{Authenticated, Identified, Session};
