//! The reports of `desk`: one object for each event.

use schemars::JsonSchema;
use serde::Serialize;

use super::audience::Audience;
use super::batch_left::reader_words;
use super::drift::DriftReport;
use super::error::ErrorReport;
use super::forecast::warning;
use super::hand_over::MendReport;
use super::profile::{PlannedProfile, profile_clause};
use super::slots::slots_words;
use super::token::TokenReport;
use super::verdict::{VerdictReport, verdict_words};
use super::write::{SERVER_WINDOW_S, WriteReport, WrittenClock};
use super::{Report, fact, state};
use crate::device::ClockWrite;
use crate::drift::Window;
use crate::job::desk::{Done, LeftOpen, Visited, Why};
use crate::job::verify::WINDOW_S;
use crate::job::{Effect, Moved, ReadOutcome, SeedFate, WriteOutcome};
use crate::plain::plain;
use crate::words::counted;

/// An event of a desk.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum DeskEvent {
    /// It opens.
    Begin {},
    /// A token was dealt with.
    Token(Box<DeskVisit>),
    /// It closes.
    Summary(DeskSummary),
}

/// A token that was at the desk.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeskVisit {
    /// `synced`, `within`, `measured`, `restricted`, `sealed`, `unknown-model`, `unknown-profile`, `clock-stopped`, `no-seeds` or
    /// `failed`.
    pub outcome: &'static str,
    /// The reader.
    pub reader: String,
    /// The token; `null` if it could not be read.
    pub token: Option<TokenReport>,
    /// Its clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<VisitClock>,
    /// The write.
    #[serde(flatten)]
    pub write: Option<SetToken>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
    /// Its user on record.
    pub user: Option<String>,
    /// The next step.
    pub next: String,
    /// The verdict on the code of its display; `null`: not checked.
    pub verify: Option<VerdictReport>,
    /// It will be refused within 30 days, or its clock is faulty: in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_warning: Option<String>,
    /// The slots whose clocks were set; missing for a device without slots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<Vec<WriteReport>>,
    /// What became of it at the servers that had followed its clock; missing where none had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<MendReport>,
    /// It is as it should be.
    #[serde(skip)]
    pub is_well: bool,
    /// The finding and the treatment, in words.
    #[serde(skip)]
    pub what: String,
    #[serde(skip)]
    who: String,
    #[serde(skip)]
    reader_words: String,
}

/// The clock of a token at the desk: before, and afterwards where it was written.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VisitClock {
    /// The drift before.
    pub before: DriftReport,
    /// The drift afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<DriftReport>,
}

/// The write to a token at the desk, beside its clock.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SetToken {
    /// The fate of the seed.
    pub seed: &'static str,
    /// The clock cannot be set closer.
    pub keeps_phase: bool,
    /// The time that the clock was set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_set: Option<&'static str>,
    /// The profile that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<PlannedProfile>,
}

impl DeskVisit {
    /// The report of a visit; `bound` is the drift up to which a clock is right, in seconds.
    #[must_use]
    pub fn of(visited: &Visited, bound: f64) -> Self {
        Self::read_at(visited, bound, Audience::Terminal)
    }

    /// The same, with the words for where they are read.
    #[must_use]
    pub fn read_at(visited: &Visited, bound: f64, audience: Audience) -> Self {
        let place = &visited.place;
        let token = visited.info.as_ref().map(|info| TokenReport::of(info, place.emulated));
        let user = visited.known.as_ref().and_then(|known| known.user.clone());
        let owner = user.as_ref().map(|user| format!(", {}", plain(user))).unwrap_or_default();
        let who = token.as_ref().map_or_else(|| "a token".to_owned(), |token| format!("{}{owner}", token.line));
        let (mut what, mut next) = words(visited, bound, audience);
        let servers: Vec<MendReport> =
            visited.servers.iter().map(|after| MendReport::read_at(after, audience)).collect();
        what.extend(servers.iter().filter(|server| !server.is_open).map(|server| format!("; {}", server.words)));
        if let Some(open) = servers.iter().find(|server| server.is_open) {
            next = format!("before its user leaves: {}", open.words);
        }
        let drift_warning = visited.fit.as_ref().and_then(|fit| {
            warning(
                fit,
                visited.info.as_ref().is_some_and(|info| info.clock_write().erases_seed()),
                &Window::ASSUMED,
                fit.at,
            )
        });
        what.extend(drift_warning.iter().map(|warning| format!("; {warning}")));
        let (clock, write) = match &visited.done {
            Done::Written(outcome) => {
                let WriteReport { clock, seed, keeps_phase, clock_set, profile, .. } =
                    WriteReport::of(outcome, &place.reader, place.emulated);
                let written = SetToken { seed, keeps_phase, clock_set, profile };
                let both = |WrittenClock { before, after }| VisitClock { before, after: Some(after) };
                (clock.map(both), Some(written))
            }
            Done::Read(outcome, _) => {
                (outcome.drift.map(|drift| VisitClock { before: drift.into(), after: None }), None)
            }
            Done::Slots(visit) => {
                (visit.read.drift.map(|drift| VisitClock { before: drift.into(), after: None }), None)
            }
            Done::Failed(_) => (None, None),
        };
        let slots = match &visited.done {
            Done::Slots(visit) => {
                let report = |outcome| WriteReport::of(outcome, &place.reader, place.emulated);
                Some(visit.written.iter().map(report).collect())
            }
            _ => None,
        };
        Self {
            outcome: outcome_of(&visited.done),
            reader: place.reader.clone(),
            token,
            clock,
            write,
            error: if let Done::Failed(failure) = &visited.done { Some((&**failure).into()) } else { None },
            user,
            next,
            verify: visited.verdict.as_ref().map(Into::into),
            drift_warning,
            slots,
            servers,
            is_well: visited.is_well(bound),
            what,
            who,
            reader_words: reader_words(place),
        }
    }

    /// The visit in lines that are read from across the table; `rule` is drawn around them.
    #[must_use]
    pub fn large_text(&self, rule: &str) -> String {
        let Self { who, what, next, reader_words, .. } = self;
        format!("{rule}\n {who}\n {what}\n next: {next}\n {reader_words}\n{rule}")
    }
}

impl Report for DeskVisit {
    fn text(&self) -> String {
        format!("{}: {}; next: {} ({})", self.who, self.what, self.next, self.reader_words)
    }
}

fn outcome_of(done: &Done) -> &'static str {
    match done {
        Done::Written(outcome) => outcome.outcome.word(),
        Done::Slots(visit) => visit.why.map_or(Effect::Synced.word(), why_word),
        Done::Read(_, why) => why_word(*why),
        Done::Failed(_) => "failed",
    }
}

fn why_word(why: Why) -> &'static str {
    match why {
        Why::Within => "within",
        Why::Stopped => "clock-stopped",
        Why::NoAutoSync => "measured",
        Why::Restricted => "restricted",
        Why::Sealed => "sealed",
        Why::Unknown => "unknown-model",
        Why::UnknownProfile => "unknown-profile",
        Why::NoSeeds => "no-seeds",
    }
}

/// The finding, the treatment and the next step.
fn words(visited: &Visited, bound: f64, audience: Audience) -> (String, String) {
    let (mut what, mut next) = match &visited.done {
        Done::Written(outcome) => written_words(outcome, visited.servers.is_empty()),
        Done::Read(outcome, why) => read_words(outcome, *why, bound, audience),
        Done::Slots(visit) => slots_words(visit, bound),
        Done::Failed(failure) => {
            let what = format!("{}; {}", fact(&failure.problem), state(&failure.state));
            let details = failure.details.iter().filter(|_| visited.is_plugged_in());
            (details.fold(what, |what, detail| format!("{what}; {detail}")), super::next_at(failure, audience))
        }
    };
    if visited.is_faulty() {
        "give its user another token, and assign that one to them".clone_into(&mut next);
    }
    match visited.left_open() {
        Some(LeftOpen::Erased(at)) => {
            what.push_str(&format!("; its seed has been ERASED since {}", at.format("%Y-%m-%d")));
            "burn a seed: it shows no codes".clone_into(&mut next);
        }
        Some(LeftOpen::Pending(at)) => {
            what.push_str(&format!("; a job of {} did not end as it should", at.format("%Y-%m-%d")));
            "burn it again: it may lack its seed, or hold another one".clone_into(&mut next);
        }
        None => {}
    }
    if let Some(verdict) = &visited.verdict {
        what.push_str(&format!("; {}", verdict_words(verdict, WINDOW_S)));
    }
    (what, next)
}

const TAKE_IT: &str = "done: you can take the token";

fn written_words(outcome: &WriteOutcome, at_no_server: bool) -> (String, String) {
    if outcome.outcome == Effect::Within {
        let clock = outcome.drift.map(|drift| format!("clock {}: ", drift.before.in_short())).unwrap_or_default();
        return (format!("{clock}right as it is"), TAKE_IT.to_owned());
    }
    let seed = if outcome.seed == SeedFate::Burned { ", seed burned again" } else { "" };
    let clock = outcome
        .drift
        .map(|Moved { before, after }| format!("clock was {}; set, now {}", before.in_short(), after.in_short()));
    let what = format!("{}{seed}{}", clock.unwrap_or_default(), profile_clause(outcome.config.as_ref()));
    let moved = outcome.drift.is_some_and(|moved| moved.by_s().abs() > SERVER_WINDOW_S);
    let next = match moved && at_no_server {
        true => "switch it off and on; Entra ID or privacyIDEA may have to resynchronise it once",
        false => "switch it off and on, and use its next code",
    };
    (what, next.to_owned())
}

fn read_words(outcome: &ReadOutcome, why: Why, bound: f64, audience: Audience) -> (String, String) {
    let Some(drift) = outcome.drift else {
        return ("has no clock to set: it counts button presses".to_owned(), TAKE_IT.to_owned());
    };
    let (what, next) = match why {
        Why::Within => ("right as it is", TAKE_IT),
        Why::Stopped => ("its clock has stopped", "give its user another token"),
        Why::NoAutoSync => match outcome.info.clock_write() {
            _ if drift.may_be_within(bound) => ("only measured", TAKE_IT),
            ClockWrite::Unknown => ("only measured; its model is unknown", "find out whose token it is"),
            _ if audience.is_page() => (
                "only measured",
                "stop tokentap web (Ctrl-C in its window), start it again without --no-auto-sync, and lay the token back",
            ),
            ClockWrite::KeepsSeed => ("only measured", "to set it, run tokentap sync"),
            ClockWrite::ErasesSeed => ("only measured", "set it with its seed: tokentap sync --seed-file FILE"),
        },
        Why::Restricted => (
            "NOT set, because that would erase its seed",
            match audience {
                Audience::Terminal => {
                    "with its seed at hand: tokentap sync --seed-file FILE; without it, resynchronise the token on its server"
                }
                Audience::Page | Audience::Kiosk => {
                    "resynchronise it on its server; or, if you have its seed, set it in a terminal, when tokentap web is stopped: \
                     tokentap sync --seed-file FILE"
                }
            },
        ),
        Why::Sealed => (
            "NOT set, because that would erase its seed, which is sealed",
            match audience {
                Audience::Terminal => "open the desk again with --identity FILE, and lay it back",
                Audience::Page | Audience::Kiosk => {
                    "stop tokentap web (Ctrl-C in its window), start it again with --identity FILE, and lay the token back"
                }
            },
        ),
        Why::NoSeeds => ("it holds no seed", TAKE_IT),
        Why::Unknown => ("NOT set, because its model is unknown", "find out whose token it is"),
        Why::UnknownProfile => (
            "NOT set, because its profile (hash, time step) is unknown",
            match audience {
                Audience::Terminal => {
                    "look up its hash and time step on its server (wrong ones stop its codes); then: tokentap sync --hash HASH \
                     --step SECONDS"
                }
                Audience::Page | Audience::Kiosk => {
                    "look up its hash and time step on its server (wrong ones stop its codes), and choose them here"
                }
            },
        ),
    };
    (format!("clock {}: {what}", drift.in_short()), next.to_owned())
}

/// The end of a desk.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeskSummary {
    /// How many tokens came.
    pub tokens: usize,
    /// How many clocks were set.
    pub set: usize,
    /// The serials of tokens that did not leave as they should be.
    pub undone: Vec<String>,
    /// The same tokens, with their users and reasons.
    pub undone_tokens: Vec<UndoneToken>,
}

/// A token that did not leave as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UndoneToken {
    /// The serial.
    pub serial: String,
    /// Its user on record.
    pub user: Option<String>,
    /// The reason.
    pub reason: String,
    /// It has slots, each of which may have a user.
    #[serde(skip)]
    pub has_slots: bool,
}

impl DeskSummary {
    /// "2 tokens: 1 clock set, 1 needs attention".
    #[must_use]
    pub fn counts(tokens: usize, set: usize, undone: usize) -> String {
        let need = if undone == 1 { "needs" } else { "need" };
        let (tokens, set) = (counted(tokens as u64, "token"), counted(set as u64, "clock"));
        format!("{tokens}: {set} set, {undone} {need} attention")
    }
}

impl Report for DeskSummary {
    fn text(&self) -> String {
        let counts = Self::counts(self.tokens, self.set, self.undone_tokens.len());
        let mut text = format!("the desk is closed: {counts}");
        for UndoneToken { serial, user, reason, has_slots } in &self.undone_tokens {
            let owner = match user {
                Some(user) => format!(" of {}", plain(user)),
                None if *has_slots => String::new(),
                None => " of nobody on record".to_owned(),
            };
            text.push_str(&format!("\n  UNDONE  {serial}{owner}: {reason}"));
        }
        text
    }
}

impl Report for DeskEvent {
    fn text(&self) -> String {
        match self {
            Self::Begin {} => "the desk is open: lay tokens down; Ctrl-C ends it".to_owned(),
            Self::Token(visit) => visit.text(),
            Self::Summary(summary) => summary.text(),
        }
    }
}
