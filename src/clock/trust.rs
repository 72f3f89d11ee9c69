//! Can the host be trusted? Asked before any clock is written from it (`docs/clock.md`).

use std::time::Duration;

use chrono::TimeDelta;

use super::kernel::KernelWord;
use super::ntp::{NtpError, NtpReading, ask};
use super::remedy::ClockRemedy;
use crate::time::Moment;

/// The user's demands on the host's clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Demands {
    /// NTP servers to ask.
    pub ntp: Vec<String>,
    /// Do not correct by what they say: refuse instead.
    pub ntp_check: bool,
    /// Refuse a clock that nothing keeps synchronised.
    pub strict: bool,
    /// The offset from an NTP server that is let pass uncorrected, in seconds.
    pub max_error_s: f64,
    /// Take the clock as it is.
    pub trust: bool,
    /// Correct it also by more than 1000 s.
    pub allow_large: bool,
}

/// An offset from an NTP server that is not corrected unasked, in seconds. Daemons of the protocol give up beyond it (RFC 5905,
/// section 12, PANICT): the server is more likely to be wrong.
const LARGE_S: f64 = 1000.0;

impl Default for Demands {
    fn default() -> Self {
        Self { ntp: Vec::new(), ntp_check: false, strict: false, max_error_s: 2.0, trust: false, allow_large: false }
    }
}

/// The evidence on the host's clock, and the conclusion.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The system's own word.
    pub kernel: KernelWord,
    /// The best NTP reading, if servers were asked.
    pub ntp: Option<NtpReading>,
    /// The user answers for the clock.
    pub trusted: bool,
    /// Something that one should know though the clock is used, in words.
    pub warning: Option<Distrust>,
    /// True time minus the host's clock, as far as it is corrected.
    pub correction: TimeDelta,
}

impl Standing {
    /// How far the corrected clock may be from true time, by the server that it is corrected by.
    #[must_use]
    pub fn doubt(&self) -> Duration {
        let by = self.ntp.as_ref().filter(|_| !self.correction.is_zero()).map_or(0.0, |reading| reading.uncertainty_s);
        Duration::try_from_secs_f64(by).unwrap_or_default()
    }
}

/// A host's clock that is not used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// Nothing keeps it synchronised, as far as the system knows.
    #[error("nothing keeps the host's clock synchronised")]
    Unsynchronised,
    /// The system cannot say whether anything does.
    #[error("this system cannot say whether the host's clock is synchronised")]
    Unknown,
    /// It is off, and not to be corrected.
    #[error("the host's clock is {offset_s:.3} s off by {server}, more than {max_s} s", offset_s = .0.offset_s.abs(), server = .0.server, max_s = .1)]
    Off(NtpReading, f64),
    /// It is so far off that the server may be wrong instead.
    #[error("by {server} the host's clock is {offset_s:.3} s off: one of the two is wrong by far", offset_s = .0.offset_s.abs(), server = .0.server)]
    Large(NtpReading),
    /// The servers could not be used.
    #[error(transparent)]
    Ntp(#[from] NtpError),
    /// The best answer came so late that it says little.
    #[error("{} answers too slowly to tell the time better than to {:.1} s", .0.server, .0.uncertainty_s)]
    Vague(NtpReading),
}

impl Distrust {
    /// The remedy.
    #[must_use]
    pub fn remedy(&self) -> ClockRemedy {
        match self {
            Self::Unsynchronised | Self::Unknown => ClockRemedy::Synchronise,
            Self::Large(_) => ClockRemedy::Compare,
            Self::Off(..) => ClockRemedy::Correct,
            Self::Ntp(_) | Self::Vague(_) => ClockRemedy::OtherServer,
        }
    }
}

/// Holds the host's clock against what the user demands. Asks the servers that are named, and nobody else.
///
/// # Errors
/// [`Distrust`], never with `trust`.
pub fn assess(demands: &Demands, kernel: KernelWord) -> Result<Standing, Distrust> {
    judge(demands, kernel, ask(&demands.ntp))
}

/// The same with the servers' answer at hand.
///
/// # Errors
/// [`Distrust`], never with `trust`.
pub fn judge(
    demands: &Demands,
    kernel: KernelWord,
    answer: Result<Option<NtpReading>, NtpError>,
) -> Result<Standing, Distrust> {
    let synchronised = kernel.synchronised;
    let plain = |ntp, warning| Standing { kernel, ntp, trusted: demands.trust, warning, correction: TimeDelta::zero() };
    let reading = match answer {
        Ok(reading) => reading,
        Err(error) if demands.trust => return Ok(plain(None, Some(error.into()))),
        Err(error) => return Err(error.into()),
    };
    let Some(reading) = reading else {
        return match synchronised {
            _ if demands.trust => Ok(plain(None, None)),
            Some(true) => Ok(plain(None, None)),
            Some(false) if demands.strict => Err(Distrust::Unsynchronised),
            None if demands.strict => Err(Distrust::Unknown),
            Some(false) => Ok(plain(None, Some(Distrust::Unsynchronised))),
            None => Ok(plain(None, Some(Distrust::Unknown))),
        };
    };
    if reading.uncertainty_s > demands.max_error_s && !demands.trust {
        return Err(Distrust::Vague(reading));
    }
    if reading.offset_s.abs() > LARGE_S && !demands.allow_large {
        let distrust = Distrust::Large(reading.clone());
        return if demands.trust { Ok(plain(Some(reading), Some(distrust))) } else { Err(distrust) };
    }
    if !demands.ntp_check {
        let correction = TimeDelta::nanoseconds((reading.offset_s * 1e9) as i64);
        return Ok(Standing { correction, ..plain(Some(reading), None) });
    }
    if reading.offset_s.abs() > demands.max_error_s && !demands.trust {
        return Err(Distrust::Off(reading, demands.max_error_s));
    }
    Ok(plain(Some(reading), None))
}

/// How far wall and monotonic clock may run apart before it counts as a jump: slewing does 0.5 ms a second at most.
const JUMP: TimeDelta = TimeDelta::milliseconds(50);

/// By how much the wall clock was stepped between two moments, if it was: a suspended host counts as well.
#[must_use]
pub fn jump_between(from: Moment, to: Moment) -> Option<TimeDelta> {
    let passed = TimeDelta::from_std(to.monotonic.saturating_sub(from.monotonic)).ok()?;
    let apart = (to.wall - from.wall) - passed;
    (apart.abs() > JUMP).then_some(apart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{HostClock, SimulatedClock};

    fn word(synchronised: Option<bool>) -> KernelWord {
        // The maximum error of an unsynchronised kernel is shown, never judged.
        KernelWord { synchronised, estimated_error_s: Some(16.0), maximum_error_s: Some(16.0), source: None }
    }

    fn demands(strict: bool, trust: bool) -> Demands {
        Demands { strict, trust, ..Demands::default() }
    }

    #[test]
    fn a_synchronised_clock_passes_whatever_is_demanded() {
        for strict in [false, true] {
            let standing = assess(&demands(strict, false), word(Some(true))).unwrap();
            assert_eq!((standing.warning, standing.correction), (None, TimeDelta::zero()));
        }
    }

    #[test]
    fn an_unsynchronised_clock_is_warned_of_or_refused_or_trusted() {
        let warning = assess(&demands(false, false), word(Some(false))).unwrap().warning;
        assert_eq!(warning, Some(Distrust::Unsynchronised));
        assert_eq!(assess(&demands(true, false), word(Some(false))), Err(Distrust::Unsynchronised));
        assert_eq!(assess(&demands(true, false), word(None)), Err(Distrust::Unknown));
        let trusted = assess(&demands(true, true), word(Some(false))).unwrap();
        assert!(trusted.trusted && trusted.warning.is_none());
    }

    #[test]
    fn an_offset_of_more_than_a_quarter_of_an_hour_is_corrected_only_where_that_is_allowed() {
        let answer = |offset_s| Ok(Some(NtpReading { server: "ntp".to_owned(), offset_s, uncertainty_s: 0.01 }));
        for (offset, is_large) in [(5.0, false), (-999.0, false), (3600.0, true), (-3600.0, true), (3.2e8, true)] {
            let judged = judge(&Demands::default(), word(Some(true)), answer(offset));
            assert_eq!(matches!(judged, Err(Distrust::Large(_))), is_large, "{offset}");
            let allowed = Demands { allow_large: true, ..Demands::default() };
            let correction = judge(&allowed, word(Some(true)), answer(offset)).unwrap().correction;
            assert!((correction.as_seconds_f64() - offset).abs() < 0.001, "{correction}");
        }
        // Who answers for the host's clock does not mean the server's.
        let trusted = judge(&demands(false, true), word(Some(true)), answer(3600.0)).unwrap();
        assert!(trusted.correction.is_zero() && trusted.warning.is_some());
    }

    #[test]
    fn a_step_of_the_wall_clock_is_noticed_and_the_passing_of_time_is_not() {
        let clock = SimulatedClock::new(chrono::DateTime::from_timestamp(1_795_454_228, 0).unwrap());
        let start = clock.now();
        clock.advance(Duration::from_secs(3600));
        assert_eq!(jump_between(start, clock.now()), None);
        clock.step_wall(TimeDelta::seconds(-5));
        assert_eq!(jump_between(start, clock.now()), Some(TimeDelta::seconds(-5)));
    }
}
