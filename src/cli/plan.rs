//! From arguments and seed to a checked plan, and the plan as `--dry-run` shows it.

use std::path::Path;

use serde_json::json;

use super::args::{ClockArgs, Global, ProfileArgs, WriteArgs};
use super::describe::{drift, fields, profile, profile_words, token, token_line};
use super::host::{self, Host};
use super::output::Output;
use super::station::{self, Station};
use super::{Ran, secret, time_arg};
use crate::clock::check_plausible;
use crate::job::{self, ClockPlan, ConfigPlan, Exit, Failure, ProfileFrom, SeedFate, WritePlan};
use crate::otp::{Hash, TimeStep};
use crate::seedfile::Row;
use crate::time::HostClock;
use crate::token::{DisplayTime, Profile, ProfileError, Serial};

/// What to run when a job was broken off.
pub const AGAIN: &str = "run the same command again (twice is safe on the same token)";

/// A plan that writes profile, clock and whatever seed comes along.
///
/// # Errors
/// A usage failure; nothing was touched then.
pub fn make(
    global: &Global,
    config: Option<ConfigPlan>,
    row: Option<&Row>,
    write: &WriteArgs,
) -> Result<WritePlan, Failure> {
    let mut guard = station::guard(global, write.allow_unknown_model)?;
    if let Some(named) = row.and_then(|row| row.serial.as_deref()) {
        let named = Serial::new(named).ok_or_else(|| {
            Failure::usage("the seed names a serial that no token can have", "correct the seed's serial")
        })?;
        match &guard.expect_serial {
            Some(expected) if *expected != named => {
                let fact = format!("the seed belongs to {named}, --expect-serial says {expected}");
                return Err(Failure::usage(fact, "give the seed of the token that you mean"));
            }
            _ => guard.expect_serial = Some(named),
        }
    }
    Ok(WritePlan {
        config,
        seed: row.map(|row| row.seed.clone()),
        erase_seed: false,
        if_drift_over: None,
        fine: false,
        guard,
        key: secret::token_key(write.token_key.as_deref().map(Path::new))?,
        again: AGAIN.to_owned(),
    })
}

/// The profile: flags first, then what the seed states, then the factory's.
///
/// # Errors
/// A usage failure: what no token can do, or a flag that contradicts the seed.
pub fn resolve_profile(args: &ProfileArgs, row: Option<&Row>) -> Result<(Profile, ProfileFrom), Failure> {
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
    let display = match args.display {
        None | Some(30) => DisplayTime::S30,
        Some(15) => DisplayTime::S15,
        Some(60) => DisplayTime::S60,
        Some(120) => DisplayTime::S120,
        Some(other) => return Err(bad(ProfileError::Display(other))),
    };
    let (hash, step) = (flag_hash.or(row_hash), flag_step.or(row_step));
    let stated = hash.is_some() || step.is_some() || args.display.is_some();
    let from = if stated { ProfileFrom::Flags } else { ProfileFrom::Factory };
    let factory = Profile::FACTORY;
    let profile = Profile::new(hash.unwrap_or(factory.hash()), step.unwrap_or(factory.step()), display).map_err(bad)?;
    Ok((profile, from))
}

fn agree<T: PartialEq + std::fmt::Display>(what: &str, flag: Option<T>, stated: Option<T>) -> Result<(), Failure> {
    match (flag, stated) {
        (Some(flag), Some(stated)) if flag != stated => Err(Failure::usage(
            format!("the seed states {stated} as its {what}, the flag says {flag}"),
            "leave the flag away, or give the seed of the other kind",
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

/// The clock's plan in words.
pub fn clock_words(clock: ClockPlan) -> String {
    match clock {
        ClockPlan::Now => "set to the host's".to_owned(),
        ClockPlan::At(seconds) => format!("set to {seconds}"),
        ClockPlan::CarryOn => "carried on to within a second".to_owned(),
    }
}

/// `--dry-run`: reads the token, shows what the plan would do to it, and writes nothing.
///
/// # Errors
/// What the plan's own checks would say.
pub fn show(plan: &WritePlan, station: &mut Station, host: &Host, output: &Output) -> Ran {
    let report = job::read(&mut station.link, &host.clock(), &plan.guard, plan.fine)?;
    plan.check(&report.info)?;
    check_plausible(host.clock().now().wall)?;
    let within = plan.if_drift_over.is_some_and(|bound| report.drift.is_surely_within(bound));
    let fate = plan.seed_fate(&report.info);
    let seed = match (fate, &plan.seed) {
        (SeedFate::Burned, Some(seed)) => format!("a new one of {} bytes is burned", seed.len()),
        (SeedFate::Burned, None) => "a new one is burned".to_owned(),
        (SeedFate::Erased, _) => "ERASED".to_owned(),
        (SeedFate::Kept, _) => "kept".to_owned(),
    };
    let (clock_line, profile_line) = match &plan.config {
        Some(config) => (clock_words(config.clock), profile_words(config)),
        None => ("left alone".to_owned(), "left alone".to_owned()),
    };
    let within_words = if within { "\n  the drift is within bounds: nothing would be written" } else { "" };
    let text = format!(
        "plan for {}; nothing was written\n  seed     {seed}\n  clock    now {}; {clock_line}\n  profile  {profile_line}{within_words}",
        token_line(&report.info, station.emulated),
        report.drift,
    );
    let object = fields([
        ("dry_run", json!(true)),
        ("outcome", json!(if within { "within" } else { "synced" })),
        ("host_clock", host::fields(&host.standing)),
        ("reader", json!(station.reader)),
        ("token", token(&report.info, station.emulated)),
        ("clock", json!({ "before": drift(report.drift) })),
        ("seed", json!(fate.word())),
        ("profile", plan.config.as_ref().map(profile).into()),
    ]);
    output.report(&text, object);
    Ok(Exit::Done)
}
