//! Reading PSKC: RFC 6030, and the drafts before it that makers' files still follow.
//!
//! One rule: every element and attribute that can change a code, or forbid a key's use, is read or refused; what is passed over
//! changes neither, and what nobody knows is named.

use super::column::looks_like_a_code_setting;
use super::format::{ReadOptions, Rows};
use super::names::{hash_of_name, step_of_seconds};
use super::problem::{Fault, Problem};
use super::pskc_crypto::{Opened, is_encrypted, last_part};
use super::pskc_policy::{check_dates, check_policy};
use super::pskc_values::{Found, Values, check_once};
use super::remedy::FileRemedy;
use super::row::{Kind, Place, Row};
use super::serial::check_serial;
use super::shown::shown;
use super::text::Source;
use super::xml::{Element, parse};
use crate::seed::Seed;

/// The elements of a key that change no code and forbid nothing.
const HARMLESS: &[&str] =
    &["Issuer", "UserId", "FriendlyName", "KeyReference", "Extensions", "Extension", "KeyProperties"];

/// The elements of a container, in RFC 6030 and in drafts.
const IN_CONTAINER: &[&str] = &[
    "EncryptionKey",
    "EncryptionMethod",
    "MACMethod",
    "DigestMethod",
    "MACAlgorithm",
    "KeyPackage",
    "Device",
    "Signature",
    "Extensions",
    "Extension",
];

/// The elements of a package.
const IN_PACKAGE: &[&str] = &["DeviceInfo", "DeviceId", "CryptoModuleInfo", "Key", "Secret", "Extensions", "Extension"];

/// The attributes of a key that are read, or say nothing of its codes.
const OF_KEY: &[&str] = &["Id", "Algorithm", "KeyId", "KeyAlgorithm", "SecretId", "SecretAlgorithm"];

/// Reads a container.
///
/// # Errors
/// A [`Problem`] of the file as a whole.
pub fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let text = source.into_whole()?;
    let root = parse(&text)?;
    let is_draft = root.is("SecretContainer");
    if !root.is("KeyContainer") && !is_draft {
        let what = format!("the root is <{}>, not <KeyContainer>", shown(&root.name));
        return Err(Problem::of_file(what, FileRemedy::NameFormatOrUse("PSKC")));
    }
    if let Some(version) = root.attribute("Version").filter(|version| !is_draft && !matches!(*version, "1.0" | "1")) {
        let what = format!("the file is PSKC of version \"{}\", and 1.0 is read", shown(version));
        return Err(Problem::of_file(what, "ask for the seeds as PSKC 1.0 (RFC 6030), or as CSV"));
    }
    let opened = match (is_encrypted(&root), &options.pskc) {
        (false, _) => None,
        (true, None) => {
            return Err(Problem::of_locked(FileRemedy::KeyOrPassword));
        }
        (true, Some(keys)) => Some(keys.open(&root).map_err(|what| {
            let line = root.child("EncryptionKey").map_or(root.line, |key| key.line);
            Problem::new(line, 0, what, "use the key or password that came with this file, never the token's key")
        })?),
    };
    let mut rows = Vec::new();
    if opened.as_ref().is_some_and(|opened| !opened.checks()) {
        let what = "the file names no MAC: whether its key is the right one cannot be told from it";
        rows.push(Err(Problem::new(root.line, 0, what, "check a code of the first token").as_warning()));
    }
    if root.child("Signature").is_some() {
        let what = "the file is signed, and its signature is not checked here";
        rows.push(Err(Problem::new(root.line, 0, what, "").as_warning()));
    }
    if let Some(other) = root.other_than(IN_CONTAINER) {
        let what = format!("<{}> is not known in a container, and what is in it is not read", shown(&other.name));
        let problem = Problem::new(other.line, 0, what, "ask for a file with <KeyPackage> elements alone");
        let has_keys =
            ["Key", "Secret", "KeyPackage"].iter().any(|name| other.is(name) || other.descendant(name).is_some());
        rows.push(Err(if has_keys { problem } else { problem.as_warning() }));
    }
    let packages = root.children.iter().filter(|child| child.is("KeyPackage") || child.is("Device"));
    for package in packages {
        let keys: Vec<_> = package.children.iter().filter(|child| child.is("Key") || child.is("Secret")).collect();
        if keys.is_empty() {
            rows.push(Err(Problem::new(package.line, 0, "there is no <Key>", "every package needs one")));
        }
        for key in keys {
            let place = Place { line: key.line, column: 0 };
            let mut notes = Vec::new();
            let row = one(package, key, opened.as_ref(), &mut notes);
            rows.extend(notes.into_iter().map(|what| Err(Problem::at(place, what, "").as_warning())));
            rows.push(row.map(|row| Row { place, ..row }).map_err(|fault| fault.at(place)));
        }
    }
    Ok(Box::new(rows.into_iter()))
}

fn one(package: &Element, key: &Element, keys: Option<&Opened>, notes: &mut Vec<String>) -> Found<Row> {
    check_once(package)?;
    check_once(key)?;
    if let Some(other) = package.other_than(IN_PACKAGE) {
        let what = format!("<{}> is not known in a package, and may change the codes", shown(&other.name));
        return Err(Fault::new(what, "ask for a file without it"));
    }
    let is_known = |name: &str| OF_KEY.iter().any(|known| name.eq_ignore_ascii_case(known));
    if let Some((name, _)) = key.attributes.iter().find(|(name, _)| !is_known(name)) {
        let what =
            format!("the key has the attribute \"{}\", which is not known and may change the codes", shown(name));
        return Err(Fault::new(what, "ask for a file without it"));
    }
    let kind = kind_of(key)?;
    check_dates(package.any(&["DeviceInfo", "DeviceId"]))?;
    check_dates(Some(key))?;
    if let Some(policy) = key.child("Policy") {
        check_policy(policy, notes)?;
    }
    if let Some(profile) = key.child("KeyProfileId") {
        let what =
            format!("the key is used as the profile \"{}\" says, which is not in the file", shown(profile.text.trim()));
        return Err(Fault::unusable(what));
    }
    let values = Values::of(key, keys);
    let secret = values.bytes("Secret")?.ok_or_else(|| Fault::new("there is no <Secret>", "every key needs one"))?;
    let mut row = Row::of_seed(Seed::from_bytes(secret).map_err(|error| Fault::unusable(error.to_string()))?);
    (row.kind, row.kind_is_stated) = (kind, true);
    owner(package, key, &mut row)?;
    for usage in ["AlgorithmParameters", "Usage"].into_iter().filter_map(|name| key.child(name)) {
        parameters(usage, &mut row, notes)?;
    }
    if values.is_other_than_0("Time")? {
        return Err(Fault::unusable("its codes count from another time than 1970, and no token can be given that"));
    }
    if values.is_other_than_0("TimeDrift")? {
        // What a server had learnt of the old clock; a token that is burned has its clock set.
        notes.push("the drift that its server had learnt is forgotten: the clock is set anew".to_owned());
    }
    row.step = match values.number("TimeInterval")?.filter(|_| kind == Kind::Totp) {
        None => None,
        Some(step) => Some(
            step_of_seconds(step)
                .ok_or_else(|| Fault::new(format!("a time interval of {step} s"), "30 or 60 in most files"))?,
        ),
    };
    row.counter = values.number("Counter")?.filter(|_| kind == Kind::Hotp);
    values.check_names()?;
    for child in &key.children {
        let is_known = ["Data", "Policy", "KeyProfileId", "AlgorithmParameters", "Usage", "StartDate", "ExpiryDate"];
        let is_unknown = !is_known.iter().chain(HARMLESS).any(|known| child.is(known));
        if is_unknown && looks_like_a_code_setting(&child.name, &[]) {
            let what = format!("<{}> is not known in a key, and may change the codes", shown(&child.name));
            return Err(Fault::new(what, "ask for a file without it"));
        }
        if is_unknown {
            notes.push(format!("<{}> is not known and passed over", shown(&child.name)));
        }
    }
    Ok(row)
}

fn kind_of(key: &Element) -> Found<Kind> {
    let algorithm = ["Algorithm", "KeyAlgorithm", "SecretAlgorithm"].into_iter().find_map(|name| key.attribute(name));
    let Some(algorithm) = algorithm else { return Err(Fault::unusable("the key names no algorithm".to_owned())) };
    // urn:ietf:params:xml:ns:keyprov:pskc:totp, and #totp or TOTP in drafts.
    match last_part(algorithm).to_ascii_lowercase().as_str() {
        "totp" => Ok(Kind::Totp),
        "hotp" => Ok(Kind::Hotp),
        "pin" => Err(Fault::unusable("this key is a PIN, which no token of these holds".to_owned())),
        _ => Err(Fault::unusable(format!("the algorithm \"{}\" is neither totp nor hotp", name_of(algorithm)))),
    }
}

/// An algorithm as a message names it: without the name space that all of PSKC's have.
fn name_of(algorithm: &str) -> String {
    let front = algorithm.rfind("pskc:").or_else(|| algorithm.rfind("pskc#")).map_or(0, |at| at + "pskc:".len());
    let name = algorithm.get(front..).unwrap_or(algorithm);
    // No secret: it is looked at before any, and a long one is cut by its parts.
    let name = if name.len() > 40 { last_part(name) } else { name };
    name.chars().filter(|c| !c.is_control()).collect()
}

/// Serial, maker, model, issuer and user.
fn owner(package: &Element, key: &Element, row: &mut Row) -> Found<()> {
    let text =
        |element: Option<&Element>| element.map(|found| found.text.trim().to_owned()).filter(|text| !text.is_empty());
    let device = package.any(&["DeviceInfo", "DeviceId"]);
    let of_device = |name: &str| text(device.and_then(|device| device.child(name)));
    let id = ["Id", "KeyId", "SecretId"].into_iter().find_map(|name| key.attribute(name)).map(str::to_owned);
    row.serial = of_device("SerialNo").or(id);
    if let Some(serial) = &row.serial {
        check_serial(serial)?;
    }
    row.manufacturer = of_device("Manufacturer");
    row.model = of_device("Model");
    row.issuer = text(key.child("Issuer"));
    row.user = text(key.child("UserId")).or_else(|| of_device("UserId"));
    Ok(())
}

/// Hash and digits; what would make codes of another kind is refused.
fn parameters(usage: &Element, row: &mut Row, notes: &mut Vec<String>) -> Found<()> {
    let is_false = |value: &str| value.eq_ignore_ascii_case("false") || value == "0";
    for (name, value) in &usage.attributes {
        // Drafts say what a key is for with these.
        if name.eq_ignore_ascii_case("OTP") && is_false(value) {
            return Err(Fault::unusable("the key is not to be used for one-time passwords".to_owned()));
        }
    }
    for child in &usage.children {
        if child.is("Suite") {
            suite(child, row)?;
        } else if child.is("ResponseFormat") {
            response(child, row)?;
        } else if child.is("Extensions") || child.is("Extension") {
            notes.push(format!("<{}> is not known and passed over", shown(&child.name)));
        } else if child.is("ChallengeFormat") {
            return Err(Fault::unusable("the key answers challenges, which no token of these can".to_owned()));
        } else {
            let what = format!(
                "<{}> among the algorithm's parameters is not known, and may change the codes",
                shown(&child.name)
            );
            return Err(Fault::new(what, "ask for a file without it"));
        }
    }
    Ok(())
}

/// The hash: `<Suite>SHA256</Suite>`, `HMAC-SHA256`, and in privacyIDEA's export `<Suite hashalgo="sha256"/>`.
fn suite(suite: &Element, row: &mut Row) -> Found<()> {
    let text = suite.text.trim();
    let attributes = suite.attributes.iter().map(|(name, value)| (name.as_str(), value.trim()));
    let named = attributes.chain((!text.is_empty()).then_some(("hash", text)));
    for (name, value) in named {
        let hash = name.to_ascii_lowercase().contains("hash").then(|| hash_of_name(value)).flatten();
        let Some(hash) = hash else {
            return Err(Fault::new(
                format!("the suite \"{}\" is not known", shown(value)),
                "SHA1, SHA256 or SHA512, with or without HMAC-",
            ));
        };
        if row.hash.is_some_and(|other| other != hash) {
            return Err(Fault::new("the suite names two hashes".to_owned(), "ask for a file that names one"));
        }
        row.hash = Some(hash);
    }
    Ok(())
}

fn response(format: &Element, row: &mut Row) -> Found<()> {
    for (name, value) in &format.attributes {
        let value = value.trim();
        let is = |known: &[&str]| known.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is(&["Length"]) {
            let length = value.parse().map_err(|_| Fault::unusable("the response's length is no number"))?;
            row.digits = Some(length);
        } else if is(&["Encoding", "Format"]) {
            if !value.eq_ignore_ascii_case("DECIMAL") {
                return Err(Fault::unusable(format!(
                    "its codes are written as {}, and these tokens show decimal digits",
                    shown(value)
                )));
            }
        } else if is(&["CheckDigits", "CheckDigit"]) {
            if !matches!(value.to_ascii_lowercase().as_str(), "false" | "0") {
                return Err(Fault::unusable("its codes end with a check digit, and these tokens show none".to_owned()));
            }
        } else {
            return Err(Fault::unusable(format!("the response's format has \"{}\", which is not known", shown(name))));
        }
    }
    Ok(())
}
