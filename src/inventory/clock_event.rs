//! An event as it bears on a token's clock: no more than that, so that those of a whole fleet are read in one go.

use super::event::{Deed, Measured, Outcome};
use super::slot_key::SlotKey;
use crate::time::UnixTime;

/// An event that read a clock, or may have set it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockEvent {
    /// The token.
    pub key: SlotKey,
    /// When, by the host's clock.
    pub at: UnixTime,
    /// The job that it belongs to: the same for its beginning and its end.
    pub job: i64,
    /// The desk.
    pub desk: String,
    /// The deed.
    pub deed: Deed,
    /// How it ended.
    pub outcome: Outcome,
    /// The drift before.
    pub before: Option<Measured>,
    /// The drift afterwards.
    pub after: Option<Measured>,
}

/// The choice of those events in a database, by serial and time; the serial is bound where there is one.
pub(super) const CLOCK_EVENTS: &str = "SELECT serial, slot, at, job, desk, deed, outcome, before_s, before_resolution_s, after_s, after_resolution_s
     FROM events WHERE serial IS NOT NULL AND (before_s IS NOT NULL OR after_s IS NOT NULL OR deed IN ('sync', 'config', 'burn'))";
