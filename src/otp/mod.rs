//! One-time passwords: HOTP (RFC 4226), TOTP (RFC 6238), and the way back from a typed code to where it was made.

mod code;
mod hotp;
pub mod search;
mod totp;

pub use code::{Code, CodeError, Digits};
pub use hotp::{Hash, hotp};
pub use totp::{TimeStep, totp};
