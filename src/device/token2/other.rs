//! Another device on the reader: what it is, found out with read-only SELECTs (`docs/protocol.md` §9).

use super::super::Other;
use crate::iso7816::{Apdu, StatusWord};
use crate::link::{Link, exchange};

const FIDO: &[u8] = &[0xA0, 0x00, 0x00, 0x06, 0x47, 0x2F, 0x00, 0x01];
const OATH: &[u8] = &[0xA0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01];

/// Asks a card that is no token what it is. Nothing may be written to it afterwards, so this ends a contact.
pub fn identify_other(link: &mut dyn Link) -> Other {
    let answers = |aid: &[u8], link: &mut dyn Link| {
        let select = Apdu::new([0x00, 0xA4, 0x04, 0x00], aid).with_le(0);
        exchange(link, &select).is_ok_and(|response| response.status == StatusWord::OK)
    };
    if answers(FIDO, link) || answers(OATH, link) { Other::SecurityKey } else { Other::Unknown }
}
