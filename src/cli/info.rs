//! `tokentap info`: serial, model, clock, drift.

use chrono::DateTime;
use serde_json::json;

use super::args::{Global, InfoArgs};
use super::describe::{drift, fields, local, sync_words, token, token_line, utc};
use super::output::Output;
use super::{Ran, station};
use crate::job::{self, Exit, ReadReport};
use crate::time::SystemClock;

pub fn run(global: &Global, args: &InfoArgs, output: &Output) -> Ran {
    let guard = station::guard(global, true)?;
    let clock = SystemClock::new();
    let mut station = station::open(global, &clock, output)?;
    let report = job::read(&mut station.link, &clock, &guard, args.precise)?;
    let ReadReport { info, host, drift: found } = &report;

    let mut clock_fields = fields([("token", json!(info.clock)), ("host", json!(utc(*host)))]);
    clock_fields.extend(drift(*found));
    let shown = DateTime::from_timestamp(info.clock.into(), 0).map(local).unwrap_or_default();
    let text = format!(
        "token   {}, {}\nclock   {shown}, {found}\nreader  {}",
        token_line(info, station.emulated),
        sync_words(info.sync()),
        station.reader,
    );
    let object = fields([
        ("reader", json!(station.reader)),
        ("token", token(info, station.emulated)),
        ("clock", clock_fields.into()),
    ]);
    output.report(&text, object);
    Ok(Exit::Done)
}
