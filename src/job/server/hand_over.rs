//! Handing one token over: created, given to its user, activated, each step on record before it is sent and after it was answered.

use std::time::Duration;

use super::super::begins::new_job;
use super::Work;
use super::codes::{asked_step, code_at, code_before, step_at};
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
        // Whose it is, the server has just said.
        let user = planned.there.as_ref().and_then(|there| there.user.clone());
        return Ok(Handed {
            delivery: Delivery { user, ..known.clone() },
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
        // The server's own name for it; of a token that is only being sent, for the one whose place it takes.
        id: planned.there.as_ref().map(|there| there.id.clone()),
        user: had
            .or_else(|| known.filter(|known| !known.step.is_there() || goes_on).and_then(|known| known.user.clone())),
        since: known.filter(|_| goes_on).map_or(now, |known| known.since),
        at: now,
        // Until the server has accepted a code by now.
        unmended: known.filter(|_| goes_on).and_then(|known| known.unmended),
        detail: None,
    }
}

/// Does what is missing; whether the server has accepted a code.
fn carry_out(work: &Work<'_>, planned: &Planned, journal: &mut Journal<'_, '_>) -> Result<bool, Hindrance> {
    let begun = || Some((Deed::HandOver, Outcome::Begun, format!("to {}", work.name)));
    let mut token = match (&planned.there, planned.doing) {
        (Some(there), Doing::Finish) => {
            journal.keep(begun())?;
            there.clone()
        }
        (there, doing) => {
            look_again(work, planned)?;
            journal.keep(begun())?;
            create(work, planned, there.as_ref().filter(|_| doing == Doing::Replace), journal)?
        }
    };
    let can = work.server.kind().can();
    // Whether the seed there is this one, where the answer to its creation was lost, codes alone tell.
    let is_in_doubt = planned.doing == Doing::Finish && !journal.now.step.is_there();
    let mut accepts = is_in_doubt && can.resyncs_time && accepts_past_code(work, planned, &token)?;
    if !journal.now.step.is_there() {
        journal.now.id = Some(token.id.clone());
        journal.reached(DeliveryStep::Created)?;
    }
    // Before it is anybody's.
    if can.resyncs_time && !accepts {
        accepts = accepts_past_code(work, planned, &token)?;
    }
    let user = match &planned.user {
        Some(user) => Some(user.clone()),
        // A token that was replaced, now or by a run that did not come to its end, goes back to whoever had it.
        None => match (&journal.now.user, token.user.is_some()) {
            (Some(name), false) if planned.doing != Doing::Finish || was_not_given(planned) => {
                let mut found = work.server.users(name).map_err(Hindrance::Server)?;
                match found.len() {
                    0 => return Err(Hindrance::NoUser(name.clone())),
                    1 => found.pop(),
                    several => return Err(Hindrance::SeveralUsers(name.clone(), several)),
                }
            }
            _ => None,
        },
    };
    if let Some(user) = &user {
        assign(work, &mut token, user)?;
        journal.now.user = Some(user.name.clone());
        journal.reached(DeliveryStep::Assigned)?;
    }
    let is_checked = match &user {
        Some(user) if can.activates => activate(work, planned, &token, user)?,
        _ => accepts,
    };
    if is_checked {
        // A login of before the clock was set says nothing of it.
        journal.now.unmended = journal.now.unmended.filter(|_| token.believed.is_some());
        journal.reached(DeliveryStep::Active)?;
    }
    Ok(is_checked)
}

/// Whether no run has come so far as to give the token to anybody.
fn was_not_given(planned: &Planned) -> bool {
    planned.known.as_ref().is_some_and(|known| matches!(known.step, DeliveryStep::Sent | DeliveryStep::Created))
}

/// Creates the token, in the place of another one where there is one.
fn create(
    work: &Work<'_>,
    planned: &Planned,
    replaced: Option<&ServerToken>,
    journal: &mut Journal<'_, '_>,
) -> Result<ServerToken, Hindrance> {
    let serial = planned.ready.token.key.serial.as_str();
    let row = &planned.ready.row;
    let past_code = code_before(row, asked_step(row, work.clock.now().wall.timestamp()));
    let new = Enrolment { row, serial, past_code };
    if let Some(there) = replaced {
        match work.server.re_enrol(there, &new) {
            Err(ServerError::NoSuchCall(_)) => {
                remove(work, there).map_err(|error| stands(planned, journal, error))?;
                // Should another desk have taken this over meanwhile, it is the one that creates.
                journal.keep(None)?;
            }
            Err(error) => return Err(stands(planned, journal, error)),
            Ok(()) => {
                return Ok(ServerToken {
                    id: there.id.clone(),
                    serial: serial.to_owned(),
                    user: there.user.clone(),
                    ..ServerToken::default()
                });
            }
        }
    }
    let error = match work.server.create(&new) {
        Ok(id) => return Ok(ServerToken { id, serial: serial.to_owned(), ..ServerToken::default() }),
        Err(error) => error,
    };
    if error.fate() == Fate::NotDone {
        (journal.now.step, journal.now.id) = (DeliveryStep::Refused, None);
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

/// Removes a token. Where the answer does not tell, a look does.
fn remove(work: &Work<'_>, there: &ServerToken) -> Result<(), ServerError> {
    let Err(error) = work.server.remove(there) else { return Ok(()) };
    let may_be_gone = error.fate() == Fate::Unknown || matches!(error, ServerError::Absent(_));
    match work.server.tokens(&there.serial) {
        Ok(found) if may_be_gone && found.iter().all(|one| one.id != there.id) => Ok(()),
        _ => Err(error),
    }
}

/// A token whose place was not taken: where nothing was done, what was on record of it is true still.
fn stands(planned: &Planned, journal: &mut Journal<'_, '_>, error: ServerError) -> Hindrance {
    if error.fate() == Fate::NotDone {
        journal.now = match &planned.known {
            Some(known) if known.step.is_there() || known.step == DeliveryStep::Sent => known.clone(),
            _ => Delivery { step: DeliveryStep::Refused, id: None, ..journal.now.clone() },
        };
    }
    Hindrance::Server(error)
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

/// Whether nothing has changed at the server since the plan was made, which may be minutes ago.
fn look_again(work: &Work<'_>, planned: &Planned) -> Result<(), Hindrance> {
    let found = work.server.tokens(&planned.ready.token.key.serial).map_err(Hindrance::Server)?;
    let is_same = match (found.as_slice(), planned.doing, &planned.there) {
        ([], Doing::Create, _) => true,
        ([now], Doing::Replace, Some(there)) => now.id == there.id && now.user == there.user,
        _ => false,
    };
    if is_same { Ok(()) } else { Err(Hindrance::Busy) }
}

/// Whether the server accepts a code that is past, so that the one on the display is still good.
fn accepts_past_code(work: &Work<'_>, planned: &Planned, token: &ServerToken) -> Result<bool, Hindrance> {
    let row = &planned.ready.row;
    if row.kind == Kind::Hotp {
        return Ok(false);
    }
    let known = planned.known.as_ref().filter(|_| planned.doing == Doing::Finish).map(|known| known.step);
    // Somebody has signed in with it, or a run before this one has asked. Of one whose creation was not answered that proves
    // nothing: it may be another seed.
    if token.believed.is_some() && known.is_some_and(DeliveryStep::is_there) {
        return Ok(true);
    }
    if token.is_off {
        return Err(Hindrance::OffThere);
    }
    let asks = || {
        let asked = asked_step(row, work.clock.now().wall.timestamp());
        work.server.accepts(token, &code_at(row, asked))
    };
    match work.with_code(&asks).map_err(Hindrance::Server)? {
        true => Ok(true),
        false if known == Some(DeliveryStep::Sent) => {
            Err(Hindrance::Taken { user: token.user.clone(), is_older: false })
        }
        false => Err(Hindrance::CodeRefused),
    }
}

/// Gives the server the code that it wants before the first sign-in.
fn activate(work: &Work<'_>, planned: &Planned, token: &ServerToken, user: &ServerUser) -> Result<bool, Hindrance> {
    let row = &planned.ready.row;
    let sends = || {
        let step = step_at(row, work.clock.now().wall.timestamp());
        work.server.activate(token, user, &code_at(row, step))
    };
    let Err(error) = work.with_code(&sends) else { return Ok(true) };
    let found = work.server.tokens(&token.serial).unwrap_or_default();
    let is_on = found.iter().any(|there| there.id == token.id && !there.is_off);
    if is_on { Ok(true) } else { Err(Hindrance::Server(error)) }
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
