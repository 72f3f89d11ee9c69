//! `tokentap factory-reset`: a device forgets everything, which is believed when it is seen.

use std::collections::BTreeSet;

use super::args::{FactoryResetArgs, Global, HostArgs};
use super::device::{OpenedBy, change_at, check_same_device};
use super::host::Host;
use super::output::Output;
use super::record::{Need, Record};
use super::slots::{read_all_slots, records};
use super::station::Workplace;
use super::{Ran, prompt};
use crate::device::{Agreed, Info, SlotState};
use crate::inventory::{Deed, Entry, Event, Outcome, SeedChange, TokenChange, TokenRecord};
use crate::job::device_change::{DeviceChange, DeviceChanged};
use crate::job::{Again, Exit, Failure, Recorder, SlotsOutcome, TokenState};
use crate::reader::Wanted;
use crate::report::DeviceReport;
use crate::time::HostClock;

/// `tokentap factory-reset`.
pub fn run(global: &Global, args: &FactoryResetArgs, output: &Output) -> Ran {
    let record = Record::open(global, Need::Must, output)?;
    let host = Host::assess(&HostArgs::default())?;
    let molto2 = || Workplace::new(global, &host, &record, output).wanting(Wanted::Molto2);
    let (had, at) = read_all_slots(global, &mut molto2(), &record)?;
    let recorder = record.recorder(Deed::Device, &at.reader, at.emulated);
    let had_keys = recorder.kept_keys(&had.info).map_err(Failure::from)?;
    drop(at);
    let mut before = |info: &Info| {
        let users = users_of(&had, &records(&record, info)?);
        let fact = format!(
            "{info}: all of its seeds, titles and its customer key would be erased for good: {users}; the seeds that the inventory keeps of it go with them (a copy: tokentap inventory export)"
        );
        if args.erase_all || (prompt::has_person() && !output.is_json() && prompt::confirms(&fact)) {
            return Ok(());
        }
        Err(Failure::usage(fact, "if nobody needs them any more, use --erase-all").in_state(TokenState::Untouched))
    };
    let change = DeviceChange::Reset;
    let serial = Some(had.info.serial.clone());
    let opened_by = OpenedBy { try_again: true, serial, ..OpenedBy::default() };
    let (changed, station) = change_at(global, Wanted::Molto2, &change, &opened_by, &mut before, output)?;
    if changed.agreed == Agreed::WaitsForButton && prompt::has_person() && !output.is_json() {
        let state = TokenState::InHand(vec![changed.info.serial.to_string()]);
        let _ = prompt::line("Press ▲ on the device to confirm, then Enter here: ", state, Again::Same);
    }
    let recorder = record.recorder(Deed::Device, &station.reader, station.emulated);
    // Its word is not enough: some firmware says that it is done while it waits.
    let (read, _) = read_all_slots(global, &mut molto2(), &record)?;
    check_same_device(&changed.info, &read.info)?;
    let is_on_record = records(&record, &changed.info)?.iter().any(|token| token.held().is_some());
    let standing = reset_seen(&had, &read);
    if standing == Some(false) || (standing.is_none() && !is_on_record) {
        if standing == Some(false) {
            recorder.keep_keys_as_before(&changed.info, &had_keys).map_err(Failure::from)?;
        }
        let waits = DeviceChanged { agreed: Agreed::WaitsForButton, ..changed };
        output.report(&DeviceReport::of(&change, &waits, &station.reader, station.emulated));
        output.note(match standing {
            Some(_) => {
                "its seeds are still there: nothing is erased before its button is pressed; then run the same command again, which reads it"
            }
            None => {
                "it held nothing that could be seen to vanish; when its button was pressed, see in one attempt whether it has its \
                 factory's key again: tokentap customer-key check"
            }
        });
        return Ok(Exit::Undone);
    }
    erased(&record, &changed, &recorder)?;
    if standing == Some(true) {
        recorder.reset_seen(&changed.info, host.clock().now().wall).map_err(Failure::from)?;
    }
    let done = DeviceChanged { agreed: Agreed::Done, ..changed };
    output.report(&DeviceReport::of(&change, &done, &station.reader, station.emulated));
    Ok(Exit::Done)
}

/// The slots that hold a seed, by what they show or by the record, with their users.
fn users_of(had: &SlotsOutcome, known: &[TokenRecord]) -> String {
    let is_held = |token: &&TokenRecord| token.held().is_some();
    let mut slots: BTreeSet<u16> = known.iter().filter(is_held).map(|token| token.key.slot).collect();
    slots.extend(had.seeded().iter().map(|slot| slot.slot));
    if slots.is_empty() {
        return "it shows no seed".to_owned();
    }
    let line = |slot: &u16| {
        let user = known.iter().find(|token| token.key.slot == *slot).and_then(|token| token.user.as_deref());
        format!("slot {slot} of {}", user.map_or_else(|| "nobody on record".to_owned(), crate::plain::plain))
    };
    slots.iter().map(line).collect::<Vec<_>>().join(", ")
}

/// Whether what a device held before a reset is gone; `None` where it held nothing that a reset takes away.
fn reset_seen(before: &SlotsOutcome, after: &SlotsOutcome) -> Option<bool> {
    // From the factory it has a seed of this title in its first slot, and may have it again.
    let is_factory = |slot: &SlotState| slot.slot == 0 && slot.title.as_deref() == Some("Token2");
    let shows =
        |slot: &SlotState| slot.has_seed == Some(true) || slot.title.as_ref().is_some_and(|title| !title.is_empty());
    let shown = |read: &SlotsOutcome| -> Vec<u16> {
        read.slots.iter().filter(|slot| shows(slot) && !is_factory(slot)).map(|slot| slot.slot).collect()
    };
    (!shown(before).is_empty()).then(|| shown(after).is_empty())
}

/// Puts on record that every slot of a device is empty, and nobody's.
fn erased(record: &Record, changed: &DeviceChanged, recorder: &Recorder<'_>) -> Result<(), Failure> {
    let Some(books) = record.books() else { return Ok(()) };
    for token in records(record, &changed.info)? {
        let at = chrono::Utc::now();
        let event = Event {
            serial: Some(token.key.serial.clone()),
            slot: token.key.slot,
            at,
            ..recorder.blank_event(at, Outcome::Done)
        };
        let change = TokenChange { seed: SeedChange::Erased, unassigned: true, ..TokenChange::of(token.key.clone()) };
        books.keep(&Entry { event, token: Some(change), row: None }).map_err(Failure::from)?;
    }
    Ok(())
}
