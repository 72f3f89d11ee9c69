//! Customer keys of devices, sealed: what opens a device that has one of its own, and cannot be read back from it.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Kept;
use super::fingerprint::Fingerprint;
use super::seal::{Identity, SealError, open_bytes, seal_bytes};
use crate::time::UnixTime;

/// A key that a device has, or was about to get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceKey {
    /// The device's serial.
    pub serial: String,
    /// The key's fingerprint.
    pub key: Fingerprint,
    /// The key as its owner typed it, sealed to the inventory's recipients.
    pub sealed: Vec<u8>,
    /// When it was kept, which is before the device got it.
    pub at: UnixTime,
    /// When the device last accepted it; `None` as long as it is not known to have it.
    pub proved: Option<UnixTime>,
}

impl DeviceKey {
    /// The keys of a device with one that it is about to get: none of before is forgotten, because it may keep that.
    #[must_use]
    pub fn with_new(known: &[Self], new: Self) -> Vec<Self> {
        let others = known.iter().filter(|known| known.key != new.key).cloned();
        std::iter::once(new.clone()).chain(others).collect()
    }

    /// The keys of a device that has accepted one of them: those of before are not its own any more. `None` where nothing changes that
    /// is worth a record.
    #[must_use]
    pub fn with_accepted(known: &[Self], accepted: &Fingerprint, at: UnixTime) -> Option<Vec<Self>> {
        let its_own = known.iter().find(|known| known.key == *accepted)?;
        let is_settled = known.len() == 1 && its_own.proved.is_some();
        // A later one waits for the device's button still.
        let later = known.iter().filter(|known| known.at > its_own.at && known.proved.is_none()).cloned();
        let proved = Self { proved: Some(at), ..its_own.clone() };
        (!is_settled).then(|| later.chain([proved]).collect())
    }
}

/// The customer keys that an inventory keeps: part of [`Inventory`](super::Inventory).
pub trait DeviceKeys {
    /// The keys of a device, the latest first; of all devices, by serial, where none is named.
    ///
    /// # Errors
    /// [`InventoryError`](super::InventoryError).
    fn device_keys(&self, serial: Option<&str>) -> Kept<Vec<DeviceKey>>;

    /// Takes these in the place of all keys of a device. One durable commit.
    ///
    /// # Errors
    /// As above. Nothing is kept then.
    fn put_device_keys(&self, serial: &str, keys: &[DeviceKey]) -> Kept<()>;
}

/// What is sealed: with the device that it is for, so that one key put beside another device's serial opens nothing.
#[derive(Serialize)]
struct Content<'a> {
    /// The device's serial.
    device: &'a str,
    /// The key, byte by byte: it need not be text.
    customer_key: &'a [u8],
}

/// The same as it is read.
#[derive(Deserialize)]
struct Opened {
    device: String,
    customer_key: Zeroizing<Vec<u8>>,
}

/// Seals the customer key of a device.
///
/// # Errors
/// [`SealError::Recipient`] and [`SealError::Failed`].
pub fn seal_device_key(key: &[u8], serial: &str, recipients: &[String]) -> Result<Vec<u8>, SealError> {
    let content = serde_json::to_vec(&Content { device: serial, customer_key: key }).map(Zeroizing::new);
    seal_bytes(&content.map_err(|error| SealError::Failed(error.to_string()))?, recipients)
}

/// Opens the customer key of a device, and holds it against the record that it was found in.
///
/// # Errors
/// [`SealError::OtherRecipient`]; [`SealError::OtherToken`] where it was sealed for another device.
pub fn open_device_key(kept: &DeviceKey, identity: &Identity) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let other = || SealError::OtherToken(kept.serial.clone());
    let content = open_bytes(&kept.sealed, identity)?;
    let opened: Opened = serde_json::from_slice(&content).map_err(|_| other())?;
    if opened.device == kept.serial { Ok(opened.customer_key) } else { Err(other()) }
}

#[cfg(test)]
mod tests {
    use super::super::seal::new_locked_identity;
    use super::*;

    fn kept(number: u8, at_s: i64, proved_s: Option<i64>) -> DeviceKey {
        let time = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        let key = Fingerprint::of_bytes(&[number; 16]).unwrap();
        DeviceKey { serial: "1".to_owned(), key, sealed: vec![number], at: time(at_s), proved: proved_s.map(time) }
    }

    #[test]
    fn a_key_is_opened_for_the_device_that_it_was_sealed_for_and_for_no_other() {
        let (recipient, file) = new_locked_identity("correct horse").unwrap();
        let identity = Identity::unlock(&file, "correct horse").unwrap();
        let sealed = seal_device_key(b"MyOwnKey-2026-01", "826658719844499", &[recipient]).unwrap();
        assert!(!sealed.windows(8).any(|window| window == b"MyOwnKey"));
        let mut record = DeviceKey { serial: "826658719844499".to_owned(), sealed, ..kept(1, 1, None) };
        assert_eq!(open_device_key(&record, &identity).unwrap().as_slice(), b"MyOwnKey-2026-01");
        record.serial = "826658719844498".to_owned();
        assert_eq!(open_device_key(&record, &identity).unwrap_err(), SealError::OtherToken(record.serial.clone()));
    }

    #[test]
    fn a_key_of_before_is_forgotten_when_a_later_one_was_accepted_and_not_sooner() {
        let (old, new) = (kept(1, 10, Some(11)), kept(2, 20, None));
        let both = DeviceKey::with_new(std::slice::from_ref(&old), new.clone());
        assert_eq!(both, [new.clone(), old.clone()]);
        let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        let proved = |key: &DeviceKey, seconds| DeviceKey { proved: Some(at(seconds)), ..key.clone() };
        assert_eq!(DeviceKey::with_accepted(&both, &new.key, at(30)).unwrap(), [proved(&new, 30)]);
        // Its button was not pressed: it may be still.
        assert_eq!(DeviceKey::with_accepted(&both, &old.key, at(30)).unwrap(), [new.clone(), proved(&old, 30)]);
        assert_eq!(DeviceKey::with_accepted(&[proved(&new, 30)], &new.key, at(40)), None);
        assert_eq!(DeviceKey::with_accepted(&both, &kept(3, 1, None).key, at(40)), None);
    }
}
