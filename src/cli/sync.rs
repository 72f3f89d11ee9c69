//! `tokentap sync`, and `tokentap --time 0`: set the clock, on one line.

use super::args::{Global, SyncArgs};
use super::host::Host;
#[cfg(feature = "servers")]
use super::mending::Mending;
use super::output::Output;
use super::record::{self, Record};
use super::settings::{self, Named};
use super::slots;
use super::station::Workplace;
use super::unused::unused;
use super::writing::Writing;
use super::{Ran, device, secret, time_arg};
use crate::device::Family;
use crate::job::Failure;
use crate::job::request::SyncRequest;
use crate::reader::Wanted;
use crate::time::HostClock;

pub fn run(global: &Global, args: &SyncArgs, output: &Output) -> Ran {
    settings::check_identity(&args.write, args.seed.is_named(), &args.slot)?;
    let seed = secret::from_args(&args.seed, false)?;
    let identity = record::identity(args.write.identity.as_deref())?;
    let record = Record::begin(global);
    let host = Host::assess(&args.write.host)?;
    record.ready(global, settings::need(&args.profile, &args.slot), output)?;
    if args.slot.slot.is_some() {
        device::check_opener(args.write.identity.as_deref(), &record)?;
    }
    let opener = record.opener(identity);
    #[cfg(feature = "servers")]
    let mending = Mending::of(global, &args.mend, opener.clone())?;
    // What is wrong in any case is said before a device is waited for.
    SyncRequest {
        clock: time_arg::clock(&args.time, host.clock().now().wall, args.write.allow_other_time)?,
        profile: settings::profile(&args.profile),
        if_drift_over_s: args.if_drift_over,
        ..SyncRequest::default()
    }
    .prepare()?;
    let desk = Workplace::new(global, &host, &record, output);
    let desk = match (args.slot.slot, seed.is_some()) {
        (Some(_), _) => desk.wanting(Wanted::Molto2),
        // A seed is one token's; without one, whatever has a clock is meant.
        (None, true) => desk,
        (None, false) => {
            let mut desk = desk.wanting(Wanted::WithClock);
            if desk.family()? == Family::Molto2 {
                check_whole(args)?;
                return slots::sync(global, args, &host, &record, desk, opener.as_ref(), output);
            }
            desk
        }
    };
    if args.slot.slot.is_some() {
        check_slot_flags(args)?;
    }
    let named = Named { seed, opener, now: host.clock().now().wall };
    let write = settings::sync(global, args, named)?.prepare()?;
    let writing = Writing::new(global, &host, &record, write, output);
    #[cfg(feature = "servers")]
    let writing = writing.with_mending(mending);
    writing.carry_out(desk)
}

/// Whether no flag was given that cannot be meant for a slot, whose clock nobody can read.
fn check_slot_flags(args: &SyncArgs) -> Result<(), Failure> {
    if args.if_drift_over.is_some() {
        return Err(unused("--if-drift-over", "the clock of a slot cannot be read"));
    }
    #[cfg(feature = "servers")]
    if !args.mend.mend.is_empty() {
        return Err(unused("--mend", "the slots of a Molto2 are not handed to servers"));
    }
    Ok(())
}

/// The same for all slots of a device at once, each of which has its own profile.
fn check_whole(args: &SyncArgs) -> Result<(), Failure> {
    check_slot_flags(args)?;
    for (is_given, flag) in [
        (args.profile.hash.is_some(), "--hash"),
        (args.profile.step.is_some(), "--step"),
        (args.profile.display.is_some(), "--display"),
    ] {
        if is_given {
            return Err(unused(flag, "every slot has a profile of its own; name one with --slot"));
        }
    }
    match args.write.token_key {
        Some(_) => Err(unused("--token-key", "a Molto2 is opened with its customer key: --customer-key")),
        None => Ok(()),
    }
}
