//! `tokentap inventory`: what is on record, and the seeds that are sealed there.

mod lists;
mod seeds;
mod show;

use serde_json::json;

use super::args::{AssignArgs, Global, InitArgs, InventoryCommand, ShowArgs};
use super::describe::{self, fields, plain};
use super::output::Output;
use super::{Ran, prompt, record};
use crate::inventory::{
    Deed, Entry, Event, Inventory, Outcome, SeedChange, Sqlite, TokenChange, new_locked_identity, parse_recipient,
};
use crate::job::{Exit, Failure};
use crate::seedfile::save_secret;
use crate::time::{HostClock, SystemClock};
use crate::token::{Model, Serial};

pub fn run(global: &Global, command: &InventoryCommand, output: &Output) -> Ran {
    use InventoryCommand::{Assign, Export, Forget, Import, Init};
    if global.dry_run && matches!(command, Assign(_) | Export(_) | Forget(_) | Import(_) | Init(_)) {
        return Err(Failure::usage("--dry-run shows what would be done to a token", "leave it out"));
    }
    let open = || existing(global);
    match command {
        InventoryCommand::Tokens(args) => lists::tokens(&mut open()?, args, output),
        InventoryCommand::Events(args) => lists::events(&mut open()?, args, output),
        InventoryCommand::Batches(args) => lists::batches(&mut open()?, args, output),
        InventoryCommand::Show(args) => show::run(&mut open()?, &args.serial, output),
        Export(args) => seeds::export(&mut open()?, args, output),
        Import(args) => seeds::import(&mut open()?, args, output),
        Assign(args) => assign(&mut open()?, args, output),
        Forget(args) => forget(&mut open()?, args, output),
        InventoryCommand::Check => check(&mut open()?, output),
        Init(args) => init(global, args, output),
    }
}

/// The inventory that the arguments name; none is made.
fn existing(global: &Global) -> Result<Sqlite, Failure> {
    let path = record::path(global).map_err(|error| record::unopened(&error))?;
    let path = path.ok_or_else(|| Failure::usage("--inventory none has nothing to show", "name a file"))?;
    if !path.exists() {
        return Err(Failure::file(
            format!("there is no inventory at {}", describe::path(&path)),
            "name another with --inventory FILE; the first command on a token makes one, and so does tokentap inventory init",
        ));
    }
    Sqlite::open(&path).map_err(|error| record::unopened(&error))
}

/// A failure of the inventory where no token is in reach.
fn failed(error: crate::inventory::InventoryError) -> Failure {
    record::unopened(&error)
}

/// An event of now, about the record alone.
fn event(deed: Deed, serial: Option<&str>, detail: Option<String>) -> Event {
    Event {
        at: SystemClock::new().now().wall,
        job: 0,
        station: record::station(),
        serial: serial.map(str::to_owned),
        deed,
        outcome: Outcome::Done,
        before: None,
        after: None,
        state: None,
        detail,
    }
}

/// A serial that somebody typed, as the inventory has it.
fn serial(text: &str) -> Result<String, Failure> {
    let serial = Serial::new(text).map(|serial| serial.to_string());
    serial.ok_or_else(|| Failure::usage("that is not a serial", "give the digits on the back of the token"))
}

/// A token that must be on record.
fn known(inventory: &mut Sqlite, text: &str) -> Result<crate::inventory::TokenRecord, Failure> {
    let serial = serial(text)?;
    inventory.token(&serial).map_err(failed)?.ok_or_else(|| {
        Failure::usage(
            format!("the inventory knows no token {}", plain(&serial)),
            "tokentap inventory tokens lists those it knows",
        )
    })
}

fn assign(inventory: &mut Sqlite, args: &AssignArgs, output: &Output) -> Ran {
    let serial = serial(&args.serial)?;
    let user = args.user.trim();
    if user.is_empty() || user.chars().any(char::is_control) {
        return Err(Failure::usage("that is not a user", "give a UPN or login name"));
    }
    let is_known = inventory.token(&serial).map_err(failed)?.is_some();
    if !is_known && Model::of_serial(&serial).is_none() {
        return Err(Failure::usage(
            format!("the inventory knows no token {}, and no model has such serials", plain(&serial)),
            "give the digits on the back of the token",
        ));
    }
    let event = event(Deed::Assign, Some(&serial), Some(format!("to {user}")));
    let change = TokenChange { user: Some(user.to_owned()), ..TokenChange::of(serial.as_str()) };
    inventory.keep(&Entry { event, token: Some(change), row: None }).map_err(failed)?;
    let object = fields([("serial", json!(serial)), ("user", json!(user))]);
    output.report(&format!("{serial} belongs to {}", plain(user)), object);
    Ok(Exit::Done)
}

fn forget(inventory: &mut Sqlite, args: &ShowArgs, output: &Output) -> Ran {
    let token = known(inventory, &args.serial)?;
    let event = event(Deed::Forget, Some(&token.serial), Some("its seed was removed from the inventory".to_owned()));
    let change = TokenChange { seed: SeedChange::Forgotten, ..TokenChange::of(token.serial.as_str()) };
    inventory.keep(&Entry { event, token: Some(change), row: None }).map_err(failed)?;
    inventory.settle().map_err(failed)?;
    let had = match (&token.sealed, &token.seed) {
        (Some(_), _) => "its sealed seed",
        (None, Some(_)) => "the fingerprint of its seed",
        (None, None) => "whatever was known of its seed",
    };
    let text =
        format!("{}: {had} is removed; what the token holds is as it was, and backups keep theirs", token.serial);
    output.report(&text, fields([("serial", json!(token.serial)), ("forgotten", json!(true))]));
    Ok(Exit::Done)
}

fn check(inventory: &mut Sqlite, output: &Output) -> Ran {
    inventory.quick_check().map_err(failed)?;
    let (mut tokens, mut sealed, mut pending) = (0_u64, 0_u64, 0_u64);
    let mut count = |token: crate::inventory::TokenRecord| {
        tokens += 1;
        sealed += u64::from(token.sealed.is_some());
        pending += u64::from(token.pending.is_some());
    };
    inventory.visit_tokens(&crate::inventory::TokenFilter::default(), u64::MAX, &mut count).map_err(failed)?;
    let batches = inventory.batches(None).map_err(failed)?;
    let open = batches.iter().filter(|batch| batch.closed.is_none()).count();
    let recipients = inventory.recipients().to_vec();
    let seeds = match recipients.as_slice() {
        [] => "it keeps no seeds, only their fingerprints".to_owned(),
        some => format!("seeds are sealed to {}", some.join(", ")),
    };
    let path = describe::path(inventory.path());
    let text = format!(
        "{path}: nothing wrong\n  {tokens} tokens, {sealed} with a sealed seed, {pending} with a job of unknown end\n  {} \
         batches, {open} open\n  {seeds}",
        batches.len()
    );
    let object = fields([
        ("inventory", json!(path)),
        ("tokens", json!(tokens)),
        ("sealed", json!(sealed)),
        ("unfinished", json!(pending)),
        ("batches", json!(batches.len())),
        ("open_batches", json!(open)),
        ("recipients", json!(recipients)),
    ]);
    output.report(&text, object);
    Ok(Exit::Done)
}

fn init(global: &Global, args: &InitArgs, output: &Output) -> Ran {
    let bad = |error: crate::inventory::SealError| {
        Failure::usage(error.to_string(), "give what age-keygen prints as public key")
    };
    let given: Vec<String> =
        args.recipient.iter().map(|text| parse_recipient(text)).collect::<Result<_, _>>().map_err(bad)?;
    let mut inventory = record::open_sqlite(global)
        .map_err(|error| record::unopened(&error))?
        .ok_or_else(|| Failure::usage("--inventory none cannot be made", "name a file"))?;
    let wants = args.passphrase || !given.is_empty();
    if wants && !inventory.recipients().is_empty() && inventory.recipients() != given {
        return Err(Failure::usage(
            format!("the inventory seals its seeds to {} already", inventory.recipients().join(", ")),
            "export its seeds with their identity, and import them into a new inventory",
        ));
    }
    let recipients = match &args.out {
        Some(out) => {
            let (recipient, file) = new_identity()?;
            save_secret(out, &file, false).map_err(|error| super::seeds::save_failed(&error))?;
            vec![recipient]
        }
        None => given,
    };
    let path = describe::path(inventory.path());
    let mut text = format!("{path} is there");
    if wants {
        inventory.set_recipients(&recipients).map_err(failed)?;
        let detail = format!("seeds are sealed to {} from now on", recipients.join(", "));
        text = format!("{text}; {detail}");
        inventory.keep(&Entry::of(event(Deed::Init, None, Some(detail)))).map_err(failed)?;
    }
    if let Some(out) = &args.out {
        text.push_str(&format!(
            "\nits identity is in {}, locked with the passphrase: without both nobody opens the seeds again; keep it \
             apart from the inventory",
            describe::path(out)
        ));
    }
    let object = fields([("inventory", json!(path)), ("recipients", json!(inventory.recipients()))]);
    output.report(&text, object);
    Ok(Exit::Done)
}

/// Asks for a passphrase twice, and makes an identity that it locks.
fn new_identity() -> Result<(String, Vec<u8>), Failure> {
    if !prompt::has_person() {
        return Err(Failure::usage(
            "a passphrase is asked for, and there is no terminal",
            "make an identity with age-keygen, and name its recipient with --recipient",
        ));
    }
    let first = prompt::secret("A passphrase for the identity (not shown): ")?;
    if first.chars().count() < 8 {
        return Err(Failure::usage("the passphrase has less than 8 characters", "take a longer one"));
    }
    if prompt::secret("The same again: ")? != first {
        return Err(Failure::usage("the two are not the same", "run the same command again"));
    }
    new_locked_identity(&first).map_err(|error| Failure::file(error.to_string(), "run the same command again"))
}
