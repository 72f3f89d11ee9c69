//! The stored corpus of the fuzz targets, run through the same functions: `scripts/fuzz` finds more, this keeps what it
//! found.

use std::fs;
use std::path::Path;

use crate::arbitrary;
use crate::support::Dice;

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
fn devices_of_the_corpus_are_spoken_to_without_a_panic_and_with_the_truth() {
    replay("devices", arbitrary::devices);
}

/// Choices and slots of every kind, and answers that begin as those of a device do.
#[test]
fn devices_that_answer_anything_get_a_true_report() {
    let mut dice = Dice::new();
    let corpus: Vec<Vec<u8>> =
        fs::read_dir("tests/corpus/devices").unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    for _ in 0..20_000 {
        let mut data = corpus[dice.below(corpus.len() as u64) as usize].clone();
        for _ in 0..dice.below(6) {
            let place = dice.below(data.len() as u64) as usize;
            data[place] = dice.below(256) as u8;
        }
        data.truncate(2 + dice.below(data.len() as u64) as usize);
        arbitrary::devices(&data);
    }
}

#[test]
fn seed_files_of_the_corpus_are_read_without_a_panic() {
    for (family, _) in arbitrary::FAMILIES {
        replay(family, |data| arbitrary::seed_file(family, data));
    }
}
