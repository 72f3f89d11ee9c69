//! `tokentap config`: the profile, and with it the clock.

use super::args::{ConfigArgs, Global};
use super::host::Host;
use super::output::Output;
use super::record::{self, Record};
use super::settings::{self, Named};
use super::station::Workplace;
use super::writing::Writing;
use super::{Ran, secret};
use crate::job::request::ConfigRequest;
use crate::time::HostClock;

pub fn run(global: &Global, args: &ConfigArgs, output: &Output) -> Ran {
    ConfigRequest::check_profile(settings::profile(&args.profile))?;
    let seed = secret::from_args(&args.seed, false)?;
    let identity = record::identity(args.write.identity.as_deref())?;
    let record = Record::begin(global);
    let host = Host::assess(&args.write.host)?;
    record.ready(global, settings::need(&args.profile), output)?;
    let named = Named { seed, opener: record.opener(identity), now: host.clock().now().wall };
    let write = settings::config(global, args, named)?.prepare()?;
    Writing::new(global, &host, &record, write, output).carry_out(Workplace::new(global, &host, &record, output))
}
