//! A seed at a server, as the journal knows it.

use schemars::JsonSchema;
use serde::Serialize;

use super::audience::Audience;
use super::server_commands::{hand_over, mend};
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
    /// The report of a delivery of a token, with the words for where they are read.
    #[must_use]
    pub fn of(delivery: &Delivery, token: &TokenRecord, audience: Audience) -> Self {
        let other_seed = token.seed.is_some_and(|seed| seed != delivery.seed);
        Self {
            server: delivery.server.clone(),
            step: delivery.step.word(),
            user: delivery.user.clone(),
            since: utc(delivery.since),
            unmended: delivery.unmended.map(utc),
            other_seed,
            detail: delivery.detail.clone(),
            words: plain(&words(delivery, other_seed, audience)),
        }
    }
}

fn words(delivery: &Delivery, other_seed: bool, audience: Audience) -> String {
    let Delivery { server, step, user, since, .. } = delivery;
    let whose = user
        .as_ref()
        .map_or_else(|| "there, assigned to nobody".to_owned(), |user| format!("there, assigned to {user}"));
    let since = local(*since);
    let what = match step {
        DeliveryStep::Sent => {
            let again = audience.at_page("hand it over again here", || hand_over(server, &delivery.key.to_string()));
            format!("sent {since}, but not known to have arrived: {again}")
        }
        DeliveryStep::Created | DeliveryStep::Assigned => {
            format!("{whose}, since {since}; its codes were not checked")
        }
        DeliveryStep::Active => format!("{whose}, since {since}; its codes were accepted"),
        DeliveryStep::Refused => {
            format!("refused {since}: {}", delivery.detail.as_deref().unwrap_or("it did not say why"))
        }
        DeliveryStep::Gone => format!("no longer there, as of {}", local(delivery.at)),
    };
    let seed = match other_seed {
        true => {
            let replace = format!("{} --replace", hand_over(server, &delivery.key.to_string()));
            format!("; it has been burned again since: {}", audience.command(&replace))
        }
        false => String::new(),
    };
    let unmended = match delivery.unmended {
        Some(at) => {
            let mend = audience.at_page("mend it here", || mend(server));
            format!("; the server may still expect the clock as it was before {}: {mend}", local(at))
        }
        None => String::new(),
    };
    format!("{server}: {what}{seed}{unmended}")
}
