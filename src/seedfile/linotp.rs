//! `linotp`: LinOTP, `serial, HEX, totp, 6, 30, sha1`.

use zeroize::Zeroizing;

use super::format::{Format, Write, WriteOptions};
use super::oath_line::{self, HashRule};
use super::row::{Field, Row};

/// The format.
pub const FORMAT: Format = Format {
    name: "linotp",
    title: "LinOTP",
    carries: &[Field::Serial, Field::Hash, Field::Step, Field::Digits],
    one_kind: false,
    fits: |sample| oath_line::fits(sample, true),
    read: |source, options| oath_line::read(source, options, HashRule::Named, "linotp"),
    write: Some(Write { begin: |_| String::new(), row, end: "" }),
};

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let hash = row.effective_hash().to_string().to_lowercase();
    Ok(Zeroizing::new(format!("{}, {hash}\n", oath_line::line(row)?)))
}
