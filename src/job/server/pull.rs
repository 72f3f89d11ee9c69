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

/// How far the time of a login, as the server's belief has it, may be off.
const ABOUT: TimeDelta = TimeDelta::seconds(2);

/// For so long after a token was not mended here somebody may type the codes that were computed for that.
const TYPED_WITHIN: TimeDelta = TimeDelta::minutes(15);

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

/// Whether a reading of this time is on record already, or was made by what this program did there.
fn is_known(
    work: &Work<'_>,
    token: &ServerToken,
    key: &SlotKey,
    (shift_s, at): (f64, UnixTime),
) -> Result<bool, Hindrance> {
    let login = Login { at, code_of: at + TimeDelta::milliseconds((shift_s * 1000.0) as i64), token };
    let filter = EventFilter {
        serial: Some(key.serial.clone()),
        slot: Some(key.slot),
        since: Some(at.min(login.code_of) - TYPED_WITHIN),
        ..EventFilter::default()
    };
    let mut is_pulled = false;
    let mut done: Vec<Event> = Vec::new();
    let mut visit = |event: Event| match event.deed {
        Deed::Pull => is_pulled |= (event.at - at).abs() < ABOUT && event.station.desk == work.name,
        Deed::HandOver | Deed::Mend => done.push(event),
        _ => {}
    };
    work.books.visit_events(&filter, u64::MAX, &mut visit).map_err(Hindrance::Inventory)?;
    Ok(is_pulled || done.iter().any(|event| login.is_by(event, &done)))
}

/// A login, as a server's belief tells of it.
struct Login<'a> {
    at: UnixTime,
    /// The time whose code was accepted.
    code_of: UnixTime,
    token: &'a ServerToken,
}

impl Login<'_> {
    /// Whether the code was one that this program has computed: then it tells nothing of the clock on the token. What nobody knows for certain is
    /// taken for computed: a reading that is missing does less harm than one that is wrong.
    fn is_by(&self, event: &Event, all: &[Event]) -> bool {
        let begun = |one: &Event| one.job == event.job && one.outcome == Outcome::Begun;
        match event.outcome {
            // What was sent by this job is older than any code that is typed off a clock which is right by now, or is still to come.
            Outcome::Begun => {
                let end = all.iter().find(|one| one.job == event.job && one.outcome != Outcome::Begun);
                let until = end.map_or(event.at + ASKED_WITHIN, |end| end.at);
                let is_asked = self.at >= event.at - ABOUT && self.at <= until + ABOUT;
                self.is_past_code_of(event.at, until) || (is_asked && self.code_of - self.at > self.steps(2))
            }
            // Nothing was sent, but somebody may have been given codes to type.
            _ if event.deed == Deed::Mend && !all.iter().any(begun) => {
                let is_soon = self.at >= event.at && self.at - event.at < TYPED_WITHIN;
                is_soon && self.is_past_code_of(self.at, self.at)
            }
            _ => false,
        }
    }

    /// Whether the code is one of those that are computed between two times.
    fn is_past_code_of(&self, from: UnixTime, until: UnixTime) -> bool {
        let past = asked_about(self.token.step_s.unwrap_or(30));
        (from - self.steps(OWN_STEPS)..=until - self.steps(past)).contains(&self.code_of)
    }

    fn steps(&self, steps: u64) -> TimeDelta {
        let step = TimeDelta::seconds(i64::from(self.token.step_s.unwrap_or(30)));
        step * i32::try_from(steps).unwrap_or(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Station;

    const AT_S: i64 = 1_800_000_000;

    fn event(job: i64, at_s: i64, deed: Deed, outcome: Outcome) -> Event {
        Event {
            at: UnixTime::from_timestamp(at_s, 0).unwrap(),
            job,
            station: Station { desk: "front".to_owned(), operator: "ana".to_owned(), reader: None },
            serial: Some("A".to_owned()),
            slot: 0,
            deed,
            outcome,
            before: None,
            after: None,
            state: None,
            detail: None,
        }
    }

    /// Whether a login at a time, with the code of a clock that is off by so much, is taken for one of the program's own.
    fn is_own(at_s: i64, shift_s: i64, events: &[Event]) -> bool {
        let token = ServerToken { step_s: Some(30), ..ServerToken::default() };
        let at = UnixTime::from_timestamp(at_s, 0).unwrap();
        let login = Login { at, code_of: at + TimeDelta::seconds(shift_s), token: &token };
        events.iter().any(|event| login.is_by(event, events))
    }

    #[test]
    fn codes_that_a_job_has_sent_are_its_own_and_logins_before_and_after_it_are_not() {
        let job = [event(1, AT_S, Deed::Mend, Outcome::Begun), event(1, AT_S + 2, Deed::Mend, Outcome::Done)];
        // Of two to four steps ago, or of a fast clock's time that is still to come.
        for shift_s in [-60, -90, -120, 600] {
            assert!(is_own(AT_S + 1, shift_s, &job), "{shift_s}");
        }
        for (at_s, shift_s) in
            [(AT_S + 3, 0), (AT_S + 40, -20), (AT_S - 3600, -90), (AT_S + 3600, -90), (AT_S - 60, 600)]
        {
            assert!(!is_own(at_s, shift_s, &job), "{at_s} {shift_s}");
        }
    }

    #[test]
    fn a_job_that_is_not_known_to_have_ended_may_have_sent_codes_until_its_request_was_over() {
        let job = [event(1, AT_S, Deed::HandOver, Outcome::Begun)];
        assert!(is_own(AT_S + 25, -60, &job) && is_own(AT_S + 25, 300, &job));
        assert!(!is_own(AT_S + 25, 0, &job) && !is_own(AT_S + 300, 300, &job));
    }

    #[test]
    fn where_nothing_was_sent_codes_may_have_been_typed_for_a_while() {
        let job = [event(1, AT_S, Deed::Mend, Outcome::Failed)];
        assert!(is_own(AT_S + 30, -90, &job));
        assert!(!is_own(AT_S + 30, 0, &job) && !is_own(AT_S + 3600, -90, &job) && !is_own(AT_S - 30, -565, &job));
    }
}
