//! `tokentap inventory`: what is on record, and the seeds that are sealed there.

pub mod assign;
mod check;
mod copy;
pub mod forecast;
mod lists;
#[cfg(feature = "postgres")]
mod many_desks;
mod seeds;
pub mod show;

use std::path::Path;

use super::args::{BackupArgs, ForgetArgs, Global, InitArgs, InventoryCommand};
use super::describe::{self};
use super::output::Output;
use super::record::{Store, Where, joined};
use super::{Ran, prompt, record};
#[cfg(feature = "postgres")]
use crate::inventory::{Address, InventoryError, Postgres};
use crate::inventory::{
    Deed, Entry, Event, Inventory, Outcome, SealError, SeedChange, Sqlite, TokenChange, is_log_alone,
    new_locked_identity, parse_recipient,
};
use crate::job::batch::unwritable;
use crate::job::find;
use crate::job::paths;
use crate::job::{Exit, Failure, TokenState};
use crate::report::{FilesReport, ForgetReport, InitReport};
use crate::seedfile::{SaveError, SecretFile, save_secret};
use crate::time::{HostClock, SystemClock};

pub fn run(global: &Global, command: &InventoryCommand, output: &Output) -> Ran {
    use InventoryCommand::{Assign, Backup, Export, Forget, Import, Init};
    if global.dry_run {
        return Err(super::no_dry_run());
    }
    match command {
        Init(args) => return init(global, args, output),
        InventoryCommand::Copy(args) => return copy::run(global, args, output),
        #[cfg(feature = "postgres")]
        InventoryCommand::ServeInit(args) => return many_desks::serve_init(global, args, output),
        #[cfg(feature = "postgres")]
        InventoryCommand::Join(args) => return many_desks::join(global, args, output),
        _ => {}
    }
    let store = existing(global, output)?;
    let inventory = store.inventory();
    match command {
        InventoryCommand::Tokens(args) => lists::tokens(inventory, args, output),
        InventoryCommand::Events(args) => lists::events(inventory, args, output),
        InventoryCommand::Batches(args) => lists::batches(inventory, args, output),
        InventoryCommand::Show(args) => show::run(inventory, args, output),
        InventoryCommand::Forecast(args) => forecast::run(inventory, args, output),
        Export(args) => seeds::export(inventory, global, args, output),
        Import(args) => seeds::import(inventory, global, args, output),
        Assign(args) => assign::assign(inventory, global, args, output),
        InventoryCommand::Unassign(args) => assign::unassign(inventory, global, args, output),
        Forget(args) => forget(&store, global, args, output),
        Backup(args) => backup(&store, args, output),
        InventoryCommand::Check(args) => check::run(&store, args, output),
        #[cfg(feature = "postgres")]
        InventoryCommand::Desks => many_desks::desks(&store, output),
        #[cfg(feature = "postgres")]
        InventoryCommand::Prune(args) => many_desks::prune(&store, global, args, output),
        // Done above: they do not ask for an inventory that is there.
        #[cfg(feature = "postgres")]
        InventoryCommand::ServeInit(_) | InventoryCommand::Join(_) => Ok(Exit::Done),
        Init(_) | InventoryCommand::Copy(_) => Ok(Exit::Done),
    }
}

/// The inventory that the arguments name; none is made. What is wrong with who can change it is said.
pub fn existing(global: &Global, output: &Output) -> Result<Store, Failure> {
    let located = record::locate(global).map_err(|error| record::unopened(&error))?;
    let located = located.ok_or_else(|| Failure::usage("--inventory none has nothing to show", "name a file"))?;
    // A log that lies alone is what is left of an inventory: opening says so.
    if let Where::File(path, _) = &located
        && !path.exists()
        && !is_log_alone(path)
    {
        return Err(Failure::file(
            format!("there is no inventory at {}", describe::path(path)),
            "name another with --inventory FILE; the first command on a token makes one, and so does tokentap inventory init",
        ));
    }
    let store = record::open_at(Ok(Some(located))).map_err(|error| record::unopened(&error))?;
    let store = store.ok_or_else(|| Failure::usage("--inventory none has nothing to show", "name a file"))?;
    record::told(store.standing(), false, output)?;
    Ok(store)
}

/// The file of an inventory that is in one.
///
/// # Errors
/// A usage failure: a server's is looked after with the server's own tools.
fn in_file(store: &Store) -> Result<&Sqlite, Failure> {
    match store {
        Store::File(sqlite) => Ok(sqlite),
        #[cfg(feature = "postgres")]
        Store::Server(_) => Err(Failure::usage(
            "the inventory is on a database server, which backs up its own files",
            "use the server's tools, such as pg_dump, or copy it into a file with tokentap inventory copy",
        )),
    }
}

/// A failure of the inventory where no token is in reach.
pub fn failed(error: crate::inventory::InventoryError) -> Failure {
    record::unopened(&error)
}

/// An event of now, about the record alone.
pub fn event(global: &Global, deed: Deed, serial: Option<&str>, detail: Option<String>) -> Event {
    let detail = joined(global.remark.clone(), detail);
    Event {
        at: SystemClock::new().now().wall,
        job: 0,
        station: record::station(),
        serial: serial.map(str::to_owned),
        slot: 0,
        deed,
        outcome: Outcome::Done,
        before: None,
        after: None,
        state: None,
        detail,
    }
}

fn forget(store: &Store, global: &Global, args: &ForgetArgs, output: &Output) -> Ran {
    let inventory = store.inventory();
    let token = find::one(inventory, &args.serial)?;
    let had = match (token.held_sealed(), token.held()) {
        (Some(_), _) => "its sealed seed",
        (None, Some(_)) => "the fingerprint of its seed",
        (None, None) => "whatever is known of its seed",
    };
    let who = format!("{}{}", token.name(), describe::whose(&token));
    if !args.yes {
        let is_sure = prompt::has_person()
            && !output.is_json()
            && prompt::confirms(&format!("This removes {had} from the inventory: {who}. It cannot be undone."));
        if !is_sure {
            let failure = Failure::usage(
                format!("nothing was forgotten: {who}"),
                "if that token is lost or erased, confirm with --yes; a backup first: tokentap inventory backup FILE",
            );
            return Err(failure.in_state(TokenState::RecordUnchanged));
        }
    }
    let event = event(
        global,
        Deed::Forget,
        Some(&token.key.serial),
        Some("its seed was removed from the inventory".to_owned()),
    );
    let change = TokenChange { seed: SeedChange::Forgotten, ..TokenChange::of(token.key.clone()) };
    inventory.keep(&Entry { event, token: Some(change), row: None }).map_err(failed)?;
    // Nothing of it is left in the file's log either.
    if let Some(sqlite) = store.file() {
        sqlite.settle().map_err(failed)?;
    }
    let text = format!("{who}: {had} is removed; the token itself and backups of the inventory are unchanged");
    output.report(&ForgetReport { serial: token.key.serial, forgotten: true, words: text });
    Ok(Exit::Done)
}

/// A copy of the inventory that is complete in itself, made while others may write.
fn backup(store: &Store, args: &BackupArgs, output: &Output) -> Ran {
    let inventory = in_file(store)?;
    let own = inventory.path();
    paths::check(&[("the inventory", Some(own))], &[("the backup", Some(&args.output))])?;
    if args.force && args.output.exists() && !is_inventory(&args.output) {
        return Err(Failure::file(
            format!("{} is not an inventory, and a backup does not overwrite it", describe::path(&args.output)),
            "use another file name",
        ));
    }
    // A copy of damage is no backup.
    let found = inventory.findings().map_err(failed)?;
    if !found.is_empty() {
        return Err(check::damaged(store, found));
    }
    save_whole(&args.output, args.force, |new| inventory.back_up(new).map_err(failed))?;
    let path = describe::path(&args.output);
    let text = format!(
        "{path}: a copy of {}, complete in itself; to use it, put it in the place of the inventory while no tokentap runs, \
         without the files that end in -wal and -shm",
        describe::path(own)
    );
    output.report(&FilesReport { files: vec![path], words: text });
    Ok(Exit::Done)
}

/// Whether a file has the mark of an inventory in its header.
fn is_inventory(path: &Path) -> bool {
    let mut header = [0; 72];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut header));
    read.is_ok() && header.starts_with(b"SQLite format 3\0") && header.ends_with(b"tokt")
}

/// Makes a file beside its place and renames it into it.
fn save_whole(path: &Path, force: bool, make: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let unsaved = |error: SaveError| unwritable(&error);
    // What is there is looked at, and nothing of it is kept open.
    let new = SecretFile::create(path, force).map_err(unsaved)?;
    make(new.temporary())?;
    new.commit().map_err(unsaved)
}

/// The recipients of flags.
fn recipients(given: &[String]) -> Result<Vec<String>, Failure> {
    let bad = |error: SealError| Failure::usage(error.to_string(), "use what age-keygen prints as public key");
    given.iter().map(|text| parse_recipient(text)).collect::<Result<_, _>>().map_err(bad)
}

/// The failure of an inventory that seals to others already.
fn sealed_already(to: &[String]) -> Failure {
    Failure::usage(
        format!("the inventory seals its seeds to {} already", to.join(", ")),
        "export its seeds with their identity, and import them into a new inventory",
    )
}

fn init(global: &Global, args: &InitArgs, output: &Output) -> Ran {
    let given = recipients(&args.recipient)?;
    let inventory_path = record::path(global).map_err(failed)?;
    paths::check(&[("the inventory", inventory_path.as_deref())], &[("--out", args.out.as_deref())])?;
    let located = record::locate(global).map_err(failed)?;
    let located = located.ok_or_else(|| Failure::usage("--inventory none cannot be made", "name a file"))?;
    #[cfg(feature = "postgres")]
    if let Where::Server(address) = located {
        return init_server(global, args, *address, given, output);
    }
    let store = record::open_at(Ok(Some(located))).map_err(failed)?;
    let Some(Store::File(inventory)) = store else {
        return Err(Failure::usage("--inventory none cannot be made", "name a file"));
    };
    inventory.check_alone().map_err(failed)?;
    let wants = args.passphrase || !given.is_empty();
    let sealed_to = inventory.recipients().map_err(failed)?;
    if wants && !sealed_to.is_empty() && sealed_to != given {
        return Err(sealed_already(&sealed_to));
    }
    let recipients = match &args.out {
        Some(out) => {
            let (recipient, file) = new_identity()?;
            save_secret(out, &file, false).map_err(|error| unwritable(&error))?;
            vec![recipient]
        }
        None => given,
    };
    let path = describe::path(inventory.path());
    let mut text = format!("{path} is there");
    if wants {
        let detail = format!("seeds are sealed to {} from now on", recipients.join(", "));
        text = format!("{text}; {detail}");
        inventory.set_recipients(&recipients, &event(global, Deed::Init, None, Some(detail))).map_err(failed)?;
        inventory.confirm_recipients().map_err(failed)?;
    } else if sealed_to.is_empty() {
        // Whoever makes it, or says this anew, says that it keeps no seeds.
        inventory.confirm_recipients().map_err(failed)?;
    }
    if let Some(out) = &args.out {
        text.push_str(&format!(
            "\nits identity is in {}, locked with the passphrase: without both, nobody can open the seeds; keep it \
             apart from the inventory",
            describe::path(out)
        ));
    }
    let recipients = inventory.recipients().map_err(failed)?;
    output.report(&InitReport { inventory: path, recipients, words: text });
    Ok(Exit::Done)
}

/// Makes the inventory in a database, or brings it to this version's schema.
#[cfg(feature = "postgres")]
fn init_server(global: &Global, args: &InitArgs, address: Address, given: Vec<String>, output: &Output) -> Ran {
    if args.passphrase || args.out.is_some() {
        return Err(Failure::usage(
            "an identity that opens the seeds of several desks is not made at one of them",
            "make it with age-keygen on a computer that is no desk, and name its recipient with --recipient",
        ));
    }
    let inventory = match Postgres::open(address.clone()) {
        Err(InventoryError::NotOurs(_) | InventoryError::TooOld { .. }) => Postgres::make(address),
        // A desk confirms what the owner has set, and needs no more rights for it.
        opened => opened,
    };
    let inventory = inventory.map_err(failed)?.with_pins(record::pins());
    many_desks::seal_to(&inventory, &given, global)?;
    let path = describe::path(&inventory.address().shown());
    let text = match given.as_slice() {
        [] => format!("{path} is there"),
        some => format!("{path} is there; its seeds are sealed to {}", some.join(", ")),
    };
    inventory.confirm_recipients().map_err(failed)?;
    let recipients = inventory.recipients().map_err(failed)?;
    output.report(&InitReport { inventory: path, recipients, words: text });
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
        return Err(Failure::usage("the passphrase has fewer than 8 characters", "use a longer one"));
    }
    if prompt::secret("Repeat the passphrase: ")? != first {
        return Err(Failure::usage("the passphrases do not match", "run the same command again"));
    }
    new_locked_identity(&first).map_err(|error| Failure::file(error.to_string(), "run the same command again"))
}
