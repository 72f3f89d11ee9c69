//! The stored corpus of the fuzz targets, run through the same functions: `scripts/fuzz` finds more, this keeps what it
//! found.

use std::fs;
use std::path::Path;

use crate::arbitrary;

fn replay(target: &str, run: impl Fn(&[u8])) {
    let folder = Path::new("tests/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        println!("{}", file.display());
        run(&fs::read(&file).unwrap());
    }
}

#[test]
fn replies_of_the_corpus_are_read_without_a_panic() {
    replay("replies", arbitrary::replies);
}

#[test]
fn commands_of_the_corpus_change_nothing_on_an_emulated_token_without_its_key() {
    replay("emulator", arbitrary::emulator);
}

#[test]
fn jobs_on_the_cards_of_the_corpus_end_and_tell_the_truth() {
    replay("session", arbitrary::session);
}

#[test]
fn seed_files_of_the_corpus_are_read_without_a_panic() {
    for (family, _) in arbitrary::FAMILIES {
        replay(family, |data| arbitrary::seed_file(family, data));
    }
}
