//! Whether the host's clock can be right at all: nothing is ever programmed from a failed clock.

use chrono::{DateTime, Utc};

use super::remedy::ClockRemedy;
use crate::time::UnixTime;

/// The earliest time that a host's clock can rightly show: 2020-01-01. A dead battery shows less.
const EARLIEST: i64 = 1_577_836_800;

/// A host's clock that must not be programmed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostClockError {
    /// Before 2020: the clock was lost.
    #[error("the host's clock shows {}, a time before 2020", .0.format("%Y-%m-%d %H:%M:%S UTC"))]
    TooEarly(DateTime<Utc>),
    /// Beyond the 32 bits of a token's clock (2106-02-07).
    #[error("the host's clock shows {}, a time past 2106 that no token can hold", .0.format("%Y-%m-%d %H:%M:%S UTC"))]
    TooLate(DateTime<Utc>),
}

impl HostClockError {
    /// The remedy.
    #[must_use]
    pub fn remedy(self) -> ClockRemedy {
        ClockRemedy::Set
    }
}

/// The host's time as a token's clock would hold it, if it is plausible.
///
/// # Errors
/// [`HostClockError`] before 2020 and past the last second of 32 bits.
pub fn check_plausible(now: UnixTime) -> Result<u32, HostClockError> {
    let seconds = now.timestamp();
    if seconds < EARLIEST {
        return Err(HostClockError::TooEarly(now));
    }
    u32::try_from(seconds).map_err(|_| HostClockError::TooLate(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2020_to_2106_can_be_right() {
        let at = |seconds| check_plausible(DateTime::from_timestamp(seconds, 0).unwrap());
        assert!(matches!(at(0), Err(HostClockError::TooEarly(_))));
        assert!(matches!(at(EARLIEST - 1), Err(HostClockError::TooEarly(_))));
        assert_eq!(at(EARLIEST), Ok(1_577_836_800));
        assert_eq!(at(4_294_967_295), Ok(u32::MAX));
        assert!(matches!(at(4_294_967_296), Err(HostClockError::TooLate(_))));
    }
}
