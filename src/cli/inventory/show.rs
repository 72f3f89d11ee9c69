//! `inventory show`: one token's life on one screen.

use serde_json::{Value, json};

use super::lists::{event_fields, remark, token_fields};
use super::{failed, find};
use crate::cli::Ran;
use crate::cli::describe::{fields, local, plain};
use crate::cli::output::Output;
use crate::inventory::{Event, EventFilter, Inventory, Measured, Outcome, Sqlite, TokenRecord};
use crate::job::Exit;
use crate::time::seconds;

/// How many events fit a screen of 24 lines beside the rest.
const ON_SCREEN: usize = 12;

/// How much of a remark fits a line.
const REMARK_WIDTH: usize = 25;

/// How many events JSON has.
const LIMIT: u64 = 1000;

pub fn run(inventory: &mut Sqlite, text: &str, output: &Output) -> Ran {
    let token = find::one(inventory, text)?;
    let filter = EventFilter { serial: Some(token.serial.clone()), ..EventFilter::default() };
    let mut events = Vec::new();
    inventory.visit_events(&filter, LIMIT, &mut |event| events.push(event)).map_err(failed)?;
    let values: Vec<Value> = events.iter().map(|event| Value::Object(event_fields(event))).collect();
    let per_day = rate(&events).map(|(per_day, days)| json!({ "s_per_day": per_day, "days": days }));
    let object =
        fields([("token", Value::Object(token_fields(&token))), ("rate", json!(per_day)), ("events", json!(values))]);
    output.report(&life(&token, &events), object);
    Ok(Exit::Done)
}

fn life(token: &TokenRecord, events: &[Event]) -> String {
    let emulated = if token.emulated { " (emulated)" } else { "" };
    let mut lines =
        vec![format!("token    {} {}{emulated}", token.model.as_deref().unwrap_or("unknown model"), token.serial)];
    if let Some(user) = &token.user {
        lines.push(format!("user     {}", plain(user)));
    }
    if let Some(profile) = token.profile {
        let (hash, step, display) = (profile.hash(), profile.step(), profile.display().seconds());
        lines.push(format!("profile  {hash}, {step}, display {display} s"));
    }
    let seed = match (&token.seed, &token.sealed, token.burned) {
        (None, ..) => "none on record".to_owned(),
        (Some(_), sealed, burned) => {
            let kept = if sealed.is_some() { "sealed in the inventory" } else { "its fingerprint is on record" };
            burned.map_or_else(|| kept.to_owned(), |at| format!("{kept}, burned {}", local(at)))
        }
    };
    lines.push(format!("seed     {seed}"));
    if let Some(at) = token.erased {
        lines.push(format!("ERASED   {}: it shows no codes until a seed is burned", local(at)));
    }
    if let Some(at) = token.clock_stopped {
        lines.push(format!("STOPPED  {}: its clock stood still; give its user another token", local(at)));
    }
    if let Some(drift) = token.drift {
        lines.push(format!("clock    {} when last seen, {}", drift_words(drift), local(token.last_seen)));
    }
    if let Some((per_day, days)) = rate(events) {
        lines.push(format!("rate     {per_day:+.3} s a day, over {days:.0} days"));
    }
    if let Some(pending) = &token.pending {
        lines.push(format!("UNKNOWN  \"{}\" of {} did not end as it should", pending.deed.word(), local(pending.at)));
    }
    lines.push(String::new());
    for event in events.iter().take(ON_SCREEN) {
        let drifts = match (event.before, event.after) {
            (Some(before), Some(after)) => format!("{:+.3} → {:+.3} s", before.drift_s, after.drift_s),
            (Some(before), None) => format!("{:+.3} s", before.drift_s),
            _ => String::new(),
        };
        // What is said at the beginning is said at the end.
        let mut remark = if event.outcome == Outcome::Begun { String::new() } else { remark(event) };
        if remark.chars().count() > REMARK_WIDTH {
            remark = remark.chars().take(REMARK_WIDTH - 3).chain("...".chars()).collect();
        }
        let when = event.at.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M");
        let line = format!("{when}  {:6} {:7} {drifts:20} {remark}", event.deed.word(), event.outcome.word());
        lines.push(line.trim_end().to_owned());
    }
    if events.len() > ON_SCREEN {
        lines.push(format!(
            "... and {} more: tokentap inventory events --serial {}",
            events.len() - ON_SCREEN,
            token.serial
        ));
    }
    lines.join("\n")
}

/// How much the clock gained a day since it was last set, and over how many days: not from less than one.
fn rate(events: &[Event]) -> Option<(f64, f64)> {
    const DAY_S: f64 = 86_400.0;
    let (newest, later) = events.iter().find_map(|event| Some((event, event.before?)))?;
    let set = events.iter().filter(|event| event.at < newest.at && event.job != newest.job);
    let (set, after) = set.into_iter().find_map(|event| Some((event, event.after?)))?;
    let days = seconds(newest.at - set.at) / DAY_S;
    (days >= 1.0).then(|| ((later.drift_s - after.drift_s) / days, days))
}

fn drift_words(measured: Measured) -> String {
    let direction = if measured.drift_s < 0.0 { "slow" } else { "fast" };
    // A resolution is never shown finer than it is.
    let resolution = (measured.resolution_s * 1000.0).ceil() / 1000.0;
    format!("{:.3} s {direction} (±{resolution:.3} s)", measured.drift_s.abs())
}
