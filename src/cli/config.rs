//! `tokentap config`: the profile, and with it the clock.

use std::cell::RefCell;

use super::args::{ConfigArgs, Global};
use super::host::Host;
use super::output::Output;
use super::record::{self, Record};
use super::station::Workplace;
use super::writing::Writing;
use super::{Ran, plan, secret, sync};
use crate::inventory::Deed;
use crate::job::{Completion, ConfigPlan, Failure, WritePlan};

pub fn run(global: &Global, args: &ConfigArgs, output: &Output) -> Ran {
    let flags = &args.profile;
    if flags.hash.is_none() && flags.step.is_none() && flags.display.is_none() {
        return Err(Failure::usage(
            "nothing of the profile was named",
            "use --hash, --step or --display: all three are written, and what is not named is as the inventory knows it, \
             else the factory's; to set only the clock use tokentap sync",
        ));
    }
    let given = secret::from_args(&args.seed, false)?;
    let identity = record::identity(args.write.identity.as_deref())?;
    let host = Host::assess(&args.write.host)?;
    let record = Record::open(global, plan::need(flags), output)?;
    let opener = record.opener(identity);
    let mut desk = Workplace::new(global, &host, &record, output);
    let row = given.map(|given| desk.row_for(given)).transpose()?;
    let wish = plan::wish(flags, row.as_ref())?;
    let (profile, from) = wish.resolve(None)?;
    let clock_plan = plan::clock_plan(&args.clock, &host.clock(), args.write.allow_other_time)?;
    plan::check_used(&args.write, &args.seed.choice, row.as_ref(), Some(clock_plan))?;
    let config = ConfigPlan { profile, from, clock: clock_plan };
    let plan = WritePlan {
        erase_seed: args.erase_seed,
        fine: !args.fast,
        ..plan::make(global, Some(config), row.as_ref(), &args.seed.choice, &args.write)?
    };
    let completion = Completion { wish, learns: true, opener: opener.as_ref(), burns_sealed: false };
    let user = row.and_then(|row| row.user);
    let writing = Writing {
        global,
        host: &host,
        record: &record,
        plan,
        completion,
        deed: Deed::Config,
        user,
        flags: plan::wish(flags, None)?,
        replaces_seed: false,
        reassigns: false,
        confirmed: RefCell::default(),
        output,
    };
    sync::carry_out(&writing, desk)
}
