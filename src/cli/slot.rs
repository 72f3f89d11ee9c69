//! `tokentap slot`, `lock`, `unlock`, `customer-key` and `factory-reset`: what is done with a slot or a whole device beside burning.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::args::{
    CustomerKeyCommand, CustomerKeyExportArgs, CustomerKeySetArgs, DeviceArgs, FactoryResetArgs, Global, HostArgs,
    SlotClearArgs, SlotCommand, SlotOptionsArgs, SlotTitleArgs,
};
use super::host::Host;
use super::output::Output;
use super::record::{self, Need, Record};
use super::settings::on_slot;
use super::slots::{read_all_slots, records};
use super::station::{self, InReach, Workplace};
use super::writing::Writing;
use super::{Ran, describe, prompt, secret};
use crate::device::{Agreed, Family, Info, Key, Typing};
use crate::inventory::{Deed, Entry, Event, Outcome, SeedChange, TokenChange, open_device_key};
use crate::job::device_change::{ChangeRequest, DeviceChange, DeviceChanged, change_device};
use crate::job::request::{SlotRequest, Terms};
use crate::job::{Again, Exit, Failure, SlotWish, TokenState};
use crate::reader::Wanted;
use crate::report::{DeviceReport, line};
use crate::seedfile::save_secret;

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
        let request = SlotRequest { erase_seed: args.erase_seed, terms };
        return change_slot(global, request, Wanted::HotpKey, None, output);
    }
    let Some(slot) = args.slot.slot else {
        return Err(Failure::usage(
            "no slot was named",
            "name one with --slot N, or --hotp for the slot of a FIDO2 key",
        ));
    };
    let on = on_slot(&args.slot, None)?;
    let terms = Terms { family: on.family, slot, wish, ..terms(global, on.key, args.try_again)? };
    let request = SlotRequest { erase_seed: args.erase_seed, terms };
    change_slot(global, request, Wanted::Molto2, args.identity.as_deref(), output)
}

fn title(global: &Global, args: &SlotTitleArgs, output: &Output) -> Ran {
    let setting = super::args::SlotSettingArgs { digits: None, title: Some(args.title.clone()) };
    let Some(slot) = args.slot.slot else {
        return Err(Failure::usage("no slot was named", "name one with --slot N"));
    };
    let on = on_slot(&args.slot, Some(&setting))?;
    let terms = Terms { family: on.family, slot, wish: on.wish, ..terms(global, on.key, args.try_again)? };
    let request = SlotRequest { erase_seed: false, terms };
    change_slot(global, request, Wanted::Molto2, args.identity.as_deref(), output)
}

fn terms(global: &Global, key: Option<Key>, try_again: bool) -> Result<Terms, Failure> {
    let expect_serial = station::guard(global, true)?.expect_serial.map(|serial| serial.to_string());
    Ok(Terms { expect_serial, try_again, key: key.unwrap_or_default(), ..Terms::default() })
}

fn change_slot(
    global: &Global,
    mut request: SlotRequest,
    wanted: Wanted,
    identity: Option<&Path>,
    output: &Output,
) -> Ran {
    let identity = record::identity(identity)?;
    let record = Record::open(global, Need::Must, output)?;
    request.terms.opener = record.opener(identity);
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
    let (changed, station) = change_at(global, Wanted::HotpKey, &change, &OpenedBy::default(), &mut before, output)?;
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    Ok(Exit::Done)
}

/// `tokentap lock` and `tokentap unlock`.
pub fn lock_screen(global: &Global, locks: bool, args: &DeviceArgs, output: &Output) -> Ran {
    let change = DeviceChange::LockScreen(locks);
    let opened_by = OpenedBy::of(args)?;
    let (changed, station) = change_at(global, Wanted::Molto2, &change, &opened_by, &mut |_| Ok(()), output)?;
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    Ok(Exit::Done)
}

/// `tokentap customer-key`.
pub fn customer_key(global: &Global, command: &CustomerKeyCommand, output: &Output) -> Ran {
    match command {
        CustomerKeyCommand::Set(args) => set_key(global, args, output),
        CustomerKeyCommand::Check(args) => check_key(global, &OpenedBy::of(args)?, output),
        CustomerKeyCommand::Export(args) => export_key(global, args, output),
    }
}

fn set_key(global: &Global, args: &CustomerKeySetArgs, output: &Output) -> Ran {
    let opened_by = OpenedBy::of(&args.device)?;
    let new = secret::new_customer_key(&args.new_key)?;
    let is_kept = Record::open(global, Need::Must, output)?.seals()?;
    let mut before = |info: &Info| {
        let kept = match is_kept {
            true => "the inventory keeps it too, sealed",
            false => "the inventory keeps no copy, because nobody is named to seal it to (tokentap inventory init)",
        };
        let fact = format!(
            "{info}: whoever loses the new customer key can only reset the device, and every seed on it is lost then; keep the key \
             where you keep backups; {kept}"
        );
        if args.yes || (prompt::has_person() && !output.is_json() && prompt::confirms(&fact)) {
            return Ok(());
        }
        Err(Failure::usage(fact, "if it is kept, use --yes").in_state(TokenState::Untouched))
    };
    let change = DeviceChange::Key(new.key.clone());
    let try_again = opened_by.try_again;
    let opened_by = OpenedBy { to_keep: Some(new.text.clone()), ..opened_by };
    let (changed, station) = change_at(global, Wanted::Molto2, &change, &opened_by, &mut before, output)?;
    if prompt::has_person() && !output.is_json() {
        let question = "Press ▲ on the device to confirm the new key, then Enter here: ";
        let _ = prompt::line(question, TokenState::InHand(vec![changed.info.serial.to_string()]), Again::Same);
        let by_new = OpenedBy { key: new.key, to_keep: Some(new.text), identity: None, try_again };
        return check_key(global, &by_new, output);
    }
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    output.note(
        "the new key counts when its button was pressed; then check it, once: tokentap customer-key check --customer-key FILE",
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

/// Writes the key that the inventory keeps of a device to a file of its owner's.
fn export_key(global: &Global, args: &CustomerKeyExportArgs, output: &Output) -> Ran {
    if global.dry_run {
        return Err(super::no_dry_run());
    }
    let serial = describe::without_blanks(&args.serial);
    let identity = record::identity(Some(&args.identity))?;
    let record = Record::open(global, Need::Must, output)?;
    let (Some(books), Some(opener)) = (record.books(), record.opener(identity)) else {
        return Err(Failure::file("there is no inventory", "name the one that keeps the key with --inventory FILE"));
    };
    let kept = books.device_keys(Some(&serial)).map_err(Failure::from)?;
    let Some(latest) = kept.first() else {
        let fact = format!("the inventory keeps no customer key of {}", describe::given(&args.serial));
        return Err(Failure::usage(fact, "see what it knows: tokentap inventory show SERIAL"));
    };
    let text = open_device_key(latest, &opener.0)
        .map_err(|error| Failure::usage(error.to_string(), "name the identity that it is sealed to"))?;
    save_secret(&args.out, &text, false).map_err(|error| {
        Failure::file(
            format!("{}: {error}", describe::path(&args.out)),
            "name a file that is not there, in a folder of your own",
        )
    })?;
    let in_doubt = if latest.proved.is_none() { "; the device is not known to have it" } else { "" };
    output.text(&format!("the customer key of {serial} is in {}{in_doubt}", describe::path(&args.out)));
    Ok(Exit::Done)
}

/// What opens a device that has a key of its owner's.
#[derive(Default)]
struct OpenedBy {
    /// The key that was stated.
    key: Key,
    /// The stated or the new key as its owner has it, for the inventory to keep.
    to_keep: Option<Zeroizing<Vec<u8>>>,
    /// The identity that opens the key that the inventory keeps.
    identity: Option<PathBuf>,
    /// Try it also where the device has refused it.
    try_again: bool,
}

impl OpenedBy {
    /// As the arguments say.
    ///
    /// # Errors
    /// A failure of the file with the key.
    fn of(args: &DeviceArgs) -> Result<Self, Failure> {
        let stated = args.customer_key.as_deref().map(secret::customer_key).transpose()?;
        let (identity, try_again) = (args.identity.clone(), args.try_again);
        Ok(match stated {
            Some(stated) => Self { key: stated.key, to_keep: Some(stated.text), identity, try_again },
            None => Self { identity, try_again, ..Self::default() },
        })
    }
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
    let opened_by = OpenedBy { try_again: true, ..OpenedBy::default() };
    let (changed, station) = change_at(global, Wanted::Molto2, &change, &opened_by, &mut before, output)?;
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
    recorder.forget_keys(&changed.info).map_err(Failure::from)
}

/// Changes the device at the reader.
fn change_at(
    global: &Global,
    wanted: Wanted,
    change: &DeviceChange,
    opened_by: &OpenedBy,
    before: &mut dyn FnMut(&Info) -> Result<(), Failure>,
    output: &Output,
) -> Result<(DeviceChanged, InReach), Failure> {
    if global.dry_run {
        return Err(super::no_dry_run());
    }
    let identity = record::identity(opened_by.identity.as_deref())?;
    let record = Record::open(global, Need::Must, output)?;
    let opener = record.opener(identity);
    let host = Host::assess(&HostArgs::default())?;
    let guard = station::guard(global, true)?;
    let desk = Workplace::new(global, &host, &record, output).wanting(wanted);
    let clock = host.clock();
    desk.work(&mut |station| {
        let recorder = record.recorder(Deed::Device, &station.reader, station.emulated);
        let mut request = ChangeRequest {
            change,
            guard: &guard,
            key: &opened_by.key,
            opener: opener.as_ref(),
            to_keep: opened_by.to_keep.as_ref(),
            tries_again: opened_by.try_again,
            before: &mut *before,
        };
        change_device(&mut *station.device, &clock, &recorder, &mut request)
    })
}
