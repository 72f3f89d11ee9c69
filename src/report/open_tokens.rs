//! What the page shows of a fleet beside its forecast: tokens that somebody has to do something about, models, and servers.

use serde::Serialize;

use crate::device::families::capabilities_on_record;
use crate::job::open_tokens::{AtServer, ModelDrift, OpenFor, OpenToken};
use crate::plain::plain;
use crate::words::{counted, local};

/// A token that somebody has to do something about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenTokenReport {
    /// The token, as it is named in the record.
    pub serial: String,
    /// Its user.
    pub user: Option<String>,
    /// Why, in words.
    pub why: String,
    /// What can be done about it at the page: `mend`, `burn-again`; `null`: it is opened, and looked at.
    pub remedy: Option<&'static str>,
}

impl OpenTokenReport {
    /// The report of a token; `has_opener`: sealed seeds can be opened here.
    #[must_use]
    pub fn of(open: &OpenToken, has_opener: bool) -> Self {
        let OpenToken { token, why } = open;
        let can = capabilities_on_record(token.model.as_deref(), &token.key.serial);
        let is_burned_here = has_opener && token.held_sealed().is_some() && can.slots == 1 && can.has_clock();
        let (why, remedy) = match why {
            OpenFor::Unfinished { at, has_seed } => (
                format!("a job started at {} did not finish: lay it on a reader", local(*at)),
                (*has_seed && is_burned_here).then_some("burn-again"),
            ),
            OpenFor::Erased(at) => {
                (format!("its seed was erased at {}", local(*at)), is_burned_here.then_some("burn-again"))
            }
            OpenFor::Stopped(at) => {
                (format!("its clock was found stopped at {}: give its user another token", local(*at)), None)
            }
            OpenFor::Unmended { server, at, is_set: true } => (
                format!("{server} may still expect the clock as it was before {}", local(*at)),
                has_opener.then_some("mend"),
            ),
            OpenFor::Unmended { server, at, is_set: false } => (
                format!(
                    "its clock was to be set at {}, and it is not known whether it was, nor which clock {server} expects: lay it on a reader",
                    local(*at)
                ),
                None,
            ),
        };
        Self { serial: token.name(), user: token.user.clone(), why: plain(&why), remedy }
    }
}

/// How a model drifts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelReport {
    /// The model; `null`: not known.
    pub model: Option<String>,
    /// How many tokens.
    pub tokens: usize,
    /// How much their clocks gain a month, in words.
    pub words: String,
}

/// So many days are a month.
const MONTH: f64 = 30.44;

impl From<&ModelDrift> for ModelReport {
    fn from(drift: &ModelDrift) -> Self {
        let words = match drift.s_per_day {
            None => "not known: none was read twice".to_owned(),
            Some([low, middle, high]) => {
                format!("{:+.1} s ({:+.1} to {:+.1} s)", middle * MONTH, low * MONTH, high * MONTH)
            }
        };
        Self { model: drift.model.clone(), tokens: drift.tokens, words }
    }
}

/// A server, and what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AtServerReport {
    /// Its name.
    pub name: String,
    /// What it is, in words.
    pub what: String,
    /// What is there, in words.
    pub words: String,
}

impl From<&AtServer> for AtServerReport {
    fn from(at: &AtServer) -> Self {
        let what = at.settings.as_ref().map_or_else(
            || "settings that this program cannot read".to_owned(),
            |settings| format!("{} at {}", settings.kind.name(), settings.url),
        );
        let mut words = format!("{} there", counted(at.there as u64, "token"));
        for (count, more) in [
            (at.not_there, "not there yet, or refused"),
            (at.gone, "no longer there"),
            (at.unmended, "whose codes may be refused there"),
        ] {
            if count > 0 {
                words.push_str(&format!("; {count} {more}"));
            }
        }
        Self { name: at.name.clone(), what: plain(&what), words }
    }
}
