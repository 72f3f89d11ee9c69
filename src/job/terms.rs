//! The terms of a request, and the profile and guard that a seed adds to them.

use serde::Deserialize;

use super::complete::Opener;
use super::failure::Failure;
use super::guard::Guard;
use super::plan::ProfileWish;
use super::slot_wish::SlotWish;
use crate::device::{Capabilities, CapabilityError, Family, Key, Serial};
use crate::seedfile::suspect::SHORTEST;
use crate::seedfile::{FileRemedy, Row};
use crate::words::counted;

/// The terms of every write.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// The token must have this serial.
    pub expect_serial: Option<String>,
    /// The slot to write, on a device that has several; they are numbered from 0.
    pub slot: u16,
    /// The family of the device that is meant.
    #[serde(skip)]
    pub family: Family,
    /// What is wanted of the slot beside seed, profile and clock.
    #[serde(skip)]
    pub wish: SlotWish,
    /// A model that is not known may be written.
    pub allow_unknown_model: bool,
    /// A seed may have fewer than [`SHORTEST`] bytes.
    pub allow_short_seed: bool,
    /// Another token may hold the same seed.
    pub allow_shared_secret: bool,
    /// The key is tried also where the token has refused it already.
    pub try_again: bool,
    /// The key.
    #[serde(skip)]
    pub key: Key,
    /// The opener of sealed seeds.
    #[serde(skip)]
    pub opener: Option<Opener>,
}

impl Terms {
    /// The guard that these terms are.
    ///
    /// # Errors
    /// A usage failure for a serial that no token can have.
    pub fn guard(&self) -> Result<Guard, Failure> {
        let expect_serial = match &self.expect_serial {
            None => None,
            Some(text) => Some(
                Serial::new(text)
                    .ok_or_else(|| Failure::usage("that is not a serial", "use the digits on the back of the token"))?,
            ),
        };
        Ok(Guard { expect_serial, allow_unknown_model: self.allow_unknown_model })
    }
}

/// The guard with the serial that the seed names.
///
/// # Errors
/// A usage failure where it is another one.
pub(super) fn guard_with(guard: Guard, row: Option<&Row>) -> Result<Guard, Failure> {
    let Some(named) = row.and_then(|row| row.serial.as_deref()) else { return Ok(guard) };
    let named = Serial::new(named)
        .ok_or_else(|| Failure::usage("the seed names a serial that no token can have", "correct the seed's serial"))?;
    match &guard.expect_serial {
        Some(expected) if *expected != named => {
            let fact = format!("the seed belongs to {named}, and {expected} is expected");
            Err(Failure::usage(fact, "use the seed of the token that you mean"))
        }
        _ => Ok(Guard { expect_serial: Some(named), ..guard }),
    }
}

/// Whether a seed is long enough.
///
/// # Errors
/// A usage failure.
pub(super) fn check_length(row: Option<&Row>, allows_short: bool) -> Result<(), Failure> {
    let Some(row) = row.filter(|row| row.seed.len() < SHORTEST && !allows_short) else { return Ok(()) };
    let has = counted(row.seed.len() as u64, "byte");
    Err(Failure::usage(
        format!("the seed has {has}; it must have at least {SHORTEST} (RFC 4226, section 4, R6)"),
        FileRemedy::WholeSecret,
    ))
}

/// Whether a bound on the drift, in seconds, is one: from 0 to about thirty years.
///
/// # Errors
/// A usage failure.
pub(super) fn check_bound(seconds: f64) -> Result<(), Failure> {
    match (0.0..=1e9).contains(&seconds) {
        true => Ok(()),
        false => Err(Failure::usage("the bound on the drift is not a number of seconds", "use 0 or more, such as 2")),
    }
}

/// The profile that flags and seed state, for a device of this family.
///
/// # Errors
/// A usage failure: what no such device can do, or a flag that contradicts the seed.
pub fn wish_with(flags: ProfileWish, row: Option<&Row>, family: Family) -> Result<ProfileWish, Failure> {
    let Some(row) = row else { return Ok(flags) };
    let can = family.capabilities_of(row.serial.as_deref());
    row.check_for(can).map_err(|error| Failure::usage(error.to_string(), what_helps(&error, can)))?;
    agree("hash", flags.hash, row.hash)?;
    agree("time step", flags.step, row.step)?;
    let by_seed = (flags.hash.is_none() && row.hash.is_some()) || (flags.step.is_none() && row.step.is_some());
    let wish = ProfileWish { hash: flags.hash.or(row.hash), step: flags.step.or(row.step), by_seed, ..flags };
    wish.resolve(None, can)?;
    Ok(wish)
}

/// The digits that a flag and a seed state.
///
/// # Errors
/// A usage failure where they are not the same.
pub(super) fn digits_with(flag: Option<u32>, row: Option<&Row>) -> Result<Option<u32>, Failure> {
    let stated = row.and_then(|row| row.digits);
    agree("number of digits", flag, stated)?;
    Ok(flag.or(stated))
}

/// What is done about a seed that is beyond a device, in words.
pub(super) fn what_helps(error: &CapabilityError, can: &Capabilities) -> String {
    match error {
        CapabilityError::Slot { .. } => {
            "burn it onto a Molto2 (docs/devices.md), or leave the slot out of the file".to_owned()
        }
        _ => what_fits(can),
    }
}

/// The seeds that a device can hold, in words.
fn what_fits(can: &Capabilities) -> String {
    let list = |all: &[String]| match all.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => all.concat(),
    };
    let mut digits = can.digits.to_vec();
    digits.sort_unstable();
    let digits = list(&digits.iter().map(ToString::to_string).collect::<Vec<_>>());
    let hashes = list(&can.hashes.iter().map(|hash| hash.dashed().to_owned()).collect::<Vec<_>>());
    let steps = list(&can.steps_s.iter().map(ToString::to_string).collect::<Vec<_>>());
    let steps = if steps.is_empty() { steps } else { format!(", {steps} s") };
    let (least, most) = (can.seed_bytes.start(), can.seed_bytes.end());
    format!("use a seed for {digits} digits, {hashes}{steps}, {least} to {most} bytes")
}

fn agree<T: PartialEq + std::fmt::Display>(what: &str, flag: Option<T>, stated: Option<T>) -> Result<(), Failure> {
    match (flag, stated) {
        (Some(flag), Some(stated)) if flag != stated => Err(Failure::usage(
            format!("the seed states {stated} as its {what}, and {flag} was asked for"),
            "remove the flag, or use the seed of the other kind",
        )),
        _ => Ok(()),
    }
}
