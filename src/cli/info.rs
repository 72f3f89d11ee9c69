//! `tokentap info`: serial, model, clock, drift.

use std::cell::Cell;

use super::Ran;
use super::args::{Global, InfoArgs};
use super::host::Host;
use super::output::Output;
use super::record::{self, Need, Record};
use super::slots;
use super::station::{self, Workplace};
use crate::device::{Family, Key};
use crate::inventory::{Deed, InventoryError, Outcome, SlotKey};
use crate::job::forecast::fit_of;
use crate::job::{self, Exit, ReadOutcome};
use crate::reader::Wanted;
use crate::report::{InfoReport, Reading, jumped_words, more_words, troubled};
use crate::time::HostClock;

pub fn run(global: &Global, args: &InfoArgs, output: &Output) -> Ran {
    let guard = station::guard(global, true)?;
    // Reading harms nothing, so a clock that nobody vouches for is no reason to warn here.
    let record = Record::begin(global);
    let host_clock = Host::assess(&args.host)?;
    let desk = Workplace::new(global, &host_clock, &record, output);
    record.ready(global, Need::Reading, output)?;
    let mut desk = desk.wanting(Wanted::Any);
    if desk.family()? != Family::Nfc {
        return slots::info(global, desk, &record, output);
    }
    let (report, station) = desk.work(&mut |station| {
        let recorder = record.recorder(Deed::Info, &station.reader, station.emulated);
        job::read(&mut *station.device, &host_clock.clock(), &guard, args.precise).inspect_err(|failure| {
            // What is wrong with the token is what its user needs to hear.
            let _ = recorder.unread(host_clock.clock().now().wall, failure);
        })
    })?;
    let ReadOutcome { info, stands_still, host_jumped, .. } = &report;
    if info.more > 0 {
        output.note(&more_words(info.more));
    }
    if let Some(by) = host_jumped {
        output.note(&jumped_words(*by));
    }

    let recorder = record.recorder(Deed::Info, &station.reader, station.emulated);
    let is_unread = Cell::new(false);
    let unread = |error: &InventoryError| {
        if !is_unread.replace(true) {
            output.note(&format!("the record of this token cannot be read: {}", troubled(error)));
        }
    };
    // What was known before this reading.
    let known = recorder.token(&SlotKey::only(info.serial.as_str())).inspect_err(unread).unwrap_or_default();
    // Whoever has a key of the token's own knows it; all others would try the factory's.
    let refused = recorder.key_refused(info, &Key::default()).inspect_err(unread).unwrap_or_default();
    let code_wrong =
        known.as_ref().and_then(|token| recorder.code_wrong(token).inspect_err(unread).unwrap_or_default());
    let read = report.drift.map(|drift| (report.host, drift));
    let fit = fit_of(record.books(), known.as_ref().map(|token| &token.key), read, host_clock.clock().now().wall);
    output.report(&InfoReport::of(&Reading {
        outcome: &report,
        reader: &station.reader,
        emulated: station.emulated,
        known: known.as_ref(),
        is_unread: is_unread.get(),
        refused,
        code_wrong,
        fit: fit.as_ref(),
        standing: &host_clock.standing,
    }));
    // What was read is shown before it is on the disk.
    let outcome = if *stands_still { Outcome::Failed } else { Outcome::Done };
    if let Err(error) = recorder.seen(&report, outcome) {
        output.note(&record::unrecorded(&error, "this is not recorded"));
    }
    Ok(if *stands_still { Exit::Wrong } else { Exit::Done })
}
