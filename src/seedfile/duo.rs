//! `duo`: Duo Security, one token a line: `serial,HEX`, and a time step (TOTP) or a counter (HOTP).

use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, bare_serial};
use super::problem::Problem;
use super::row::{Field, Kind, Row};
use super::table::{Records, rows};
use super::text::Source;
use crate::seed::SecretEncoding;

/// The format.
pub const FORMAT: Format = Format {
    name: "duo",
    title: "Duo Security",
    carries: &[Field::Serial, Field::Step, Field::Counter],
    one_kind: true,
    fits,
    read,
    write: Some(Write { begin: |_| String::new(), row, end: "" }),
};

fn fits(sample: &Sample<'_>) -> bool {
    let third = sample.fields.get(2).is_none_or(|field| field.is_empty() || field.parse::<u64>().is_ok());
    (sample.has_fields(2) || sample.has_fields(3)) && sample.is_hex(1) && third
}

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let encoding = options.secret_encoding.unwrap_or(SecretEncoding::Hex);
    let hotp = options.hotp;
    Ok(Box::new(rows(Records::new(source)?, move |fields| {
        fields.at_most(3)?;
        let serial = fields.serial(0)?;
        let mut row = Row::of_parsed(fields.secret(1, encoding)?);
        row.serial = Some(serial);
        if hotp {
            row.kind = Kind::Hotp;
            row.counter = fields.number(2, "counter")?;
        } else {
            row.step = fields.step(2)?;
            if row.step.is_some_and(|step| !matches!(step.seconds(), 30 | 60)) {
                return Err(fields.problem(2, "that is no time step of 30 or 60 s", "if it is a counter, use --hotp"));
            }
        }
        row.place = fields.place();
        Ok(row)
    })))
}

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let (serial, secret) = (bare_serial(row)?, row.seed.to_hex());
    let third = match row.kind {
        Kind::Hotp => format!(",{}", row.counter.unwrap_or(0)),
        Kind::Totp if row.effective_step() != 30 => format!(",{}", row.effective_step()),
        Kind::Totp => String::new(),
    };
    Ok(Zeroizing::new(format!("{serial},{}{third}\n", secret.as_str())))
}
