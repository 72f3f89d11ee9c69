//! The files of one command, compared before anything is read or written: no output may be an input, or another output.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::files::{FileId, beside};
use crate::plain;

/// A file of a command: what the arguments call it, and where it is, if they name one.
pub type Named<'a> = (&'a str, Option<&'a Path>);

/// Endings of the files that an inventory and a batch keep beside their own, which nothing else may overwrite.
const BESIDE: [&str; 5] = ["-wal", "-shm", "-journal", ".live", ".part"];

/// Whether every file that is written is another one than all that are read, and than each other one that is written: by
/// name, and where it is there already, by what the system has there, so that links do not deceive.
///
/// # Errors
/// A usage failure that names both.
pub fn check<'a>(reads: &[Named<'a>], writes: &[Named<'a>]) -> Result<(), Failure> {
    let named = |files: &[Named<'a>]| -> Vec<(&'a str, &'a Path)> {
        files.iter().filter_map(|(name, path)| Some((*name, (*path)?))).collect()
    };
    let (reads, writes) = (named(reads), named(writes));
    for (index, written) in writes.iter().enumerate() {
        for read in &reads {
            let mut kept_beside = BESIDE.iter().map(|end| beside(read.1, end));
            let is_part = is_same(read.1, &beside(written.1, ".part"));
            if is_part || is_same(written.1, read.1) || kept_beside.any(|path| is_same(written.1, &path)) {
                return Err(Failure::usage(
                    format!("{} would overwrite {}: {}", written.0, read.0, plain::path(written.1)),
                    "name another file",
                ));
            }
        }
        for other in writes.iter().skip(index + 1) {
            if is_same(written.1, other.1) {
                return Err(Failure::usage(
                    format!("{} and {} name the same file: {}", written.0, other.0, plain::path(other.1)),
                    "name each file once",
                ));
            }
            let part = |path| beside(path, ".part");
            if is_same(written.1, &part(other.1)) || is_same(other.1, &part(written.1)) {
                return Err(Failure::usage(
                    format!("{} would overwrite the .part file of {}", plain::path(written.1), plain::path(other.1)),
                    "name another file, which does not end in .part",
                ));
            }
        }
    }
    Ok(())
}

/// Whether two paths name one file, there or to be made.
fn is_same(one: &Path, other: &Path) -> bool {
    let (full, other_full) = (absolute(one), absolute(other));
    // Some file systems take large and small letters for the same; two names that differ in that alone are a slip anyway.
    full == other_full
        || full.to_string_lossy().to_lowercase() == other_full.to_string_lossy().to_lowercase()
        || FileId::at(one).is_some_and(|file| FileId::at(other) == Some(file))
}

/// A path in full, by its folder: the file itself need not be there.
pub fn absolute(path: &Path) -> PathBuf {
    if let Ok(full) = dunce::canonicalize(path) {
        return full;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    path.file_name().map_or_else(|| path.to_owned(), |name| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_is_an_input_or_another_output_is_refused_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("key"), "secret").unwrap();
        std::fs::hard_link(at("key"), at("other-name")).unwrap();
        let key = at("key");
        let reads = [("--identity", Some(key.as_path()))];
        for same in [at("key"), at("other-name"), at("./key"), at("KEY"), at("key.part"), at("key-wal")] {
            assert!(check(&reads, &[("--to", Some(&same))]).is_err(), "{}", same.display());
        }
        let (a, part, b) = (at("a"), at("a.part"), at("b"));
        assert!(check(&[("the seed file", Some(&part))], &[("--to", Some(&a))]).is_err());
        assert!(check(&reads, &[("--to", Some(&a)), ("--to", Some(&b))]).is_ok());
        assert!(check(&reads, &[("--to", Some(&a)), ("--to", Some(&a))]).is_err());
        assert!(check(&reads, &[("--to", Some(&a)), ("--to", Some(&part))]).is_err());
        assert!(check(&reads, &[("--to", Some(&part)), ("--to", Some(&a))]).is_err());
    }
}
