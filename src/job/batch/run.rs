//! A run of a batch from its checked rows to its end: opened or continued, its `.part` file brought up to the record, its files
//! written, closed when nothing is left.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::news::BatchNews;
use super::outputs::{ServerFile, ServerFiles, missing, rehearse};
use super::part::PartFile;
use super::seeds::{RowSeed, SeedList, flags_digest};
use super::visit::{BatchPlan, BatchVisitor, SeedSource};
use super::{Allowed, BadRows, Batch, Opened, Origin};
use crate::device::Profile;
use crate::device::families::usual;
use crate::inventory::{
    BatchId, BatchRecord, Counts, Fingerprint, FingerprintKey, NewRow, RowRecord, RowState, SlotKey,
};
use crate::job::attend::Surroundings;
use crate::job::record::Books;
use crate::job::remedy::BatchRemedy;
use crate::job::seed_choice::bad_file;
use crate::job::{Failure, ProfileWish};
use crate::seed::Seed;
use crate::seedfile::{Field, MAX_WHOLE, Place, Problem, Row, Rows, SaveError, SecretFile, WriteOptions};
use crate::time::UnixTime;

/// The seeds of a batch and its rows, checked; nothing is on record yet.
pub struct PlannedBatch {
    /// Its name and its content.
    pub origin: Origin,
    /// Its seeds.
    pub source: SeedSource,
    /// Its rows.
    pub rows: Vec<NewRow>,
    /// The server's files.
    pub files: Vec<ServerFile>,
    /// How they are written.
    pub options: WriteOptions,
    /// The fields that may be lost.
    pub dropped: Vec<Field>,
    /// Files that are there already may be overwritten.
    pub overwrites: bool,
}

/// The settings that a list of rows is read with.
pub struct ListTerms<'a> {
    /// The key of the inventory's fingerprints.
    pub key: &'a FingerprintKey,
    /// The profile that flags state.
    pub flags: ProfileWish,
    /// The irregularities that the list may have.
    pub allowed: Allowed,
    /// Begin anew, whatever is on record.
    pub anew: bool,
    /// Told what is odd about the rows.
    pub warn: &'a mut dyn FnMut(&Problem),
}

impl PlannedBatch {
    /// Whether it is kept somewhere which row went to which token: in an inventory that lasts, in a file, or by the rows themselves.
    #[must_use]
    pub fn is_kept(&self, inventory_lasts: bool) -> bool {
        inventory_lasts || !self.files.is_empty() || self.rows.iter().all(|row| row.is_named)
    }

    /// A batch of the rows of a list.
    ///
    /// # Errors
    /// All that is wrong with the list.
    pub fn of_rows(name: &str, rows: Rows, terms: ListTerms<'_>) -> Result<Self, Failure> {
        let ListTerms { key, flags, allowed, anew, warn } = terms;
        let list = SeedList::check(rows, key, flags, allowed)
            .map_err(|BadRows { problems, more }| bad_file(name, &problems, more))?;
        list.warnings.iter().for_each(warn);
        let SeedList { seeds, rows, content, .. } = list;
        let origin = Origin { name: name.to_owned(), content, anew, is_fresh: false };
        Ok(Self::with_no_files(origin, SeedSource::File(seeds), rows))
    }

    /// A batch of new seeds of so many bytes, with these users; `to` says where the seeds go.
    #[must_use]
    pub fn of_fresh(
        to: &str,
        bytes: usize,
        users: &[Option<String>],
        flags: ProfileWish,
        key: &FingerprintKey,
    ) -> Self {
        let (count, flags) = ((users.len() as u64).to_be_bytes(), flags_digest(key, flags));
        let mut content = key.hash(&[b"new seeds", &flags, &count, &(bytes as u64).to_be_bytes(), to.as_bytes()]);
        for user in users.iter().flatten() {
            content = key.hash(&[&content, user.as_bytes()]);
        }
        let row = |user: &Option<String>| NewRow {
            serial: None,
            is_named: false,
            user: user.clone(),
            seed: None,
            state: RowState::Planned,
        };
        let origin = Origin { name: format!("new seeds for {to}"), content, anew: false, is_fresh: true };
        Self::with_no_files(origin, SeedSource::Fresh(bytes), users.iter().map(row).collect())
    }

    fn with_no_files(origin: Origin, source: SeedSource, rows: Vec<NewRow>) -> Self {
        let (files, options, dropped) = (Vec::new(), WriteOptions::default(), Vec::new());
        Self { origin, source, rows, files, options, dropped, overwrites: false }
    }

    /// Each row as it will be once it is burned, and whether the list names its token; its place is its number. `known` is the profile
    /// of a token that has been here before.
    pub fn rows_to_be(
        &self,
        flags: ProfileWish,
        known: &dyn Fn(&str) -> Option<Profile>,
    ) -> impl Iterator<Item = (Row, bool)> {
        self.rows.iter().enumerate().filter_map(move |(index, row)| {
            let seed = match &self.source {
                SeedSource::File(seeds) => seeds.get(index).cloned()?,
                // Stands for a new one that is not made yet.
                SeedSource::Fresh(bytes) => {
                    let mut stand_in = (index as u128 + 1).to_be_bytes().to_vec();
                    stand_in.resize(*bytes, 0);
                    RowSeed::fresh(Seed::from_bytes(stand_in).ok()?)
                }
            };
            let known = row.serial.as_deref().and_then(known);
            let profile = seed.wish(flags).resolve(known, usual()).map_or(Profile::FACTORY, |(profile, _)| profile);
            // A serial that is not known yet; no token has one like it.
            let serial = row.serial.clone().unwrap_or_else(|| format!("ROW{index:011}"));
            let mut made = seed.row(&serial, row.user.as_deref(), profile);
            made.place = Place { line: index as u64 + 1, column: 0 };
            Some((made, row.is_named))
        })
    }

    /// Whether every row can be written in every server's format.
    ///
    /// # Errors
    /// A field that a format cannot carry.
    pub fn check_formats(&self, flags: ProfileWish) -> Result<(), Failure> {
        if self.files.is_empty() {
            return Ok(());
        }
        let formats: Vec<_> = self.files.iter().map(|file| file.format).collect();
        let rows = self.rows_to_be(flags, &|_| None).map(|(row, _)| Ok(row));
        let checked = rehearse(&formats, rows, &self.options, &self.dropped).map_err(|error| unwritable(&error))?;
        match checked.has_failed() {
            true => Err(bad_file(&self.origin.name, &checked.problems, checked.more)),
            false => Ok(()),
        }
    }

    /// The batch of this content that is finished into these files, where some are asked for: nothing is left to burn in it. Without files
    /// only a server is told of it.
    ///
    /// # Errors
    /// A failure of the inventory.
    pub fn finished(&self, books: &Books, for_server: bool) -> Result<Option<BatchRecord>, Failure> {
        let is_told = !self.origin.anew && (for_server || !self.files.is_empty());
        let known = books.batch_of_content(&self.origin.content)?.filter(|_| is_told);
        let Some(batch) = known.filter(|batch| batch.closed.is_some()) else { return Ok(None) };
        let mut serials = Vec::new();
        books.visit_rows(batch.id, &[RowState::Burned, RowState::Checked], &mut |row| serials.extend(row.serial))?;
        // A file of somebody else's at the same place is not this batch's.
        let has_all = |file: &ServerFile| {
            let is_small = std::fs::metadata(&file.path).is_ok_and(|found| found.len() <= MAX_WHOLE);
            let read = || std::fs::read(&file.path).map(zeroize::Zeroizing::new);
            is_small
                && read().is_ok_and(|text| {
                    let held = std::str::from_utf8(&text).unwrap_or_default();
                    serials.iter().all(|serial| held.contains(serial.as_str()))
                })
        };
        Ok(self.files.iter().all(has_all).then_some(batch))
    }

    /// Opens the batch and, where a server's file is asked for, its `.part` file, which then has all that tokens hold.
    ///
    /// # Errors
    /// A failure of a file or of the inventory, or that the rows are not those of the open batch.
    pub fn open(self, books: &Books, flags: ProfileWish, at: UnixTime) -> Result<BatchRun, Failure> {
        let part_path = self.files.first().map(|file| PartFile::beside(&file.path));
        let known = books.batch_of_content(&self.origin.content)?.filter(|_| !self.origin.anew);
        let is_open = known.as_ref().is_some_and(|batch| batch.closed.is_none());
        let had_part = part_path.as_ref().is_some_and(|path| path.symlink_metadata().is_ok());
        self.check_files(is_open, had_part)?;
        let Self { origin, source, rows, files, options, dropped, .. } = self;
        let name = origin.name.clone();
        let Some(part_path) = part_path else {
            let (batch, how) = Batch::open(books, &origin, rows, &[], at)?;
            return Ok(BatchRun { name, batch, how, files: None, source });
        };
        let key = books.fingerprint_key().clone();
        let own: HashSet<Fingerprint> = rows.iter().filter_map(|row| row.seed).collect();
        let (mut begun, mut foreign) = (Vec::new(), 0);
        let mut see = |row: &Row| {
            foreign += usize::from(!origin.is_fresh && !own.contains(&key.of(&row.seed)));
            begun.push(row.clone());
        };
        let part = PartFile::open(&part_path, &key, &mut see).map_err(|error| unwritable(&error))?;
        if origin.is_fresh && !is_open {
            foreign += begun.len();
        }
        if foreign > 0 {
            let fact = format!("{} has {foreign} seeds of another batch", part_path.display());
            return Err(Failure::usage(fact, BatchRemedy::MovePartAside));
        }
        let opened = Batch::open(books, &origin, rows, &begun, at);
        if opened.is_err() && !had_part {
            let _ = std::fs::remove_file(&part_path);
        }
        let (batch, how) = opened?;
        let mut files = ServerFiles { files, options, dropped, part };
        restore_part(&mut files, books, &batch, &source, flags)?;
        Ok(BatchRun { name, batch, how, files: Some(files), source })
    }

    /// Whether the server's files may be written, and are not those of another batch.
    fn check_files(&self, is_open: bool, had_part: bool) -> Result<(), Failure> {
        for file in &self.files {
            // The file of a run that ended with rows left is this batch's own: its .part file is there too.
            let is_own = is_open && had_part;
            SecretFile::create(&file.path, self.overwrites || is_own).map_err(|error| match error {
                SaveError::Exists(_) if is_open => finished_elsewhere(&file.path),
                SaveError::Exists(_) => Failure::file(error.to_string(), BatchRemedy::StopOrOtherFile),
                error => unwritable(&error),
            })?;
        }
        for file in self.files.iter().skip(1) {
            let part = PartFile::beside(&file.path);
            if part.symlink_metadata().is_ok() {
                let fact = format!("{} has rows of a batch that is not done", part.display());
                return Err(Failure::usage(fact, BatchRemedy::NameFirst(file.path.clone())));
            }
        }
        Ok(())
    }
}

/// The failure of a server's file that is written already, though the inventory has rows of its batch left.
fn finished_elsewhere(path: &Path) -> Failure {
    let fact = format!(
        "{} is written already, and its .part file is gone, but the inventory has rows of this batch left",
        path.display()
    );
    Failure::file(fact, BatchRemedy::StopOrOtherFile)
}

/// The failure of a file that could not be written.
#[must_use]
pub fn unwritable(error: &SaveError) -> Failure {
    let remedy = match error {
        SaveError::Exists(_) => BatchRemedy::OtherFileOrForce,
        SaveError::Symlink(_) | SaveError::NotAFile(_) => BatchRemedy::OwnFile,
        SaveError::Io { .. } => BatchRemedy::SeeFolderUnchanged,
    };
    Failure::file(error.to_string(), remedy)
}

/// An open batch, ready to run.
pub struct BatchRun {
    /// Its name.
    pub name: String,
    /// Its record.
    pub batch: Batch,
    /// Whether it is new, continued, or finished.
    pub how: Opened,
    /// The server's files and the `.part` file.
    pub files: Option<ServerFiles>,
    source: SeedSource,
}

/// The end of a run.
pub struct BatchEnd {
    /// The batch's number.
    pub id: BatchId,
    /// Its rows.
    pub counts: Counts,
    /// The rows that are not done, as far as something happened to them.
    pub rows: Vec<RowRecord>,
    /// The files that were written, each with its server.
    pub written: Vec<(&'static str, PathBuf)>,
    /// The `.part` file and the files, still open.
    pub files: Option<ServerFiles>,
    /// The failure that ended it early.
    pub fatal: Option<Failure>,
}

impl BatchRun {
    /// Nothing is left to do, and no file is to be written.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.how == Opened::Finished && self.files.is_none()
    }

    /// Burns what is laid down at the readers that `attend` attends, until the batch is done or stopped, and concludes it.
    ///
    /// # Errors
    /// A failure before the first token.
    pub fn run<'a>(
        self,
        books: &'a Books,
        plan: BatchPlan,
        around: Surroundings<'a, BatchNews>,
        at: &dyn Fn() -> UnixTime,
        attend: impl FnOnce(&BatchVisitor<'a>),
    ) -> Result<BatchEnd, Failure> {
        let flags = plan.flags;
        let visitor = BatchVisitor::new(books, self.batch, self.files, self.source, plan, around);
        attend(&visitor);
        let (batch, mut files, source, fatal) = visitor.into_parts();
        let mut restore = |files: &mut ServerFiles| restore_part(files, books, &batch, &source, flags);
        let fatal = fatal.or_else(|| conclude(&batch, files.as_mut(), books, at(), &mut restore).err());
        let (id, counts, mut rows) = (batch.id(), batch.counts(), Vec::new());
        let states = [RowState::Burning, RowState::Unknown, RowState::Failed, RowState::Assigned];
        let listed = books.visit_rows(id, &states, &mut |row| rows.push(row));
        let fatal = fatal.or_else(|| listed.err().map(Into::into));
        let mut written = Vec::new();
        if let Some(files) = files.as_ref().filter(|_| fatal.is_none() && counts.done() > 0) {
            written.extend(files.files.iter().map(|file| (file.format.title, file.path.clone())));
        }
        Ok(BatchEnd { id, counts, rows, written, files, fatal })
    }
}

impl BatchEnd {
    /// Removes the `.part` file of a batch in which nothing is left.
    pub fn clean_up(&mut self) {
        if self.fatal.is_none()
            && self.counts.left() == 0
            && let Some(files) = self.files.take()
        {
            files.finish();
        }
    }
}

/// How often what other desks have burned meanwhile is caught up with at the end.
const CATCHES_UP: u32 = 32;

/// Writes the server's files, and closes a batch in which nothing is left. All that is counted as done is in the files.
fn conclude(
    batch: &Batch,
    mut files: Option<&mut ServerFiles>,
    books: &Books,
    at: UnixTime,
    restore: &mut dyn FnMut(&mut ServerFiles) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    batch.recount(books)?;
    if let Some(files) = files.as_deref_mut() {
        // Another program may have worked at the same batch, and may do so still.
        for _ in 0..CATCHES_UP {
            if !restore(files)? {
                break;
            }
            batch.recount(books)?;
        }
    }
    if let Some(files) = files {
        files.write(books, batch.id())?;
    }
    if batch.counts().left() == 0 {
        books.close_batch(batch.id(), at)?;
    }
    Ok(())
}

/// Seeds that tokens hold and the `.part` file lacks: written there again, or named where its seeds were nowhere else. Whether there were
/// any.
fn restore_part(
    files: &mut ServerFiles,
    books: &Books,
    batch: &Batch,
    source: &SeedSource,
    flags: ProfileWish,
) -> Result<bool, Failure> {
    let missing = missing(&files.part, books, batch.id())?;
    if missing.is_empty() {
        return Ok(false);
    }
    let SeedSource::File(seeds) = source else {
        let path = files.part.path();
        let fact = format!("{} lacks the seeds of {} tokens that were burned", path.display(), missing.len());
        return Err(Failure::file(fact, BatchRemedy::PutPartBack(path.to_owned())));
    };
    for row in missing {
        let index = usize::try_from(row.row).unwrap_or_default().wrapping_sub(1);
        let (Some(seed), Some(serial)) = (seeds.get(index), &row.serial) else { continue };
        let known = books.token(&SlotKey::only(serial))?.and_then(|token| token.profile);
        let (profile, _) = seed.wish(flags).resolve(known, usual())?;
        files.part.add(&seed.row(serial, row.user.as_deref(), profile)).map_err(|error| unwritable(&error))?;
    }
    Ok(true)
}
