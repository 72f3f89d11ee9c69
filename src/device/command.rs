//! One command to a device: its data exists only after 9000.

use std::fmt;

use super::{DeviceError, Info, Reason, Step};
use crate::iso7816::{Apdu, StatusWord};
use crate::link::{ExchangeError, Link, exchange};

/// Sends one command.
///
/// # Errors
/// [`DeviceError`] at `step`, also for every status but 9000.
pub(super) fn send(link: &mut dyn Link, step: Step, apdu: &Apdu) -> Result<Vec<u8>, DeviceError> {
    let (data, status) = send_any(link, step, apdu)?;
    match status {
        StatusWord::OK => Ok(data),
        status => Err(DeviceError { step, reason: Reason::Refused(status) }),
    }
}

/// Sends one command, whatever its status.
///
/// # Errors
/// [`DeviceError`] at `step`: the link broke, or what came back is no answer.
pub(super) fn send_any(link: &mut dyn Link, step: Step, apdu: &Apdu) -> Result<(Vec<u8>, StatusWord), DeviceError> {
    let failed = |reason| DeviceError { step, reason };
    match exchange(link, apdu) {
        Ok(response) => Ok((response.data, response.status)),
        Err(ExchangeError::Link(error)) => Err(failed(Reason::Link(error))),
        Err(error) => Err(failed(Reason::Malformed(error.to_string()))),
    }
}

/// Reads who a device is, and its clock.
///
/// # Errors
/// [`DeviceError`] at [`Step::Info`], also for an answer that is malformed or has no clock.
pub(super) fn read_info<E: fmt::Display>(
    link: &mut dyn Link,
    apdu: &Apdu,
    parse: impl FnOnce(&[u8]) -> Result<Info, E>,
) -> Result<(Info, u32), DeviceError> {
    let malformed = |detail| DeviceError { step: Step::Info, reason: Reason::Malformed(detail) };
    let data = send(link, Step::Info, apdu)?;
    let info = parse(&data).map_err(|error| malformed(error.to_string()))?;
    let clock = info.clock.ok_or_else(|| malformed("its answer has no clock".to_owned()))?;
    Ok((info, clock))
}

/// Sends a command that the device carries out only within one contact, from the challenge on; `harmless` is one that it always
/// answers.
///
/// A program that resets the card in between makes the right answer wrong and the authentication void: its disconnect may come
/// through although the card is held. The next command tells, and what was refused so is no word of the device about the key.
///
/// # Errors
/// As [`send`].
pub(super) fn send_in_contact(
    link: &mut dyn Link,
    step: Step,
    apdu: &Apdu,
    harmless: &Apdu,
) -> Result<Vec<u8>, DeviceError> {
    let error = match send(link, step, apdu) {
        Ok(data) => return Ok(data),
        Err(error) => error,
    };
    match &error.reason {
        Reason::Refused(status) if status.is_denial() => match send(link, Step::Info, harmless) {
            Err(now) if now.is_reset() => Err(DeviceError { step, reason: now.reason }),
            _ => Err(error),
        },
        _ => Err(error),
    }
}
