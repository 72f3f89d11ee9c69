//! A job on record between its beginning and its end.

use super::plan::WritePlan;
use crate::clock::{Drift, Method};
use crate::device::Info;
use crate::inventory::{Begun, ClockChange, Fingerprint, InventoryError, RowChange, SeedChange, TokenRecord};
use crate::time::UnixTime;

/// A job that is to begin.
pub(super) struct Wanted<'a> {
    pub job: i64,
    pub info: &'a Info,
    pub plan: &'a WritePlan,
    pub before: Option<Drift>,
    /// The record that the plan was made from.
    pub basis: Option<&'a TokenRecord>,
    pub row: Option<RowChange>,
}

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

/// Whether another program was faster, so that the plan may be another one by now.
pub(super) fn is_outdated(error: &InventoryError, has_row: bool) -> bool {
    match error {
        InventoryError::InUse { .. } | InventoryError::Changed(_) | InventoryError::Taken(_) => true,
        InventoryError::Held(_) => has_row,
        _ => false,
    }
}

/// A number for a job that no other one has, so that its beginning and its end are found together. It is drawn, because
/// several programs record into one inventory.
pub(super) fn new_job() -> i64 {
    let mut bytes = [0; 8];
    // A system whose generator fails burns nothing either; its readings are told apart by when and where they were made.
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let number = (now.as_nanos() as u64).rotate_left(20) ^ u64::from(std::process::id());
        bytes = number.to_be_bytes();
    }
    i64::from_be_bytes(bytes)
}
