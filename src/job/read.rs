//! Reading a token: serial, model, clock, drift.

use super::failure::Failure;
use super::guard::Guard;
use super::progress::reading_failed;
use crate::clock::{self, Drift, Poller};
use crate::link::Link;
use crate::time::{HostClock, UnixTime};
use crate::token::Info;

/// What a token said, and what that says of its clock.
#[derive(Debug, Clone)]
pub struct ReadReport {
    /// Serial and clock.
    pub info: Info,
    /// The host's time at the reading.
    pub host: UnixTime,
    /// The token's clock minus the host's.
    pub drift: Drift,
}

const AGAIN: &str = "run the same command again";

/// Reads a token: one APDU, or with `fine` as many as it takes to catch a tick. The link is closed in the end.
///
/// # Errors
/// A [`Failure`]: the link broke, another device, another serial than the guard asks for.
pub fn read(link: &mut dyn Link, host: &dyn HostClock, guard: &Guard, fine: bool) -> Result<ReadReport, Failure> {
    let mut known = None;
    let opened = clock::open(link, host).and_then(|(mut session, first)| {
        let info = known.insert(session.info().clone()).clone();
        let mut report = ReadReport { info, host: first.host(), drift: Drift::of_reading(&first) };
        if fine {
            report.drift = Poller::new(&mut session, host, &first).scan()?.drift;
        }
        Ok(report)
    });
    let report = opened.map_err(|error| reading_failed(&error, link, known.as_ref(), AGAIN));
    link.close();
    let report = report?;
    guard.check_serial(&report.info)?;
    Ok(report)
}
