//! The cryptography of PSKC (RFC 6030, section 6): AES in CBC mode under a pre-shared key or one derived from a password, and an
//! HMAC over IV and ciphertext.

use std::sync::OnceLock;

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::shown::shown;
use super::xml::Element;

/// AES's block, and the key of a file that is written under a password, in bytes.
const BLOCK: usize = 16;

/// The keys of AES, in bytes.
const KEY_SIZES: [usize; 3] = [16, 24, 32];

/// How often a password is hashed when a file is written.
const ITERATIONS: u32 = 100_000;

/// The most that a file may ask for: a larger number would only waste time.
const MAX_ITERATIONS: u32 = 10_000_000;

const XMLENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const HMAC_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
const PBKDF2: &str = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2";

/// A key of AES.
pub type CipherKey = Zeroizing<Vec<u8>>;

/// The key that a file is encrypted under, as the user supplies it.
#[derive(Clone)]
pub enum PskcKeys {
    /// A pre-shared AES key, and the MAC key for what is written.
    PreShared(CipherKey, MacKey),
    /// A password, with the salt and MAC key for what is written, and the key that is derived when it is first needed.
    Password(Zeroizing<String>, [u8; BLOCK], MacKey, OnceLock<CipherKey>),
}

/// A fresh MAC key.
#[derive(Clone)]
pub struct MacKey(Zeroizing<[u8; 20]>);

/// Keys that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PskcKeyError {
    /// No key of AES.
    #[error("a PSKC key is 16, 24 or 32 bytes: raw, in hex or in Base64")]
    Key,
    /// An empty password.
    #[error("the password is empty")]
    EmptyPassword,
    /// The system's random generator failed.
    #[error("the system's random generator failed")]
    Random,
}

fn random<const N: usize>() -> Result<[u8; N], PskcKeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| PskcKeyError::Random)?;
    Ok(bytes)
}

impl PskcKeys {
    /// A pre-shared key from a file's content: hex or Base64, with blanks, dashes, colons, `0x` or a byte order mark; else the raw
    /// bytes.
    ///
    /// # Errors
    /// [`PskcKeyError::Key`], [`PskcKeyError::Random`].
    pub fn pre_shared(content: &[u8]) -> Result<Self, PskcKeyError> {
        let mac = MacKey(Zeroizing::new(random()?));
        let text = std::str::from_utf8(content).ok().and_then(key_of_text);
        let raw = || Some(Zeroizing::new(content.to_vec())).filter(|raw| KEY_SIZES.contains(&raw.len()));
        text.or_else(raw).map(|key| Self::PreShared(key, mac)).ok_or(PskcKeyError::Key)
    }

    /// A password.
    ///
    /// # Errors
    /// [`PskcKeyError::EmptyPassword`], [`PskcKeyError::Random`].
    pub fn password(password: Zeroizing<String>) -> Result<Self, PskcKeyError> {
        if password.is_empty() {
            return Err(PskcKeyError::EmptyPassword);
        }
        Ok(Self::Password(password, random()?, MacKey(Zeroizing::new(random()?)), OnceLock::new()))
    }

    fn mac_key(&self) -> &[u8] {
        match self {
            Self::PreShared(_, mac) | Self::Password(_, _, mac, _) => mac.0.as_slice(),
        }
    }

    /// The key that values are written under.
    fn writing_key(&self) -> &[u8] {
        match self {
            Self::PreShared(key, _) => key,
            Self::Password(password, salt, _, derived) => derived.get_or_init(|| {
                let mut key = Zeroizing::new(vec![0; BLOCK]);
                pbkdf2_hmac::<Sha1>(password.as_bytes(), salt, ITERATIONS, &mut key);
                key
            }),
        }
    }

    /// The container's attributes and what stands in front of the first package.
    pub(super) fn header(&self) -> String {
        let key = match self {
            Self::PreShared(..) => "<ds:KeyName>Pre-shared-key</ds:KeyName>".to_owned(),
            Self::Password(_, salt, ..) => format!(
                "<xenc11:DerivedKey><xenc11:KeyDerivationMethod Algorithm=\"{PBKDF2}\"><pkcs5:PBKDF2-params>\
                 <Salt><Specified>{}</Specified></Salt><IterationCount>{ITERATIONS}</IterationCount>\
                 <KeyLength>{BLOCK}</KeyLength></pkcs5:PBKDF2-params></xenc11:KeyDerivationMethod></xenc11:DerivedKey>",
                BASE64.encode(salt)
            ),
        };
        let mac_key = encrypt(self.writing_key(), self.mac_key()).unwrap_or_default();
        format!(
            " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:xenc=\"{XMLENC}\" \
             xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" \
             xmlns:pkcs5=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#\">\n  \
             <EncryptionKey>{key}</EncryptionKey>\n  <MACMethod Algorithm=\"{HMAC_SHA1}\"><MACKey>{}</MACKey></MACMethod>\n",
            self.encrypted_value(&mac_key)
        )
    }

    /// A secret as the element that carries it, with its MAC.
    pub(super) fn encrypt(&self, secret: &[u8]) -> Result<Zeroizing<String>, String> {
        let value = encrypt(self.writing_key(), secret).map_err(|error| error.to_string())?;
        let mac = keyed::<Hmac<Sha1>>(self.mac_key()).chain_update(&value).finalize().into_bytes();
        Ok(Zeroizing::new(format!(
            "<EncryptedValue>{}</EncryptedValue><ValueMAC>{}</ValueMAC>",
            self.encrypted_value(&value),
            BASE64.encode(&mac)
        )))
    }

    /// IV and ciphertext as XML encryption has them.
    fn encrypted_value(&self, bytes: &[u8]) -> String {
        let bits = 8 * self.writing_key().len();
        format!(
            "<xenc:EncryptionMethod Algorithm=\"{XMLENC}aes{bits}-cbc\"/><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue>\
             </xenc:CipherData>",
            BASE64.encode(bytes)
        )
    }

    /// The keys of a container that is read.
    pub(super) fn open(&self, root: &Element) -> Result<Opened, String> {
        let key = root.any(&["EncryptionKey", "EncryptionMethod"]);
        let derivation = key.and_then(|key| key.descendant("KeyDerivationMethod"));
        let is_pbe = key
            .and_then(|key| key.attribute("Algorithm"))
            .is_some_and(|name| name.get(..3).is_some_and(|front| front.eq_ignore_ascii_case("pbe")));
        if is_pbe {
            return Err(
                "the file is encrypted with a method of the drafts before RFC 6030, which is not read".to_owned()
            );
        }
        let cipher_key = match (self, derivation) {
            (Self::PreShared(key, _), None) => key.clone(),
            (Self::Password(password, ..), Some(method)) => derived(password, method)?,
            (Self::PreShared(..), Some(_)) => {
                return Err("the file is encrypted under a password, not a key".to_owned());
            }
            (Self::Password(..), None) => return Err("the file is encrypted under a key, not a password".to_owned()),
        };
        let method = key.and_then(|key| key.attribute("Algorithm")).map(str::to_owned);
        let iv = key.and_then(|key| key.descendant("IV")).map(|iv| decoded(iv, "the IV")).transpose()?;
        let mut opened = Opened { cipher_key, method, iv: iv.map(|iv| iv.to_vec()), mac: None };
        opened.mac = match root.any(&["MACMethod", "DigestMethod"]) {
            None => None,
            Some(element) => {
                let method = MacMethod::of_name(element.attribute("Algorithm").unwrap_or(HMAC_SHA1))?;
                // A file that is encrypted under one key may leave the MAC key out: it is then the same (section 6.1.1).
                let key = element.child("MACKey").map(|value| opened.decrypt_unchecked(value)).transpose()?;
                Some((method, key.unwrap_or_else(|| opened.cipher_key.clone())))
            }
        };
        Ok(opened)
    }
}

/// Whether a container has values that must be decrypted.
pub(super) fn is_encrypted(root: &Element) -> bool {
    let method = root.any(&["EncryptionMethod", "EncryptionKey"]).and_then(|method| method.attribute("Algorithm"));
    root.descendant("EncryptedValue").is_some() || method.is_some_and(|method| !method.eq_ignore_ascii_case("none"))
}

/// The last part of an algorithm's identifier, which is its name.
pub(super) fn last_part(identifier: &str) -> &str {
    identifier.rsplit(['#', ':', '/']).next().unwrap_or_default()
}

/// A key as text.
fn key_of_text(text: &str) -> Option<CipherKey> {
    let text = text.trim_start_matches('\u{FEFF}').trim();
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let hex: Zeroizing<String> =
        Zeroizing::new(hex.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | ':')).collect());
    let base64: Zeroizing<String> = Zeroizing::new(text.split_whitespace().collect());
    let decoded = [HEXLOWER_PERMISSIVE.decode(hex.as_bytes()), BASE64.decode(base64.as_bytes())];
    decoded.into_iter().flatten().map(Zeroizing::new).find(|key| KEY_SIZES.contains(&key.len()))
}

/// The keys of a file's MACs.
#[derive(Clone, Copy)]
enum MacMethod {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl MacMethod {
    fn of_name(name: &str) -> Result<Self, String> {
        match last_part(name).to_ascii_lowercase().as_str() {
            "hmac-sha1" => Ok(Self::Sha1),
            "hmac-sha224" => Ok(Self::Sha224),
            "hmac-sha256" => Ok(Self::Sha256),
            "hmac-sha384" => Ok(Self::Sha384),
            "hmac-sha512" => Ok(Self::Sha512),
            other => Err(format!("the file's MAC is \"{}\", and HMAC with SHA-1 or SHA-2 is read", shown(other))),
        }
    }

    fn is_right(self, key: &[u8], bytes: &[u8], expected: &[u8]) -> bool {
        match self {
            Self::Sha1 => keyed::<Hmac<Sha1>>(key).chain_update(bytes).verify_slice(expected).is_ok(),
            Self::Sha224 => keyed::<Hmac<Sha224>>(key).chain_update(bytes).verify_slice(expected).is_ok(),
            Self::Sha384 => keyed::<Hmac<Sha384>>(key).chain_update(bytes).verify_slice(expected).is_ok(),
            Self::Sha256 => keyed::<Hmac<Sha256>>(key).chain_update(bytes).verify_slice(expected).is_ok(),
            Self::Sha512 => keyed::<Hmac<Sha512>>(key).chain_update(bytes).verify_slice(expected).is_ok(),
        }
    }
}

/// The keys of a file that is being read.
pub struct Opened {
    cipher_key: CipherKey,
    /// The cipher's name, where it is not with each value.
    method: Option<String>,
    /// The IV of all values, where it is not in front of each.
    iv: Option<Vec<u8>>,
    mac: Option<(MacMethod, Zeroizing<Vec<u8>>)>,
}

impl Opened {
    /// Whether the file has MACs, which tell a wrong key.
    pub(super) fn checks(&self) -> bool {
        self.mac.is_some()
    }

    /// Checks a value's MAC and decrypts it.
    pub(super) fn decrypt(&self, value: &Element, mac: Option<&Element>) -> Result<Zeroizing<Vec<u8>>, String> {
        match (&self.mac, mac) {
            (Some((method, key)), Some(mac)) => {
                let expected = decoded(mac, "a MAC")?;
                if !method.is_right(key, &self.cipher_value(value)?, &expected) {
                    return Err("a value's MAC is wrong: another key, or a damaged file".to_owned());
                }
            }
            (Some(_), None) => return Err("a value has no MAC, though the file names one".to_owned()),
            (None, Some(_)) => return Err("a value has a MAC, and the file does not say of which kind".to_owned()),
            (None, None) => {}
        }
        self.decrypt_unchecked(value)
    }

    /// The content of the MAC: IV and ciphertext as they are.
    fn cipher_value(&self, value: &Element) -> Result<Zeroizing<Vec<u8>>, String> {
        let method = value.child("EncryptionMethod").and_then(|method| {
            let scheme = method.descendant("EncryptionScheme").and_then(|scheme| scheme.attribute("Algorithm"));
            scheme.or_else(|| method.attribute("Algorithm"))
        });
        let bits = 8 * self.cipher_key.len();
        if let Some(method) = method.or(self.method.as_deref()) {
            let name = last_part(method).to_ascii_lowercase();
            match name.strip_prefix("aes").and_then(|rest| rest.strip_suffix("-cbc")) {
                Some(wanted) if wanted == bits.to_string() => {}
                Some(wanted @ ("128" | "192" | "256")) => {
                    return Err(format!("the file is encrypted under a key of {wanted} bits, and this one has {bits}"));
                }
                _ => {
                    return Err(format!("a value is encrypted with \"{}\", and AES in CBC mode is read", shown(&name)));
                }
            }
        }
        decoded(value.descendant("CipherValue").unwrap_or(value), "an encrypted value")
    }

    fn decrypt_unchecked(&self, value: &Element) -> Result<Zeroizing<Vec<u8>>, String> {
        let bytes = self.cipher_value(value)?;
        let (iv, body) = match &self.iv {
            Some(iv) => (iv.as_slice(), bytes.as_slice()),
            None => bytes.split_at_checked(BLOCK).ok_or("an encrypted value is too short")?,
        };
        decrypt(&self.cipher_key, iv, body)
            .map(Zeroizing::new)
            .ok_or_else(|| "a value cannot be decrypted: another key, or a damaged file".to_owned())
    }
}

fn decoded(element: &Element, what: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let decoded = BASE64.decode(element.compact_text().as_bytes()).map(Zeroizing::new);
    decoded.map_err(|_| format!("{what} is not Base64"))
}

/// A MAC under a key. HMAC takes keys of any length (RFC 2104, section 3): a default key never comes about.
fn keyed<M: Mac + KeyInit>(key: &[u8]) -> M {
    <M as KeyInit>::new_from_slice(key).unwrap_or_else(|_| M::new(&Default::default()))
}

fn derived(password: &str, method: &Element) -> Result<CipherKey, String> {
    let text = |name: &str| method.descendant(name).map(Element::compact_text);
    let salt =
        method.descendant("Specified").or_else(|| method.descendant("Salt")).ok_or("the key derivation has no salt")?;
    let salt = decoded(salt, "the salt")?;
    let iterations =
        text("IterationCount").and_then(|count| count.parse::<u32>().ok()).ok_or("there is no iteration count")?;
    if !(1..=MAX_ITERATIONS).contains(&iterations) {
        return Err(format!("the file asks for {iterations} iterations, {MAX_ITERATIONS} at most"));
    }
    let length = match text("KeyLength") {
        None => BLOCK,
        Some(length) => length
            .parse()
            .ok()
            .filter(|length| KEY_SIZES.contains(length))
            .ok_or_else(|| format!("a derived key of {} bytes is none of AES", shown(&length)))?,
    };
    let prf =
        method.descendant("PRF").and_then(|prf| prf.attribute("Algorithm")).unwrap_or("hmac-sha1").to_ascii_lowercase();
    let mut key = Zeroizing::new(vec![0; length]);
    if prf.ends_with("sha1") {
        pbkdf2_hmac::<Sha1>(password.as_bytes(), &salt, iterations, &mut key);
    } else if prf.ends_with("sha256") {
        pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, &mut key);
    } else if prf.ends_with("sha512") {
        pbkdf2_hmac::<Sha512>(password.as_bytes(), &salt, iterations, &mut key);
    } else {
        return Err(format!("the key derivation uses \"{}\", which is not known", shown(&prf)));
    }
    Ok(key)
}

fn decrypt(key: &[u8], iv: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => Decryptor::<Aes128>::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(body).ok(),
        24 => Decryptor::<Aes192>::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(body).ok(),
        _ => Decryptor::<Aes256>::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(body).ok(),
    }
}

fn encrypt(key: &[u8], plain: &[u8]) -> Result<Vec<u8>, PskcKeyError> {
    let iv: [u8; BLOCK] = random()?;
    let encrypted = match key.len() {
        16 => Encryptor::<Aes128>::new_from_slices(key, &iv).map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(plain)),
        24 => Encryptor::<Aes192>::new_from_slices(key, &iv).map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(plain)),
        _ => Encryptor::<Aes256>::new_from_slices(key, &iv).map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(plain)),
    };
    let mut bytes = iv.to_vec();
    bytes.extend(encrypted.map_err(|_| PskcKeyError::Key)?);
    Ok(bytes)
}
