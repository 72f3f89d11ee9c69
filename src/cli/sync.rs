//! `tokentap sync`, and `tokentap --time 0`: set the clock, on one line.

use std::cell::RefCell;

use super::args::{Global, SyncArgs};
use super::describe::{jumped, profile_words, token_line, written};
use super::host::{self, Host};
use super::output::Output;
use super::record::{self, Record};
use super::station::Desk;
use super::writing::Writing;
use super::{Ran, plan, secret, time_arg};
use crate::inventory::Deed;
use crate::job::{Again, ClockPlan, Completion, ConfigPlan, Exit, Failure, Outcome, SeedFate, WritePlan, WriteReport};
use crate::time::HostClock;
use crate::token::Info;

/// A correction beyond this may fall out of the window in which a server follows a token, in seconds.
pub const SERVER_WINDOW_S: f64 = 90.0;

pub fn run(global: &Global, args: &SyncArgs, output: &Output) -> Ran {
    let given = secret::from_args(&args.seed, false)?;
    let identity = record::identity(args.write.identity.as_deref())?;
    let host = Host::assess(&args.write.host)?;
    let record = Record::open(global, plan::need(&args.profile), output)?;
    let opener = record.opener(identity);
    let mut desk = Desk::new(global, &host, &record, output);
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
pub fn carry_out(writing: &Writing<'_>, desk: Desk<'_>) -> Ran {
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
                profile_words(&config)
            ));
        }
        Ok(())
    };
    let (report, station) = desk.work(&mut |station| writing.run(station, &mut before))?;
    let text = match report.outcome {
        Outcome::Within => {
            format!(
                "{}: clock {}, within bounds; nothing was written",
                token_line(&report.info, station.emulated),
                report.before
            )
        }
        Outcome::Synced => line(&report, station.emulated),
    };
    let mut object = written(&report, &station.reader, station.emulated);
    object.insert("host_clock".to_owned(), host::fields(&host.standing));
    output.report(&text, object);
    if report.outcome == Outcome::Synced && !plan.fine {
        output.note("read in whole seconds: what the drift is within the second was not measured");
    }
    remarks(&report, writing.deed, output);
    Ok(Exit::Done)
}

/// What was written, in one line.
pub fn line(report: &WriteReport, emulated: bool) -> String {
    let profile =
        report.config.as_ref().map(|config| format!("; profile {}", profile_words(config))).unwrap_or_default();
    format!(
        "{}: clock {} → {}; seed {}{profile}",
        token_line(&report.info, emulated),
        report.before.in_short(),
        report.after,
        report.seed.word(),
    )
}

/// What a careful person should know after a write.
pub fn remarks(report: &WriteReport, deed: Deed, output: &Output) {
    if let Some(by) = report.host_jumped {
        output.note(&jumped(by));
    }
    let Some(config) = report.config.as_ref().filter(|_| report.outcome == Outcome::Synced) else {
        return;
    };
    match config.clock {
        ClockPlan::CarryOn => output.note("the clock was carried on as it was, to within a second; it was not set to now"),
        ClockPlan::At(_) => output.note(
            "the clock was set to another time than now: whoever holds the token can read off codes that are valid then",
        ),
        ClockPlan::Now => {}
    }
    if report.keeps_phase {
        output.note("this clock keeps its own phase: it cannot be set closer than it is now");
    }
    let moved = report.after.middle_s() - report.before.middle_s();
    let set_back = moved < -1.0 - report.before.resolution_s();
    if report.seed == SeedFate::Erased {
        output.note("the token shows no codes until a seed is burned, and its server needs that seed too");
        return;
    }
    if deed == Deed::Burn {
        output.note("its server needs the same seed, hash and time step");
        return;
    }
    if config.clock == ClockPlan::Now && (moved.abs() > SERVER_WINDOW_S || set_back) {
        output.note(
            "Duo takes the corrected codes at once; Entra ID and privacyIDEA have followed the old clock and may refuse \
             them until the token is resynchronised there",
        );
    }
}
