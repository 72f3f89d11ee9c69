//! `tokentap config`: the profile, and with it the clock.

use super::args::{ConfigArgs, Global};
use super::host::Host;
use super::output::Output;
use super::station::Desk;
use super::{Ran, plan, secret, sync};
use crate::job::{ConfigPlan, Failure, WritePlan};

pub fn run(global: &Global, args: &ConfigArgs, output: &Output) -> Ran {
    let flags = &args.profile;
    if flags.hash.is_none() && flags.step.is_none() && flags.display.is_none() {
        return Err(Failure::usage(
            "nothing of the profile was named",
            "say --hash, --step or --display: all three are written, and what is not named becomes the factory's; \
             to set only the clock use tokentap sync",
        ));
    }
    let given = secret::from_args(&args.seed, false)?;
    let host = Host::assess(&args.write.host)?;
    let mut desk = Desk::new(global, &host, output);
    let row = given.map(|given| desk.row_for(given)).transpose()?;
    let (profile, from) = plan::resolve_profile(flags, row.as_ref())?;
    let clock_plan = plan::clock_plan(&args.clock, &host.clock(), args.write.allow_other_time)?;
    let config = ConfigPlan { profile, from, clock: clock_plan };
    let plan = WritePlan {
        erase_seed: args.erase_seed,
        fine: !args.fast,
        ..plan::make(global, Some(config), row.as_ref(), &args.write)?
    };
    sync::carry_out(global, &plan, desk, output)
}
