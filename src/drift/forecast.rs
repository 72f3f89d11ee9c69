//! The forecast: when the drift leaves what a server accepts.

use chrono::TimeDelta;

use super::SIGMAS_95;
use super::fit::Fit;
use super::window::{Following, Window};
use crate::time::UnixTime;

/// A server that follows a clock is not taken to have followed it farther than so many of its windows: none does in one go.
const FOLLOWED_WINDOWS: f64 = 10.0;

/// How long a sync that moved a clock farther than its server accepts is remembered, in days.
const MOVED_DAYS: i64 = 30;

/// No date beyond this is told, in hours: ten years, longer than a battery lasts.
const HORIZON_HOURS: i64 = 87_660;

/// The drift at some time: with 95 % it lies between these, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low_s: f64,
    /// The upper end.
    pub high_s: f64,
}

impl Interval {
    /// The middle.
    #[must_use]
    pub fn middle_s(self) -> f64 {
        self.low_s.midpoint(self.high_s)
    }

    /// The half-width.
    #[must_use]
    pub fn within_s(self) -> f64 {
        (self.high_s - self.low_s) / 2.0
    }

    /// The largest drift to either side.
    fn farthest_s(self) -> f64 {
        self.low_s.abs().max(self.high_s.abs())
    }

    /// The smallest drift to either side.
    fn nearest_s(self) -> f64 {
        if self.low_s <= 0.0 && self.high_s >= 0.0 { 0.0 } else { self.low_s.abs().min(self.high_s.abs()) }
    }
}

/// When a token must come back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Come {
    /// Its codes may be refused by now.
    Now,
    /// Before this time: until then they are accepted, with 95 %.
    Before(UnixTime),
    /// Not within ten years.
    NotForLong,
}

impl Come {
    /// The order in which tokens must come back: those that must come now first.
    #[must_use]
    pub fn order(self, now: UnixTime) -> (u8, UnixTime) {
        match self {
            Self::Now => (1, now),
            Self::Before(at) => (2, at),
            Self::NotForLong => (3, now),
        }
    }
}

/// A forecast, always with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// The drift when the forecast was made.
    pub drift: Interval,
    /// When it must come back.
    pub come: Come,
    /// When the middle of the interval leaves the window: about half of such tokens are refused by then. `None`: not within ten years.
    pub half_refused: Option<UnixTime>,
    /// When all of the interval has left the window. `None`: not within ten years.
    pub surely_refused: Option<UnixTime>,
    /// By how much a sync of the last 30 days moved the clock, in seconds, if that is more than a server that follows it accepts: its codes may
    /// be refused since then.
    pub moved_too_far: Option<f64>,
}

impl Fit {
    /// The drift at a time: where the last stretch has two explanations, the interval holds those of both.
    #[must_use]
    pub fn drift_at(&self, at: UnixTime) -> Interval {
        let mut interval = Interval { low_s: f64::INFINITY, high_s: f64::NEG_INFINITY };
        for drift in self.drifts_at(at) {
            let within = SIGMAS_95 * drift.deviation();
            interval.low_s = interval.low_s.min(drift.mean - within);
            interval.high_s = interval.high_s.max(drift.mean + within);
        }
        interval
    }

    /// The forecast for a window, made at a time.
    ///
    /// A server that follows a clock has it where it was at the last login; where nobody knows when that was, it is taken to be the last
    /// visit.
    #[must_use]
    pub fn forecast(&self, window: &Window, now: UnixTime) -> Forecast {
        let last = self.drift_at(self.at).middle_s();
        let from = match window.following {
            Following::Nothing => 0.0,
            Following::Logins if last.abs() <= FOLLOWED_WINDOWS * window.seconds => last,
            Following::Logins => 0.0,
        };
        let as_seen = |at: UnixTime| {
            let Interval { low_s, high_s } = self.drift_at(at);
            Interval { low_s: low_s - from, high_s: high_s - from }
        };
        let now = now.max(self.at);
        let first = |is_out: &dyn Fn(Interval) -> bool| first_time(self.at, now, &|at| is_out(as_seen(at)));
        let come = match first(&|drift| drift.farthest_s() > window.seconds) {
            Some(at) if at <= now => Come::Now,
            Some(at) => Come::Before(at),
            None => Come::NotForLong,
        };
        let is_too_far =
            |(at, moved): &&(UnixTime, f64)| moved.abs() > window.seconds && now - *at <= TimeDelta::days(MOVED_DAYS);
        let moved = self.moves.iter().filter(|_| window.following == Following::Logins).rfind(is_too_far);
        Forecast {
            drift: self.drift_at(now),
            come,
            half_refused: first(&|drift| drift.middle_s().abs() > window.seconds),
            surely_refused: first(&|drift| drift.nearest_s() > window.seconds),
            moved_too_far: moved.map(|(_, by)| *by),
        }
    }
}

/// The first time from `now` on at which something is so, in whole hours since `from`, so that it is the same whenever it is asked within
/// an hour; `None`: not within ten years.
fn first_time(from: UnixTime, now: UnixTime, is_so: &dyn Fn(UnixTime) -> bool) -> Option<UnixTime> {
    let at = |hours: i64| from + TimeDelta::hours(hours);
    if is_so(now) {
        return Some(now);
    }
    let mut before = (now - from).num_hours();
    let mut after = before + 24;
    while !is_so(at(after)) {
        // Steps grow with the time: a drift does not turn within a fifth of it.
        (before, after) = (after, after + (after / 5).clamp(24, HORIZON_HOURS / 5));
        if at(before) - now > TimeDelta::hours(HORIZON_HOURS) {
            return None;
        }
    }
    while after - before > 1 {
        let middle = i64::midpoint(before, after);
        if is_so(at(middle)) {
            after = middle;
        } else {
            before = middle;
        }
    }
    Some(at(before))
}
