//! The customer key that the inventory keeps of a device, sealed: found where none was stated, kept before the device gets another one,
//! and held against what the device takes and refuses.

use chrono::TimeDelta;

use super::begins::new_job;
use super::failure::Failure;
use super::key_use::{KeyText, KeyUse, Stated};
use super::problem::{KeptKey, Problem};
use super::record::Recorder;
use super::remedy::SlotRemedy;
use super::state::TokenState;
use crate::device::{Info, Key, customer_key};
use crate::inventory::{
    DeviceKey, Entry, Fingerprint, InventoryError, Kept, KeyChange, Outcome, SlotKey, TokenChange, open_device_key,
    seal_device_key,
};
use crate::time::UnixTime;

/// How long ago an acceptance may be that is not noted anew.
const NOTED_WITHIN: TimeDelta = TimeDelta::days(1);

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
        if *stated.key != Key::Factory {
            let print = self.print(info, stated.key);
            let count = |kept: &&DeviceKey| kept.refused.is_none();
            let is_one = kept.iter().filter(count).any(|kept| Some(kept.key) == print);
            let another = kept.iter().filter(count).max_by_key(|kept| kept.proved).filter(|_| !is_one);
            match another {
                Some(_) if to == KeyUse::Desk => {}
                Some(another) if !stated.tries_again => {
                    let why = another.proved.map_or(KeptKey::InDoubt(another.at), KeptKey::Another);
                    return refuse(why, SlotRemedy::OpenOrTryAgain);
                }
                _ => return Ok(stated.key.clone()),
            }
        }
        if kept.is_empty() {
            // A sealed seed, or a server's credential, may be what the identity is for; only a check is of nothing but the key.
            return match stated.opener {
                Some(_) if info.can.slots > 1 && to == KeyUse::Check => refuse(KeptKey::None, SlotRemedy::NameKey),
                _ => Ok(Key::Factory),
            };
        }
        // The latest that the device is not known to refuse; or whichever it was asked for longest ago.
        let candidate = kept.iter().find(|kept| kept.refused.is_none());
        let untried = kept.iter().filter(|kept| kept.proved.is_none()).min_by_key(|kept| kept.refused);
        let chosen = match (candidate, to) {
            _ if to == KeyUse::Check && stated.tries_again && untried.is_some() => untried,
            (Some(kept), _) if kept.proved.is_some() => Some(kept),
            (Some(kept), KeyUse::Check) => Some(kept),
            (Some(kept), _) => return refuse(KeptKey::InDoubt(kept.at), SlotRemedy::CheckKeptKey),
            (None, _) => None,
        };
        let Some(chosen) = chosen else { return refuse(KeptKey::Refused, SlotRemedy::NameKeyOrTryKept) };
        let Some(sealed) = &chosen.sealed else { return Ok(Key::Factory) };
        let Some(opener) = stated.opener else { return refuse(KeptKey::Sealed, SlotRemedy::OpenCustomerKey) };
        match open_device_key(sealed, &chosen.serial, &opener.0) {
            Ok(text) => Ok(customer_key(&text)),
            Err(error) => refuse(KeptKey::Unopened(error), SlotRemedy::OpenCustomerKey),
        }
    }

    /// The keys that are kept of a device, the latest first; none of one that has no customer key.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn kept_keys(&self, info: &Info) -> Kept<Vec<DeviceKey>> {
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
        let is_factory = self.print(info, key) == self.print(info, &Key::Factory);
        match (key, text) {
            _ if is_factory => Ok(self.print(info, key).map(|key| {
                let serial = info.serial.to_string();
                DeviceKey { serial, key, sealed: None, number, at, proved: None, refused: None }
            })),
            (_, Some(text)) => self.sealed_key(info, text, number, at),
            (_, None) => Ok(None),
        }
    }

    /// The new key was sent, under the one of before: which of them counts is not known, and that of before did until then.
    pub(super) fn new_key_sent(&self, info: &Info, old: &Key, at: UnixTime) -> Kept<()> {
        let known = self.kept_keys(info)?;
        let (Some((new, before)), Some(old)) = (known.split_first(), self.print(info, old)) else { return Ok(()) };
        let before = DeviceKey::with_accepted(before, &old, at);
        self.put_keys(info, &DeviceKey::with_new(&before, new.clone()))
    }

    /// Puts back the keys of before a change that surely did not happen, or a reset that waits for the device's button.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn keep_keys_as_before(&self, info: &Info, known: &[DeviceKey]) -> Kept<()> {
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

    /// Whether a key is a new one that waited for the device's button, and the one of before is known.
    pub(super) fn is_new_in_doubt(&self, info: &Info, key: &Key) -> Kept<bool> {
        let (print, kept) = (self.print(info, key), self.kept_keys(info)?);
        let waits = |kept: &DeviceKey| kept.proved.is_none() && kept.refused.is_none() && kept.sealed.is_some();
        Ok(kept.iter().any(|kept| Some(kept.key) == print && waits(kept))
            && kept.iter().any(|kept| kept.proved.is_some()))
    }

    /// The reset of a device is about to be ordered: which key counts is not known from here on. The keys as they were.
    pub(super) fn reset_begins(&self, info: &Info, at: UnixTime) -> Kept<Option<Vec<DeviceKey>>> {
        let known = self.kept_keys(info)?;
        let Some(factory) = self.print(info, &Key::Factory).filter(|_| !known.is_empty()) else { return Ok(None) };
        self.put_keys(info, &DeviceKey::with_reset_in_doubt(&known, factory, at))?;
        Ok(Some(known))
    }

    /// The reset of a device was seen: it has its factory's key again, and what it refused before says nothing any more.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn reset_seen(&self, info: &Info, at: UnixTime) -> Kept<()> {
        let Some(books) = self.books else { return Ok(()) };
        let key = SlotKey::only(info.serial.as_str());
        let event = self.event(at, new_job(), &key, Outcome::Done);
        let change = TokenChange { refused: KeyChange::Accepted, ..self.change(info, key, at) };
        books.keep(&Entry { event, token: Some(change), row: None })?;
        self.put_keys(info, &[])
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
