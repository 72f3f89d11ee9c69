//! Trials with single commands: round trips, the clock's second at a write, a reset.
//!
//! The record says by then that nothing is known of the token's seed. Every write in here sets the factory's profile and a time within a
//! second or two of the host's, so that an end in the middle leaves nothing that a later burn does not put right.

use super::bench::Place;
use super::found::{AfterReset, Read, Seen, Trips, Unseen, WriteTimes};
use crate::clock::{self, Drift, Fine, SecondAtWrite, Target, measure, second_at_write};
use crate::device::{
    Config, Contact, Device, DeviceError, Info, Key, Profile, Reason, Timepiece, Unlocked, check_same,
};
use crate::iso7816::StatusKind;
use crate::job::broken::reading_failed;
use crate::job::remedy::TokenRemedy;
use crate::job::{Again, Failure, Problem, TokenState};
use crate::seed::Seed;
use crate::time::{HostClock, Moment, SECOND_NS, unix_ns};

/// How often get info is asked for its round trip.
const TRIPS: usize = 40;

/// How often the clock is written to see what it does with its second: twice alike is an answer.
const TIMES: usize = 2;

/// The reason why a look at a token got no answer.
enum Broken {
    /// An exchange.
    Device(DeviceError),
    /// It has no clock.
    NoClock(Box<Info>),
}

impl From<DeviceError> for Broken {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

/// A contact with the token that is tested.
struct Look<'d> {
    contact: Box<dyn Contact + 'd>,
    fine: Fine,
}

/// Begins a contact, with the token that is tested if one is named, and reads its clock finely.
fn look<'d>(device: &'d mut dyn Device, host: &dyn HostClock, token: Option<&Info>) -> Result<Look<'d>, Broken> {
    let (mut contact, first) = clock::open(device, host)?;
    token.map_or(Ok(()), |token| check_same(token, contact.info()))?;
    let first = first.ok_or_else(|| Broken::NoClock(Box::new(contact.info().clone())))?;
    let fine = measure(&mut *contact, host, &first, true)?;
    Ok(Look { contact, fine })
}

/// Lets go of the token, and says what became of it where something broke.
fn ended<T>(result: Result<T, Broken>, device: &mut dyn Device, token: Option<&Info>) -> Result<T, Failure> {
    let result = result.map_err(|broken| match (broken, token) {
        (Broken::Device(error), None) => reading_failed(&error, device, None, &Again::Same),
        // By now it has been written to.
        (Broken::Device(error), Some(token)) => {
            reading_failed(&error, device, Some(token), &Again::Same).in_state(TokenState::InTest)
        }
        (Broken::NoClock(info), _) => {
            Failure::new(Problem::NoClock(*info), TokenState::Untouched, TokenRemedy::LayToken)
        }
    });
    device.close();
    result
}

/// Reads the clock finely, and times the exchanges.
///
/// # Errors
/// A failure of the link, or another device.
pub(super) fn read(device: &mut dyn Device, place: &Place<'_>) -> Result<Read, Failure> {
    let host = place.host;
    let seen = look(device, host, None).and_then(|mut look| {
        let mut times = Vec::with_capacity(TRIPS);
        for _ in 0..TRIPS {
            let reading = clock::read(&mut *look.contact, host)?;
            times.push(reading.after.monotonic.saturating_sub(reading.before.monotonic));
        }
        let (trips, drift) = (Trips::of(times), look.fine.drift.widened(host.doubt()));
        let (reader, emulated) = (place.reader.to_owned(), place.emulated);
        let info = look.contact.info().clone();
        Ok(Read { info, reader, emulated, trips, drift, stands_still: look.fine.stands_still })
    });
    ended(seen, device, None)
}

/// Reads the drift of the same token finely.
///
/// # Errors
/// As [`read`]; another token, or a clock that stands still.
pub(super) fn drift(device: &mut dyn Device, place: &Place<'_>, token: &Info) -> Result<Drift, Failure> {
    let seen = look(device, place.host, Some(token)).map(|look| look.fine);
    let fine = ended(seen, device, Some(token))?;
    match fine.stands_still {
        true => Err(Failure::new(Problem::ClockStopped(token.clone()), TokenState::InTest, TokenRemedy::Replace)),
        false => Ok(fine.drift.widened(place.host.doubt())),
    }
}

/// An unlocked token whose clock is written with the factory's profile.
struct Unprotected<'c>(Box<dyn Unlocked + 'c>);

impl Target for Unprotected<'_> {
    fn write_clock(&mut self, seconds: u32) -> Result<(), DeviceError> {
        self.0.write_config(0, Config { profile: Profile::FACTORY, clock: Some(seconds), digits: None, enter: None })
    }

    fn timepiece(&mut self) -> &mut dyn Timepiece {
        &mut *self.0
    }
}

/// The second that a moment is nearest to.
fn nearest_second(now: Moment) -> u32 {
    let second = (unix_ns(now.wall) + SECOND_NS / 2).div_euclid(SECOND_NS);
    u32::try_from(second.max(0)).unwrap_or(u32::MAX)
}

/// Sees what the clock does with its second when it is written, times the writes, and leaves the token with this seed.
///
/// # Errors
/// A failure of the link, a refusal, or another token.
pub(super) fn clock(
    device: &mut dyn Device,
    place: &Place<'_>,
    token: &Info,
    key: &Key,
    seed: &Seed,
) -> Result<(Seen<SecondAtWrite>, WriteTimes), Failure> {
    let host = place.host;
    let seen = look(device, host, Some(token)).and_then(|Look { contact, fine }| {
        let mut unlocked = Unprotected(contact.unlock(key)?);
        let (mut answers, mut before) = (Vec::new(), fine);
        for _ in 0..TIMES {
            let (answer, after) = second_at_write(&mut unlocked, host, &before)?;
            answers.push(answer);
            before = after;
        }
        let began = host.now();
        unlocked.write_clock(nearest_second(began))?;
        let between = host.now();
        unlocked.0.write_seed(0, seed)?;
        let config = between.monotonic.saturating_sub(began.monotonic);
        let times = WriteTimes { config, seed: host.now().monotonic.saturating_sub(between.monotonic) };
        let first = answers.first().copied().flatten();
        let second = first.filter(|_| answers.iter().all(|answer| *answer == first)).ok_or(Unseen::Unclear);
        Ok((second, times))
    });
    ended(seen, device, Some(token))
}

/// Resets the token in the middle of a contact, and sees whether it takes a write without being unlocked again. It is asked once: a
/// token might take the write for a wrong answer.
///
/// # Errors
/// A failure of the link, or another token.
pub(super) fn reset(
    device: &mut dyn Device,
    place: &Place<'_>,
    token: &Info,
    key: &Key,
) -> Result<AfterReset, Failure> {
    let host = place.host;
    let seen = look(device, host, Some(token)).and_then(|Look { contact, .. }| {
        let mut unlocked = Unprotected(contact.unlock(key)?);
        unlocked.0.reset()?;
        match unlocked.write_clock(nearest_second(host.now())) {
            Ok(()) => Ok(AfterReset::Unlocked),
            // Any other refusal is none for want of authentication.
            Err(DeviceError { reason: Reason::Refused(status), .. }) if status.kind() == StatusKind::Blocked => {
                Ok(AfterReset::Locked)
            }
            Err(error) => Err(error.into()),
        }
    });
    ended(seen, device, Some(token))
}
