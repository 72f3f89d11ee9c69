//! Readers over PC/SC: which there are, what lies on them, waiting for a token, and what goes wrong there.
//!
//! `docs/readers.md` has each trouble with its remedy.

mod atr;
mod device_kind;
mod link;
mod remedy;
mod select;
mod service;
mod slot;
mod slots;
mod tray;
mod trouble;

pub use atr::CardKind;
pub use device_kind::DeviceKind;
pub use link::{Patience, PcscLink};
pub use remedy::ReaderRemedy;
pub use select::{Passed, Pick, Selector, Wanted, pick};
pub use service::{Bounds, Service};
pub use slot::{Laid, Slot};
pub use slots::Slots;
pub use tray::{Came, Interrupted, PcscTrays, Tray, Trays};
pub use trouble::ReaderError;

/// Whether a reader of this name is vsmartcard's virtual reader, so that what lies on it is no real token.
#[must_use]
pub fn is_virtual(reader: &str) -> bool {
    reader.starts_with("Virtual PCD")
}
