//! Outcomes for people and programs: problems, states and remedies in English, in one place.

mod problem;
mod remedy;
mod remedy_of_file;
mod remedy_of_reader;
mod remedy_of_record;
mod state;
mod verdict;

pub use problem::fact;
pub use remedy::{remedy, remedy_of_clock};
pub use remedy_of_file::{remedy_of_file, row_problem};
pub use remedy_of_reader::remedy_of_reader;
pub use remedy_of_record::remedy_of_record;
pub use state::state;
pub use verdict::verdict_words;

use crate::job::{Failure, Wording};

/// The words that a job puts on record.
pub const WORDING: Wording = Wording { fact, state };

/// All remedies of a failure in one sentence.
#[must_use]
pub fn next(failure: &Failure) -> String {
    failure.remedies.iter().map(remedy).collect::<Vec<_>>().join("; ")
}
