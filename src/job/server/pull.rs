//! What a server believes of tokens' clocks, read into the inventory as readings of their own kind: of tokens that nobody brought in.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::super::begins::new_job;
use super::Work;
use super::codes::asked_about;
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

/// A code that this program computed for the server was that of a step up to so many steps before the time at which it was asked.
const OWN_STEPS: u64 = 6;

/// How long a request takes at the most whose end is not on record.
const ASKED_WITHIN: TimeDelta = TimeDelta::seconds(30);

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
        if at > work.clock.now().wall + AHEAD_WITHIN || is_known(work, token, &key, (shift_s, at))? {
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

/// Whether a reading of this time is on record already, or was made by what this program did there: the code that the server accepted last
/// is then one of those that were computed for it, which are older than any that somebody types off a clock that is right by now.
fn is_known(
    work: &Work<'_>,
    token: &ServerToken,
    key: &SlotKey,
    (shift_s, at): (f64, UnixTime),
) -> Result<bool, Hindrance> {
    let step_s = token.step_s.unwrap_or(30);
    let ago = |steps: u64| TimeDelta::seconds(i64::from(step_s)) * i32::try_from(steps).unwrap_or(i32::MAX);
    let code_of = at + TimeDelta::milliseconds((shift_s * 1000.0) as i64);
    let filter = EventFilter {
        serial: Some(key.serial.clone()),
        slot: Some(key.slot),
        since: Some(at.min(code_of) - ASKED_WITHIN),
        ..EventFilter::default()
    };
    let mut is_known = false;
    let mut visit = |event: Event| {
        is_known |= match (event.deed, event.outcome) {
            (Deed::Pull, _) => (event.at - at).abs() < TimeDelta::seconds(2) && event.station.desk == work.name,
            (Deed::HandOver | Deed::Mend, Outcome::Done | Outcome::Begun | Outcome::Unknown) => {
                let until = match event.outcome {
                    Outcome::Done => event.at,
                    _ => event.at + ASKED_WITHIN,
                };
                (event.at - ago(OWN_STEPS)..=until - ago(asked_about(step_s))).contains(&code_of)
            }
            _ => false,
        };
    };
    work.books.visit_events(&filter, u64::MAX, &mut visit).map_err(Hindrance::Inventory)?;
    Ok(is_known)
}
