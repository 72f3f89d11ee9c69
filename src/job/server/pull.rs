//! What a server believes of tokens' clocks, read into the inventory as readings of their own kind: of tokens that nobody brought in.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::super::begins::new_job;
use super::Work;
use super::hindrance::Hindrance;
use crate::inventory::{Deed, Entry, Event, EventFilter, Measured, Outcome, SlotKey, Station};
use crate::server::ServerToken;
use crate::time::UnixTime;

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Tokens that the server lists.
    pub listed: u64,
    /// Of these, tokens that the inventory does not know.
    pub unknown: u64,
    /// Tokens with which nobody has signed in yet, or that count.
    pub without: u64,
    /// Readings that were on record already, or that this program itself has made the server believe.
    pub known: u64,
    /// New readings.
    pub new: u64,
}

/// A reading this near to something that this program did at the server is of its own making.
const OWN_WITHIN: TimeDelta = TimeDelta::minutes(3);

/// A belief of more than so many seconds, or of before 2001, is none.
const MOST_SHIFT_S: f64 = 172_800.0;
const EARLIEST_S: i64 = 978_307_200;

/// A reading that is further in the future than this is of a server whose clock is wrong.
const AHEAD_WITHIN: TimeDelta = TimeDelta::minutes(2);

/// Reads what the server believes, and keeps what is new.
///
/// # Errors
/// [`Hindrance`]; nothing is kept then.
pub fn pull(work: &Work<'_>) -> Result<Pulled, Hindrance> {
    if !work.server.kind().can().tells_drift {
        return Err(Hindrance::NoCall);
    }
    let mut listed: HashMap<String, Vec<ServerToken>> = HashMap::new();
    let mut visit = |token: ServerToken| listed.entry(token.serial.clone()).or_default().push(token);
    work.server.visit_tokens(&mut visit).map_err(Hindrance::Server)?;
    let mut pulled = Pulled::default();
    let mut new = Vec::new();
    for (serial, tokens) in listed {
        pulled.listed += 1;
        let key = SlotKey::only(serial);
        // Two of one serial: nobody knows which of them is this one.
        let [token] = tokens.as_slice() else {
            pulled.without += 1;
            continue;
        };
        if work.books.token(&key).map_err(Hindrance::Inventory)?.is_none() {
            pulled.unknown += 1;
            continue;
        }
        // What no clock of these shows, and no server that works believes.
        let is_plausible =
            |(shift_s, at): &(f64, UnixTime)| shift_s.abs() < MOST_SHIFT_S && at.timestamp() > EARLIEST_S;
        let Some((shift_s, at)) =
            token.believed.filter(|_| !token.counts && matches!(token.step_s, Some(30 | 60))).filter(is_plausible)
        else {
            pulled.without += 1;
            continue;
        };
        if at > work.clock.now().wall + AHEAD_WITHIN || is_known(work, &key, at)? {
            pulled.known += 1;
            continue;
        }
        pulled.new += 1;
        new.push(reading(work, &key, shift_s, f64::from(token.step_s.unwrap_or(30)), at));
    }
    let mut entries = new.into_iter();
    work.books.keep_all(false, &mut |_| Ok(entries.next().map(Entry::of))).map_err(Hindrance::Inventory)?;
    Ok(pulled)
}

/// The server's belief as a reading. The code was on the display for up to a step before it was typed, so the clock is half a step ahead of
/// the beginning of its step, give or take a whole one.
fn reading(work: &Work<'_>, key: &SlotKey, shift_s: f64, step_s: f64, at: UnixTime) -> Event {
    let words = format!("by a login at {}", work.name);
    // The server is a desk of its own: should its clock be wrong, all of its readings are.
    let station = Station { desk: work.name.to_owned(), ..work.station.clone() };
    let before = Some(Measured { drift_s: shift_s + step_s / 2.0, resolution_s: step_s });
    Event { at, station, before, ..work.event(key, new_job(), Deed::Pull, Outcome::Done, words) }
}

/// Whether a reading of this time is on record already, or was made by what this program did there.
fn is_known(work: &Work<'_>, key: &SlotKey, at: UnixTime) -> Result<bool, Hindrance> {
    let filter = EventFilter {
        serial: Some(key.serial.clone()),
        slot: Some(key.slot),
        since: Some(at - OWN_WITHIN),
        ..EventFilter::default()
    };
    let mut is_known = false;
    let mut visit = |event: Event| {
        let apart = (event.at - at).abs();
        is_known |= match event.deed {
            Deed::Pull => apart < TimeDelta::seconds(2) && event.station.desk == work.name,
            Deed::HandOver | Deed::Mend => apart < OWN_WITHIN,
            _ => false,
        };
    };
    work.books.visit_events(&filter, u64::MAX, &mut visit).map_err(Hindrance::Inventory)?;
    Ok(is_known)
}
