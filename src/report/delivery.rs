//! A seed at a server, as the journal knows it.

use schemars::JsonSchema;
use serde::Serialize;

use super::times::utc;
use crate::inventory::{Delivery, DeliveryStep, TokenRecord};
use crate::plain::plain;
use crate::words::local;

/// A token at a server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeliveryReport {
    /// The server's name.
    pub server: String,
    /// `sent`, `created`, `assigned`, `active`, `refused` or `gone`.
    pub step: &'static str,
    /// Whose it is there, as far as is known.
    pub user: Option<String>,
    /// When it was sent first.
    pub since: String,
    /// Since when the server may still expect its old clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmended: Option<String>,
    /// It has another seed by now than the one that went there.
    pub other_seed: bool,
    /// What the server said, where it refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The same in words.
    pub words: String,
}

impl DeliveryReport {
    /// The report of a delivery of a token.
    #[must_use]
    pub fn of(delivery: &Delivery, token: &TokenRecord) -> Self {
        let other_seed = token.seed.is_some_and(|seed| seed != delivery.seed);
        Self {
            server: delivery.server.clone(),
            step: delivery.step.word(),
            user: delivery.user.clone(),
            since: utc(delivery.since),
            unmended: delivery.unmended.map(utc),
            other_seed,
            detail: delivery.detail.clone(),
            words: plain(&words(delivery, other_seed)),
        }
    }
}

fn words(delivery: &Delivery, other_seed: bool) -> String {
    let Delivery { server, step, user, since, .. } = delivery;
    let whose = user.as_ref().map_or_else(|| "nobody's there".to_owned(), |user| format!("{user}'s there"));
    let since = local(*since);
    let what = match step {
        DeliveryStep::Sent => {
            format!("sent {since}, and not known to have come: tokentap hand-over {server} --serial {}", delivery.key)
        }
        DeliveryStep::Created | DeliveryStep::Assigned => {
            format!("{whose}, since {since}; its codes were not asked about")
        }
        DeliveryStep::Active => format!("{whose}, since {since}; its codes were accepted"),
        DeliveryStep::Refused => {
            format!("refused {since}: {}", delivery.detail.as_deref().unwrap_or("it did not say why"))
        }
        DeliveryStep::Gone => format!("not there any more, by {}", local(delivery.at)),
    };
    let seed = match other_seed {
        true => format!("; it was burned anew since: tokentap hand-over {server} --serial {} --replace", delivery.key),
        false => String::new(),
    };
    let unmended = match delivery.unmended {
        Some(at) => format!("; may still expect the clock of before {}: tokentap sync --mend {server}", local(at)),
        None => String::new(),
    };
    format!("{server}: {what}{seed}{unmended}")
}
