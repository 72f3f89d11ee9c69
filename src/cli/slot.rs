//! `tokentap slot`: what is done with a slot beside burning.

use std::path::Path;
use std::time::{Duration, Instant};

use super::args::{Global, HostArgs, SlotClearArgs, SlotCommand, SlotOptionsArgs, SlotTitleArgs};
use super::device::{OpenedBy, change_at, check_opener, check_same_device};
use super::host::Host;
use super::output::Output;
use super::record::{self, Need, Record};
use super::settings::on_slot;
use super::slots::read_all_slots;
use super::station::{self, Workplace};
use super::writing::Writing;
use super::{Ran, interrupt};
use crate::device::{Family, Info, Key, Typing};
use crate::job::device_change::DeviceChange;
use crate::job::remedy::TokenRemedy;
use crate::job::request::{SlotRequest, Terms};
use crate::job::{Again, Exit, Failure, Problem, SlotWish, TokenState};
use crate::reader::Wanted;
use crate::report::{DeviceReport, line};

/// How long a key is waited for that left because its interfaces were changed.
const COMES_BACK_WITHIN: Duration = Duration::from_secs(10);

/// How often it is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

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
    named: Option<&Path>,
    output: &Output,
) -> Ran {
    let identity = record::identity(named)?;
    let record = Record::open(global, Need::Must, output)?;
    check_opener(named, &record)?;
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
    let report = DeviceReport::of(&change, &changed, &station.reader, station.emulated);
    drop(station);
    match shown_typing(global, &changed.info, output)? {
        Some(shown) => {
            check_typing(&changed.info, typing, shown)?;
            output.report(&DeviceReport { typing: Some(shown.into()), ..report });
        }
        None => {
            output.report(&report);
            output.note("the key has not come back yet: plug it in again, and see how it types with tokentap info");
        }
    }
    Ok(Exit::Done)
}

/// How a key says that it types after that was changed. One that switches its keyboard on or off leaves and comes back, which is waited
/// for; `None`: it has not come back.
///
/// # Errors
/// A failure of the reader, or of another key that is there now.
fn shown_typing(global: &Global, info: &Info, output: &Output) -> Result<Option<Typing>, Failure> {
    let record = Record::open(global, Need::Must, output)?;
    let host = Host::assess(&HostArgs::default())?;
    let began = Instant::now();
    loop {
        let mut desk = Workplace::new(global, &host, &record, output).wanting(Wanted::HotpKey);
        match read_all_slots(global, &mut desk, &record) {
            Ok((read, _)) => {
                check_same_device(info, &read.info)?;
                return Ok(Some(read.typing.unwrap_or_default()));
            }
            Err(failure) if is_away(&failure) && interrupt::asked() => return Err(failure),
            Err(failure) if is_away(&failure) && began.elapsed() < COMES_BACK_WITHIN => {
                std::thread::sleep(LOOK_AGAIN);
            }
            Err(failure) if is_away(&failure) => return Ok(None),
            Err(failure) => return Err(failure),
        }
    }
}

/// Whether a device was not there, or was not ready yet.
fn is_away(failure: &Failure) -> bool {
    matches!(failure.exit(), Exit::NoReader | Exit::NoToken | Exit::LinkLost)
}

/// Whether a key shows what was written to it; what it does not tell is not held against it.
///
/// # Errors
/// [`Problem::SlotDiffers`].
fn check_typing(info: &Info, wanted: Typing, shown: Typing) -> Result<(), Failure> {
    let differs = |wanted: Option<bool>, shown: Option<bool>| wanted.zip(shown).is_some_and(|(a, b)| a != b);
    let pairs = [
        (wanted.enter, shown.enter),
        (wanted.long_touch, shown.long_touch),
        (wanted.numpad, shown.numpad),
        (wanted.keyboard, shown.keyboard),
    ];
    if !pairs.into_iter().any(|(wanted, shown)| differs(wanted, shown)) {
        return Ok(());
    }
    let problem = Problem::SlotDiffers { what: "setting", token: info.clone() };
    Err(Failure::new(problem, TokenState::NothingChanged, TokenRemedy::AgainThenReport(Again::Same)))
}
