//! A job on record between its beginning and its end.

use super::plan::WritePlan;
use crate::clock::{Drift, Method};
use crate::inventory::{Begun, ClockChange, Fingerprint, RowChange, SeedChange};
use crate::time::UnixTime;

/// A job that has begun: what it is to write, and its own seed, which no other job's takes the place of.
pub(super) struct Begins {
    pub plan: WritePlan,
    pub seed: Option<Fingerprint>,
    pub record: Begun,
}

impl Begins {
    /// The change of the record when its seed was burned.
    pub fn burned(&self) -> Option<SeedChange> {
        self.seed.map(|seed| SeedChange::Burned { seed, sealed: self.record.sealed.clone() })
    }
}

/// How a job ended, for its record.
pub(super) struct End<'a> {
    pub job: i64,
    pub slot: u16,
    pub at: UnixTime,
    pub begun: Option<&'a Begins>,
    pub drift: Option<Drift>,
    pub row: Option<RowChange>,
}

/// The change of a clock's record: one whose tick was caught runs.
pub(super) fn clock_change(stands_still: bool, drifts: &[Drift]) -> ClockChange {
    match stands_still {
        true => ClockChange::Stands,
        false if drifts.iter().any(|drift| drift.method() == Method::Tick) => ClockChange::Runs,
        false => ClockChange::Keep,
    }
}
