//! `tokentap info`: serial, model, clock, drift.

use chrono::DateTime;
use serde_json::json;

use super::args::{Global, InfoArgs};
use super::describe::{drift, fields, jumped, local, sync_words, token, token_line, utc};
use super::host::{self, demands};
use super::output::Output;
use super::{Ran, station};
use crate::clock::{Demands, assess, kernel_word};
use crate::job::{self, Exit, ReadReport};
use crate::time::{CorrectedClock, SystemClock};

pub fn run(global: &Global, args: &InfoArgs, output: &Output) -> Ran {
    let guard = station::guard(global, true)?;
    let clock = SystemClock::new();
    let mut station = station::open(global, &clock, output)?;
    // Reading harms nothing, so a clock that nobody vouches for is no reason to warn here.
    let standing = assess(&Demands { trust: !args.host.strict_clock, ..demands(&args.host) }, kernel_word())?;
    let corrected = CorrectedClock::new(&clock, standing.correction);
    let report = job::read(&mut station.link, &corrected, &guard, args.precise)?;
    let ReadReport { info, host, drift: found, host_jumped } = &report;
    if let Some(by) = host_jumped {
        output.note(&jumped(*by));
    }

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
        ("host_clock", host::fields(&standing)),
    ]);
    output.report(&text, object);
    Ok(Exit::Done)
}
