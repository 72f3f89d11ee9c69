//! Sealed seeds: encrypted with `age` to a recipient, so that whoever seals them cannot open them again.
//!
//! The sealed content is a row of the `csv` format with its header: `age --decrypt` shows it to the identity's holder.

use std::io::{Cursor, Read, Write};
use std::str::FromStr;

use age::secrecy::{ExposeSecret, SecretString};
use age::{DecryptError, Decryptor, Encryptor, x25519};
use zeroize::Zeroizing;

use super::fingerprint::FingerprintKey;
use super::token::TokenRecord;
use crate::seed::SecretEncoding;
use crate::seedfile::{ReadOptions, Row, Source, csv};

/// Why something could not be sealed or opened. No message repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The recipient is none.
    #[error("that is not an age recipient: one begins with age1")]
    Recipient,
    /// A file holds no identity.
    #[error("the file holds no age identity (AGE-SECRET-KEY-1…)")]
    NoIdentity,
    /// The identity is locked, and the passphrase is another.
    #[error("the passphrase does not open the identity")]
    Passphrase,
    /// None of the identities opens this.
    #[error("the identity does not open it: it was sealed to another recipient")]
    OtherRecipient,
    /// The opened content is no seed.
    #[error("what was sealed is not a seed")]
    Content,
    /// The inventory keeps no sealed seed of the token.
    #[error("the inventory keeps no sealed seed of this token")]
    NotKept,
    /// The opened seed belongs to another token.
    #[error("the sealed seed in this token's record belongs to another token: {0}")]
    OtherToken(String),
    /// The opened customer key belongs to another device.
    #[error("the sealed customer key in this device's record belongs to another device: {0}")]
    OtherDevice(String),
    /// The opened seed is not the one on record.
    #[error("the sealed seed in this token's record is not the seed that was burned")]
    OtherSeed,
    /// The opened credential is another server's, or this one's at another address.
    #[error(
        "what was sealed is not the credential of this server at this address: somebody or something has changed its record"
    )]
    OtherServer,
    /// An identity's file is cut off or changed.
    #[error("the identity file is damaged")]
    Damaged,
    /// Sealing failed.
    #[error("the seed could not be sealed: {0}")]
    Failed(String),
}

/// The opener of sealed seeds.
pub struct Identity(Vec<x25519::Identity>);

impl Identity {
    /// Whether the content of an identity file is locked with a passphrase.
    #[must_use]
    pub fn is_locked(content: &[u8]) -> bool {
        content.starts_with(b"age-encryption.org/") || content.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
    }

    /// The identities in the content of a file that is not locked.
    ///
    /// # Errors
    /// [`SealError::NoIdentity`].
    pub fn parse(content: &[u8]) -> Result<Self, SealError> {
        let text = std::str::from_utf8(content).map_err(|_| SealError::NoIdentity)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let identities: Result<Vec<_>, _> = lines.map(x25519::Identity::from_str).collect();
        match identities {
            Ok(identities) if !identities.is_empty() => Ok(Self(identities)),
            _ => Err(SealError::NoIdentity),
        }
    }

    /// The identities in the content of a file that is locked with a passphrase.
    ///
    /// # Errors
    /// [`SealError::Passphrase`], [`SealError::Damaged`] and [`SealError::NoIdentity`].
    pub fn unlock(content: &[u8], passphrase: &str) -> Result<Self, SealError> {
        let key = age::scrypt::Identity::new(SecretString::from(passphrase.to_owned()));
        let text = decrypt(content, std::iter::once(&key as &dyn age::Identity)).map_err(|why| match why {
            Undecrypted::Key => SealError::Passphrase,
            Undecrypted::Content => SealError::Damaged,
        })?;
        Self::parse(&text)
    }

    /// The recipients that go with it.
    #[must_use]
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().map(|identity| identity.to_public().to_string()).collect()
    }
}

/// A recipient as it is kept, if the text is one.
///
/// # Errors
/// [`SealError::Recipient`].
pub fn parse_recipient(text: &str) -> Result<String, SealError> {
    let recipient = x25519::Recipient::from_str(text.trim()).map_err(|_| SealError::Recipient)?;
    Ok(recipient.to_string())
}

/// A new identity: its recipient, and the content of an `age` file that the passphrase opens.
///
/// # Errors
/// [`SealError::Failed`].
pub fn new_locked_identity(passphrase: &str) -> Result<(String, Vec<u8>), SealError> {
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let text = Zeroizing::new(format!("# public key: {recipient}\n{}\n", identity.to_string().expose_secret()));
    let lock = Encryptor::with_user_passphrase(SecretString::from(passphrase.to_owned()));
    Ok((recipient, encrypt(lock, text.as_bytes())?))
}

/// Seals a row to recipients.
///
/// # Errors
/// [`SealError::Recipient`] and [`SealError::Failed`].
pub fn seal(row: &Row, recipients: &[String]) -> Result<Vec<u8>, SealError> {
    let text = csv::file_of(row).map_err(SealError::Failed)?;
    seal_bytes(text.as_bytes(), recipients)
}

/// Opens the newest sealed seed of a token, and holds it against the record that it was found in: whoever can write the
/// inventory could have put another one there.
///
/// # Errors
/// [`SealError::NotKept`], [`SealError::OtherToken`], [`SealError::OtherSeed`], and those of `open`.
pub fn open_of(token: &TokenRecord, key: &FingerprintKey, identity: &Identity) -> Result<Row, SealError> {
    let (sealed, seed) = token.held_sealed().ok_or(SealError::NotKept)?;
    let row = open(sealed, identity)?;
    let inside = row.serial.as_deref().unwrap_or_default().trim();
    if inside != token.key.serial {
        return Err(SealError::OtherToken(inside.to_owned()));
    }
    if seed != Some(key.of(&row.seed)) {
        return Err(SealError::OtherSeed);
    }
    Ok(row)
}

/// Opens a sealed row, whatever token it is of.
///
/// # Errors
/// [`SealError::OtherRecipient`] and [`SealError::Content`].
pub fn open(sealed: &[u8], identity: &Identity) -> Result<Row, SealError> {
    let mut text = open_bytes(sealed, identity)?;
    let source = Source::new(Cursor::new(std::mem::take(&mut *text))).map_err(|_| SealError::Content)?;
    // A short secret in Base32 can look like hex.
    let options = ReadOptions { secret_encoding: Some(SecretEncoding::Base32), ..ReadOptions::default() };
    let rows = (csv::FORMAT.read)(source, &options).map_err(|_| SealError::Content)?;
    rows.into_iter().next().and_then(Result::ok).ok_or(SealError::Content)
}

/// Seals bytes to recipients.
///
/// # Errors
/// [`SealError::Recipient`] and [`SealError::Failed`].
pub(super) fn seal_bytes(content: &[u8], recipients: &[String]) -> Result<Vec<u8>, SealError> {
    let parsed = recipients.iter().map(|text| x25519::Recipient::from_str(text).map_err(|_| SealError::Recipient));
    let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
    let to = Encryptor::with_recipients(parsed.iter().map(|recipient| recipient as &dyn age::Recipient));
    encrypt(to.map_err(|_| SealError::Recipient)?, content)
}

/// Opens sealed bytes.
///
/// # Errors
/// [`SealError::OtherRecipient`] and [`SealError::Content`].
pub(super) fn open_bytes(sealed: &[u8], identity: &Identity) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let identities = identity.0.iter().map(|identity| identity as &dyn age::Identity);
    decrypt(sealed, identities).map_err(|why| match why {
        Undecrypted::Key => SealError::OtherRecipient,
        Undecrypted::Content => SealError::Content,
    })
}

fn encrypt(to: Encryptor, content: &[u8]) -> Result<Vec<u8>, SealError> {
    let failed = |error: std::io::Error| SealError::Failed(error.to_string());
    let mut sealed = Vec::new();
    let mut writer = to.wrap_output(&mut sealed).map_err(failed)?;
    writer.write_all(content).and_then(|()| writer.finish()).map_err(failed)?;
    Ok(sealed)
}

/// Why something was not decrypted.
enum Undecrypted {
    /// None of the keys opens it.
    Key,
    /// It is cut off or changed.
    Content,
}

fn decrypt<'a>(
    sealed: &[u8],
    identities: impl Iterator<Item = &'a dyn age::Identity>,
) -> Result<Zeroizing<Vec<u8>>, Undecrypted> {
    let opened = Decryptor::new_buffered(age::armor::ArmoredReader::new(sealed)).map_err(|_| Undecrypted::Content)?;
    let mut reader = opened.decrypt(identities).map_err(|error| match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            Undecrypted::Key
        }
        _ => Undecrypted::Content,
    })?;
    // Reserved ahead, so that no shorter copy is left behind by growth.
    let mut content = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut content).map_err(|_| Undecrypted::Content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn row() -> Row {
        let mut row = Row::of_seed(Seed::from_bytes(b"a seed of 20 bytes..".to_vec()).unwrap());
        row.serial = Some("86596120001234".to_owned());
        row.user = Some("ada@example.org".to_owned());
        row
    }

    #[test]
    fn a_row_sealed_to_a_recipient_is_opened_by_its_identity_and_by_no_other() {
        let (one, other) = (x25519::Identity::generate(), x25519::Identity::generate());
        let sealed = seal(&row(), &[one.to_public().to_string()]).unwrap();
        assert!(!sealed.windows(20).any(|window| window == b"a seed of 20 bytes.."));
        let opened = open(&sealed, &Identity(vec![one])).unwrap();
        assert_eq!((opened.seed, opened.serial, opened.user), (row().seed, row().serial, row().user));
        assert_eq!(open(&sealed, &Identity(vec![other])).unwrap_err(), SealError::OtherRecipient);
    }

    #[test]
    fn a_new_identity_is_locked_with_its_passphrase() {
        let (recipient, file) = new_locked_identity("correct horse").unwrap();
        assert!(Identity::is_locked(&file));
        assert_eq!(Identity::unlock(&file, "wrong horse").err(), Some(SealError::Passphrase));
        let identity = Identity::unlock(&file, "correct horse").unwrap();
        let recipients = [recipient];
        assert_eq!(identity.recipients(), recipients);
        let sealed = seal(&row(), &recipients).unwrap();
        assert_eq!(open(&sealed, &identity).unwrap().seed, row().seed);
    }

    #[test]
    fn what_is_no_recipient_or_identity_is_refused_without_repeating_it() {
        assert_eq!(parse_recipient("age1nothing"), Err(SealError::Recipient));
        assert_eq!(Identity::parse(b"JBSWY3DPEHPK3PXP").err(), Some(SealError::NoIdentity));
        assert_eq!(Identity::parse(b"# only a comment\n").err(), Some(SealError::NoIdentity));
    }
}
