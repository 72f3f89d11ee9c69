//! The fit: a token's visits in their order, from the first to the last, as the state of its clock.

use super::clock_state::{ClockState, Estimate};
use super::jump::{Cause, Jump};
use super::prior::Prior;
use super::visit::{Bounded, Left, Visit, days};
use super::wander::Wander;
use super::{PPM, SIGMAS_95, runs};
use crate::time::UnixTime;

/// An error of more standard deviations than this is a jump.
const GATE: f64 = 5.0;

/// Of two explanations, one is clearly the better if its error is smaller by so many standard deviations.
const CLEARLY: f64 = 4.0;

/// No crystal is so wrong, broken ones included, in seconds a day: what moves a clock faster has set it.
const FASTEST: f64 = 300.0 * PPM;

/// The spread of the rate of a crystal that is broken, in seconds a day.
const BROKEN: f64 = 100.0 * PPM;

/// A clock that surely gains or loses more than this a day, in seconds, is broken: the vendor's worst.
const WORST: f64 = 1.0;

/// A stretch of so many days says how a rate wanders.
const LONG_DAYS: f64 = 14.0;

/// A rate, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Seconds a day; negative when the clock loses.
    pub s_per_day: f64,
    /// The half-width of its 95 % interval.
    pub within: f64,
}

/// How a clock runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// As crystals do.
    Usual,
    /// It surely gains or loses more than a second a day.
    Broken,
    /// Since the last visit it moved as no good crystal does: somebody set it, or it is broken, at this rate. The next
    /// visit tells.
    Unsure(f64),
}

/// A clock by all of its visits.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The last visit that its clock is known from.
    pub at: UnixTime,
    /// The stretches between visits that its rate comes from …
    pub stretches: usize,
    /// … and how long they are together, in days.
    pub days: f64,
    /// The jumps, oldest first.
    pub jumps: Vec<Jump>,
    /// How it runs.
    pub standing: Standing,
    /// The changes of the clock by those visits that set it since it got its seed, in seconds: a server that follows its clock has to
    /// follow them.
    pub moves: Vec<(UnixTime, f64)>,
    /// The error of the last stretch of two weeks or more, in standard deviations, by all before it.
    pub last_error: Option<f64>,
    state: ClockState,
    /// The state if the last stretch was not a jump.
    other: Option<ClockState>,
    wander: Wander,
}

impl Fit {
    /// The fit of visits in their order; `None` where none of them has read the clock.
    #[must_use]
    pub fn of(visits: &[Visit], prior: &Prior, wander: Wander) -> Option<Self> {
        let mut from = visits;
        loop {
            let walk = Walk::through(from, prior, wander);
            if !runs::are_too_few(&walk.errors) {
                return walk.end();
            }
            // The oldest quarter goes, and the rest is judged anew.
            from = from.get(from.len().div_ceil(4)..).unwrap_or_default();
        }
    }

    /// The rate now.
    #[must_use]
    pub fn rate(&self) -> Rate {
        let rate = self.state.rate();
        Rate { s_per_day: rate.mean, within: SIGMAS_95 * rate.deviation() }
    }

    /// The drift at a later time under each of the explanations of the last stretch: one, or two where it is not known.
    pub(super) fn drifts_at(&self, at: UnixTime) -> impl Iterator<Item = Estimate> + '_ {
        let days = days(self.at, at);
        let broken = self.wander.of_a_broken_clock();
        let usual = if self.standing == Standing::Broken { broken } else { self.wander };
        let other = self.other.map(|state| state.later(days, broken).drift());
        std::iter::once(self.state.later(days, usual).drift()).chain(other)
    }
}

/// The walk through the visits.
struct Walk<'a> {
    visits: &'a [Visit],
    wander: Wander,
    prior: &'a Prior,
    /// The state after the last visit that told something, and when that was.
    now: Option<(UnixTime, ClockState)>,
    /// The drift is not known: only the rate is.
    lost: bool,
    is_broken: bool,
    other: Option<(f64, ClockState)>,
    moves: Vec<(UnixTime, f64)>,
    stretches: usize,
    days: f64,
    jumps: Vec<Jump>,
    errors: Vec<f64>,
    last_error: Option<f64>,
}

impl<'a> Walk<'a> {
    fn through(visits: &'a [Visit], prior: &'a Prior, wander: Wander) -> Self {
        let mut walk = Self {
            visits,
            wander,
            prior,
            now: None,
            lost: false,
            is_broken: false,
            other: None,
            moves: Vec::new(),
            stretches: 0,
            days: 0.0,
            jumps: Vec::new(),
            errors: Vec::new(),
            last_error: None,
        };
        for (index, visit) in visits.iter().enumerate() {
            walk.visit(index, visit);
        }
        walk
    }

    fn visit(&mut self, index: usize, visit: &Visit) {
        self.other = None;
        let shift = visit.found.map_or(0.0, |found| self.found(index, visit, found));
        match visit.left {
            Left::AsFound => {}
            Left::Unknown => self.lost = true,
            Left::Set(left) => {
                let left = left.corrected(shift);
                match visit.found {
                    _ if visit.is_burned => self.moves.clear(),
                    Some(found) => self.moves.push((visit.at, left.drift_s - found.drift_s - shift)),
                    None => {}
                }
                let state = self.now.map(|(_, state)| state.set(left));
                self.stand(visit.at, state.unwrap_or_else(|| ClockState::first(left, self.prior, self.wander)));
                self.lost = false;
            }
        }
    }

    fn stand(&mut self, at: UnixTime, state: ClockState) {
        self.now = Some((at, state));
    }

    /// Takes a reading; by how much the desk's clock was ahead of true time, in seconds, where that shows.
    fn found(&mut self, index: usize, visit: &Visit, found: Bounded) -> f64 {
        let Some((since, before)) = self.now else {
            self.stand(visit.at, ClockState::first(found, self.prior, self.wander));
            self.lost = false;
            return 0.0;
        };
        let passed = days(since, visit.at);
        let later = before.later(passed, self.wander());
        if std::mem::take(&mut self.lost) {
            self.stand(visit.at, later.set(found));
            return 0.0;
        }
        let expected = later.expected(found);
        let error = (found.drift_s - expected.mean) / expected.deviation();
        if error.abs() <= GATE {
            self.take(visit.at, passed, later.found(found), error);
            return 0.0;
        }
        if let Some(ahead) = self.host_was_ahead(index, &later, found) {
            self.jumps.push(jump(visit, expected, found, Cause::HostStep));
            // The clock ran on meanwhile; what was read of it by a wrong clock says nothing more.
            self.stand(visit.at, later);
            return ahead;
        }
        let rate = (found.drift_s - before.drift().mean) / passed.max(f64::MIN_POSITIVE);
        let cause = Cause::of(expected, found);
        let may_go_on = cause != Cause::LostTime && rate.abs() <= FASTEST;
        let as_broken = || {
            let broken = Prior { deviation: BROKEN, ..*self.prior };
            let anew = before.with_rate_of(&broken).later(passed, self.wander.of_a_broken_clock());
            anew.found(found)
        };
        if may_go_on && self.goes_on_at(index, rate, passed) {
            let state = as_broken();
            self.is_broken |= rate.abs() > WORST;
            self.take(visit.at, passed, state, error);
            return 0.0;
        }
        self.other = (may_go_on && rate.abs() > WORST).then(|| (rate, as_broken()));
        self.jumps.push(jump(visit, expected, found, cause));
        self.stand(visit.at, later.set(found));
        0.0
    }

    fn wander(&self) -> Wander {
        if self.is_broken { self.wander.of_a_broken_clock() } else { self.wander }
    }

    fn take(&mut self, at: UnixTime, passed: f64, state: ClockState, error: f64) {
        self.stand(at, state);
        self.days += passed;
        // Two readings of the same contact say nothing of the rate.
        if passed > 0.01 {
            self.stretches += 1;
            self.errors.push(error);
        }
        if passed >= LONG_DAYS {
            self.last_error = Some(error);
        }
    }

    /// By how much the desk's clock was ahead at a visit, if the next visit finds the clock as if that were so.
    fn host_was_ahead(&self, index: usize, expected: &ClockState, found: Bounded) -> Option<f64> {
        let (visit, next) = (self.visits.get(index)?, self.visits.get(index + 1)?);
        let ahead = expected.drift().mean - found.drift_s;
        let state = match visit.left {
            Left::AsFound => *expected,
            Left::Set(left) => expected.shows(Estimate { mean: left.drift_s + ahead, ..expected.drift() }),
            Left::Unknown => return None,
        };
        let (passed, next) = (days(visit.at, next.at), next.found?);
        let error = |state: ClockState| {
            let later = state.later(passed, self.wander()).expected(next);
            ((next.drift_s - later.mean) / later.deviation()).abs()
        };
        // The other explanation: it jumped, and went on from there.
        let jumped = match visit.left {
            Left::Set(left) => expected.set(left),
            _ => expected.set(found),
        };
        let (if_ahead, if_jumped) = (error(state), error(jumped));
        (if_ahead <= GATE && if_jumped > if_ahead + CLEARLY).then_some(ahead)
    }

    /// Whether the clock goes on at this rate until the next visit, as a broken one does and one that was set does not.
    fn goes_on_at(&self, index: usize, rate: f64, passed: f64) -> bool {
        let (visit, next) = (self.visits.get(index), self.visits.get(index + 1));
        let Some((visit, next)) = visit.zip(next) else { return false };
        let (Some(left), Some(found)) = (visit.known_left(), next.found) else { return false };
        let days = days(visit.at, next.at);
        let gained = found.drift_s - left.drift_s;
        let error = (left.variance() + found.variance()).sqrt() * (1.0 + days / passed.max(f64::MIN_POSITIVE));
        // A third of the rate is left to a crystal that follows nothing.
        days > 0.01
            && (gained - rate * days).abs() <= rate.abs() * days / 3.0 + GATE * error
            && gained.abs() > GATE * error
    }

    fn end(self) -> Option<Fit> {
        let (at, state) = self.now.filter(|_| !self.lost)?;
        let rate = state.rate();
        let standing = match self.other {
            Some((rate, _)) => Standing::Unsure(rate),
            None if self.is_broken || rate.mean.abs() - SIGMAS_95 * rate.deviation() > WORST => Standing::Broken,
            None => Standing::Usual,
        };
        Some(Fit {
            at,
            stretches: self.stretches,
            days: self.days,
            jumps: self.jumps,
            standing,
            moves: self.moves,
            last_error: self.last_error,
            state,
            other: self.other.map(|(_, state)| state),
            wander: self.wander,
        })
    }
}

fn jump(visit: &Visit, expected: Estimate, found: Bounded, cause: Cause) -> Jump {
    let by_s = found.drift_s - expected.mean;
    let was_set = matches!(visit.left, Left::Set(_));
    Jump { at: visit.at, desk: visit.desk.clone(), by_s, within_s: SIGMAS_95 * expected.deviation(), cause, was_set }
}
