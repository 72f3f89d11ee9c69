//! The writes on a device whose clock is not known to be the one that its codes count by, or that has none: they are carried out
//! without looking for a tick, and what the slot shows of itself afterwards is held against the plan.

use std::time::Duration;

use super::failure::Failure;
use super::plan::{ClockPlan, ProfileFrom, WritePlan};
use super::problem::Problem;
use super::remedy::TokenRemedy;
use super::state::{Kept, TokenState};
use super::writer::Writer;
use crate::clock::{self, Drift, Reading, Target};
use crate::device::{Carried, DeviceError, Info, Progress, SlotState, Timepiece};
use crate::time::{HostClock, SECOND_NS, unix_ns};

/// What is known of a slot after it was written.
pub(super) struct SlotWritten {
    /// The clock that the device shows afterwards.
    pub after: Option<Drift>,
    /// Whether a slot that was cleared had a seed.
    pub had_seed: Option<bool>,
    /// What the slot shows.
    pub shown: Option<SlotState>,
}

/// What the slot that is worked with shows; nothing of one that the device does not have, which the plan's own check refuses.
pub(super) fn slot_of(piece: &mut dyn Timepiece, slot: u16) -> Result<Option<Box<SlotState>>, DeviceError> {
    match slot < piece.info().can.slots {
        true => Ok(piece.read_slot(slot)?.map(Box::new)),
        false => Ok(None),
    }
}

/// Writes what the plan has for a slot; `clock` gives the seconds to set at the last moment.
///
/// # Errors
/// [`DeviceError`].
pub(super) fn write_slot(
    writer: &mut Writer<'_, '_>,
    host: &dyn HostClock,
    first: Option<&Reading>,
    clock: &dyn Fn(&Reading) -> Option<u32>,
) -> Result<SlotWritten, DeviceError> {
    let plan = writer.plan;
    let seconds = first.filter(|_| plan.config.is_some()).and_then(|first| {
        on_the_second(plan, host);
        clock(first)
    });
    writer.write_all(seconds)?;
    let after = match seconds {
        Some(_) => Some(Drift::of_reading(&clock::read(writer.timepiece(), host)?)),
        None => None,
    };
    let shown = writer.timepiece().read_slot(plan.slot)?;
    Ok(SlotWritten { after, had_seed: writer.had_seed, shown })
}

/// Waits for the beginning of a second, where the clock is to be set to the host's as closely as can be without reading it.
fn on_the_second(plan: &WritePlan, host: &dyn HostClock) {
    if plan.fine && plan.config.is_some_and(|config| config.clock == ClockPlan::Now) {
        let now = host.now();
        let left = SECOND_NS - unix_ns(now.wall).rem_euclid(SECOND_NS);
        host.sleep_until(now.monotonic + Duration::from_nanos(left.unsigned_abs()));
    }
}

/// Whether a slot shows what was written to it; what it does not show is not written.
pub(super) fn check_slot(plan: &WritePlan, info: &Info, progress: &mut Progress) -> Result<(), Failure> {
    let Some(shown) = &info.slot else { return Ok(()) };
    let profile = plan.config.filter(|config| config.from != ProfileFrom::Kept).map(|config| config.profile);
    let is_other = |wanted: Option<String>, shown: Option<String>| wanted.zip(shown).is_some_and(|(a, b)| a != b);
    let text = |value: &dyn std::fmt::Display| value.to_string();
    let title = plan.wish.title.as_ref().map(|title| text(title));
    let digits = plan.config.and(plan.wish.digits).map(|digits| text(&digits));
    let what = if plan.seed.is_some() && shown.has_seed == Some(false) {
        progress.seed = Carried::No;
        "seed"
    } else if plan.wish.clears && shown.has_seed == Some(true) {
        progress.cleared = Carried::Unknown;
        "seed"
    } else if is_other(title, shown.title.clone()) {
        progress.other = Carried::Unknown;
        "title"
    } else if is_other(profile.map(|profile| text(&profile.hash())), shown.hash.map(|hash| text(&hash))) {
        progress.config = Carried::Unknown;
        "hash"
    } else if is_other(profile.map(|profile| text(&profile.step())), shown.step.map(|step| text(&step))) {
        progress.config = Carried::Unknown;
        "time step"
    } else if is_other(digits, shown.digits.map(|digits| text(&digits))) {
        progress.config = Carried::Unknown;
        "digits"
    } else {
        return Ok(());
    };
    let (effect, has_seed, of) = (info.clock_write(), plan.seed.is_some(), Kept::of(info));
    let state = TokenState::Partial { progress: *progress, effect, has_seed, of };
    let problem = Problem::SlotDiffers { what, token: info.clone() };
    Err(Failure::new(problem, state, TokenRemedy::AgainThenReport(plan.again.clone())))
}
