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
use super::writing::Writing;
use super::{Ran, secret};
use crate::device::Family;
use crate::reader::Wanted;
use crate::time::HostClock;

pub fn run(global: &Global, args: &SyncArgs, output: &Output) -> Ran {
    let seed = secret::from_args(&args.seed, false)?;
    let has_seed = seed.is_some() || args.write.identity.is_some();
    let identity = record::identity(args.write.identity.as_deref())?;
    let record = Record::begin(global);
    let host = Host::assess(&args.write.host)?;
    record.ready(global, settings::need(&args.profile), output)?;
    let opener = record.opener(identity);
    #[cfg(feature = "servers")]
    let mending = Mending::of(global, &args.mend, opener.clone(), output)?;
    let named = Named { seed, opener, now: host.clock().now().wall };
    let write = settings::sync(global, args, named)?.prepare()?;
    let desk = Workplace::new(global, &host, &record, output);
    let desk = match (args.slot.slot, has_seed) {
        (Some(_), _) => desk.wanting(Wanted::Molto2),
        // A seed is one token's; without one, whatever has a clock is meant.
        (None, true) => desk,
        (None, false) => {
            let mut desk = desk.wanting(Wanted::WithClock);
            if desk.family()? == Family::Molto2 {
                return slots::sync(global, args, &host, &record, desk, output);
            }
            desk
        }
    };
    let writing = Writing::new(global, &host, &record, write, output);
    #[cfg(feature = "servers")]
    let writing = writing.with_mending(mending);
    writing.carry_out(desk)
}
