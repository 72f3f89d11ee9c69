//! `webadm`: RCDevs WebADM, an inventory of `"OTP Token"` lines whose data is `name=base64,…`.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, needed_serial};
use super::problem::Problem;
use super::row::{Field, Row};
use super::shown::shown;
use super::table::{Fields, Records, rows};
use super::text::Source;
use crate::otp::TimeStep;
use crate::seed::Seed;

/// The format.
pub const FORMAT: Format = Format {
    name: "webadm",
    title: "RCDevs WebADM",
    carries: &[Field::Serial, Field::Step, Field::Digits],
    one_kind: false,
    fits,
    read,
    write: Some(Write { begin, row, end: "" }),
};

fn fits(sample: &Sample<'_>) -> bool {
    ["type", "reference", "description", "data"].iter().all(|name| sample.has_field(name))
}

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let mut records = Records::new(source)?;
    match records.next()? {
        Some(first) if first.expect(0, "OTP Token").is_ok() => records.repeat(),
        Some(first) if first.expect(0, "Type").is_ok() => records.take_header(),
        Some(first) => {
            return Err(first.line_problem("this line is neither a header nor a token", "see docs/formats.md"));
        }
        None => {}
    }
    Ok(Box::new(rows(records, |fields| {
        fields.at_most(4)?;
        fields.expect(0, "OTP Token")?;
        let serial = fields.serial(1)?;
        let data = fields.get(3).ok_or_else(|| fields.problem(3, "the data is missing", "it carries the seed"))?;
        let mut seed = None;
        let mut row = None;
        for part in data.split(',') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let bytes = BASE64.decode(value.trim().as_bytes()).map(Zeroizing::new).map_err(|_| {
                fields.problem(3, format!("the value of {} is not base64", shown(name)), "see docs/formats.md")
            })?;
            let name = name.trim();
            if name == "TokenKey" {
                if seed.is_some() {
                    return Err(fields.problem(3, "TokenKey is there twice", "ask for a file that has it once"));
                }
                seed = Some(Seed::from_bytes(bytes).map_err(|error| fields.problem(3, error.to_string(), ""))?);
                continue;
            }
            let value = String::from_utf8_lossy(&bytes).into_owned();
            row.get_or_insert_with(Vec::new).push((name.to_owned(), value));
        }
        let seed = seed.ok_or_else(|| fields.problem(3, "there is no TokenKey", "it carries the seed"))?;
        let mut read = Row::of_seed(seed);
        read.serial = Some(serial);
        for (name, value) in row.unwrap_or_default() {
            match name.as_str() {
                "TokenType" if !value.eq_ignore_ascii_case("TOTP") => {
                    return Err(fields.problem(3, format!("the token type is {}, not TOTP", shown(&value)), ""));
                }
                "TokenType" | "TokenState" => {}
                "OTPLength" => read.digits = Some(number(fields, &name, &value)?),
                "TOTPTimeStep" => {
                    let step = TimeStep::new(number(fields, &name, &value)?);
                    read.step = Some(step.ok_or_else(|| fields.problem(3, "a time step of 0 s", "30 or 60"))?);
                }
                _ => {
                    let what = format!("\"{}\" is not known here, and may change the codes", shown(&name));
                    return Err(fields.problem(3, what, "ask for a file without it"));
                }
            }
        }
        read.place = fields.place();
        Ok(read)
    })))
}

fn number(fields: &Fields<'_>, name: &str, value: &str) -> Result<u32, Problem> {
    value
        .parse()
        .ok()
        .filter(|number| *number <= 86_400)
        .ok_or_else(|| fields.problem(3, format!("{name} is no number: \"{}\"", shown(value)), ""))
}

fn begin(_: &WriteOptions) -> String {
    "Type,Reference,Description,Data\n".to_owned()
}

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let encode = |text: String| BASE64.encode(text.as_bytes());
    let serial = needed_serial(row)?.replace('"', "\"\"");
    let key = Zeroizing::new(BASE64.encode(row.seed.expose()));
    Ok(Zeroizing::new(format!(
        "\"OTP Token\",\"{serial}\",\"Token2 {serial}\",\"TokenKey={},TokenType={},TokenState={},OTPLength={},TOTPTimeStep={}\"\n",
        key.as_str(),
        encode("TOTP".to_owned()),
        encode("0".to_owned()),
        encode(row.effective_digits().to_string()),
        encode(row.effective_step().to_string()),
    )))
}
