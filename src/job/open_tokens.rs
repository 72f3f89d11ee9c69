//! The tokens of an inventory that somebody has to do something about, whatever their drift; how the models drift; and what is at which server.

use std::collections::BTreeMap;

use super::failure::Failure;
use super::forecast::Foreseen;
use crate::inventory::{Delivery, DeliveryFilter, Inventory, SlotKey, TokenFilter, TokenRecord};
use crate::server::ServerSettings;
use crate::time::UnixTime;

/// Why somebody has to do something about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenFor {
    /// A job of then has no known end.
    Unfinished(UnixTime),
    /// Its seed was erased then.
    Erased(UnixTime),
    /// Its clock stood still then.
    Stopped(UnixTime),
    /// This server may expect its clock of before then.
    Unmended(String, UnixTime),
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
pub fn open_tokens(inventory: &dyn Inventory, most: usize) -> Result<(Vec<OpenToken>, usize), Failure> {
    let mut unmended: BTreeMap<SlotKey, Vec<Delivery>> = BTreeMap::new();
    for delivery in inventory.deliveries(&DeliveryFilter::default())? {
        if delivery.unmended.is_some() && delivery.step.is_there() {
            unmended.entry(delivery.key.clone()).or_default().push(delivery);
        }
    }
    let (mut open, mut count) = (Vec::new(), 0);
    let mut visit = |token: TokenRecord| {
        let own = [
            token.pending.as_ref().map(|pending| OpenFor::Unfinished(pending.at)),
            token.erased.map(OpenFor::Erased),
            token.clock_stopped.map(OpenFor::Stopped),
        ];
        let at_servers = unmended.remove(&token.key).unwrap_or_default();
        let at_servers = at_servers.into_iter().filter_map(|one| Some(OpenFor::Unmended(one.server, one.unmended?)));
        for why in own.into_iter().flatten().chain(at_servers) {
            count += 1;
            if open.len() < most {
                open.push(OpenToken { token: token.clone(), why });
            }
        }
    };
    inventory.visit_tokens(&TokenFilter::default(), u64::MAX, &mut visit)?;
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
        let s_per_day = match (known.first(), known.get(known.len() / 2), known.last()) {
            (Some(low), Some(middle), Some(high)) => Some([*low, *middle, *high]),
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
    /// How many of them it may refuse, because it expects an old clock.
    pub unmended: usize,
}

/// What is at each server, by name.
///
/// # Errors
/// A failure of the inventory.
pub fn at_servers(inventory: &dyn Inventory) -> Result<Vec<AtServer>, Failure> {
    let deliveries = inventory.deliveries(&DeliveryFilter::default())?;
    let at = |record: crate::inventory::ServerRecord| {
        let of_it = || deliveries.iter().filter(|one| one.server == record.name);
        let there = of_it().filter(|one| one.step.is_there()).count();
        AtServer {
            there,
            not_there: of_it().count() - there,
            unmended: of_it().filter(|one| one.step.is_there() && one.unmended.is_some()).count(),
            settings: ServerSettings::of_text(&record.settings),
            name: record.name,
        }
    };
    Ok(inventory.servers()?.into_iter().map(at).collect())
}
