//! Drift: the token's clock minus the true time, as the interval that must hold it.

use std::fmt;
use std::time::Duration;

use crate::time::{Moment, SECOND_NS, UnixTime, unix_ns};

/// One reading of a token's clock, between two moments of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The host's clocks before the command was sent.
    pub before: Moment,
    /// The host's clocks after the answer had come.
    pub after: Moment,
    /// The token's clock: whole Unix seconds.
    pub token: u32,
}

impl Reading {
    /// The wall clock in the middle of the exchange.
    #[must_use]
    pub fn host(&self) -> UnixTime {
        self.before.wall + (self.after.wall - self.before.wall) / 2
    }

    /// How long the exchange took, in nanoseconds, by the clock that does not jump.
    #[must_use]
    pub fn round_trip_ns(&self) -> i64 {
        i64::try_from(self.after.monotonic.saturating_sub(self.before.monotonic).as_nanos()).unwrap_or(i64::MAX)
    }
}

/// How a drift was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// From one reading of whole seconds.
    WholeSeconds,
    /// From the moment at which the reading changed.
    Tick,
}

impl Method {
    /// The word that JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WholeSeconds => "whole-seconds",
            Self::Tick => "tick",
        }
    }
}

/// An interval that must contain the drift, and how it was found. Nanoseconds inside, seconds outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drift {
    low_ns: i64,
    high_ns: i64,
    method: Method,
}

impl Drift {
    /// The drift between two bounds in nanoseconds, in either order.
    #[must_use]
    pub fn between(low_ns: i64, high_ns: i64, method: Method) -> Self {
        Self { low_ns: low_ns.min(high_ns), high_ns: low_ns.max(high_ns), method }
    }

    /// The drift by one reading: the token showed a second that began at most a second before, at some time within the
    /// exchange. So the half-width is 0.5 s and half of the round trip.
    #[must_use]
    pub fn of_reading(reading: &Reading) -> Self {
        let shown = i64::from(reading.token) * SECOND_NS;
        let before = unix_ns(reading.before.wall);
        let after = before.saturating_add(reading.round_trip_ns());
        Self::between(shown - after, shown + SECOND_NS - before, Method::WholeSeconds)
    }

    /// The same where the host's own time may be wrong by so much.
    #[must_use]
    pub fn widened(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        Self { low_ns: self.low_ns.saturating_sub(by), high_ns: self.high_ns.saturating_add(by), ..self }
    }

    /// The middle of the interval, in seconds; negative when the token is behind.
    #[must_use]
    pub fn middle_s(self) -> f64 {
        (self.low_ns as f64 + self.high_ns as f64) / 2e9
    }

    /// The half-width of the interval, in seconds.
    #[must_use]
    pub fn resolution_s(self) -> f64 {
        (self.high_ns - self.low_ns) as f64 / 2e9
    }

    /// The middle of the interval, in nanoseconds.
    #[must_use]
    pub fn middle_ns(self) -> i64 {
        self.low_ns + (self.high_ns - self.low_ns) / 2
    }

    /// The half-width of the interval, in nanoseconds, rounded up.
    #[must_use]
    pub fn half_width_ns(self) -> i64 {
        (self.high_ns - self.low_ns + 1) / 2
    }

    /// The bounds, in nanoseconds.
    #[must_use]
    pub fn bounds_ns(self) -> (i64, i64) {
        (self.low_ns, self.high_ns)
    }

    /// How it was found.
    #[must_use]
    pub fn method(self) -> Method {
        self.method
    }

    /// The middle in words, without the doubt: `97.250 s slow`.
    #[must_use]
    pub fn in_short(self) -> String {
        let middle = self.middle_s();
        let direction = if middle < 0.0 { "slow" } else { "fast" };
        match self.method {
            _ if middle.abs() >= LONG_S => format!("{} {direction}", long(middle.abs())),
            Method::Tick => format!("{:.3} s {direction}", middle.abs()),
            Method::WholeSeconds => format!("{:.1} s {direction}", middle.abs()),
        }
    }

    /// Whether every value in the interval lies within ±`bound_s` seconds.
    #[must_use]
    pub fn is_surely_within(self, bound_s: f64) -> bool {
        self.middle_s().abs() + self.resolution_s() <= bound_s
    }

    /// Whether some value in the interval lies within ±`bound_s` seconds.
    #[must_use]
    pub fn may_be_within(self, bound_s: f64) -> bool {
        self.middle_s().abs() - self.resolution_s() <= bound_s
    }
}

impl fmt::Display for Drift {
    /// `97.250 s slow (±0.022 s)`, or `97.0 s slow (±0.5 s)` from a reading of whole seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resolution = self.resolution_s();
        match self.method {
            Method::Tick => write!(f, "{} (±{:.3} s)", self.in_short(), round_up(resolution, 1000.0)),
            // A hundredth is passed over: a reading alone is never finer than half a second and half of its round trip.
            Method::WholeSeconds => write!(f, "{} (±{:.1} s)", self.in_short(), round_up(resolution - 0.01, 10.0)),
        }
    }
}

/// From here on a span is said in minutes, hours, days or years.
const LONG_S: f64 = 120.0;

/// A span that nobody counts in seconds: two digits and a unit.
fn long(seconds: f64) -> String {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 60.0 * MINUTE;
    const DAY: f64 = 24.0 * HOUR;
    const YEAR: f64 = 365.25 * DAY;
    let (unit, name) = match seconds {
        s if s < 2.0 * HOUR => (MINUTE, "min"),
        s if s < 2.0 * DAY => (HOUR, "hours"),
        s if s < 2.0 * YEAR => (DAY, "days"),
        _ => (YEAR, "years"),
    };
    format!("{:.1} {name}", seconds / unit)
}

/// Rounds up to a fraction of a second: a resolution is never shown finer than it is.
fn round_up(value: f64, per_second: f64) -> f64 {
    (value * per_second).ceil() / per_second
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn reading(host_ms: i64, round_trip_ms: u64, token: u32) -> Reading {
        let wall = DateTime::from_timestamp_millis(host_ms).unwrap();
        let trip = Duration::from_millis(round_trip_ms);
        let before = Moment { wall, monotonic: Duration::from_secs(5) };
        Reading { before, after: Moment { wall: wall + trip, monotonic: before.monotonic + trip }, token }
    }

    #[test]
    fn a_reading_of_whole_seconds_leaves_a_second_and_the_round_trip() {
        let drift = Drift::of_reading(&reading(1_000_000, 4, 903));
        // The token's second 903 lasts until 904: from -97.004 s (seen at the very end) to -96 s.
        assert_eq!(drift.bounds_ns(), (-97_004_000_000, -96_000_000_000));
        assert!((drift.resolution_s() - 0.502).abs() < 1e-9);
        assert_eq!(drift.to_string(), "96.5 s slow (±0.5 s)");
    }

    #[test]
    fn a_step_of_the_wall_clock_during_the_exchange_does_not_widen_the_interval() {
        let mut stepped = reading(1_000_000, 4, 1000);
        stepped.after.wall += chrono::TimeDelta::hours(1);
        assert_eq!(Drift::of_reading(&stepped), Drift::of_reading(&reading(1_000_000, 4, 1000)));
    }

    #[test]
    fn a_drift_of_more_than_two_minutes_is_said_in_larger_units() {
        let slow = |seconds: i64| Drift::between(-seconds * 1_000_000_000, -seconds * 1_000_000_000, Method::Tick);
        for (seconds, said) in [
            (119, "119.000 s slow"),
            (180, "3.0 min slow"),
            (3600, "60.0 min slow"),
            (36_000, "10.0 hours slow"),
            (864_000, "10.0 days slow"),
            (848_942_552, "26.9 years slow"),
        ] {
            assert_eq!(slow(seconds).in_short(), said);
        }
    }

    #[test]
    fn a_fine_drift_is_shown_to_the_millisecond_and_never_finer_than_it_is() {
        let drift = Drift::between(-97_251_100_000, -97_248_900_000, Method::Tick);
        assert_eq!(drift.to_string(), "97.250 s slow (±0.002 s)");
        assert!(drift.is_surely_within(97.26) && !drift.is_surely_within(97.25) && drift.may_be_within(97.249));
    }
}
