//! Many tokens from one list: which row goes onto which token, and how far each has come.
//!
//! A row's serial stands in the file, or the row is dealt out to the first token that comes and stays with it as soon as
//! its seed may have reached it. Before a seed is sent, its row is in the inventory (and in the `.part` file, where the
//! server's file is asked for); after a crash the inventory's word holds (`docs/batch.md`).

mod outputs;
mod part;
mod seeds;
mod visit;

use std::collections::HashSet;

pub use outputs::{Output, Outputs, missing, rehearse};
pub use part::PartFile;
pub use seeds::{BadRows, RowSeed, SeedList, flags_digest, fresh_seed};
pub use visit::{BatchNews, BatchPlan, BatchVisitor, Departure, Left, SeedSource};

use super::failure::{Exit, Failure};
use super::record::{Books, locked};
use crate::inventory::{
    BatchId, BatchRecord, Counts, Inventory, InventoryError, Kept, NewBatch, NewRow, RowRecord, RowState,
};
use crate::seedfile::Row;
use crate::time::UnixTime;

/// What a batch is made from.
pub struct Origin {
    /// Its name: the file's path, or words for new seeds.
    pub name: String,
    /// What its rows say, hashed.
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
    counts: Counts,
    rows_in_hand: Vec<u64>,
    serials_in_hand: HashSet<String>,
    /// Burn tokens anew that hold a seed from elsewhere.
    reburns: bool,
}

/// What a token that came is to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This row.
    Row(RowRecord),
    /// Nothing: this row is on it already.
    Done(RowRecord),
    /// Nothing: it is not on the list, or all rows are dealt out.
    NotListed,
    /// Nothing: by the inventory it holds another seed.
    HoldsAnother {
        /// When that was burned.
        burned: Option<UnixTime>,
        /// Whose it is.
        user: Option<String>,
    },
    /// Nothing: it lies on another reader too.
    InHand,
}

impl Batch {
    /// Finds the batch on record, or begins it. `part` has the rows of a `.part` file that is there already.
    ///
    /// # Errors
    /// A usage failure for a file that was changed since its batch was begun; a failure of the inventory.
    pub fn open(
        books: &Books,
        origin: &Origin,
        mut rows: Vec<NewRow>,
        part: &[Row],
        at: UnixTime,
    ) -> Result<(Self, Opened), Failure> {
        let mut inventory = locked(books);
        let known = inventory.batch_of_content(&origin.content)?;
        if let Some(known) = known.filter(|_| !origin.anew) {
            match known.closed {
                None => return Ok((Self::of(&known), Opened::Resumed)),
                Some(_) if !origin.is_fresh => return Ok((Self::of(&known), Opened::Finished)),
                Some(_) => {}
            }
        }
        let open = inventory.open_batch_named(&origin.name)?;
        if let Some(open) = open {
            if !origin.anew {
                return Err(changed(origin, &open));
            }
            inventory.close_batch(open.id, at)?;
        }
        adopt(inventory.as_mut(), &mut rows, part)?;
        let new = NewBatch { name: origin.name.clone(), content: origin.content.clone(), begun: at };
        let id = match inventory.add_batch(&new, &mut rows.into_iter().map(Ok)) {
            Err(InventoryError::Begun) => {
                // Another program was faster: this one joins in.
                let known = inventory.batch_of_content(&origin.content)?.ok_or(InventoryError::Begun)?;
                return Ok((Self::of(&known), Opened::Resumed));
            }
            id => id?,
        };
        let counts = inventory.counts(id)?;
        let new = BatchRecord { id, name: new.name, content: new.content, begun: at, closed: None, counts };
        Ok((Self::of(&new), Opened::New))
    }

    fn of(record: &BatchRecord) -> Self {
        Self {
            id: record.id,
            counts: record.counts,
            rows_in_hand: Vec::new(),
            serials_in_hand: HashSet::new(),
            reburns: false,
        }
    }

    /// Burns tokens anew that hold a seed from elsewhere.
    #[must_use]
    pub fn reburning(self, reburns: bool) -> Self {
        Self { reburns, ..self }
    }

    /// Its number in the inventory.
    #[must_use]
    pub fn id(&self) -> BatchId {
        self.id
    }

    /// How many rows are in which state.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Counts the rows anew: another program may work at the same batch.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn recount(&mut self, inventory: &mut dyn Inventory) -> Kept<()> {
        self.counts = inventory.counts(self.id)?;
        Ok(())
    }

    /// What a token gets. Until [`Self::release`] its row is kept from others.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn claim(&mut self, inventory: &mut dyn Inventory, serial: &str) -> Kept<Claim> {
        if self.serials_in_hand.contains(serial) {
            return Ok(Claim::InHand);
        }
        let row = match inventory.row_of(self.id, serial)? {
            Some(row) if row.state.is_done() => {
                // Unless it lost its seed since: then it is to have it again.
                match inventory.token(serial)?.filter(|token| token.erased.is_some()) {
                    Some(_) => row,
                    None => return Ok(Claim::Done(row)),
                }
            }
            Some(row) if row.state == RowState::Planned && !self.reburns => {
                // Not tried yet: what the token holds is from elsewhere.
                let token = inventory.token(serial)?;
                match token.filter(|token| token.held().is_some_and(|held| row.seed != Some(held))) {
                    Some(token) => return Ok(Claim::HoldsAnother { burned: token.burned, user: token.user }),
                    None => row,
                }
            }
            Some(row) => row,
            None => match self.deal(inventory, serial)? {
                Ok(row) => row,
                Err(claim) => return Ok(claim),
            },
        };
        self.rows_in_hand.push(row.row);
        self.serials_in_hand.insert(serial.to_owned());
        Ok(Claim::Row(row))
    }

    /// A row without a serial for a token that no row names, or why it gets none.
    fn deal(&mut self, inventory: &mut dyn Inventory, serial: &str) -> Kept<Result<RowRecord, Claim>> {
        let mut next = inventory.next_planned(self.id, &self.rows_in_hand)?;
        if next.is_none() {
            return Ok(Err(Claim::NotListed));
        }
        if let Some(token) = inventory.token(serial)? {
            let held = token.held();
            let own = match &held {
                Some(seed) => inventory.row_of_seed(self.id, seed)?,
                None => None,
            };
            match own {
                // A row's seed is on it already: that row is its own, and another token must not get it.
                Some(row) if row.state == RowState::Planned && !row.is_named => return Ok(Ok(row)),
                _ if held.is_some() && !self.reburns => {
                    return Ok(Err(Claim::HoldsAnother { burned: token.burned, user: token.user }));
                }
                _ => {}
            }
        }
        let mut passed = self.rows_in_hand.clone();
        while let Some(row) = next {
            let holder = match &row.seed {
                Some(seed) => inventory.holder(seed)?,
                None => None,
            };
            match holder {
                // It waits for its own token.
                Some(holder) if holder != serial => passed.push(row.row),
                _ => return Ok(Ok(row)),
            }
            next = inventory.next_planned(self.id, &passed)?;
        }
        Ok(Err(Claim::NotListed))
    }

    /// Lets go of a row and its token.
    pub fn release(&mut self, row: u64, serial: &str) {
        self.rows_in_hand.retain(|in_hand| *in_hand != row);
        self.serials_in_hand.remove(serial);
    }

    /// Takes note of a row that has gone from one state to another, on record.
    pub fn note(&mut self, was: RowState, state: RowState) {
        self.counts.add(was, -1);
        self.counts.add(state, 1);
    }
}

/// The failure of a file that is not the one that its open batch was begun with.
fn changed(origin: &Origin, open: &BatchRecord) -> Failure {
    let counts = open.counts;
    Failure::new(
        "batch-changed",
        Exit::Usage,
        format!(
            "a batch of {} is open since {}, with other rows",
            origin.name,
            open.begun.format("%Y-%m-%d %H:%M UTC")
        ),
        format!("no token was touched; {} of its {} rows are done", counts.done(), counts.rows()),
        "put the rows back as they were to go on with it, or leave it for good with --new-batch",
    )
}

/// What is known of the rows of a batch that is new to this inventory: seeds that a token holds already stay with it.
fn adopt(inventory: &mut dyn Inventory, rows: &mut [NewRow], part: &[Row]) -> Result<(), InventoryError> {
    let mut taken: HashSet<String> = rows.iter().filter_map(|row| row.serial.clone()).collect();
    // Later lines are newer: a seed that was not sent to one token may have gone to the next.
    let key = inventory.fingerprint_key().clone();
    let written: std::collections::HashMap<Vec<u8>, &str> =
        part.iter().filter_map(|row| Some((key.of(&row.seed).as_bytes().to_vec(), row.serial.as_deref()?))).collect();
    for row in rows.iter_mut() {
        let Some(seed) = row.seed else { continue };
        let in_part = written.get(seed.as_bytes()).map(|serial| (*serial).to_owned());
        let was_begun = in_part.is_some();
        let Some(serial) = in_part.or(if row.is_named { None } else { inventory.holder(&seed)? }) else { continue };
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
