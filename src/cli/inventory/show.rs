//! `inventory show`: one token's life on one screen.

use super::{failed, forecast};
use crate::cli::Ran;
use crate::cli::args::ShowArgs;
use crate::cli::output::Output;
use crate::drift::{Fleet, Window};
use crate::inventory::{Delivery, DeliveryFilter, Event, EventFilter, Inventory, InventoryError, TokenRecord};
use crate::job::forecast::{Foreseen, watched};
use crate::job::{Exit, Failure, find};
use crate::report::{Audience, DriftLine, ShowReport, ShownBeside, ShownDrift, WindowReport, token_plot};
use crate::time::{HostClock, SystemClock};

/// How many events JSON has.
const LIMIT: u64 = 1000;

pub fn run(inventory: &dyn Inventory, args: &ShowArgs, output: &Output) -> Ran {
    let (window, from) = forecast::window(args.window.window, args.window.server.as_deref())?;
    let token = find::one(inventory, &args.token)?;
    let events = events_of(inventory, &token, LIMIT).map_err(failed)?;
    let (foreseen, line) = drift_of(inventory, token, &window)?;
    if let Some(path) = &args.plot {
        let line = line
            .as_ref()
            .ok_or_else(|| Failure::usage("no drift of this token is on record", "read it once with tokentap info"))?;
        forecast::save(path, &token_plot(&plot_title(&foreseen.token), line), args.force)?;
    }
    let drift = ShownDrift { foreseen: &foreseen, line: line.as_ref(), window: WindowReport::of(&window, from) };
    let deliveries = deliveries_of(inventory, &foreseen.token).map_err(failed)?;
    let customer_keys = inventory.device_keys(Some(&foreseen.token.key.serial)).map_err(failed)?;
    let audience = Audience::Terminal;
    let beside = ShownBeside { deliveries: &deliveries, customer_keys: &customer_keys, events: &events, audience };
    output.report(&ShowReport::of(&drift, &beside));
    Ok(Exit::Done)
}

/// The last events of a token, newest first.
///
/// # Errors
/// [`InventoryError`].
pub fn events_of(inventory: &dyn Inventory, token: &TokenRecord, most: u64) -> Result<Vec<Event>, InventoryError> {
    let (serial, slot) = (Some(token.key.serial.clone()), Some(token.key.slot));
    let filter = EventFilter { serial, slot, ..EventFilter::default() };
    let mut events = Vec::new();
    inventory.visit_events(&filter, most, &mut |event| events.push(event))?;
    Ok(events)
}

/// The servers that a token's seed was handed to.
///
/// # Errors
/// [`InventoryError`].
pub fn deliveries_of(inventory: &dyn Inventory, token: &TokenRecord) -> Result<Vec<Delivery>, InventoryError> {
    let filter = DeliveryFilter { server: None, serial: Some(token.key.serial.clone()) };
    let mut found = inventory.deliveries(&filter)?;
    found.retain(|one| one.key == token.key);
    Ok(found)
}

/// A token's forecast for a window, and its curve, if its clock is known. What is usual for its model is asked of the whole inventory, so that
/// this forecast is the one in the list.
///
/// # Errors
/// A failure of the inventory.
pub fn drift_of(
    inventory: &dyn Inventory,
    token: TokenRecord,
    window: &Window,
) -> Result<(Foreseen, Option<DriftLine>), Failure> {
    let now = SystemClock::new().now().wall;
    let watched = watched(inventory, now)?;
    let fleet = Fleet::of(watched.iter().map(|one| &one.history));
    let own = watched.into_iter().find(|one| one.token.key == token.key);
    let fit = own.as_ref().and_then(|one| fleet.fit(&one.history));
    let foreseen = Foreseen::of(token, fit, window, now);
    let line = own.zip(foreseen.clock.as_ref());
    let line = line.map(|(one, (fit, forecast))| DriftLine::of(&one.history, fit, forecast, window, now));
    Ok((foreseen, line))
}

/// The title of a token's picture.
pub fn plot_title(token: &TokenRecord) -> String {
    format!("Drift of {}; dashed: what its server accepts", token.key)
}
