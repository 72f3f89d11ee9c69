//! Writing a token: sync, config and burn are this one job with different plans.
//!
//! Order (`docs/protocol.md` §7): read and check, record, authenticate, profile and clock, seed, read back.

use std::time::Duration;

use chrono::TimeDelta;

use super::broken::{reading_failed, writing_failed};
use super::clock_problem::ClockProblem;
use super::failure::Failure;
use super::jumped::read_again_after_jump;
use super::plan::{ClockPlan, ConfigPlan, SeedFate, WritePlan};
use super::problem::Problem;
use super::remedy::{Again, Remedy, TokenRemedy};
use super::state::TokenState;
use super::write_outcome::{Effect, Moved, WriteOutcome};
use super::write_slot::{SlotWritten, check_slot, slot_of, write_slot};
use super::writer::Writer;
use crate::clock::{self, Drift, Fine, Method, Reading, Target, check_plausible, measure, set_on_the_second};
use crate::device::{Device, DeviceError, Info, Progress, Step, Timepiece, check_same};
use crate::time::HostClock;

/// A clock that was just set and is surely further off than this, in seconds, was not set as it should be: the write came
/// late, or the clock is broken.
const OFF_AFTER_S: f64 = 2.0;

/// A clock that is further off than this, in seconds, may stand still: it is looked at for a second in every job. None of those
/// that run drifts so far between two visits, and one that stopped lately is as right as it was.
const FAR_S: f64 = 600.0;

/// A clock that is surely further off than this, in seconds, is set without waiting for its tick first: half a second is plenty for
/// its rate over weeks, and where it ticks after the write is looked for anyway.
const ROUGH_S: f64 = 2.0;

/// How often a token may be reset by other programs before anything was written to it: each of them does it once, when it
/// is done.
const RESETS_BEFORE_WRITE: u32 = 32;

/// Whether a plan may be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// It may: its beginning is on record.
    Now,
    /// Its basis has changed meanwhile: it must be completed anew.
    Anew,
}

/// Puts the beginning of a job on record.
pub type BeginRecord<'a> = dyn FnMut(&Info, &WritePlan, Option<Drift>) -> Result<Beginning, Failure> + 'a;

/// The calls that the job makes to the program around it.
pub struct Hooks<'a> {
    /// Called when it is known which token lies there: completes the plan for it, or refuses.
    pub complete: &'a mut dyn FnMut(&Info, &mut WritePlan) -> Result<(), Failure>,
    /// Called with the token, the plan and the drift that was found on a clock, before the first write: what it records must be
    /// durable when it says that the job may begin. Then it is not called again.
    pub record: &'a mut BeginRecord<'a>,
    /// Whether the user wants to stop. Asked until the first write, not after it.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// Why one pass of the job ended early.
enum Stop {
    Token(DeviceError),
    Failed(Box<Failure>),
    /// The plan must be completed anew.
    Anew,
}

impl From<DeviceError> for Stop {
    fn from(error: DeviceError) -> Self {
        Self::Token(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// Carries out a plan on a device, and lets go of it.
///
/// If another program resets the token, the job is begun again, on the same serial only: until the first write as often as
/// programs that end their own work with a reset may do it, afterwards once, because both writes are idempotent
/// (`docs/protocol.md` §7).
///
/// # Errors
/// A [`Failure`] that says what state the token is in.
pub fn write(
    device: &mut dyn Device,
    host: &dyn HostClock,
    plan: &WritePlan,
    hooks: &mut Hooks<'_>,
) -> Result<WriteOutcome, Failure> {
    let progress = Progress::default();
    let mut job = Job {
        host,
        wanted: plan,
        plan: plan.clone(),
        known: None,
        planned: false,
        recorded: false,
        before: None,
        progress,
    };
    let mut resets = Resets::default();
    let result = loop {
        match job.pass(device, hooks) {
            // Each time another program has done something; the hook sees to it that this ends.
            Err(Stop::Anew) => job.planned = false,
            Err(Stop::Token(error)) if error.is_reset() && job.may_begin_again(error.step, &mut resets) => {}
            result => break result,
        }
    };
    let result = result.map_err(|stop| {
        let failure = match (stop, &job.known) {
            (Stop::Failed(failure), _) => *failure,
            (Stop::Anew, _) => Failure::new(Problem::Interrupted, TokenState::Untouched, Again::Same),
            (Stop::Token(error), Some(info)) if job.progress != Progress::default() => {
                writing_failed(&error, info, job.progress, &job.plan)
            }
            (Stop::Token(error), known) => reading_failed(&error, device, known.as_ref(), &job.plan.again),
        };
        // What is on record as begun is not begun twice.
        let may_come_back = failure.may_come_back && !job.recorded;
        Failure { written: job.progress, may_come_back, ..failure }
    });
    device.close();
    result
}

/// How often other programs have reset the token, before and after the first write to it.
#[derive(Default)]
struct Resets {
    before_write: u32,
    after_write: u32,
    /// Those that made an answer to a challenge wrong.
    at_answer: u32,
}

struct Job<'a> {
    host: &'a dyn HostClock,
    /// The plan as the caller made it …
    wanted: &'a WritePlan,
    /// … and as it was completed for this token.
    plan: WritePlan,
    known: Option<Info>,
    planned: bool,
    recorded: bool,
    /// The drift that the first pass found.
    before: Option<Drift>,
    progress: Progress,
}

impl Job<'_> {
    /// Whether the job begins again after another program has reset the token.
    fn may_begin_again(&self, step: Step, resets: &mut Resets) -> bool {
        if step == Step::Answer {
            // A token may count such an answer as a wrong one.
            resets.at_answer += 1;
            if resets.at_answer > 1 {
                return false;
            }
        }
        let (counted, most) = match self.progress == Progress::default() {
            true => (&mut resets.before_write, RESETS_BEFORE_WRITE),
            false => (&mut resets.after_write, 1),
        };
        *counted += 1;
        *counted <= most
    }

    fn pass(&mut self, device: &mut dyn Device, hooks: &mut Hooks<'_>) -> Result<WriteOutcome, Stop> {
        let began = self.host.now();
        let (mut contact, first) = clock::open(device, self.host)?;
        let mut info = contact.info().clone();
        if let Some(known) = &self.known {
            check_same(known, &info)?;
        }
        self.known = Some(info.clone());
        info.slot = slot_of(&mut *contact, self.wanted.slot)?;
        if !self.planned {
            self.plan = self.wanted.clone();
            (hooks.complete)(&info, &mut self.plan)?;
            self.planned = true;
        }
        // A token within bounds is left alone, whatever a write would do to it.
        match self.plan.if_drift_over {
            Some(_) => self.plan.guard.check_writable(&info)?,
            None => self.plan.check(&info)?,
        }
        let since = first.map_or(began, |first| first.before);
        // Whatever the plan sets, its seed's record and its report are dated by the host.
        check_plausible(since.wall).map_err(Failure::from)?;

        let found = match first {
            Some(first) => {
                let fine = self.look(&mut *contact, &first)?;
                Some(ClockFound { first, fine })
            }
            None => None,
        };
        let drift_before = found.as_ref().map(|found| *self.before.get_or_insert(self.told(found.fine.drift)));
        if let Some(found) = found.as_ref().filter(|found| self.is_within(&found.fine, &info)) {
            return self.left_alone(&mut *contact, info, found);
        }
        self.plan.check(&info)?;
        if (hooks.interrupted)() {
            let remedy = Remedy::Continue(self.plan.again.clone());
            return Err(Failure::new(Problem::Interrupted, TokenState::Untouched, remedy).into());
        }
        if !self.recorded {
            match (hooks.record)(&info, &self.plan, drift_before)? {
                Beginning::Now => self.recorded = true,
                Beginning::Anew => return Err(Stop::Anew),
            }
        }

        let contact = contact.unlock(&self.plan.key)?;
        let (plan, host, effect) = (&self.plan, self.host, info.clock_write());
        let is_rough = found.as_ref().is_some_and(|found| self.is_rough_enough(&found.first));
        let progress = &mut self.progress;
        let is_filled = info.can.slots > 1 && info.shows_seed();
        let mut writer = Writer { contact, plan, host, since, effect, progress, is_filled, had_seed: None };
        let Some(found) = found.as_ref().filter(|_| info.can.shows_slot_clocks) else {
            let seconds = |first: &Reading| plan.config.map(|config| clock_value(config.clock, host, first));
            let written = write_slot(&mut writer, host, found.as_ref().map(|found| &found.first), &seconds)?;
            return self.slot_written(info, drift_before, written);
        };
        let ClockFound { first, fine } = found;
        let (after, keeps_phase, stands_still) = match &self.plan.config {
            Some(config) if can_be_fine(plan, config, fine, is_rough) => {
                let set = set_on_the_second(&mut writer, self.host, fine)?;
                (set.drift, set.keeps_phase, set.stands_still)
            }
            config => {
                writer.write_all(config.map(|config| clock_value(config.clock, self.host, first)))?;
                let again = clock::read(writer.timepiece(), self.host)?;
                // A clock that stood still before may run now: some do not until they are set.
                let after = measure(writer.timepiece(), self.host, &again, fine.stands_still)?;
                (after.drift, false, after.stands_still)
            }
        };
        let jumped = read_again_after_jump(plan, self.host, writer.timepiece(), first)?;
        let after = self.told(jumped.map_or(after, |(_, drift)| drift));
        let host_jumped = jumped.map(|(by, _)| by);
        check_outcome(&self.plan, &info, after, host_jumped, stands_still)?;
        let drift = drift_before.map(|before| Moved { before, after });
        Ok(self.written(info, drift, keeps_phase, host_jumped))
    }

    /// A drift as it is told: as wide as the host's own time is in doubt.
    fn told(&self, drift: Drift) -> Drift {
        drift.widened(self.host.doubt())
    }

    /// Whether a reading of whole seconds says enough of a clock that is about to be set to now. A second pass reads what the first one
    /// may have written.
    fn is_rough_enough(&self, first: &Reading) -> bool {
        let bound = self.plan.if_drift_over.unwrap_or_default().max(ROUGH_S);
        let drift = self.told(Drift::of_reading(first));
        self.plan.fine
            && self.plan.config.is_some_and(|config| config.clock == ClockPlan::Now)
            && self.progress == Progress::default()
            && !drift.may_be_within(bound)
            && drift.middle_s().abs() <= FAR_S
    }

    /// Reads the clock as finely as the plan asks for, or as its state does.
    fn look(&self, piece: &mut dyn Timepiece, first: &Reading) -> Result<Fine, DeviceError> {
        let is_far = Drift::of_reading(first).middle_s().abs() > FAR_S;
        let is_fine = (self.plan.fine && !self.is_rough_enough(first)) || is_far;
        let is_fine = is_fine && piece.info().can.shows_slot_clocks;
        measure(piece, self.host, first, is_fine)
    }

    /// Whether the clock is so right that nothing is to be written. A second pass goes on with what the first one began, whatever
    /// the clock shows by now.
    /// What a device with slots shows may be no slot's clock.
    fn is_within(&self, fine: &Fine, info: &Info) -> bool {
        let is_within = |bound| self.told(fine.drift).is_surely_within(bound);
        info.can.shows_slot_clocks
            && self.plan.if_drift_over.is_some_and(is_within)
            && !fine.stands_still
            && self.progress == Progress::default()
    }

    /// The outcome of writes on a slot, held against what it shows; where the clock that is shown is not right, that the other one is
    /// cannot be said.
    fn slot_written(
        &mut self,
        mut info: Info,
        before: Option<Drift>,
        written: SlotWritten,
    ) -> Result<WriteOutcome, Stop> {
        info.slot = written.shown.map(Box::new);
        check_slot(&self.plan, &info, &mut self.progress)?;
        // A clock that was right before may be another than the one that was set.
        let is_now = self.plan.config.is_some_and(|config| config.clock == ClockPlan::Now);
        let moved = before
            .zip(written.after.map(|after| self.told(after)))
            .filter(|(before, after)| is_now && after.may_be_within(OFF_AFTER_S) && !before.may_be_within(OFF_AFTER_S));
        let drift = moved.map(|(before, after)| Moved { before, after });
        Ok(WriteOutcome { had_seed: written.had_seed, ..self.written(info, drift, false, None) })
    }

    fn left_alone(&self, piece: &mut dyn Timepiece, info: Info, found: &ClockFound) -> Result<WriteOutcome, Stop> {
        let before = self.told(found.fine.drift);
        let jumped = read_again_after_jump(&self.plan, self.host, piece, &found.first)?;
        let after = jumped.map_or(before, |(_, drift)| self.told(drift));
        let drift = Some(Moved { before, after });
        let (outcome, seed) = (Effect::Within, SeedFate::Kept);
        Ok(WriteOutcome { outcome, seed, ..self.written(info, drift, false, jumped.map(|(by, _)| by)) })
    }

    fn written(
        &self,
        info: Info,
        drift: Option<Moved>,
        keeps_phase: bool,
        host_jumped: Option<TimeDelta>,
    ) -> WriteOutcome {
        let (config, seed) = (self.plan.config, self.plan.seed_fate(&info));
        let wish = self.plan.wish.clone();
        WriteOutcome {
            info,
            config,
            wish,
            outcome: Effect::Synced,
            drift,
            seed,
            had_seed: None,
            keeps_phase,
            host_jumped,
        }
    }
}

/// The clock as it was found.
struct ClockFound {
    first: Reading,
    fine: Fine,
}

/// Whether the clock runs and is right after everything was written; `host_jumped` is by how much the host's clock was stepped
/// meanwhile.
fn check_outcome(
    plan: &WritePlan,
    info: &Info,
    after: Drift,
    host_jumped: Option<TimeDelta>,
    stands_still: bool,
) -> Result<(), Failure> {
    let is_now = plan.config.is_some_and(|config| config.clock == ClockPlan::Now);
    if let Some(by) = host_jumped.filter(|_| is_now && !after.may_be_within(1.0)) {
        let problem = Problem::HostClock(ClockProblem::JumpedWithin(by, info.clone()));
        let remedy = TokenRemedy::KeepHostClock(Again::Same);
        return Err(Failure::new(problem, TokenState::WrittenByJumpedClock(after), remedy));
    }
    let written = TokenState::Written { config: plan.config.is_some(), seed: plan.seed.is_some() };
    if stands_still {
        return Err(Failure::new(Problem::ClockStopped(info.clone()), written, TokenRemedy::Replace));
    }
    if is_now && !after.may_be_within(OFF_AFTER_S) {
        let remedy = TokenRemedy::AgainThenReplace(plan.again.clone());
        return Err(Failure::new(Problem::Drift(after, info.clone()), written, remedy));
    }
    Ok(())
}

/// Writing on the second needs a clock that ticks, as far as was looked, and the host's time to aim at.
fn can_be_fine(plan: &WritePlan, config: &ConfigPlan, before: &Fine, is_rough: bool) -> bool {
    plan.fine && config.clock == ClockPlan::Now && (is_rough || before.drift.method() == Method::Tick)
}

/// The seconds to write, at the last moment before they are sent.
fn clock_value(clock: ClockPlan, host: &dyn HostClock, first: &Reading) -> u32 {
    let now = host.now();
    match clock {
        ClockPlan::At(seconds) => seconds,
        // The nearest second: a token that begins a new second at the write is then off by half of one at most.
        ClockPlan::Now => {
            let nearest = now.wall + Duration::from_millis(500);
            u32::try_from(nearest.timestamp()).unwrap_or(u32::MAX)
        }
        ClockPlan::CarryOn => {
            // The token showed this second somewhere in its course: its middle is the best guess.
            let passed = now.monotonic.saturating_sub(first.after.monotonic) + Duration::from_millis(500);
            first.token.saturating_add(u32::try_from(passed.as_secs()).unwrap_or(u32::MAX))
        }
    }
}
