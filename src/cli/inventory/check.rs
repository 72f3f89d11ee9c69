//! `inventory check`: everything that can be found wrong with an inventory, and what is in it.

use super::failed;
use crate::cli::args::CheckArgs;
use crate::cli::output::Output;
use crate::cli::store::Store;
use crate::cli::{Ran, record};
use crate::device::customer_key;
use crate::inventory::{TokenFilter, open_device_key, open_of};
use crate::job::{Exit, Failure, Problem, TokenState};
use crate::report::CheckReport;

pub fn run(store: &Store, args: &CheckArgs, output: &Output) -> Ran {
    let identity = record::identity(args.identity.as_deref())?;
    let (inventory, path) = (store.inventory(), store.name());
    let mut found = store.findings().map_err(failed)?;
    let (mut tokens, mut sealed, mut pending, mut opened) = (0_u64, 0_u64, 0_u64, 0_u64);
    if found.is_empty() {
        let key = inventory.fingerprint_key().clone();
        let visited = inventory.visit_tokens(&TokenFilter::default(), u64::MAX, &mut |token| {
            tokens += 1;
            sealed += u64::from(token.sealed.is_some());
            pending += u64::from(token.pending.is_some());
            // Opened, and held against the record that it stands in.
            let Some(identity) = identity.as_ref().filter(|_| token.held_sealed().is_some()) else { return };
            match open_of(&token, &key, identity) {
                Ok(_) => opened += 1,
                Err(error) => found.push(format!("the token {}: {error}", token.key.serial)),
            }
        });
        visited.map_err(failed)?;
        for kept in inventory.device_keys(None).map_err(failed)? {
            let Some(identity) = &identity else { continue };
            let is_it = |text: &[u8]| key.of_token_key(customer_key(text).bytes(&[])) == kept.key;
            let Some(sealed) = &kept.sealed else { continue };
            match open_device_key(sealed, &kept.serial, identity) {
                Ok(text) if is_it(&text) => {}
                Ok(_) => found
                    .push(format!("the customer key of {}: it is another one than its fingerprint says", kept.serial)),
                Err(error) => found.push(format!("the customer key of {}: {error}", kept.serial)),
            }
        }
    }
    if !found.is_empty() {
        return Err(damaged(store, found));
    }
    let opened = identity.is_some().then_some(opened);
    let batches = inventory.batches(None).map_err(failed)?;
    let open = batches.iter().filter(|batch| batch.closed.is_none()).count();
    let recipients = inventory.recipients().map_err(failed)?;
    output.report(&CheckReport {
        inventory: path,
        tokens,
        sealed,
        opened,
        unfinished: pending,
        batches: batches.len(),
        open_batches: open,
        recipients,
    });
    Ok(Exit::Done)
}

/// The failure of an inventory that is damaged.
pub(super) fn damaged(store: &Store, found: Vec<String>) -> Failure {
    let problem = Problem::InventoryDamaged { path: store.name(), count: found.len() };
    let next = match store.file() {
        Some(_) => "stop using it; put a backup in its place (docs/desk.md), or keep it aside and start a new one",
        None => "stop using it, and show this to whoever runs the database: a dump brings it back (docs/many-desks.md)",
    };
    Failure::new(problem, TokenState::RecordUnchanged, next).with_details(found)
}
