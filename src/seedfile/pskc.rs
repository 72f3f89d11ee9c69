//! `pskc`: RFC 6030 key containers, plain, under a pre-shared key, or under a password.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, needed_serial};
use super::problem::Problem;
use super::row::{Field, Kind, Place, Row};
use super::table::{check_serial, hash_of_name, shown};
use super::text::Source;
use super::xml::{Element, escaped, parse};
use crate::otp::{Hash, TimeStep};
use crate::seed::Seed;

/// The format.
pub const FORMAT: Format = Format {
    name: "pskc",
    title: "PSKC, RFC 6030",
    carries: &[
        Field::Serial,
        Field::Counter,
        Field::Hash,
        Field::Step,
        Field::Digits,
        Field::User,
        Field::Manufacturer,
        Field::Model,
        Field::Issuer,
    ],
    one_kind: false,
    fits: |sample: &Sample<'_>| sample.text.trim_start().starts_with('<') && sample.text.contains("KeyContainer"),
    read,
    write: Some(Write { begin, row, end: "</KeyContainer>\n" }),
};

/// What is said of an encrypted file without its key.
pub const LOCKED: &str = "the file is encrypted";

/// The algorithms' profile identifiers begin with this (RFC 6030, section 10).
const ALGORITHM: &str = "urn:ietf:params:xml:ns:keyprov:pskc:";

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let text = source.into_whole()?;
    let root = parse(&text)?;
    if root.name != "KeyContainer" {
        return Err(Problem::of_file(
            format!("the root is <{}>, not <KeyContainer>", shown(&root.name)),
            "is this PSKC?",
        ));
    }
    let opened = match (root.child("EncryptionKey"), &options.pskc) {
        (None, _) => None,
        (Some(_), None) => {
            return Err(Problem::of_file(
                LOCKED,
                "name its key with --pskc-key FILE, or its password with --pskc-password FILE",
            ));
        }
        (Some(key), Some(keys)) => Some(keys.open(key, root.child("MACMethod")).map_err(|what| {
            Problem::new(key.line, 0, what, "use the key or password that came with this file, never the token's key")
        })?),
    };
    let packages: Vec<_> = root.children_named("KeyPackage").map(|package| one(package, opened.as_ref())).collect();
    Ok(Box::new(packages.into_iter()))
}

fn one(package: &Element, keys: Option<&super::pskc_crypto::Opened>) -> Result<Row, Problem> {
    let place = Place { line: package.line, column: 0 };
    let problem = |what: String, next: &str| Problem::at(place, what, next);
    let key = package.child("Key").ok_or_else(|| problem("there is no <Key>".to_owned(), "every package needs one"))?;
    let algorithm = key.attribute("Algorithm").unwrap_or_default();
    let kind = match algorithm.strip_prefix(ALGORITHM).map(str::to_ascii_lowercase).as_deref() {
        Some("totp") => Kind::Totp,
        Some("hotp") => Kind::Hotp,
        _ => return Err(problem(format!("the algorithm \"{}\" is neither totp nor hotp", shown(algorithm)), "")),
    };
    let data = key.child("Data").ok_or_else(|| problem("there is no <Data>".to_owned(), "it carries the secret"))?;
    let secret =
        data.child("Secret").ok_or_else(|| problem("there is no <Secret>".to_owned(), "every key needs one"))?;
    let bytes = match (secret.child("PlainValue"), secret.child("EncryptedValue"), keys) {
        (Some(plain), ..) => BASE64
            .decode(plain.compact_text().as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| problem("the secret is not base64".to_owned(), "PSKC has base64 there"))?,
        (None, Some(value), Some(keys)) => keys
            .decrypt(value, secret.child("ValueMAC"))
            .map_err(|what| problem(what, "use the key or password that came with this file"))?,
        (None, Some(_), None) => {
            return Err(problem(
                "the secret is encrypted, and the file names no key".to_owned(),
                "ask for another file",
            ));
        }
        (None, None, _) => return Err(problem("the secret is empty".to_owned(), "every key needs one")),
    };
    let mut row = Row::of_seed(Seed::from_bytes(bytes).map_err(|error| problem(error.to_string(), ""))?);
    row.kind = kind;
    let text =
        |element: Option<&Element>| element.map(|found| found.text.trim().to_owned()).filter(|text| !text.is_empty());
    let device = package.child("DeviceInfo");
    let of_device = |name: &str| text(device.and_then(|device| device.child(name)));
    row.serial = of_device("SerialNo").or_else(|| key.attribute("Id").map(str::to_owned));
    if let Some(serial) = &row.serial {
        check_serial(serial).map_err(|(what, next)| problem(what, next))?;
    }
    row.manufacturer = of_device("Manufacturer");
    row.model = of_device("Model");
    row.issuer = text(key.child("Issuer"));
    row.user = text(key.child("UserId"));
    let parameters = key.child("AlgorithmParameters");
    if let Some(suite) = text(parameters.and_then(|parameters| parameters.child("Suite"))) {
        row.hash = Some(hash_of_name(&suite).ok_or_else(|| {
            problem(format!("the suite \"{}\" is not known", shown(&suite)), "HMAC-SHA1, HMAC-SHA256 or HMAC-SHA512")
        })?);
    }
    let format = parameters.and_then(|parameters| parameters.child("ResponseFormat"));
    row.digits = match format.and_then(|format| format.attribute("Length")) {
        None => None,
        Some(length) => Some(length.parse().map_err(|_| problem("the response's length is no number".to_owned(), ""))?),
    };
    let value = |name: &str| {
        let element = data.child(name)?.child("PlainValue")?;
        Some(element.text.trim().parse::<u64>().map_err(|_| problem(format!("{name} is no number"), "")))
    };
    row.step = match value("TimeInterval").transpose()? {
        None => None,
        Some(step) => Some(
            u32::try_from(step)
                .ok()
                .and_then(TimeStep::new)
                .ok_or_else(|| problem(format!("a time interval of {step} s"), "30 or 60 in most files"))?,
        ),
    };
    row.counter = value("Counter").transpose()?.filter(|_| kind == Kind::Hotp);
    row.place = place;
    Ok(row)
}

fn begin(options: &WriteOptions) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<KeyContainer Version=\"1.0\" \
                    xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\""
        .to_owned();
    match &options.pskc {
        None => text.push_str(">\n"),
        Some(keys) => text.push_str(&keys.header()),
    }
    text
}

fn row(row: &Row, options: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let serial = escaped(needed_serial(row)?);
    let element = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("<{name}>{}</{name}>", escaped(value))).unwrap_or_default()
    };
    let secret = match &options.pskc {
        None => {
            let value = Zeroizing::new(BASE64.encode(row.seed.expose()));
            Zeroizing::new(format!("<PlainValue>{}</PlainValue>", value.as_str()))
        }
        Some(keys) => keys.encrypt(row.seed.expose())?,
    };
    let (algorithm, moving) = match row.kind {
        Kind::Totp => (
            "totp",
            format!(
                "<Time><PlainValue>0</PlainValue></Time><TimeInterval><PlainValue>{}</PlainValue></TimeInterval>",
                row.effective_step()
            ),
        ),
        Kind::Hotp => ("hotp", format!("<Counter><PlainValue>{}</PlainValue></Counter>", row.counter.unwrap_or(0))),
    };
    let suite = match row.effective_hash() {
        Hash::Sha1 => String::new(),
        Hash::Sha256 => "<Suite>HMAC-SHA256</Suite>".to_owned(),
        Hash::Sha512 => "<Suite>HMAC-SHA512</Suite>".to_owned(),
    };
    Ok(Zeroizing::new(format!(
        "  <KeyPackage>\n    <DeviceInfo>{}<SerialNo>{serial}</SerialNo>{}</DeviceInfo>\n    \
         <Key Id=\"{serial}\" Algorithm=\"{ALGORITHM}{algorithm}\">{}<AlgorithmParameters>{suite}\
         <ResponseFormat Encoding=\"DECIMAL\" Length=\"{}\"/></AlgorithmParameters>\
         <Data><Secret>{}</Secret>{moving}</Data>{}</Key>\n  </KeyPackage>\n",
        element("Manufacturer", &row.manufacturer),
        element("Model", &row.model),
        element("Issuer", &row.issuer),
        row.effective_digits(),
        secret.as_str(),
        element("UserId", &row.user),
    )))
}
