//! A host's clock that was stepped during a job: the token's is read again by its new time.

use chrono::TimeDelta;

use super::plan::WritePlan;
use crate::clock::{self, Drift, Reading, jump_between, measure};
use crate::device::{DeviceError, Timepiece};
use crate::time::HostClock;

/// If the host's wall clock was stepped since the contact began: by how much, and the drift by its new time.
pub(super) fn read_again_after_jump(
    plan: &WritePlan,
    host: &dyn HostClock,
    piece: &mut dyn Timepiece,
    first: &Reading,
) -> Result<Option<(TimeDelta, Drift)>, DeviceError> {
    let Some(by) = jump_between(first.before, host.now()) else { return Ok(None) };
    let again = clock::read(piece, host)?;
    Ok(Some((by, measure(piece, host, &again, plan.fine)?.drift)))
}
