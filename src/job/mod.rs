//! What people come for: reading, syncing, burning, checking. Jobs do not print; they return what happened.
//!
//! A job takes its link and its clock as arguments, so that every job runs alike on the emulator, on PC/SC and in tests.

mod failure;
mod guard;
mod plan;
mod progress;
mod read;
pub mod verify;
mod write;

pub use failure::{Exit, Failure, UNTOUCHED};
pub use guard::Guard;
pub use plan::{ClockPlan, ConfigPlan, ProfileFrom, SeedFate, WritePlan};
pub use read::{ReadReport, identify, read};
pub use write::{Hooks, Outcome, WriteReport, write};
