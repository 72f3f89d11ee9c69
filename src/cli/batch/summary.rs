//! The end of a batch: the server's files, and the sum of it.

use std::collections::HashMap;
use std::path::Path;

use crate::cli::describe::{self};
use crate::cli::output::Output;
use crate::cli::seeds::save_failed;
use crate::cli::slip::{self, Card};
use crate::cli::{Ran, interrupt};
use crate::inventory::{BatchId, RowState};
use crate::job::batch::{Batch, ServerFiles};
use crate::job::{Books, Exit, Failure, locked};
use crate::report::{BatchEvent, BatchSummary, Summed};
use crate::seedfile::Row;
use crate::time::UnixTime;

/// What goes into the end of a batch beside the batch itself.
pub struct Ending<'a> {
    /// What ended it early.
    pub fatal: Option<Failure>,
    /// How many tokens were left alone because they hold a seed from elsewhere.
    pub holding: usize,
    /// Where the users' slips go.
    pub slips: Option<&'a Path>,
    /// They have the seeds' QR codes.
    pub with_secret: bool,
    /// Files may be overwritten.
    pub force: bool,
    pub at: UnixTime,
}

/// Writes the server's files, closes a batch in which nothing is left, and sums up.
pub fn finish(
    name: &str,
    mut batch: Batch,
    outputs: Option<ServerFiles>,
    books: &Books,
    output: &Output,
    ending: Ending<'_>,
) -> Ran {
    let Ending { fatal, holding, slips, with_secret, force, at } = ending;
    let fatal = match fatal {
        Some(failure) => Some(failure),
        None => conclude_batch(&mut batch, outputs.as_ref(), books, at).err(),
    };
    let fatal = match (fatal, slips) {
        (None, Some(path)) => {
            let part = outputs.as_ref().filter(|_| with_secret);
            write_slips(path, batch.id(), part, books, force || slip::is_own(path)).err()
        }
        (fatal, _) => fatal,
    };
    let counts = batch.counts();
    let mut rows = Vec::new();
    let states = [RowState::Burning, RowState::Unknown, RowState::Failed, RowState::Assigned];
    let listed = locked(books).visit_rows(batch.id(), &states, &mut |row| rows.push(row));
    let mut files = Vec::new();
    if let Some(outputs) = outputs.filter(|_| fatal.is_none()) {
        if counts.done() > 0 {
            files.extend(outputs.files.iter().map(|file| (file.format.title, file.path.clone())));
        }
        if counts.left() == 0 {
            outputs.finish();
        }
    }
    let slips = slips.filter(|_| fatal.is_none()).map(describe::path);
    let summary = BatchSummary::of(Summed { name, counts, rows: &rows, files: &files, holding, slips });
    output.report(&BatchEvent::Summary(summary));
    if let Some(failure) = fatal {
        return Err(failure);
    }
    listed?;
    match counts.left() {
        0 => Ok(Exit::Done),
        _ if interrupt::asked() => Ok(Exit::Interrupted),
        _ => Ok(Exit::Undone),
    }
}

/// A slip for each token that holds its row's seed.
///
/// # Errors
/// A failure of the file or the inventory.
pub fn write_slips(
    path: &Path,
    batch: BatchId,
    part: Option<&ServerFiles>,
    books: &Books,
    force: bool,
) -> Result<(), Failure> {
    let mut seeds: HashMap<String, Row> = HashMap::new();
    if let Some(outputs) = part {
        let rows = outputs.part.rows().map_err(|error| save_failed(&error))?;
        seeds.extend(rows.filter_map(Result::ok).filter_map(|row| Some((row.serial.clone()?, row))));
    }
    let mut cards = Vec::new();
    let states = [RowState::Burned, RowState::Checked];
    locked(books).visit_rows(batch, &states, &mut |row| {
        if let Some(serial) = row.serial {
            let mut seed = seeds.remove(&serial);
            if let Some(seed) = &mut seed {
                seed.account = row.user.clone().or_else(|| Some(serial.clone()));
            }
            cards.push(Card { user: row.user, serial, seed });
        }
    })?;
    if cards.is_empty() {
        return Ok(());
    }
    slip::save(path, &cards, force)
}

fn conclude_batch(
    batch: &mut Batch,
    outputs: Option<&ServerFiles>,
    books: &Books,
    at: UnixTime,
) -> Result<(), Failure> {
    let mut inventory = locked(books);
    batch.recount(inventory.as_mut())?;
    if let Some(outputs) = outputs {
        outputs.write(inventory.as_mut(), batch.id())?;
    }
    if batch.counts().left() == 0 {
        inventory.close_batch(batch.id(), at)?;
    }
    Ok(())
}
