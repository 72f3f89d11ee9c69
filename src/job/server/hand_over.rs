//! Handing one token over: created, given to its user, activated, each step on record before it is sent and after it was answered.

use std::time::Duration;

use super::super::begins::new_job;
use super::Work;
use super::codes::{codes_from, step_at};
use super::hindrance::Hindrance;
use super::journal::Journal;
use super::plan::{Doing, Planned, check_owner};
use crate::inventory::{Deed, Delivery, DeliveryStep, Fingerprint, Outcome};
use crate::seedfile::Kind;
use crate::server::{Enrolment, Fate, ServerError, ServerToken, ServerUser};
use crate::time::UnixTime;

/// A token that was handed over.
#[derive(Debug, Clone, PartialEq)]
pub struct Handed {
    /// What stands in the journal by now.
    pub delivery: Delivery,
    /// What was done.
    pub doing: Doing,
    /// The server has accepted a code of the seed.
    pub is_checked: bool,
}

/// How often it is looked whether a token is there whose creation was not answered, and after what time each.
const LOOKS: u32 = 3;
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Hands a token over, as planned.
///
/// # Errors
/// [`Hindrance`]; the journal knows how far it came.
pub fn hand_over(work: &Work<'_>, planned: &Planned) -> Result<Handed, Hindrance> {
    let now = work.clock.now().wall;
    let seed = planned.ready.token.seed.ok_or(Hindrance::NotBurned)?;
    if planned.doing == Doing::Nothing
        && let Some(known) = &planned.known
    {
        return Ok(Handed {
            delivery: known.clone(),
            doing: Doing::Nothing,
            is_checked: known.step == DeliveryStep::Active,
        });
    }
    let mut journal = Journal::begin(work, new_job(), planned.known.clone(), first(work, planned, seed, now));
    let result = carry_out(work, planned, &mut journal);
    match result {
        Ok(is_checked) => {
            journal.ends(Outcome::Done, None)?;
            Ok(Handed { delivery: journal.now, doing: planned.doing, is_checked })
        }
        Err(hindrance) => {
            // What the server said is kept; what it may have done is settled by the next look.
            let outcome = match (&hindrance, journal.now.step) {
                (Hindrance::Busy | Hindrance::Inventory(_), _) => return Err(hindrance),
                (_, DeliveryStep::Sent) => Outcome::Unknown,
                (_, DeliveryStep::Refused) => Outcome::Refused,
                _ => Outcome::Failed,
            };
            journal.ends(outcome, Some(said(&hindrance)))?;
            Err(hindrance)
        }
    }
}

/// What is about to stand in the journal.
fn first(work: &Work<'_>, planned: &Planned, seed: Fingerprint, now: UnixTime) -> Delivery {
    let known = planned.known.as_ref();
    let goes_on = planned.doing == Doing::Finish;
    // Whose it was is kept before it is removed: it is given back to them.
    let had = planned.there.as_ref().and_then(|there| there.user.clone());
    Delivery {
        server: work.name.to_owned(),
        key: planned.ready.token.key.clone(),
        seed,
        step: known.filter(|_| goes_on).map_or(DeliveryStep::Sent, |known| known.step),
        // Until it is answered, that of the token in whose place it comes.
        id: planned.there.as_ref().map(|there| there.id.clone()),
        user: had
            .or_else(|| known.filter(|known| !known.step.is_there() || goes_on).and_then(|known| known.user.clone())),
        since: known.filter(|_| goes_on).map_or(now, |known| known.since),
        at: now,
        unmended: None,
        detail: None,
    }
}

/// Does what is missing; whether the server has accepted a code.
fn carry_out(work: &Work<'_>, planned: &Planned, journal: &mut Journal<'_, '_>) -> Result<bool, Hindrance> {
    let mut token = match (&planned.there, planned.doing) {
        (Some(there), Doing::Finish) => there.clone(),
        (there, doing) => {
            let words = format!("to {}", work.name);
            journal.keep(Some((Deed::HandOver, Outcome::Begun, words)))?;
            create(work, planned, there.as_ref().filter(|_| doing == Doing::Replace), journal)?
        }
    };
    if !journal.now.step.is_there() {
        journal.now.id = Some(token.id.clone());
        journal.reached(DeliveryStep::Created)?;
    }
    let user = match &planned.user {
        Some(user) => Some(user.clone()),
        // A token that was replaced, now or by a run that did not come to its end, goes back to whoever had it.
        None => match (&journal.now.user, token.user.is_some()) {
            (Some(name), false) if planned.doing != Doing::Finish => {
                let mut found = work.server.users(name).map_err(Hindrance::Server)?;
                if found.len() == 1 { found.pop() } else { None }
            }
            _ => None,
        },
    };
    if let Some(user) = &user {
        assign(work, &mut token, user)?;
        journal.now.user = Some(user.name.clone());
        journal.reached(DeliveryStep::Assigned)?;
    }
    let is_checked = check(work, planned, &token, user.as_ref())?;
    if is_checked {
        journal.reached(DeliveryStep::Active)?;
    }
    Ok(is_checked)
}

/// Creates the token, in the place of another one where there is one.
fn create(
    work: &Work<'_>,
    planned: &Planned,
    replaced: Option<&ServerToken>,
    journal: &mut Journal<'_, '_>,
) -> Result<ServerToken, Hindrance> {
    let serial = planned.ready.token.key.serial.as_str();
    let new = Enrolment { row: &planned.ready.row, serial };
    let id = match replaced {
        None => work.server.create(&new),
        Some(there) => match work.server.re_enrol(there, &new) {
            Err(ServerError::NoSuchCall(_)) => work.server.remove(there).and_then(|()| work.server.create(&new)),
            enrolled => enrolled.map(|()| there.id.clone()),
        },
    };
    let error = match id {
        Ok(id) => {
            let user = replaced.filter(|_| work.server.kind().can().resyncs_time).and_then(|there| there.user.clone());
            return Ok(ServerToken { id, serial: serial.to_owned(), user, ..ServerToken::default() });
        }
        Err(error) => error,
    };
    if error.fate() == Fate::NotDone {
        journal.now.step = DeliveryStep::Refused;
        return Err(Hindrance::Server(error));
    }
    // Whether it is there is looked at, and never tried by sending it again.
    for _ in 0..LOOKS {
        if let Ok(found) = work.server.tokens(serial)
            && let [there] = found.as_slice()
            && replaced.is_none_or(|replaced| replaced.id != there.id)
        {
            return Ok(there.clone());
        }
        if !(work.pause)(LOOK_AFTER) {
            break;
        }
    }
    Err(Hindrance::Server(error))
}

/// Gives the token to its user. A server that says no may have done it before.
fn assign(work: &Work<'_>, token: &mut ServerToken, user: &ServerUser) -> Result<(), Hindrance> {
    if token.user.is_some() {
        return check_owner(token, user);
    }
    let Err(error) = work.server.assign(token, user) else {
        token.user = Some(user.name.clone());
        return Ok(());
    };
    let found = work.server.tokens(&token.serial).unwrap_or_default();
    match found.into_iter().find(|there| there.id == token.id && there.user.is_some()) {
        Some(there) => {
            check_owner(&there, user)?;
            *token = there;
            Ok(())
        }
        None => Err(Hindrance::Server(error)),
    }
}

/// Lets the server accept a code: the one that it wants before the first sign-in, or else one of a step ago, so that the one on the display is
/// still good.
fn check(
    work: &Work<'_>,
    planned: &Planned,
    token: &ServerToken,
    user: Option<&ServerUser>,
) -> Result<bool, Hindrance> {
    let row = &planned.ready.row;
    if row.kind == Kind::Hotp {
        return Ok(false);
    }
    let can = work.server.kind().can();
    let step = step_at(row, work.clock.now().wall.timestamp());
    let code = |step: u64| codes_from(row, step, 1).pop().unwrap_or_default();
    match user {
        Some(user) if can.activates => {
            let activated = work.server.activate(token, user, &code(step));
            match activated {
                Ok(()) => Ok(true),
                Err(error) => {
                    let found = work.server.tokens(&token.serial).unwrap_or_default();
                    let is_on = found.iter().any(|there| there.id == token.id && !there.is_off);
                    if is_on { Ok(true) } else { Err(Hindrance::Server(error)) }
                }
            }
        }
        _ if can.resyncs_time => {
            // Its user has signed in with it, or a run before this one has asked.
            if token.believed.is_some() {
                return Ok(true);
            }
            match work.server.accepts(token, &code(step.saturating_sub(1))) {
                Ok(true) => Ok(true),
                Ok(false) => Err(Hindrance::CodeRefused),
                Err(error) => Err(Hindrance::Server(error)),
            }
        }
        _ => Ok(false),
    }
}

/// What is kept of a hindrance: a server's own words, or what kind of thing it was.
fn said(hindrance: &Hindrance) -> String {
    match hindrance {
        Hindrance::Server(
            ServerError::Refused { detail, .. }
            | ServerError::Forbidden { detail, .. }
            | ServerError::SignIn { detail, .. },
        ) => format!("it said: {detail}"),
        Hindrance::Server(error) if error.fate() == Fate::Unknown => "no answer that tells".to_owned(),
        Hindrance::Server(_) => "not reached".to_owned(),
        Hindrance::CodeRefused => "it does not accept the codes".to_owned(),
        _ => "not done".to_owned(),
    }
}
