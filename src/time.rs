//! The host's time: wall clock and monotonic clock, taken together.
//!
//! All arithmetic is in Unix time; time zones and leap seconds appear nowhere but in text for people.
//! Every job takes its [`HostClock`] as an argument, so that it runs alike on the system's clock and on a
//! [`SimulatedClock`], on which a wait costs nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// A moment in Unix time, to the nanosecond.
pub type UnixTime = DateTime<Utc>;

/// One moment as both of the host's clocks show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock. It can be wrong, and it can jump.
    pub wall: UnixTime,
    /// Time since some fixed moment. It never jumps.
    pub monotonic: Duration,
}

/// A reason not to copy the host's time onto a token now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostDoubt {
    /// The wall clock was stepped by so much since the contact with the token began.
    Jumped(TimeDelta),
    /// The wall clock shows a time that cannot be right.
    Implausible(UnixTime),
}

/// The host's clocks, and waiting on them.
pub trait HostClock: Send + Sync {
    /// Both clocks, read as close together as the platform allows.
    fn now(&self) -> Moment;

    /// How far the wall clock may be from true time, by the server that it is corrected by; zero where nothing is known of it.
    fn doubt(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns when the monotonic clock has reached `monotonic`, without spinning; at once if it has passed.
    fn sleep_until(&self, monotonic: Duration);
}

/// The operating system's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl HostClock for SystemClock {
    fn now(&self) -> Moment {
        Moment { wall: Utc::now(), monotonic: self.start.elapsed() }
    }

    fn sleep_until(&self, monotonic: Duration) {
        if let Some(left) = monotonic.checked_sub(self.start.elapsed()) {
            std::thread::sleep(left);
        }
    }
}

/// A clock that stands still until somebody waits on it or moves it.
///
/// Clones share the same time, so an emulated token and the job that works on it see one world.
#[derive(Debug, Clone)]
pub struct SimulatedClock {
    now: Arc<Mutex<Moment>>,
}

impl SimulatedClock {
    /// A clock that shows `wall`, with its monotonic time at zero.
    #[must_use]
    pub fn new(wall: UnixTime) -> Self {
        Self { now: Arc::new(Mutex::new(Moment { wall, monotonic: Duration::ZERO })) }
    }

    /// Lets `span` pass on both clocks.
    pub fn advance(&self, span: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.monotonic += span;
        now.wall += span;
    }

    /// Steps the wall clock alone, as NTP or a person at the date setting does.
    pub fn step_wall(&self, by: TimeDelta) {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).wall += by;
    }
}

impl HostClock for SimulatedClock {
    fn now(&self) -> Moment {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep_until(&self, monotonic: Duration) {
        if let Some(left) = monotonic.checked_sub(self.now().monotonic) {
            self.advance(left);
        }
    }
}

/// A difference of two moments in seconds, as text and JSON show it.
#[must_use]
pub fn seconds(span: TimeDelta) -> f64 {
    nanoseconds(span) as f64 / 1e9
}

/// A second, in nanoseconds.
pub const SECOND_NS: i64 = 1_000_000_000;

/// Nanoseconds since 1970; saturates at ±292 years.
#[must_use]
pub fn unix_ns(time: UnixTime) -> i64 {
    nanoseconds(time - UnixTime::UNIX_EPOCH)
}

/// A difference of two moments in nanoseconds; saturates at ±292 years.
#[must_use]
pub fn nanoseconds(span: TimeDelta) -> i64 {
    span.num_nanoseconds().unwrap_or(if span < TimeDelta::zero() { i64::MIN } else { i64::MAX })
}

/// A clock whose wall time is corrected by a measured offset; its monotonic time is that of the clock inside.
pub struct CorrectedClock<'a> {
    inner: &'a dyn HostClock,
    correction: TimeDelta,
    doubt: Duration,
}

impl<'a> CorrectedClock<'a> {
    /// Shows the wall time of `inner` plus `correction`: true time minus the host's, zero where that is not known.
    #[must_use]
    pub fn new(inner: &'a dyn HostClock, correction: TimeDelta) -> Self {
        Self { inner, correction, doubt: Duration::ZERO }
    }

    /// The same, where the correction itself may be wrong by so much.
    #[must_use]
    pub fn with_doubt(self, doubt: Duration) -> Self {
        Self { doubt, ..self }
    }
}

impl HostClock for CorrectedClock<'_> {
    fn now(&self) -> Moment {
        let now = self.inner.now();
        Moment { wall: now.wall + self.correction, ..now }
    }

    fn doubt(&self) -> Duration {
        self.doubt
    }

    fn sleep_until(&self, monotonic: Duration) {
        self.inner.sleep_until(monotonic);
    }
}
