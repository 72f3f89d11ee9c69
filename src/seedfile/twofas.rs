//! `2fas`: a plain backup of the 2FAS authenticator, read only.

use serde_json::Value;

use super::accounts::whole;
use super::aegis::{Account, NAME_PASSWORD, opened};
use super::format::{Format, LOCKED, ReadOptions, Rows, Sample};
use super::graph::parse_json;
use super::problem::Problem;
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
        (Some(_), None) => return Err(Problem::of_file(LOCKED, NAME_PASSWORD)),
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
    let text = |pointer: &str| service.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let number_at = |pointer: &str| service.pointer(pointer).and_then(whole);
    let account = Account {
        // Older backups do not say.
        kind: Some(text("/otp/tokenType")).filter(|kind| !kind.is_empty()).unwrap_or("totp"),
        secret: text("/secret"),
        hash: Some(text("/otp/algorithm")).filter(|name| !name.is_empty()),
        digits: number_at("/otp/digits"),
        step: number_at("/otp/period"),
        counter: number_at("/otp/counter"),
        issuer: Some(text("/otp/issuer")).filter(|issuer| !issuer.is_empty()).unwrap_or_else(|| text("/name")),
        name: text("/otp/account"),
    };
    account.into_row(Place { line: number, column: 0 })
}
