//! `tokentap info`: serial, model, clock, drift.

use chrono::DateTime;
use serde_json::json;

use super::Ran;
use super::args::{Global, InfoArgs};
use super::describe::{drift, fields, jumped, local, plain, sync_words, token, token_line, utc};
use super::host::{self, Host};
use super::output::Output;
use super::record::{Need, Record};
use super::station::{self, Desk};
use crate::inventory::{Deed, Outcome};
use crate::job::{self, Exit, ReadReport};

pub fn run(global: &Global, args: &InfoArgs, output: &Output) -> Ran {
    let guard = station::guard(global, true)?;
    // Reading harms nothing, so a clock that nobody vouches for is no reason to warn here.
    let host_clock = Host::assess(&args.host)?;
    let record = Record::open(global, Need::Reading, output)?;
    let mut station = Desk::new(global, &host_clock, output).station()?;
    let report = job::read(&mut station.link, &host_clock.clock(), &guard, args.precise)?;
    let ReadReport { info, host, drift: found, host_jumped } = &report;
    if let Some(by) = host_jumped {
        output.note(&jumped(*by));
    }

    let recorder = record.recorder(Deed::Info, &station.reader, station.emulated);
    if let Err(error) = recorder.seen(&report, Outcome::Done) {
        output.note(&format!("{error}; this is not recorded ({})", error.remedy()));
    }

    let mut clock_fields = fields([("token", json!(info.clock)), ("host", json!(utc(*host)))]);
    clock_fields.extend(drift(*found));
    let shown = DateTime::from_timestamp(info.clock.into(), 0).map(local).unwrap_or_default();
    let text = format!(
        "token   {}, {}\nclock   {shown}, {found}\nreader  {}",
        token_line(info, station.emulated),
        sync_words(info.sync()),
        plain(&station.reader),
    );
    let object = fields([
        ("reader", json!(station.reader)),
        ("token", token(info, station.emulated)),
        ("clock", clock_fields.into()),
        ("host_clock", host::fields(&host_clock.standing)),
    ]);
    output.report(&text, object);
    Ok(Exit::Done)
}
