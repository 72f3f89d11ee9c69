//! `entra`: Microsoft Entra ID, hardware OATH tokens as CSV.

use zeroize::Zeroizing;

use super::csv;
use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, needed_serial, quoted};
use super::problem::Problem;
use super::row::{Field, Row};
use super::text::Source;
use crate::device::families::model_of;
use crate::seed::SecretEncoding;

/// The longest secret that Entra ID takes, in Base32 characters.
const MAX_SECRET: usize = 128;

/// The format.
pub const FORMAT: Format = Format {
    name: "entra",
    title: "Microsoft Entra ID, CSV",
    carries: &[Field::Serial, Field::User, Field::Step, Field::Manufacturer, Field::Model],
    one_kind: false,
    fits,
    read,
    write: Some(Write { begin, row, end: "" }),
};

fn fits(sample: &Sample<'_>) -> bool {
    sample.has_field("upn") && sample.has_field("secret key")
}

/// Fields that Entra ID will ask for and a row lacks, in words; maker and model are filled in where the serial tells them.
#[must_use]
pub fn lacks(row: &Row) -> Vec<&'static str> {
    let is_known = row.serial.as_deref().and_then(model_of).is_some();
    [
        (row.user.is_some(), "user (UPN)"),
        (row.manufacturer.is_some() || is_known, "manufacturer"),
        (row.model.is_some() || is_known, "model"),
    ]
    .into_iter()
    .filter_map(|(has, name)| (!has).then_some(name))
    .collect()
}

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let rows = csv::read_with_header(source, options, SecretEncoding::Base32)?;
    Ok(Box::new(rows.map(|row| {
        let row = row?;
        if row.serial.is_none() {
            return Err(Problem::at(row.place, "the serial is missing", "every row needs one"));
        }
        // Templates have the word itself there.
        let user = row.user.clone().filter(|user| !user.eq_ignore_ascii_case("upn"));
        Ok(Row { user, ..row })
    })))
}

fn begin(options: &WriteOptions) -> String {
    let interval = if options.entra_timeinterval { "timeinterval" } else { "time interval" };
    format!("upn,serial number,secret key,{interval},manufacturer,model\n")
}

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let secret = row.seed.to_base32();
    if secret.len() > MAX_SECRET {
        return Err(format!("its secret has {} Base32 characters; Entra ID takes {MAX_SECRET}", secret.len()));
    }
    if !matches!(row.effective_step(), 30 | 60) {
        return Err(format!("its time step is {} s; Entra ID takes 30 or 60", row.effective_step()));
    }
    let text = |field: &Option<String>| quoted(field.as_deref().unwrap_or_default());
    // The file has a place for both, and the serial tells them.
    let known = row.serial.as_deref().and_then(model_of);
    let manufacturer = row.manufacturer.clone().or_else(|| known.map(|_| "Token2".to_owned()));
    let model = row.model.clone().or_else(|| known.map(|model| model.name.to_owned()));
    Ok(Zeroizing::new(format!(
        "{},{},{},{},{},{}\n",
        text(&row.user),
        quoted(needed_serial(row)?),
        secret.as_str(),
        row.effective_step(),
        text(&manufacturer),
        text(&model),
    )))
}
