//! The traffic on a link, without what must not be seen: headers, lengths, status words, times.

use std::io::Write;
use std::time::Instant;

use super::{Link, LinkError};
use crate::iso7816::describe;
use crate::plain::plain;

/// A link whose traffic is written down, a line a command. Bodies and data are never shown, only their lengths.
pub struct Trace<L, W> {
    inner: L,
    to: W,
}

impl<L: Link, W: Write> Trace<L, W> {
    /// Wraps `inner` and writes to `to`. A failure to write does not disturb the link.
    pub fn new(inner: L, to: W) -> Self {
        Self { inner, to }
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.to, "trace: {}", plain(text));
    }
}

impl<L: Link, W: Write> Link for Trace<L, W> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let sent = Instant::now();
        let reply = self.inner.transmit(command);
        let took = sent.elapsed().as_secs_f64() * 1000.0;
        let answer = match &reply {
            Ok(bytes) => match bytes.as_slice() {
                [data @ .., sw1, sw2] => format!("{} bytes, {sw1:02X}{sw2:02X}", data.len()),
                short => format!("{} bytes, no status word", short.len()),
            },
            Err(error) => format!("no answer: {error}"),
        };
        self.line(&format!("{} -> {answer} ({took:.1} ms)", describe(command)));
        reply
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        let held = self.inner.hold();
        self.line(match held {
            Ok(()) => "the card is held",
            Err(_) => "the card could not be held",
        });
        held
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        let reset = self.inner.reset();
        self.line(match reset {
            Ok(()) => "the card is reset",
            Err(_) => "the card could not be reset",
        });
        reset
    }

    fn close(&mut self) {
        self.inner.close();
        self.line("the card is reset and let go");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl Link for Echo {
        fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, LinkError> {
            Ok(vec![0xEE, 0xEE, 0xEE, 0x90, 0x00])
        }

        fn hold(&mut self) -> Result<(), LinkError> {
            Ok(())
        }

        fn reset(&mut self) -> Result<(), LinkError> {
            Ok(())
        }

        fn close(&mut self) {}
    }

    #[test]
    fn a_trace_shows_header_lengths_and_status_and_no_body() {
        let mut lines = Vec::new();
        let mut link = Trace::new(Echo, &mut lines);
        link.transmit(&[0x84, 0xC5, 0x01, 0x00, 0x02, 0xAB, 0xCD]).unwrap();
        let text = String::from_utf8(lines).unwrap();
        assert!(text.starts_with("trace: 84 C5 01 00 + 3 bytes -> 3 bytes, 9000 ("), "{text}");
        assert!(!text.contains("AB") && !text.contains("EE"), "{text}");
    }
}
