//! All slots of a device that has several: shown, and their clocks set.

use super::args::{Global, SyncArgs};
use super::host::Host;
use super::output::Output;
use super::record::Record;
use super::settings::{self, Named};
use super::station::{self, InReach, Workplace};
use super::writing::Writing;
use super::{Ran, device};
use crate::device::Info;
use crate::inventory::{Deed, Outcome, SlotKey, TokenRecord};
use crate::job::{Exit, Failure, Opener, SlotsOutcome, read_slots, set_slot_clocks, slots_on_record};
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
    Ok(slots_on_record(record.books(), info.serial.as_str())?)
}

/// Sets the clock of every slot that holds a seed, each to the host's time as it is then.
pub fn sync(
    global: &Global,
    args: &SyncArgs,
    host: &Host,
    record: &Record,
    mut desk: Workplace<'_>,
    opener: Option<&Opener>,
    output: &Output,
) -> Ran {
    device::check_opener(args.write.identity.as_deref(), record)?;
    let (read, _) = read_all_slots(global, &mut desk, record)?;
    let customer_key = super::secret::stated_customer_key(args.slot.customer_key.as_deref())?;
    let mut done: Vec<WriteReport> = Vec::new();
    let writing = |slot: u16| {
        let named = Named { seed: None, opener: opener.cloned(), now: host.clock().now().wall };
        let mut request = settings::sync_slot(global, args, named, slot)?;
        request.terms.expect_serial = Some(read.info.serial.to_string());
        request.terms.key = customer_key.clone();
        Ok::<_, Failure>(Writing::new(global, host, record, request.prepare()?, output))
    };
    if global.dry_run {
        for slot in read.seeded() {
            let writing = writing(slot.slot)?;
            desk.work_once(&mut |station| writing.show(station))?;
        }
        return Ok(Exit::Done);
    }
    set_slot_clocks(&read, &mut |slot| {
        let writing = writing(slot)?;
        let mut before = |_: &Info, _: &crate::job::WritePlan| {
            if done.is_empty() {
                host.warn(output);
            }
            Ok(())
        };
        let (outcome, station) = desk.work_once(&mut |station| writing.run(station, &mut before))?;
        output.text(&line(&outcome, station.emulated));
        done.push(WriteReport::of(&outcome, &station.reader, station.emulated).with_host_clock(&host.standing));
        Ok(outcome)
    })?;
    output.report(&SlotsWrittenReport { slots: done });
    Ok(Exit::Done)
}
