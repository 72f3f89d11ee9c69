//! `accounts`: exports of authenticators and password managers as JSON, read only: a single user's, because the QR codes are gone.

use data_encoding::BASE32_NOPAD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::aegis::Account;
use super::format::{Format, ReadOptions, Rows, Sample};
use super::graph::parse_json;
use super::otpauth;
use super::problem::{Fault, Problem};
use super::row::{Field, Place, Row};
use super::text::Source;

/// The format.
pub const FORMAT: Format = Format {
    name: "accounts",
    title: "an authenticator's or password manager's export, JSON",
    carries: &[Field::Counter, Field::Hash, Field::Step, Field::Digits, Field::Issuer, Field::Account],
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
    let entry =
        has("\"secret\"") || has("\"Secret\"") || has("\"totp\"") || has("\"entry_type\"") || has("\"encrypted\"");
    text.starts_with(['{', '[']) && entry && !others
}

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let root = parse_json(&source.into_whole()?)?;
    if root.get("encrypted").and_then(Value::as_bool) == Some(true) || root.get("passwordProtected").is_some() {
        return Err(Problem::of_file(
            "this export is encrypted",
            "export it again without encryption (Bitwarden: File format .json, not .json (Encrypted))",
        ));
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

/// An entry; one without a one-time password is a password alone, and nothing to be read here.
fn one(number: u64, entry: &Value) -> Option<Result<Row, Problem>> {
    let place = Place { line: number, column: 0 };
    let within = |name: &str| entry.get(name).filter(|value| value.is_object());
    // Bitwarden and Proton have what matters one level down.
    let parts: Vec<&Value> = [Some(entry), within("login"), within("content")].into_iter().flatten().collect();
    let find = |names: &[&str]| {
        let found = names.iter().find_map(|name| parts.iter().find_map(|part| part.get(name)));
        found.filter(|value| !value.is_null())
    };
    let text = |names: &[&str]| find(names).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let name =
        text(&["account", "userName", "username", "Username", "label"]).or_else(|| text(&["name"])).unwrap_or_default();
    let issuer = text(&["issuer", "issuerName", "Issuer", "issuerExt", "issuerInt"]).unwrap_or_default();
    if let Some(secret) = text(&["uri", "totp", "otpauth"]) {
        let title = text(&["name", "title"]).unwrap_or_default();
        let owner = text(&["username", "userName"]).unwrap_or_default();
        return Some(of_text(secret, title, owner, place));
    }
    let secret: Zeroizing<String> = match find(&["secret", "Secret"])? {
        Value::String(text) => Zeroizing::new(text.clone()),
        // FreeOTP has the bytes, signed.
        Value::Array(bytes) => {
            let bytes: Option<Vec<u8>> =
                bytes.iter().map(|byte| i8::try_from(byte.as_i64()?).ok().map(i8::cast_unsigned)).collect();
            match bytes.map(Zeroizing::new) {
                Some(bytes) => Zeroizing::new(BASE32_NOPAD.encode(&bytes)),
                None => return Some(Err(Problem::at(place, "the secret is no list of bytes", "export it again"))),
            }
        }
        _ => return Some(Err(Problem::at(place, "the secret is no text", "export it again"))),
    };
    let kind = match find(&["type", "kind", "Type"]) {
        // Stratum numbers them.
        Some(Value::Number(number)) => match number.as_u64() {
            Some(1) => "hotp",
            Some(2) => "totp",
            Some(4) => "steam",
            _ => "mOTP or Yandex",
        },
        Some(Value::String(kind)) => kind.as_str(),
        _ => "totp",
    };
    let hash = match find(&["algorithm", "algo", "Algorithm"]) {
        Some(Value::Number(number)) => Some(match number.as_u64() {
            Some(0) => "SHA1",
            Some(1) => "SHA256",
            Some(2) => "SHA512",
            _ => "of another number",
        }),
        Some(Value::String(name)) => Some(name.as_str()),
        _ => None,
    };
    let number = |names: &[&str], what: &str| match find(names) {
        None => Ok(None),
        Some(value) => {
            whole(value).map(Some).ok_or_else(|| Problem::at(place, format!("{what} is no number"), "export it again"))
        }
    };
    let read = || -> Result<Row, Problem> {
        Account {
            kind,
            secret: &secret,
            hash: hash.filter(|name| !name.is_empty()),
            digits: number(&["digits", "Digits"], "the number of digits")?,
            step: number(&["period", "timer", "timeStep", "Period"], "the time step")?,
            counter: number(&["counter", "Counter"], "the counter")?,
            issuer,
            name,
        }
        .into_row(place)
    };
    Some(read())
}

/// A one-time password as password managers keep it: a URI, or the bare secret.
///
/// # Errors
/// A [`Problem`] that never shows the secret.
pub fn of_text(text: &str, title: &str, owner: &str, place: Place) -> Result<Row, Problem> {
    let text = text.trim();
    let is_steam = text.get(..6).is_some_and(|front| front.eq_ignore_ascii_case("steam:"));
    if is_steam {
        return Err(Fault::unusable("a Steam account: its codes are letters, and these tokens show digits").at(place));
    }
    let named = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    if otpauth::is_otpauth(text) {
        let row = otpauth::parse(text).map_err(|error| match error {
            otpauth::UriError::Unusable(what) => Fault::unusable(what).at(place),
            error => Problem::at(place, error.to_string(), "leave this entry out of the export"),
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

/// A whole number, also as text.
pub fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
