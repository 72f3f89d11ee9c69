//! The values of a PSKC key: plain or encrypted, as RFC 6030 and the drafts before it have them.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::problem::Fault;
use super::pskc_crypto::Opened;
use super::shown::shown;
use super::xml::Element;

/// The finding on a key, or why it is not used.
pub(super) type Found<T> = Result<T, Fault>;

const THE_KEY: &str = "use the key or password that came with this file";

/// A value that is there once at most.
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

/// Whether what may be there once is there once, in an element and the ones below it that are a single value each.
pub(super) fn check_once(element: &Element) -> Found<()> {
    if let Some(name) = element.twice(ONCE) {
        return Err(Fault::new(format!("<{name}> is there twice"), "ask for a file that has it once"));
    }
    let inner = element.children.iter().filter(|child| !child.is("Key") && !child.is("Secret") && !child.is("Data"));
    inner.into_iter().try_for_each(check_once)
}

/// The values of a key: `<Data>` with an element each, or `<Data Name="SECRET">` for each in drafts.
pub(super) struct Values<'a> {
    found: Vec<(&'a str, &'a Element)>,
    keys: Option<&'a Opened>,
}

impl<'a> Values<'a> {
    pub(super) fn of(key: &'a Element, keys: Option<&'a Opened>) -> Self {
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
    pub(super) fn check_names(&self) -> Found<()> {
        let known = ["Secret", "Counter", "Time", "TimeInterval", "TimeDrift", "Time_Interval", "Extensions"];
        match self.found.iter().find(|(name, _)| !known.iter().any(|known| name.eq_ignore_ascii_case(known))) {
            None => Ok(()),
            Some((name, _)) => {
                Err(Fault::unusable(format!("the key has a value <{}>, which is not known", shown(name))))
            }
        }
    }

    pub(super) fn bytes(&self, name: &str) -> Found<Option<Zeroizing<Vec<u8>>>> {
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
    pub(super) fn number(&self, name: &str) -> Found<Option<u64>> {
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
    pub(super) fn is_other_than_0(&self, name: &str) -> Found<bool> {
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
    pub(super) fn is_plain(&self, name: &str) -> bool {
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
            "PSKC has Base64 there: ask for a right file, or for the seeds as CSV",
        ));
    }
    BASE64
        .decode(&text)
        .map(|bytes| Some(Zeroizing::new(bytes)))
        .map_err(|_| Fault::new("the secret is not Base64", "PSKC has Base64 there"))
}
