//! `pingid`: PingID, `serial,HEX`. The time step is chosen on the server.

use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Write, WriteOptions, bare_serial};
use super::problem::Problem;
use super::row::{Field, Row};
use super::table::{Records, rows};
use super::text::Source;
use crate::seed::SecretEncoding;

/// The format. It carries no time step, and a step of 60 s may still be chosen on the server.
pub const FORMAT: Format = Format {
    name: "pingid",
    title: "PingID",
    carries: &[Field::Serial],
    one_kind: false,
    // Its lines are Duo's too, and mean the same there.
    fits: |_| false,
    read,
    write: Some(Write { begin: |_| String::new(), row, end: "" }),
};

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let encoding = options.secret_encoding.unwrap_or(SecretEncoding::Hex);
    Ok(Box::new(rows(Records::new(source)?.without_header("pingid")?, move |fields| {
        fields.at_most(2)?;
        let serial = fields.serial(0)?;
        let mut row = Row::of_parsed(fields.secret(1, encoding)?);
        row.serial = Some(serial);
        row.place = fields.place();
        Ok(row)
    })))
}

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let (serial, secret) = (bare_serial(row)?, row.seed.to_hex());
    Ok(Zeroizing::new(format!("{serial},{}\n", secret.as_str())))
}
