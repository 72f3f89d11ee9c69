//! `tokentap server`: the servers that seeds go to.

mod add;
mod confirm;
pub mod open;

use super::args::{Global, ServerCommand, ServerMendedArgs, ServerRemoveArgs, ServerResyncArgs};
use super::inventory::{event, existing, failed};
use super::output::Output;
use super::record::{Store, identity};
use super::{Ran, verify};
use crate::inventory::{Deed, DeliveryFilter, Event, Inventory, ServerRecord, SlotKey};
use crate::job::server::{compare, mended_by_hand, pull, resync};
use crate::job::{Exit, Failure, Problem, TokenState, find};
use crate::report::{
    CompareReport, MendedByHandReport, PullReport, ResyncReport, ServerCheckReport, ServerListReport,
    ServerRemoveReport, ServerReport,
};
use open::{Opened, hindered};

pub fn run(global: &Global, command: &ServerCommand, output: &Output) -> Ran {
    let store = existing(global, output)?;
    let (inventory, remark) = (store.inventory(), global.remark.as_deref());
    match command {
        ServerCommand::Add(args) => add::run(&store, global, args, output),
        ServerCommand::List => list(inventory, output),
        ServerCommand::Remove(args) => remove(inventory, global, args, output),
        ServerCommand::Check(args) => {
            let opened = open::open(&store, &args.name, identity(args.identity.as_deref())?.as_ref())?;
            check(inventory, &opened, output)
        }
        ServerCommand::Resync(args) => find_again(&store, global, args, output),
        ServerCommand::Confirm(args) => confirm::run(&store, args, output),
        ServerCommand::Mended(args) => mended(inventory, global, args, output),
        ServerCommand::Pull(args) => {
            let opened = open::open(&store, &args.name, identity(args.identity.as_deref())?.as_ref())?;
            let pulled = opened.work(remark, inventory, pull).map_err(|why| hindered(&args.name, None, why))?;
            output.report(&PullReport::of(&args.name, pulled));
            Ok(Exit::Done)
        }
        ServerCommand::Compare(args) => {
            let opened = open::open(&store, &args.name, identity(args.identity.as_deref())?.as_ref())?;
            let found = opened.work(remark, inventory, compare).map_err(|why| hindered(&args.name, None, why))?;
            output.report(&CompareReport::of(&args.name, &found));
            Ok(if found.is_empty() { Exit::Done } else { Exit::Wrong })
        }
    }
}

/// A server on record, with the number of tokens that are there.
fn report_of(inventory: &dyn Inventory, record: &ServerRecord) -> Result<ServerReport, Failure> {
    let filter = DeliveryFilter { server: Some(record.name.clone()), serial: None };
    let deliveries = inventory.deliveries(&filter).map_err(failed)?;
    Ok(ServerReport::of(record, deliveries.iter().filter(|delivery| delivery.step.is_there()).count() as u64))
}

fn list(inventory: &dyn Inventory, output: &Output) -> Ran {
    let servers = inventory.servers().map_err(failed)?;
    let servers = servers.iter().map(|record| report_of(inventory, record)).collect::<Result<_, _>>()?;
    output.report(&ServerListReport { servers });
    Ok(Exit::Done)
}

fn remove(inventory: &dyn Inventory, global: &Global, args: &ServerRemoveArgs, output: &Output) -> Ran {
    let record = open::record(inventory, &args.name)?;
    let tokens = report_of(inventory, &record)?.tokens;
    let said = event(global, Deed::Server, None, Some(format!("{} is forgotten", args.name)));
    inventory.remove_server(&args.name, &said).map_err(failed)?;
    output.report(&ServerRemoveReport { removed: record.name, tokens });
    Ok(Exit::Done)
}

fn mended(inventory: &dyn Inventory, global: &Global, args: &ServerMendedArgs, output: &Output) -> Ran {
    let record = open::record(inventory, &args.name)?;
    let token = find::one(inventory, &args.token)?;
    let said = mended_event(global, &token.key, &record.name);
    let was_open = mended_by_hand(inventory, &record.name, &said).map_err(failed)?;
    output.report(&MendedByHandReport { server: record.name, serial: token.name(), was_open });
    Ok(Exit::Done)
}

/// The event that a token was mended at a server by hand.
pub fn mended_event(global: &Global, key: &SlotKey, server: &str) -> Event {
    let said = event(global, Deed::Mend, Some(&key.serial), Some(format!("at {server}: mended by hand")));
    Event { slot: key.slot, ..said }
}

fn check(inventory: &dyn Inventory, opened: &Opened, output: &Output) -> Ran {
    let standing = opened.server.standing().map_err(|error| open::server_failure(&opened.record.name, error))?;
    let report = ServerCheckReport::of(report_of(inventory, &opened.record)?, &standing);
    output.report(&report);
    Ok(if report.is_well() { Exit::Done } else { Exit::Wrong })
}

fn find_again(store: &Store, global: &Global, args: &ServerResyncArgs, output: &Output) -> Ran {
    let inventory = store.inventory();
    let token = find::one(inventory, &args.token)?;
    let codes: Vec<String> = args
        .codes
        .iter()
        .map(|code| verify::parse_code(code).map(|code| code.to_string()))
        .collect::<Result<_, _>>()?;
    let opened = open::open(store, &args.server.name, identity(args.server.identity.as_deref())?.as_ref())?;
    let kind = opened.settings.kind;
    if let Some(wanted) = kind.codes_to_resync().filter(|wanted| codes.len() != *wanted) {
        return Err(Failure::usage(
            format!("{} needs {wanted} codes in a row", kind.name()),
            "press the button once for each, and type them in their order",
        ));
    }
    let found = opened.work(global.remark.as_deref(), inventory, |work| resync(work, &token.key, &codes));
    let found = found.map_err(|why| hindered(&args.server.name, Some(&token.key), why))?;
    output.report(&ResyncReport { server: args.server.name.clone(), serial: token.key.serial, found });
    Ok(if found { Exit::Done } else { Exit::Wrong })
}

/// A failure of the inventory's record of a server.
fn unreadable(name: &str) -> Failure {
    let problem = Problem::File(format!("what the inventory knows of the server {name} cannot be used"));
    let next = format!(
        "run tokentap inventory check; then add {name} again under the same name, with --same-server and its other options as before (tokentap server add --help)"
    );
    Failure::new(problem, TokenState::NotReached, next)
}
