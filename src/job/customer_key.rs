//! The customer key that the inventory keeps of a device, sealed: found where none was stated, kept before the device gets another one,
//! and proved when the device has accepted it.

use zeroize::Zeroizing;

use super::complete::Opener;
use super::failure::Failure;
use super::problem::{KeptKey, Problem};
use super::record::Recorder;
use super::remedy::SlotRemedy;
use super::state::TokenState;
use crate::device::{Info, Key, customer_key};
use crate::inventory::{DeviceKey, Fingerprint, InventoryError, Kept, open_device_key, seal_device_key};
use crate::time::UnixTime;

/// What is done with a key that the inventory keeps and the device is not known to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InDoubt {
    /// It is not tried: the attempt may be a wrong one.
    Refuse,
    /// It is tried, once: that is what the command is for.
    Try,
}

impl Recorder<'_> {
    /// The key to open a device with: the one that was stated, else the one that the inventory keeps of it, else the factory's.
    ///
    /// # Errors
    /// [`Problem::CustomerKey`]: one is kept, and is sealed, or is not known to be the device's; the inventory's.
    pub fn key_for(
        &self,
        info: &Info,
        stated: &Key,
        opener: Option<&Opener>,
        in_doubt: InDoubt,
    ) -> Result<Key, Failure> {
        let refuse = |why: KeptKey, remedy: SlotRemedy| {
            Err(Failure::new(Problem::CustomerKey(why, info.clone()), TokenState::Untouched, remedy))
        };
        if *stated != Key::Factory {
            return Ok(stated.clone());
        }
        for kept in self.kept_keys(info)? {
            if kept.proved.is_none() {
                // Its device was asked, and has another one.
                if self.is_refused(info, &kept.key)? {
                    continue;
                }
                if in_doubt == InDoubt::Refuse {
                    return refuse(KeptKey::InDoubt(kept.at), SlotRemedy::CheckKeptKey);
                }
            }
            let Some(opener) = opener else { return refuse(KeptKey::Sealed, SlotRemedy::OpenCustomerKey) };
            return match open_device_key(&kept, &opener.0) {
                Ok(text) => Ok(customer_key(&text)),
                Err(error) => refuse(KeptKey::Unopened(error), SlotRemedy::OpenCustomerKey),
            };
        }
        Ok(Key::Factory)
    }

    /// The keys of a device, the latest first; none of one that has no customer key.
    fn kept_keys(&self, info: &Info) -> Kept<Vec<DeviceKey>> {
        match self.books.filter(|_| info.can.slots > 1) {
            Some(books) => books.device_keys(Some(info.serial.as_str())),
            None => Ok(Vec::new()),
        }
    }

    fn is_refused(&self, info: &Info, key: &Fingerprint) -> Kept<bool> {
        let refused = self.books.map(|books| books.key_refused(info.serial.as_str(), key)).transpose()?;
        Ok(refused.flatten().is_some())
    }

    /// Keeps a key that a device is about to get, or has, sealed to the inventory's recipients; the keys of before, to be put back where
    /// the device does not get it. `None`: there is nobody to seal it to.
    ///
    /// # Errors
    /// [`InventoryError`], among others where others can change the inventory.
    pub(super) fn keep_key(
        &self,
        info: &Info,
        text: &Zeroizing<Vec<u8>>,
        (at, proved): (UnixTime, Option<UnixTime>),
    ) -> Kept<Option<Vec<DeviceKey>>> {
        let Some(books) = self.books else { return Ok(None) };
        if books.recipients()?.is_empty() {
            return Ok(None);
        }
        books.check_alone()?;
        // Whoever can write the inventory could have named a recipient of their own.
        let mut recipients = Vec::new();
        books.keep_all(true, &mut |confirmed| {
            confirmed.clone_into(&mut recipients);
            Ok(None)
        })?;
        let serial = info.serial.to_string();
        let sealed = seal_device_key(text, &serial, &recipients);
        let sealed = sealed.map_err(|error| InventoryError::Seal(error.to_string()))?;
        let key = books.fingerprint_key().of_token_key(customer_key(text).bytes(info.can.factory_key));
        let known = books.device_keys(Some(&serial))?;
        let new = DeviceKey { serial: serial.clone(), key, sealed, at, proved };
        let all = DeviceKey::with_new(&known, new);
        let all = proved.and_then(|at| DeviceKey::with_accepted(&all, &key, at)).unwrap_or(all);
        books.put_device_keys(&serial, &all)?;
        Ok(Some(known))
    }

    /// Takes back what [`Self::keep_key`] kept: the device surely did not get it.
    pub(super) fn keep_keys_as_before(&self, info: &Info, known: &[DeviceKey]) -> Kept<()> {
        self.books.map_or(Ok(()), |books| books.put_device_keys(info.serial.as_str(), known))
    }

    /// Notes that a device has accepted a key, where one of it is kept.
    pub(super) fn key_accepted(&self, info: &Info, key: &Key, at: UnixTime) -> Kept<()> {
        let Some(books) = self.books.filter(|_| info.can.slots > 1) else { return Ok(()) };
        let key = books.fingerprint_key().of_token_key(key.bytes(info.can.factory_key));
        let known = books.device_keys(Some(info.serial.as_str()))?;
        match DeviceKey::with_accepted(&known, &key, at) {
            Some(keys) => books.put_device_keys(info.serial.as_str(), &keys),
            None => Ok(()),
        }
    }

    /// Forgets the keys of a device that has its factory's again.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn forget_keys(&self, info: &Info) -> Kept<()> {
        self.keep_keys_as_before(info, &[])
    }
}
