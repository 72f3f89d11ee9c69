//! From arguments and seed to a checked plan.

use std::path::Path;

use super::args::{ChoiceArgs, ClockArgs, Global, ProfileArgs, WriteArgs};
use super::describe::{counted, without_blanks};
use super::record::Need;
use super::unused::unused;
use super::{secret, station, time_arg};
use crate::job::{Again, ClockPlan, ConfigPlan, Failure, ProfileWish, WritePlan};
use crate::otp::{Hash, TimeStep};
use crate::seedfile::Row;
use crate::seedfile::suspect::SHORTEST;
use crate::time::HostClock;
use crate::token::{DisplayTime, ProfileError, Serial};

/// A plan that writes profile, clock and whatever seed comes along.
///
/// # Errors
/// A usage failure; nothing was touched then.
pub fn make(
    global: &Global,
    config: Option<ConfigPlan>,
    row: Option<&Row>,
    choice: &ChoiceArgs,
    write: &WriteArgs,
) -> Result<WritePlan, Failure> {
    if let Some(row) = row.filter(|row| row.seed.len() < SHORTEST && !write.allow_short_seed) {
        let has = counted(row.seed.len() as u64, "byte");
        return Err(Failure::usage(
            format!("the seed has {has}; it must have at least {SHORTEST} (RFC 4226, section 4, R6)"),
            "use the whole secret; if the server really gave such a short one, use --allow-short-seed",
        ));
    }
    let mut guard = station::guard(global, write.allow_unknown_model)?;
    // Whoever names a serial means that token, also where there is no row to choose by it.
    if let (None, Some(serial)) = (&guard.expect_serial, &choice.serial) {
        let meant = Serial::new(&without_blanks(serial));
        let no_serial = || Failure::usage("--serial is not a serial", "give the digits on the back of the token");
        guard.expect_serial = Some(meant.ok_or_else(no_serial)?);
    }
    if let Some(named) = row.and_then(|row| row.serial.as_deref()) {
        let named = Serial::new(named).ok_or_else(|| {
            Failure::usage("the seed names a serial that no token can have", "correct the seed's serial")
        })?;
        match &guard.expect_serial {
            Some(expected) if *expected != named => {
                let fact = format!("the seed belongs to {named}, the flag names {expected}");
                return Err(Failure::usage(fact, "give the seed of the token that you mean"));
            }
            _ => guard.expect_serial = Some(named),
        }
    }
    Ok(WritePlan {
        config,
        seed: row.map(|row| row.seed.clone()),
        erase_seed: false,
        shares_seed: write.allow_shared_secret,
        if_drift_over: None,
        fine: false,
        guard,
        key: secret::token_key(write.token_key.as_deref().map(Path::new))?,
        tries_again: write.try_again,
        again: Again::SameTwice,
    })
}

/// Whether every permission that was given permits something, and every choice chooses.
///
/// # Errors
/// A usage failure that names the flag.
pub fn check_used(
    write: &WriteArgs,
    choice: &ChoiceArgs,
    row: Option<&Row>,
    clock: Option<ClockPlan>,
) -> Result<(), Failure> {
    let has_seed = row.is_some() || write.identity.is_some();
    let no_seed = "no seed is given";
    for (is_given, flag, is_used, why) in [
        (write.allow_shared_secret, "--allow-shared-secret", has_seed, no_seed),
        (write.allow_short_seed, "--allow-short-seed", has_seed, no_seed),
        (choice.row.is_some(), "--row", row.is_some(), no_seed),
        (
            choice.user.is_some(),
            "--user",
            row.is_some_and(|row| row.user.is_some()),
            "no row of a seed file is chosen by it",
        ),
        (
            write.allow_other_time,
            "--allow-other-time",
            matches!(clock, Some(ClockPlan::At(_))),
            "the clock is not set to another time",
        ),
    ] {
        if is_given && !is_used {
            return Err(unused(flag, why));
        }
    }
    Ok(())
}

/// How much a command needs the inventory that writes a profile: it may know the one that flags do not state.
pub fn need(flags: &ProfileArgs) -> Need {
    if flags.hash.is_some() && flags.step.is_some() { Need::Stated } else { Need::Profile }
}

/// What flags and seed say of the profile.
///
/// # Errors
/// A usage failure: what no token can do, or a flag that contradicts the seed.
pub fn wish(args: &ProfileArgs, row: Option<&Row>) -> Result<ProfileWish, Failure> {
    if let Some(row) = row {
        row.check_for_token().map_err(|error| {
            Failure::usage(error.to_string(), "give a seed for 6 digits, SHA-1 or SHA-256, 30 or 60 s, 1 to 63 bytes")
        })?;
    }
    let bad = |error: ProfileError| Failure::usage(error.to_string(), "choose one of those");
    let flag_hash = args.hash.map(Hash::from);
    let flag_step = match args.step {
        None => None,
        Some(seconds) => Some(TimeStep::new(seconds).ok_or_else(|| bad(ProfileError::Step(seconds)))?),
    };
    let row_hash = row.and_then(|row| row.hash);
    let row_step = row.and_then(|row| row.step);
    agree("hash", flag_hash, row_hash)?;
    agree("time step", flag_step, row_step)?;
    let display = args.display.map(DisplayTime::of_seconds).transpose().map_err(bad)?;
    let by_seed = (flag_hash.is_none() && row_hash.is_some()) || (flag_step.is_none() && row_step.is_some());
    let wish = ProfileWish { hash: flag_hash.or(row_hash), step: flag_step.or(row_step), display, by_seed };
    // Said here, before any token is waited for.
    wish.resolve(None)?;
    Ok(wish)
}

fn agree<T: PartialEq + std::fmt::Display>(what: &str, flag: Option<T>, stated: Option<T>) -> Result<(), Failure> {
    match (flag, stated) {
        (Some(flag), Some(stated)) if flag != stated => Err(Failure::usage(
            format!("the seed states {stated} as its {what}, the flag says {flag}"),
            "leave the flag out, or give the seed of the other kind",
        )),
        _ => Ok(()),
    }
}

/// What `--time`, `--auto-sync` and `--no-auto-sync` mean for the clock.
///
/// # Errors
/// A usage failure of the time.
pub fn clock_plan(args: &ClockArgs, clock: &dyn HostClock, allow_other: bool) -> Result<ClockPlan, Failure> {
    match &args.time {
        _ if args.no_auto_sync => Ok(ClockPlan::CarryOn),
        None => Ok(ClockPlan::Now),
        Some(time) => time_arg::clock_plan(time, clock.now().wall, allow_other),
    }
}
