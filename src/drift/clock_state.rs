//! The state of a clock as a Kalman filter holds it: drift, constant rate and wander, with the covariance of their errors.
//!
//! The drift is the integral of the rate; the rate is a constant part, which ages as a random walk, and a wander that is forgotten
//! over some months (an Ornstein-Uhlenbeck process). Both have a closed form over any time, so a year is one step.

use super::prior::Prior;
use super::visit::Bounded;
use super::wander::Wander;

/// The drift in seconds, its constant rate and its wander in seconds a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockState {
    mean: [f64; 3],
    covariance: [[f64; 3]; 3],
}

/// A value with its variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The most likely value.
    pub mean: f64,
    /// The variance of its error.
    pub variance: f64,
}

impl Estimate {
    /// The standard deviation.
    pub fn deviation(self) -> f64 {
        self.variance.max(0.0).sqrt()
    }
}

impl ClockState {
    /// The state after a first reading, when nothing but the prior is known of the rate.
    pub fn first(reading: Bounded, prior: &Prior, wander: Wander) -> Self {
        let mean = [reading.drift_s, prior.rate, 0.0];
        let covariance = [
            [reading.variance(), 0.0, 0.0],
            [0.0, prior.deviation * prior.deviation, 0.0],
            [0.0, 0.0, wander.rate * wander.rate],
        ];
        Self { mean, covariance }
    }

    /// The state so many days later.
    pub fn later(&self, days: f64, wander: Wander) -> Self {
        let kept = (-days / wander.memory).exp();
        let gained = wander.memory * (1.0 - kept);
        let [drift, rate, wandered] = self.mean;
        let mean = [drift + rate * days + wandered * gained, rate, wandered * kept];
        let step = [[1.0, days, gained], [0.0, 1.0, 0.0], [0.0, 0.0, kept]];
        let moved = product(&product(&step, &self.covariance), &transposed(&step));
        let covariance = sum(&moved, &noise(days, kept, wander));
        Self { mean, covariance }
    }

    /// The drift that a reading would find, with the reading's own error.
    pub fn expected(&self, reading: Bounded) -> Estimate {
        Estimate { variance: self.drift().variance + reading.variance(), ..self.drift() }
    }

    /// The state by a further reading.
    pub fn found(&self, reading: Bounded) -> Self {
        let expected = self.expected(reading);
        let gain = self.covariance.map(|row| row[0] / expected.variance);
        let error = reading.drift_s - expected.mean;
        let mut next = *self;
        for (mean, gain) in next.mean.iter_mut().zip(gain) {
            *mean += gain * error;
        }
        let of_drift = self.covariance[0];
        for (row, gain) in next.covariance.iter_mut().zip(gain) {
            for (cell, of_drift) in row.iter_mut().zip(of_drift) {
                *cell -= gain * of_drift;
            }
        }
        next
    }

    /// The state when the clock shows another time and runs on at its own rate.
    pub fn set(&self, reading: Bounded) -> Self {
        self.shows(Estimate { mean: reading.drift_s, variance: reading.variance() })
    }

    /// The same for a drift that was not read but follows.
    pub fn shows(&self, drift: Estimate) -> Self {
        let mut next = *self;
        next.mean[0] = drift.mean;
        next.covariance[0] = [drift.variance, 0.0, 0.0];
        next.covariance[1][0] = 0.0;
        next.covariance[2][0] = 0.0;
        next
    }

    /// The same drift, when no more is known of the rate than a prior says.
    pub fn with_rate_of(&self, prior: &Prior) -> Self {
        let mut next = self.shows(self.drift());
        next.mean = [self.mean[0], prior.rate, 0.0];
        next.covariance[1] = [0.0, prior.deviation * prior.deviation, 0.0];
        next.covariance[2][1] = 0.0;
        next
    }

    /// The drift, in seconds.
    pub fn drift(&self) -> Estimate {
        Estimate { mean: self.mean[0], variance: self.covariance[0][0] }
    }

    /// The rate, constant part and wander together, in seconds a day.
    pub fn rate(&self) -> Estimate {
        let [_, rate, wandered] = self.mean;
        let [_, [_, of_rate, of_both], [_, _, of_wander]] = self.covariance;
        Estimate { mean: rate + wandered, variance: of_rate + of_wander + 2.0 * of_both }
    }
}

/// The covariance that wander and ageing add over so many days, of which `kept` is the share of the wander that is not forgotten.
fn noise(days: f64, kept: f64, wander: Wander) -> [[f64; 3]; 3] {
    let Wander { rate, memory, ageing } = wander;
    let spread = rate * rate;
    let of_drift = spread * memory * (2.0 * days - memory * (3.0 - 4.0 * kept + kept * kept));
    let of_both = spread * memory * (1.0 - kept) * (1.0 - kept);
    let of_wander = spread * (1.0 - kept * kept);
    let aged = ageing * ageing / 365.25;
    [
        [of_drift.max(0.0) + aged * days.powi(3) / 3.0, aged * days * days / 2.0, of_both],
        [aged * days * days / 2.0, aged * days, 0.0],
        [of_both, 0.0, of_wander],
    ]
}

fn product(left: &[[f64; 3]; 3], right: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let columns = transposed(right);
    left.map(|row| columns.map(|column| row.iter().zip(column).map(|(one, other)| one * other).sum()))
}

fn transposed(matrix: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let [[a, b, c], [d, e, f], [g, h, i]] = *matrix;
    [[a, d, g], [b, e, h], [c, f, i]]
}

fn sum(left: &[[f64; 3]; 3], right: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let mut sum = *left;
    for (cell, other) in sum.iter_mut().flatten().zip(right.iter().flatten()) {
        *cell += other;
    }
    sum
}
