//! The tick: from readings of whole seconds to the drift between them.
//!
//! A reading `r` that lies between two host times `b` and `a` says that the drift is at least `r - a` and less than
//! `r + 1 - b`. The intervals of all readings must overlap, and around the moment at which the reading changes they
//! leave little room. Nothing here sends anything or reads a clock: the estimator is pure over
//! (time before, time after, reading).

use std::time::Duration;

use super::drift::{Drift, Method, Reading};
use crate::time::{SECOND_NS, unix_ns};

/// How wrong the rate of the two clocks against each other may be: ten times a bad crystal's 20 ppm.
const RATE_PPM: i64 = 200;

/// The news of a reading to the estimator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The first reading, or the same second as before.
    Steady,
    /// The second after the last one: the tick lies between the two readings.
    Tick,
    /// A reading that fits no clock that shows the earlier ones: the token's clock was set, or stands still.
    Jump,
}

/// Collects readings of one clock into the interval that must hold its drift.
///
/// A jump of the token's clock makes it begin anew. A jump forward by less than two seconds that happens to cross a
/// second looks like a tick and cannot be told from one.
#[derive(Debug, Clone)]
pub struct Estimator {
    /// Wall minus monotonic at the first reading: later steps of the wall clock do not enter.
    offset_ns: i64,
    low_ns: i64,
    high_ns: i64,
    last_after_ns: i64,
    last_token: u32,
    ticks: u32,
}

impl Estimator {
    /// Begins with one reading.
    #[must_use]
    pub fn new(first: &Reading) -> Self {
        let offset_ns = unix_ns(first.before.wall) - monotonic_ns(first.before.monotonic);
        let (low_ns, high_ns, after) = bounds(first, offset_ns);
        Self { offset_ns, low_ns, high_ns, last_after_ns: after, last_token: first.token, ticks: 0 }
    }

    /// Takes a further reading of the same clock.
    pub fn add(&mut self, reading: &Reading) -> Seen {
        let (low, high, after) = bounds(reading, self.offset_ns);
        // What earlier readings said holds for their time; until now the clocks may have run apart a little.
        let apart = (after - self.last_after_ns).max(0) * RATE_PPM / 1_000_000 + 1;
        let (kept_low, kept_high) = (self.low_ns - apart, self.high_ns + apart);
        let ticked = reading.token == self.last_token.wrapping_add(1);
        self.last_after_ns = after;
        self.last_token = reading.token;
        if low > kept_high || high < kept_low {
            (self.low_ns, self.high_ns, self.ticks) = (low, high, 0);
            return Seen::Jump;
        }
        (self.low_ns, self.high_ns) = (low.max(kept_low), high.min(kept_high));
        self.ticks += u32::from(ticked);
        if ticked { Seen::Tick } else { Seen::Steady }
    }

    /// The interval that must hold the drift at the time of the last reading.
    #[must_use]
    pub fn drift(&self) -> Drift {
        let method = if self.ticks > 0 { Method::Tick } else { Method::WholeSeconds };
        Drift::between(self.low_ns, self.high_ns, method)
    }
}

/// The bounds that one reading sets, and the host's time after it, on the axis that begins with `offset_ns`.
fn bounds(reading: &Reading, offset_ns: i64) -> (i64, i64, i64) {
    let before = offset_ns + monotonic_ns(reading.before.monotonic);
    let after = offset_ns + monotonic_ns(reading.after.monotonic);
    let shown = i64::from(reading.token) * SECOND_NS;
    (shown - after, shown + SECOND_NS - before, after)
}

fn monotonic_ns(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
