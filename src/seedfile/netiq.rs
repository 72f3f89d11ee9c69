//! `netiq`: NetIQ Advanced Authentication, `serial, HEX, totp, 6, 30`.

use zeroize::Zeroizing;

use super::format::{Format, Write, WriteOptions};
use super::oath_line::{self, HashRule};
use super::row::{Field, Row};

/// The format.
pub const FORMAT: Format = Format {
    name: "netiq",
    title: "NetIQ Advanced Authentication",
    carries: &[Field::Serial, Field::Step, Field::Digits],
    one_kind: false,
    // Its lines are privacyIDEA's too.
    fits: |_| false,
    read: |source, options| oath_line::read(source, options, HashRule::Sha1, "netiq"),
    write: Some(Write { begin: |_| String::new(), row, end: "" }),
};

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    Ok(Zeroizing::new(format!("{}\n", oath_line::line(row)?)))
}
