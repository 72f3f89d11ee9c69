//! The report of a write: sync, config and burn.

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::drift::DriftReport;
use super::forecast::warning;
use super::hand_over::MendReport;
use super::host_clock::HostClockReport;
use super::profile::{PlannedProfile, profile_clause};
use super::token::TokenReport;
use crate::clock::{Drift, Standing};
use crate::device::Info;
use crate::drift::{Fit, Window};
use crate::inventory::Deed;
use crate::job::{ClockPlan, Effect, Moved, ProfileFrom, SeedFate, WriteOutcome, WritePlan};
use crate::plain::plain;
use crate::time::seconds;

/// A correction by more than this, in seconds, may put a token out of the window of a server that followed its old clock.
pub const SERVER_WINDOW_S: f64 = 90.0;

/// The write to a token.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WriteReport {
    /// The reader.
    pub reader: String,
    /// The token.
    pub token: TokenReport,
    /// Its clock; missing for a device that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<WrittenClock>,
    /// The fate of the seed: `kept`, `erased` or `burned`.
    pub seed: &'static str,
    /// `synced`, or `within`: nothing had to be written.
    pub outcome: &'static str,
    /// The clock cannot be set closer.
    pub keeps_phase: bool,
    /// The time that the clock was set to: `now`, `at` another time, or `carried-on`; missing where nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_set: Option<&'static str>,
    /// The profile that was written; missing where nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<PlannedProfile>,
    /// The host's clock; missing in batch and desk, which say it once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_clock: Option<HostClockReport>,
    /// It will be refused within 30 days, or its clock is faulty: in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_warning: Option<String>,
    /// What became of the token at the servers that were to accept its codes again; missing where none was named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<MendReport>,
    /// The line for people.
    #[serde(skip)]
    line: String,
}

/// The drift before and after a write.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WrittenClock {
    /// Before.
    pub before: DriftReport,
    /// Afterwards.
    pub after: DriftReport,
}

impl WriteReport {
    /// The report of a write at a reader.
    #[must_use]
    pub fn of(outcome: &WriteOutcome, reader: &str, emulated: bool) -> Self {
        let token = TokenReport::of(&outcome.info, emulated);
        let written =
            outcome.config.as_ref().filter(|_| outcome.outcome == Effect::Synced && outcome.info.can.has_clock());
        let clock_set = written.map(|config| match config.clock {
            ClockPlan::Now => "now",
            ClockPlan::At(_) => "at",
            ClockPlan::CarryOn => "carried-on",
        });
        let line = match outcome.outcome {
            Effect::Within => {
                let clock = outcome.drift.map(|drift| format!("clock {}, ", drift.before)).unwrap_or_default();
                format!("{}: {clock}within bounds; nothing was written", token.line)
            }
            Effect::Synced => line(outcome, emulated),
        };
        Self {
            reader: reader.to_owned(),
            token,
            clock: outcome.drift.map(|drift| WrittenClock { before: drift.before.into(), after: drift.after.into() }),
            seed: outcome.seed.word(),
            outcome: outcome.outcome.word(),
            keeps_phase: outcome.keeps_phase,
            clock_set,
            profile: written.filter(|config| config.from != ProfileFrom::Kept).map(Into::into),
            host_clock: None,
            drift_warning: None,
            servers: Vec::new(),
            line,
        }
    }

    /// The same report with the host's clock.
    #[must_use]
    pub fn with_host_clock(self, standing: &Standing) -> Self {
        Self { host_clock: Some(standing.into()), ..self }
    }

    /// The same report with what is foretold of the token's clock, where that is worth a warning; `erases`: setting it erases the seed.
    #[must_use]
    pub fn with_drift(self, fit: Option<&Fit>, erases: bool) -> Self {
        Self { drift_warning: fit.and_then(|fit| warning(fit, erases, &Window::ASSUMED, fit.at)), ..self }
    }
}

impl WriteReport {
    /// The same report with what became of the token at servers.
    #[must_use]
    pub fn with_mending(self, servers: Vec<MendReport>) -> Self {
        Self { servers, ..self }
    }

    /// Whether a server may refuse its user now.
    #[must_use]
    pub fn is_open_at_server(&self) -> bool {
        self.servers.iter().any(|server| server.is_open)
    }
}

impl Report for WriteReport {
    fn text(&self) -> String {
        let servers = self.servers.iter().map(|server| format!("\n{}", server.words));
        std::iter::once(self.line.clone()).chain(servers).collect()
    }
}

/// A write in one line.
#[must_use]
pub fn line(outcome: &WriteOutcome, emulated: bool) -> String {
    let moved = |drift: Moved| format!("clock {} → {}; ", drift.before.in_short(), drift.after);
    let unseen = outcome.config.is_some() && outcome.info.can.has_clock();
    let clock = match outcome.drift {
        Some(drift) => moved(drift),
        None if unseen => "its clock was set, and cannot be read back; ".to_owned(),
        None => String::new(),
    };
    let is_empty = outcome.info.slot.as_ref().and_then(|slot| slot.has_seed) == Some(false);
    let seed = match (outcome.wish.clears, outcome.had_seed) {
        (true, Some(false)) => "it had no seed".to_owned(),
        (true, _) => "seed taken out".to_owned(),
        (false, _) if outcome.seed == SeedFate::Kept && is_empty => "no seed in it".to_owned(),
        _ => format!("seed {}", outcome.seed.word()),
    };
    let old = outcome.info.slot.as_ref().and_then(|slot| slot.title.as_deref()).filter(|title| !title.is_empty());
    let stays = old.filter(|_| outcome.wish.clears || outcome.seed == SeedFate::Burned);
    let title = match (&outcome.wish.title, stays) {
        (Some(title), _) => format!("; title {}", plain(title.as_str())),
        (None, Some(old)) => format!("; its title is still {}", plain(old)),
        (None, None) => String::new(),
    };
    let line = TokenReport::of(&outcome.info, emulated).line;
    if outcome.wish.clears {
        return format!("{line}: {seed}{title}");
    }
    let digits = outcome.wish.digits.map(|digits| format!("; {digits} digits"));
    format!(
        "{line}: {clock}{seed}{}{}{}",
        title,
        digits.unwrap_or_default(),
        profile_clause(outcome.config.as_ref().filter(|_| outcome.info.can.has_clock())),
    )
}

/// Remarks for a careful person after a write; `servers` were dealt with already.
#[must_use]
pub fn remarks(outcome: &WriteOutcome, deed: Deed, servers: &[MendReport]) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.extend(outcome.host_jumped.map(jumped_words));
    let Some(config) = outcome.config.as_ref().filter(|_| outcome.outcome == Effect::Synced) else {
        return remarks;
    };
    let mut say = |text: &str| remarks.push(text.to_owned());
    match config.clock {
        ClockPlan::CarryOn => say("the clock was carried on as it was, to within a second; it was not set to now"),
        ClockPlan::At(_) => say(
            "the clock was set to another time than now: whoever holds the token can read off codes that are valid then",
        ),
        ClockPlan::Now => {}
    }
    if outcome.keeps_phase {
        say("this clock keeps its own phase: it cannot be set closer than it is now");
    }
    let may_lose_server = outcome
        .drift
        .is_some_and(|moved| moved.by_s().abs() > SERVER_WINDOW_S || moved.by_s() < -1.0 - moved.before.resolution_s());
    if outcome.seed == SeedFate::Erased {
        say("the token shows no codes until a seed is burned, and its server needs that seed too");
    } else if deed == Deed::Burn && !outcome.info.can.has_clock() {
        say(
            "its server needs the same seed and number of digits, and has to count from 0: where it had followed this key already, set it \
             back to 0",
        );
    } else if deed == Deed::Config && changes_digits(outcome) {
        say(
            "the inventory keeps no number of digits: an export of its sealed seed, and codes that are computed from it, have the one that \
             it was burned with; burn it again with --digits to change that",
        );
    } else if deed == Deed::Burn {
        say("its server needs the same seed, hash and time step");
    } else if config.clock == ClockPlan::Now && may_lose_server && servers.is_empty() {
        say(
            "Duo takes the corrected codes at once; Entra ID and privacyIDEA have followed the old clock and may refuse \
             them until the token is resynchronised there",
        );
    }
    remarks
}

/// A remark on a host's clock that was stepped during a job.
#[must_use]
pub fn jumped_words(by: TimeDelta) -> String {
    format!("the host's clock jumped by {:.3} s meanwhile; the token was read again after that", seconds(by))
}

/// The plan for a token: `--dry-run`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlanReport {
    /// Always true: nothing was written.
    pub dry_run: bool,
    /// `synced`, or `within`: nothing would be written.
    pub outcome: &'static str,
    /// The host's clock.
    pub host_clock: HostClockReport,
    /// The reader.
    pub reader: String,
    /// The token.
    pub token: TokenReport,
    /// Its clock; missing for a device that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockBefore>,
    /// The fate that the seed would have: `kept`, `erased` or `burned`.
    pub seed: &'static str,
    /// The profile that would be written.
    pub profile: Option<PlannedProfile>,
    /// The device has a clock.
    #[serde(skip)]
    has_clock: bool,
    /// The seed and the clock in words.
    #[serde(skip)]
    words: (String, String),
}

/// The drift of a token that was only read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ClockBefore {
    /// The drift.
    pub before: DriftReport,
}

/// Where a plan was shown.
pub struct Shown<'a> {
    /// The reader.
    pub reader: &'a str,
    /// The token is not a real one.
    pub emulated: bool,
    /// The token.
    pub info: &'a Info,
    /// Its drift; `None` on a device that counts.
    pub drift: Option<Drift>,
    /// The drift is within the plan's bound.
    pub within: bool,
}

impl PlanReport {
    /// The report of a plan for the token on the reader.
    #[must_use]
    pub fn of(plan: &WritePlan, shown: &Shown<'_>, standing: &Standing) -> Self {
        let fate = plan.seed_fate(shown.info);
        let seed = match (fate, &plan.seed) {
            (SeedFate::Burned, Some(seed)) => format!("one of {} bytes is burned", seed.len()),
            (SeedFate::Burned, None) => "one is burned".to_owned(),
            (SeedFate::Erased, _) => "ERASED".to_owned(),
            (SeedFate::Kept, _) => "kept".to_owned(),
        };
        let clock = plan.config.as_ref().map_or_else(|| "not changed".to_owned(), |config| clock_words(config.clock));
        Self {
            dry_run: true,
            outcome: if shown.within { "within" } else { "synced" },
            host_clock: standing.into(),
            reader: shown.reader.to_owned(),
            token: TokenReport::of(shown.info, shown.emulated),
            clock: shown.drift.map(|drift| ClockBefore { before: drift.into() }),
            seed: fate.word(),
            profile: plan.config.as_ref().filter(|config| config.from != ProfileFrom::Kept).map(Into::into),
            has_clock: shown.info.can.has_clock(),
            words: (seed, clock),
        }
    }
}

impl Report for PlanReport {
    fn text(&self) -> String {
        let (seed, clock) = &self.words;
        let profile = self.profile.as_ref().map_or_else(|| "not changed".to_owned(), PlannedProfile::words);
        let within = match self.outcome {
            "within" => "\n  the drift is within bounds: nothing would be written",
            _ => "",
        };
        let clock = match &self.clock {
            Some(found) => format!("now {}; {clock}", found.before.drift),
            None if self.has_clock => format!("of the slot, which cannot be read; {clock}"),
            None => "none: it counts button presses".to_owned(),
        };
        format!(
            "plan for {}; nothing was written\n  seed     {seed}\n  clock    {clock}\n  profile  {profile}{within}",
            self.token.line,
        )
    }
}

/// The effect of a plan on the clock, in words.
fn clock_words(clock: ClockPlan) -> String {
    match clock {
        ClockPlan::Now => "set to the host's".to_owned(),
        ClockPlan::At(seconds) => format!("set to {seconds}"),
        ClockPlan::CarryOn => "carried on to within a second".to_owned(),
    }
}

/// Whether a slot has another number of digits than before.
fn changes_digits(outcome: &WriteOutcome) -> bool {
    let had = outcome.info.slot.as_ref().and_then(|slot| slot.digits);
    outcome.wish.digits.is_some() && outcome.wish.digits != had
}
