//! Reading PSKC: RFC 6030, and the drafts before it that makers' files still follow.
//!
//! One rule: every element and attribute that can change a code, or forbid a key's use, is read or refused; what is passed over
//! changes neither, and what nobody knows is named.

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use zeroize::Zeroizing;

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
        let what = format!("the file is PSKC of version {}, and 1.0 is read", shown(version));
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
    row.kind = kind;
    owner(package, key, &mut row)?;
    for usage in ["AlgorithmParameters", "Usage"].into_iter().filter_map(|name| key.child(name)) {
        parameters(usage, &mut row, notes)?;
    }
    if values.number("Time")?.is_some_and(|number| number != 0) {
        return Err(Fault::unusable("its codes count from another time than 1970, and no token can be given that"));
    }
    if values.number("TimeDrift")?.is_some_and(|number| number != 0) {
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
        if !is_known.iter().chain(HARMLESS).any(|known| child.is(known)) {
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
        _ => {
            Err(Fault::unusable(format!("the algorithm \"{}\" is neither totp nor hotp", shown(last_part(algorithm)))))
        }
    }
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
        } else if child.is("ChallengeFormat") {
            return Err(Fault::unusable("the key answers challenges, which no token of these can".to_owned()));
        } else {
            notes.push(format!("<{}> is not known and passed over", shown(&child.name)));
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
            return Err(Fault::unusable(format!("the key has expired: on {}", at.format("%Y-%m-%d"))));
        }
        if !is_end && at > now {
            return Err(Fault::unusable(format!("the key is not to be used before {}", at.format("%Y-%m-%d"))));
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
            return Err(Fault::unusable(what));
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
        let digits = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).ok()?.trim();
            // Only a drift is ever negative, and of that it matters alone whether it is 0.
            text.strip_prefix('-').unwrap_or(text).parse::<u64>().ok()
        };
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
    BASE64
        .decode(&text)
        .map(|bytes| Some(Zeroizing::new(bytes)))
        .map_err(|_| Fault::new("the secret is not Base64", "PSKC has Base64 there"))
}
