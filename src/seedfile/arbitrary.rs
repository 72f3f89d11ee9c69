//! Reading bytes that nobody vouches for, in every format of a family: what the fuzz targets and their replay run.

use std::io::Cursor;

use super::convert::{Rules, Sink, Target, convert};
use super::format::{Format, ReadOptions, WriteOptions};
use super::formats::recognise;
use super::text::Source;

/// Reads `data` in each of the named formats, writes what was read back to nowhere, and looks at it to recognise it.
pub fn read_arbitrary(formats: &[&str], data: &[u8]) {
    let options = ReadOptions::default();
    let source = || Source::new(Cursor::new(data.to_vec()));
    if let Ok(mut source) = source() {
        let _ = recognise(&mut source, &options);
    }
    for format in formats.iter().filter_map(|name| Format::of_name(name)) {
        let Ok(rows) = source().and_then(|source| (format.read)(source, &options)) else { continue };
        let sinks = Sink::new(format, Target::Nowhere).into_iter().collect();
        let _ = convert(rows, sinks, &WriteOptions::default(), Rules::default(), &super::check::for_token);
    }
}
