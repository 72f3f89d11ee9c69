//! `tokentap config`: the profile, and with it the clock.

use super::args::{ConfigArgs, Global};
use super::host::Host;
use super::output::Output;
use super::record::{self, Record};
use super::settings::{self, Named};
use super::station::Workplace;
use super::writing::Writing;
use super::{Ran, device, secret};
use crate::job::request::ConfigRequest;
use crate::reader::Wanted;
use crate::time::HostClock;

pub fn run(global: &Global, args: &ConfigArgs, output: &Output) -> Ran {
    let sets_slot = args.setting.digits.is_some() || args.setting.title.is_some();
    if !sets_slot {
        ConfigRequest::check_profile(settings::profile(&args.profile))?;
    }
    settings::check_identity(&args.write, args.seed.is_named(), &args.slot)?;
    let seed = secret::from_args(&args.seed, false)?;
    let identity = record::identity(args.write.identity.as_deref())?;
    let record = Record::begin(global);
    let host = Host::assess(&args.write.host)?;
    record.ready(global, settings::need(&args.profile, &args.slot), output)?;
    if args.slot.slot.is_some() {
        device::check_opener(args.write.identity.as_deref(), &record)?;
    }
    let named = Named { seed, opener: record.opener(identity), now: host.clock().now().wall };
    let write = settings::config(global, args, named)?.prepare()?;
    let wanted = if args.slot.slot.is_some() { Wanted::Molto2 } else { Wanted::Token };
    let desk = Workplace::new(global, &host, &record, output).wanting(wanted);
    Writing::new(global, &host, &record, write, output).carry_out(desk)
}
