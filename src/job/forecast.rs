//! From the events on record to each token's visits, and to the fleet that they make.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::failure::{Failure, unopened};
use super::record::Books;
use crate::clock::Drift;
use crate::device::families::capabilities_on_record;
use crate::drift::{Bounded, Come, Fit, Fleet, Forecast, History, Left, Prior, Visit, Wander, Window};
use crate::inventory::{ClockEvent, Deed, Inventory, Measured, Outcome, SlotKey, TokenFilter, TokenRecord};
use crate::time::UnixTime;

/// A token with its visits.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The token.
    pub token: TokenRecord,
    /// Its model and its visits.
    pub history: History,
}

/// A token with its forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreseen {
    /// The token.
    pub token: TokenRecord,
    /// Its clock, and the forecast; `None` where its clock is not known.
    pub clock: Option<(Fit, Forecast)>,
    /// When it must come back: now where it shows no right codes as it is, else as its clock says; `None`: nobody knows.
    pub come: Option<Come>,
}

impl Foreseen {
    /// A token with its clock, as it is foreseen for a window at a time.
    #[must_use]
    pub fn of(token: TokenRecord, fit: Option<Fit>, window: &Window, now: UnixTime) -> Self {
        let clock = fit.map(|fit| {
            let forecast = fit.forecast(window, now);
            (fit, forecast)
        });
        let come = clock.as_ref().map(|(_, forecast)| forecast.come);
        let foreseen = Self { token, clock, come };
        let come = if foreseen.shows_no_right_codes() { Some(Come::Now) } else { come };
        Self { come, ..foreseen }
    }

    /// Whether it shows no right codes as it is, whatever its drift: its seed was erased, or its clock stands still.
    #[must_use]
    pub fn shows_no_right_codes(&self) -> bool {
        self.token.erased.is_some() || self.token.clock_stopped.is_some()
    }
}

/// All tokens of an inventory, each with its visits up to now.
///
/// # Errors
/// A failure of the inventory.
pub fn watched(inventory: &dyn Inventory, now: UnixTime) -> Result<Vec<Watched>, Failure> {
    let mut visits = visits(inventory, None, now)?;
    let mut watched = Vec::new();
    let mut visit = |token: TokenRecord| {
        // One that counts has no clock to drift, and what a device with slots shows may be no slot's.
        let can = capabilities_on_record(token.model.as_deref(), &token.key.serial);
        if !can.has_clock() || !can.shows_slot_clocks {
            return;
        }
        let visits = visits.remove(&token.key).unwrap_or_default();
        let history = History { model: model(&token), is_emulated: token.emulated, visits };
        watched.push(Watched { token, history });
    };
    inventory.visit_tokens(&TokenFilter::default(), u64::MAX, &mut visit).map_err(|error| unopened(&error))?;
    Ok(watched)
}

/// The clock of one token by its own readings alone, with one that is not on record yet; `None` where it is not known, or its record
/// cannot be read, which is said elsewhere.
#[must_use]
pub fn fit_of(
    books: Option<&Books>,
    key: Option<&SlotKey>,
    read: Option<(UnixTime, Drift)>,
    now: UnixTime,
) -> Option<Fit> {
    let (books, key) = (books?, key?);
    let mut visits = visits(books, Some(&key.serial), now).ok()?.remove(key).unwrap_or_default();
    visits.extend(read.map(|(at, drift)| {
        let found = Bounded { drift_s: drift.middle_s(), within_s: drift.resolution_s() };
        Visit { at, desk: Arc::from(""), found: Some(found), left: Left::AsFound, is_burned: false }
    }));
    Fit::of(&visits, &Prior::WRITTEN_DOWN, Wander::WRITTEN_DOWN)
}

/// The forecasts of these tokens for a window, made at a time: those that must come back first come first, those that show no right codes
/// as they are before all others, and those whose clock is not known last.
#[must_use]
pub fn foresee(watched: Vec<Watched>, fleet: &Fleet, window: &Window, now: UnixTime) -> Vec<Foreseen> {
    let forecast = |Watched { token, history }| Foreseen::of(token, fleet.fit(&history), window, now);
    let mut foreseen: Vec<Foreseen> = watched.into_iter().map(forecast).collect();
    foreseen.sort_by_key(|one| {
        let come = one.come.map_or((4, now), |come| come.order(now));
        (if one.shows_no_right_codes() { (0, now) } else { come }, one.token.key.clone())
    });
    foreseen
}

/// All tokens of an inventory with their forecasts, as [`foresee`] has them, and the fleet that they make.
///
/// # Errors
/// A failure of the inventory.
pub fn outlook(inventory: &dyn Inventory, window: &Window, now: UnixTime) -> Result<(Fleet, Vec<Foreseen>), Failure> {
    let watched = watched(inventory, now)?;
    let fleet = Fleet::of(watched.iter().map(|one| &one.history));
    let foreseen = foresee(watched, &fleet, window, now);
    Ok((fleet, foreseen))
}

/// The kind of clock that a token has: emulated ones are no measure for real ones.
fn model(token: &TokenRecord) -> Option<String> {
    let model = token.model.as_deref()?;
    Some(if token.emulated { format!("emulated {model}") } else { model.to_owned() })
}

/// The visits of one serial, or of all, by token.
fn visits(
    inventory: &dyn Inventory,
    serial: Option<&str>,
    now: UnixTime,
) -> Result<HashMap<SlotKey, Vec<Visit>>, Failure> {
    let mut all: HashMap<SlotKey, Vec<Visit>> = HashMap::new();
    let mut desks: HashMap<String, Arc<str>> = HashMap::new();
    // The jobs that have begun and have not ended yet, by token.
    let mut last: Option<(SlotKey, i64)> = None;
    let latest = now + TimeDelta::days(1);
    let mut visit = |event: ClockEvent| {
        let desk = desks.entry(event.desk.clone()).or_insert_with(|| Arc::from(event.desk.as_str())).clone();
        let visits = all.entry(event.key.clone()).or_default();
        let is_same_job = last.as_ref().is_some_and(|(key, job)| *key == event.key && *job == event.job);
        // A host whose clock was so far ahead says nothing of when that was.
        if event.at > latest {
            return;
        }
        let one = visit_of(&event, desk, is_same_job);
        match visits.last_mut().filter(|_| is_same_job) {
            // The end of a job tells what its beginning could not.
            Some(begun) => *begun = Visit { found: one.found.or(begun.found), ..one },
            None => visits.push(one),
        }
        last = Some((event.key, event.job));
    };
    inventory.visit_clock_events(serial, &mut visit).map_err(|error| unopened(&error))?;
    Ok(all)
}

/// An event as a visit; `had_begun`: the beginning of its job is on record.
fn visit_of(event: &ClockEvent, desk: Arc<str>, had_begun: bool) -> Visit {
    let bounded = |measured: Measured| Bounded { drift_s: measured.drift_s, within_s: measured.resolution_s };
    let writes = matches!(event.deed, Deed::Sync | Deed::Config | Deed::Burn);
    let left = match (event.outcome, event.after) {
        _ if !writes => Left::AsFound,
        (Outcome::Within | Outcome::Refused, _) => Left::AsFound,
        // What began is on record before anything is written.
        (Outcome::Failed | Outcome::Unknown, None) if !had_begun => Left::AsFound,
        (_, Some(after)) => Left::Set(bounded(after)),
        (_, None) => Left::Unknown,
    };
    let is_burned = event.deed == Deed::Burn;
    Visit { at: event.at, desk, found: event.before.map(bounded), left, is_burned }
}
