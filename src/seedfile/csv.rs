//! `csv`, the tool's own format: a header, and every field that a row can have.

use zeroize::Zeroizing;

use super::row::{Kind, Row};
use crate::otp::{Hash, TimeStep};
use crate::seed::{SecretEncoding, Seed, SeedError};

/// The columns, in the order in which they are written.
pub const HEADER: [&str; 12] = [
    "serial",
    "secret",
    "type",
    "hash",
    "step",
    "counter",
    "digits",
    "upn",
    "manufacturer",
    "model",
    "issuer",
    "account",
];

/// A row that cannot be read: in which line, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct CsvError {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong; never the secret.
    pub what: String,
}

/// Whether a text begins with this format's header.
#[must_use]
pub fn has_header(text: &str) -> bool {
    text.trim_start_matches('\u{FEFF}').lines().next().is_some_and(|line| line.trim_end() == HEADER.join(","))
}

/// Writes header and rows.
///
/// # Errors
/// None that a valid row causes; the writer's own otherwise.
pub fn write(rows: &[Row]) -> Result<Zeroizing<Vec<u8>>, ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for row in rows {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let secret = row.seed.to_base32();
        writer.write_record([
            text(&row.serial).as_str(),
            secret.as_str(),
            if row.kind == Kind::Hotp { "hotp" } else { "totp" },
            &row.hash.map(|hash| hash.to_string()).unwrap_or_default(),
            &row.step.map(|step| step.seconds().to_string()).unwrap_or_default(),
            &row.counter.map(|counter| counter.to_string()).unwrap_or_default(),
            &row.digits.map(|digits| digits.to_string()).unwrap_or_default(),
            &text(&row.user),
            &text(&row.manufacturer),
            &text(&row.model),
            &text(&row.issuer),
            &text(&row.account),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(Zeroizing::new(bytes))
}

/// Reads all rows of a text that [`has_header`].
///
/// # Errors
/// [`CsvError`] for the first line that cannot be read.
pub fn read(text: &str) -> Result<Vec<Row>, CsvError> {
    let mut reader = ::csv::Reader::from_reader(text.trim_start_matches('\u{FEFF}').as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| CsvError {
            line: error.position().map_or(0, ::csv::Position::line),
            what: "the number of fields differs from the header's".to_owned(),
        })?;
        let line = record.position().map_or(0, ::csv::Position::line);
        rows.push(row(&record).map_err(|what| CsvError { line, what })?);
    }
    Ok(rows)
}

fn row(record: &::csv::StringRecord) -> Result<Row, String> {
    let field = |name: &str| {
        let index = HEADER.iter().position(|column| *column == name);
        index.and_then(|index| record.get(index)).map(str::trim).filter(|value| !value.is_empty())
    };
    let text = |name: &str| field(name).map(str::to_owned);
    let number = |name: &str| {
        field(name).map(|value| value.parse::<u64>().map_err(|_| format!("{name} is no number"))).transpose()
    };
    let small = |name: &str| {
        number(name)?.map(|value| u32::try_from(value).map_err(|_| format!("{name} is too large"))).transpose()
    };
    let secret = field("secret").ok_or("there is no secret")?;
    let seed = Seed::parse(secret, Some(SecretEncoding::Base32)).map_err(|error: SeedError| error.to_string())?.seed;
    let kind = match field("type").unwrap_or("totp") {
        "totp" => Kind::Totp,
        "hotp" => Kind::Hotp,
        _ => return Err("type is neither totp nor hotp".to_owned()),
    };
    let hash = match field("hash") {
        None => None,
        Some("SHA1") => Some(Hash::Sha1),
        Some("SHA256") => Some(Hash::Sha256),
        Some("SHA512") => Some(Hash::Sha512),
        Some(_) => return Err("hash is none of SHA1, SHA256, SHA512".to_owned()),
    };
    Ok(Row {
        seed,
        serial: text("serial"),
        kind,
        hash,
        step: small("step")?.and_then(TimeStep::new),
        digits: small("digits")?,
        counter: number("counter")?,
        user: text("upn"),
        manufacturer: text("manufacturer"),
        model: text("model"),
        issuer: text("issuer"),
        account: text("account"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_comes_back() {
        let row = Row {
            serial: Some("0086596120001234".into()),
            hash: Some(Hash::Sha256),
            step: Some(TimeStep::S60),
            digits: Some(6),
            user: Some("ana, the \"first\"@example.org".into()),
            manufacturer: Some("Token2".into()),
            model: Some("OTPC-P1-i".into()),
            issuer: Some("Example".into()),
            account: Some("ana".into()),
            counter: Some(7),
            kind: Kind::Hotp,
            seed: Seed::from_bytes(b"12345678901234567890".to_vec()).unwrap(),
        };
        let text = write(std::slice::from_ref(&row)).unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(has_header(text));
        assert_eq!(read(text).unwrap(), [row]);
    }

    #[test]
    fn a_fault_is_named_with_its_line() {
        let text = format!("{}\n1,JBSWY3DP,totp,,,,,,,,,\n2,JBSWY3D1,totp,,,,,,,,,\n", HEADER.join(","));
        assert_eq!(
            read(&text).unwrap_err().to_string(),
            "line 3: character 8 of the seed is neither Base32 (A-Z, 2-7) nor hex (0-9, A-F)"
        );
    }
}
