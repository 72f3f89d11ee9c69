//! `tokentap sync`, and `tokentap --time 0`: set the clock, on one line.

use super::args::{Global, SyncArgs};
use super::host::Host;
#[cfg(feature = "servers")]
use super::mending::Mending;
use super::output::Output;
use super::record::{self, Record};
use super::settings::{self, Named};
use super::station::Workplace;
use super::writing::Writing;
use super::{Ran, secret};
use crate::time::HostClock;

pub fn run(global: &Global, args: &SyncArgs, output: &Output) -> Ran {
    let seed = secret::from_args(&args.seed, false)?;
    let identity = record::identity(args.write.identity.as_deref())?;
    let record = Record::begin(global);
    let host = Host::assess(&args.write.host)?;
    record.ready(global, settings::need(&args.profile), output)?;
    let opener = record.opener(identity);
    #[cfg(feature = "servers")]
    let mending = Mending::of(global, &args.mend, opener.clone(), output)?;
    let named = Named { seed, opener, now: host.clock().now().wall };
    let write = settings::sync(global, args, named)?.prepare()?;
    let writing = Writing::new(global, &host, &record, write, output);
    #[cfg(feature = "servers")]
    let writing = writing.with_mending(mending);
    writing.carry_out(Workplace::new(global, &host, &record, output))
}
