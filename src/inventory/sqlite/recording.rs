//! Recording in the file of an inventory.

use super::failed::Stopped;
use super::{Sqlite, batches, claims, held, holders, jobs, keys, meta, tokens};
use crate::inventory::pins;
use crate::inventory::rights::check_alone;
use crate::inventory::{
    BatchId, Begin, Begun, Claim, Entry, Fingerprint, FingerprintKey, Inventory, InventoryError, Kept, NewBatch,
    NewRow, SlotKey, TokenRecord,
};
use crate::time::UnixTime;

impl Inventory for Sqlite {
    fn fingerprint_key(&self) -> &FingerprintKey {
        &self.key
    }

    fn recipients(&self) -> Kept<Vec<String>> {
        self.read(meta::recipients)
    }

    fn check_alone(&self) -> Kept<()> {
        if self.is_in_memory { Ok(()) } else { check_alone(&self.path) }
    }

    fn keep(&self, entry: &Entry) -> Kept<()> {
        self.durably(|transaction, owner| jobs::keep_apart(transaction, entry, owner))
    }

    fn see(&self, entry: &Entry) -> Kept<()> {
        self.loosely(|transaction, owner| jobs::keep_apart(transaction, entry, owner))
    }

    fn begin(&self, begin: &Begin<'_>) -> Kept<Begun> {
        if begin.seed.is_some() {
            self.check_alone()?;
        }
        let begun = self.durably(|transaction, owner| {
            let recipients = meta::recipients(transaction)?;
            if begin.seed.is_some() {
                pins::check(self.pins.as_ref(), &self.path, &recipients).map_err(Stopped::Rows)?;
            }
            let begun = jobs::begin(transaction, begin, owner, &recipients)?;
            // Before anybody can see it on record: a job of this program that it is not at work with is none.
            owner.take(begin.job);
            Ok(begun)
        });
        begun.inspect_err(|_| held(&self.owner).leave(begin.job))
    }

    /// A job is nobody else's while this program runs.
    fn is_still_at_work(&self, _job: i64, _serial: &str) -> Kept<bool> {
        Ok(true)
    }

    fn at_work(&self, serial: &str) -> Kept<Option<UnixTime>> {
        self.read(|from| jobs::at_work(from, serial, &held(&self.owner)))
    }

    fn end(&self, job: i64, entry: &Entry) -> Kept<()> {
        let ended = self.durably(|transaction, _| jobs::end(transaction, job, entry));
        // Also where its end cannot be recorded: it is not at work any more.
        held(&self.owner).leave(job);
        match (ended?, &entry.token) {
            (false, Some(change)) => Err(InventoryError::Overtaken(change.key.clone())),
            _ => Ok(()),
        }
    }

    fn keep_all(&self, seals: bool, next: &mut dyn FnMut(&[String]) -> Kept<Option<Entry>>) -> Kept<u64> {
        let pins = self.pins.as_ref().filter(|_| seals);
        self.durably(|transaction, owner| {
            let recipients = meta::recipients(transaction)?;
            pins::check(pins, &self.path, &recipients).map_err(Stopped::Rows)?;
            let mut kept = 0;
            while let Some(entry) = next(&recipients).map_err(Stopped::Rows)? {
                jobs::keep_apart(transaction, &entry, owner)?;
                kept += 1;
            }
            Ok(kept)
        })
    }

    fn claim(&self, batch: BatchId, serial: &str, reburns: bool) -> Kept<Claim> {
        self.loosely(|transaction, owner| claims::claim(transaction, batch, serial, reburns, owner))
    }

    fn release(&self, batch: BatchId, row: u64) -> Kept<()> {
        self.loosely(|transaction, _| Ok(claims::release(transaction, batch, row)?))
    }

    fn token(&self, key: &SlotKey) -> Kept<Option<TokenRecord>> {
        self.read(|from| tokens::get(from, key))
    }

    fn key_refused(&self, serial: &str, key: &Fingerprint) -> Kept<Option<UnixTime>> {
        self.read(|from| keys::refused(from, serial, key))
    }

    fn holder(&self, seed: &Fingerprint) -> Kept<Option<SlotKey>> {
        self.read(|from| holders::holder(from, seed))
    }

    fn add_batch(&self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId> {
        self.durably(|transaction, _| batches::add(transaction, batch, rows))
    }

    fn close_batch(&self, batch: BatchId, at: UnixTime) -> Kept<()> {
        self.durably(|transaction, _| Ok(batches::close(transaction, batch, at)?))
    }
}
