//! Writing the clock so that it takes effect as the host's second turns (`docs/clock.md`).
//!
//! Two kinds of token are known (`docs/protocol.md` §10): most begin a new second at the write, some keep the fraction
//! that they had. Which one this is shows only afterwards, when the tick is caught again.

use std::time::Duration;

use super::drift::{Drift, Method, Reading};
use super::measure::{Fine, Poller, read};
use crate::device::{DeviceError, Timepiece};
use crate::time::{HostClock, Moment, SECOND_NS, unix_ns};

/// A second write must make the clock better by more than this to be worth it, in nanoseconds.
const WORTH_NS: i64 = 50_000_000;

/// How often the clock is written at most. A write that came late by chance makes the second one come early; the third one
/// mends that.
const WRITES: u32 = 3;

/// Falling asleep and waking up need this much time before the write is due, at least.
const HEADROOM: Duration = Duration::from_millis(2);

/// A token whose clock can be set.
pub trait Target {
    /// Sets the clock to a whole second, and does at once what must follow such a write.
    ///
    /// # Errors
    /// [`DeviceError`] of the write.
    fn write_clock(&mut self, seconds: u32) -> Result<(), DeviceError>;

    /// The clock to read.
    fn timepiece(&mut self) -> &mut dyn Timepiece;
}

/// A clock that was set and read back.
#[derive(Debug, Clone, Copy)]
pub struct SetClock {
    /// The drift afterwards.
    pub drift: Drift,
    /// The clock was seen to keep its phase: it cannot be set closer.
    pub keeps_phase: bool,
    /// It does not run.
    pub stands_still: bool,
}

/// One write: the second that it set, and between which moments it went.
pub(super) struct Written {
    pub second: i64,
    pub from: Duration,
    pub to: Duration,
}

/// Sets the clock to the true time, on the second, and reads it back finely.
///
/// `host` shows true time as well as it is known; `before` is the reading made just before. Where that caught no tick, whether the clock
/// keeps its phase shows only afterwards, by a tick that comes where none would come that began at the write.
///
/// # Errors
/// [`DeviceError`] at a write or at get info.
pub fn set_on_the_second(
    target: &mut dyn Target,
    host: &dyn HostClock,
    before: &Fine,
) -> Result<SetClock, DeviceError> {
    // A command takes effect about half of a round trip after it is sent, until a write has shown how late it was.
    let mut latency_ns = before.round_trip_ns / 2;
    let mut known = *before;
    let mut writes = 0;
    loop {
        writes += 1;
        let written = write_on_second(target, host, latency_ns)?;
        let after = read_back(target, host, &written, &known)?;
        let set = |fine: Fine, keeps_phase| {
            let Fine { drift, stands_still, .. } = fine;
            SetClock { drift, keeps_phase, stands_still }
        };
        if after.drift.method() != Method::Tick {
            return Ok(set(after, false));
        }
        let off = after.drift.middle_ns();
        let may_keep_phase = before.drift.method() != Method::Tick || kept_phase(before.drift, after.drift);
        if writes == 1 && may_keep_phase && !restarted(host, &written, after.drift) {
            let whole = nearest_second(off);
            if !is_worth_a_write(off, off - whole) {
                return Ok(set(after, off.abs() > WORTH_NS));
            }
            let written = write_in_phase(target, host, &after, whole)?;
            let again = read_back(target, host, &written, &after)?;
            return Ok(set(again, true));
        }
        let better_ns = (latency_ns - off).max(0);
        let is_close = off.abs() <= WORTH_NS + after.drift.half_width_ns();
        if is_close || better_ns == latency_ns || writes == WRITES {
            return Ok(set(after, false));
        }
        // The write took effect later than was allowed for, or sooner: allow for that, and write once more.
        (latency_ns, known) = (better_ns, after);
    }
}

/// Whether a second write to a clock that keeps its phase is worth it: it must make it better by [`WORTH_NS`], or
/// bring it back within half a second, the most that such a clock need be off.
fn is_worth_a_write(off: i64, then: i64) -> bool {
    off.abs() - then.abs() > WORTH_NS || off.abs() > SECOND_NS / 2
}

/// Whether the token still ticks where it ticked before the write, as far as both readings can tell.
pub(super) fn kept_phase(before: Drift, after: Drift) -> bool {
    let moved = after.middle_ns() - before.middle_ns();
    let apart = moved - nearest_second(moved);
    before.method() == Method::Tick && apart.abs() <= before.half_width_ns() + after.half_width_ns()
}

/// Whether the token shows what a clock does that began a new second at this write, as far as the reading can tell.
pub(super) fn restarted(host: &dyn HostClock, written: &Written, after: Drift) -> bool {
    let now = host.now();
    let ago = |moment: Duration| i64::try_from(now.monotonic.saturating_sub(moment).as_nanos()).unwrap_or(i64::MAX);
    let then = |moment: Duration| unix_ns(now.wall) - ago(moment);
    let set_to = written.second * SECOND_NS;
    let (sooner, later) = (set_to - then(written.to), set_to - then(written.from));
    let (low, high) = after.bounds_ns();
    low <= later && sooner <= high
}

fn nearest_second(span_ns: i64) -> i64 {
    (span_ns + SECOND_NS / 2).div_euclid(SECOND_NS) * SECOND_NS
}

/// Writes the next whole second of true time so that it takes effect as that second begins.
fn write_on_second(target: &mut dyn Target, host: &dyn HostClock, latency_ns: i64) -> Result<Written, DeviceError> {
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
    target: &mut dyn Target,
    host: &dyn HostClock,
    known: &Fine,
    too_fast_ns: i64,
) -> Result<Written, DeviceError> {
    let now = host.now();
    let shows = unix_ns(now.wall) + known.drift.middle_ns();
    // 0.3 s into the token's second, this one or the next: far from its tick on both sides.
    let into = shows.rem_euclid(SECOND_NS);
    let wait = (SECOND_NS * 3 / 10 - into).rem_euclid(SECOND_NS);
    host.sleep_until(after(now, wait));
    write(target, host, (shows + wait - too_fast_ns).div_euclid(SECOND_NS))
}

pub(super) fn write(target: &mut dyn Target, host: &dyn HostClock, second: i64) -> Result<Written, DeviceError> {
    // The target looks at the host's clock once more; a second that 32 bits do not hold stays at their end.
    let clock = u32::try_from(second.max(0)).unwrap_or(u32::MAX);
    let from = host.now().monotonic;
    target.write_clock(clock)?;
    Ok(Written { second: clock.into(), from, to: host.now().monotonic })
}

/// Reads the clock after a write: a handful of polls where the tick is due, the full scan where it does not come.
fn read_back(
    target: &mut dyn Target,
    host: &dyn HostClock,
    written: &Written,
    known: &Fine,
) -> Result<Fine, DeviceError> {
    let first: Reading = read(target.timepiece(), host)?;
    let now = first.after;
    let second = Duration::from_secs(1);
    let restarted = (written.from + second, written.to + second);
    let mut poller = Poller::new(target.timepiece(), host, &first);
    if known.drift.method() != Method::Tick {
        // Where it ticked before is not known: either it begins at the write, or it is looked for.
        let caught = poller.around(restarted.0, restarted.1)?;
        return if caught { Ok(poller.fine()) } else { poller.scan() };
    }
    let kept = next_tick(now, known.drift);
    let (sooner, later) = if kept.0 < restarted.0 { (kept, restarted) } else { (restarted, kept) };
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

pub(super) fn after(now: Moment, span_ns: i64) -> Duration {
    now.monotonic + Duration::from_nanos(u64::try_from(span_ns).unwrap_or(0))
}
