//! The program that works with a token or a row, and whether it still runs.
//!
//! Each program that writes has a number, and a file of that name in a folder beside the inventory, which it keeps locked.
//! The system lets go of the lock when the program ends, however it ends: a file that can be locked belongs to nobody.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::files::beside;
use crate::inventory::rights::make_folder;

/// How often a file is made anew that another program swept away before it was locked.
const TRIES: u32 = 10;

/// This program, as an owner of jobs and rows.
pub struct Owner {
    /// Beside the inventory; `None` for an inventory in memory, which has no other users.
    folder: Option<PathBuf>,
    /// The number and the locked file, once there is something to own.
    me: Option<(i64, Option<File>)>,
    /// The jobs that this program works at.
    jobs: HashSet<i64>,
}

impl Owner {
    /// An owner of jobs in the inventory at `path`; `None` for one in memory.
    pub fn beside(path: Option<&Path>) -> Self {
        let folder = path.map(|path| beside(path, ".live"));
        Self { folder, me: None, jobs: HashSet::new() }
    }

    /// This program's number; its file is made when it is first asked for.
    ///
    /// # Errors
    /// The system's: without a locked file others would take this program for one that has ended.
    pub fn number(&mut self) -> io::Result<i64> {
        if let Some((number, _)) = self.me {
            return Ok(number);
        }
        let mut tried = 0;
        let (number, file) = loop {
            let number = random()?;
            let Some(folder) = &self.folder else { break (number, None) };
            match lock_new(folder, number) {
                Ok(file) => break (number, Some(file)),
                // Swept away by another program, with the folder or without it.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tried < TRIES => tried += 1,
                Err(error) => return Err(error),
            }
        };
        if let Some(folder) = &self.folder {
            sweep(folder, number);
        }
        self.me = Some((number, file));
        Ok(number)
    }

    /// Whether the owner of this number is another program that runs, or this one.
    pub fn is_alive(&self, number: i64) -> bool {
        if self.me.as_ref().is_some_and(|(me, _)| *me == number) {
            return true;
        }
        self.folder.as_ref().is_some_and(|folder| is_locked(&folder.join(name_of(number))))
    }

    /// Whether this job is worked at, by this program or another that runs.
    pub fn works_at(&self, number: i64, job: i64) -> bool {
        match &self.me {
            Some((me, _)) if *me == number => self.jobs.contains(&job),
            _ => self.is_alive(number),
        }
    }

    /// Takes note that this program works at a job.
    pub fn take(&mut self, job: i64) {
        self.jobs.insert(job);
    }

    /// Takes note that it does not any more, whether or not its end could be recorded.
    pub fn leave(&mut self, job: i64) {
        self.jobs.remove(&job);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let (Some(folder), Some((number, Some(file)))) = (&self.folder, self.me.take()) else { return };
        let _ = fs::remove_file(folder.join(name_of(number)));
        drop(file);
        // Only the last one takes the folder away: others are in it.
        let _ = fs::remove_dir(folder);
    }
}

fn random() -> io::Result<i64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(i64::from_be_bytes(bytes))
}

fn name_of(number: i64) -> String {
    format!("{number:016x}")
}

/// Makes and locks the file of an owner. It gets its name when it is locked: nobody finds it unlocked.
fn lock_new(folder: &Path, number: i64) -> io::Result<File> {
    make_folder(folder)?;
    let new = folder.join(format!("{}.new", name_of(number)));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&new)?;
    file.lock()?;
    fs::rename(&new, folder.join(name_of(number)))?;
    Ok(file)
}

fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Removes what programs have left that were killed.
fn sweep(folder: &Path, me: i64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.file_name().is_none_or(|name| *name == *name_of(me)) {
            continue;
        }
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_alive_until_it_is_dropped_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.sqlite");
        let mut one = Owner::beside(Some(&path));
        let other = Owner::beside(Some(&path));
        let number = one.number().unwrap();
        assert!(one.is_alive(number) && other.is_alive(number));
        assert!(!other.is_alive(number.wrapping_add(1)));
        drop(one);
        assert!(!other.is_alive(number));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_program_left_is_nobodys_and_is_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.sqlite");
        let live = folder.path().join("inventory.sqlite.live");
        fs::create_dir(&live).unwrap();
        fs::write(live.join(name_of(7)), "").unwrap();
        let mut owner = Owner::beside(Some(&path));
        assert!(!owner.is_alive(7));
        owner.number().unwrap();
        assert!(!live.join(name_of(7)).exists());
    }

    #[test]
    fn a_job_of_this_program_is_worked_at_until_it_is_left() {
        let mut owner = Owner::beside(None);
        let number = owner.number().unwrap();
        owner.take(3);
        assert!(owner.works_at(number, 3) && !owner.works_at(number, 4));
        owner.leave(3);
        assert!(!owner.works_at(number, 3));
    }
}
