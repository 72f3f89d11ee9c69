//! `duo`: Duo Security, one token a line: `serial,HEX`, and a time step (TOTP) or a counter (HOTP).

use zeroize::Zeroizing;

use super::blanks::is_blank_table;
use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, bare_serial, used_fields};
use super::problem::Problem;
use super::remedy::FileRemedy;
use super::row::{Field, Kind, Row};
use super::shown::LIKE_A_SECRET;
use super::suspect::looks_like_a_secret;
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
    if is_blank_table(sample.first) {
        return false;
    }
    sample.rows.iter().all(|row| {
        let is_number = row.get(2).is_none_or(|field| field.is_empty() || field.parse::<u64>().is_ok());
        matches!(used_fields(row), 2 | 3) && is_number
    }) && sample.is_hex(1)
        && sample.fields.get(1).is_some_and(|secret| secret.len() >= LIKE_A_SECRET)
        // A secret in front of a number is the other order.
        && !sample.fields.first().is_some_and(|serial| looks_like_a_secret(serial))
}

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let encoding = options.secret_encoding.unwrap_or(SecretEncoding::Hex);
    let hotp = options.hotp;
    Ok(Box::new(rows(Records::new(source)?.without_header("duo")?, move |fields| {
        fields.at_most(3)?;
        let serial = fields.serial(0)?;
        let mut row = Row::of_parsed(fields.secret(1, encoding)?);
        row.serial = Some(serial);
        if hotp {
            row.kind = Kind::Hotp;
            row.counter = fields.number(2, "counter")?;
        } else {
            if !matches!(fields.number(2, "time step")?, None | Some(30 | 60)) {
                return Err(fields.problem(2, "that is no time step of 30 or 60 s", FileRemedy::IfCounter));
            }
            row.step = fields.step(2)?;
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
