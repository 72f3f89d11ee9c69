//! The reports of forecasts: what a token's clock will do, always with its interval.

use schemars::JsonSchema;
use serde::Serialize;

use super::lists::ListEnd;
use super::times::utc;
use crate::device::families::capabilities_on_record;
use crate::drift::{Cause, Come, Fit, Fleet, Following, Forecast, Jump, PriorSource, Standing, Window};
use crate::inventory::TokenRecord;
use crate::job::forecast::Foreseen;
use crate::time::UnixTime;

/// The forecast of one token.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ForecastReport {
    /// The token.
    pub serial: String,
    /// Its model; `null` if unknown.
    pub model: Option<String>,
    /// Its user.
    pub user: Option<String>,
    /// `now`, `before` (see `come_before`), `not-for-long` (not within ten years), or `unknown`: its clock is not known.
    pub come: &'static str,
    /// Until then its codes are accepted with 95 %.
    pub come_before: Option<String>,
    /// About half of such tokens are refused by then; `null`: not within ten years.
    pub half_refused: Option<String>,
    /// Such tokens are refused by then with 95 %; `null`: not within ten years.
    pub surely_refused: Option<String>,
    /// The clock now; `null` where it is not known.
    pub clock: Option<ForecastClock>,
    /// The remarks, in words.
    pub remark: String,
}

/// A clock as it is now, by a forecast.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ForecastClock {
    /// The visit that it is known from.
    pub last_read: String,
    /// The drift now, in seconds: the middle …
    pub drift_s: f64,
    /// … and the half-width of its 95 % interval.
    pub within_s: f64,
    /// The rate, in seconds a day …
    pub s_per_day: f64,
    /// … and the half-width of its 95 % interval.
    pub s_per_day_within: f64,
    /// The stretches between visits that the rate comes from; 0: only from what is usual for the model.
    pub stretches: usize,
    /// How long they are together, in days.
    pub days: f64,
    /// `usual`, `broken` (it surely gains or loses more than a second a day) or `unsure` (it was set, or is broken: the next visit
    /// tells).
    pub standing: &'static str,
    /// A sync of the last 30 days moved the clock by more than this server accepts.
    pub moved_too_far: bool,
    /// The jumps, oldest first.
    pub jumps: Vec<JumpReport>,
}

/// A change of a clock that its own running does not explain.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JumpReport {
    /// The visit that found it.
    pub at: String,
    /// The desk of that visit.
    pub desk: String,
    /// By how much the drift was another one than expected, in seconds.
    pub by_s: f64,
    /// `lost-time`, `host-step`, `another-hand`, `whole-hours` or `unknown`.
    pub cause: &'static str,
}

/// What a forecast was made for.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WindowReport {
    /// The drift that the server accepts, fast or slow, in seconds.
    pub seconds: f64,
    /// It remembers the drift at each login.
    pub follows: bool,
    /// The source of its size; `null` where it was typed, or is assumed.
    pub source: Option<&'static str>,
    /// Nobody has said how large it is.
    pub assumed: bool,
    /// A server was named.
    #[serde(skip)]
    is_named: bool,
}

/// The rates of a model's tokens in this inventory.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelRate {
    /// The model.
    pub model: String,
    /// The tokens that were watched long enough.
    pub tokens: usize,
    /// The median of their rates, in seconds a day …
    pub s_per_day: f64,
    /// … and the standard deviation.
    pub deviation: f64,
}

/// `inventory forecast`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ForecastList {
    /// The tokens: those that must come back first come first.
    pub forecast: Vec<ForecastReport>,
    /// The end.
    #[serde(flatten)]
    pub end: ForecastEnd,
}

/// The end of the list of forecasts.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ForecastEnd {
    /// What it was made for.
    pub window: WindowReport,
    /// The models that say more than what is usual of crystals.
    pub models: Vec<ModelRate>,
    /// The factor by which the wander of rates was refitted to this inventory; `null` where it has too few tokens.
    pub wander: Option<f64>,
    /// The tokens of this choice whose clock is not known.
    pub unknown: u64,
    /// The end of any list.
    #[serde(flatten)]
    pub end: ListEnd,
}

/// How the size of a window is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowFrom {
    /// It was typed.
    Typed,
    /// A server was named, which has it or is assumed to have it.
    Server,
    /// Nothing was said: it is assumed.
    Assumed,
}

impl WindowReport {
    /// The report of a window.
    #[must_use]
    pub fn of(window: &Window, from: WindowFrom) -> Self {
        let source = window.source.filter(|_| from != WindowFrom::Typed);
        Self {
            seconds: window.seconds,
            follows: window.following == Following::Logins,
            source,
            assumed: source.is_none() && from != WindowFrom::Typed,
            is_named: from == WindowFrom::Server,
        }
    }

    /// The same in words; `how_to_say`: how somebody says what the server accepts, where none was named.
    #[must_use]
    pub fn words(&self, how_to_say: &str) -> String {
        let follows = if self.follows { ", counted from the last login (assumed: the last visit)" } else { "" };
        let source = match (self.source, self.assumed) {
            (Some(source), _) => format!("; source: {source}"),
            (None, true) if self.is_named => " (an assumption: what it accepts is not published)".to_owned(),
            (None, true) => format!(" (an assumption: {how_to_say})"),
            (None, false) => String::new(),
        };
        format!("for a server that accepts {} s, fast or slow{follows}{source}", self.seconds)
    }
}

/// How it is said on the command line what a server accepts.
pub const BY_FLAGS: &str = "set it with --window SECONDS, or name the server with --for";

impl ForecastReport {
    /// The report of a token's forecast.
    #[must_use]
    pub fn of(foreseen: &Foreseen) -> Self {
        let token = &foreseen.token;
        let forecast = foreseen.clock.as_ref().map(|(_, forecast)| forecast);
        let jump = foreseen.clock.as_ref().and_then(|(fit, _)| fit.jumps.last()).map(jump_words);
        let (come, come_before) = match foreseen.come {
            None => ("unknown", None),
            Some(Come::Now) => ("now", None),
            Some(Come::Before(at)) => ("before", Some(utc(at))),
            Some(Come::NotForLong) => ("not-for-long", None),
        };
        Self {
            serial: token.key.serial.clone(),
            model: token.model.clone(),
            user: token.user.clone(),
            come,
            come_before,
            half_refused: forecast.and_then(|forecast| forecast.half_refused).map(utc),
            surely_refused: forecast.and_then(|forecast| forecast.surely_refused).map(utc),
            clock: foreseen.clock.as_ref().map(|(fit, forecast)| ForecastClock::of(fit, forecast)),
            remark: remarks(token, foreseen.clock.as_ref()).into_iter().chain(jump).collect::<Vec<_>>().join("; "),
        }
    }
}

impl ForecastClock {
    fn of(fit: &Fit, forecast: &Forecast) -> Self {
        let rate = fit.rate();
        Self {
            last_read: utc(fit.at),
            drift_s: rounded(forecast.drift.middle_s()),
            within_s: rounded(forecast.drift.within_s()),
            s_per_day: rounded(rate.s_per_day),
            s_per_day_within: rounded(rate.within),
            stretches: fit.stretches,
            days: (fit.days * 10.0).round() / 10.0,
            standing: match fit.standing {
                Standing::Usual => "usual",
                Standing::Broken => "broken",
                Standing::Unsure(_) => "unsure",
            },
            moved_too_far: forecast.moved_too_far.is_some(),
            jumps: fit.jumps.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Jump> for JumpReport {
    fn from(jump: &Jump) -> Self {
        let (desk, by_s) = (jump.desk.to_string(), rounded(jump.by_s));
        Self { at: utc(jump.at), desk, by_s, cause: jump.cause.word() }
    }
}

impl ForecastEnd {
    /// The end of a list of forecasts by a fleet.
    #[must_use]
    pub fn of(window: WindowReport, fleet: &Fleet, unknown: u64, end: ListEnd) -> Self {
        let rate = |(model, prior): (&String, &crate::drift::Prior)| match prior.source {
            PriorSource::Model(tokens) => Some(ModelRate {
                model: model.clone(),
                tokens,
                s_per_day: rounded(prior.rate),
                deviation: rounded(prior.deviation),
            }),
            PriorSource::WrittenDown => None,
        };
        let mut models: Vec<ModelRate> = fleet.priors.iter().filter_map(rate).collect();
        models.sort_by(|one, other| one.model.cmp(&other.model));
        Self { window, models, wander: fleet.refitted.map(rounded), unknown, end }
    }
}

/// To the thousandth; zero has no sign.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0 + 0.0
}

/// When a token must come back, in a cell: a local date.
#[must_use]
pub fn come_cell(come: Option<Come>) -> String {
    match come {
        None => "not known".to_owned(),
        Some(Come::Now) => "now".to_owned(),
        Some(Come::Before(at)) => day(at),
        Some(Come::NotForLong) => "> 10 years".to_owned(),
    }
}

/// A local date.
#[must_use]
pub fn day(at: UnixTime) -> String {
    at.with_timezone(&chrono::Local).format("%Y-%m-%d").to_string()
}

/// A jump in words, with what to do about it where something is to be done.
#[must_use]
pub fn jump_words(jump: &Jump) -> String {
    let cause = match (jump.cause, jump.was_set) {
        (Cause::LostTime, _) => {
            "its clock restarted, because its battery was empty or replaced; if it is off again a day after it was set, give its user another token"
        }
        (Cause::HostStep, true) => {
            "the clock of that desk was wrong when it set this token: correct that computer's clock, then set the token again"
        }
        (Cause::HostStep, false) => {
            "the clock of that desk was wrong when it read this token; nothing is to be done about the token"
        }
        (Cause::AnotherHand, _) => "another program or desk had already corrected it",
        (Cause::WholeHours, _) => "a computer with a wrong time zone set it: correct that, then set the token again",
        (Cause::Unknown, _) => {
            "cause unknown: it was set elsewhere, the clock of that desk was wrong, or its battery failed"
        }
    };
    let side = if jump.by_s < 0.0 { "behind" } else { "ahead of" };
    format!("{} at {}: {:.1} s {side} what was expected; {cause}", day(jump.at), jump.desk, jump.by_s.abs())
}

/// A rate in words: "gains 0.42 s a day".
fn rate_words(s_per_day: f64, digits: usize) -> String {
    let verb = if s_per_day < 0.0 { "loses" } else { "gains" };
    format!("{verb} {:.digits$} s a day", s_per_day.abs())
}

/// The remarks on a token's forecast, the weightiest first, without its jumps.
pub fn remarks(token: &TokenRecord, clock: Option<&(Fit, Forecast)>) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut say = |text: String| remarks.push(text);
    if token.clock_stopped.is_some() {
        say("its clock has stopped: give its user another token".to_owned());
    }
    if token.erased.is_some() {
        say("it shows no codes, because its seed was erased: burn a seed, and give it to its server".to_owned());
    }
    let Some((fit, forecast)) = clock else {
        say("its clock is not on record: lay it on a reader once".to_owned());
        return remarks;
    };
    match fit.standing {
        Standing::Usual => {}
        Standing::Broken => {
            let rate = rate_words(fit.rate().s_per_day, 1);
            say(format!("its clock is faulty, it {rate}: give its user another token"));
        }
        Standing::Unsure(rate) => say(format!(
            "it was set elsewhere, or its clock is faulty and {}: read it once more, a week or more after {}",
            rate_words(rate, 1),
            day(fit.at)
        )),
    }
    if let Some(moved) = forecast.moved_too_far {
        say(format!(
            "a sync has moved it by {moved:+.0} s: if its server refuses it since then, resynchronise it there; it need not come to the desk for that"
        ));
    }
    if fit.stretches == 0 && fit.standing == Standing::Usual {
        say("its rate is not measured yet: the date is a typical one; read it again in a few weeks".to_owned());
    }
    let erases = capabilities_on_record(token.model.as_deref(), &token.key.serial).clock_write().erases_seed();
    if erases && token.sealed.is_none() && token.erased.is_none() && token.model.is_some() {
        say("restricted: setting its clock erases its seed, so have that at hand, or resynchronise it on its server"
            .to_owned());
    }
    remarks
}

/// The line that other commands add where a token will be refused within 30 days, or its clock is faulty; from nothing but what is usual for
/// crystals it is never said. `erases`: setting its clock erases its seed.
#[must_use]
pub fn warning(fit: &Fit, erases: bool, window: &Window, now: UnixTime) -> Option<String> {
    const SOON: chrono::TimeDelta = chrono::TimeDelta::days(30);
    const WATCHED_DAYS: f64 = 7.0;
    let rate = fit.rate();
    if fit.standing == Standing::Broken {
        let words = rate_words(rate.s_per_day, 1);
        return Some(format!(
            "its clock is faulty: it {words} (±{:.1}), so setting it helps for a short time only; give its user another token",
            rate.within
        ));
    }
    if fit.days < WATCHED_DAYS || matches!(fit.standing, Standing::Unsure(_)) {
        return None;
    }
    let Come::Before(at) = fit.forecast(window, now).come else { return None };
    let again = match erases {
        false => "set it again before then",
        true => "set it before then with its seed at hand, which setting erases, or resynchronise it on its server",
    };
    (at - now <= SOON).then(|| {
        format!(
            "it {} (±{:.2}): a server that accepts {} s and follows no drift, such as Duo, may refuse its codes from {} on (95 %); {again}",
            rate_words(rate.s_per_day, 2),
            rate.within,
            window.seconds,
            day(at)
        )
    })
}
