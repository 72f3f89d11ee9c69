//! Whether a token begins a new second when its clock is written: what `docs/protocol.md` §10 leaves open.

use super::drift::Method;
use super::measure::{Fine, Poller, read};
use super::set::{Target, Written, after, kept_phase, restarted, write};
use crate::device::DeviceError;
use crate::time::{HostClock, SECOND_NS, unix_ns};

/// The effect of a write on the second that a clock is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondAtWrite {
    /// It begins a new one.
    Restarts,
    /// It goes on with the one that it is in.
    Keeps,
}

/// Writes the clock in the middle of one of its own seconds, with the second that it shows, and looks where it ticks afterwards:
/// where it did, or half a second off. The reading after it stands beside the answer; `None` where both fit, or neither.
///
/// `before` is a fine reading made just before: without a tick there is nothing to compare with.
///
/// # Errors
/// [`DeviceError`] at the write or at get info.
pub fn second_at_write(
    target: &mut dyn Target,
    host: &dyn HostClock,
    before: &Fine,
) -> Result<(Option<SecondAtWrite>, Fine), DeviceError> {
    let now = host.now();
    let shows = unix_ns(now.wall) + before.drift.middle_ns();
    let wait = (SECOND_NS / 2 - shows.rem_euclid(SECOND_NS)).rem_euclid(SECOND_NS);
    host.sleep_until(after(now, wait));
    let written = write(target, host, (shows + wait).div_euclid(SECOND_NS))?;
    let first = read(target.timepiece(), host)?;
    let seen = Poller::new(target.timepiece(), host, &first).scan()?;
    Ok((judge(host, &written, before, &seen), seen))
}

fn judge(host: &dyn HostClock, written: &Written, before: &Fine, seen: &Fine) -> Option<SecondAtWrite> {
    if before.drift.method() != Method::Tick || seen.drift.method() != Method::Tick {
        return None;
    }
    match (restarted(host, written, seen.drift), kept_phase(before.drift, seen.drift)) {
        (true, false) => Some(SecondAtWrite::Restarts),
        (false, true) => Some(SecondAtWrite::Keeps),
        _ => None,
    }
}
