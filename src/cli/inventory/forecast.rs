//! `inventory forecast`: which tokens must come back, and when.

use std::path::Path;

#[cfg(feature = "web")]
use super::lists::csv_line;
use super::lists::{List, span};
use crate::cli::Ran;
use crate::cli::args::{ForecastArgs, ListArgs};
use crate::cli::describe::{self, plain};
use crate::cli::output::Output;
use crate::drift::{Come, Fit, Fleet, Forecast, Standing, Window};
use crate::inventory::Inventory;
use crate::job::Failure;
use crate::job::batch::unwritable;
use crate::job::forecast::{Foreseen, outlook};
use crate::report::{BY_FLAGS, ForecastEnd, ForecastReport, WindowFrom, WindowReport, come_cell, fleet_plot};
use crate::seedfile::save_secret;
use crate::time::{HostClock, SystemClock, UnixTime};

/// The window of a server, or of a number of seconds, and how its size is known.
///
/// # Errors
/// A usage failure: a server that is not known, or a size that is none.
pub fn window(seconds: Option<f64>, server: Option<&str>) -> Result<(Window, WindowFrom), Failure> {
    let from = if server.is_some() { WindowFrom::Server } else { WindowFrom::Assumed };
    let server = match server.map(str::to_lowercase) {
        None => Window::ASSUMED,
        Some(name) => Window::of_server(&name).ok_or_else(|| {
            let names: Vec<&str> = Window::SERVERS.iter().map(|(name, _)| *name).collect();
            Failure::usage("unknown server after --for", format!("use one of {}, or --window", names.join(", ")))
        })?,
    };
    let Some(seconds) = seconds else { return Ok((server, from)) };
    if !(1.0..=86_400.0).contains(&seconds) {
        return Err(Failure::usage(
            "--window must be from 1 to 86400 seconds",
            "use the drift that the server accepts to one side, such as --window 60",
        ));
    }
    Ok((Window { seconds, ..server }, WindowFrom::Typed))
}

pub fn run(inventory: &dyn Inventory, args: &ForecastArgs, output: &Output) -> Ran {
    let (window, from) = window(args.window.window, args.window.server.as_deref())?;
    let due = args.due.as_deref().map(|text| span("--due", text)).transpose()?;
    let now = SystemClock::new().now().wall;
    let is_wanted = |one: &Foreseen| {
        let model = one.token.model.as_deref().unwrap_or_default();
        args.model.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(model))
    };
    let (fleet, mut foreseen) = outlook(inventory, &window, now)?;
    foreseen.retain(is_wanted);
    if let Some(path) = &args.plot {
        save(path, &fleet_plot(&foreseen, now), args.force)?;
    }
    let unknown = foreseen.iter().filter(|one| one.clock.is_none()).count() as u64;
    keep_due(&mut foreseen, due, now)?;
    let window = WindowReport::of(&window, from);
    list(&foreseen, &fleet, window, unknown, args, output)
}

/// Keeps the tokens that are due within a time, where one is named.
///
/// # Errors
/// A usage failure: a time that no calendar has.
pub fn keep_due(foreseen: &mut Vec<Foreseen>, due: Option<chrono::TimeDelta>, now: UnixTime) -> Result<(), Failure> {
    let Some(due) = due else { return Ok(()) };
    let by = deadline(now, due)?;
    foreseen.retain(|one| is_due(one, by, now));
    Ok(())
}

/// The time so much later.
///
/// # Errors
/// A usage failure where no calendar has it.
fn deadline(now: UnixTime, due: chrono::TimeDelta) -> Result<UnixTime, Failure> {
    now.checked_add_signed(due)
        .filter(|by| *by - now <= chrono::TimeDelta::days(36_525))
        .ok_or_else(|| Failure::usage("that is more than a hundred years ahead", "use a shorter time, such as 1y"))
}

/// Whether a token must come back before a time, or is broken.
fn is_due(one: &Foreseen, by: UnixTime, now: UnixTime) -> bool {
    let is_broken =
        |(fit, forecast): &(Fit, Forecast)| fit.standing != Standing::Usual || forecast.moved_too_far.is_some();
    one.clock.as_ref().is_some_and(is_broken)
        || one.come.is_some_and(|come| come.order(now) < Come::Before(by).order(now))
}

fn list(
    foreseen: &[Foreseen],
    fleet: &Fleet,
    window: WindowReport,
    unknown: u64,
    args: &ForecastArgs,
    output: &Output,
) -> Ran {
    let list_args = ListArgs { since: None, limit: args.limit, csv: args.csv };
    if !output.is_json() && !args.csv {
        output.text(&format!("dates that are 95 % safe, {}", window.words(BY_FLAGS)));
    }
    let mut list = List::begin("forecast", &COLUMNS, &WIDE, &list_args, output);
    for one in foreseen.iter().take(usize::try_from(args.limit).unwrap_or(usize::MAX)) {
        let report = ForecastReport::of(one);
        list.row(&cells(one, &report), &report);
    }
    if unknown > 0 && args.due.is_some() && !output.is_json() {
        let tokens = describe::counted(unknown, "token");
        output.note(&format!("the clock of {tokens} is not on record: without --due they are listed last"));
    }
    list.end_with(Ok(()), |end| ForecastEnd::of(window, fleet, unknown, end))
}

/// The columns of the list, with their widths on a line of text.
const COLUMNS: [(&str, usize); 10] = [
    ("serial", 14),
    ("model", 12),
    ("user", 16),
    ("come before", 11),
    ("drift_s", 8),
    ("within_s", 8),
    ("s_per_day", 9),
    ("rate_within", 11),
    ("half refused", 12),
    ("remark", 0),
];

/// The columns that only comma-separated values have.
const WIDE: [&str; 2] = ["model", "half refused"];

/// A token's line in the list.
fn cells(one: &Foreseen, report: &ForecastReport) -> [String; 10] {
    let clock = report.clock.as_ref();
    let cell = |value: Option<f64>| value.map(|value| format!("{value:+.2}")).unwrap_or_default();
    let within = |value: Option<f64>| value.map(|value| format!("{value:.2}")).unwrap_or_default();
    let forecast = one.clock.as_ref().map(|(_, forecast)| forecast);
    let half = forecast.map(|forecast| forecast.half_refused.map_or(Come::NotForLong, Come::Before));
    [
        report.serial.clone(),
        plain(report.model.as_deref().unwrap_or_default()),
        plain(report.user.as_deref().unwrap_or_default()),
        come_cell(one.come),
        cell(clock.map(|clock| clock.drift_s)),
        within(clock.map(|clock| clock.within_s)),
        cell(clock.map(|clock| clock.s_per_day)),
        within(clock.map(|clock| clock.s_per_day_within)),
        come_cell(half),
        plain(&report.remark),
    ]
}

/// The list as comma-separated values.
#[cfg(feature = "web")]
pub fn table(foreseen: &[Foreseen]) -> String {
    let head: Vec<String> = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows = foreseen.iter().map(|one| csv_line(&cells(one, &ForecastReport::of(one))));
    std::iter::once(csv_line(&head)).chain(rows).map(|line| format!("{line}\n")).collect()
}

/// Writes a picture.
pub fn save(path: &Path, svg: &str, force: bool) -> Result<(), Failure> {
    save_secret(path, svg.as_bytes(), force).map_err(|error| unwritable(&error))
}
