//! `entra`: Microsoft Entra ID, hardware OATH tokens as CSV.

use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, needed_serial, quoted};
use super::problem::Problem;
use super::row::{Field, Row};
use super::table::{Records, rows};
use super::text::Source;
use crate::seed::SecretEncoding;
use crate::token::Model;

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

/// What Entra ID will ask for and a row does not say, in words; maker and model are filled in where the serial tells them.
#[must_use]
pub fn lacks(row: &Row) -> Vec<&'static str> {
    let is_known = row.serial.as_deref().and_then(Model::of_serial).is_some();
    [
        (row.user.is_some(), "user (UPN)"),
        (row.manufacturer.is_some() || is_known, "manufacturer"),
        (row.model.is_some() || is_known, "model"),
    ]
    .into_iter()
    .filter_map(|(has, name)| (!has).then_some(name))
    .collect()
}

/// The columns, by the words of the header in any order and case.
struct Columns {
    upn: usize,
    serial: usize,
    secret: usize,
    step: Option<usize>,
    manufacturer: Option<usize>,
    model: Option<usize>,
}

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let mut records = Records::new(source)?;
    let Some(header) = records.next()? else {
        return Err(Problem::of_file("the file is empty", "give a header and rows"));
    };
    let find =
        |names: &[&str]| header.iter().position(|field| names.iter().any(|name| field.eq_ignore_ascii_case(name)));
    let needed = |names: &[&str]| {
        find(names).ok_or_else(|| {
            header.line_problem(format!("the header has no \"{}\"", names.join("\" or \"")), "see docs/formats.md")
        })
    };
    let columns = Columns {
        upn: needed(&["upn"])?,
        serial: needed(&["serial number", "serialnumber"])?,
        secret: needed(&["secret key", "secretkey"])?,
        step: find(&["time interval", "timeinterval"]),
        manufacturer: find(&["manufacturer"]),
        model: find(&["model"]),
    };
    let width = header.count();
    let encoding = options.secret_encoding.unwrap_or(SecretEncoding::Base32);
    Ok(Box::new(rows(records, move |fields| {
        fields.at_most(width)?;
        let text = |column: Option<usize>| column.and_then(|column| fields.get(column)).map(str::to_owned);
        let mut row = Row::of_parsed(fields.secret(columns.secret, encoding)?);
        row.serial = Some(fields.serial(columns.serial)?);
        // Templates have the word itself there.
        row.user = text(Some(columns.upn)).filter(|user| !user.eq_ignore_ascii_case("upn"));
        row.step = columns.step.map(|column| fields.step(column)).transpose()?.flatten();
        row.manufacturer = text(columns.manufacturer);
        row.model = text(columns.model);
        row.place = fields.place();
        Ok(row)
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
    let known = row.serial.as_deref().and_then(Model::of_serial);
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
