//! One command and its whole answer, also where the transport hands it over in pieces (`docs/protocol.md` §2).

use super::{Link, LinkError, LinkFault};
use crate::iso7816::{Apdu, Response, ResponseError, StatusKind, StatusWord};

/// How many bytes an answer may have when it comes in pieces.
const MAX_COLLECTED: usize = 1024;

/// How many further APDUs one answer may take.
const MAX_FURTHER: usize = 8;

/// Why there is no answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The link broke.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The answer is no response APDU.
    #[error(transparent)]
    Malformed(#[from] ResponseError),
    /// The card went on announcing more data than any answer has.
    #[error("the card keeps announcing more data (61 XX or 6C XX) without an end")]
    Endless,
}

/// Sends a command; fetches what `61 XX` announces and repeats with the Le that `6C XX` asks for.
///
/// The commands here carry no Le, so an Le is only ever appended: the last byte of a write belongs to its MAC.
///
/// # Errors
/// [`ExchangeError`]. An empty reply is [`ResponseError::TooShort`]`(0)`; links that know better report it themselves.
pub fn exchange(link: &mut dyn Link, command: &Apdu) -> Result<Response, ExchangeError> {
    let mut collected = Vec::new();
    let mut next = command.clone();
    let mut is_carried_out = false;
    for _ in 0..=MAX_FURTHER {
        let reply = link.transmit(next.as_bytes()).map_err(|error| match error.fault {
            // What failed is the fetching of an answer: the command itself was carried out.
            LinkFault::LeftBefore | LinkFault::Reset if is_carried_out => {
                LinkError { fault: LinkFault::Removed, ..error }
            }
            _ => error,
        })?;
        let mut response = Response::parse(reply)?;
        match response.status.kind() {
            StatusKind::WrongLe(le) => next = next.with_le(le),
            StatusKind::MoreData(left) => {
                is_carried_out = true;
                collected.append(&mut response.data);
                next = get_response(left);
            }
            _ if is_carried_out && response.status != StatusWord::OK => {
                // 61 XX said that the command was carried out: this is about the fetching alone.
                let detail = format!("the rest of the answer could not be fetched ({})", response.status);
                return Err(LinkError::new(LinkFault::NoAnswer, detail).into());
            }
            _ => {
                collected.append(&mut response.data);
                response.data = collected;
                return Ok(response);
            }
        }
        if collected.len() > MAX_COLLECTED {
            break;
        }
    }
    Err(ExchangeError::Endless)
}

/// GET RESPONSE (ISO/IEC 7816-4, section 7.6.1).
fn get_response(le: u8) -> Apdu {
    Apdu::new([0x00, 0xC0, 0x00, 0x00], &[]).with_le(le)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers from a list and keeps what was sent.
    struct Script {
        replies: Vec<Vec<u8>>,
        sent: Vec<Vec<u8>>,
    }

    impl Script {
        fn new(replies: &[&[u8]]) -> Self {
            Self { replies: replies.iter().rev().map(|reply| reply.to_vec()).collect(), sent: Vec::new() }
        }
    }

    impl Link for Script {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
            self.sent.push(command.to_vec());
            Ok(self.replies.pop().expect("a reply for each command"))
        }

        fn hold(&mut self) -> Result<(), LinkError> {
            Ok(())
        }

        fn reset(&mut self) -> Result<(), LinkError> {
            Ok(())
        }

        fn close(&mut self) {}
    }

    fn write() -> Apdu {
        Apdu::new([0x84, 0xC5, 0x01, 0x00], &[0xAB; 20])
    }

    #[test]
    fn data_that_waits_is_fetched_with_get_response() {
        let mut link = Script::new(&[&[1, 2, 0x61, 0x03], &[3, 4, 5, 0x90, 0x00]]);
        let response = exchange(&mut link, &write()).unwrap();
        assert_eq!((response.data, response.status), (vec![1, 2, 3, 4, 5], StatusWord::OK));
        assert_eq!(link.sent[1], [0x00, 0xC0, 0x00, 0x00, 0x03]);
    }

    #[test]
    fn a_command_that_announced_data_was_carried_out_whatever_becomes_of_the_data() {
        let mut link = Script::new(&[&[0x61, 0x03], &[0x6F, 0x00]]);
        let error = exchange(&mut link, &write()).unwrap_err();
        assert!(matches!(error, ExchangeError::Link(LinkError { fault: LinkFault::NoAnswer, .. })), "{error}");
    }

    #[test]
    fn a_wrong_le_is_answered_by_appending_never_by_overwriting_the_mac() {
        let mut link = Script::new(&[&[0x6C, 0x08], &[0x90, 0x00]]);
        exchange(&mut link, &write()).unwrap();
        let mut expected = write().as_bytes().to_vec();
        expected.push(0x08);
        assert_eq!(link.sent[1], expected);
    }

    #[test]
    fn a_wrong_le_to_get_response_replaces_its_own_le() {
        let mut link = Script::new(&[&[0x61, 0x03], &[0x6C, 0x02], &[3, 4, 0x90, 0x00]]);
        assert_eq!(exchange(&mut link, &write()).unwrap().data, [3, 4]);
        assert_eq!(link.sent[2], [0x00, 0xC0, 0x00, 0x00, 0x02]);
    }

    #[test]
    fn a_card_that_announces_without_end_is_left() {
        let reply: &[u8] = &[0x61, 0x10];
        let mut link = Script::new(&[reply; 20]);
        assert_eq!(exchange(&mut link, &write()), Err(ExchangeError::Endless));
        assert!(link.sent.len() < 20);
    }

    #[test]
    fn an_empty_reply_and_one_byte_are_named() {
        for (reply, length) in [(&[][..], 0), (&[0x90][..], 1)] {
            let mut link = Script::new(&[reply]);
            assert_eq!(exchange(&mut link, &write()), Err(ResponseError::TooShort(length).into()));
        }
    }
}
