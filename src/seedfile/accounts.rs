//! `accounts`: exports of authenticators and password managers as JSON, read only: a single user's, because the QR codes are gone.

use data_encoding::BASE32_NOPAD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::aegis::Account;
use super::format::{Format, ReadOptions, Rows, Sample};
use super::json::{self, parse_json};
use super::otpauth;
use super::problem::{Fault, Problem};
use super::row::{Field, Place, Row};
use super::serial::check_serial;
use super::text::Source;

/// The format.
pub const FORMAT: Format = Format {
    name: "accounts",
    title: "an authenticator's or password manager's export, JSON",
    carries: &[Field::Serial, Field::Counter, Field::Hash, Field::Step, Field::Digits, Field::Issuer, Field::Account],
    one_kind: false,
    fits,
    read,
    write: None,
};

/// Where the entries of an export are: andOTP, Raivo and others have them at the root.
const LISTS: &[&str] =
    &["", "/items", "/tokens", "/Authenticators", "/entries", "/accounts", "/data", "/authenticators"];

fn fits(sample: &Sample<'_>) -> bool {
    let text = sample.text.trim_start();
    let has = |name: &str| text.contains(name);
    let others = has("\"secretKey\"")
        || has("\"db\"") && has("\"header\"")
        || has("\"servicesEncrypted\"")
        || has("\"services\"");
    let entry = has("\"secret\"")
        || has("\"Secret\"")
        || has("\"totp\"")
        || has("\"entry_type\"")
        || has("\"encrypted\"")
        || has("\"kdfParams\"");
    text.starts_with(['{', '[']) && entry && !others
}

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let root = parse_json(&source.into_whole()?)?;
    let is_marked = ["passwordProtected", "kdfParams", "encryptedData"].iter().any(|name| root.get(name).is_some());
    if root.get("encrypted").and_then(Value::as_bool) == Some(true) || is_marked {
        return Err(Problem::of_file(
            "this export is encrypted",
            "export it again without encryption (Bitwarden: File format .json, not .json (Encrypted))",
        ));
    }
    let lists = LISTS.iter().filter(|pointer| {
        root.pointer(pointer).and_then(Value::as_array).is_some_and(|list| list.iter().any(Value::is_object))
    });
    if lists.count() > 1 {
        return Err(Problem::of_file("there are two lists of accounts in this JSON", "use a file for each"));
    }
    let Some(entries) = LISTS.iter().find_map(|pointer| root.pointer(pointer)?.as_array()) else {
        return Err(Problem::of_file(
            "there is no list of accounts in this JSON",
            "docs/formats.md shows what is read",
        ));
    };
    let rows: Vec<_> = (1..).zip(entries).filter_map(|(number, entry)| one(number, entry)).collect();
    if rows.is_empty() {
        return Err(Problem::of_file("no entry of this export has a one-time password", "is this the right file?"));
    }
    Ok(Box::new(rows.into_iter()))
}

/// The members that are read, by the names that the programs have for them.
const SECRET: &[&str] = &["secret", "Secret"];
const KIND: &[&str] = &["type", "kind", "Type"];
const HASH: &[&str] = &["algorithm", "algo", "Algorithm"];
const DIGITS: &[&str] = &["digits", "Digits"];
const STEP: &[&str] = &["period", "timer", "timeStep", "Period"];
const COUNTER: &[&str] = &["counter", "Counter"];
const NAME: &[&str] = &["account", "userName", "username", "Username", "label", "name"];
const ISSUER: &[&str] = &["issuer", "issuerName", "Issuer", "issuerExt", "issuerInt"];
const SERIAL: &[&str] = &["serial", "serialNumber"];

/// An entry; one without a one-time password is a password alone, and nothing to be read here.
fn one(number: u64, entry: &Value) -> Option<Result<Row, Problem>> {
    let place = Place { line: number, column: 0 };
    read_one(entry, place).transpose().map(|row| row.map_err(|fault| fault.at(place)))
}

fn read_one(entry: &Value, place: Place) -> Result<Option<Row>, Fault> {
    let within = |name: &str| entry.get(name).filter(|value| value.is_object());
    // Bitwarden and Proton have what matters one level down.
    let parts: Vec<&Value> = [Some(entry), within("login"), within("content")].into_iter().flatten().collect();
    let find = |names: &[&str]| {
        let found = names.iter().find_map(|name| parts.iter().find_map(|part| part.get(name)));
        found.filter(|value| !value.is_null())
    };
    let text = |names: &[&str]| json::text(find(names), names.first().copied().unwrap_or_default());
    let number = |names: &[&str], what: &str| json::number(find(names), what);
    let (name, issuer) = (text(NAME)?.unwrap_or_default(), text(ISSUER)?.unwrap_or_default());
    let uri = text(&["uri", "totp", "otpauth"])?;
    let owner = text(&["username", "userName"])?.unwrap_or_default();
    if let Some(uri) = uri.filter(|uri| uri.contains(':')) {
        return of_text(uri, text(&["name", "title"])?.unwrap_or_default(), owner, place).map(Some);
    }
    // What stands beside a bare secret says how its codes are made.
    for part in &parts {
        json::check_names(part, &[KIND, HASH, DIGITS, STEP, COUNTER].concat())?;
    }
    let (name, issuer) = match uri {
        Some(_) if issuer.is_empty() => (owner, text(&["name", "title"])?.unwrap_or_default()),
        _ => (name, issuer),
    };
    let secret: Zeroizing<String> = match find(SECRET) {
        None if uri.is_some() => Zeroizing::new(uri.unwrap_or_default().to_owned()),
        None => return Ok(None),
        Some(Value::String(text)) => Zeroizing::new(text.clone()),
        // FreeOTP has the bytes, signed.
        Some(Value::Array(bytes)) => {
            let bytes: Option<Vec<u8>> =
                bytes.iter().map(|byte| i8::try_from(byte.as_i64()?).ok().map(i8::cast_unsigned)).collect();
            let bytes = bytes.ok_or_else(|| Fault::new("the secret is no list of bytes", "export it again"))?;
            Zeroizing::new(BASE32_NOPAD.encode(&Zeroizing::new(bytes)))
        }
        Some(_) => return Err(Fault::new("the secret is no text", "export it again")),
    };
    // Stratum numbers types and hashes.
    let kind = match find(KIND) {
        // Bitwarden numbers its kinds of entries: a login is one.
        Some(Value::Number(_)) if uri.is_some() => "totp",
        Some(Value::Number(number)) => match number.as_u64() {
            Some(1) => "hotp",
            Some(2) => "totp",
            Some(4) => "steam",
            _ => "mOTP or Yandex",
        },
        other => json::text(other, "the type")?.unwrap_or("totp"),
    };
    let hash = match find(HASH) {
        Some(Value::Number(number)) => Some(match number.as_u64() {
            Some(0) => "SHA1",
            Some(1) => "SHA256",
            Some(2) => "SHA512",
            _ => "of another number",
        }),
        other => json::text(other, "the hash")?,
    };
    let account = Account {
        kind,
        secret: &secret,
        hash,
        digits: number(DIGITS, "the number of digits")?,
        step: number(STEP, "the time step")?,
        counter: number(COUNTER, "the counter")?,
        issuer,
        name,
    };
    let mut row = account.into_row(place)?;
    row.serial = json::serial(find(SERIAL))?;
    if let Some(serial) = &row.serial {
        check_serial(serial)?;
    }
    Ok(Some(row))
}

/// A one-time password as password managers keep it: a URI, or the bare secret.
///
/// # Errors
/// A [`Fault`] that never shows the secret.
pub fn of_text(text: &str, title: &str, owner: &str, place: Place) -> Result<Row, Fault> {
    let text = text.trim();
    let is_steam = text.get(..6).is_some_and(|front| front.eq_ignore_ascii_case("steam:"));
    if is_steam {
        return Err(Fault::unusable("a Steam account: its codes are letters, and these tokens show digits"));
    }
    let named = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    if otpauth::is_otpauth(text) {
        let row = otpauth::parse(text).map_err(|error| match error {
            otpauth::UriError::Unusable(what) => Fault::unusable(what),
            error => Fault::new(error.to_string(), "remove this entry from the export"),
        })?;
        let (issuer, account) = (row.issuer.clone().or(named(title)), row.account.clone().or(named(owner)));
        return Ok(Row { issuer, account, place, ..row });
    }
    let bare = Account {
        kind: "totp",
        secret: text,
        hash: None,
        digits: None,
        step: None,
        counter: None,
        issuer: title,
        name: owner,
    };
    bare.into_row(place)
}
