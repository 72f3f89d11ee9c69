//! The end of a batch: the users' slips, and the sum of it.

use std::collections::HashMap;
use std::path::Path;

use crate::cli::args::BatchArgs;
use crate::cli::describe;
use crate::cli::output::Output;
use crate::cli::{Ran, interrupt};
use crate::inventory::{BatchId, RowState};
use crate::job::batch::{BatchEnd, ServerFiles, unwritable};
use crate::job::{Books, Exit, Failure};
use crate::report::slip::{self, Card};
use crate::report::{BatchEvent, BatchSummary, Summed};
use crate::seedfile::Row;

/// Writes the slips, sums up, and removes what is not needed any more.
pub fn finish(name: &str, mut end: BatchEnd, holding: usize, args: &BatchArgs, books: &Books, output: &Output) -> Ran {
    let slips = args.slips.as_deref();
    if let (None, Some(path)) = (&end.fatal, slips) {
        let files = end.files.as_ref().filter(|_| args.with_secret);
        end.fatal = write_slips(path, end.id, files, books, args.force || slip::is_own(path)).err();
    }
    end.clean_up();
    let written = if end.fatal.is_none() { end.written } else { Vec::new() };
    let slips = slips.filter(|_| end.fatal.is_none()).map(describe::path);
    let summed = Summed {
        name,
        counts: end.counts,
        rows: &end.rows,
        files: &written,
        holding,
        slips,
        again: "run the same command again to continue",
    };
    output.report(&BatchEvent::Summary(BatchSummary::of(summed)));
    match (end.fatal, end.counts.left()) {
        (Some(failure), _) => Err(failure),
        (None, 0) => Ok(Exit::Done),
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
    files: Option<&ServerFiles>,
    books: &Books,
    force: bool,
) -> Result<(), Failure> {
    let mut seeds: HashMap<String, Row> = HashMap::new();
    if let Some(files) = files {
        let rows = files.part.rows().map_err(|error| unwritable(&error))?;
        seeds.extend(rows.filter_map(Result::ok).filter_map(|row| Some((row.serial.clone()?, row))));
    }
    let mut cards = Vec::new();
    let states = [RowState::Burned, RowState::Checked];
    books.visit_rows(batch, &states, &mut |row| {
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
