//! `tokentap sync`, and `tokentap --time 0`: set the clock, on one line.

use std::cell::RefCell;

use super::args::{Global, SyncArgs};
use super::host::Host;
use super::output::Output;
use super::record::{self, Record};
use super::station::Workplace;
use super::writing::Writing;
use super::{Ran, plan, secret, time_arg};
use crate::inventory::Deed;
use crate::job::{Again, Completion, ConfigPlan, Effect, Exit, Failure, SeedFate, WritePlan};
use crate::report::{PlannedProfile, WriteReport, remarks};
use crate::time::HostClock;
use crate::token::Info;

pub fn run(global: &Global, args: &SyncArgs, output: &Output) -> Ran {
    let given = secret::from_args(&args.seed, false)?;
    let identity = record::identity(args.write.identity.as_deref())?;
    let host = Host::assess(&args.write.host)?;
    let record = Record::open(global, plan::need(&args.profile), output)?;
    let opener = record.opener(identity);
    let mut desk = Workplace::new(global, &host, &record, output);
    let row = given.map(|given| desk.row_for(given)).transpose()?;
    let wish = plan::wish(&args.profile, row.as_ref())?;
    let (profile, from) = wish.resolve(None)?;
    let clock_plan = time_arg::clock_plan(&args.time, host.clock().now().wall, args.write.allow_other_time)?;
    plan::check_used(&args.write, &args.seed.choice, row.as_ref(), Some(clock_plan))?;
    let config = ConfigPlan { profile, from, clock: clock_plan };
    if args.if_drift_over.is_some_and(|bound| !(0.0..=1e9).contains(&bound)) {
        return Err(Failure::usage("--if-drift-over is not a number of seconds", "give one from 0 upwards, such as 2"));
    }
    let plan = WritePlan {
        erase_seed: args.erase_seed,
        fine: !args.fast,
        if_drift_over: args.if_drift_over,
        again: again(args),
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
        deed: Deed::Sync,
        user,
        flags: plan::wish(&args.profile, None)?,
        replaces_seed: false,
        reassigns: false,
        confirmed: RefCell::default(),
        output,
    };
    carry_out(&writing, desk)
}

/// What to run when the job was broken off: a restricted token may have lost its seed while its clock is right.
fn again(args: &SyncArgs) -> Again {
    match args.if_drift_over {
        None => Again::SameTwice,
        Some(_) => Again::WithoutDriftBound,
    }
}

/// Carries out a write that needs nothing else, and reports it on one line.
///
/// # Errors
/// The job's.
pub fn carry_out(writing: &Writing<'_>, desk: Workplace<'_>) -> Ran {
    let Writing { host, output, plan, .. } = writing;
    if writing.global.dry_run {
        return desk.work(&mut |station| writing.show(station)).map(|(exit, _)| exit);
    }
    // Just before the first write: a token that is refused needs no warning of the clock.
    let mut before = |info: &Info, plan: &WritePlan| {
        host.warn(output);
        if let Some(config) =
            plan.config.filter(|config| plan.seed_fate(info) != SeedFate::Erased && !config.from.is_known())
        {
            output.note(&format!(
                "the profile of this token is not known, and setting its clock sets it too, to {}; if its codes are refused \
                 afterwards, it was burned for another: set it with --hash and --step, as its server has them",
                PlannedProfile::from(&config).words()
            ));
        }
        Ok(())
    };
    let (report, station) = desk.work(&mut |station| writing.run(station, &mut before))?;
    output.report(&WriteReport::of(&report, &station.reader, station.emulated).with_host_clock(&host.standing));
    if report.outcome == Effect::Synced && !plan.fine {
        output.note("read in whole seconds: what the drift is within the second was not measured");
    }
    remarks(&report, writing.deed).iter().for_each(|remark| output.note(remark));
    Ok(Exit::Done)
}
