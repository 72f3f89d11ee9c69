//! All slots of a device that has several: shown, and their clocks set.

use super::Ran;
use super::args::{Global, SyncArgs};
use super::host::Host;
use super::output::Output;
use super::record::Record;
use super::settings::{self, Named};
use super::station::{self, InReach, Workplace};
use super::writing::Writing;
use crate::device::Info;
use crate::inventory::{Deed, Outcome, SlotKey, TokenFilter, TokenRecord};
use crate::job::{Exit, Failure, SlotsOutcome, read_slots};
use crate::report::{SlotsReport, SlotsWrittenReport, WriteReport, line};
use crate::time::HostClock;

/// Shows a device and its slots.
pub fn info(global: &Global, mut desk: Workplace<'_>, record: &Record, output: &Output) -> Ran {
    let (read, station) = read_all_slots(global, &mut desk, record)?;
    let standing = &desk.host.standing;
    let known = records(record, &read.info).unwrap_or_else(|failure| {
        output.note(&format!("the record of its slots cannot be read: {}", crate::report::fact(&failure.problem)));
        Vec::new()
    });
    output.report(&SlotsReport::of(&read, &known, &station.reader, station.emulated, standing));
    Ok(Exit::Done)
}

/// Reads a device and its slots, and puts that on record.
///
/// # Errors
/// A failure of the reader, of the device, or of a slot that cannot be read.
pub fn read_all_slots(
    global: &Global,
    desk: &mut Workplace<'_>,
    record: &Record,
) -> Result<(SlotsOutcome, InReach), Failure> {
    let guard = station::guard(global, true)?;
    let clock = desk.host.clock();
    let (read, station) = desk.work_once(&mut |station| read_slots(&mut *station.device, &clock, &guard))?;
    let recorder = record.recorder(Deed::Info, &station.reader, station.emulated);
    // That it was read is worth a line on record, and no more.
    let _ = recorder.note(read.host, &SlotKey::only(read.info.serial.as_str()), Outcome::Done, None);
    Ok((read, station))
}

/// The records of a device's slots.
///
/// # Errors
/// A failure of the inventory.
pub fn records(record: &Record, info: &Info) -> Result<Vec<TokenRecord>, Failure> {
    let mut known = Vec::new();
    if let Some(books) = record.books() {
        let filter = TokenFilter { serial: Some(info.serial.to_string()), ..TokenFilter::default() };
        books.visit_tokens(&filter, u64::MAX, &mut |token| known.push(token))?;
    }
    Ok(known)
}

/// Sets the clock of every slot that holds a seed, each to the host's time as it is then.
pub fn sync(
    global: &Global,
    args: &SyncArgs,
    host: &Host,
    record: &Record,
    mut desk: Workplace<'_>,
    output: &Output,
) -> Ran {
    let (read, _) = read_all_slots(global, &mut desk, record)?;
    let seeded: Vec<u16> = read.seeded().iter().map(|slot| slot.slot).collect();
    let mut done: Vec<WriteReport> = Vec::new();
    let customer_key = args.slot.customer_key.as_deref().map(super::secret::customer_key).transpose()?;
    for slot in &seeded {
        let named = Named { seed: None, opener: None, now: host.clock().now().wall };
        let mut request = settings::sync_slot(global, args, named, *slot)?;
        request.terms.expect_serial = Some(read.info.serial.to_string());
        request.terms.key = customer_key.clone().unwrap_or_default();
        let writing = Writing::new(global, host, record, request.prepare()?, output);
        if global.dry_run {
            desk.work_once(&mut |station| writing.show(station))?;
            continue;
        }
        let mut before = |_: &Info, _: &crate::job::WritePlan| {
            if done.is_empty() {
                host.warn(output);
            }
            Ok(())
        };
        let written = desk.work_once(&mut |station| writing.run(station, &mut before));
        let (outcome, station) = written.map_err(|failure| with_rest(failure, &done, &seeded))?;
        output.text(&line(&outcome, station.emulated));
        done.push(WriteReport::of(&outcome, &station.reader, station.emulated).with_host_clock(&host.standing));
    }
    if !global.dry_run {
        output.report(&SlotsWrittenReport { slots: done });
    }
    Ok(Exit::Done)
}

/// A failure between slots says which are set and which are not.
fn with_rest(mut failure: Failure, done: &[WriteReport], seeded: &[u16]) -> Failure {
    let list = |slots: &[u16]| slots.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (set, rest) = seeded.split_at(done.len().min(seeded.len()));
    if !set.is_empty() {
        failure.details.push(format!("set: the clocks of slots {}", list(set)));
    }
    failure.details.push(format!("not set, or not known: slots {}", list(rest)));
    failure
}
