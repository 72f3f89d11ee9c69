//! The cryptography of authenticators' encrypted exports: Aegis (scrypt and AES-256-GCM) and 2FAS (PBKDF2 and AES-256-GCM).

use aes_gcm::aead::Aead;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use pbkdf2::pbkdf2_hmac;
use serde_json::Value;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes that were decrypted.
pub type Plain = Zeroizing<Vec<u8>>;

const WRONG: &str = "the password is another one, or the file is damaged";
const BROKEN: &str = "the export's encryption is not of the kind that its program writes";

/// How often 2FAS hashes a password.
const TWOFAS_ITERATIONS: u32 = 10_000;

/// The most work that a file may ask for: Aegis has 2^15 rounds with r = 8 and p = 1.
const MAX_SCRYPT: u64 = 1 << 24;

/// The database of an encrypted Aegis export.
///
/// # Errors
/// The fault, without anything of the file.
pub fn aegis(root: &Value, password: &str) -> Result<Plain, &'static str> {
    let slots = root.pointer("/header/slots").and_then(Value::as_array).ok_or(BROKEN)?;
    let db = BASE64.decode(root.get("db").and_then(Value::as_str).ok_or(BROKEN)?.as_bytes()).map_err(|_| BROKEN)?;
    // Slots of the type 1 open with a password; others with the telephone.
    let mut by_password = slots.iter().filter(|slot| slot.get("type").and_then(Value::as_u64) == Some(1)).peekable();
    by_password.peek().ok_or("no slot of the export opens with a password")?;
    let master = by_password.find_map(|slot| open_slot(slot, password)).ok_or(WRONG)?;
    let params = root.pointer("/header/params").ok_or(BROKEN)?;
    let (nonce, tag) = (hex(params, "nonce").ok_or(BROKEN)?, hex(params, "tag").ok_or(BROKEN)?);
    decrypt(&master, &nonce, &[db, tag].concat()).ok_or(WRONG)
}

/// The master key in a slot.
fn open_slot(slot: &Value, password: &str) -> Option<Plain> {
    let number = |name: &str| slot.get(name).and_then(Value::as_u64);
    let (n, r, p) = (number("n")?, u32::try_from(number("r")?).ok()?, u32::try_from(number("p")?).ok()?);
    let is_bounded = n.is_power_of_two() && n.saturating_mul(r.into()).saturating_mul(p.into()) <= MAX_SCRYPT;
    let log_n = u8::try_from(n.checked_ilog2()?).ok().filter(|_| is_bounded)?;
    let params = scrypt::Params::new(log_n, r, p, 32).ok()?;
    let mut key = Zeroizing::new(vec![0; 32]);
    scrypt::scrypt(password.as_bytes(), &hex(slot, "salt")?, &params, &mut key).ok()?;
    let key_params = slot.get("key_params")?;
    decrypt(&key, &hex(key_params, "nonce")?, &[hex(slot, "key")?, hex(key_params, "tag")?].concat())
}

/// The services of an encrypted 2FAS backup: `data:salt:iv`, each Base64.
///
/// # Errors
/// The fault, without anything of the file.
pub fn twofas(services: &str, password: &str) -> Result<Plain, &'static str> {
    let parts: Vec<Vec<u8>> =
        services.split(':').map(|part| BASE64.decode(part.as_bytes())).collect::<Result<_, _>>().map_err(|_| BROKEN)?;
    let [data, salt, iv] = parts.as_slice() else { return Err(BROKEN) };
    let mut key = Zeroizing::new(vec![0; 32]);
    pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, TWOFAS_ITERATIONS, &mut key);
    decrypt(&key, iv, data).ok_or(WRONG)
}

fn hex(of: &Value, name: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(of.get(name)?.as_str()?.as_bytes()).ok()
}

/// AES-256-GCM with the tag behind the text.
fn decrypt(key: &[u8], nonce: &[u8], data: &[u8]) -> Option<Plain> {
    let cipher = Aes256Gcm::new_from_slice(key).ok()?;
    let nonce = <[u8; 12]>::try_from(nonce).ok()?;
    cipher.decrypt(Nonce::from_slice(&nonce), data).ok().map(Zeroizing::new)
}
