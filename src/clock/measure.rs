//! Reading a token's clock: once, or finely by catching its tick (`docs/clock.md`).

use std::time::Duration;

use super::drift::{Drift, Reading};
use super::tick::{Estimator, Seen};
use crate::device::{Contact, Device, DeviceError, Reason, Timepiece};
use crate::link::LinkFault;
use crate::time::HostClock;

/// How long a fine reading may take. A tick comes within a second.
pub const SCAN_LIMIT: Duration = Duration::from_millis(1200);

/// How many APDUs a fine reading may send.
pub const SCAN_APDUS: u32 = 80;

/// The distance between two polls: a second and a little more, shared out over the APDUs that are allowed.
const POLL_SPACING: Duration = Duration::from_micros(13_500);

/// A clock that shows the same second for longer than this stands still: one that runs at all is not five per cent slow.
const STILL_AFTER: Duration = Duration::from_millis(1050);

/// How long before the predicted moment of a tick the polls begin, at least.
const LEAD: Duration = Duration::from_millis(3);

/// How many polls are sent around one predicted moment, at most.
const AROUND_APDUS: u32 = 16;

/// How often a token is asked who it is that answers, but not yet as it should: one that was just switched on, or is cold …
const FIRST_TRIES: u32 = 4;

/// … and how long after.
const AWAKE_AFTER: Duration = Duration::from_millis(150);

/// Begins a contact and takes the first reading of its clock with it, if it has one: one APDU, or a few where the device is not
/// awake yet.
///
/// # Errors
/// [`DeviceError`] at get info.
pub fn open<'d>(
    device: &'d mut dyn Device,
    host: &dyn HostClock,
) -> Result<(Box<dyn Contact + 'd>, Option<Reading>), DeviceError> {
    let (mut before, mut tries) = (host.now(), 1);
    let contact = device.open(&mut |error| {
        let tries_again = error.is_not_awake() && tries < FIRST_TRIES;
        if tries_again {
            tries += 1;
            host.sleep_until(host.now().monotonic + AWAKE_AFTER);
            before = host.now();
        }
        tries_again
    })?;
    let after = host.now();
    let reading = contact.info().clock.map(|token| Reading { before, after, token });
    Ok((contact, reading))
}

/// Reads a clock once: one APDU.
///
/// # Errors
/// [`DeviceError`] at get info.
pub fn read(piece: &mut dyn Timepiece, host: &dyn HostClock) -> Result<Reading, DeviceError> {
    let before = host.now();
    let token = piece.read_clock()?;
    Ok(Reading { before, after: host.now(), token })
}

/// A fine reading: the drift, and the shortest round trip that was seen on the way.
#[derive(Debug, Clone, Copy)]
pub struct Fine {
    /// The drift. Its method says whether a tick was caught.
    pub drift: Drift,
    /// The shortest exchange, in nanoseconds.
    pub round_trip_ns: i64,
    /// The reading did not change for more than a second: the clock does not run.
    pub stands_still: bool,
}

/// Polls a token's clock.
pub struct Poller<'a> {
    piece: &'a mut dyn Timepiece,
    host: &'a dyn HostClock,
    estimator: Estimator,
    round_trip_ns: i64,
    last: Reading,
    /// When the second that is shown was first seen.
    shown_since: Duration,
    /// One lost answer is passed over.
    lost: bool,
}

impl<'a> Poller<'a> {
    /// Begins with a reading that is there already.
    pub fn new(piece: &'a mut dyn Timepiece, host: &'a dyn HostClock, first: &Reading) -> Self {
        let (estimator, round_trip_ns) = (Estimator::new(first), first.round_trip_ns());
        let shown_since = first.after.monotonic;
        Self { piece, host, estimator, round_trip_ns, last: *first, shown_since, lost: false }
    }

    /// Polls until the reading changes, or has not for so long that the clock stands still, within [`SCAN_LIMIT`] and
    /// [`SCAN_APDUS`]; a slow reader's last poll may begin at the limit.
    ///
    /// # Errors
    /// [`DeviceError`]; a single answer that does not come through is passed over.
    pub fn scan(&mut self) -> Result<Fine, DeviceError> {
        let began = self.host.now().monotonic;
        let mut next = began;
        for _ in 0..SCAN_APDUS {
            self.host.sleep_until(next);
            let now = self.host.now().monotonic;
            let is_last = now.saturating_sub(began) >= SCAN_LIMIT;
            if self.poll()? == Some(Seen::Tick) || self.stands_still() || is_last {
                break;
            }
            next = now + POLL_SPACING;
        }
        Ok(self.fine())
    }

    /// Polls densely while a tick is due between two host times, and a little around them.
    ///
    /// `true` if it was caught as finely as a scan would have. A tick that came before the first poll is not.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub fn around(&mut self, from: Duration, to: Duration) -> Result<bool, DeviceError> {
        let trip = Duration::from_nanos(u64::try_from(self.round_trip_ns).unwrap_or(0));
        let (mut next, until) = (from.saturating_sub(LEAD + trip), to + LEAD + trip);
        // Shared out evenly, so that they last to the end of the window on a fast reader too.
        let spacing = until.saturating_sub(next) / AROUND_APDUS;
        for _ in 0..AROUND_APDUS {
            self.host.sleep_until(next);
            let now = self.host.now().monotonic;
            if now > until {
                break;
            }
            if self.poll()? == Some(Seen::Tick) {
                let as_fine = i64::try_from((POLL_SPACING / 2 + trip).as_nanos()).unwrap_or(i64::MAX);
                return Ok(self.estimator.drift().half_width_ns() <= as_fine);
            }
            next = now + spacing;
        }
        Ok(false)
    }

    /// The measurement so far.
    #[must_use]
    pub fn fine(&self) -> Fine {
        let stands_still = self.stands_still();
        // What readings over a second say together holds for a clock that runs.
        let drift = if stands_still { Drift::of_reading(&self.last) } else { self.estimator.drift() };
        Fine { drift, round_trip_ns: self.round_trip_ns, stands_still }
    }

    /// Whether the same second was seen for longer than one lasts.
    fn stands_still(&self) -> bool {
        self.last.before.monotonic.saturating_sub(self.shown_since) > STILL_AFTER
    }

    fn poll(&mut self) -> Result<Option<Seen>, DeviceError> {
        match read(self.piece, self.host) {
            Ok(reading) => {
                self.round_trip_ns = self.round_trip_ns.min(reading.round_trip_ns());
                if reading.token != self.last.token {
                    self.shown_since = reading.after.monotonic;
                }
                self.last = reading;
                Ok(Some(self.estimator.add(&reading)))
            }
            Err(error) if !self.lost && is_lost_answer(&error) => {
                self.lost = true;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The measurement of a first reading, or with `fine` the one after the tick is caught.
///
/// # Errors
/// As [`Poller::scan`].
pub fn measure(
    piece: &mut dyn Timepiece,
    host: &dyn HostClock,
    first: &Reading,
    fine: bool,
) -> Result<Fine, DeviceError> {
    let mut poller = Poller::new(piece, host, first);
    if fine { poller.scan() } else { Ok(poller.fine()) }
}

fn is_lost_answer(error: &DeviceError) -> bool {
    matches!(&error.reason, Reason::Link(link) if link.fault == LinkFault::NoAnswer)
}
