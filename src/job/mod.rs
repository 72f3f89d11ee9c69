//! What people come for: reading, syncing, burning, checking. Jobs do not print; they return what happened.
//!
//! A job takes its link and its clock as arguments, so that every job runs alike on the emulator, on PC/SC and in tests.

mod attend;
pub mod batch;
mod begins;
mod broken;
mod complete;
pub mod desk;
mod desk_news;
mod ended;
mod failure;
mod guard;
mod hours;
mod kind;
mod notice;
mod plan;
mod problem;
mod question;
mod read;
mod record;
pub mod remedy;
pub mod request;
mod request_many;
mod seed_choice;
mod single;
mod state;
mod stop;
mod terms;
pub mod verify;
mod write;
mod write_outcome;
mod writer;

pub use attend::{ReaderNews, ReaderRef, Surroundings, Visitor, attend};
pub use complete::{Completion, Opener};
pub use failure::Failure;
pub use guard::{Guard, check_owner};
pub use hours::HourWatch;
pub use kind::{Exit, Kind};
pub use notice::Notice;
pub use plan::{ClockPlan, ConfigPlan, ProfileFrom, ProfileWish, SeedFate, WritePlan};
pub use problem::{BrokenLink, ClockProblem, Mistaken, Owned, Problem, Refusal, Restriction, Stranger};
pub use question::{Answer, Asks, Question};
pub use read::{ReadOutcome, identify, read};
pub use record::{Around, Books, Complete, Recorded, Recorder, Stage, Wording, locked, row_of};
pub use remedy::{Again, Remedy};
pub use request_many::{BatchRequest, BatchTerms, DeskRequest, FileRequest};
pub use seed_choice::{SeedChoice, Sheet, bad_file};
pub use single::{Front, ShownPlan, SingleWrite};
pub use state::TokenState;
pub use stop::Stop;
pub use write::{Beginning, Hooks, write};
pub use write_outcome::{Effect, Moved, WriteOutcome};
