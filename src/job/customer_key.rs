//! The customer key that the inventory keeps of a device, sealed: found where none was stated, kept before the device gets another one,
//! and held against what the device takes and refuses.

use chrono::TimeDelta;
use zeroize::Zeroizing;

use super::complete::Opener;
use super::failure::Failure;
use super::problem::{KeptKey, Problem};
use super::record::Recorder;
use super::remedy::SlotRemedy;
use super::state::TokenState;
use crate::device::{Info, Key, customer_key};
use crate::inventory::{Deed, DeviceKey, Fingerprint, InventoryError, Kept, open_device_key, seal_device_key};
use crate::time::UnixTime;

/// How long ago an acceptance may be that is not noted anew.
const NOTED_WITHIN: TimeDelta = TimeDelta::days(1);

/// What a key is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// To do something: one that is not known to be the device's is not tried.
    Work,
    /// The same at a desk, where a key that was stated for all devices gives way to the one that is kept of this one.
    Desk,
    /// To find out whether the device has it, in one attempt.
    Check,
}

/// The key that a job may use, as it was stated.
pub struct Stated<'a> {
    /// The key; the factory's where none was stated.
    pub key: &'a Key,
    /// The opener of the one that the inventory keeps.
    pub opener: Option<&'a Opener>,
    /// Try one also where the record says that it is not the device's.
    pub tries_again: bool,
}

/// A key as its owner has it.
pub type KeyText = Zeroizing<Vec<u8>>;

impl Recorder<'_> {
    /// The key to open a device with: the one that was stated, else the one that the inventory keeps of it, else the factory's.
    ///
    /// # Errors
    /// [`Problem::CustomerKey`]: one is kept, and is sealed, or is not known to be the device's; the inventory's.
    pub fn key_for(&self, info: &Info, stated: &Stated<'_>, to: KeyUse) -> Result<Key, Failure> {
        let refuse = |why: KeptKey, remedy: SlotRemedy| {
            Err(Failure::new(Problem::CustomerKey(why, info.clone()), TokenState::Untouched, remedy))
        };
        let kept = self.kept_keys(info)?;
        // The latest that the device is not known to refuse.
        let candidate = kept.iter().find(|kept| kept.refused.is_none());
        if *stated.key != Key::Factory {
            let own = candidate.filter(|kept| kept.proved.is_some() && Some(kept.key) != self.print(info, stated.key));
            match own {
                Some(_) if to == KeyUse::Desk => {}
                Some(own) if !stated.tries_again => {
                    return refuse(KeptKey::Another(own.proved.unwrap_or(own.at)), SlotRemedy::OpenOrTryAgain);
                }
                _ => return Ok(stated.key.clone()),
            }
        }
        let Some(latest) = kept.first() else {
            let is_for_key = matches!(self.deed, Deed::Device | Deed::Clear | Deed::Title) && info.can.slots > 1;
            return match stated.opener {
                Some(_) if is_for_key => refuse(KeptKey::None, SlotRemedy::NameKeyOrNone),
                _ => Ok(Key::Factory),
            };
        };
        let chosen = match (candidate, to) {
            (Some(kept), _) if kept.proved.is_some() => kept,
            (Some(kept), KeyUse::Check) => kept,
            (Some(kept), _) => return refuse(KeptKey::InDoubt(kept.at), SlotRemedy::CheckKeptKey),
            (None, KeyUse::Check) if stated.tries_again => latest,
            (None, _) => return refuse(KeptKey::Refused, SlotRemedy::NameKeyOrNone),
        };
        let Some(sealed) = &chosen.sealed else { return Ok(Key::Factory) };
        let Some(opener) = stated.opener else { return refuse(KeptKey::Sealed, SlotRemedy::OpenCustomerKey) };
        match open_device_key(sealed, &chosen.serial, &opener.0) {
            Ok(text) => Ok(customer_key(&text)),
            Err(error) => refuse(KeptKey::Unopened(error), SlotRemedy::OpenCustomerKey),
        }
    }

    /// The keys of a device, the latest first; none of one that has no customer key.
    fn kept_keys(&self, info: &Info) -> Kept<Vec<DeviceKey>> {
        match self.books.filter(|_| info.can.slots > 1) {
            Some(books) => books.device_keys(Some(info.serial.as_str())),
            None => Ok(Vec::new()),
        }
    }

    fn print(&self, info: &Info, key: &Key) -> Option<Fingerprint> {
        self.books.map(|books| books.fingerprint_key().of_token_key(key.bytes(info.can.factory_key)))
    }

    fn put_keys(&self, info: &Info, keys: &[DeviceKey]) -> Kept<()> {
        self.books.map_or(Ok(()), |books| books.put_device_keys(info.serial.as_str(), keys))
    }

    /// A key of a device, sealed to the inventory's recipients; `None`: there is nobody to seal it to.
    fn sealed_key(&self, info: &Info, text: &KeyText, number: i64, at: UnixTime) -> Kept<Option<DeviceKey>> {
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
        let sealed = Some(sealed.map_err(|error| InventoryError::Seal(error.to_string()))?);
        let key = books.fingerprint_key().of_token_key(customer_key(text).bytes(info.can.factory_key));
        Ok(Some(DeviceKey { serial, key, sealed, number, at, proved: None, refused: None }))
    }

    /// Keeps a key that a device is about to get, and the one that it is opened with. The keys of before, to be put back where the device
    /// surely does not get it; `None` where nothing is kept.
    ///
    /// # Errors
    /// [`InventoryError`], among others where others can change the inventory.
    pub(super) fn keep_new_key(
        &self,
        info: &Info,
        old: (&Key, Option<&KeyText>),
        new: &KeyText,
        at: UnixTime,
    ) -> Kept<Option<Vec<DeviceKey>>> {
        let known = self.kept_keys(info)?;
        let number = DeviceKey::next_number(&known);
        let Some(new) = self.sealed_key(info, new, number + 1, at)? else { return Ok(None) };
        let with_old = match self.row_of(info, old, number, at)? {
            Some(row) if !known.iter().any(|known| known.key == row.key) => DeviceKey::with_new(&known, row),
            _ => known.clone(),
        };
        self.put_keys(info, &DeviceKey::with_new(&with_old, new))?;
        Ok(Some(known))
    }

    /// A key that a device is opened with, as the inventory keeps it.
    fn row_of(
        &self,
        info: &Info,
        (key, text): (&Key, Option<&KeyText>),
        number: i64,
        at: UnixTime,
    ) -> Kept<Option<DeviceKey>> {
        match (key, text) {
            (Key::Factory, _) => Ok(self.print(info, key).map(|key| {
                let serial = info.serial.to_string();
                DeviceKey { serial, key, sealed: None, number, at, proved: None, refused: None }
            })),
            (Key::Own(_), Some(text)) => self.sealed_key(info, text, number, at),
            (Key::Own(_), None) => Ok(None),
        }
    }

    /// The new key was sent, under the one of before: which of them counts is not known, and that of before did until then.
    pub(super) fn new_key_sent(&self, info: &Info, old: &Key, at: UnixTime) -> Kept<()> {
        let known = self.kept_keys(info)?;
        let (Some((new, before)), Some(old)) = (known.split_first(), self.print(info, old)) else { return Ok(()) };
        let before = DeviceKey::with_accepted(before, &old, at);
        self.put_keys(info, &DeviceKey::with_new(&before, new.clone()))
    }

    /// Takes back what [`Self::keep_new_key`] kept: the device surely did not get it.
    pub(super) fn keep_keys_as_before(&self, info: &Info, known: &[DeviceKey]) -> Kept<()> {
        self.put_keys(info, known)
    }

    /// Notes that a device has accepted a key; one whose text is there is kept from now on, where keys are.
    pub(super) fn key_accepted(&self, info: &Info, key: &Key, text: Option<&KeyText>, at: UnixTime) -> Kept<()> {
        let known = self.kept_keys(info)?;
        let Some(print) = self.print(info, key).filter(|_| info.can.slots > 1) else { return Ok(()) };
        let is_kept = known.iter().any(|known| known.key == print);
        if known.is_empty() && text.is_none() {
            return Ok(());
        }
        let mut all = known.clone();
        if !is_kept && let Some(row) = self.row_of(info, (key, text), DeviceKey::next_number(&known), at)? {
            all = DeviceKey::with_new(&known, row);
        }
        let all = DeviceKey::with_accepted(&all, &print, at);
        if is_news(&known, &all) { self.put_keys(info, &all) } else { Ok(()) }
    }

    /// Notes that a device has refused a key, where one of it is kept.
    pub(super) fn kept_key_refused(&self, info: &Info, key: &Key, at: UnixTime) -> Kept<()> {
        let known = self.kept_keys(info)?;
        match self.print(info, key).filter(|print| known.iter().any(|known| known.key == *print)) {
            Some(print) => self.put_keys(info, &DeviceKey::with_refused(&known, &print, at)),
            None => Ok(()),
        }
    }

    /// Whether a key is one that is kept and was not known to be the device's.
    pub(super) fn is_in_doubt(&self, info: &Info, key: &Key) -> Kept<bool> {
        let print = self.print(info, key);
        Ok(self.kept_keys(info)?.iter().any(|kept| Some(kept.key) == print && kept.proved.is_none()))
    }

    /// Notes that a device was reset: it has its factory's key again where that was `seen`, and may have it otherwise.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn keys_reset(&self, info: &Info, seen: bool, at: UnixTime) -> Kept<()> {
        let known = self.kept_keys(info)?;
        let Some(factory) = self.print(info, &Key::Factory).filter(|_| !known.is_empty()) else { return Ok(()) };
        match seen {
            true => self.put_keys(info, &[]),
            false => self.put_keys(info, &DeviceKey::with_reset_in_doubt(&known, factory, at)),
        }
    }
}

/// Whether the keys of a device tell more than before: that one was accepted once more on the same day does not.
fn is_news(before: &[DeviceKey], after: &[DeviceKey]) -> bool {
    let without_times = |keys: &[DeviceKey]| -> Vec<(Fingerprint, bool, bool)> {
        keys.iter().map(|key| (key.key, key.proved.is_some(), key.refused.is_some())).collect()
    };
    let latest = |keys: &[DeviceKey]| keys.iter().filter_map(|key| key.proved).max();
    without_times(before) != without_times(after)
        || latest(before).zip(latest(after)).is_some_and(|(before, after)| (after - before).abs() > NOTED_WITHIN)
}
