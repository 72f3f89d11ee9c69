//! `privacyidea-yaml`: privacyIDEA's export of tokens as YAML, read only.

use yaml_rust2::{Yaml, YamlLoader};

use super::format::{Format, ReadOptions, Rows, Sample};
use super::problem::{Fault, Problem};
use super::row::{Field, Kind, Place, Row};
use super::serial::check_serial;
use super::table::{hash_of_name, kind_of_name, shown};
use super::text::Source;
use crate::otp::TimeStep;
use crate::seed::{SecretEncoding, Seed};

/// The format.
pub const FORMAT: Format = Format {
    name: "privacyidea-yaml",
    title: "privacyIDEA's export, YAML",
    carries: &[Field::Serial, Field::Counter, Field::Hash, Field::Step, Field::Digits, Field::User],
    one_kind: false,
    fits: |sample: &Sample<'_>| {
        sample.text.contains("otpkey:") && sample.text.contains("serial:") && !sample.text.trim_start().starts_with('{')
    },
    read,
    write: None,
};

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let text = source.into_whole()?;
    let has_alias = |line: &str| line.split_whitespace().any(|word| word.len() > 1 && word.starts_with(['&', '*']));
    if text.lines().any(has_alias) {
        // What an alias stands for can be made to grow without an end.
        return Err(Problem::of_file("the YAML refers to other parts of itself", "export the tokens as CSV or PSKC"));
    }
    let documents = YamlLoader::load_from_str(&text).map_err(|error| {
        // Its own message can repeat a value, so only its place is taken.
        let (line, column) = (error.marker().line() as u64, error.marker().col() as u64 + 1);
        Problem::new(line, column, "this is not valid YAML", "was the file cut short?")
    })?;
    let tokens = documents.iter().filter_map(Yaml::as_vec).flatten();
    let rows: Vec<_> = (1..).zip(tokens).map(|(number, token)| one(number, token)).collect();
    if rows.is_empty() {
        return Err(Problem::of_file("there is no list of tokens in this YAML", "is this privacyIDEA's export?"));
    }
    Ok(Box::new(rows.into_iter()))
}

/// A token; its place is its number in the list.
fn one(number: u64, token: &Yaml) -> Result<Row, Problem> {
    let place = Place { line: number, column: 0 };
    read_one(token).map(|row| Row { place, ..row }).map_err(|fault| fault.at(place))
}

fn read_one(token: &Yaml) -> Result<Row, Fault> {
    let text = |value: &Yaml| match value {
        Yaml::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Yaml::Integer(number) => Some(number.to_string()),
        // Digits with a leading zero, or an exponent, are text that YAML takes for a number.
        Yaml::Real(number) => Some(number.clone()),
        _ => None,
    };
    let of = |name: &str| text(&token[name]);
    let info = |name: &str| text(&token["info_list"][name]);
    let kind_name = of("type").unwrap_or_default();
    let kind = kind_of_name(&kind_name).ok_or_else(|| {
        Fault::unusable(format!("a token of the type \"{}\", neither totp nor hotp", shown(&kind_name)))
    })?;
    let secret = of("otpkey").ok_or_else(|| Fault::new("there is no otpkey", "every token needs one"))?;
    let parsed = Seed::parse(&secret, Some(SecretEncoding::Hex))
        .map_err(|error| Fault::new(format!("otpkey: {error}"), "privacyIDEA has hex there"))?;
    let mut row = Row::of_parsed(parsed);
    row.kind = kind;
    let serial = of("serial").ok_or_else(|| Fault::new("there is no serial", "every token needs one"))?;
    check_serial(&serial)?;
    row.serial = Some(serial);
    row.user = of("owner").filter(|owner| !owner.eq_ignore_ascii_case("n/a"));
    if let Some(name) = info("hashlib") {
        let hash = hash_of_name(&name)
            .ok_or_else(|| Fault::unusable(format!("the hash \"{}\" is not known", shown(&name))))?;
        row.hash = Some(hash);
    }
    let whole = |value: Option<String>, what: &str| match value {
        None => Ok(None),
        Some(value) => value
            .parse::<u64>()
            .map(Some)
            .map_err(|_| Fault::new(format!("{what} is no number"), "export the tokens again")),
    };
    row.digits = whole(of("otplen"), "otplen")?.and_then(|digits| u32::try_from(digits).ok());
    match kind {
        Kind::Totp => {
            let step = whole(info("timeStep"), "timeStep")?.and_then(|step| u32::try_from(step).ok());
            row.step = step.and_then(TimeStep::new);
        }
        Kind::Hotp => row.counter = whole(of("counter"), "counter")?,
    }
    Ok(row)
}
