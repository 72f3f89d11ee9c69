//! The end of a batch: the server's files, and the sum of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::view::counts_fields;
use crate::cli::describe::{self, counted, plain};
use crate::cli::output::Output;
use crate::cli::seeds::save_failed;
use crate::cli::slip::{self, Card};
use crate::cli::{Ran, interrupt};
use crate::inventory::{BatchId, Counts, RowRecord, RowState};
use crate::job::batch::{Batch, Outputs};
use crate::job::{Books, Exit, Failure, locked};
use crate::seedfile::Row;
use crate::time::UnixTime;

/// The sum as JSON has it.
pub fn summary_fields(name: &str, counts: Counts, rows: &[RowRecord], files: &[PathBuf]) -> Map<String, Value> {
    let listed = |state: fn(RowState) -> bool| -> Vec<Value> {
        let some = rows.iter().filter(|row| state(row.state));
        some.map(|row| json!({"row": row.row, "serial": row.serial, "user": row.user, "error": row.error})).collect()
    };
    let mut object = counts_fields(counts);
    object.insert("batch".to_owned(), json!(name));
    object.insert("unknown_rows".to_owned(), json!(listed(is_unknown)));
    object.insert("failed_rows".to_owned(), json!(listed(|state| state == RowState::Failed)));
    object.insert("files".to_owned(), json!(files.iter().map(|path| describe::path(path)).collect::<Vec<_>>()));
    object
}

fn is_unknown(state: RowState) -> bool {
    matches!(state, RowState::Burning | RowState::Unknown)
}

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
    outputs: Option<Outputs>,
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
    let paths: Vec<PathBuf> = files.iter().map(|(_, path)| path.clone()).collect();
    let mut object = summary_fields(name, counts, &rows, &paths);
    object.insert("event".to_owned(), json!("summary"));
    object.insert("holding_another_seed".to_owned(), json!(holding));
    let mut text = summary(name, counts, &rows, &files);
    if let Some(path) = slips.filter(|_| fatal.is_none()) {
        object.insert("slips".to_owned(), json!(describe::path(path)));
        text.push_str(&format!("\n  slips    {}", describe::path(path)));
    }
    if counts.left() > 0 {
        let left = counted(counts.left(), "row");
        let next = match holding {
            0 => "run the same command again to go on".to_owned(),
            _ => format!(
                "{} a seed from elsewhere, by the inventory: if they are to be burned anew, run the same command with --reburn",
                if holding == 1 { "1 token holds".to_owned() } else { format!("{holding} tokens hold") }
            ),
        };
        text.push_str(&format!("\n  {left} left: {next}"));
    }
    output.report(&text, object);
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
    part: Option<&Outputs>,
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

fn conclude_batch(batch: &mut Batch, outputs: Option<&Outputs>, books: &Books, at: UnixTime) -> Result<(), Failure> {
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

/// The summary at the end.
fn summary(name: &str, counts: Counts, rows: &[RowRecord], files: &[(&str, PathBuf)]) -> String {
    let mut text = format!("{name}: {} of {} rows done", counts.done(), counts.rows());
    if counts.of(RowState::Checked) > 0 {
        text.push_str(&format!(", {} of them checked", counts.of(RowState::Checked)));
    }
    for row in rows {
        let serial = row.serial.as_deref().unwrap_or("no serial");
        let user = row.user.as_deref().map(|user| format!(", {}", plain(user))).unwrap_or_default();
        let what = match row.state {
            RowState::Failed => "failed ",
            RowState::Assigned => "waiting",
            _ => "UNKNOWN",
        };
        let why = row.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        text.push_str(&format!("\n  {what}  row {}, {serial}{user}{why}", row.row));
    }
    for (server, file) in files {
        let file = describe::path(file);
        text.push_str(&format!(
            "\n  written  {file}\n   next    import it there ({server}), then delete it: it has the seeds"
        ));
    }
    text
}
