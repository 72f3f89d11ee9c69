//! `graph`: Entra ID through Microsoft Graph (beta): a delta of hardware OATH devices, as JSON.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::accounts::whole;
use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, needed_serial};
use super::problem::Problem;
use super::row::{Field, Kind, Place, Row};
use super::serial::check_serial;
use super::table::{hash_of_name, shown};
use super::text::Source;
use crate::otp::{Hash, TimeStep};
use crate::seed::{SecretEncoding, Seed};

/// The format.
pub const FORMAT: Format = Format {
    name: "graph",
    title: "Entra ID through Microsoft Graph, JSON",
    carries: &[Field::Serial, Field::User, Field::Hash, Field::Step, Field::Manufacturer, Field::Model],
    one_kind: false,
    fits: |sample: &Sample<'_>| {
        sample.text.trim_start().starts_with(['{', '[']) && sample.text.contains("\"secretKey\"")
    },
    read,
    write: Some(Write { begin, row, end: "\n]}\n" }),
};

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let text = source.into_whole()?;
    let root = parse_json(&text)?;
    // A delta, a list alone, or one device as a single request has it.
    let one_device = std::slice::from_ref(&root);
    let list = match (root.get("value").and_then(Value::as_array), root.as_array()) {
        (Some(list), _) | (None, Some(list)) => list.as_slice(),
        (None, None) if root.get("secretKey").is_some() => one_device,
        (None, None) => {
            let next = "give the JSON with which the devices were made: docs/formats.md shows it";
            return Err(Problem::of_file("there is no list \"value\" and no device", next));
        }
    };
    if !list.is_empty() && list.iter().all(|device| device.get("secretKey").is_none_or(Value::is_null)) {
        return Err(Problem::of_file(
            "these are Graph's answers: it never gives a secret back",
            "use the file that was uploaded, or the one that the vendor sent",
        ));
    }
    let read: Vec<_> = (1..).zip(list).map(|(number, device)| one(number, device)).collect();
    Ok(Box::new(read.into_iter()))
}

/// JSON, or where it breaks.
pub fn parse_json(text: &str) -> Result<Value, Problem> {
    serde_json::from_str(text).map_err(|error| {
        // serde_json's own message can repeat a value, so only its place is taken.
        Problem::new(error.line() as u64, error.column() as u64, "this is not valid JSON", "was the file cut short?")
    })
}

/// A device; its place is its number in the list.
fn one(number: u64, device: &Value) -> Result<Row, Problem> {
    let place = Place { line: number, column: 0 };
    let text = |name: &str| device.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let problem = |what: String, next: &str| Problem::at(place, what, next);
    let secret =
        text("secretKey").ok_or_else(|| problem("there is no secretKey".to_owned(), "every device needs one"))?;
    let seed = Seed::parse(secret, Some(SecretEncoding::Base32))
        .map_err(|error| problem(format!("secretKey: {error}"), "Graph has Base32 there"))?;
    let mut row = Row::of_parsed(seed);
    if let Some(serial) = text("serialNumber") {
        check_serial(serial).map_err(|(what, next)| problem(what, next))?;
        row.serial = Some(serial.to_owned());
    }
    row.manufacturer = text("manufacturer").map(str::to_owned);
    row.model = text("model").map(str::to_owned);
    row.user = device.pointer("/assignTo/id").and_then(Value::as_str).map(str::to_owned);
    row.hash =
        match text("hashFunction") {
            None => None,
            Some(name) => Some(hash_of_name(name).ok_or_else(|| {
                problem(format!("the hash \"{}\" is not known", shown(name)), "hmacsha1 or hmacsha256")
            })?),
        };
    row.step =
        match device.get("timeIntervalInSeconds") {
            None | Some(Value::Null) => None,
            Some(value) => {
                // Microsoft's own sample has it as a string.
                Some(whole(value).and_then(|step| u32::try_from(step).ok()).and_then(TimeStep::new).ok_or_else(
                    || problem("timeIntervalInSeconds is not a number of seconds".to_owned(), "30 or 60"),
                )?)
            }
        };
    row.place = place;
    Ok(row)
}

fn begin(_: &WriteOptions) -> String {
    "{\"@context\":\"#$delta\",\"value\":[\n".to_owned()
}

fn row(row: &Row, _: &WriteOptions, first: bool) -> Result<Zeroizing<String>, String> {
    let hash = match row.effective_hash() {
        Hash::Sha1 => "hmacsha1",
        Hash::Sha256 => "hmacsha256",
        Hash::Sha512 => return Err("Entra ID knows SHA-1 and SHA-256, not SHA-512".to_owned()),
    };
    if row.kind == Kind::Totp && !matches!(row.effective_step(), 30 | 60) {
        return Err(format!("its time step is {} s; Entra ID takes 30 or 60", row.effective_step()));
    }
    let mut device = json!({
        "@contentId": row.place.line.to_string(),
        "serialNumber": needed_serial(row)?,
        "manufacturer": row.manufacturer.as_deref().unwrap_or_default(),
        "model": row.model.as_deref().unwrap_or_default(),
        "secretKey": row.seed.to_base32().as_str(),
        "timeIntervalInSeconds": row.effective_step(),
        "hashFunction": hash,
    });
    if let Some(user) = &row.user {
        if !is_guid(user) {
            return Err("Graph assigns by the user's object id, a GUID, and its user is none (--drop user)".to_owned());
        }
        if let Some(device) = device.as_object_mut() {
            device.insert("assignTo".to_owned(), json!({ "id": user }));
        }
    }
    Ok(Zeroizing::new(format!("{}{device}", if first { "" } else { ",\n" })))
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| part.chars().all(|c| c.is_ascii_hexdigit()))
}
