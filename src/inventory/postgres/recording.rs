//! Recording on the server.

use super::session::Trouble;
use super::{Postgres, batches, held, holders, jobs, recipients, tokens};
use crate::inventory::{
    BatchId, Begin, Begun, Claim, Entry, Fingerprint, FingerprintKey, Inventory, InventoryError, Kept, NewBatch,
    NewRow, SlotKey, TokenRecord,
};
use crate::time::UnixTime;

impl Inventory for Postgres {
    fn fingerprint_key(&self) -> &FingerprintKey {
        &self.key
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn recipients(&self) -> Kept<Vec<String>> {
        self.read(&mut |from, _| recipients(from))
    }

    /// Who may change it is the database's matter: its rights and roles.
    fn check_alone(&self) -> Kept<()> {
        Ok(())
    }

    fn keep(&self, entry: &Entry) -> Kept<()> {
        self.write(true, &mut |to, owner| jobs::keep_apart(to, entry, owner))
    }

    fn see(&self, entry: &Entry) -> Kept<()> {
        self.write(false, &mut |to, owner| jobs::keep_apart(to, entry, owner))
    }

    fn begin(&self, begin: &Begin<'_>) -> Kept<Begun> {
        // Before anybody can see it on record: a job of this program that it is not at work with is none.
        held(&self.owner).jobs.insert(begin.job);
        let begun = self.write(true, &mut |to, owner| {
            let recipients = recipients(to)?;
            if begin.seed.is_some() {
                self.check_pinned(&recipients).map_err(Trouble::Rows)?;
            }
            jobs::begin(to, begin, owner, &recipients)
        });
        begun.inspect_err(|_| {
            held(&self.owner).jobs.remove(&begin.job);
        })
    }

    fn is_still_at_work(&self, job: i64, serial: &str) -> Kept<bool> {
        self.read(&mut |from, _| jobs::is_at_work(from, job, serial))
    }

    fn at_work(&self, serial: &str) -> Kept<Option<UnixTime>> {
        self.read(&mut |from, owner| jobs::at_work(from, serial, owner))
    }

    fn end(&self, job: i64, entry: &Entry) -> Kept<()> {
        let ended = self.write(true, &mut |to, _| jobs::end(to, job, entry));
        // Also where its end cannot be recorded: it is not at work any more.
        held(&self.owner).jobs.remove(&job);
        match (ended?, &entry.token) {
            (false, Some(change)) => Err(InventoryError::Overtaken(change.key.clone())),
            _ => Ok(()),
        }
    }

    fn keep_all(&self, seals: bool, next: &mut dyn FnMut(&[String]) -> Kept<Option<Entry>>) -> Kept<u64> {
        // What was made once is kept for a second try: `next` makes it only once.
        let mut made: Vec<Entry> = Vec::new();
        let mut is_over = false;
        self.write(true, &mut |to, owner| {
            let recipients = recipients(to)?;
            if seals {
                self.check_pinned(&recipients).map_err(Trouble::Rows)?;
            }
            let mut kept = 0;
            loop {
                if kept == made.len() {
                    let entry = if is_over { None } else { next(&recipients).map_err(Trouble::Rows)? };
                    match entry {
                        Some(entry) => made.push(entry),
                        None => {
                            is_over = true;
                            return Ok(kept as u64);
                        }
                    }
                }
                if let Some(entry) = made.get(kept) {
                    jobs::keep_apart(to, entry, owner)?;
                }
                kept += 1;
            }
        })
    }

    fn claim(&self, batch: BatchId, serial: &str, reburns: bool) -> Kept<Claim> {
        let late = std::mem::take(&mut held(&self.owner).let_go);
        let claimed = self.write(false, &mut |to, owner| {
            late.iter().try_for_each(|(batch, row)| batches::release(to, *batch, *row, owner.number))?;
            batches::claim(to, batch, serial, reburns, owner.number)
        });
        claimed.inspect_err(|_| held(&self.owner).let_go.extend(late))
    }

    fn release(&self, batch: BatchId, row: u64) -> Kept<()> {
        let released = self.write(false, &mut |to, owner| batches::release(to, batch, row, owner.number));
        released.inspect_err(|_| {
            held(&self.owner).let_go.insert((batch, row));
        })
    }

    fn token(&self, key: &SlotKey) -> Kept<Option<TokenRecord>> {
        self.read(&mut |from, _| tokens::get(from, key))
    }

    fn key_refused(&self, serial: &str, key: &Fingerprint) -> Kept<Option<UnixTime>> {
        self.read(&mut |from, _| tokens::key_refused(from, serial, key))
    }

    fn holder(&self, seed: &Fingerprint) -> Kept<Option<SlotKey>> {
        self.read(&mut |from, _| holders::holder(from, seed))
    }

    fn add_batch(&self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId> {
        // As in `keep_all`: the rows are made once.
        let made: Vec<NewRow> = rows.collect::<Kept<_>>()?;
        self.write(true, &mut |to, _| batches::add(to, batch, &mut made.iter().cloned().map(Ok)))
    }

    fn close_batch(&self, batch: BatchId, at: UnixTime) -> Kept<()> {
        self.write(true, &mut |to, _| batches::close(to, batch, at))
    }
}
