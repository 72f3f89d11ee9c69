//! Reading a token: serial, model, clock, drift.

use chrono::TimeDelta;

use super::broken::reading_failed;
use super::failure::Failure;
use super::guard::Guard;
use super::remedy::Again;
use crate::clock::{self, Drift, Fine, jump_between, measure};
use crate::device::{Device, DeviceError, Info, check_same};
use crate::time::{HostClock, UnixTime};

/// A reading of a token, and the drift of its clock.
#[derive(Debug, Clone)]
pub struct ReadOutcome {
    /// Serial and clock.
    pub info: Info,
    /// The host's time at the reading.
    pub host: UnixTime,
    /// The token's clock minus the host's; `None` on a device that counts.
    pub drift: Option<Drift>,
    /// The clock does not run; only a fine reading tells.
    pub stands_still: bool,
    /// By how much the host's wall clock was stepped during the job; the token was read again after that.
    pub host_jumped: Option<TimeDelta>,
}

/// Reads a token: one APDU, or with `fine` as many as it takes to catch a tick. The device is let go of in the end.
///
/// If another program resets the token, the reading is begun once more, of the same token only.
///
/// # Errors
/// A [`Failure`]: the link broke, another device, another serial than the guard asks for.
pub fn read(device: &mut dyn Device, host: &dyn HostClock, guard: &Guard, fine: bool) -> Result<ReadOutcome, Failure> {
    let mut known = None;
    let opened = once_more_after_reset(|| read_once(device, host, fine, &mut known));
    let report = opened.map_err(|error| reading_failed(&error, device, known.as_ref(), &Again::Same));
    device.close();
    let report = report?;
    guard.check_serial(&report.info)?;
    Ok(report)
}

/// Reading harms nothing: what another program's reset broke off is begun once more.
fn once_more_after_reset<T>(mut pass: impl FnMut() -> Result<T, DeviceError>) -> Result<T, DeviceError> {
    match pass() {
        Err(error) if error.is_reset() => pass(),
        result => result,
    }
}

/// One pass; `known` is the token of an earlier one.
fn read_once(
    device: &mut dyn Device,
    host: &dyn HostClock,
    fine: bool,
    known: &mut Option<Info>,
) -> Result<ReadOutcome, DeviceError> {
    let began = host.now();
    let (mut contact, first) = clock::open(device, host)?;
    let info = contact.info().clone();
    if let Some(earlier) = known {
        check_same(earlier, &info)?;
    }
    *known = Some(info.clone());
    let Some(first) = first else {
        return Ok(ReadOutcome { info, host: began.wall, drift: None, stands_still: false, host_jumped: None });
    };
    let told = |fine: Fine| Some(fine.drift.widened(host.doubt()));
    let seen = measure(&mut *contact, host, &first, fine)?;
    let (drift, stands_still) = (told(seen), seen.stands_still);
    let mut report = ReadOutcome { info, host: first.host(), drift, stands_still, host_jumped: None };
    // What was read by a clock that was stepped meanwhile says nothing.
    report.host_jumped = jump_between(first.before, host.now());
    if report.host_jumped.is_some() {
        let again = clock::read(&mut *contact, host)?;
        report.host = again.host();
        report.info = contact.info().clone();
        report.drift = told(measure(&mut *contact, host, &again, fine)?);
    }
    Ok(report)
}

/// Reads who a token is, one APDU, and leaves it open for the job that follows.
///
/// # Errors
/// A [`Failure`]; it is let go of then.
pub fn identify(device: &mut dyn Device, host: &dyn HostClock) -> Result<Info, Failure> {
    match once_more_after_reset(|| clock::open(device, host).map(|(contact, _)| contact.info().clone())) {
        Ok(info) => Ok(info),
        Err(error) => {
            let failure = reading_failed(&error, device, None, &Again::Same);
            device.close();
            Err(failure)
        }
    }
}
