//! An inventory in plain maps: the second store, to hold the first against. Of the library it has the transitions of a
//! token's record, and nothing of SQL.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use tokentap::inventory::{
    BatchId, BatchRecord, Begin, Begun, Claim, ClockEvent, Counts, Deed, Deliveries, Delivery, DeliveryFilter,
    DeviceKey, DeviceKeys, Entry, Event, EventFilter, Fingerprint, FingerprintKey, Inventory, InventoryError, Kept,
    KeyChange, Listing, NewBatch, NewRow, RowChange, RowRecord, RowState, SeedChange, ServerRecord, SlotKey,
    TokenChange, TokenFilter, TokenLife, TokenRecord,
};
use tokentap::time::UnixTime;

/// The store. It has one owner: this process.
pub struct Memory {
    key: FingerprintKey,
    books: Mutex<Books>,
}

#[derive(Clone, Default)]
struct Books {
    tokens: BTreeMap<SlotKey, TokenLife>,
    events: Vec<Event>,
    refused: HashMap<(String, Fingerprint), UnixTime>,
    holders: HashMap<Fingerprint, SlotKey>,
    leases: HashMap<String, Lease>,
    batches: Vec<BatchRecord>,
    rows: BTreeMap<(BatchId, u64), RowRecord>,
    claims: HashSet<(BatchId, u64)>,
    dealt: HashSet<(BatchId, u64, String)>,
    servers: BTreeMap<String, ServerRecord>,
    device_keys: Vec<DeviceKey>,
    deliveries: BTreeMap<(String, SlotKey), Delivery>,
}

#[derive(Clone, Copy)]
struct Lease {
    job: i64,
    since: UnixTime,
    /// `false` once the job has ended, whether or not its end could be kept.
    at_work: bool,
}

impl Memory {
    pub fn new(key: FingerprintKey) -> Self {
        Self { key, books: Mutex::default() }
    }

    /// All of a change, or nothing of it.
    fn durably<T>(&self, body: impl FnOnce(&mut Books) -> Kept<T>) -> Kept<T> {
        let mut books = self.books();
        let mut next = books.clone();
        let result = body(&mut next)?;
        *books = next;
        Ok(result)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

impl Books {
    fn token(&self, key: &SlotKey) -> Option<&TokenRecord> {
        self.tokens.get(key).map(|life| &life.record)
    }

    fn check_free(&self, serial: &str) -> Kept<()> {
        match self.leases.get(serial).filter(|lease| lease.at_work) {
            Some(lease) => Err(InventoryError::InUse { serial: serial.to_owned(), since: lease.since }),
            None => Ok(()),
        }
    }

    fn hold(&mut self, seed: Fingerprint, key: &SlotKey, shares: bool) -> Kept<()> {
        match self.holders.entry(seed).or_insert_with(|| key.clone()) {
            other if other != key && !shares => Err(InventoryError::Held(other.clone())),
            _ => Ok(()),
        }
    }

    /// A seed that nobody holds any more goes to another token that may hold it.
    fn settle(&mut self) {
        let tokens = &self.tokens;
        let may_hold = |key: &SlotKey, seed| tokens.get(key).is_some_and(|life| life.seeds().any(|own| own == seed));
        self.holders.retain(|seed, key| may_hold(key, *seed));
        let records = tokens.values().map(|life| &life.record);
        let known = records.clone().map(|record| (record.seed, &record.key));
        let meant = records.map(|record| (record.pending.as_ref().and_then(|pending| pending.seed), &record.key));
        let possible = tokens.iter().flat_map(|(key, life)| life.seeds().map(move |seed| (Some(seed), key)));
        for (seed, key) in known.chain(meant).chain(possible) {
            seed.map(|seed| self.holders.entry(seed).or_insert_with(|| key.clone()));
        }
    }

    fn change(&mut self, change: &TokenChange, at: UnixTime) -> Kept<()> {
        let later = TokenLife::after(self.tokens.get(&change.key).cloned(), change, at)?;
        if let SeedChange::Is { seed, replaces, .. } = change.seed {
            self.hold(seed, &change.key, replaces)?;
        }
        match change.refused {
            KeyChange::Keep => {}
            KeyChange::Refused(key) => drop(self.refused.insert((change.key.serial.clone(), key), at)),
            KeyChange::Accepted => self.refused.retain(|(serial, _), _| *serial != change.key.serial),
        }
        self.tokens.insert(change.key.clone(), later);
        self.settle();
        Ok(())
    }

    fn change_row(&mut self, change: &RowChange) -> Kept<()> {
        let taken = InventoryError::Taken(change.row);
        let row = self.rows.get_mut(&(change.batch, change.row)).filter(|row| row.state == change.was).ok_or(taken)?;
        (row.state, row.serial, row.error) = (change.state, change.serial.clone(), change.error.clone());
        row.seed = change.seed.or(row.seed);
        if let (Some(serial), RowState::Burning | RowState::Unknown) = (&change.serial, change.state) {
            self.dealt.insert((change.batch, change.row, serial.clone()));
        }
        Ok(())
    }

    fn keep(&mut self, entry: &Entry) -> Kept<()> {
        self.events.push(entry.event.clone());
        entry.token.as_ref().map_or(Ok(()), |change| self.change(change, entry.event.at))?;
        entry.row.as_ref().map_or(Ok(()), |change| self.change_row(change))
    }

    fn keep_apart(&mut self, entry: &Entry) -> Kept<()> {
        if let Some(change) = entry.token.as_ref().filter(|change| change.touches_job()) {
            self.check_free(&change.key.serial)?;
        }
        self.keep(entry)
    }

    fn begin(&mut self, begin: &Begin<'_>) -> Kept<Begun> {
        let key = &begin.token.key;
        let serial = &key.serial;
        // A job that has ended, and whose end could not be kept, has no more to say of its token.
        self.leases.retain(|_, lease| lease.at_work);
        self.check_free(serial)?;
        let earlier = self.token(key).cloned();
        if !TokenRecord::is_same_basis(earlier.as_ref(), begin.basis) {
            return Err(InventoryError::Changed(key.clone()));
        }
        if let Some(seed) = begin.seed {
            self.hold(seed, key, begin.may_share(earlier.as_ref()))?;
        }
        begin.row.as_ref().map_or(Ok(()), |row| self.change_row(row))?;
        self.events.push(begin.event.clone());
        self.change(&begin.change(earlier.as_ref(), None), begin.event.at)?;
        self.leases.insert(serial.clone(), Lease { job: begin.job, since: begin.event.at, at_work: true });
        Ok(Begun { earlier, sealed: None })
    }

    /// Whether the record of the token was still this job's.
    fn end(&mut self, job: i64, entry: &Entry) -> Kept<bool> {
        let Some(change) = &entry.token else { return self.keep(entry).map(|()| true) };
        if self.leases.get(&change.key.serial).is_some_and(|lease| lease.job == job) {
            self.keep(entry)?;
            self.leases.remove(&change.key.serial);
            return Ok(true);
        }
        self.events.push(entry.event.clone());
        if let (SeedChange::Burned { seed, sealed }, Some(life)) = (&change.seed, self.tokens.get_mut(&change.key)) {
            *life = life.clone().with_candidate(*seed, sealed.clone());
            self.settle();
        }
        // The row may be this job's all the same.
        let _ = entry.row.as_ref().map(|row| self.change_row(row));
        Ok(false)
    }

    fn rows_of(&self, batch: BatchId) -> impl Iterator<Item = &RowRecord> {
        self.rows.range((batch, 0)..(batch + 1, 0)).map(|(_, row)| row)
    }

    fn planned(&self, batch: BatchId) -> impl Iterator<Item = &RowRecord> {
        self.rows_of(batch).filter(|row| row.state == RowState::Planned && !row.is_named)
    }

    fn claim(&mut self, batch: BatchId, serial: &str, reburns: bool) -> Claim {
        let key = SlotKey::only(serial);
        let token = self.token(&key);
        let has_another = |token: &TokenRecord| Claim::HoldsAnother { burned: token.burned, user: token.user.clone() };
        let has_lost = token.is_some_and(|token| token.erased.is_some());
        let held = token.and_then(TokenRecord::held);
        let row = match self.rows_of(batch).find(|row| row.serial.as_deref() == Some(serial)) {
            Some(row) if row.state.is_done() && !has_lost => return Claim::Done(row.clone()),
            Some(row) => match token.filter(|_| row.state == RowState::Planned && !reburns && held.is_some()) {
                Some(token) if row.seed != held => return has_another(token),
                _ => row.clone(),
            },
            None => {
                let own = self.rows_of(batch).find(|row| held.is_some() && row.seed == held);
                let own = own.filter(|row| row.state == RowState::Planned && !row.is_named);
                let free = |row: &&RowRecord| {
                    let holder = row.seed.and_then(|seed| self.holders.get(&seed));
                    !self.claims.contains(&(batch, row.row)) && holder.is_none_or(|holder| *holder == key)
                };
                match (own, token.filter(|_| held.is_some() && !reburns)) {
                    (Some(row), _) => row.clone(),
                    (None, Some(token)) if self.planned(batch).next().is_some() => return has_another(token),
                    (None, Some(_)) => return Claim::NotListed,
                    (None, None) => match self.planned(batch).find(free) {
                        Some(row) => row.clone(),
                        None => return Claim::NotListed,
                    },
                }
            }
        };
        if self.claims.insert((batch, row.row)) { Claim::Row(row) } else { Claim::InHand }
    }

    fn counts(&self, batch: BatchId) -> Counts {
        let mut counts = Counts::default();
        self.rows_of(batch).for_each(|row| counts.add(row.state, 1));
        counts
    }

    fn counted(&self, batch: &BatchRecord) -> BatchRecord {
        BatchRecord { counts: self.counts(batch.id), ..batch.clone() }
    }

    fn add_batch(&mut self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId> {
        if self.batches.iter().any(|known| known.content == batch.content && known.closed.is_none()) {
            return Err(InventoryError::Begun);
        }
        let id = self.batches.len() as BatchId + 1;
        let (name, content, begun) = (batch.name.clone(), batch.content.clone(), batch.begun);
        self.batches.push(BatchRecord { id, name, content, begun, closed: None, counts: Counts::default() });
        for (number, row) in (1..).zip(rows) {
            let NewRow { serial, is_named, user, seed, state } = row?;
            self.rows.insert((id, number), RowRecord { row: number, state, serial, is_named, user, seed, error: None });
        }
        Ok(id)
    }
}

fn over(measured: Option<tokentap::inventory::Measured>, limit: Option<f64>) -> bool {
    limit.is_none_or(|limit| measured.is_some_and(|measured| measured.drift_s.abs() > limit))
}

impl Inventory for Memory {
    fn fingerprint_key(&self) -> &FingerprintKey {
        &self.key
    }

    fn recipients(&self) -> Kept<Vec<String>> {
        Ok(Vec::new())
    }

    fn check_alone(&self) -> Kept<()> {
        Ok(())
    }

    fn keep(&self, entry: &Entry) -> Kept<()> {
        self.durably(|books| books.keep_apart(entry))
    }

    fn see(&self, entry: &Entry) -> Kept<()> {
        self.keep(entry)
    }

    fn begin(&self, begin: &Begin<'_>) -> Kept<Begun> {
        self.durably(|books| books.begin(begin))
    }

    fn is_still_at_work(&self, _job: i64, _serial: &str) -> Kept<bool> {
        Ok(true)
    }

    fn at_work(&self, serial: &str) -> Kept<Option<UnixTime>> {
        Ok(self.books().leases.get(serial).filter(|lease| lease.at_work).map(|lease| lease.since))
    }

    fn end(&self, job: i64, entry: &Entry) -> Kept<()> {
        let ended = self.durably(|books| books.end(job, entry));
        self.books().leases.values_mut().filter(|lease| lease.job == job).for_each(|lease| lease.at_work = false);
        match (ended?, &entry.token) {
            (false, Some(change)) => Err(InventoryError::Overtaken(change.key.clone())),
            _ => Ok(()),
        }
    }

    fn keep_all(&self, _: bool, next: &mut dyn FnMut(&[String]) -> Kept<Option<Entry>>) -> Kept<u64> {
        self.durably(|books| {
            let mut kept = 0;
            while let Some(entry) = next(&[])? {
                books.keep_apart(&entry)?;
                kept += 1;
            }
            Ok(kept)
        })
    }

    fn claim(&self, batch: BatchId, serial: &str, reburns: bool) -> Kept<Claim> {
        Ok(self.books().claim(batch, serial, reburns))
    }

    fn release(&self, batch: BatchId, row: u64) -> Kept<()> {
        self.books().claims.remove(&(batch, row));
        Ok(())
    }

    fn token(&self, key: &SlotKey) -> Kept<Option<TokenRecord>> {
        Ok(self.books().token(key).cloned())
    }

    fn key_refused(&self, serial: &str, key: &Fingerprint) -> Kept<Option<UnixTime>> {
        Ok(self.books().refused.get(&(serial.to_owned(), *key)).copied())
    }

    fn holder(&self, seed: &Fingerprint) -> Kept<Option<SlotKey>> {
        Ok(self.books().holders.get(seed).cloned())
    }

    fn add_batch(&self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId> {
        self.durably(|books| books.add_batch(batch, rows))
    }

    fn close_batch(&self, batch: BatchId, at: UnixTime) -> Kept<()> {
        self.books().batches.iter_mut().filter(|known| known.id == batch).for_each(|known| known.closed = Some(at));
        Ok(())
    }
}

impl Deliveries for Memory {
    fn servers(&self) -> Kept<Vec<ServerRecord>> {
        Ok(self.books().servers.values().cloned().collect())
    }

    fn put_server(&self, server: &ServerRecord, event: &Event) -> Kept<()> {
        let mut books = self.books();
        books.servers.insert(server.name.clone(), server.clone());
        books.events.push(event.clone());
        Ok(())
    }

    fn remove_server(&self, name: &str, event: &Event) -> Kept<bool> {
        let mut books = self.books();
        let was_known = books.servers.remove(name).is_some();
        books.events.extend(was_known.then(|| event.clone()));
        Ok(was_known)
    }

    fn deliveries(&self, filter: &DeliveryFilter) -> Kept<Vec<Delivery>> {
        let books = self.books();
        let wanted = books.deliveries.values().filter(|delivery| {
            filter.server.as_ref().is_none_or(|server| *server == delivery.server)
                && filter.serial.as_ref().is_none_or(|serial| *serial == delivery.key.serial)
        });
        Ok(wanted.cloned().collect())
    }

    fn deliver(&self, earlier: Option<&Delivery>, later: &Delivery, event: Option<&Event>) -> Kept<()> {
        let mut books = self.books();
        let place = (later.server.clone(), later.key.clone());
        if !Delivery::is_same(books.deliveries.get(&place), earlier) {
            return Err(InventoryError::Changed(later.key.clone()));
        }
        books.deliveries.insert(place, later.clone());
        books.events.extend(event.cloned());
        Ok(())
    }
}

impl DeviceKeys for Memory {
    fn device_keys(&self, serial: Option<&str>) -> Kept<Vec<DeviceKey>> {
        let books = self.books();
        let wanted = books.device_keys.iter().filter(|known| serial.is_none_or(|serial| known.serial == serial));
        let mut found: Vec<DeviceKey> = wanted.cloned().collect();
        found.sort_by(|one, other| (&one.serial, other.number).cmp(&(&other.serial, one.number)));
        Ok(found)
    }

    fn put_device_keys(&self, serial: &str, keys: &[DeviceKey]) -> Kept<()> {
        let known = &mut self.books().device_keys;
        known.retain(|known| known.serial != serial);
        known.extend_from_slice(keys);
        Ok(())
    }
}

impl Listing for Memory {
    fn was_dealt(&self, batch: BatchId, row: u64, serial: &str) -> Kept<bool> {
        Ok(self.books().dealt.contains(&(batch, row, serial.to_owned())))
    }

    fn batch_of_content(&self, content: &[u8]) -> Kept<Option<BatchRecord>> {
        let books = self.books();
        let found = books.batches.iter().rev().find(|batch| batch.content == content);
        Ok(found.map(|batch| books.counted(batch)))
    }

    fn open_batch_named(&self, name: &str) -> Kept<Option<BatchRecord>> {
        let books = self.books();
        let found = books.batches.iter().rev().find(|batch| batch.name == name && batch.closed.is_none());
        Ok(found.map(|batch| books.counted(batch)))
    }

    fn counts(&self, batch: BatchId) -> Kept<Counts> {
        Ok(self.books().counts(batch))
    }

    fn row_of(&self, batch: BatchId, serial: &str) -> Kept<Option<RowRecord>> {
        Ok(self.books().rows_of(batch).find(|row| row.serial.as_deref() == Some(serial)).cloned())
    }

    fn row_of_seed(&self, batch: BatchId, seed: &Fingerprint) -> Kept<Option<RowRecord>> {
        Ok(self.books().rows_of(batch).find(|row| row.seed.as_ref() == Some(seed)).cloned())
    }

    fn visit_rows(&self, batch: BatchId, states: &[RowState], visit: &mut dyn FnMut(RowRecord)) -> Kept<()> {
        let wanted = |row: &&RowRecord| states.is_empty() || states.contains(&row.state);
        self.books().rows_of(batch).filter(wanted).cloned().for_each(visit);
        Ok(())
    }

    fn visit_events(&self, filter: &EventFilter, limit: u64, visit: &mut dyn FnMut(Event)) -> Kept<()> {
        let contains = |event: &Event, part: &String| {
            let detail = event.detail.as_ref().map(|detail| detail.to_ascii_lowercase());
            detail.is_some_and(|detail| detail.contains(&part.to_ascii_lowercase()))
        };
        let books = self.books();
        let mut found: Vec<&Event> = books.events.iter().rev().collect();
        found.sort_by_key(|event| std::cmp::Reverse(event.at));
        let wanted = found.into_iter().filter(|event| {
            (filter.serial.is_none() || filter.serial == event.serial)
                && filter.slot.is_none_or(|slot| slot == event.slot)
                && filter.since.is_none_or(|since| event.at >= since)
                && filter.deed.is_none_or(|deed| event.deed == deed)
                && filter.outcome.is_none_or(|outcome| event.outcome == outcome)
                && filter.detail.as_ref().is_none_or(|part| contains(event, part))
                && over(event.before, filter.drift_over)
        });
        wanted.take(limit as usize).cloned().for_each(visit);
        Ok(())
    }

    fn visit_clock_events(&self, serial: Option<&str>, visit: &mut dyn FnMut(ClockEvent)) -> Kept<()> {
        let books = self.books();
        let bears = |event: &Event| {
            let writes = matches!(event.deed, Deed::Sync | Deed::Config | Deed::Burn);
            event.before.is_some() || event.after.is_some() || writes
        };
        let of_serial =
            |event: &&Event| event.serial.is_some() && serial.is_none_or(|s| event.serial.as_deref() == Some(s));
        let mut found: Vec<&Event> = books.events.iter().filter(of_serial).filter(|event| bears(event)).collect();
        found.sort_by_key(|event| (event.serial.clone(), event.at));
        found.into_iter().for_each(|event| {
            visit(ClockEvent {
                key: SlotKey::of(event.serial.clone().unwrap_or_default(), event.slot),
                at: event.at,
                job: event.job,
                desk: event.station.desk.clone(),
                deed: event.deed,
                outcome: event.outcome,
                before: event.before,
                after: event.after,
            });
        });
        Ok(())
    }

    fn visit_tokens(&self, filter: &TokenFilter, limit: u64, visit: &mut dyn FnMut(TokenRecord)) -> Kept<()> {
        let has_sealed = |token: &TokenRecord| {
            token.sealed.is_some() || token.pending.as_ref().is_some_and(|pending| pending.sealed.is_some())
        };
        let books = self.books();
        let wanted = books.tokens.values().map(|life| &life.record).filter(|token| {
            filter.serial.as_ref().is_none_or(|serial| *serial == token.key.serial)
                && filter.since.is_none_or(|since| token.last_seen >= since)
                && filter.before.is_none_or(|before| token.last_seen < before)
                && filter.synced_before.is_none_or(|before| token.synced.is_none_or(|synced| synced < before))
                && over(token.drift, filter.drift_over)
                && (!filter.sealed || has_sealed(token))
                && (!filter.pending || token.pending.is_some())
        });
        wanted.take(limit as usize).cloned().for_each(visit);
        Ok(())
    }

    fn batches(&self, since: Option<UnixTime>) -> Kept<Vec<BatchRecord>> {
        let books = self.books();
        let newest = books.batches.iter().rev().filter(|batch| since.is_none_or(|since| batch.begun >= since));
        Ok(newest.map(|batch| books.counted(batch)).collect())
    }
}
