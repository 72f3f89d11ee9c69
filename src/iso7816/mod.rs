//! Short APDUs, status words and TLV, as ISO/IEC 7816-4 has them and no more than the token needs.

mod apdu;
mod status;
pub mod tlv;

pub use apdu::{Apdu, MAX_BODY, MAX_RESPONSE, Response, ResponseError, describe};
pub use status::{StatusKind, StatusWord};
