//! Writing a token: sync, config and burn are this one job with different plans.
//!
//! Order (`docs/protocol.md` §7): read and check, record, authenticate, profile and clock, seed, read back.

use std::time::Duration;

use chrono::TimeDelta;

use super::failure::Failure;
use super::plan::{ClockPlan, ConfigPlan, SeedFate, WritePlan};
use super::problem::{ClockProblem, Problem};
use super::progress::{reading_failed, writing_failed};
use super::remedy::{Again, Remedy, TokenRemedy};
use super::state::TokenState;
use super::written::{Progress, Written};
use crate::clock::{
    self, Drift, Fine, Method, Reading, Target, check_plausible, jump_between, measure, set_on_the_second,
};
use crate::link::Link;
use crate::time::{HostClock, HostDoubt, Moment};
use crate::token::{Authenticated, Info, Reason, Session, Step, TokenError, check_same};

/// A clock that was just set and is surely further off than this, in seconds, was not set as it should be: the write came
/// late, or the clock is broken.
const OFF_AFTER_S: f64 = 2.0;

/// A clock that is further off than this, in seconds, may stand still: it is looked at for a second in every job. None of those
/// that run drifts so far between two visits, and one that stopped lately is as right as it was.
const FAR_S: f64 = 600.0;

/// How often a token may be reset by other programs before anything was written to it: each of them does it once, when it
/// is done.
const RESETS_BEFORE_WRITE: u32 = 32;

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

/// What a write job did.
#[derive(Debug, Clone)]
pub struct WriteOutcome {
    /// The token.
    pub info: Info,
    /// What was planned of profile and clock, as it was completed for this token.
    pub config: Option<ConfigPlan>,
    /// Whether anything had to be written.
    pub outcome: Effect,
    /// The drift before.
    pub before: Drift,
    /// The drift afterwards; the same as before if nothing was written.
    pub after: Drift,
    /// What became of the seed.
    pub seed: SeedFate,
    /// The clock kept its own phase and cannot be set closer.
    pub keeps_phase: bool,
    /// By how much the host's wall clock was stepped during the job; the token was read again after that.
    pub host_jumped: Option<TimeDelta>,
}

/// Whether a plan may be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// It may: its beginning is on record.
    Now,
    /// What it was made from has changed meanwhile: it must be completed anew.
    Anew,
}

/// What the job needs from the program around it.
pub struct Hooks<'a> {
    /// Called when it is known which token lies there: completes the plan for it, or refuses.
    pub complete: &'a mut dyn FnMut(&Info, &mut WritePlan) -> Result<(), Failure>,
    /// Called with the token, the plan and the drift that was found, before the first write: what it records must be
    /// durable when it says that the job may begin. Then it is not called again.
    pub record: &'a mut dyn FnMut(&Info, &WritePlan, Drift) -> Result<Beginning, Failure>,
    /// Whether the user wants to stop. Asked until the first write, not after it.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// Why one pass of the job ended early.
enum Stop {
    Token(TokenError),
    Failed(Box<Failure>),
    /// The plan must be completed anew.
    Anew,
}

impl From<TokenError> for Stop {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// Carries out a plan on the token that the link leads to, and closes the link.
///
/// If another program resets the token, the job is begun again, on the same serial only: until the first write as often as
/// programs that end their own work with a reset may do it, afterwards once, because both writes are idempotent
/// (`docs/protocol.md` §7).
///
/// # Errors
/// A [`Failure`] that says what state the token is in.
pub fn write(
    link: &mut dyn Link,
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
        match job.pass(link, hooks) {
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
            (Stop::Token(error), known) => reading_failed(&error, link, known.as_ref(), &job.plan.again),
        };
        // What is on record as begun is not begun twice.
        let may_come_back = failure.may_come_back && !job.recorded;
        Failure { written: job.progress, may_come_back, ..failure }
    });
    link.close();
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

    fn pass(&mut self, link: &mut dyn Link, hooks: &mut Hooks<'_>) -> Result<WriteOutcome, Stop> {
        let (mut session, first) = clock::open(link, self.host)?;
        let info = session.info().clone();
        if let Some(known) = &self.known {
            check_same(known, &info)?;
        }
        self.known = Some(info.clone());
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
        // Whatever the plan sets, its seed's record and its report are dated by the host.
        check_plausible(first.before.wall).map_err(Failure::from)?;

        let is_far = Drift::of_reading(&first).middle_s().abs() > FAR_S;
        let before = measure(&mut session, self.host, &first, self.plan.fine || is_far)?;
        let told = |drift: Drift| drift.widened(self.host.doubt());
        let drift_before = *self.before.get_or_insert(told(before.drift));
        // A second pass goes on with what the first one began, whatever the clock shows by now.
        if let Some(bound) = self.plan.if_drift_over
            && told(before.drift).is_surely_within(bound)
            && !before.stands_still
            && self.progress == Progress::default()
        {
            let (drift, seed) = (told(before.drift), SeedFate::Kept);
            let outcome = Effect::Within;
            let jumped = read_again_after_jump(&self.plan, self.host, &mut session, &first)?;
            let after = jumped.map_or(drift, |(_, drift)| told(drift));
            let host_jumped = jumped.map(|(by, _)| by);
            let (config, keeps_phase) = (self.plan.config, false);
            return Ok(WriteOutcome { info, config, outcome, before: drift, after, seed, keeps_phase, host_jumped });
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

        let session = session.authenticate(&self.plan.key)?;
        let restricted = info.sync().erases_seed();
        let (plan, host, since) = (&self.plan, self.host, first.before);
        let mut writer = Writer { session, plan, host, since, restricted, progress: &mut self.progress };
        let (after, keeps_phase, stands_still) = match &self.plan.config {
            Some(config) if can_be_fine(plan, config, &before) => {
                let set = set_on_the_second(&mut writer, self.host, &before)?;
                (set.drift, set.keeps_phase, set.stands_still)
            }
            config => {
                match config {
                    Some(config) => writer.write_clock(clock_value(config.clock, self.host, &first))?,
                    None => writer.write_seed()?,
                }
                let first = clock::read(&mut writer.session, self.host)?;
                // A clock that stood still before may run now: some do not until they are set.
                let after = measure(&mut writer.session, self.host, &first, before.stands_still)?;
                (after.drift, false, after.stands_still)
            }
        };
        let jumped = read_again_after_jump(plan, self.host, &mut writer.session, &first)?;
        let after = told(jumped.map_or(after, |(_, drift)| drift));
        let (seed, outcome) = (self.plan.seed_fate(&info), Effect::Synced);
        let host_jumped = jumped.map(|(by, _)| by);
        check_outcome(&self.plan, &info, after, host_jumped, stands_still)?;
        let config = self.plan.config;
        Ok(WriteOutcome { info, config, outcome, before: drift_before, after, seed, keeps_phase, host_jumped })
    }
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

/// If the host's wall clock was stepped since the contact began: by how much, and the drift by its new time.
fn read_again_after_jump<S>(
    plan: &WritePlan,
    host: &dyn HostClock,
    session: &mut Session<'_, S>,
    first: &Reading,
) -> Result<Option<(TimeDelta, Drift)>, TokenError> {
    let Some(by) = jump_between(first.before, host.now()) else { return Ok(None) };
    let again = clock::read(session, host)?;
    Ok(Some((by, measure(session, host, &again, plan.fine)?.drift)))
}

/// Writing on the second needs a tick to start from, and the host's time to aim at.
fn can_be_fine(plan: &WritePlan, config: &ConfigPlan, before: &Fine) -> bool {
    plan.fine && config.clock == ClockPlan::Now && before.drift.method() == Method::Tick
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

/// An authenticated token, and how far the writes on it have come.
struct Writer<'a, 'l> {
    session: Session<'l, Authenticated>,
    plan: &'a WritePlan,
    host: &'a dyn HostClock,
    /// When the contact began.
    since: Moment,
    restricted: bool,
    progress: &'a mut Progress,
}

impl Writer<'_, '_> {
    /// The last look at the host's clock before it is written: it must not have been stepped since the contact began.
    fn check_host(&self) -> Result<(), TokenError> {
        let now = self.host.now();
        let doubt = match (jump_between(self.since, now), check_plausible(now.wall)) {
            (None, Ok(_)) => return Ok(()),
            (Some(by), _) => HostDoubt::Jumped(by),
            (None, Err(_)) => HostDoubt::Implausible(now.wall),
        };
        Err(TokenError { step: Step::Config, reason: Reason::Withheld(doubt) })
    }

    fn write_seed(&mut self) -> Result<(), TokenError> {
        let Some(seed) = &self.plan.seed else { return Ok(()) };
        self.session.write_seed(seed).inspect_err(|error| self.progress.note_failure(error))?;
        self.progress.seed = Written::Yes;
        Ok(())
    }
}

impl<'l> Target<'l> for Writer<'_, 'l> {
    /// Profile and clock, and at once the seed where there is one to write: a restricted token has just lost its own.
    fn write_clock(&mut self, seconds: u32) -> Result<(), TokenError> {
        let Some(config) = &self.plan.config else { return Ok(()) };
        self.check_host().inspect_err(|error| self.progress.note_failure(error))?;
        let written = self.session.write_config(config.profile, seconds);
        written.inspect_err(|error| self.progress.note_failure(error))?;
        self.progress.config = Written::Yes;
        self.progress.correction = None;
        if self.restricted {
            self.progress.seed = Written::No;
        }
        if self.progress.seed == Written::Yes { Ok(()) } else { self.write_seed() }
    }

    fn session(&mut self) -> &mut Session<'l, Authenticated> {
        &mut self.session
    }
}
