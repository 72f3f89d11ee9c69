//! Tables whose columns are parted by blanks: `SERIAL SEED`, as makers of tokens deliver them.

use std::io::{self, Read};

use super::column::is_header;

/// The shortest serial of such a table, in characters: shorter pieces are groups of one secret.
const SHORTEST_SERIAL: usize = 6;

/// Whether a line is one of a table whose columns are parted by blanks.
#[must_use]
pub fn is_blank_table(line: &str) -> bool {
    if line.contains([',', ';', '\t', '"', ':', '=', '<', '{', '[']) {
        return false;
    }
    let mut pieces = line.split_whitespace();
    let (Some(first), Some(_)) = (pieces.next(), pieces.next()) else { return false };
    is_header(line.split_whitespace()) || looks_like_a_serial(first)
}

/// Whether a text is a serial rather than a piece of a secret: digits, and letters where a maker has them.
#[must_use]
pub fn looks_like_a_serial(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    text.len() >= SHORTEST_SERIAL
        && text.len() <= 32
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
        && digits * 2 >= text.len()
}

/// A text in which each run of blanks is one tab, and none begins or ends a line.
pub struct Squeezed<R> {
    inner: R,
    /// A blank was read, and what follows it is not known yet.
    pending: bool,
    /// Nothing of the line was handed on yet.
    at_start: bool,
    /// A byte that found no room.
    carried: Option<u8>,
}

impl<R: Read> Squeezed<R> {
    /// Squeezes a text.
    pub fn new(inner: R) -> Self {
        Self { inner, pending: false, at_start: true, carried: None }
    }
}

impl<R: Read> Read for Squeezed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut length = 0;
            if let Some(byte) = self.carried.take() {
                self.put(buffer, &mut length, byte);
            }
            // Each byte that is read is at most one tab and itself: one byte at most finds no room.
            let half = buffer.len().saturating_sub(length).div_ceil(2);
            let mut read = zeroize::Zeroizing::new(vec![0; half]);
            let count = self.inner.read(&mut read)?;
            if count == 0 {
                return Ok(length);
            }
            for byte in read.iter().take(count) {
                match byte {
                    b' ' | b'\t' => self.pending = !self.at_start,
                    b'\n' | b'\r' => {
                        (self.pending, self.at_start) = (false, true);
                        self.put(buffer, &mut length, *byte);
                    }
                    _ => {
                        if std::mem::take(&mut self.pending) {
                            self.put(buffer, &mut length, b'\t');
                        }
                        self.at_start = false;
                        self.put(buffer, &mut length, *byte);
                    }
                }
            }
            if length > 0 {
                return Ok(length);
            }
        }
    }
}

impl<R> Squeezed<R> {
    fn put(&mut self, buffer: &mut [u8], length: &mut usize, byte: u8) {
        match buffer.get_mut(*length) {
            Some(slot) => {
                *slot = byte;
                *length += 1;
            }
            None => self.carried = Some(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_blanks_are_one_tab_wherever_a_read_ends() {
        struct Bytewise(&'static [u8]);
        impl Read for Bytewise {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
                buffer[0] = *first;
                self.0 = rest;
                Ok(1)
            }
        }
        let text = b"  a   b \r\n\tc\td\n  \ne";
        let wanted = "a\tb\r\nc\td\n\ne";
        let mut squeezed = String::new();
        Squeezed::new(Bytewise(text)).read_to_string(&mut squeezed).unwrap();
        assert_eq!(squeezed, wanted);
        squeezed.clear();
        Squeezed::new(&text[..]).read_to_string(&mut squeezed).unwrap();
        assert_eq!(squeezed, wanted);
    }

    #[test]
    fn a_serial_and_a_seed_are_a_table_and_groups_of_a_secret_are_none() {
        for line in ["86596120001201 04A1E77D12CB5CF5", "SN             Seed", "1234567GO6   ASQ6O7ISZNOPKP4Y"] {
            assert!(is_blank_table(line), "{line}");
        }
        for line in ["JBSW Y3DP EHPK 3PXP", "0011 2233 4455 6677", "otpauth://totp/a b?secret=A", "ASQ6O7ISZNOPKP4Y"] {
            assert!(!is_blank_table(line), "{line}");
        }
    }
}
