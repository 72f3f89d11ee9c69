//! Reading a token: serial, model, clock, drift.

use chrono::TimeDelta;

use super::failure::Failure;
use super::guard::Guard;
use super::progress::reading_failed;
use super::remedy::Again;
use crate::clock::{self, Drift, Fine, jump_between, measure};
use crate::link::Link;
use crate::time::{HostClock, UnixTime};
use crate::token::{Info, TokenError, check_same};

/// What a token said, and what that says of its clock.
#[derive(Debug, Clone)]
pub struct ReadOutcome {
    /// Serial and clock.
    pub info: Info,
    /// The host's time at the reading.
    pub host: UnixTime,
    /// The token's clock minus the host's.
    pub drift: Drift,
    /// The clock does not run; only a fine reading tells.
    pub stands_still: bool,
    /// By how much the host's wall clock was stepped during the job; the token was read again after that.
    pub host_jumped: Option<TimeDelta>,
}

/// Reads a token: one APDU, or with `fine` as many as it takes to catch a tick. The link is closed in the end.
///
/// If another program resets the token, the reading is begun once more, of the same token only.
///
/// # Errors
/// A [`Failure`]: the link broke, another device, another serial than the guard asks for.
pub fn read(link: &mut dyn Link, host: &dyn HostClock, guard: &Guard, fine: bool) -> Result<ReadOutcome, Failure> {
    let mut known = None;
    let opened = once_more_after_reset(|| read_once(link, host, fine, &mut known));
    let report = opened.map_err(|error| reading_failed(&error, link, known.as_ref(), &Again::Same));
    link.close();
    let report = report?;
    guard.check_serial(&report.info)?;
    Ok(report)
}

/// Reading harms nothing: what another program's reset broke off is begun once more.
fn once_more_after_reset<T>(mut pass: impl FnMut() -> Result<T, TokenError>) -> Result<T, TokenError> {
    match pass() {
        Err(error) if error.is_reset() => pass(),
        result => result,
    }
}

/// One pass; `known` is the token of an earlier one.
fn read_once(
    link: &mut dyn Link,
    host: &dyn HostClock,
    fine: bool,
    known: &mut Option<Info>,
) -> Result<ReadOutcome, TokenError> {
    let (mut session, first) = clock::open(link, host)?;
    let info = session.info().clone();
    if let Some(earlier) = known {
        check_same(earlier, &info)?;
    }
    *known = Some(info.clone());
    let Fine { drift, stands_still, .. } = measure(&mut session, host, &first, fine)?;
    let drift = drift.widened(host.doubt());
    let mut report = ReadOutcome { info, host: first.host(), drift, stands_still, host_jumped: None };
    // What was read by a clock that was stepped meanwhile says nothing.
    report.host_jumped = jump_between(first.before, host.now());
    if report.host_jumped.is_some() {
        let again = clock::read(&mut session, host)?;
        report.host = again.host();
        report.info = session.info().clone();
        report.drift = measure(&mut session, host, &again, fine)?.drift.widened(host.doubt());
    }
    Ok(report)
}

/// Reads who a token is, one APDU, and leaves the link open for the job that follows.
///
/// # Errors
/// A [`Failure`]; the link is closed then.
pub fn identify(link: &mut dyn Link, host: &dyn HostClock) -> Result<Info, Failure> {
    match once_more_after_reset(|| clock::open(link, host).map(|(session, _)| session.info().clone())) {
        Ok(info) => Ok(info),
        Err(error) => {
            let failure = reading_failed(&error, link, None, &Again::Same);
            link.close();
            Err(failure)
        }
    }
}
