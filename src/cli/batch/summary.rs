//! The end of a batch: the server's files, and the sum of it.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::view::counts_fields;
use crate::cli::describe::{self, plain};
use crate::cli::output::Output;
use crate::cli::{Ran, interrupt};
use crate::inventory::{Counts, RowRecord, RowState};
use crate::job::batch::{Batch, Outputs};
use crate::job::{Books, Exit, Failure, locked};
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

/// Writes the server's files, closes a batch in which nothing is left, and sums up.
pub fn finish(
    name: &str,
    mut batch: Batch,
    outputs: Option<Outputs>,
    fatal: Option<Failure>,
    books: &Books,
    output: &Output,
    at: UnixTime,
) -> Ran {
    let fatal = match fatal {
        Some(failure) => Some(failure),
        None => conclude_batch(&mut batch, outputs.as_ref(), books, at).err(),
    };
    let counts = batch.counts();
    let mut rows = Vec::new();
    let states = [RowState::Burning, RowState::Unknown, RowState::Failed, RowState::Assigned];
    let listed = locked(books).visit_rows(batch.id(), &states, &mut |row| rows.push(row));
    let mut files = Vec::new();
    if let Some(outputs) = outputs.filter(|_| fatal.is_none()) {
        if counts.done() > 0 {
            files.extend(outputs.files.iter().map(|file| file.path.clone()));
        }
        if counts.left() == 0 {
            outputs.finish();
        }
    }
    let mut object = summary_fields(name, counts, &rows, &files);
    object.insert("event".to_owned(), json!("summary"));
    output.report(&summary(name, counts, &rows, &files), object);
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
fn summary(name: &str, counts: Counts, rows: &[RowRecord], files: &[PathBuf]) -> String {
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
    for file in files {
        text.push_str(&format!("\n  written  {}", describe::path(file)));
    }
    if counts.left() > 0 {
        let are_left =
            if counts.left() == 1 { "1 row is left".to_owned() } else { format!("{} rows are left", counts.left()) };
        text.push_str(&format!("\n  {are_left}: run the same command again to go on"));
    }
    text
}
