//! `tokentap batch FILE --slots`: a list onto the slots of a Molto2.

use std::io::Cursor;

use super::Ran;
use super::args::{BatchArgs, Global};
use super::host::Host;
use super::input::{open_secret, read_all};
use super::output::Output;
use super::record::{self, Need, Record};
use super::rows::{Hotp, rows_of};
use super::slots::read_all_slots;
use super::station::Workplace;
use super::writing::Writing;
use super::{describe, secret};
use crate::device::{Family, Info, Key, Title};
use crate::job::request::{BurnRequest, Terms};
use crate::job::slot_list::{RowPlace, check_list, places};
use crate::job::{Exit, Failure, SeedChoice, Sheet, SlotWish, WritePlan};
use crate::reader::Wanted;
use crate::report::{SlotBatchReport, SlotRowReport, WriteReport, line};
use crate::seedfile::{MAX_WHOLE, Row, Source};

pub fn run(global: &Global, args: &BatchArgs, output: &Output) -> Ran {
    let has_titles = !args.no_titles;
    let sheet = sheet(args)?;
    check_list(&sheet, Family::Molto2.usual(), has_titles, args.allow_short_seed)?;
    let key = secret::stated_customer_key(args.customer_key.as_deref())?;
    let identity = record::identity(args.identity.as_deref())?;
    let record = Record::open(global, Need::Must, output)?;
    let opener = record.opener(identity);
    let Some(books) = record.books() else {
        let next = "name one with --inventory FILE: it is what tells which rows are done";
        return Err(Failure::file("there is no inventory", next));
    };
    let host = Host::assess(&args.run.host)?;
    host.check_vouched_for(output)?;
    let mut desk = Workplace::new(global, &host, &record, output).wanting(Wanted::Molto2);
    let (read, station) = read_all_slots(global, &mut desk, &record)?;
    let places = places(&sheet, &read, books)?;
    let mut report = SlotBatchReport::of(&read.info, &station.reader, station.emulated);
    drop(station);
    let mut is_warned = false;
    for ((number, row), place) in sheet.rows.iter().zip(&places) {
        let slot = match place {
            RowPlace::Slot(slot) => *slot,
            other => {
                report.rows.push(SlotRowReport::of(*number, other));
                continue;
            }
        };
        if global.dry_run {
            output.text(&format!("row {number}: into slot {slot}"));
            continue;
        }
        let request = BurnRequest {
            seed: Some(SeedChoice::One(Box::new(Row { serial: None, ..row.clone() }))),
            profile: super::settings::profile(&args.profile),
            user: row.user.clone(),
            precise: args.precise,
            reassign: args.reassign,
            terms: Terms { opener: opener.clone(), ..terms(&read.info, row, slot, &key, args)? },
            ..BurnRequest::default()
        };
        let writing = Writing::new(global, &host, &record, request.prepare()?, output);
        let mut before = |_: &Info, _: &WritePlan| {
            if !std::mem::replace(&mut is_warned, true) {
                host.warn(output);
            }
            Ok(())
        };
        let written = desk.work_once(&mut |station| writing.run(station, &mut before));
        let (outcome, station) = written.map_err(|mut failure| {
            let earlier = report.rows.iter().filter(|row| row.write.is_some()).count();
            failure.details.push(format!(
                "row {number}, for slot {slot}; {earlier} rows before it were burned now and are on record"
            ));
            failure
        })?;
        output.text(&format!("row {number}: {}", line(&outcome, station.emulated)));
        report.rows.push(SlotRowReport::burned(*number, WriteReport::of(&outcome, &station.reader, station.emulated)));
    }
    let is_done = report.left() == 0;
    if !global.dry_run {
        output.report(&report);
    }
    Ok(if is_done || global.dry_run { Exit::Done } else { Exit::Undone })
}

/// The rows of the file, each as it is.
fn sheet(args: &BatchArgs) -> Result<Sheet, Failure> {
    let Some(path) = &args.input else {
        return Err(Failure::usage("no seed file was named", "name one: tokentap batch FILE --slots"));
    };
    let (name, next) = (describe::path(path), "name a file that holds the seeds");
    let content = read_all(open_secret(path, next)?, &name, MAX_WHOLE, next)?;
    let rows = rows_of(&|| Ok(Source::new(Cursor::new(content.to_vec()))), &args.file, Hotp::No)?;
    secret::read_sheet(rows.map(|(_, rows)| rows), &name)
}

/// The terms of one row's burn.
fn terms(info: &Info, row: &Row, slot: u16, key: &Key, args: &BatchArgs) -> Result<Terms, Failure> {
    let title = row.account.as_deref().filter(|_| !args.no_titles);
    let title = title.map(|title| Title::new(title, info.can.title_bytes)).transpose();
    let title = title.map_err(|error| Failure::usage(error.to_string(), "use --no-titles"))?;
    Ok(Terms {
        expect_serial: Some(info.serial.to_string()),
        slot,
        family: Family::Molto2,
        wish: SlotWish { title, ..SlotWish::default() },
        allow_short_seed: args.allow_short_seed,
        try_again: args.run.try_again,
        key: key.clone(),
        ..Terms::default()
    })
}
