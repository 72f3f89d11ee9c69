//! Where the record and a server disagree. Nothing is changed on either side.

use std::collections::{BTreeMap, HashMap};

use super::Work;
use super::hindrance::Hindrance;
use super::plan::bare_hash;
use crate::inventory::{Delivery, DeliveryFilter, DeliveryStep, SlotKey, TokenFilter, TokenRecord};
use crate::server::{ServerToken, ServerUser};

/// A disagreement about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It was handed over, and the server does not list it.
    NotThere,
    /// It was sent, and whether it came is not known here; the server lists it.
    SentAndThere,
    /// The server lists it, and nobody here handed it over.
    NotHandedOver,
    /// The server has several of its serial.
    Several(usize),
    /// It is somebody's here, and nobody's there.
    NobodysThere(String),
    /// It is nobody's here, and somebody's there.
    NobodysHere(String),
    /// It is somebody's here, and somebody else's there.
    OtherUser {
        /// Whose it is here.
        here: String,
        /// Whose it is there.
        there: String,
    },
    /// It has another seed by now than the one that was handed over.
    BurnedSince,
    /// It holds no seed any more.
    Erased,
    /// Its time step here and there, in seconds.
    Step(u32, u32),
    /// Its hash here and there.
    Hash(String, String),
    /// It is switched off there, locked, or waits for its first code.
    OffThere,
    /// Its clock was set, and the server was not made to accept its codes again.
    Unmended,
}

/// What the inventory knows of a token and a server.
type Here = (Option<TokenRecord>, Option<Delivery>);

/// All disagreements, by serial.
///
/// # Errors
/// [`Hindrance`].
pub fn compare(work: &Work<'_>) -> Result<Vec<(SlotKey, Difference)>, Hindrance> {
    let mut there: HashMap<String, Vec<ServerToken>> = HashMap::new();
    let mut visit = |token: ServerToken| there.entry(token.serial.clone()).or_default().push(token);
    work.server.visit_tokens(&mut visit).map_err(Hindrance::Server)?;
    let mut here: BTreeMap<SlotKey, Here> = BTreeMap::new();
    let filter = DeliveryFilter { server: Some(work.name.to_owned()), serial: None };
    for delivery in work.books.deliveries(&filter).map_err(Hindrance::Inventory)? {
        let key = delivery.key.clone();
        here.entry(key).or_default().1 = Some(delivery);
    }
    let mut token = |token: TokenRecord| {
        if here.contains_key(&token.key) || there.contains_key(&token.key.serial) {
            let key = token.key.clone();
            here.entry(key).or_default().0 = Some(token);
        }
    };
    work.books.visit_tokens(&TokenFilter::default(), u64::MAX, &mut token).map_err(Hindrance::Inventory)?;
    let mut found = Vec::new();
    for (key, (record, delivery)) in here {
        let listed = there.get(&key.serial).map(Vec::as_slice).unwrap_or_default();
        of_one(record.as_ref(), delivery.as_ref(), listed, &mut |difference| found.push((key.clone(), difference)));
    }
    without_other_names(work, found)
}

/// The same without those where the server has another name for the same person, as it would find them for a hand-over.
fn without_other_names(
    work: &Work<'_>,
    found: Vec<(SlotKey, Difference)>,
) -> Result<Vec<(SlotKey, Difference)>, Hindrance> {
    let mut names: HashMap<String, Option<ServerUser>> = HashMap::new();
    let mut kept = Vec::with_capacity(found.len());
    for (key, difference) in found {
        if let Difference::OtherUser { here, there } = &difference {
            if !names.contains_key(here) {
                let mut users = work.server.users(here).map_err(Hindrance::Server)?;
                names.insert(here.clone(), if users.len() == 1 { users.pop() } else { None });
            }
            let is_same = |user: &ServerUser| user.name.to_lowercase() == there.to_lowercase() || user.id == *there;
            if names.get(here).and_then(Option::as_ref).is_some_and(is_same) {
                continue;
            }
        }
        kept.push((key, difference));
    }
    Ok(kept)
}

fn of_one(
    record: Option<&TokenRecord>,
    delivery: Option<&Delivery>,
    listed: &[ServerToken],
    tell: &mut dyn FnMut(Difference),
) {
    let there = match listed {
        [] => {
            if delivery.is_some_and(|delivery| delivery.step.is_there()) {
                tell(Difference::NotThere);
            }
            return;
        }
        [one] => one,
        several => return tell(Difference::Several(several.len())),
    };
    match delivery.map(|delivery| delivery.step) {
        Some(DeliveryStep::Sent) => tell(Difference::SentAndThere),
        None | Some(DeliveryStep::Refused | DeliveryStep::Gone) => tell(Difference::NotHandedOver),
        Some(_) => {}
    }
    if delivery.is_some_and(|delivery| delivery.unmended.is_some()) {
        tell(Difference::Unmended);
    }
    if there.is_off || there.is_unverified {
        tell(Difference::OffThere);
    }
    let Some(record) = record else { return };
    match (&record.user, &there.user) {
        (Some(here), None) => tell(Difference::NobodysThere(here.clone())),
        (None, Some(there)) => tell(Difference::NobodysHere(there.clone())),
        (Some(here), Some(there)) if here.to_lowercase() != there.to_lowercase() => {
            tell(Difference::OtherUser { here: here.clone(), there: there.clone() });
        }
        _ => {}
    }
    if record.erased.is_some() {
        tell(Difference::Erased);
    } else if delivery.is_some_and(|delivery| record.seed.is_some_and(|seed| seed != delivery.seed)) {
        tell(Difference::BurnedSince);
    }
    if let Some(profile) = record.profile.filter(|_| !there.counts) {
        let (step_s, hash) = (profile.step().seconds(), profile.hash().to_string());
        if let Some(there_s) = there.step_s.filter(|there_s| *there_s != step_s) {
            tell(Difference::Step(step_s, there_s));
        }
        if let Some(other) = there.hash.as_deref().filter(|other| bare_hash(other) != bare_hash(&hash)) {
            tell(Difference::Hash(hash, other.to_owned()));
        }
    }
}
