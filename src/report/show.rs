//! The report of `inventory show`: one token's life on one screen.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::drift::measured_words;
use super::lists::remark;
use super::profile::ProfileReport;
use super::record::{EventReport, TokenRecordReport};
use crate::inventory::{Event, Outcome, TokenRecord};
use crate::plain::plain;
use crate::time::seconds;
use crate::words::local;

/// How many events fit a screen of 24 lines beside the rest.
const ON_SCREEN: usize = 12;

/// How much of a remark fits a line.
const REMARK_WIDTH: usize = 25;

/// A token and its events.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ShowReport {
    /// The token.
    pub token: TokenRecordReport,
    /// How much its clock gained since it was last set; `null` from less than a day.
    pub rate: Option<RateReport>,
    /// Its events, newest first.
    pub events: Vec<EventReport>,
    #[serde(skip)]
    text: String,
}

/// How much a clock gained.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RateReport {
    /// Seconds a day.
    pub s_per_day: f64,
    /// Over so many days.
    pub days: f64,
}

impl ShowReport {
    /// The report of a token with its events, newest first.
    #[must_use]
    pub fn of(token: &TokenRecord, events: &[Event]) -> Self {
        let rate = rate(events).map(|(s_per_day, days)| RateReport { s_per_day, days });
        let text = life(token, rate.as_ref(), events);
        Self { token: token.into(), rate, events: events.iter().map(Into::into).collect(), text }
    }
}

impl Report for ShowReport {
    fn text(&self) -> String {
        self.text.clone()
    }
}

/// A token's life: what is on record, then its events.
fn life(token: &TokenRecord, rate: Option<&RateReport>, events: &[Event]) -> String {
    let mut lines = on_record(token, rate);
    lines.push(String::new());
    lines.extend(events.iter().take(ON_SCREEN).map(event_line));
    if events.len() > ON_SCREEN {
        lines.push(format!(
            "... and {} more: tokentap inventory events --serial {}",
            events.len() - ON_SCREEN,
            token.key.serial
        ));
    }
    lines.join("\n")
}

fn on_record(token: &TokenRecord, rate: Option<&RateReport>) -> Vec<String> {
    let emulated = if token.emulated { " (emulated)" } else { "" };
    let mut lines =
        vec![format!("token    {} {}{emulated}", token.model.as_deref().unwrap_or("unknown model"), token.key.serial)];
    if let Some(user) = &token.user {
        lines.push(format!("user     {}", plain(user)));
    }
    if let Some(profile) = token.profile {
        lines.push(format!("profile  {}", ProfileReport::from(profile).words()));
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
        lines.push(format!("STOPPED  {}: its clock had stopped; give its user another token", local(at)));
    }
    if let Some(drift) = token.drift {
        lines.push(format!("clock    {} when last seen, {}", measured_words(drift), local(token.last_seen)));
    }
    if let Some(RateReport { s_per_day, days }) = rate {
        lines.push(format!("rate     {s_per_day:+.3} s a day, over {days:.0} days"));
    }
    if let Some(pending) = &token.pending {
        lines.push(format!("UNKNOWN  \"{}\" of {} did not end as it should", pending.deed.word(), local(pending.at)));
    }
    lines
}

fn event_line(event: &Event) -> String {
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
    line.trim_end().to_owned()
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
