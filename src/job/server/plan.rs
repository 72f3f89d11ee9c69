//! What a hand-over would do, token by token: everything is looked up first, and nothing is sent.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::Work;
use super::hindrance::Hindrance;
use super::ready::Ready;
use crate::inventory::{Delivery, DeliveryFilter, DeliveryStep, Identity, SlotKey, TokenRecord};
use crate::seedfile::{Kind, Row};
use crate::server::{ServerError, ServerKind, ServerToken, ServerUser};
use crate::time::UnixTime;

/// The terms of a hand-over.
#[derive(Debug, Clone, Copy, Default)]
pub struct HandOverTerms {
    /// A seed that the server has of the same serial is replaced.
    pub replaces: bool,
    /// Tokens are created, and given to nobody.
    pub unassigned: bool,
    /// Tokens that were removed at the server, or taken from their users there, go there again.
    pub again: bool,
}

/// What is done with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It is created, given to its user, and activated.
    Create,
    /// The server's seed of this serial is replaced.
    Replace,
    /// It is there; what is missing is done: the user, the code.
    Finish,
    /// Nothing is left to do.
    Nothing,
}

/// A token in a plan.
pub struct Planned {
    /// The token, with its seed.
    pub ready: Ready,
    /// What is done with it.
    pub doing: Doing,
    /// Its user at the server.
    pub user: Option<ServerUser>,
    /// What the journal knows of it.
    pub known: Option<Delivery>,
    /// What the server has of it.
    pub there: Option<ServerToken>,
}

/// A token with what is done with it, or what stands in the way.
pub type PlannedOrNot = (SlotKey, Result<Planned, Hindrance>);

/// How long a server may take until it lists what it has created: until then, that a token is not listed proves nothing.
const LISTED_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// Plans a hand-over: for each token what is done with it, or what stands in the way.
///
/// # Errors
/// The server's, where it cannot be asked at all.
pub fn plan(
    work: &Work<'_>,
    identity: &Identity,
    tokens: Vec<(SlotKey, Option<TokenRecord>)>,
    terms: HandOverTerms,
) -> Result<Vec<PlannedOrNot>, ServerError> {
    let mut planner = Planner::new(work, terms);
    let mut planned = Vec::with_capacity(tokens.len());
    for (key, token) in tokens {
        let one = match token {
            Some(token) => {
                Ready::of(token, work.books.fingerprint_key(), identity).and_then(|ready| planner.one(ready))
            }
            None => Err(Hindrance::Unseen),
        };
        match one {
            Err(Hindrance::Server(error)) if error.stops_all() => return Err(error),
            one => planned.push((key, one)),
        }
    }
    Ok(planned)
}

/// Plans, and asks for each user once.
pub(super) struct Planner<'a, 'w> {
    work: &'a Work<'w>,
    terms: HandOverTerms,
    users: HashMap<String, Vec<ServerUser>>,
}

impl<'a, 'w> Planner<'a, 'w> {
    pub(super) fn new(work: &'a Work<'w>, terms: HandOverTerms) -> Self {
        Self { work, terms, users: HashMap::new() }
    }

    pub(super) fn one(&mut self, ready: Ready) -> Result<Planned, Hindrance> {
        let work = self.work;
        if let Some(why) = work.server.refuses(&ready.row) {
            return Err(Hindrance::Unusable(why));
        }
        let serial = ready.token.key.serial.clone();
        let known = delivery_of(work, &ready.token.key)?;
        let mut there = work.server.tokens(&serial).map_err(Hindrance::Server)?;
        if there.len() > 1 {
            return Err(Hindrance::Several(there.len()));
        }
        let there = there.pop();
        let user = match &ready.row.user {
            Some(name) if !self.terms.unassigned => Some(self.user(name)?),
            _ => None,
        };
        let doing = self.doing(&ready, known.as_ref(), there.as_ref())?;
        if let Some(there) = there.as_ref().filter(|there| doing == Doing::Replace && there.more_users > 0) {
            return Err(Hindrance::SharedThere(there.more_users + 1));
        }
        // Known before the token is removed there: without its user it would come back as nobody's.
        let owner = there.as_ref().and_then(|there| there.user.as_ref());
        let user = match (user, owner) {
            (None, Some(owner)) if doing == Doing::Replace && !work.server.kind().can().re_enrols => {
                Some(self.user(owner)?)
            }
            (user, _) => user,
        };
        // Whose it is there is never changed in passing: a seed that took another one's place would sign in as its user.
        if let (Some(user), Some(there)) = (&user, &there) {
            check_owner(there, user)?;
        }
        let is_done = doing == Doing::Finish
            && known.as_ref().is_some_and(|known| known.step == self.last_step(&ready, user.as_ref()))
            && match there.as_ref().and_then(|there| there.user.as_ref()) {
                Some(_) => true,
                // One that was somebody's before its seed was replaced goes back to them.
                None => user.is_none() && known.as_ref().is_none_or(|known| known.user.is_none()),
            };
        let is_off = there.as_ref().is_some_and(|there| there.is_off) && work.server.kind().can().resyncs_time;
        // One that is replaced stays off: nobody could sign in with it.
        if is_off && matches!(doing, Doing::Finish | Doing::Replace) {
            return Err(Hindrance::OffThere);
        }
        let doing = if is_done { Doing::Nothing } else { doing };
        Ok(Planned { ready, doing, user, known, there })
    }

    /// The step after which nothing is left to do.
    fn last_step(&self, ready: &Ready, user: Option<&ServerUser>) -> DeliveryStep {
        let can = self.work.server.kind().can();
        let is_asked = can.resyncs_time || (can.activates && user.is_some());
        match (is_asked && ready.row.kind == Kind::Totp, user) {
            (true, _) => DeliveryStep::Active,
            (false, Some(_)) => DeliveryStep::Assigned,
            (false, None) => DeliveryStep::Created,
        }
    }

    fn doing(&self, ready: &Ready, known: Option<&Delivery>, there: Option<&ServerToken>) -> Result<Doing, Hindrance> {
        let is_this_seed = known.is_some_and(|known| Some(known.seed) == ready.token.seed);
        let replaces = |there: &ServerToken| match self.terms.replaces {
            true => Ok(Doing::Replace),
            false => {
                let is_older = known.is_some_and(|known| known.step.is_there());
                Err(Hindrance::Taken { user: there.user.clone(), is_older })
            }
        };
        match (known.map(|known| known.step), there) {
            // The one whose place was to be taken is there still.
            (Some(DeliveryStep::Sent), Some(there))
                if is_this_seed && known.is_some_and(|known| known.id.as_ref() == Some(&there.id)) =>
            {
                Ok(Doing::Replace)
            }
            // It was created, and not brought to its end: that is done again as a whole.
            (Some(step), Some(there))
                if is_this_seed && there.is_unverified && (step == DeliveryStep::Sent || step.is_there()) =>
            {
                Ok(Doing::Replace)
            }
            // Nobody here has given it to anybody: somebody else has put it there.
            (Some(DeliveryStep::Sent), Some(there)) if there.user.is_some() => replaces(there),
            // The server would count otherwise than the token.
            (Some(_), Some(there)) if is_this_seed && is_of_another_profile(&ready.row, there) => {
                if self.terms.replaces { Ok(Doing::Replace) } else { Err(Hindrance::OtherProfileThere) }
            }
            (Some(DeliveryStep::Assigned | DeliveryStep::Active), Some(there))
                if is_this_seed
                    && there.user.is_none()
                    && known.is_some_and(|known| known.user.is_some())
                    && !self.terms.again =>
            {
                Err(Hindrance::UnassignedThere)
            }
            // What this program has sent, whether or not the answer came.
            (
                Some(DeliveryStep::Sent | DeliveryStep::Created | DeliveryStep::Assigned | DeliveryStep::Active),
                Some(_),
            ) if is_this_seed => Ok(Doing::Finish),
            (_, Some(there)) => replaces(there),
            (Some(DeliveryStep::Sent), None) => self.settled(known).map(|()| Doing::Create),
            (Some(DeliveryStep::Created | DeliveryStep::Assigned | DeliveryStep::Active), None) => {
                self.settled(known)?;
                // Lost, stolen, or its user has left: nobody revives it unasked.
                if is_this_seed && !self.terms.again { Err(Hindrance::RemovedThere) } else { Ok(Doing::Create) }
            }
            (_, None) => Ok(Doing::Create),
        }
    }

    /// Whether a token that was sent and is not listed is certainly not there.
    fn settled(&self, known: Option<&Delivery>) -> Result<(), Hindrance> {
        let Some(known) = known else { return Ok(()) };
        // The same seed under the same serial takes its own place there.
        if self.work.server.kind() == ServerKind::PrivacyIdea {
            return Ok(());
        }
        let certain: UnixTime = known.at.checked_add_signed(LISTED_WITHIN).unwrap_or(known.at);
        if self.work.clock.now().wall >= certain {
            return Ok(());
        }
        Err(Hindrance::Unsettled { sent: known.at, certain })
    }

    /// The one user whom a name means.
    pub(super) fn user(&mut self, name: &str) -> Result<ServerUser, Hindrance> {
        if !self.users.contains_key(name) {
            let found = self.work.server.users(name).map_err(Hindrance::Server)?;
            self.users.insert(name.to_owned(), found);
        }
        match self.users.get(name).map(Vec::as_slice).unwrap_or_default() {
            [] => Err(Hindrance::NoUser(name.to_owned())),
            [one] => Ok(one.clone()),
            several => Err(Hindrance::SeveralUsers(name.to_owned(), several.len())),
        }
    }
}

/// Whether a token at the server is nobody's, or its user's.
pub(super) fn check_owner(there: &ServerToken, user: &ServerUser) -> Result<(), Hindrance> {
    match &there.user {
        Some(owner) if !is_theirs(there, owner, user) => {
            Err(Hindrance::OthersThere { there: owner.clone(), here: user.name.clone() })
        }
        _ => Ok(()),
    }
}

/// Whether the owner of a token at the server is this user: by name and realm, where the server has some.
fn is_theirs(there: &ServerToken, owner: &str, user: &ServerUser) -> bool {
    let is_same_realm = match (&there.realm, &user.realm) {
        (Some(one), Some(other)) => one.to_lowercase() == other.to_lowercase(),
        _ => true,
    };
    *owner == user.id || (owner.to_lowercase() == user.name.to_lowercase() && is_same_realm)
}

/// Whether the server counts by another hash, time step or number of digits than the token, as far as it tells.
pub(super) fn is_of_another_profile(row: &Row, there: &ServerToken) -> bool {
    let is_other_kind = there.counts != (row.kind == Kind::Hotp);
    let is_other_step = !there.counts && there.step_s.is_some_and(|step_s| step_s != row.effective_step());
    let is_other_hash = there.hash.as_deref().is_some_and(|hash| bare_hash(hash) != row.effective_hash().to_string());
    is_other_kind
        || is_other_step
        || is_other_hash
        || there.digits.is_some_and(|digits| digits != row.effective_digits())
}

/// The name of a hash without what servers write around it.
pub(super) fn bare_hash(name: &str) -> String {
    name.to_uppercase().replace("HMAC", "").replace('-', "")
}

/// What the journal knows of a token at the server.
pub(super) fn delivery_of(work: &Work<'_>, key: &SlotKey) -> Result<Option<Delivery>, Hindrance> {
    let filter = DeliveryFilter { server: Some(work.name.to_owned()), serial: Some(key.serial.clone()) };
    let found = work.books.deliveries(&filter).map_err(Hindrance::Inventory)?;
    Ok(found.into_iter().find(|one| one.key == *key))
}
