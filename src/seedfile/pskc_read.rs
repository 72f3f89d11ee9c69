//! Reading PSKC: RFC 6030, and the drafts before it that makers' files still follow.
//!
//! One rule: every element and attribute that can change a code, or forbid a key's use, is read or refused; what is passed over
//! changes neither, and what nobody knows is named.

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::column::looks_like_a_code_setting;
use super::format::{LOCKED, ReadOptions, Rows};
use super::problem::{Fault, Problem};
use super::pskc_crypto::{Opened, is_encrypted, last_part};
use super::row::{Kind, Place, Row};
use super::serial::check_serial;
use super::table::{hash_of_name, shown};
use super::text::Source;
use super::xml::{Element, parse};
use crate::otp::TimeStep;
use crate::seed::Seed;

/// The elements of a key that change no code and forbid nothing.
const HARMLESS: &[&str] =
    &["Issuer", "UserId", "FriendlyName", "KeyReference", "Extensions", "Extension", "KeyProperties"];

/// What stands in a container, in RFC 6030 and in drafts.
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

/// What stands in a package.
const IN_PACKAGE: &[&str] = &["DeviceInfo", "DeviceId", "CryptoModuleInfo", "Key", "Secret", "Extensions", "Extension"];

/// What is there once at most.
const ONCE: &[&str] = &[
    "AlgorithmParameters",
    "Usage",
    "Policy",
    "Issuer",
    "UserId",
    "KeyProfileId",
    "StartDate",
    "ExpiryDate",
    "ResponseFormat",
    "Suite",
    "PlainValue",
    "EncryptedValue",
    "ValueMAC",
    "Value",
    "SerialNo",
    "Manufacturer",
    "Model",
    "DeviceInfo",
    "DeviceId",
    "PINPolicy",
];

/// The attributes of a key that are read, or say nothing of its codes.
const OF_KEY: &[&str] = &["Id", "Algorithm", "KeyId", "KeyAlgorithm", "SecretId", "SecretAlgorithm"];

const THE_KEY: &str = "use the key or password that came with this file";

type Found<T> = Result<T, Fault>;

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
        return Err(Problem::of_file(what, "name the format with --from, or give the PSKC file"));
    }
    if let Some(version) = root.attribute("Version").filter(|version| !is_draft && !matches!(*version, "1.0" | "1")) {
        let what = format!("the file is PSKC of version \"{}\", and 1.0 is read", shown(version));
        return Err(Problem::of_file(what, "ask for the seeds as PSKC 1.0 (RFC 6030), or as CSV"));
    }
    let opened = match (is_encrypted(&root), &options.pskc) {
        (false, _) => None,
        (true, None) => {
            return Err(Problem::of_file(
                LOCKED,
                "name its key with --pskc-key FILE, or its password with --file-password FILE",
            ));
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
            u32::try_from(step)
                .ok()
                .filter(|step| *step <= 86_400)
                .and_then(TimeStep::new)
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

/// Whether what may be there once is there once, in an element and the ones below it that are a single value each.
fn check_once(element: &Element) -> Found<()> {
    if let Some(name) = element.twice(ONCE) {
        return Err(Fault::new(format!("<{name}> is there twice"), "ask for a file that has it once"));
    }
    let inner = element.children.iter().filter(|child| !child.is("Key") && !child.is("Secret") && !child.is("Data"));
    inner.into_iter().try_for_each(check_once)
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

/// A key that is not used yet, or no more.
fn check_dates(of: Option<&Element>) -> Found<()> {
    let Some(of) = of else { return Ok(()) };
    let now = Utc::now();
    for (names, is_end) in [(&["StartDate"][..], false), (&["ExpiryDate", "Expiry"], true)] {
        let Some(found) = of.any(names) else { continue };
        let text = found.text.trim();
        let Some(at) = date(text) else {
            return Err(Fault::unusable(format!("<{}> is no date: \"{}\"", shown(&found.name), shown(text))));
        };
        if is_end && at < now {
            return Err(Fault::forbidden(format!("the key has expired: on {}", at.format("%Y-%m-%d"))));
        }
        if !is_end && at > now {
            return Err(Fault::forbidden(format!("the key is not to be used before {}", at.format("%Y-%m-%d"))));
        }
    }
    Ok(())
}

/// `2037-12-31T00:00:00Z`, and what drafts have: `31/12/2037`, `2037-12-31`.
fn date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    if let Ok(at) = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
        return Some(at.and_utc());
    }
    let day = ["%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%dZ"]
        .iter()
        .find_map(|form| chrono::NaiveDate::parse_from_str(text, form).ok());
    Some(day?.and_hms_opt(0, 0, 0)?.and_utc())
}

/// What a key may be used for (RFC 6030, section 5): what is not known here must be taken as forbidden.
fn check_policy(policy: &Element, notes: &mut Vec<String>) -> Found<()> {
    check_dates(Some(policy))?;
    let mut usages = policy.children_named("KeyUsage").map(|usage| usage.text.trim()).peekable();
    if usages.peek().is_some() && !usages.any(|usage| usage.eq_ignore_ascii_case("OTP")) {
        return Err(Fault::unusable("the key is not to be used for one-time passwords".to_owned()));
    }
    for rule in &policy.children {
        if rule.is("PINPolicy") {
            let mode = rule.attribute("PINUsageMode").unwrap_or_default();
            if !mode.eq_ignore_ascii_case("Local") {
                let what = format!("its codes are used with a PIN (\"{}\"), which no token of these has", shown(mode));
                return Err(Fault::unusable(what));
            }
            notes.push("the key asks for a PIN on the device, and these tokens have none".to_owned());
        } else if !["StartDate", "ExpiryDate", "KeyUsage"].iter().any(|known| rule.is(known)) {
            let what = format!("its policy has <{}>, which is not known or cannot be kept", shown(&rule.name));
            return Err(Fault::forbidden(what));
        }
    }
    Ok(())
}

/// The values of a key: `<Data>` with an element each, or `<Data Name="SECRET">` for each in drafts.
struct Values<'a> {
    found: Vec<(&'a str, &'a Element)>,
    keys: Option<&'a Opened>,
}

impl<'a> Values<'a> {
    fn of(key: &'a Element, keys: Option<&'a Opened>) -> Self {
        let mut found = Vec::new();
        for data in key.children_named("Data") {
            match data.attribute("Name") {
                Some(name) => found.push((name, data)),
                None => found.extend(data.children.iter().map(|value| (value.name.as_str(), value))),
            }
        }
        Self { found, keys }
    }

    /// Whether all values are ones that are read here.
    fn check_names(&self) -> Found<()> {
        let known = ["Secret", "Counter", "Time", "TimeInterval", "TimeDrift", "Time_Interval", "Extensions"];
        match self.found.iter().find(|(name, _)| !known.iter().any(|known| name.eq_ignore_ascii_case(known))) {
            None => Ok(()),
            Some((name, _)) => {
                Err(Fault::unusable(format!("the key has a value <{}>, which is not known", shown(name))))
            }
        }
    }

    fn bytes(&self, name: &str) -> Found<Option<Zeroizing<Vec<u8>>>> {
        let is_named = |found: &str| found.replace('_', "").eq_ignore_ascii_case(name);
        let mut all = self.found.iter().filter(|(found, _)| is_named(found)).map(|(_, element)| *element);
        let Some(value) = all.next() else { return Ok(None) };
        if all.next().is_some() {
            return Err(Fault::new(format!("<{name}> is there twice"), "ask for a file that has it once"));
        }
        check_once(value)?;
        if let Some((attribute, _)) = value.attributes.iter().find(|(found, _)| !found.eq_ignore_ascii_case("Name")) {
            let what = format!("<{name}> has the attribute \"{}\", which is not known", shown(attribute));
            return Err(Fault::new(what, "ask for a file without it"));
        }
        let encrypted = value.child("EncryptedValue");
        let plain = value.child("PlainValue").or_else(|| value.child("Value").filter(|_| encrypted.is_none()));
        let mac = value.any(&["ValueMAC", "ValueDigest"]);
        match (plain, encrypted, self.keys) {
            (Some(value), None, Some(keys)) if value.is("Value") => {
                keys.decrypt(value, mac).map(Some).map_err(|what| Fault::new(what, THE_KEY))
            }
            (Some(plain), None, _) => Ok(Some(plain.compact_text().as_bytes().to_vec().into())).and_then(|text| {
                // A secret is Base64; numbers are read as they stand.
                if name == "Secret" { decoded(text) } else { Ok(text) }
            }),
            (None, Some(value), Some(keys)) => {
                keys.decrypt(value, mac).map(Some).map_err(|what| Fault::new(what, THE_KEY))
            }
            (None, Some(_), None) => {
                Err(Fault::new(format!("<{name}> is encrypted, and the file names no key"), "ask for another file"))
            }
            (Some(_), Some(_), _) => {
                Err(Fault::new(format!("<{name}> is there both plain and encrypted"), "ask for another file"))
            }
            (None, None, _) => Err(Fault::new(format!("<{name}> is empty"), "ask for a file with its value")),
        }
    }

    /// A whole number: decimal, or as some write it, Base64 of its digits or of its bytes; encrypted, its digits or its bytes.
    fn number(&self, name: &str) -> Found<Option<u64>> {
        let Some(bytes) = self.bytes(name)? else { return Ok(None) };
        let no_number = || Fault::new(format!("{name} is no number"), "ask for another file");
        let digits = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.trim().parse::<u64>().ok();
        if let Some(number) = digits(&bytes) {
            return Ok(Some(number));
        }
        let raw = match self.is_plain(name) {
            true => BASE64.decode(&bytes).map(Zeroizing::new).map_err(|_| no_number())?,
            false => bytes,
        };
        if let Some(number) = digits(&raw) {
            return Ok(Some(number));
        }
        if raw.is_empty() || raw.len() > 8 {
            return Err(no_number());
        }
        Ok(Some(raw.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))))
    }

    /// Whether a value is there and not 0: a drift may be negative, have a fraction, or be left empty.
    fn is_other_than_0(&self, name: &str) -> Found<bool> {
        if self.is_plain(name) {
            let text = self.bytes(name)?.unwrap_or_default();
            let text = std::str::from_utf8(&text).unwrap_or_default();
            if let Ok(number) = text.parse::<f64>() {
                return Ok(number != 0.0);
            }
            if text.is_empty() {
                return Ok(false);
            }
        }
        Ok(self.number(name)?.is_some_and(|number| number != 0))
    }

    /// Whether a value is there in plain.
    fn is_plain(&self, name: &str) -> bool {
        let value = self.found.iter().find(|(found, _)| found.replace('_', "").eq_ignore_ascii_case(name));
        value.is_some_and(|(_, value)| {
            value.child("PlainValue").is_some() || (value.child("Value").is_some() && self.keys.is_none())
        })
    }
}

fn decoded(text: Option<Zeroizing<Vec<u8>>>) -> Found<Option<Zeroizing<Vec<u8>>>> {
    let Some(text) = text else { return Ok(None) };
    // Hex and Base32 are Base64 by accident, of another secret: 16 characters or more that are nothing else are no Base64.
    let is_all = |is: fn(&u8) -> bool| text.len() >= 16 && text.iter().all(is);
    if is_all(u8::is_ascii_hexdigit) || is_all(|c| c.is_ascii_uppercase() || matches!(c, b'2'..=b'7' | b'=')) {
        return Err(Fault::new(
            "the secret is hex or Base32",
            "PSKC has Base64 there: ask for a right file, or give the seeds as csv",
        ));
    }
    BASE64
        .decode(&text)
        .map(|bytes| Some(Zeroizing::new(bytes)))
        .map_err(|_| Fault::new("the secret is not Base64", "PSKC has Base64 there"))
}
