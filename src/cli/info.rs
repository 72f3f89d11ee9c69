//! `tokentap info`: serial, model, clock, drift.

use chrono::DateTime;
use serde_json::json;

use super::Ran;
use super::args::{Global, InfoArgs};
use super::describe::{drift, fields, jumped, local, more_words, plain, sync_words, token, token_line, utc};
use super::host::{self, Host};
use super::inventory::{seed_word, token_fields};
use super::output::Output;
use super::record::{self, Need, Record};
use super::station::{self, Desk};
use super::verdict::{self, verdict};
use crate::inventory::{Deed, Outcome};
use crate::job::{self, Exit, ReadReport};
use crate::time::HostClock;
use crate::token::TokenKey;

pub fn run(global: &Global, args: &InfoArgs, output: &Output) -> Ran {
    let guard = station::guard(global, true)?;
    // Reading harms nothing, so a clock that nobody vouches for is no reason to warn here.
    let host_clock = Host::assess(&args.host)?;
    let record = Record::open(global, Need::Reading, output)?;
    let desk = Desk::new(global, &host_clock, &record, output);
    let (report, station) = desk.work(&mut |station| {
        let recorder = record.recorder(Deed::Info, &station.reader, station.emulated);
        job::read(&mut station.link, &host_clock.clock(), &guard, args.precise).inspect_err(|failure| {
            // What is wrong with the token is what its user needs to hear.
            let _ = recorder.unread(host_clock.clock().now().wall, failure);
        })
    })?;
    let ReadReport { info, host, drift: found, stands_still, host_jumped } = &report;
    if info.more > 0 {
        output.note(&more_words(info.more));
    }
    if let Some(by) = host_jumped {
        output.note(&jumped(*by));
    }

    let recorder = record.recorder(Deed::Info, &station.reader, station.emulated);
    // What was known before this reading.
    let known = recorder.token(info.serial.as_str()).unwrap_or_else(|error| {
        output.note(&format!("the record of this token cannot be read: {}", record::troubled(&error)));
        None
    });
    let outcome = if *stands_still { Outcome::Failed } else { Outcome::Done };
    if let Err(error) = recorder.seen(&report, outcome) {
        output.note(&record::unrecorded(&error, "this is not recorded"));
    }

    let mut clock_fields = fields([("token", json!(info.clock)), ("host", json!(utc(*host)))]);
    clock_fields.extend(drift(*found));
    let shown = DateTime::from_timestamp(info.clock.into(), 0).map(local).unwrap_or_default();
    // Whoever has a key of the token's own knows it; all others would try the factory's.
    let refused = recorder.key_refused(info, &TokenKey::factory()).ok().flatten();
    let verdict = match (stands_still, refused) {
        (true, _) => verdict::clock_stopped(),
        (false, Some(at)) => verdict::key_refused(*found, at),
        (false, None) => verdict(info, *found, known.as_ref()),
    };
    let mut text = format!("{}\n", verdict.text);
    if let Some(token) = &known {
        if let Some(user) = &token.user {
            text.push_str(&format!("user    {}\n", plain(user)));
        }
        if let Some(profile) = token.meant_profile() {
            let (hash, step, display) = (profile.hash(), profile.step(), profile.display().seconds());
            text.push_str(&format!("profile {hash}, {step}, display {display} s\n"));
        }
        let burned = token.burned.map(|at| format!(", burned {}", local(at))).unwrap_or_default();
        match seed_word(token) {
            "" => text.push_str("seed    not on record\n"),
            word => text.push_str(&format!("seed    {word}{burned}\n")),
        }
    }
    text.push_str(&format!(
        "token   {}, {}\nclock   {shown}, {found}\nreader  {}",
        token_line(info, station.emulated),
        sync_words(info.sync()),
        plain(&station.reader),
    ));
    let on_record = known.as_ref().map(token_fields);
    let field = |name: &str| on_record.as_ref().and_then(|token| token.get(name)).cloned().unwrap_or_default();
    let object = fields([
        ("verdict", json!(verdict.kind)),
        ("verdict_text", json!(verdict.text)),
        ("user", field("user")),
        ("profile", field("profile")),
        ("seed", field("seed")),
        ("erased", field("erased")),
        ("unfinished", field("unfinished")),
        ("reader", json!(station.reader)),
        ("token", token(info, station.emulated)),
        ("clock", clock_fields.into()),
        ("host_clock", host::fields(&host_clock.standing)),
    ]);
    output.report(&text, object);
    Ok(if *stands_still { Exit::Wrong } else { Exit::Done })
}
