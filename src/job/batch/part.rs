//! The `.part` file of a batch: each row with its serial, synced to disk before its seed is sent.
//!
//! It is a `csv` file, readable by its owner only. A line is either there in full or, at the very end, torn: then the
//! program ended while it was written, its seed was not sent, and the line is cut off.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::files::beside;
use crate::files::sync_folder_of;
use crate::inventory::{Fingerprint, FingerprintKey};
use crate::seed::{SecretEncoding, Seed};
use crate::seedfile::{Problem, ReadOptions, Row, Rows, SaveError, Source, csv, is_file};

/// How long another program may still hold the file: so many tries …
const LOCK_TRIES: u32 = 40;

/// … so far apart.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The `.part` file.
pub struct PartFile {
    path: PathBuf,
    file: File,
    key: FingerprintKey,
    /// Each line, hashed.
    lines: HashSet<Digest>,
    /// Serial and seed of each line, hashed together.
    seeds: HashSet<Digest>,
}

impl PartFile {
    /// The path beside a server's file.
    #[must_use]
    pub fn beside(file: &Path) -> PathBuf {
        beside(file, ".part")
    }

    /// Opens the file, or makes it. `see` is called with each row that is there.
    ///
    /// # Errors
    /// [`SaveError`]: it cannot be made, read or written, or is no such file.
    pub fn open(path: &Path, key: &FingerprintKey, see: &mut dyn FnMut(&Row)) -> Result<Self, SaveError> {
        let failed = |source| SaveError::Io { path: path.to_owned(), source };
        is_file(path)?;
        let mut file = open_for_owner(path).map_err(failed)?;
        lock(&file).map_err(failed)?;
        check_header(&mut file).map_err(failed)?;
        cut_torn_line(&mut file).map_err(failed)?;
        let mut part =
            Self { path: path.to_owned(), file, key: key.clone(), lines: HashSet::new(), seeds: HashSet::new() };
        if part.file.metadata().map_err(failed)?.len() == 0 {
            part.put(csv::header().as_bytes())?;
            sync_folder_of(path).map_err(failed)?;
        }
        for row in part.rows()? {
            let row = row.map_err(|problem| failed(io::Error::other(problem.to_string())))?;
            part.learn(&row);
            see(&row);
        }
        Ok(part)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All rows, in the order in which they were written.
    ///
    /// # Errors
    /// [`SaveError::Io`].
    pub fn rows(&self) -> Result<Rows, SaveError> {
        let failed = |source| SaveError::Io { path: self.path.clone(), source };
        let wrong = |problem: Problem| failed(io::Error::other(problem.to_string()));
        // The file that is locked, whatever has its name by now.
        let file = FromStart { file: self.file.try_clone().map_err(failed)?, at: 0 };
        let options = ReadOptions { secret_encoding: Some(SecretEncoding::Base32), ..ReadOptions::default() };
        (csv::FORMAT.read)(Source::new(file).map_err(wrong)?, &options).map_err(wrong)
    }

    /// Whether this seed stands there for this serial.
    #[must_use]
    pub fn has(&self, serial: &str, seed: &Fingerprint) -> bool {
        self.seeds.contains(&self.digest(&[serial.as_bytes(), seed.as_bytes()]))
    }

    /// The seed that stands there for this serial, by its fingerprint. Reads the whole file.
    ///
    /// # Errors
    /// [`SaveError::Io`].
    pub fn find(&self, serial: &str, seed: &Fingerprint) -> Result<Option<Seed>, SaveError> {
        if !self.has(serial, seed) {
            return Ok(None);
        }
        let is_it = |row: &Row| row.serial.as_deref() == Some(serial) && self.key.of(&row.seed) == *seed;
        Ok(self.rows()?.filter_map(Result::ok).find(is_it).map(|row| row.seed))
    }

    /// Adds a row and syncs it to disk; one that is there already is left alone.
    ///
    /// # Errors
    /// [`SaveError::Io`], such as a full disk. Then the row counts as not there.
    pub fn add(&mut self, row: &Row) -> Result<(), SaveError> {
        if self.lines.contains(&self.whole(row)) {
            return Ok(());
        }
        let text = csv::line_of(row)
            .map_err(|error| SaveError::Io { path: self.path.clone(), source: io::Error::other(error) })?;
        self.put(text.as_bytes())?;
        self.learn(row);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        let failed = |source| SaveError::Io { path: self.path.clone(), source };
        let before = self.file.seek(SeekFrom::End(0)).map_err(failed)?;
        let put = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        put.map_err(|error| {
            // Half a line must not stand in front of the next one.
            let _ = self.file.set_len(before);
            failed(error)
        })
    }

    fn learn(&mut self, row: &Row) {
        let serial = row.serial.as_deref().unwrap_or_default();
        self.seeds.insert(self.digest(&[serial.as_bytes(), self.key.of(&row.seed).as_bytes()]));
        self.lines.insert(self.whole(row));
    }

    /// All that a line says.
    fn whole(&self, row: &Row) -> Digest {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (hash, step) = (row.effective_hash().to_string(), row.effective_step().to_string());
        let (serial, user) = (text(&row.serial), text(&row.user));
        let seed = self.key.of(&row.seed);
        self.digest(&[serial.as_bytes(), seed.as_bytes(), user.as_bytes(), hash.as_bytes(), step.as_bytes()])
    }

    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut digest = Digest::default();
        digest.iter_mut().zip(self.key.hash(parts)).for_each(|(to, from)| *to = from);
        digest
    }
}

/// A file that is read from its beginning, apart from where others read or write it.
struct FromStart {
    file: File,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let count = std::os::unix::fs::FileExt::read_at(&self.file, buffer, self.at)?;
        #[cfg(windows)]
        let count = std::os::windows::fs::FileExt::seek_read(&self.file, buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// A keyed hash, cut to 16 bytes.
type Digest = [u8; 16];

#[cfg(unix)]
fn open_for_owner(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    use std::os::unix::fs::PermissionsExt;
    // Between a look at the name and this, somebody could have put a link there.
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).custom_flags(no_link).open(path)?;
    let owner = std::os::unix::fs::MetadataExt::uid(&file.metadata()?);
    if owner != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is there already, and belongs to another user"));
    }
    // One that was there already may be open to others.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_for_owner(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// Keeps every other program off the file, for as long as it is open here. One that is about to end is waited for.
fn lock(file: &File) -> io::Result<()> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
        }
    }
    Err(io::Error::other("another program works at this batch"))
}

/// Refuses a file that is none of ours, before anything of it is changed. A torn header counts as an empty file.
fn check_header(file: &mut File) -> io::Result<()> {
    let header = csv::header();
    let mut start = Vec::with_capacity(header.len());
    file.seek(SeekFrom::Start(0))?;
    Read::by_ref(file).take(header.len() as u64).read_to_end(&mut start)?;
    if header.as_bytes().starts_with(&start) {
        return Ok(());
    }
    Err(io::Error::other("it is there already, and is not the .part file of a batch"))
}

/// Cuts off what stands behind the last line end.
fn cut_torn_line(file: &mut File) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    // No line is longer than this.
    let start = length.saturating_sub(1 << 17);
    file.seek(SeekFrom::Start(start))?;
    // Reserved in full, so that no shorter copy is left behind by growth.
    let mut tail = zeroize::Zeroizing::new(Vec::with_capacity((length - start) as usize + 1));
    file.read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let keep = start + whole as u64;
    if keep < length {
        file.set_len(keep)?;
        file.sync_data()?;
    }
    Ok(())
}
