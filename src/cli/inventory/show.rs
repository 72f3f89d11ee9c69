//! `inventory show`: one token's life on one screen.

use super::failed;
use crate::cli::Ran;
use crate::cli::output::Output;
use crate::inventory::{EventFilter, Inventory};
use crate::job::Exit;
use crate::job::find;
use crate::report::ShowReport;

/// How many events JSON has.
const LIMIT: u64 = 1000;

pub fn run(inventory: &dyn Inventory, text: &str, output: &Output) -> Ran {
    let token = find::one(inventory, text)?;
    let filter = EventFilter { serial: Some(token.key.serial.clone()), ..EventFilter::default() };
    let mut events = Vec::new();
    inventory.visit_events(&filter, LIMIT, &mut |event| events.push(event)).map_err(failed)?;
    output.report(&ShowReport::of(&token, &events));
    Ok(Exit::Done)
}
