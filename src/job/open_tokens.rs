//! The tokens of an inventory that somebody has to do something about, whatever their drift; how the models drift; and what is at which server.

use std::collections::BTreeMap;

use super::failure::Failure;
use super::forecast::Foreseen;
use super::server::is_clock_settled;
use crate::inventory::{Delivery, DeliveryStep, Inventory, SlotKey, TokenFilter, TokenRecord};
use crate::server::ServerSettings;
use crate::time::UnixTime;

/// Why somebody has to do something about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenFor {
    /// A job of then has no known end.
    Unfinished {
        /// When it began.
        at: UnixTime,
        /// It was to write a seed.
        has_seed: bool,
    },
    /// Its seed was erased then.
    Erased(UnixTime),
    /// Its clock stood still then.
    Stopped(UnixTime),
    /// A server may expect its clock of before then.
    Unmended {
        /// The server.
        server: String,
        /// When the clock was set, or was to be.
        at: UnixTime,
        /// It was: what set it has come to its end.
        is_set: bool,
    },
}

/// A token that somebody has to do something about.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenToken {
    /// The token.
    pub token: TokenRecord,
    /// Why.
    pub why: OpenFor,
}

/// The tokens that somebody has to do something about, by serial, so many at the most; and how many there are. One has several entries
/// where there are several reasons.
///
/// # Errors
/// A failure of the inventory.
pub fn open_tokens(
    inventory: &dyn Inventory,
    deliveries: &[Delivery],
    most: usize,
) -> Result<(Vec<OpenToken>, usize), Failure> {
    let mut unmended: BTreeMap<&SlotKey, Vec<(&Delivery, UnixTime)>> = BTreeMap::new();
    for delivery in deliveries.iter().filter(|one| one.step.is_there()) {
        if let Some(at) = delivery.unmended {
            unmended.entry(&delivery.key).or_default().push((delivery, at));
        }
    }
    let (mut open, mut count) = (Vec::new(), 0);
    let mut visit = |token: TokenRecord| {
        let own = [
            token
                .pending
                .as_ref()
                .map(|pending| OpenFor::Unfinished { at: pending.at, has_seed: pending.seed.is_some() }),
            token.erased.map(OpenFor::Erased),
            token.clock_stopped.map(OpenFor::Stopped),
        ];
        let at_servers = unmended.remove(&token.key).unwrap_or_default();
        let at_servers =
            at_servers.into_iter().map(|(one, at)| OpenFor::Unmended { server: one.server.clone(), at, is_set: false });
        for why in own.into_iter().flatten().chain(at_servers) {
            count += 1;
            if open.len() < most {
                open.push(OpenToken { token: token.clone(), why });
            }
        }
    };
    inventory.visit_tokens(&TokenFilter::default(), u64::MAX, &mut visit)?;
    for OpenToken { token, why } in &mut open {
        if let OpenFor::Unmended { is_set, .. } = why {
            *is_set = is_clock_settled(inventory, &token.key)?;
        }
    }
    open.sort_by(|one, other| one.token.key.cmp(&other.token.key));
    Ok((open, count))
}

/// How the tokens of a model drift.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelDrift {
    /// The model; `None`: not known.
    pub model: Option<String>,
    /// How many tokens there are whose clock is known.
    pub tokens: usize,
    /// The rates of those that were read twice or more, in seconds a day: the lowest, the one in the middle, the highest.
    pub s_per_day: Option<[f64; 3]>,
}

/// How the models drift, by name.
#[must_use]
pub fn by_model(foreseen: &[Foreseen]) -> Vec<ModelDrift> {
    let mut rates: BTreeMap<Option<&str>, (usize, Vec<f64>)> = BTreeMap::new();
    for one in foreseen {
        let Some((fit, _)) = &one.clock else { continue };
        let (tokens, known) = rates.entry(one.token.model.as_deref()).or_default();
        *tokens += 1;
        known.extend((fit.stretches > 0).then(|| fit.rate().s_per_day));
    }
    let model = |(model, (tokens, mut known)): (Option<&str>, (usize, Vec<f64>))| {
        known.sort_by(f64::total_cmp);
        let middle = |half: usize| known.get(half).copied();
        // Of an even number, the mean of the two in the middle.
        let middle = middle(known.len() / 2).zip(middle(known.len().saturating_sub(1) / 2));
        let s_per_day = match (known.first(), middle, known.last()) {
            (Some(low), Some((one, other)), Some(high)) => Some([*low, f64::midpoint(one, other), *high]),
            _ => None,
        };
        ModelDrift { model: model.map(str::to_owned), tokens, s_per_day }
    };
    rates.into_iter().map(model).collect()
}

/// What is at a server, for all that is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtServer {
    /// Its name.
    pub name: String,
    /// What the inventory knows of it; `None`: it cannot be read.
    pub settings: Option<ServerSettings>,
    /// How many tokens are there.
    pub there: usize,
    /// How many are on their way, or were refused.
    pub not_there: usize,
    /// How many were there, and are not any more.
    pub gone: usize,
    /// How many of them it may refuse, because it expects an old clock.
    pub unmended: usize,
}

/// What is at each server, by name.
///
/// # Errors
/// A failure of the inventory.
pub fn at_servers(inventory: &dyn Inventory, deliveries: &[Delivery]) -> Result<Vec<AtServer>, Failure> {
    let at = |record: crate::inventory::ServerRecord| {
        let of_it = || deliveries.iter().filter(|one| one.server == record.name);
        let there = of_it().filter(|one| one.step.is_there()).count();
        let gone = of_it().filter(|one| one.step == DeliveryStep::Gone).count();
        AtServer {
            there,
            not_there: of_it().count() - there - gone,
            gone,
            unmended: of_it().filter(|one| one.step.is_there() && one.unmended.is_some()).count(),
            settings: ServerSettings::of_text(&record.settings),
            name: record.name,
        }
    };
    Ok(inventory.servers()?.into_iter().map(at).collect())
}
