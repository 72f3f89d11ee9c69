//! `graph`: Entra ID through Microsoft Graph (beta): a delta of hardware OATH devices, as JSON.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, needed_serial};
use super::json::{self, parse_json};
use super::names::{hash_of_name, step_of_seconds};
use super::problem::{Fault, Problem};
use super::remedy::FileRemedy;
use super::row::{Field, Kind, Place, Row};
use super::serial::check_serial;
use super::shown::shown;
use super::text::Source;
use crate::otp::Hash;
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

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let encoding = options.secret_encoding.unwrap_or(SecretEncoding::Base32);
    let text = source.into_whole()?;
    let root = parse_json(&text)?;
    // A delta, a list alone, or one device as a single request has it.
    let one_device = std::slice::from_ref(&root);
    let list = match (root.get("value").and_then(Value::as_array), root.as_array()) {
        (Some(list), _) | (None, Some(list)) => list.as_slice(),
        (None, None) if root.get("secretKey").is_some() => one_device,
        (None, None) => {
            let next = "use the JSON with which the devices were made: docs/formats.md shows it";
            return Err(Problem::of_file("there is no list \"value\" and no device", next));
        }
    };
    if !list.is_empty() && list.iter().all(|device| device.get("secretKey").is_none_or(Value::is_null)) {
        return Err(Problem::of_file(
            "these are Graph's answers: it never gives a secret back",
            "use the file that was uploaded, or the one that the vendor sent",
        ));
    }
    let read: Vec<_> = (1..).zip(list).map(|(number, device)| one(number, device, encoding)).collect();
    Ok(Box::new(read.into_iter()))
}

/// A device; its place is its number in the list.
fn one(number: u64, device: &Value, encoding: SecretEncoding) -> Result<Row, Problem> {
    let place = Place { line: number, column: 0 };
    read_one(device, encoding).map(|row| Row { place, ..row }).map_err(|fault| fault.at(place))
}

fn read_one(device: &Value, encoding: SecretEncoding) -> Result<Row, Fault> {
    let of = |name: &str| json::text(device.get(name), name);
    let secret = of("secretKey")?.ok_or_else(|| Fault::new("there is no secretKey", "every device needs one"))?;
    let parsed = Seed::parse(secret, Some(encoding)).map_err(|error| {
        let is_hex = Seed::parse(secret, Some(SecretEncoding::Hex)).is_ok();
        match is_hex && encoding == SecretEncoding::Base32 {
            true => Fault::new(
                "secretKey is hex, and Graph has Base32 there",
                FileRemedy::IfEncodingIs(SecretEncoding::Hex),
            ),
            false => Fault::new(format!("secretKey: {error}"), "Graph has Base32 there"),
        }
    })?;
    let mut row = Row::of_parsed(parsed);
    row.serial = json::serial(device.get("serialNumber"))?;
    if let Some(serial) = &row.serial {
        check_serial(serial)?;
    }
    row.manufacturer = of("manufacturer")?.map(str::to_owned);
    row.model = of("model")?.map(str::to_owned);
    let owner = device.pointer("/assignTo/id").or_else(|| device.pointer("/assignedTo/id"));
    row.user = json::text(owner, "assignTo")?.map(str::to_owned);
    row.hash = match of("hashFunction")? {
        None => None,
        Some(name) => Some(hash_of_name(name).ok_or_else(|| {
            Fault::new(format!("the hash \"{}\" is not known", shown(name)), "hmacsha1 or hmacsha256")
        })?),
    };
    row.step = match json::number(device.get("timeIntervalInSeconds"), "timeIntervalInSeconds")? {
        None => None,
        Some(step) => Some(
            step_of_seconds(step)
                .ok_or_else(|| Fault::new("timeIntervalInSeconds is not a number of seconds", "30 or 60"))?,
        ),
    };
    json::check_names(device, &["hashFunction", "timeIntervalInSeconds", "@odata.type"])?;
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
            return Err("Graph assigns by the user's object id, a GUID, and its user is not one".to_owned());
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
