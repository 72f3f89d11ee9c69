//! The outcome of a write job.

use chrono::TimeDelta;

use super::plan::{ConfigPlan, SeedFate};
use super::slot_wish::SlotWish;
use crate::clock::Drift;
use crate::device::Info;

/// Whether anything had to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It was written.
    Synced,
    /// The drift was within `if_drift_over`: nothing was written.
    Within,
}

impl Effect {
    /// The word that JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Within => "within",
        }
    }
}

/// The outcome of a write job.
#[derive(Debug, Clone)]
pub struct WriteOutcome {
    /// The token.
    pub info: Info,
    /// The plan for profile and clock, as it was completed for this token.
    pub config: Option<ConfigPlan>,
    /// What was wanted of the slot beside these.
    pub wish: SlotWish,
    /// Whether anything had to be written.
    pub outcome: Effect,
    /// The drift before and afterwards; `None` on a device that counts, and where the clock that was set cannot be seen.
    pub drift: Option<Moved>,
    /// The fate of the seed.
    pub seed: SeedFate,
    /// Whether a slot that was cleared had one.
    pub had_seed: Option<bool>,
    /// The clock kept its own phase and cannot be set closer.
    pub keeps_phase: bool,
    /// By how much the host's wall clock was stepped during the job; the token was read again after that.
    pub host_jumped: Option<TimeDelta>,
}

/// The drift of a clock before and after a job; the same twice if nothing was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved {
    /// The drift before.
    pub before: Drift,
    /// The drift afterwards.
    pub after: Drift,
}

impl Moved {
    /// How far the clock was moved, in seconds; forwards is positive.
    #[must_use]
    pub fn by_s(&self) -> f64 {
        self.after.middle_s() - self.before.middle_s()
    }
}
