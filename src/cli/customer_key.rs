//! `tokentap customer-key`: another key for a device, a look whether one is its own, and the one that the inventory keeps.

use std::path::Path;

use super::args::{CustomerKeyCommand, CustomerKeyExportArgs, CustomerKeySetArgs, Global};
use super::device::{OpenedBy, change_at};
use super::output::Output;
use super::record::{self, Need, Record};
use super::{Ran, describe, prompt, secret};
use crate::device::Info;
use crate::inventory::{DeviceKey, SlotKey, open_device_key};
use crate::job::device_change::DeviceChange;
use crate::job::{Again, Exit, Failure, TokenState};
use crate::reader::Wanted;
use crate::report::{DeviceReport, KeyFileReport};
use crate::seedfile::save_secret;

/// `tokentap customer-key`.
pub fn run(global: &Global, command: &CustomerKeyCommand, output: &Output) -> Ran {
    match command {
        CustomerKeyCommand::Set(args) => set_key(global, args, output),
        CustomerKeyCommand::Check(args) => check_key(global, &OpenedBy::of(args)?, output),
        CustomerKeyCommand::Export(args) => export_key(global, args, output),
    }
}

fn set_key(global: &Global, args: &CustomerKeySetArgs, output: &Output) -> Ran {
    let opened_by = OpenedBy::of(&args.device)?;
    let new = secret::new_customer_key(&args.new_key)?;
    let kept = match Record::open(global, Need::Must, output)?.seals()? {
        true => "the inventory keeps it too, sealed",
        false => "the inventory keeps no copy, because nobody is named to seal it to (tokentap inventory init)",
    };
    let mut before = |info: &Info| {
        let fact = format!(
            "{info}: whoever loses the new customer key can only reset the device, and every seed on it is lost then; keep the key \
             where you keep backups; {kept}"
        );
        if args.yes {
            output.note(&format!("whoever loses the new customer key can only reset the device; {kept}"));
            return Ok(());
        }
        if prompt::has_person() && !output.is_json() && prompt::confirms(&fact) {
            return Ok(());
        }
        Err(Failure::usage(fact, "if it is kept, use --yes").in_state(TokenState::Untouched))
    };
    let change = DeviceChange::Key(new.key.clone());
    let try_again = opened_by.try_again;
    let opened_by = OpenedBy { new_text: Some(new.text.clone()), ..opened_by };
    let (changed, station) = change_at(global, Wanted::Molto2, &change, &opened_by, &mut before, output)?;
    if prompt::has_person() && !output.is_json() {
        let question = "Press ▲ on the device to confirm the new key, then Enter here: ";
        let serial = changed.info.serial.clone();
        let _ = prompt::line(question, TokenState::InHand(vec![serial.to_string()]), Again::Same);
        let by_new =
            OpenedBy { key: new.key, text: Some(new.text), serial: Some(serial), try_again, ..OpenedBy::default() };
        return check_key(global, &by_new, output);
    }
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    output.note(
        "the new key counts when its button was pressed; then check it, once: tokentap customer-key check --customer-key FILE, with the file of the new key",
    );
    Ok(Exit::Undone)
}

/// One attempt that proves a key.
fn check_key(global: &Global, opened_by: &OpenedBy, output: &Output) -> Ran {
    let change = DeviceChange::Nothing;
    let (changed, station) = change_at(global, Wanted::Molto2, &change, opened_by, &mut |_| Ok(()), output)?;
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    Ok(Exit::Done)
}

/// Writes the key that the inventory keeps of a device to a file of its owner's: the one that the device is known to have, if it is.
fn export_key(global: &Global, args: &CustomerKeyExportArgs, output: &Output) -> Ran {
    if global.dry_run {
        return Err(super::no_dry_run());
    }
    if args.out == Path::new("-") {
        return Err(Failure::usage("a customer key is not shown", "name a file with --out FILE"));
    }
    let typed = describe::without_blanks(&args.serial);
    let serial = SlotKey::of_text(&typed).0.to_owned();
    let identity = record::identity(Some(&args.identity))?;
    let record = Record::open(global, Need::Must, output)?;
    let (Some(books), Some(opener)) = (record.books(), record.opener(identity)) else {
        return Err(Failure::file("there is no inventory", "name the one that keeps the key with --inventory FILE"));
    };
    let kept = books.device_keys(Some(&serial)).map_err(Failure::from)?;
    let sealed = |kept: &&DeviceKey| kept.sealed.is_some();
    let own = kept.iter().filter(sealed).find(|kept| kept.proved.is_some());
    let Some(chosen) = own.or_else(|| kept.iter().find(sealed)) else {
        let fact = format!("the inventory keeps no customer key of {}", describe::given(&args.serial));
        return Err(Failure::usage(fact, "use the whole serial, as tokentap inventory tokens lists it"));
    };
    let text = open_device_key(chosen.sealed.as_deref().unwrap_or_default(), &serial, &opener.0)
        .map_err(|error| Failure::usage(error.to_string(), "name the identity that it is sealed to"))?;
    save_secret(&args.out, &text, false).map_err(|error| {
        Failure::file(
            format!("{}: {error}", describe::path(&args.out)),
            "name a file that is not there, in a folder of your own",
        )
    })?;
    output.report(&KeyFileReport { serial, file: describe::path(&args.out), is_its_own: chosen.proved.is_some() });
    Ok(Exit::Done)
}
