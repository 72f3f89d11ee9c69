//! The server's files: what was burned, and nothing else, written whole at the end of a run.

use std::collections::HashMap;
use std::path::PathBuf;

use super::part::PartFile;
use crate::inventory::{BatchId, Fingerprint, Inventory, InventoryError, RowRecord, RowState};
use crate::job::remedy::BatchRemedy;
use crate::job::{Failure, TokenState, paths};
use crate::seedfile::{
    Converted, Field, Format, Problem, Row, Rules, SaveError, SecretFile, Sink, Target, WriteOptions, convert,
};

/// One file.
pub struct ServerFile {
    /// Its format.
    pub format: &'static Format,
    /// Where it goes.
    pub path: PathBuf,
}

/// Whether no file for a server is one that is read, or another one of them; `name`: what each of them is called.
///
/// # Errors
/// A usage failure that names both.
pub fn check_files<'a>(reads: &[paths::Named<'a>], name: &'a str, files: &'a [ServerFile]) -> Result<(), Failure> {
    let writes: Vec<paths::Named<'_>> = files.iter().map(|file| (name, Some(file.path.as_path()))).collect();
    paths::check(reads, &writes)
}

/// All files of a batch, and the `.part` file beside the first.
pub struct ServerFiles {
    /// The files; none where the inventory keeps the seeds.
    pub files: Vec<ServerFile>,
    /// How they are written.
    pub options: WriteOptions,
    /// The fields that may be lost.
    pub dropped: Vec<Field>,
    /// The rows so far.
    pub part: PartFile,
}

/// A file that could not be written, as a failure.
fn unsaved(error: &SaveError) -> Failure {
    Failure::file(error.to_string(), BatchRemedy::SeeFolder).in_state(TokenState::BatchRecorded { unwritten: false })
}

/// Whether rows can be written in all of these formats: found out before the first token.
///
/// # Errors
/// [`SaveError`].
pub fn rehearse(
    files: &[&'static Format],
    rows: impl Iterator<Item = Result<Row, Problem>>,
    options: &WriteOptions,
    dropped: &[Field],
) -> Result<Converted, SaveError> {
    let sinks = files.iter().filter_map(|format| Sink::new(format, Target::Nowhere)).collect();
    convert(rows, sinks, options, allowed(dropped), &|_| None)
}

/// Whether a secret may stand there twice was settled when the list was read.
fn allowed(drop: &[Field]) -> Rules<'_> {
    Rules { drop, shares_secrets: true }
}

impl ServerFiles {
    /// Writes the files with the rows that tokens hold. With none, no file is written.
    ///
    /// # Errors
    /// A failure of a file or of the inventory.
    pub fn write(&self, inventory: &dyn Inventory, batch: BatchId) -> Result<(), Failure> {
        let wanted = done_rows(inventory, batch)?;
        if wanted.is_empty() {
            return Ok(());
        }
        let key = inventory.fingerprint_key().clone();
        // A row that was written twice goes into the file once, as it was written last.
        let mut last: HashMap<String, u64> = HashMap::new();
        for (line, row) in (0..).zip(self.part.rows().map_err(|error| unsaved(&error))?) {
            if let Ok(Row { serial: Some(serial), seed, .. }) = row
                && wanted.get(&serial) == Some(&key.of(&seed))
            {
                last.insert(serial, line);
            }
        }
        let rows = (0..).zip(self.part.rows().map_err(|error| unsaved(&error))?).filter_map(|(line, row)| match row {
            Ok(row) => (last.get(row.serial.as_deref()?) == Some(&line)).then_some(Ok(row)),
            Err(problem) => Some(Err(problem)),
        });
        let mut sinks = Vec::new();
        for file in &self.files {
            let target = SecretFile::create(&file.path, true).map_err(|error| unsaved(&error))?;
            sinks.extend(Sink::new(file.format, Target::File(target)));
        }
        let written = convert(rows, sinks, &self.options, allowed(&self.dropped), &|_| None);
        let written = written.map_err(|error| unsaved(&error))?;
        if let Some(problem) = written.problems.first().filter(|_| written.has_failed()) {
            let failure = Failure::file(format!("{}:{problem}", self.part.path().display()), BatchRemedy::Correct);
            return Err(failure.in_state(TokenState::BatchRecorded { unwritten: true }));
        }
        Ok(())
    }

    /// Removes the `.part` file: nothing is left to do, and its rows are in their files.
    pub fn finish(self) {
        let _ = std::fs::remove_file(self.part.path());
    }
}

/// The tokens that hold their row's seed.
fn done_rows(inventory: &dyn Inventory, batch: BatchId) -> Result<HashMap<String, Fingerprint>, InventoryError> {
    let mut done = HashMap::new();
    inventory.visit_rows(batch, &[RowState::Burned, RowState::Checked], &mut |row| {
        done.extend(row.serial.zip(row.seed));
    })?;
    Ok(done)
}

/// Rows that are done and do not stand in the `.part` file.
///
/// # Errors
/// [`InventoryError`].
pub fn missing(part: &PartFile, inventory: &dyn Inventory, batch: BatchId) -> Result<Vec<RowRecord>, InventoryError> {
    let mut missing = Vec::new();
    inventory.visit_rows(batch, &[RowState::Burned, RowState::Checked], &mut |row| {
        if let (Some(serial), Some(seed)) = (&row.serial, &row.seed)
            && !part.has(serial, seed)
        {
            missing.push(row);
        }
    })?;
    Ok(missing)
}
