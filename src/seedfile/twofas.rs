//! `2fas`: a plain backup of the 2FAS authenticator, read only.

use serde_json::Value;

use super::aegis::{Account, opened};
use super::format::{Format, ReadOptions, Rows, Sample};
use super::json::{self, parse_json};
use super::problem::{Fault, Problem};
use super::remedy::FileRemedy;
use super::row::{Field, Place, Row};
use super::text::Source;
use super::vault;

/// The format.
pub const FORMAT: Format = Format {
    name: "2fas",
    title: "2FAS, backup",
    carries: &[Field::Counter, Field::Hash, Field::Step, Field::Digits, Field::Issuer, Field::Account],
    one_kind: false,
    fits: |sample: &Sample<'_>| {
        let text = sample.text;
        text.trim_start().starts_with('{') && (text.contains("\"servicesEncrypted\"") || text.contains("\"services\""))
    },
    read,
    write: None,
};

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let root = parse_json(&source.into_whole()?)?;
    let locked = root.get("servicesEncrypted").and_then(Value::as_str);
    let opened = match (locked, &options.password) {
        (None, _) => None,
        (Some(_), None) => return Err(Problem::of_locked(FileRemedy::PasswordOrPlain)),
        (Some(services), Some(password)) => Some(opened(vault::twofas(services, password))?),
    };
    let services = opened.as_ref().or_else(|| root.get("services")).and_then(Value::as_array);
    let Some(services) = services.filter(|services| !services.is_empty()) else {
        return Err(Problem::of_file("this 2FAS backup has no services", "make the backup again"));
    };
    let read: Vec<_> = (1..).zip(services).map(|(number, service)| one(number, service)).collect();
    Ok(Box::new(read.into_iter()))
}

fn one(number: u64, service: &Value) -> Result<Row, Problem> {
    let place = Place { line: number, column: 0 };
    let read = || -> Result<Row, Fault> {
        let of = |pointer: &str| json::text(service.pointer(pointer), pointer);
        let count = |pointer: &str| json::number(service.pointer(pointer), pointer);
        let account = Account {
            // Older backups do not say.
            kind: of("/otp/tokenType")?.unwrap_or("totp"),
            secret: of("/secret")?.unwrap_or_default(),
            hash: of("/otp/algorithm")?,
            digits: count("/otp/digits")?,
            step: count("/otp/period")?,
            counter: count("/otp/counter")?,
            issuer: match of("/otp/issuer")? {
                Some(issuer) => issuer,
                None => of("/name")?.unwrap_or_default(),
            },
            name: of("/otp/account")?.unwrap_or_default(),
        };
        account.into_row(place)
    };
    read().map_err(|fault| fault.at(place))
}
