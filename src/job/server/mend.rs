//! Making a server accept a token's codes again after its clock was set: the server had followed the old one.
//!
//! What is known of privacyIDEA was measured (`docs/servers.md`): it accepts no code of a step at or before the last one that it accepted. A
//! resynchronisation by two codes of some steps ago leaves one to be asked about, and the current one to its user.

use super::super::begins::new_job;
use super::Work;
use super::codes::{
    accepted_from, asked_step, code_at, code_before, codes_from, displayed_step, first_of_two, leaves_the_displayed,
    step_at,
};
use super::hand_over::hand_over;
use super::hindrance::Hindrance;
use super::plan::{Doing, HandOverTerms, Planned, Planner, delivery_of, is_of_another_profile};
use super::ready::Ready;
use crate::inventory::{Deed, Delivery, DeliveryStep, Entry, Outcome, SlotKey, TokenRecord};
use crate::seedfile::{Kind, Row};
use crate::server::{Enrolment, Fate, ServerToken};
use crate::time::UnixTime;

/// The terms of mending.
#[derive(Debug, Clone, Copy, Default)]
pub struct MendTerms {
    /// The same seed may be enrolled again, where nothing else helps.
    pub re_enrols: bool,
}

/// What was done, or was not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mended {
    /// The server does not follow drift: it accepts the codes of a right clock.
    NeverFollows,
    /// The server has accepted a code of the last steps: it follows the clock as it is.
    Follows,
    /// It has found the clock again by two past codes. `checked`: it then accepted a third, so it accepts the current one.
    Resynced {
        /// It was asked about a code that nobody needs any more, and accepted it.
        checked: bool,
    },
    /// The same seed was enrolled again: it accepts the current code.
    ReEnrolled {
        /// It was asked about a code that nobody needs any more, and accepted it.
        checked: bool,
    },
    /// It has accepted codes of a time that is still to come, and accepts no others before then. Enrolling the seed again helps at once.
    AcceptsFrom(UnixTime),
    /// It looks for codes around the old clock until it has found it again, which it can from this time on.
    AgainFrom(UnixTime),
    /// It can only be enrolled again, and that was not allowed.
    OnlyReEnrol,
}

/// Makes the server accept the current code of a token, whose clock is right by now. `row` is its seed with its profile.
///
/// # Errors
/// [`Hindrance`]; nothing is overwritten then, and the journal knows that it is still to be done.
pub fn mend(work: &Work<'_>, token: &TokenRecord, row: &Row, terms: MendTerms) -> Result<Mended, Hindrance> {
    let job = Job { work, token, row, terms, number: new_job() };
    let known = delivery_of(work, &token.key)?;
    let result = job.carry_out(known.as_ref());
    let (outcome, is_open, words) = match &result {
        Ok(Mended::AcceptsFrom(_) | Mended::AgainFrom(_) | Mended::OnlyReEnrol) => {
            (Outcome::Failed, true, "not mended")
        }
        Ok(Mended::NeverFollows | Mended::Follows) => (Outcome::Done, false, "nothing to mend"),
        Ok(_) => (Outcome::Done, false, "its codes are accepted again"),
        Err(Hindrance::Inventory(_) | Hindrance::Busy) => return result,
        Err(why) => (how_it_failed(why), true, "not mended"),
    };
    keep(work, &token.key, job.number, (outcome, is_open), words)?;
    result
}

/// How a request ended at a server that has hindered it.
pub(super) fn how_it_failed(why: &Hindrance) -> Outcome {
    match why {
        Hindrance::Server(error) if error.fate() == Fate::Unknown => Outcome::Unknown,
        _ => Outcome::Failed,
    }
}

/// Puts on record that a server may still expect the old clock of a token, where nobody could be asked to do anything about it.
///
/// # Errors
/// [`Hindrance`].
pub(super) fn left_open(work: &Work<'_>, key: &SlotKey, why: &str) -> Result<(), Hindrance> {
    keep(work, key, new_job(), (Outcome::Failed, true), &format!("not mended, {why}"))
}

/// Puts on record what is about to be asked, or how it ended, and whether it is still to be done. What was handed over by a file is not in
/// the journal, and only the event tells.
pub(super) fn keep(
    work: &Work<'_>,
    key: &SlotKey,
    job: i64,
    (outcome, is_open): (Outcome, bool),
    words: &str,
) -> Result<(), Hindrance> {
    let event = work.event(key, job, Deed::Mend, outcome, format!("at {}: {words}", work.name));
    // Enrolled again, the journal has changed in between.
    match delivery_of(work, key)? {
        Some(earlier) => {
            let now = work.clock.now().wall;
            let unmended = is_open.then(|| earlier.unmended.unwrap_or(now));
            // When it was sent stays as it is.
            let later = Delivery { unmended, ..earlier.clone() };
            work.books.deliver(Some(&earlier), &later, Some(&event)).map_err(Hindrance::Inventory)
        }
        None => work.books.keep(&Entry::of(event)).map_err(Hindrance::Inventory),
    }
}

/// One token that is mended at one server.
struct Job<'a> {
    work: &'a Work<'a>,
    token: &'a TokenRecord,
    row: &'a Row,
    terms: MendTerms,
    number: i64,
}

impl Job<'_> {
    fn carry_out(&self, known: Option<&Delivery>) -> Result<Mended, Hindrance> {
        let Self { work, token, row, terms, .. } = *self;
        let can = work.server.kind().can();
        if !can.follows_drift {
            return Ok(Mended::NeverFollows);
        }
        if let Some(planned) = self.begun_before(known)? {
            return hand_over(work, &planned).map(|handed| Mended::ReEnrolled { checked: handed.is_checked });
        }
        let mut found = work.server.tokens(&token.key.serial).map_err(Hindrance::Server)?;
        let there = match (found.pop(), found.len()) {
            (None, _) => return Err(Hindrance::NotThere),
            (Some(there), 0) => there,
            (Some(_), more) => return Err(Hindrance::Several(more + 1)),
        };
        if there.counts || row.kind == Kind::Hotp {
            return Err(Hindrance::OtherKind);
        }
        // Burned anew since: codes of the new seed help nothing before the server has it.
        if known.is_some_and(|known| known.step.is_there() && token.seed.is_some_and(|seed| seed != known.seed)) {
            return Err(Hindrance::Taken { user: there.user, is_older: true });
        }
        if is_of_another_profile(row, &there) {
            return Err(Hindrance::OtherProfileThere);
        }
        if can.resyncs_time && (there.is_off || there.is_unverified) {
            return Err(Hindrance::OffThere);
        }
        if can.resyncs_time {
            return self.by_codes(&there);
        }
        if !terms.re_enrols {
            return Ok(Mended::OnlyReEnrol);
        }
        // What the server has cannot be asked: only what went there by this journal is known to be the same.
        let is_known_there = known.is_some_and(|known| known.step.is_there() && Some(known.seed) == token.seed);
        if !is_known_there || token.seed != Some(work.books.fingerprint_key().of(&row.seed)) {
            return Err(Hindrance::SeedUnproven);
        }
        // Known before anything is removed: without its user it would come back as nobody's.
        let user = match &there.user {
            Some(name) => match work.server.users(name).map_err(Hindrance::Server)?.as_slice() {
                [one] => Some(one.clone()),
                [] => return Err(Hindrance::NoUser(name.clone())),
                several => return Err(Hindrance::SeveralUsers(name.clone(), several.len())),
            },
            None => None,
        };
        let ready = Ready { token: token.clone(), row: row.clone() };
        let planned = Planned { ready, doing: Doing::Replace, user, known: known.cloned(), there: Some(there) };
        hand_over(work, &planned).map(|handed| Mended::ReEnrolled { checked: handed.is_checked })
    }

    /// What is left of an enrolment of the same seed that was begun and not ended: it goes on as a hand-over does, which knows whose the token
    /// was.
    fn begun_before(&self, known: Option<&Delivery>) -> Result<Option<Planned>, Hindrance> {
        let Self { work, token, row, terms, .. } = *self;
        let can = work.server.kind().can();
        let is_unfinished = known.is_some_and(|known| {
            Some(known.seed) == token.seed
                && match known.step {
                    DeliveryStep::Sent | DeliveryStep::Created => true,
                    DeliveryStep::Assigned => can.activates,
                    // It was there before, and was removed to be enrolled again.
                    DeliveryStep::Refused => known.unmended.is_some(),
                    DeliveryStep::Active | DeliveryStep::Gone => false,
                }
        });
        if can.resyncs_time || !terms.re_enrols || !is_unfinished {
            return Ok(None);
        }
        let ready = Ready { token: token.clone(), row: row.clone() };
        let planned = Planner::new(work, HandOverTerms::default()).one(ready)?;
        Ok(Some(planned).filter(|planned| planned.doing != Doing::Nothing))
    }

    /// By codes alone, where the server takes them, and else by the seed, once codes have shown that the server has the same.
    fn by_codes(&self, there: &ServerToken) -> Result<Mended, Hindrance> {
        let Self { work, row, .. } = *self;
        let now = work.clock.now().wall.timestamp();
        let (step, asked) = (step_at(row, now), asked_step(row, now));
        let next = there.next_counter.unwrap_or_default();
        // The code of this step was accepted just now: that is no fast clock.
        if next > step + 1 {
            return self.of_the_future(there, (step, asked), next);
        }
        let first = first_of_two(row, now, next);
        if !leaves_the_displayed(row, now, first) {
            // Two are too many by now; asked about one, it comes so near that the current one is within its window.
            let one = asked.max(next);
            if !looks_here(there) {
                return Ok(Mended::AgainFrom(time_of(row, accepted_from(first))));
            }
            // One that may still be on the display, or the one before it, was accepted: the server is where the clock is.
            if one >= displayed_step(row, now) {
                return Ok(Mended::Follows);
            }
            self.begins()?;
            return match self.accepts(there, one)? {
                true => Ok(Mended::Resynced { checked: true }),
                false => Err(Hindrance::CodeRefused),
            };
        }
        self.begins()?;
        if !work.server.resync(there, &codes_from(row, first, 2)).map_err(Hindrance::Server)? {
            return Err(Hindrance::OtherSeedThere);
        }
        let may_ask = accepted_from(first) <= asked;
        if may_ask && !self.accepts(there, asked)? {
            return Err(Hindrance::CodeRefused);
        }
        Ok(Mended::Resynced { checked: may_ask })
    }

    /// A server that has accepted codes of a fast clock, which was set back.
    fn of_the_future(&self, there: &ServerToken, (step, asked): (u64, u64), next: u64) -> Result<Mended, Hindrance> {
        let Self { work, row, terms, .. } = *self;
        // The next one or two: whoever types a code has it before anything could be done.
        let is_near = looks_here(there) && next <= step.saturating_add(2);
        if is_near || !terms.re_enrols {
            return Ok(match looks_here(there) {
                true => Mended::AcceptsFrom(time_of(row, next)),
                false => Mended::AgainFrom(time_of(row, accepted_from(next))),
            });
        }
        self.begins()?;
        // Codes that are still to come, which the server knows only if it has this seed.
        if !work.server.resync(there, &codes_from(row, next, 2)).map_err(Hindrance::Server)? {
            return Err(Hindrance::OtherSeedThere);
        }
        let past_code = code_before(row, asked);
        let new = Enrolment { row, serial: &there.serial, past_code };
        work.server.re_enrol(there, &new).map_err(Hindrance::Server)?;
        match self.accepts(there, asked)? {
            true => Ok(Mended::ReEnrolled { checked: true }),
            false => Err(Hindrance::CodeRefused),
        }
    }

    /// Keeps that the server is about to be asked for something that changes what it has.
    fn begins(&self) -> Result<(), Hindrance> {
        keep(self.work, &self.token.key, self.number, (Outcome::Begun, true), "about to send codes")
    }

    /// Whether the server accepts the code of a step that is past, which nobody needs any more: then it accepts the current one.
    fn accepts(&self, there: &ServerToken, step: u64) -> Result<bool, Hindrance> {
        let Self { work, row, .. } = *self;
        let asks = || {
            // After a pause it is a later one.
            let asked = asked_step(row, work.clock.now().wall.timestamp()).max(step);
            work.server.accepts(there, &code_at(row, asked))
        };
        work.with_code(&asks).map_err(Hindrance::Server)
    }
}

/// A server looks for a code within this of the time that it believes a clock to show, in seconds: that of a clock which it believes to
/// be further ahead is found only when it has been told anew (privacyIDEA's `totp_window`, 180 s where nobody has set it; less a step of
/// 60 s).
const LOOKS_WITHIN_S: f64 = 120.0;

/// Whether the server looks for codes where the right clock is. One that believes the clock to be slow, as a resynchronisation leaves it,
/// is brought there by one code.
fn looks_here(there: &ServerToken) -> bool {
    there.believed.is_none_or(|(ahead_s, _)| ahead_s <= LOOKS_WITHIN_S)
}

/// The time at which a step begins.
fn time_of(row: &Row, step: u64) -> UnixTime {
    let seconds = i64::try_from(step.saturating_mul(u64::from(row.effective_step()))).unwrap_or(i64::MAX);
    UnixTime::from_timestamp(seconds, 0).unwrap_or(UnixTime::MAX_UTC)
}
