//! Times in a report.

use chrono::SecondsFormat;

use crate::time::UnixTime;

/// A time for programs: UTC, to the millisecond (RFC 3339).
#[must_use]
pub fn utc(time: UnixTime) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
