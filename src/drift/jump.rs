//! A jump: a change of a clock that its own running does not explain.

use std::sync::Arc;

use super::clock_state::Estimate;
use super::visit::Bounded;
use crate::time::UnixTime;

/// The cause of a jump, as far as the readings can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The clock shows a time years away: its battery was empty or changed, and it began anew.
    LostTime,
    /// The desk's own clock was wrong at that visit: at the next one the jump was gone, or other tokens jumped by as much there.
    HostStep,
    /// It is right, and would not have been by itself: another program, or another desk, set it.
    AnotherHand,
    /// It moved by whole hours: a host with a wrong time zone set it.
    WholeHours,
    /// Nothing tells.
    Unknown,
}

impl Cause {
    /// The word that JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LostTime => "lost-time",
            Self::HostStep => "host-step",
            Self::AnotherHand => "another-hand",
            Self::WholeHours => "whole-hours",
            Self::Unknown => "unknown",
        }
    }
}

/// A jump of a token's clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Jump {
    /// The visit that found it.
    pub at: UnixTime,
    /// The desk of that visit.
    pub desk: Arc<str>,
    /// The drift that was found minus the one that was expected, in seconds.
    pub by_s: f64,
    /// How well that is known, in seconds: the half-width of its 95 % interval.
    pub within_s: f64,
    /// Its cause.
    pub cause: Cause,
    /// That visit set the clock.
    pub was_set: bool,
}

/// A drift beyond this, in seconds, is that of a clock which has lost its time: a year.
const LOST_S: f64 = 365.0 * 86_400.0;

/// A clock within this of true time, in seconds, was set; no jump ends there by chance.
const RIGHT_S: f64 = 2.0;

/// A clock that was to be off by more than this, in seconds, and is right, was set.
const OFF_S: f64 = 10.0;

impl Cause {
    /// The cause of a jump from an expected drift to the one that was found, as far as this one visit can tell.
    pub fn of(expected: Estimate, found: Bounded) -> Self {
        const HOUR_S: f64 = 3600.0;
        let by = found.drift_s - expected.mean;
        let hours = (by / HOUR_S).round();
        let from_hours = (by - hours * HOUR_S).abs();
        if found.drift_s.abs() > LOST_S {
            Self::LostTime
        } else if found.drift_s.abs() - found.within_s <= RIGHT_S && expected.mean.abs() > OFF_S {
            Self::AnotherHand
        } else if (1.0..=26.0).contains(&hours.abs()) && from_hours <= super::SIGMAS_95 * expected.deviation() + RIGHT_S
        {
            Self::WholeHours
        } else {
            Self::Unknown
        }
    }
}
