//! The cryptography of PSKC (RFC 6030, section 6): AES-128-CBC under a pre-shared key or one derived from a password,
//! and HMAC-SHA1 over IV and ciphertext.

use std::sync::OnceLock;

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::xml::Element;

/// AES-128's key and block, in bytes.
const BLOCK: usize = 16;

/// How often a password is hashed when a file is written.
const ITERATIONS: u32 = 100_000;

/// The most that a file may ask for: a larger number would only waste time.
const MAX_ITERATIONS: u32 = 10_000_000;

const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
const HMAC_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
const PBKDF2: &str = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2";

/// What a file is encrypted under, as the user gives it.
pub enum PskcKeys {
    /// A pre-shared AES-128 key, and the MAC key for what is written.
    PreShared(Zeroizing<[u8; BLOCK]>, MacKey),
    /// A password, with the salt and MAC key for what is written, and the key that is derived when it is first needed.
    Password(Zeroizing<String>, [u8; BLOCK], MacKey, OnceLock<Zeroizing<[u8; BLOCK]>>),
}

/// A fresh MAC key.
pub struct MacKey(Zeroizing<[u8; 20]>);

/// Keys that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PskcKeyError {
    /// Neither 16 raw bytes nor 32 hex digits.
    #[error("a PSKC key is 16 raw bytes or 32 hex digits")]
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
    /// A pre-shared key from a file's content: 16 raw bytes or 32 hex digits.
    ///
    /// # Errors
    /// [`PskcKeyError::Key`], [`PskcKeyError::Random`].
    pub fn pre_shared(content: &[u8]) -> Result<Self, PskcKeyError> {
        let mac = MacKey(Zeroizing::new(random()?));
        if let Ok(raw) = <[u8; BLOCK]>::try_from(content) {
            return Ok(Self::PreShared(Zeroizing::new(raw), mac));
        }
        let bytes =
            HEXLOWER_PERMISSIVE.decode(content.trim_ascii()).map(Zeroizing::new).map_err(|_| PskcKeyError::Key)?;
        let raw = <[u8; BLOCK]>::try_from(bytes.as_slice()).map_err(|_| PskcKeyError::Key)?;
        Ok(Self::PreShared(Zeroizing::new(raw), mac))
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
    fn writing_key(&self) -> &[u8; BLOCK] {
        match self {
            Self::PreShared(key, _) => key,
            Self::Password(password, salt, _, derived) => derived.get_or_init(|| {
                let mut key = Zeroizing::new([0; BLOCK]);
                pbkdf2_hmac::<Sha1>(password.as_bytes(), salt, ITERATIONS, key.as_mut_slice());
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
            " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
             xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" \
             xmlns:pkcs5=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#\">\n  \
             <EncryptionKey>{key}</EncryptionKey>\n  <MACMethod Algorithm=\"{HMAC_SHA1}\"><MACKey>{}</MACKey></MACMethod>\n",
            encrypted_value(&mac_key)
        )
    }

    /// A secret as the element that carries it, with its MAC.
    pub(super) fn encrypt(&self, secret: &[u8]) -> Result<Zeroizing<String>, String> {
        let value = encrypt(self.writing_key(), secret).map_err(|error| error.to_string())?;
        let mac = hmac_sha1(self.mac_key()).chain_update(&value).finalize().into_bytes();
        Ok(Zeroizing::new(format!(
            "<EncryptedValue>{}</EncryptedValue><ValueMAC>{}</ValueMAC>",
            encrypted_value(&value),
            BASE64.encode(&mac)
        )))
    }

    /// The keys of a file that is read.
    pub(super) fn open(&self, key: &Element, mac: Option<&Element>) -> Result<Opened, String> {
        let cipher_key = match (self, key.descendant("KeyDerivationMethod")) {
            (Self::PreShared(key, _), None) => key.clone(),
            (Self::Password(password, ..), Some(method)) => derived(password, method)?,
            (Self::PreShared(..), Some(_)) => {
                return Err("the file is encrypted under a password, not a key".to_owned());
            }
            (Self::Password(..), None) => return Err("the file is encrypted under a key, not a password".to_owned()),
        };
        let mac_key = match mac {
            None => None,
            Some(method) => {
                if method.attribute("Algorithm").is_some_and(|algorithm| !algorithm.ends_with("hmac-sha1")) {
                    return Err("the file's MAC is another than HMAC-SHA1".to_owned());
                }
                // A file that is encrypted under one key may leave the MAC key out: it is then the same (section 6.1.1).
                method.child("MACKey").map(|value| decrypt(&cipher_key, value)).transpose()?
            }
        };
        Ok(Opened {
            mac_key: mac_key.or_else(|| Some(Zeroizing::new(cipher_key.to_vec()))).filter(|_| mac.is_some()),
            cipher_key,
        })
    }
}

/// The keys of a file that is being read.
pub struct Opened {
    cipher_key: Zeroizing<[u8; BLOCK]>,
    mac_key: Option<Zeroizing<Vec<u8>>>,
}

impl Opened {
    /// Checks a value's MAC and decrypts it.
    pub(super) fn decrypt(&self, value: &Element, mac: Option<&Element>) -> Result<Zeroizing<Vec<u8>>, String> {
        if let Some(key) = &self.mac_key {
            let expected = mac.ok_or("a secret has no MAC, though the file names one")?;
            let expected = BASE64.decode(expected.compact_text().as_bytes()).map_err(|_| "a MAC is not base64")?;
            let bytes = cipher_value(value)?;
            hmac_sha1(key)
                .chain_update(&bytes)
                .verify_slice(&expected)
                .map_err(|_| "a secret's MAC is wrong: another key, or a damaged file")?;
        }
        decrypt(&self.cipher_key, value)
    }
}

fn hmac_sha1(key: &[u8]) -> Hmac<Sha1> {
    // HMAC takes keys of any length (RFC 2104, section 3): a default key never comes about.
    Hmac::<Sha1>::new_from_slice(key).unwrap_or_else(|_| Hmac::<Sha1>::new(&Default::default()))
}

fn derived(password: &str, method: &Element) -> Result<Zeroizing<[u8; BLOCK]>, String> {
    let text = |name: &str| method.descendant(name).map(Element::compact_text);
    let salt = text("Specified").or_else(|| text("Salt")).ok_or("the key derivation has no salt")?;
    let salt = BASE64.decode(salt.as_bytes()).map_err(|_| "the salt is not base64")?;
    let iterations =
        text("IterationCount").and_then(|count| count.parse::<u32>().ok()).ok_or("there is no iteration count")?;
    if !(1..=MAX_ITERATIONS).contains(&iterations) {
        return Err(format!("the file asks for {iterations} iterations, {MAX_ITERATIONS} at most"));
    }
    if text("KeyLength").is_some_and(|length| length.as_str() != "16") {
        return Err("the derived key is no key of AES-128".to_owned());
    }
    let prf =
        method.descendant("PRF").and_then(|prf| prf.attribute("Algorithm")).unwrap_or("hmac-sha1").to_ascii_lowercase();
    let mut key = Zeroizing::new([0; BLOCK]);
    if prf.ends_with("sha1") {
        pbkdf2_hmac::<Sha1>(password.as_bytes(), &salt, iterations, key.as_mut_slice());
    } else if prf.ends_with("sha256") {
        pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, key.as_mut_slice());
    } else {
        return Err("the key derivation uses a function that is not known".to_owned());
    }
    Ok(key)
}

/// IV and ciphertext as XML encryption has them.
fn encrypted_value(bytes: &[u8]) -> String {
    format!(
        "<xenc:EncryptionMethod Algorithm=\"{AES128_CBC}\"/><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>",
        BASE64.encode(bytes)
    )
}

fn cipher_value(value: &Element) -> Result<Vec<u8>, String> {
    if let Some(method) = value.child("EncryptionMethod").and_then(|method| method.attribute("Algorithm"))
        && method != AES128_CBC
    {
        return Err("a value is encrypted with another cipher than AES-128-CBC".to_owned());
    }
    let text = value.descendant("CipherValue").ok_or("an encrypted value is empty")?.compact_text();
    BASE64.decode(text.as_bytes()).map_err(|_| "an encrypted value is not base64".to_owned())
}

fn decrypt(key: &[u8; BLOCK], value: &Element) -> Result<Zeroizing<Vec<u8>>, String> {
    let bytes = cipher_value(value)?;
    let (iv, body) = bytes.split_first_chunk::<BLOCK>().ok_or("an encrypted value is too short")?;
    Decryptor::<Aes128>::new(key.into(), iv.into())
        .decrypt_padded_vec::<Pkcs7>(body)
        .map(Zeroizing::new)
        .map_err(|_| "a value cannot be decrypted: another key, or a damaged file".to_owned())
}

fn encrypt(key: &[u8; BLOCK], plain: &[u8]) -> Result<Vec<u8>, PskcKeyError> {
    let iv: [u8; BLOCK] = random()?;
    let mut bytes = iv.to_vec();
    bytes.extend(Encryptor::<Aes128>::new(key.into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(plain));
    Ok(bytes)
}
