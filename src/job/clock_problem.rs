//! Faults of the host's clock, as a job meets them.

use chrono::TimeDelta;

use crate::clock::{Distrust, HostClockError};
use crate::device::{Info, Serial};
use crate::time::HostDoubt;

/// A fault of the host's clock.
#[derive(Debug, Clone, PartialEq)]
pub enum ClockProblem {
    /// It cannot be right.
    Implausible(HostClockError),
    /// Nothing vouches for it as far as was asked for.
    Distrusted(Distrust),
    /// Nothing vouches for it, and it would be copied onto token after token.
    Unvouched {
        /// Why.
        warning: Distrust,
        /// The time that it shows, in the user's zone.
        shows: String,
    },
    /// It was stepped while a token was waited for.
    JumpedInWait(TimeDelta),
    /// The write of the token's clock was held back.
    Withheld(HostDoubt, Option<Info>),
    /// It was stepped while the token was written.
    JumpedWithin(TimeDelta, Info),
    /// Two tokens in a row are off by the same whole hours.
    SameHours {
        /// The token before.
        earlier: Serial,
        /// By how many hours both are ahead of the host; negative when behind.
        hours: i64,
        /// This token.
        serial: Serial,
    },
}
