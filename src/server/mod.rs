//! Authentication servers that seeds go to, and that are made to accept a token's codes again: privacyIDEA, Duo and Entra ID
//! (`docs/servers.md`). The only HTTP client of the program is in here.
//!
//! An answer is never trusted: its size is bounded, what is missing in it is named, and whatever was sent without an intelligible answer
//! counts as unknown ([`Fate::Unknown`]) until somebody has looked.

mod asked;
#[cfg(feature = "servers")]
mod duo;
#[cfg(feature = "servers")]
mod duo_signature;
#[cfg(feature = "servers")]
mod entra;
#[cfg(feature = "servers")]
mod entra_sign_in;
mod error;
#[cfg(feature = "servers")]
mod http;
#[cfg(feature = "servers")]
mod json;
mod kind;
#[cfg(feature = "servers")]
mod open;
#[cfg(feature = "servers")]
mod pace;
#[cfg(feature = "servers")]
mod privacyidea;
#[cfg(feature = "servers")]
mod privacyidea_token;
mod remedy;
mod settings;
#[cfg(feature = "servers")]
mod url_text;

pub use asked::{Asked, AuthServer, Enrolment, NoRealm, ServerClock, ServerToken, ServerUser, Standing};
#[cfg(feature = "servers")]
pub use duo_signature::{Signed, signature};
#[cfg(feature = "servers")]
pub use entra_sign_in::TellPerson;
pub use error::{Fate, ServerError};
#[cfg(feature = "servers")]
pub use http::{Pause, has_certificates};
pub use kind::{Can, Right, ServerKind};
#[cfg(feature = "servers")]
pub use open::open;
pub use remedy::ServerRemedy;
pub use settings::{AddressFault, ServerSettings};
