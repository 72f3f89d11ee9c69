//! Tables whose columns are parted by blanks: `SERIAL SEED`, as makers of tokens deliver them.

use std::io::{self, BufRead, BufReader, Read};

use zeroize::Zeroizing;

use super::column::is_header;
use super::suspect::looks_like_a_secret;

/// The shortest serial of such a table, in characters: shorter pieces are groups of one secret.
const SHORTEST_SERIAL: usize = 6;

/// Whether a line is one of a table whose columns are parted by blanks.
#[must_use]
pub fn is_blank_table(line: &str) -> bool {
    if line.contains([',', ';', '\t', '"', ':', '=', '<', '{', '[']) {
        return false;
    }
    let pieces = columns(line);
    let [one, other, ..] = pieces.as_slice() else { return false };
    is_header(pieces.iter().copied())
        || looks_like_a_serial(one)
        || (looks_like_a_secret(one) && pieces.len() == 2 && looks_like_a_serial(other))
}

/// Whether a text is a serial rather than a piece of a secret: digits, and letters where a maker has them.
#[must_use]
pub fn looks_like_a_serial(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    text.len() >= SHORTEST_SERIAL
        && text.len() <= 32
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
        && digits * 2 >= text.len()
        && !looks_like_a_secret(text)
}

/// The columns of a line: parted by runs of blanks, or where there are none by single ones.
fn columns(line: &str) -> Vec<&str> {
    let line = line.trim();
    let by_runs =
        || line.split("  ").flat_map(|piece| piece.split('\t')).map(str::trim).filter(|piece| !piece.is_empty());
    if by_runs().count() > 1 { by_runs().collect() } else { line.split_whitespace().collect() }
}

/// A text in which tabs part the columns.
pub struct Squeezed<R> {
    inner: BufReader<R>,
    line: Zeroizing<Vec<u8>>,
    handed_on: usize,
}

impl<R: Read> Squeezed<R> {
    /// Squeezes a text.
    pub fn new(inner: R) -> Self {
        Self { inner: BufReader::new(inner), line: Zeroizing::default(), handed_on: 0 }
    }
}

impl<R: Read> Read for Squeezed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed_on >= self.line.len() {
            let mut line = Zeroizing::new(Vec::new());
            if self.inner.read_until(b'\n', &mut line)? == 0 {
                return Ok(0);
            }
            // What is no UTF-8 is handed on as it is, and refused behind this.
            self.line = match std::str::from_utf8(&line) {
                Ok(text) => Zeroizing::new(format!("{}\n", columns(text).join("\t")).into_bytes()),
                Err(_) => line,
            };
            self.handed_on = 0;
        }
        let rest = self.line.get(self.handed_on..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.handed_on += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_blanks_part_columns_and_single_ones_where_there_are_no_runs() {
        let text = b"Serial Number   Secret Key\r\n  a   b \n\tc\td\n1 2\n\ne";
        for size in [1, 2, 7, 100] {
            let mut squeezed = Squeezed::new(&text[..]);
            let (mut all, mut piece) = (Vec::new(), vec![0; size]);
            loop {
                match squeezed.read(&mut piece).unwrap() {
                    0 => break,
                    count => all.extend_from_slice(&piece[..count]),
                }
            }
            assert_eq!(String::from_utf8(all).unwrap(), "Serial Number\tSecret Key\na\tb\nc\td\n1\t2\n\ne\n", "{size}");
        }
    }

    #[test]
    fn a_serial_and_a_seed_are_a_table_and_groups_of_a_secret_are_none() {
        for line in [
            "86596120001201 04A1E77D12CB5CF5",
            "SN             Seed",
            "Serial Number   Secret Key",
            "1234567GO6   ASQ6O7ISZNOPKP4Y",
            "04A1E77D12CB5CF53F98E71B9F160C915A2A7B8D 86596120001201",
        ] {
            assert!(is_blank_table(line), "{line}");
        }
        for line in [
            "JBSW Y3DP EHPK 3PXP",
            "0011 2233 4455 6677",
            "otpauth://totp/a b?secret=A",
            "ASQ6O7ISZNOPKP4Y",
            "11223344556677889900112233aabbcc 77889900112233445566778899aabbcc",
        ] {
            assert!(!is_blank_table(line), "{line}");
        }
    }
}
