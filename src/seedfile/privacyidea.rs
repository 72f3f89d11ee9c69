//! `privacyidea`: privacyIDEA, OATH CSV, `serial, HEX, totp, 6, 30`.

use zeroize::Zeroizing;

use super::format::{Format, Write, WriteOptions};
use super::oath_line::{self, HashRule};
use super::row::{Field, Row};

/// The format.
pub const FORMAT: Format = Format {
    name: "privacyidea",
    title: "privacyIDEA, OATH CSV",
    carries: &[Field::Serial, Field::Hash, Field::Step, Field::Digits],
    one_kind: false,
    // A line without a hash could be LinOTP's or NetIQ's too: where that makes a difference, the row is refused.
    fits: |sample| oath_line::fits(sample, false),
    read: |source, options| oath_line::read(source, options, HashRule::ByLength, "privacyidea"),
    write: Some(Write { begin: |_| String::new(), row, end: "" }),
};

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    match oath_line::hash_by_length(&row.seed) {
        Ok(hash) if hash == row.effective_hash() => Ok(Zeroizing::new(format!("{}\n", oath_line::line(row)?))),
        by_length => {
            let taken = by_length.map_or_else(str::to_owned, |hash| hash.to_string());
            let (bytes, hash) = (row.seed.len(), row.effective_hash());
            Err(format!(
                "privacyIDEA takes the hash from the length: {bytes} bytes are {taken} there, the token has {hash}"
            ))
        }
    }
}
