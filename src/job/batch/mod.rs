//! Many tokens from one list: which row goes onto which token, and how far each has come.
//!
//! A row's serial stands in the file, or the row is dealt out to the first token that comes and stays with it as soon as
//! its seed may have reached it. Before a seed is sent, its row is in the inventory (and in the `.part` file, where the
//! server's file is asked for); after a crash the inventory's word holds (`docs/batch.md`).

mod asking;
mod news;
mod outputs;
mod part;
mod row_plan;
mod run;
mod seeds;
mod unjudged;
mod visit;

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub use news::{BatchNews, Departure, Left};
pub use outputs::{ServerFile, ServerFiles, check_files, missing, rehearse};
pub use part::PartFile;
pub use run::{BatchEnd, BatchRun, ListTerms, PlannedBatch, unwritable};
pub use seeds::{Allowed, BadRows, RowSeed, SeedList, flags_digest, fresh_seed};
pub use visit::{BatchPlan, BatchVisitor, SeedSource};

use super::failure::Failure;
use super::problem::Problem;
use super::record::{Books, locked};
use super::remedy::BatchRemedy;
use super::state::TokenState;
use crate::inventory::{
    BatchId, BatchRecord, Claim, Counts, Deed, Entry, Event, Fingerprint, Inventory, InventoryError, Kept, NewBatch,
    NewRow, Outcome, Pending, PendingChange, RowChange, RowRecord, RowState, SlotKey, Station, TokenChange,
};
use crate::seedfile::Row;
use crate::time::UnixTime;

/// The origin of a batch.
pub struct Origin {
    /// Its name: the file's path, or words for new seeds.
    pub name: String,
    /// A hash over its rows.
    pub content: Vec<u8>,
    /// Begin anew, whatever is on record.
    pub anew: bool,
    /// New seeds: a finished batch of the same content is another one.
    pub is_fresh: bool,
}

/// How a batch was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It is a new one.
    New,
    /// It goes on.
    Resumed,
    /// Nothing is left to do in it.
    Finished,
}

/// An open batch: its number, its counts, and what is in hand.
pub struct Batch {
    id: BatchId,
    counts: Mutex<Counts>,
    serials_in_hand: Mutex<HashSet<String>>,
    /// Burn tokens anew that hold a seed from elsewhere.
    reburns: bool,
    /// The rows that only the `.part` file knew of.
    adopted: u64,
    /// When its rows are to be counted anew, where other desks work at it too.
    count_again: Mutex<Instant>,
}

/// How often the rows are counted anew, where other desks work at the same batch …
const COUNT_AFTER: Duration = Duration::from_secs(2);

/// … and after a server did not answer: no reader waits for it at every turn.
const COUNT_AFTER_OUTAGE: Duration = Duration::from_secs(30);

impl Batch {
    /// Finds the batch on record, or begins it. `part` has the rows of a `.part` file that is there already; what it knows
    /// more than the inventory is taken over.
    ///
    /// # Errors
    /// A usage failure for a file that was changed since its batch was begun; a failure of the inventory, or of a `.part`
    /// file that contradicts it.
    pub fn open(
        books: &Books,
        origin: &Origin,
        mut rows: Vec<NewRow>,
        part: &[Row],
        at: UnixTime,
    ) -> Result<(Self, Opened), Failure> {
        let known = books.batch_of_content(&origin.content)?;
        if let Some(known) = known.filter(|_| !origin.anew) {
            match known.closed {
                None => {
                    let adopted = catch_up(books, known.id, part, at)?;
                    let batch = Self { adopted, ..Self::of(&known) };
                    batch.recount(books)?;
                    return Ok((batch, Opened::Resumed));
                }
                Some(_) if !origin.is_fresh => return Ok((Self::of(&known), Opened::Finished)),
                Some(_) => {}
            }
        }
        let open = books.open_batch_named(&origin.name)?;
        if let Some(open) = open {
            // Another program may have begun the same one just now.
            if !origin.anew && open.content == origin.content {
                return Ok((Self::of(&open), Opened::Resumed));
            }
            if !origin.anew {
                return Err(changed(origin, &open));
            }
            books.close_batch(open.id, at)?;
        }
        adopt(books, &mut rows, part)?;
        let new = NewBatch { name: origin.name.clone(), content: origin.content.clone(), begun: at };
        let id = match books.add_batch(&new, &mut rows.into_iter().map(Ok)) {
            Err(InventoryError::Begun) => {
                // Another program was faster: this one joins in.
                let known = books.batch_of_content(&origin.content)?.ok_or(InventoryError::Begun)?;
                return Ok((Self::of(&known), Opened::Resumed));
            }
            id => id?,
        };
        let counts = books.counts(id)?;
        let new = BatchRecord { id, name: new.name, content: new.content, begun: at, closed: None, counts };
        Ok((Self::of(&new), Opened::New))
    }

    fn of(record: &BatchRecord) -> Self {
        let (counts, serials_in_hand) = (Mutex::new(record.counts), Mutex::default());
        let count_again = Mutex::new(Instant::now() + COUNT_AFTER);
        Self { id: record.id, counts, serials_in_hand, reburns: false, adopted: 0, count_again }
    }

    /// Burns tokens anew that hold a seed from elsewhere.
    #[must_use]
    pub fn reburning(self, reburns: bool) -> Self {
        Self { reburns, ..self }
    }

    /// How many rows only the `.part` file knew of: the inventory is older than it.
    #[must_use]
    pub fn adopted(&self) -> u64 {
        self.adopted
    }

    /// Its number in the inventory.
    #[must_use]
    pub fn id(&self) -> BatchId {
        self.id
    }

    /// How many rows are in which state.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *locked(&self.counts)
    }

    /// Counts the rows anew: another program may work at the same batch.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn recount(&self, inventory: &dyn Inventory) -> Kept<()> {
        if inventory.is_shared() {
            // Nothing is noted then, and nobody waits for a server who only wants to know how far it is.
            let counts = inventory.counts(self.id)?;
            *locked(&self.counts) = counts;
            return Ok(());
        }
        // Nothing is noted in between: it would be lost, or counted twice.
        let mut counts = locked(&self.counts);
        *counts = inventory.counts(self.id)?;
        Ok(())
    }

    /// Counts the rows anew from time to time, where other desks may have done some.
    pub fn look_at_others(&self, inventory: &dyn Inventory) {
        if !inventory.is_shared() {
            return;
        }
        let Ok(mut due) = self.count_again.try_lock() else { return };
        if Instant::now() < *due {
            return;
        }
        let after = if self.recount(inventory).is_ok() { COUNT_AFTER } else { COUNT_AFTER_OUTAGE };
        *due = Instant::now() + after;
    }

    /// The row that a token gets. Until [`Self::release`] its row is kept from others, and so is the token from other readers.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn claim(&self, inventory: &dyn Inventory, serial: &str) -> Kept<Claim> {
        if !locked(&self.serials_in_hand).insert(serial.to_owned()) {
            return Ok(Claim::InHand);
        }
        let claim = inventory.claim(self.id, serial, self.reburns);
        if !matches!(claim, Ok(Claim::Row(_))) {
            locked(&self.serials_in_hand).remove(serial);
        }
        claim
    }

    /// Lets go of a row and its token. A row that cannot be let go is free when this program has ended.
    pub fn release(&self, inventory: &dyn Inventory, row: u64, serial: &str) {
        let _ = inventory.release(self.id, row);
        locked(&self.serials_in_hand).remove(serial);
    }

    /// Takes note of a row that has gone from one state to another, on record.
    pub fn note(&self, was: RowState, state: RowState) {
        let mut counts = locked(&self.counts);
        counts.add(was, -1);
        counts.add(state, 1);
    }
}

/// The failure of a file that is not the one that its open batch was begun with.
fn changed(origin: &Origin, open: &BatchRecord) -> Failure {
    let problem = Problem::BatchChanged { name: origin.name.clone(), begun: open.begun };
    let state = TokenState::BatchUnchanged { done: open.counts.done(), rows: open.counts.rows() };
    Failure::new(problem, state, BatchRemedy::PutRowsBack)
}

/// Completes the rows of a batch that is new to this inventory: seeds that a token holds already stay with it.
fn adopt(inventory: &dyn Inventory, rows: &mut [NewRow], part: &[Row]) -> Result<(), InventoryError> {
    let mut taken: HashSet<String> = rows.iter().filter_map(|row| row.serial.clone()).collect();
    // Later lines are newer: a seed that was not sent to one token may have gone to the next.
    let key = inventory.fingerprint_key().clone();
    let written: std::collections::HashMap<Vec<u8>, &str> =
        part.iter().filter_map(|row| Some((key.of(&row.seed).as_bytes().to_vec(), row.serial.as_deref()?))).collect();
    for row in rows.iter_mut() {
        let Some(seed) = row.seed else { continue };
        let in_part = written.get(seed.as_bytes()).map(|serial| (*serial).to_owned());
        let was_begun = in_part.is_some();
        let Some(serial) = in_part.or(if row.is_named { None } else { inventory.holder(&seed)?.map(|key| key.serial) })
        else {
            continue;
        };
        if row.serial.as_ref() == Some(&serial) || taken.insert(serial.clone()) {
            row.serial = Some(serial);
            row.state = if was_begun { RowState::Unknown } else { RowState::Assigned };
        } else {
            // Its seed may be on a token that another row names: it goes to no third one.
            row.state = RowState::Unknown;
        }
    }
    Ok(())
}

/// Takes over what a `.part` file knows and the inventory does not: an inventory from a backup, or a copy without its log, is
/// older than the tokens. Rows whose seeds may be out there go to no other token. How many there were.
fn catch_up(inventory: &dyn Inventory, batch: BatchId, part: &[Row], at: UnixTime) -> Result<u64, Failure> {
    let key = inventory.fingerprint_key().clone();
    // Later lines are newer: a seed that was not sent to one token may have gone to the next.
    let mut unknown: Vec<(RowRecord, String, Fingerprint)> = Vec::new();
    let mut fresh = fresh_rows(inventory, batch)?;
    for line in part {
        let Some(serial) = line.serial.clone() else { continue };
        let seed = key.of(&line.seed);
        let found = match inventory.row_of_seed(batch, &seed)? {
            Some(row) => Some(row),
            // A new seed stands in no row before it is burned; the row is one of the line's user.
            None => match fresh.iter().position(|row| row.user == line.user) {
                Some(index) => fresh.remove(index),
                None => unknown.iter().map(|(row, ..)| row).find(|row| is_fresh_of(row, line.user.as_deref())).cloned(),
            },
        };
        let Some(row) = found else { continue };
        // A later line for the same row says where its seed went last, whether the inventory knows that or not.
        unknown.retain(|(known, ..)| known.row != row.row);
        if inventory.was_dealt(batch, row.row, &serial)? {
            continue;
        }
        unknown.push((row, serial, seed));
    }
    for (row, serial, seed) in &unknown {
        let elsewhere = inventory.row_of(batch, serial)?.is_some_and(|other| other.row != row.row);
        let is_bound = row.serial.as_ref().is_some_and(|known| known != serial);
        if is_bound || elsewhere {
            return Err(contradicted(row, serial));
        }
        let event = Event {
            at,
            job: 0,
            station: Station::default(),
            serial: Some(serial.clone()),
            slot: 0,
            deed: Deed::Burn,
            outcome: Outcome::Unknown,
            before: None,
            after: None,
            state: None,
            detail: Some("known from the .part file alone".to_owned()),
        };
        let pending = Pending { job: 0, deed: Deed::Burn, at, profile: None, seed: Some(*seed), sealed: None };
        let token =
            TokenChange { pending: PendingChange::Begins(pending), ..TokenChange::of(SlotKey::only(serial.as_str())) };
        let (was, state, serial) = (row.state, RowState::Unknown, Some(serial.clone()));
        let row = RowChange { batch, row: row.row, was, state, serial, seed: Some(*seed), error: None };
        inventory.keep(&Entry { event, token: Some(token), row: Some(row) })?;
    }
    Ok(unknown.len() as u64)
}

/// Whether a row waits for a new seed for this user.
fn is_fresh_of(row: &RowRecord, user: Option<&str>) -> bool {
    row.seed.is_none() && user.is_some() && row.user.as_deref() == user
}

/// The rows of new seeds that have none yet.
fn fresh_rows(inventory: &dyn Inventory, batch: BatchId) -> Kept<VecDeque<RowRecord>> {
    let mut found = VecDeque::new();
    inventory.visit_rows(batch, &[RowState::Planned], &mut |row| {
        if row.seed.is_none() && row.serial.is_none() {
            found.push_back(row);
        }
    })?;
    Ok(found)
}

/// The failure of a `.part` file that says otherwise than the inventory.
fn contradicted(row: &RowRecord, serial: &str) -> Failure {
    let on_record = row.serial.clone();
    let problem = Problem::BatchContradicted { row: row.row, serial: serial.to_owned(), on_record };
    Failure::new(problem, TokenState::BatchFilesUnchanged, BatchRemedy::FindOut)
}
