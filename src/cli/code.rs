//! `tokentap code`: the codes of a seed.

use super::args::{CodeArgs, Global};
use super::output::Output;
use super::seed_of::{OfCode, seed_of};
use super::verify::digits_of;
use super::{Ran, time_arg};
use crate::clock::check_plausible;
use crate::device::Profile;
use crate::job::{Exit, Failure};
use crate::otp::{Hash, TimeStep, hotp, totp};
use crate::report::{CodeReport, CounterCodeReport};
use crate::seedfile::Kind;
use crate::time::{HostClock, SystemClock};

pub fn run(global: &Global, args: &CodeArgs, output: &Output) -> Ran {
    let is_stated = args.hash.is_some() && args.step.is_some();
    let of = OfCode { hotp: args.counter.is_some(), slot: None, is_stated: is_stated || args.counter.is_some() };
    let found = seed_of(global, &args.seed, args.identity.as_deref(), of, output)?;
    let (profile, row) = (found.profile(), found.row);
    let digits = digits_of(args.digits.or(row.digits).unwrap_or(6))?;
    let hash = args.hash.map(Hash::from).or(row.hash).or(profile.map(Profile::hash)).unwrap_or(Hash::Sha1);
    if row.kind == Kind::Hotp && args.at.is_some() {
        return Err(Failure::usage("this is a HOTP seed, which ignores the time", "remove --at, or use --counter"));
    }
    let counter = args.counter.or_else(|| (row.kind == Kind::Hotp).then_some(row.counter.unwrap_or(0)));
    if let Some(counter) = counter {
        let code = hotp(&row.seed, hash, counter, digits).to_string();
        output.report(&CounterCodeReport { code, counter });
        return Ok(Exit::Done);
    }
    let step = match args.step {
        Some(seconds) => TimeStep::new(seconds)
            .ok_or_else(|| Failure::usage("--step 0 is not a time step", "use a number of seconds, such as 30"))?,
        None => row.step.or(profile.map(Profile::step)).unwrap_or(TimeStep::S30),
    };
    // 0 is now, as it is for --time.
    let at = args.at.as_deref().map(time_arg::parse).transpose()?.filter(|time| *time != 0);
    let (time, is_now) = match at {
        Some(time) => (time, false),
        None => {
            let now = SystemClock::new().now().wall;
            check_plausible(now)?;
            (now.timestamp(), true)
        }
    };
    if time < 0 {
        return Err(Failure::usage("there are no codes before 1970", "use a time from 1970 on"));
    }
    let code = totp(&row.seed, hash, step, digits, time).to_string();
    let next = totp(&row.seed, hash, step, digits, time.saturating_add(step.seconds().into())).to_string();
    output.report(&CodeReport { code, next, time, seconds_left: step.seconds_left(time), is_now });
    Ok(Exit::Done)
}
