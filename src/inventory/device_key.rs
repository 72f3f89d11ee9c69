//! Customer keys of devices, sealed: what opens a device that has one of its own, and cannot be read back from it.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Kept;
use super::fingerprint::Fingerprint;
use super::seal::{Identity, SealError, open_bytes, seal_bytes};
use crate::time::UnixTime;

/// A key that a device has, had, or was about to get. A device has one at a time; which one it is, it shows only by taking or refusing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceKey {
    /// The device's serial.
    pub serial: String,
    /// The key's fingerprint.
    pub key: Fingerprint,
    /// The key as its owner typed it, sealed to the inventory's recipients; `None` for the factory's, which everybody knows.
    pub sealed: Option<Vec<u8>>,
    /// Its place in the order in which the device got its keys. Clocks say nothing of that: they are what is wrong at a desk.
    pub number: i64,
    /// When it was kept, which is before the device got it.
    pub at: UnixTime,
    /// When the device accepted it, if no other one has counted since.
    pub proved: Option<UnixTime>,
    /// When the device refused it, or accepted another one, if that was later.
    pub refused: Option<UnixTime>,
}

impl DeviceKey {
    /// The number of a key that comes after all of these.
    #[must_use]
    pub fn next_number(known: &[Self]) -> i64 {
        known.iter().map(|known| known.number).max().unwrap_or_default() + 1
    }

    /// The keys of a device with one that it is about to get: none of before is forgotten, because it may keep that.
    #[must_use]
    pub fn with_new(known: &[Self], new: Self) -> Vec<Self> {
        let others = known.iter().filter(|known| known.key != new.key).cloned();
        std::iter::once(new.clone()).chain(others).collect()
    }

    /// The keys of a device that has accepted this one. Those of before it are forgotten; a later one, which waits for the device's
    /// button, does not count now, and may later. A key that is not among these tells that none of these counts.
    #[must_use]
    pub fn with_accepted(known: &[Self], accepted: &Fingerprint, at: UnixTime) -> Vec<Self> {
        let number = known.iter().find(|known| known.key == *accepted).map(|known| known.number);
        let left = known.iter().filter(|known| number.is_none_or(|number| known.number >= number));
        left.map(|known| match known.key == *accepted {
            true => Self { proved: Some(at), refused: None, ..known.clone() },
            false => Self { proved: None, refused: Some(at), ..known.clone() },
        })
        .collect()
    }

    /// The keys of a device that has refused this one.
    #[must_use]
    pub fn with_refused(known: &[Self], refused: &Fingerprint, at: UnixTime) -> Vec<Self> {
        let one = |known: &Self| match known.key == *refused {
            true => Self { proved: None, refused: Some(at), ..known.clone() },
            false => known.clone(),
        };
        known.iter().map(one).collect()
    }

    /// The keys of a device that may have its factory's again, whose fingerprint is `factory`: which one counts is not known.
    #[must_use]
    pub fn with_reset_in_doubt(known: &[Self], factory: Fingerprint, at: UnixTime) -> Vec<Self> {
        let Some(first) = known.first() else { return Vec::new() };
        let (serial, number) = (first.serial.clone(), Self::next_number(known));
        let reset = Self { serial, key: factory, sealed: None, number, at, proved: None, refused: None };
        let in_doubt: Vec<Self> = known.iter().map(|known| Self { proved: None, ..known.clone() }).collect();
        Self::with_new(&in_doubt, reset)
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

/// Opens the sealed customer key of a device of this serial, and holds it against that.
///
/// # Errors
/// [`SealError::OtherRecipient`]; [`SealError::OtherDevice`] where it was sealed for another device.
pub fn open_device_key(sealed: &[u8], serial: &str, identity: &Identity) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let other = || SealError::OtherDevice(serial.to_owned());
    let content = open_bytes(sealed, identity)?;
    let opened: Opened = serde_json::from_slice(&content).map_err(|_| other())?;
    if opened.device == serial { Ok(opened.customer_key) } else { Err(other()) }
}

#[cfg(test)]
mod tests {
    use super::super::seal::new_locked_identity;
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        chrono::DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn kept(number: u8, proved_s: Option<i64>, refused_s: Option<i64>) -> DeviceKey {
        DeviceKey {
            serial: "1".to_owned(),
            key: Fingerprint::of_bytes(&[number; 16]).unwrap(),
            sealed: Some(vec![number]),
            number: number.into(),
            // A clock that was set back in between.
            at: at(100 - i64::from(number)),
            proved: proved_s.map(at),
            refused: refused_s.map(at),
        }
    }

    #[test]
    fn a_key_is_opened_for_the_device_that_it_was_sealed_for_and_for_no_other() {
        let (recipient, file) = new_locked_identity("correct horse").unwrap();
        let identity = Identity::unlock(&file, "correct horse").unwrap();
        let sealed = seal_device_key(b"MyOwnKey-2026-01", "826658719844499", &[recipient]).unwrap();
        assert!(!sealed.windows(8).any(|window| window == b"MyOwnKey"));
        let open = |serial: &str| open_device_key(&sealed, serial, &identity);
        assert_eq!(open("826658719844499").unwrap().as_slice(), b"MyOwnKey-2026-01");
        let other = "826658719844498";
        assert_eq!(open(other).unwrap_err(), SealError::OtherDevice(other.to_owned()));
    }

    #[test]
    fn of_two_keys_the_one_that_was_accepted_counts_whatever_the_clocks_said() {
        let (old, new) = (kept(1, Some(11), None), kept(2, None, None));
        let both = DeviceKey::with_new(std::slice::from_ref(&old), new.clone());
        assert_eq!(both, [new.clone(), old.clone()]);
        assert_eq!(DeviceKey::with_accepted(&both, &new.key, at(30)), [kept(2, Some(30), None)]);
        // Its button was not pressed: it may be still, and is not forgotten.
        let waits = [kept(2, None, Some(30)), kept(1, Some(30), None)];
        assert_eq!(DeviceKey::with_accepted(&both, &old.key, at(30)), waits);
        assert_eq!(DeviceKey::with_accepted(&waits, &new.key, at(40)), [kept(2, Some(40), None)]);
        // Another tool's key: none of these counts now.
        let other = kept(3, None, None).key;
        assert_eq!(DeviceKey::with_accepted(&both, &other, at(30)), [kept(2, None, Some(30)), kept(1, None, Some(30))]);
        assert_eq!(DeviceKey::with_refused(&both, &old.key, at(30)), [new, kept(1, None, Some(30))]);
    }

    #[test]
    fn a_reset_that_nobody_has_seen_forgets_no_key() {
        let factory = Fingerprint::of_bytes(&[9; 16]).unwrap();
        let known = DeviceKey::with_reset_in_doubt(&[kept(1, Some(5), None)], factory, at(50));
        assert_eq!(known.iter().map(|key| (key.number, key.proved)).collect::<Vec<_>>(), [(2, None), (1, None)]);
        assert_eq!(known[0].sealed, None);
        assert_eq!(DeviceKey::with_accepted(&known, &factory, at(60)).len(), 1);
        assert_eq!(DeviceKey::with_accepted(&known, &known[1].key, at(60)).len(), 2);
        assert_eq!(DeviceKey::with_reset_in_doubt(&[], factory, at(50)), []);
    }
}
