//! `tokentap slot`, `lock`, `unlock`, `customer-key` and `factory-reset`: what is done with a slot or a whole device beside burning.

use super::args::{
    CustomerKeyCommand, DeviceArgs, FactoryResetArgs, Global, HostArgs, SlotClearArgs, SlotCommand, SlotOptionsArgs,
    SlotTitleArgs,
};
use super::host::Host;
use super::output::Output;
use super::record::{Need, Record};
use super::settings::on_slot;
use super::slots::{read_all_slots, records};
use super::station::{self, InReach, Workplace};
use super::writing::Writing;
use super::{Ran, prompt, secret};
use crate::device::{Agreed, Family, Info, Key, Typing};
use crate::inventory::{Deed, Entry, Event, Outcome, SeedChange, TokenChange};
use crate::job::device_change::{ChangeRequest, DeviceChange, DeviceChanged, change_device};
use crate::job::request::{SlotRequest, Terms};
use crate::job::{Again, Exit, Failure, SlotWish, TokenState};
use crate::reader::Wanted;
use crate::report::{DeviceReport, line};

pub fn run(global: &Global, command: &SlotCommand, output: &Output) -> Ran {
    match command {
        SlotCommand::Clear(args) => clear(global, args, output),
        SlotCommand::Title(args) => title(global, args, output),
        SlotCommand::Options(args) => options(global, args, output),
    }
}

fn clear(global: &Global, args: &SlotClearArgs, output: &Output) -> Ran {
    let wish = SlotWish { clears: true, ..SlotWish::default() };
    if args.hotp {
        let terms = Terms { family: Family::HotpKey, wish, ..terms(global, None, args.try_again)? };
        return change_slot(global, SlotRequest { erase_seed: args.erase_seed, terms }, Wanted::HotpKey, output);
    }
    let Some(slot) = args.slot.slot else {
        return Err(Failure::usage(
            "no slot was named",
            "name one with --slot N, or --hotp for the slot of a FIDO2 key",
        ));
    };
    let on = on_slot(&args.slot, None)?;
    let terms = Terms { family: on.family, slot, wish, ..terms(global, on.key, args.try_again)? };
    change_slot(global, SlotRequest { erase_seed: args.erase_seed, terms }, Wanted::Molto2, output)
}

fn title(global: &Global, args: &SlotTitleArgs, output: &Output) -> Ran {
    let setting = super::args::SlotSettingArgs { digits: None, title: Some(args.title.clone()) };
    let Some(slot) = args.slot.slot else {
        return Err(Failure::usage("no slot was named", "name one with --slot N"));
    };
    let on = on_slot(&args.slot, Some(&setting))?;
    let terms = Terms { family: on.family, slot, wish: on.wish, ..terms(global, on.key, args.try_again)? };
    change_slot(global, SlotRequest { erase_seed: false, terms }, Wanted::Molto2, output)
}

fn terms(global: &Global, key: Option<Key>, try_again: bool) -> Result<Terms, Failure> {
    let expect_serial = station::guard(global, true)?.expect_serial.map(|serial| serial.to_string());
    Ok(Terms { expect_serial, try_again, key: key.unwrap_or_default(), ..Terms::default() })
}

fn change_slot(global: &Global, request: SlotRequest, wanted: Wanted, output: &Output) -> Ran {
    let record = Record::open(global, Need::Must, output)?;
    let host = Host::assess(&HostArgs::default())?;
    let writing = Writing::new(global, &host, &record, request.prepare()?, output);
    let desk = Workplace::new(global, &host, &record, output).wanting(wanted);
    if global.dry_run {
        return desk.work(&mut |station| writing.show(station)).map(|(exit, _)| exit);
    }
    let (outcome, station) = desk.work(&mut |station| writing.run(station, &mut |_, _| Ok(())))?;
    let report = crate::report::WriteReport::of(&outcome, &station.reader, station.emulated);
    if output.is_json() {
        output.report(&report);
    } else {
        output.text(&line(&outcome, station.emulated));
    }
    Ok(Exit::Done)
}

fn options(global: &Global, args: &SlotOptionsArgs, output: &Output) -> Ran {
    let long_touch = args.touch.as_deref().map(|touch| touch == "long");
    let numpad = args.keys.as_deref().map(|keys| keys == "pad");
    let typing = Typing { enter: args.enter, long_touch, numpad, keyboard: args.keyboard };
    if typing == Typing::default() {
        return Err(Failure::usage("no option was named", "use --enter, --touch, --keys or --keyboard"));
    }
    let mut before = |_: &Info| Ok(());
    let change = DeviceChange::Typing(typing);
    let (changed, station) = change_at(global, Wanted::HotpKey, &change, (&Key::Factory, false), &mut before, output)?;
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    Ok(Exit::Done)
}

/// `tokentap lock` and `tokentap unlock`.
pub fn lock_screen(global: &Global, locks: bool, args: &DeviceArgs, output: &Output) -> Ran {
    let key = args.customer_key.as_deref().map(secret::customer_key).transpose()?.unwrap_or_default();
    let change = DeviceChange::LockScreen(locks);
    let (changed, station) =
        change_at(global, Wanted::Molto2, &change, (&key, args.try_again), &mut |_| Ok(()), output)?;
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    Ok(Exit::Done)
}

/// `tokentap customer-key`.
pub fn customer_key(global: &Global, command: &CustomerKeyCommand, output: &Output) -> Ran {
    let (device, new) = match command {
        CustomerKeyCommand::Set(args) => (&args.device, Some(&args.new_key)),
        CustomerKeyCommand::Check(args) => (args, None),
    };
    let key = device.customer_key.as_deref().map(secret::customer_key).transpose()?.unwrap_or_default();
    let new = new.map(|path| secret::new_customer_key(path)).transpose()?;
    let Some(new) = new else { return check_key(global, &key, device.try_again, output) };
    let is_set = matches!(command, CustomerKeyCommand::Set(args) if args.yes);
    let mut before = |info: &Info| {
        let fact = format!(
            "{info}: whoever loses the new customer key can only reset the device, and every seed on it is lost then; keep the key \
             where you keep backups"
        );
        if is_set || (prompt::has_person() && !output.is_json() && prompt::confirms(&fact)) {
            return Ok(());
        }
        Err(Failure::usage(fact, "if it is kept, use --yes").in_state(TokenState::Untouched))
    };
    let change = DeviceChange::Key(new.clone());
    let (changed, station) = change_at(global, Wanted::Molto2, &change, (&key, device.try_again), &mut before, output)?;
    if prompt::has_person() && !output.is_json() {
        let question = "Press ▲ on the device to confirm the new key, then Enter here: ";
        let _ = prompt::line(question, TokenState::InHand(vec![changed.info.serial.to_string()]), Again::Same);
        return check_key(global, &new, device.try_again, output);
    }
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    output.note(
        "the new key counts when its button was pressed; then check it, once: tokentap customer-key check --customer-key FILE",
    );
    Ok(Exit::Undone)
}

/// One attempt that proves a key.
fn check_key(global: &Global, key: &Key, try_again: bool, output: &Output) -> Ran {
    let change = DeviceChange::Nothing;
    let (changed, station) = change_at(global, Wanted::Molto2, &change, (key, try_again), &mut |_| Ok(()), output)?;
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    Ok(Exit::Done)
}

/// `tokentap factory-reset`.
pub fn factory_reset(global: &Global, args: &FactoryResetArgs, output: &Output) -> Ran {
    let record = Record::open(global, Need::Must, output)?;
    let mut before = |info: &Info| {
        let known = records(&record, info)?;
        let held = known.iter().filter(|token| token.held().is_some());
        let users: Vec<String> = held
            .map(|token| {
                let user = token.user.as_deref().unwrap_or("nobody on record");
                format!("slot {} of {}", token.key.slot, crate::plain::plain(user))
            })
            .collect();
        let users = if users.is_empty() { "none of its seeds is on record".to_owned() } else { users.join(", ") };
        let fact = format!("{info}: all of its seeds, titles and its customer key would be erased for good: {users}");
        if args.erase_all || (prompt::has_person() && !output.is_json() && prompt::confirms(&fact)) {
            return Ok(());
        }
        Err(Failure::usage(fact, "if nobody needs them any more, use --erase-all").in_state(TokenState::Untouched))
    };
    let change = DeviceChange::Reset;
    let (changed, station) = change_at(global, Wanted::Molto2, &change, (&Key::Factory, true), &mut before, output)?;
    if changed.agreed == Agreed::WaitsForButton && prompt::has_person() && !output.is_json() {
        let state = TokenState::InHand(vec![changed.info.serial.to_string()]);
        let _ = prompt::line("Press ▲ on the device to confirm, then Enter here: ", state, Again::Same);
    }
    // Its word is not enough: some firmware says that it is done while it waits.
    let host = Host::assess(&HostArgs::default())?;
    let mut desk = Workplace::new(global, &host, &record, output).wanting(Wanted::Molto2);
    let (read, _) = read_all_slots(global, &mut desk, &record)?;
    if !read.seeded().is_empty() {
        let waits = DeviceChanged { agreed: Agreed::WaitsForButton, ..changed };
        output.report(&DeviceReport::of(&change, &waits, &station.reader, station.emulated));
        output.note(
            "its seeds are still there: nothing is erased before its button is pressed; then run the same command again, which reads it",
        );
        return Ok(Exit::Undone);
    }
    erased(&record, &changed, &station)?;
    let done = DeviceChanged { agreed: Agreed::Done, ..changed };
    output.report(&DeviceReport::of(&change, &done, &station.reader, station.emulated));
    Ok(Exit::Done)
}

/// Puts on record that every slot of a device is empty.
fn erased(record: &Record, changed: &DeviceChanged, station: &InReach) -> Result<(), Failure> {
    let Some(books) = record.books() else { return Ok(()) };
    let recorder = record.recorder(Deed::Device, &station.reader, station.emulated);
    for token in records(record, &changed.info)? {
        let at = chrono::Utc::now();
        let event = Event {
            serial: Some(token.key.serial.clone()),
            slot: token.key.slot,
            at,
            ..recorder.blank_event(at, Outcome::Done)
        };
        let change = TokenChange { seed: SeedChange::Erased, ..TokenChange::of(token.key.clone()) };
        books.keep(&Entry { event, token: Some(change), row: None }).map_err(Failure::from)?;
    }
    Ok(())
}

/// Changes the device at the reader.
fn change_at(
    global: &Global,
    wanted: Wanted,
    change: &DeviceChange,
    (key, tries_again): (&Key, bool),
    before: &mut dyn FnMut(&Info) -> Result<(), Failure>,
    output: &Output,
) -> Result<(DeviceChanged, InReach), Failure> {
    if global.dry_run {
        return Err(super::no_dry_run());
    }
    let record = Record::open(global, Need::Must, output)?;
    let host = Host::assess(&HostArgs::default())?;
    let guard = station::guard(global, true)?;
    let desk = Workplace::new(global, &host, &record, output).wanting(wanted);
    let clock = host.clock();
    desk.work(&mut |station| {
        let recorder = record.recorder(Deed::Device, &station.reader, station.emulated);
        let mut request = ChangeRequest { change, guard: &guard, key, tries_again, before: &mut *before };
        change_device(&mut *station.device, &clock, &recorder, &mut request)
    })
}
