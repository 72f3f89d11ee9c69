//! `inventory show`: one token's life on one screen.

use super::{failed, forecast};
use crate::cli::Ran;
use crate::cli::args::ShowArgs;
use crate::cli::output::Output;
use crate::drift::Fleet;
use crate::inventory::{EventFilter, Inventory};
use crate::job::forecast::{Foreseen, history_of, watched};
use crate::job::{Exit, Failure, find};
use crate::report::{DriftLine, ShowReport, ShownDrift, WindowReport, token_plot};
use crate::time::{HostClock, SystemClock};

/// How many events JSON has.
const LIMIT: u64 = 1000;

pub fn run(inventory: &dyn Inventory, args: &ShowArgs, output: &Output) -> Ran {
    let (window, is_typed) = forecast::window(&args.window)?;
    let token = find::one(inventory, &args.token)?;
    let filter = EventFilter { serial: Some(token.key.serial.clone()), ..EventFilter::default() };
    let mut events = Vec::new();
    inventory.visit_events(&filter, LIMIT, &mut |event| events.push(event)).map_err(failed)?;
    let now = SystemClock::new().now().wall;
    let history = history_of(inventory, &token)?;
    // What is usual for its model is asked of the whole inventory, so that this forecast is the one in the list.
    let watched = watched(inventory)?;
    let fleet = Fleet::of(watched.iter().map(|one| &one.history));
    let clock = fleet.fit(&history).map(|fit| {
        let forecast = fit.forecast(&window, now);
        (fit, forecast)
    });
    let line = clock.as_ref().map(|(fit, forecast)| DriftLine::of(&history, fit, forecast, &window, now));
    if let Some(path) = &args.plot {
        let line = line
            .as_ref()
            .ok_or_else(|| Failure::usage("no drift of this token is on record", "read it once with tokentap info"))?;
        forecast::save(
            path,
            &token_plot(&format!("Drift of {}; dashed: what its server accepts", token.key), line),
            args.force,
        )?;
    }
    let foreseen = Foreseen { token, clock };
    let drift = ShownDrift { foreseen: &foreseen, line: line.as_ref(), window: WindowReport::of(&window, is_typed) };
    output.report(&ShowReport::of(&drift, &events));
    Ok(Exit::Done)
}
