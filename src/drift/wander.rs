//! Wander: what temperature and age do to the rate of a clock, beyond its own constant rate.

use super::PPM;

/// How the rate of a clock wanders: about its own constant part with a memory of some months, and slowly away with age.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wander {
    /// The standard deviation of the rate about its constant part, in seconds a day.
    pub rate: f64,
    /// The time over which it is forgotten, in days.
    pub memory: f64,
    /// The standard deviation of the change of the constant part over a year, in seconds a day.
    pub ageing: f64,
}

impl Wander {
    /// The written-down wander: 1.2 ppm about the constant part with a memory of 60 days, and 0.5 ppm of ageing a year. The
    /// simulated fleets of `tests/suite/drift.rs` are covered by it; real inventories refit it.
    pub const WRITTEN_DOWN: Self = Self { rate: 1.2 * PPM, memory: 60.0, ageing: 0.5 * PPM };

    /// The wander of a clock whose crystal is broken, which follows nothing: ten times as much.
    #[must_use]
    pub fn of_a_broken_clock(self) -> Self {
        self.scaled(10.0)
    }

    /// The same wander with another size.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        Self { rate: self.rate * by, ageing: self.ageing * by, ..self }
    }

    /// The factor by which the errors of forecasts say that the wander is larger or smaller than it is taken for. `errors` are those
    /// of held-out readings, each in standard deviations; `None` from fewer than [`Self::FEWEST`].
    ///
    /// It is the factor that makes 98 % of them lie within 95 % intervals, three more than are named, because a forecast reaches farther
    /// than the stretches that it is judged by; within [`Self::AT_LEAST`] and [`Self::AT_MOST`].
    #[must_use]
    pub fn refit(mut errors: Vec<f64>) -> Option<f64> {
        errors.iter_mut().for_each(|error| *error = error.abs());
        errors.sort_by(f64::total_cmp);
        let error = errors.get(errors.len() * 98 / 100).filter(|_| errors.len() >= Self::FEWEST)?;
        Some((error / super::SIGMAS_95).clamp(Self::AT_LEAST, Self::AT_MOST))
    }

    /// The fewest errors that the wander is refitted from.
    pub const FEWEST: usize = 100;
    /// The least factor.
    pub const AT_LEAST: f64 = 0.7;
    /// The largest factor.
    pub const AT_MOST: f64 = 3.0;
}
