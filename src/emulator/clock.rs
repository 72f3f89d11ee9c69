//! The token's clock: a counter of seconds with a fraction, a rate, and a habit at writes (`docs/protocol.md` §10).

use serde::{Deserialize, Serialize};

use crate::time::SECOND_NS;

/// A clock chip. Times are in nanoseconds of Unix time; `host` is the true time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TokenClock {
    /// The token's clock as it showed …
    shown_ns: i64,
    /// … at this true time.
    host_ns: i64,
    /// How much too fast it runs, in parts per million; negative when slow.
    pub ppm: f64,
    /// At a write it keeps the fraction of a second that it had, instead of starting a new second.
    pub free_running: bool,
}

impl TokenClock {
    /// A clock that is `drift_s` seconds ahead of the true time `host_ns` (negative: behind).
    #[must_use]
    pub fn new(host_ns: i64, drift_s: f64, ppm: f64, free_running: bool) -> Self {
        Self { shown_ns: host_ns + (drift_s * 1e9).round() as i64, host_ns, ppm, free_running }
    }

    /// Whether its times lie within three hundred years of 1970 and its rate below a hundred per cent.
    #[must_use]
    pub fn is_sane(&self) -> bool {
        let bound = i64::MAX / 4;
        [self.shown_ns, self.host_ns].iter().all(|time| (-bound..=bound).contains(time)) && self.ppm.abs() <= 1e6
    }

    /// The time that the clock shows at a true time, to the nanosecond.
    #[must_use]
    pub fn at(&self, host_ns: i64) -> i64 {
        let passed = host_ns - self.host_ns;
        let gained = (passed as f64 * self.ppm / 1e6).round() as i64;
        self.shown_ns + passed + gained
    }

    /// The clock as a reader sees it: whole seconds, as the token's 32-bit counter has them.
    #[must_use]
    pub fn reading(&self, host_ns: i64) -> u32 {
        self.at(host_ns).div_euclid(SECOND_NS).rem_euclid(1 << 32) as u32
    }

    /// The token's clock minus the true time, in seconds.
    #[must_use]
    pub fn drift_s(&self, host_ns: i64) -> f64 {
        (self.at(host_ns) - host_ns) as f64 / 1e9
    }

    /// Sets the clock to a whole second at a true time.
    pub fn set(&mut self, seconds: u32, host_ns: i64) {
        let fraction = if self.free_running { self.at(host_ns).rem_euclid(SECOND_NS) } else { 0 };
        self.shown_ns = i64::from(seconds) * SECOND_NS + fraction;
        self.host_ns = host_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_454_228 * SECOND_NS + 300_000_000;

    #[test]
    fn a_clock_that_is_12_ppm_fast_gains_a_second_in_a_day() {
        let clock = TokenClock::new(NOON, 0.0, 12.0, false);
        let day_later = NOON + 86_400 * SECOND_NS;
        assert!((clock.drift_s(day_later) - 1.0368).abs() < 1e-6);
    }

    #[test]
    fn a_write_restarts_the_second_or_keeps_its_fraction() {
        for (free_running, fraction) in [(false, 0), (true, 300_000_000)] {
            let mut clock = TokenClock::new(NOON, -97.0, 0.0, free_running);
            clock.set(1_700_000_000, NOON);
            assert_eq!(clock.at(NOON), 1_700_000_000 * SECOND_NS + fraction, "free running: {free_running}");
        }
    }

    #[test]
    fn the_counter_has_32_bits() {
        let mut clock = TokenClock::new(NOON, 0.0, 0.0, false);
        clock.set(u32::MAX, NOON);
        assert_eq!((clock.reading(NOON), clock.reading(NOON + SECOND_NS)), (u32::MAX, 0));
    }
}
