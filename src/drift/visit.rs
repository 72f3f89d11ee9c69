//! A visit: one contact with a token, as it bears on its clock.

use std::sync::Arc;

use crate::time::{UnixTime, seconds};

/// A drift that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// The token's clock minus true time, in seconds: the middle of the interval that must hold it.
    pub drift_s: f64,
    /// The half-width of that interval, in seconds.
    pub within_s: f64,
}

impl Bounded {
    /// The share of a host's own clock in the error of a reading, in seconds, as a standard deviation: a host that a time
    /// service keeps right is not known to be closer.
    const HOST_S: f64 = 0.1;

    /// The variance of the error, in s²: even over the interval, and the host's own on top.
    #[must_use]
    pub fn variance(self) -> f64 {
        self.within_s * self.within_s / 3.0 + Self::HOST_S * Self::HOST_S
    }

    /// The same reading where the clock that it was compared with was ahead of true time by so many seconds.
    #[must_use]
    pub fn corrected(self, ahead_s: f64) -> Self {
        Self { drift_s: self.drift_s + ahead_s, ..self }
    }
}

/// The clock as a visit left it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Left {
    /// It was not written.
    AsFound,
    /// It was set, and read back so.
    Set(Bounded),
    /// It may have been set, and nobody knows to what.
    Unknown,
}

/// One contact with a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// When, by the host's clock.
    pub at: UnixTime,
    /// The desk.
    pub desk: Arc<str>,
    /// The drift as it was found, if it was read.
    pub found: Option<Bounded>,
    /// The clock as it was left.
    pub left: Left,
    /// It got a new seed: whatever a server remembered of its clock counts no more.
    pub is_burned: bool,
}

impl Visit {
    /// The drift as it was left, where it is known.
    #[must_use]
    pub fn known_left(&self) -> Option<Bounded> {
        match self.left {
            Left::AsFound => self.found,
            Left::Set(left) => Some(left),
            Left::Unknown => None,
        }
    }

    /// The same visit where the desk's clock was ahead of true time by so many seconds.
    #[must_use]
    pub fn corrected(&self, ahead_s: f64) -> Self {
        let left = match self.left {
            Left::Set(left) => Left::Set(left.corrected(ahead_s)),
            other => other,
        };
        Self { found: self.found.map(|found| found.corrected(ahead_s)), left, ..self.clone() }
    }
}

/// The days between two moments; none where the second is the earlier one.
#[must_use]
pub fn days(from: UnixTime, to: UnixTime) -> f64 {
    (seconds(to - from) / super::DAY_S).max(0.0)
}

/// The stretches between visits over which a clock ran undisturbed: days, and the seconds that it gained.
pub fn stretches(visits: &[Visit]) -> impl Iterator<Item = (f64, f64)> + '_ {
    visits.windows(2).filter_map(|pair| {
        let [first, second] = pair else { return None };
        let (left, found) = (first.known_left()?, second.found?);
        Some((days(first.at, second.at), found.drift_s - left.drift_s))
    })
}
