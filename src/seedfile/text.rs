//! From bytes to text as people's files have it: byte order marks, UTF-16, and limits on what a line may be.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use encoding_rs::{UTF_16BE, UTF_16LE};
use zeroize::Zeroizing;

use super::problem::Problem;
use super::wrapping::wrapping;

/// The longest line that is read, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// The largest file that is read as a whole, in bytes: what cannot be streamed, and UTF-16.
pub const MAX_WHOLE: u64 = 64 << 20;

/// How much of a file is looked at to recognise its format, in bytes.
pub const SAMPLE: usize = 64 * 1024;

/// Whether a line is a comment: servers' files have those, and no row begins so.
#[must_use]
pub fn is_comment(line: &str) -> bool {
    // A spreadsheet's errors begin so too.
    const ERRORS: [&str; 7] = ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"];
    let line = line.trim_start();
    line.starts_with('#') && !ERRORS.iter().any(|error| line.starts_with(error))
}

/// A seed file's text: UTF-8, without a byte order mark.
pub struct Source {
    reader: BufReader<Box<dyn Read>>,
}

impl Source {
    /// Takes a file, or anything else that can be read.
    ///
    /// # Errors
    /// A [`Problem`] for what is no text: encrypted or packed files by name, or what cannot be read.
    pub fn new(input: impl Read + 'static) -> Result<Self, Problem> {
        // The first read of a pipe may be short, and what is looked at must not depend on that.
        let mut input = input;
        let mut head = Vec::with_capacity(SAMPLE);
        input.by_ref().take(SAMPLE as u64).read_to_end(&mut head).map_err(|error| unreadable(&error))?;
        let whole: Box<dyn Read> = Box::new(Cursor::new(head).chain(input));
        let mut reader: BufReader<Box<dyn Read>> = BufReader::with_capacity(SAMPLE, whole);
        let start = fill(&mut reader).map_err(|error| unreadable(&error))?;
        if let Some((what, next)) = wrapping(start) {
            return Err(Problem::of_file(what, next));
        }
        let utf16 = match start {
            [0xFF, 0xFE, ..] => Some(UTF_16LE),
            [0xFE, 0xFF, ..] => Some(UTF_16BE),
            // Without a mark: ASCII in UTF-16 has a NUL in every other byte.
            [0, b, 0, d, ..] if *b != 0 && *d != 0 => Some(UTF_16BE),
            [a, 0, c, 0, ..] if *a != 0 && *c != 0 => Some(UTF_16LE),
            _ => None,
        };
        if start.starts_with(&[0xEF, 0xBB, 0xBF]) {
            reader.consume(3);
        }
        if let Some(encoding) = utf16 {
            let bytes = read_whole(&mut reader)?;
            let (text, _, broken) = encoding.decode(&bytes);
            if broken {
                return Err(Problem::of_file("the file is broken UTF-16", "save it as UTF-8"));
            }
            let text = text.trim_start_matches('\u{FEFF}').as_bytes().to_vec();
            return Ok(Self { reader: BufReader::with_capacity(SAMPLE, Box::new(Cursor::new(text))) });
        }
        Ok(Self { reader })
    }

    /// The beginning of the text, up to 64 KiB, cut at a character.
    ///
    /// # Errors
    /// A [`Problem`] for what cannot be read or is no UTF-8.
    pub fn sample(&mut self) -> Result<&str, Problem> {
        let bytes = fill(&mut self.reader).map_err(|error| unreadable(&error))?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(error) if error.error_len().is_none() => {
                Ok(bytes.get(..error.valid_up_to()).and_then(|part| std::str::from_utf8(part).ok()).unwrap_or_default())
            }
            Err(_) => Err(Problem::of_file("the file is not UTF-8", "save it as UTF-8")),
        }
    }

    /// The text line by line or field by field: lines are at most 64 KiB long and have no NUL.
    #[must_use]
    pub fn into_lines(self) -> Limited {
        Limited { inner: self.reader, line: 1, length: 0 }
    }

    /// The whole text, up to [`MAX_WHOLE`].
    ///
    /// # Errors
    /// A [`Problem`] for what is larger, cannot be read, or is no UTF-8.
    pub fn into_whole(mut self) -> Result<Zeroizing<String>, Problem> {
        let mut bytes = read_whole(&mut self.reader)?;
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(_) => Err(Problem::of_file("the file is not UTF-8", "save it as UTF-8")),
        }
    }
}

/// The buffer, filled as far as the first reads go.
fn fill(reader: &mut BufReader<Box<dyn Read>>) -> io::Result<&[u8]> {
    reader.fill_buf()
}

fn unreadable(error: &io::Error) -> Problem {
    Problem::of_file(format!("the file cannot be read: {error}"), "name a file that you may read")
}

fn read_whole(reader: &mut impl Read) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut bytes = Zeroizing::new(Vec::new());
    reader.take(MAX_WHOLE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_WHOLE {
        let what = format!("the file is larger than {} MiB, and its format cannot be read in parts", MAX_WHOLE >> 20);
        return Err(Problem::of_file(what, "split it, or use csv"));
    }
    Ok(bytes)
}

/// Text whose lines are limited. An error names the line.
pub struct Limited {
    inner: BufReader<Box<dyn Read>>,
    line: u64,
    length: usize,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for byte in buffer.get(..count).unwrap_or_default() {
            match byte {
                b'\n' | b'\r' => {
                    // A CR LF counts twice here: good enough for the rare message below.
                    self.line += u64::from(self.length > 0);
                    self.length = 0;
                }
                0 => return Err(invalid(self.line, "there is a NUL byte: this is no text file")),
                _ => self.length += 1,
            }
            if self.length > MAX_LINE {
                return Err(invalid(self.line, "the line is longer than 65536 bytes"));
            }
        }
        Ok(count)
    }
}

fn invalid(line: u64, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("line {line}: {what}"))
}

/// An error of a [`Limited`] text as a problem.
#[must_use]
pub fn broken_line(error: &io::Error) -> Problem {
    let text = error.to_string();
    match text.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((line, what)) => Problem::new(line.parse().unwrap_or(0), 0, what, "use a text file with one row a line"),
        None => unreadable(error),
    }
}
