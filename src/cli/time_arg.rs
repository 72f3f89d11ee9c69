//! Times on the command line: Unix seconds or RFC 3339.

use chrono::DateTime;

use super::describe;
use crate::job::Failure;
use crate::job::request::ClockRequest;
use crate::time::UnixTime;

/// How far a `--time` may be from the host's clock without a second flag, in seconds (`docs/protocol.md` §11).
const NEAR_S: u64 = 60;

/// Reads a time.
///
/// # Errors
/// A usage failure.
pub fn parse(text: &str) -> Result<i64, Failure> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds);
    }
    DateTime::parse_from_rfc3339(text).map(|time| time.timestamp()).map_err(|_| {
        Failure::usage(
            format!("this is not a time: {}", describe::given(text)),
            "use Unix seconds, such as 1795454228, or RFC 3339, such as 2026-11-23T17:17:08Z; 0 is now",
        )
    })
}

/// The meaning of `--time` for the clock: 0 is now, anything else that very time.
///
/// # Errors
/// A usage failure: no time, one that a token cannot hold, or one far from the host's clock without `allow_other`.
pub fn clock(text: &str, host: UnixTime, allow_other: bool) -> Result<ClockRequest, Failure> {
    if text.trim() == "0" {
        return Ok(ClockRequest::Now);
    }
    let seconds = parse(text)?;
    let time = u32::try_from(seconds).map_err(|_| {
        Failure::usage(format!("a token's clock cannot hold {seconds}"), "use a time from 1970 to 2106; 0 is now")
    })?;
    let apart = host.timestamp().abs_diff(seconds);
    if apart > NEAR_S && !allow_other {
        return Err(Failure::usage(
            format!("--time {text} is {apart} s from the host's clock"),
            "a token set to another time shows codes that are valid then; if you mean it, use --allow-other-time",
        ));
    }
    Ok(ClockRequest::At(time))
}
