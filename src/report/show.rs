//! The report of `inventory show`: one token's life on one screen.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::audience::Audience;
use super::delivery::DeliveryReport;
use super::drift::measured_words;
use super::drift_line::DriftLine;
use super::forecast::{BY_FLAGS, ForecastReport, WindowReport, come_cell, jump_words, remarks};
use super::lists::remark;
use super::profile::ProfileReport;
use super::record::{EventReport, TokenRecordReport};
use super::times::utc;
use crate::drift::Come;
use crate::inventory::{Delivery, DeviceKey, Event, Outcome, TokenRecord};
use crate::job::forecast::Foreseen;
use crate::plain::plain;
use crate::time::seconds;
use crate::words::{counted, local};

/// How many lines the events fit on a screen of 24, beside what is on record and the curve.
const ON_SCREEN: usize = 22;

/// The fewest events that are shown.
const FEWEST: usize = 3;

/// The size of the curve, in characters.
const CURVE: (usize, usize) = (78, 4);

/// How much of a remark fits a line.
const REMARK_WIDTH: usize = 25;

/// A token and its events.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ShowReport {
    /// The token.
    pub token: TokenRecordReport,
    /// How much its clock gained since it was last set; `null` from less than a day.
    pub rate: Option<RateReport>,
    /// The forecast.
    pub forecast: ForecastReport,
    /// What the forecast was made for.
    pub window: WindowReport,
    /// The servers that its seed was handed to from here.
    pub servers: Vec<DeliveryReport>,
    /// The customer keys of its device that the inventory keeps, the latest first; missing where it keeps none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub customer_keys: Vec<KeptKeyReport>,
    /// Its events, newest first.
    pub events: Vec<EventReport>,
    #[serde(skip)]
    text: String,
}

/// A customer key that the inventory keeps, sealed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct KeptKeyReport {
    /// Since when.
    pub since: String,
    /// When the device last accepted it; `null`: whether it has it is not known.
    pub accepted: Option<String>,
}

/// The records beside a token's own.
pub struct ShownBeside<'a> {
    /// The servers that its seed was handed to.
    pub deliveries: &'a [Delivery],
    /// The customer keys of its device, the latest first.
    pub customer_keys: &'a [DeviceKey],
    /// Its events, newest first.
    pub events: &'a [Event],
    /// Where the words are read.
    pub audience: Audience,
}

/// How much a clock gained.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RateReport {
    /// Seconds a day.
    pub s_per_day: f64,
    /// How far that may be off, in seconds a day, from the resolution of the two readings.
    pub s_per_day_within: f64,
    /// Over so many days.
    pub days: f64,
}

/// The drift of the token that is shown.
pub struct ShownDrift<'a> {
    /// The token, and its forecast.
    pub foreseen: &'a Foreseen,
    /// Its curve.
    pub line: Option<&'a DriftLine>,
    /// What the forecast was made for.
    pub window: WindowReport,
}

impl ShowReport {
    /// The report of a token.
    #[must_use]
    pub fn of(drift: &ShownDrift<'_>, beside: &ShownBeside<'_>) -> Self {
        let ShownBeside { deliveries, customer_keys, events, audience } = beside;
        let token = &drift.foreseen.token;
        let rate = rate(events);
        Self {
            token: token.into(),
            rate,
            forecast: ForecastReport::of(drift.foreseen),
            window: drift.window.clone(),
            servers: deliveries.iter().map(|one| DeliveryReport::of(one, token, *audience)).collect(),
            customer_keys: customer_keys.iter().map(Into::into).collect(),
            events: events.iter().map(Into::into).collect(),
            text: life(drift, beside),
        }
    }
}

impl From<&DeviceKey> for KeptKeyReport {
    fn from(kept: &DeviceKey) -> Self {
        Self { since: utc(kept.at), accepted: kept.proved.map(utc) }
    }
}

impl Report for ShowReport {
    fn text(&self) -> String {
        self.text.clone()
    }
}

/// A token's life: what is on record, then its events.
fn life(drift: &ShownDrift<'_>, beside: &ShownBeside<'_>) -> String {
    let ShownBeside { deliveries, customer_keys, events, audience } = beside;
    let token = &drift.foreseen.token;
    let mut lines = on_record(token);
    lines.extend(customer_keys.iter().map(|kept| {
        let accepted = kept.proved.map_or_else(
            || "the device is not known to have it".to_owned(),
            |at| format!("the device accepted it {}", local(at)),
        );
        format!("key      its customer key, sealed in the inventory {}; {accepted}", local(kept.at))
    }));
    lines.extend(deliveries.iter().map(|one| format!("server   {}", DeliveryReport::of(one, token, *audience).words)));
    lines.extend(foretold(drift));
    lines.push(String::new());
    let room = ON_SCREEN.saturating_sub(lines.len()).max(FEWEST);
    lines.extend(events.iter().take(room).map(event_line));
    if events.len() > room {
        lines.push(format!("... and {} more: tokentap inventory events --serial {}", events.len() - room, token.key));
    }
    lines.join("\n")
}

/// What is foretold of its clock, and its curve.
fn foretold(drift: &ShownDrift<'_>) -> Vec<String> {
    let Some((fit, forecast)) = &drift.foreseen.clock else { return Vec::new() };
    let mut lines = Vec::new();
    let rate = fit.rate();
    let from = match fit.stretches {
        0 => "a typical rate; not measured yet".to_owned(),
        stretches => format!("measured over {:.0} days, in {}", fit.days, counted(stretches as u64, "interval")),
    };
    let per_day = format!("{:+.3}", rate.s_per_day).replace("-0.000", "+0.000");
    lines.push(format!("rate     {per_day} s a day (±{:.3} s), {from}", rate.within));
    let come = match forecast.come {
        _ if drift.foreseen.shows_no_right_codes() => "now: its codes are not right as it is".to_owned(),
        Come::Now => "now: its codes may already be refused".to_owned(),
        Come::Before(_) => format!("before {} (95 %)", come_cell(Some(forecast.come))),
        Come::NotForLong => "not within ten years".to_owned(),
    };
    lines.push(format!("come in  {come}, {}", drift.window.words(BY_FLAGS)));
    let jumps = fit.jumps.iter().rev().take(2).map(|jump| format!("jump     {}", jump_words(jump)));
    lines.extend(jumps);
    let remarks = remarks(&drift.foreseen.token, drift.foreseen.clock.as_ref());
    lines.extend(remarks.iter().map(|remark| format!("note     {remark}")));
    if let Some(line) = drift.line.filter(|_| fit.stretches > 0) {
        lines.push(String::new());
        lines.extend(line.lines(CURVE.0, CURVE.1));
    }
    lines
}

fn on_record(token: &TokenRecord) -> Vec<String> {
    let emulated = if token.emulated { " (emulated)" } else { "" };
    let mut lines =
        vec![format!("token    {} {}{emulated}", token.model.as_deref().unwrap_or("unknown model"), token.name())];
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
fn rate(events: &[Event]) -> Option<RateReport> {
    const DAY_S: f64 = 86_400.0;
    let (newest, later) = events.iter().find_map(|event| Some((event, event.before?)))?;
    let set = events.iter().filter(|event| event.at < newest.at && event.job != newest.job);
    let (set, after) = set.into_iter().find_map(|event| Some((event, event.after?)))?;
    let days = seconds(newest.at - set.at) / DAY_S;
    let s_per_day_within = (later.resolution_s + after.resolution_s) / days;
    (days >= 1.0).then(|| RateReport { s_per_day: (later.drift_s - after.drift_s) / days, s_per_day_within, days })
}
