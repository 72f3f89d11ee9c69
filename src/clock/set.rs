//! Writing the clock so that it takes effect as the host's second turns (`docs/clock.md`).
//!
//! Two kinds of token are known (`docs/protocol.md` §10): most begin a new second at the write, some keep the fraction
//! that they had. Which one this is shows only afterwards, when the tick is caught again.

use std::time::Duration;

use super::drift::{Drift, Method, Reading};
use super::measure::{Fine, Poller, read};
use crate::time::{HostClock, Moment, SECOND_NS, unix_ns};
use crate::token::{Authenticated, Session, TokenError};

/// A second write must make the clock better by more than this to be worth it, in nanoseconds.
const WORTH_NS: i64 = 50_000_000;

/// Falling asleep and waking up need this much time before the write is due, at least.
const HEADROOM: Duration = Duration::from_millis(2);

/// A token whose clock can be set.
pub trait Target<'l> {
    /// Sets the clock to a whole second, and does at once what must follow such a write.
    ///
    /// # Errors
    /// [`TokenError`] of the write.
    fn write_clock(&mut self, seconds: u32) -> Result<(), TokenError>;

    /// The session to read the clock with.
    fn session(&mut self) -> &mut Session<'l, Authenticated>;
}

/// A clock that was set and read back.
#[derive(Debug, Clone, Copy)]
pub struct SetClock {
    /// The drift afterwards.
    pub drift: Drift,
    /// The clock kept its phase and cannot be set closer.
    pub keeps_phase: bool,
}

/// One write: between which moments it went.
struct Written {
    from: Duration,
    to: Duration,
}

/// Sets the clock to the true time, on the second, and reads it back finely.
///
/// `host` shows true time as well as it is known; `before` is the fine reading made just before.
///
/// # Errors
/// [`TokenError`] at a write or at get info.
pub fn set_on_the_second(
    target: &mut dyn Target<'_>,
    host: &dyn HostClock,
    before: &Fine,
) -> Result<SetClock, TokenError> {
    // A command takes effect about half of a round trip after it is sent.
    let latency_ns = before.round_trip_ns / 2;
    let written = write_on_second(target, host, latency_ns)?;
    let after = read_back(target, host, &written, before)?;
    let off = after.drift.middle_ns();
    let set = |fine: Fine, keeps_phase| SetClock { drift: fine.drift, keeps_phase };
    if after.drift.method() != Method::Tick {
        return Ok(set(after, false));
    }
    if kept_phase(before.drift, after.drift) {
        let whole = nearest_second(off);
        if !is_worth_a_write(off, off - whole) {
            return Ok(set(after, off.abs() > WORTH_NS));
        }
        let written = write_in_phase(target, host, &after, whole)?;
        let again = read_back(target, host, &written, &after)?;
        return Ok(set(again, true));
    }
    if off >= -(WORTH_NS + after.drift.half_width_ns()) {
        return Ok(set(after, false));
    }
    // The write took effect later than its round trip said: allow for that and write once more.
    let written = write_on_second(target, host, latency_ns - off)?;
    let again = read_back(target, host, &written, &after)?;
    Ok(set(again, false))
}

/// Whether a second write to a clock that keeps its phase is worth it: it must make it better by [`WORTH_NS`], or
/// bring it back within half a second, the most that such a clock need be off.
fn is_worth_a_write(off: i64, then: i64) -> bool {
    off.abs() - then.abs() > WORTH_NS || off.abs() > SECOND_NS / 2
}

/// Whether the token still ticks where it ticked before the write, as far as both readings can tell.
fn kept_phase(before: Drift, after: Drift) -> bool {
    let moved = after.middle_ns() - before.middle_ns();
    let apart = moved - nearest_second(moved);
    before.method() == Method::Tick && apart.abs() <= before.half_width_ns() + after.half_width_ns()
}

fn nearest_second(span_ns: i64) -> i64 {
    (span_ns + SECOND_NS / 2).div_euclid(SECOND_NS) * SECOND_NS
}

/// Writes the next whole second of true time so that it takes effect as that second begins.
fn write_on_second(target: &mut dyn Target<'_>, host: &dyn HostClock, latency_ns: i64) -> Result<Written, TokenError> {
    let now = host.now();
    let shows = unix_ns(now.wall);
    let earliest = shows + latency_ns + HEADROOM.as_nanos() as i64;
    let second = earliest.div_euclid(SECOND_NS) + 1;
    let due = after(now, second * SECOND_NS - latency_ns - shows);
    host.sleep_until(due);
    write(target, host, second)
}

/// Writes to a clock that keeps its phase: `too_fast_ns`, whole seconds, less than it would show, and well inside one
/// of its own seconds.
fn write_in_phase(
    target: &mut dyn Target<'_>,
    host: &dyn HostClock,
    known: &Fine,
    too_fast_ns: i64,
) -> Result<Written, TokenError> {
    let now = host.now();
    let shows = unix_ns(now.wall) + known.drift.middle_ns();
    // 0.3 s into the token's second, this one or the next: far from its tick on both sides.
    let into = shows.rem_euclid(SECOND_NS);
    let wait = (SECOND_NS * 3 / 10 - into).rem_euclid(SECOND_NS);
    host.sleep_until(after(now, wait));
    write(target, host, (shows + wait - too_fast_ns).div_euclid(SECOND_NS))
}

fn write(target: &mut dyn Target<'_>, host: &dyn HostClock, second: i64) -> Result<Written, TokenError> {
    // The target looks at the host's clock once more; a second that 32 bits do not hold stays at their end.
    let clock = u32::try_from(second.max(0)).unwrap_or(u32::MAX);
    let from = host.now().monotonic;
    target.write_clock(clock)?;
    Ok(Written { from, to: host.now().monotonic })
}

/// Reads the clock after a write: a handful of polls where the tick is due, the full scan where it does not come.
fn read_back(
    target: &mut dyn Target<'_>,
    host: &dyn HostClock,
    written: &Written,
    known: &Fine,
) -> Result<Fine, TokenError> {
    let first: Reading = read(target.session(), host)?;
    let now = first.after;
    let second = Duration::from_secs(1);
    let restarted = (written.from + second, written.to + second);
    let kept = next_tick(now, known.drift);
    let (sooner, later) = if kept.0 < restarted.0 { (kept, restarted) } else { (restarted, kept) };
    let mut poller = Poller::new(target.session(), host, &first);
    let caught = poller.around(sooner.0, sooner.1)? || poller.around(later.0, later.1)?;
    if caught { Ok(poller.fine()) } else { poller.scan() }
}

/// Between which host times a clock of this drift ticks next, if it kept its phase.
fn next_tick(now: Moment, drift: Drift) -> (Duration, Duration) {
    let (low, high) = drift.bounds_ns();
    let shows = unix_ns(now.wall) + high;
    let until = SECOND_NS - shows.rem_euclid(SECOND_NS);
    (after(now, until), after(now, until + (high - low)))
}

fn after(now: Moment, span_ns: i64) -> Duration {
    now.monotonic + Duration::from_nanos(u64::try_from(span_ns).unwrap_or(0))
}
