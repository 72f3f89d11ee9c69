//! What people come for: reading, syncing, burning, checking. Jobs do not print; they return what happened.
//!
//! A job takes its link and its clock as arguments, so that every job runs alike on the emulator, on PC/SC and in tests.

mod attend;
pub mod batch;
mod complete;
pub mod desk;
mod ended;
mod failure;
mod guard;
mod hours;
mod plan;
mod progress;
mod read;
mod record;
pub mod verify;
mod write;
mod written;

pub use attend::{Ask, Confirm, Place, ReaderNews, Surroundings, Visitor, attend};
pub use complete::{Completion, Opener};
pub use failure::{Exit, Failure, UNTOUCHED};
pub use guard::{Guard, check_owner};
pub use hours::HourWatch;
pub use plan::{ClockPlan, ConfigPlan, ProfileFrom, ProfileWish, SeedFate, WritePlan};
pub use read::{ReadReport, identify, read};
pub use record::{Around, Books, Complete, LEFT_ALONE, Recorded, Recorder, Stage, locked, row_of};
pub use write::{Beginning, Hooks, Outcome, WriteReport, write};
pub use written::{Progress, Written};
