//! The report of a token that left a batch.

use schemars::JsonSchema;
use serde::Serialize;

use super::audience::Audience;
use super::error::ErrorReport;
use super::profile::{PlannedProfile, profile_clause};
use super::token::TokenReport;
use super::verdict::{VerdictReport, verdict_words};
use super::write::WriteReport;
use super::{Report, fact, next_at, state};
use crate::inventory::RowRecord;
use crate::job::batch::{Departure, Left};
use crate::job::verify::WINDOW_S;
use crate::job::{ReaderRef, WriteOutcome};
use crate::plain::plain;
use crate::words::local;

/// A token that was dealt with.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BatchLeft {
    /// `burned`, `checked`, `wrong-code`, `already`, `not-listed`, `holds-another`, `in-hand` or `failed`.
    pub outcome: &'static str,
    /// Its row.
    pub row: Option<u64>,
    /// The user of the row.
    pub user: Option<String>,
    /// The reader.
    pub reader: String,
    /// The token; `null` if it could not be read.
    pub token: Option<TokenReport>,
    /// The write, where it was burned.
    #[serde(flatten)]
    pub write: Option<BurnedRow>,
    /// The verdict on the code of its display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<VerdictReport>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
    /// It is as it should be; nothing was done with a token that has its row already.
    #[serde(skip)]
    pub is_well: Option<bool>,
    /// What was found and done, in one line.
    #[serde(skip)]
    pub what: String,
    /// What to do, where something went wrong.
    #[serde(skip)]
    pub next: Option<String>,
    #[serde(skip)]
    text: String,
}

/// The write to a token of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BurnedRow {
    /// Its clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<super::write::WrittenClock>,
    /// The fate of the seed.
    pub seed: &'static str,
    /// The clock cannot be set closer.
    pub keeps_phase: bool,
    /// The time that the clock was set to.
    pub clock_set: Option<&'static str>,
    /// The profile that was written.
    pub profile: Option<PlannedProfile>,
}

impl From<WriteReport> for BurnedRow {
    fn from(report: WriteReport) -> Self {
        let WriteReport { clock, seed, keeps_phase, clock_set, profile, .. } = report;
        Self { clock, seed, keeps_phase, clock_set, profile }
    }
}

impl BatchLeft {
    /// The report of a token that left, with the words for where they are read.
    #[must_use]
    pub fn of(departure: &Departure, audience: Audience) -> Self {
        let Departure { place, info, row, how, .. } = departure;
        let token = info.as_ref().map(|info| TokenReport::of(info, place.emulated));
        let (outcome, is_well) = outcome_of(how);
        let write = match how {
            Left::Burned(report) | Left::Judged(report, ..) => {
                Some(WriteReport::of(report, &place.reader, place.emulated).into())
            }
            _ => None,
        };
        let verify = if let Left::Judged(_, verdict, _) = how { Some((&**verdict).into()) } else { None };
        let error = if let Left::Failed(failure) = how { Some((&**failure).into()) } else { None };
        let who = token.as_ref().map_or("a token", |token| token.line.as_str());
        let (what, next) = (what_of(how, who, row.as_ref()), next_of(how, audience));
        let text = text_of(how, &what, next.as_deref(), place);
        Self {
            outcome,
            row: row.as_ref().map(|row| row.row),
            user: row.as_ref().and_then(|row| row.user.clone()),
            reader: place.reader.clone(),
            token,
            write,
            verify,
            error,
            is_well,
            what,
            next,
            text,
        }
    }
}

impl Report for BatchLeft {
    fn text(&self) -> String {
        self.text.clone()
    }
}

fn outcome_of(how: &Left) -> (&'static str, Option<bool>) {
    match how {
        Left::Burned(_) => ("burned", Some(true)),
        Left::Judged(_, _, true) => ("checked", Some(true)),
        Left::Judged(_, _, false) => ("wrong-code", Some(false)),
        Left::Done => ("already", None),
        Left::NotListed => ("not-listed", Some(false)),
        Left::InHand => ("in-hand", Some(false)),
        Left::HoldsAnother(..) => ("holds-another", Some(false)),
        Left::Failed(_) => ("failed", Some(false)),
    }
}

/// A token that was dealt with: one line; more where something went wrong.
fn text_of(how: &Left, what: &str, next: Option<&str>, place: &ReaderRef) -> String {
    let next = next.map(|next| format!("\n   next: {next}")).unwrap_or_default();
    match how {
        Left::Failed(failure) => {
            format!("{what}\n  state: {}{next}\n {}", state(&failure.state), reader_words(place))
        }
        _ => format!("{what}{next}"),
    }
}

/// What to do about a token that did not leave as it should be.
fn next_of(how: &Left, audience: Audience) -> Option<String> {
    match how {
        Left::Judged(_, _, false) => Some("switch it off and on, lay it back: it is burned again".to_owned()),
        Left::HoldsAnother(..) => {
            let reburn = match audience {
                Audience::Terminal => ", with --reburn".to_owned(),
                Audience::Page | Audience::Kiosk => {
                    format!(" {}", audience.command_at_reader("tokentap batch FILE --reburn"))
                }
            };
            Some(format!(
                "leave it as it is if its server has that seed; only a token whose codes may stop is burned again{reburn}"
            ))
        }
        Left::Failed(failure) => Some(next_at(failure, audience)),
        Left::Burned(_) | Left::Judged(..) | Left::Done | Left::NotListed | Left::InHand => None,
    }
}

/// What was found and done, in one line.
fn what_of(how: &Left, who: &str, row: Option<&RowRecord>) -> String {
    let number = row.map(|row| format!("row {}, ", row.row)).unwrap_or_default();
    let user = row.and_then(|row| row.user.as_deref()).map(|user| format!(", {}", plain(user))).unwrap_or_default();
    let clock = |report: &WriteOutcome| {
        if !report.info.can.has_clock() {
            return "it counts from 0".to_owned();
        }
        let was = report.drift.map(|drift| format!("was {}", drift.before.in_short())).unwrap_or_default();
        format!("{was}{}", profile_clause(report.config.as_ref()))
    };
    match how {
        Left::Burned(report) => format!("burned  {number}{who}{user}; {}", clock(report)),
        Left::Judged(_, verdict, true) => format!("checked {number}{who}{user}; {}", verdict_words(verdict, WINDOW_S)),
        Left::Judged(_, verdict, false) => format!("WRONG   {number}{who}{user}; {}", verdict_words(verdict, WINDOW_S)),
        Left::Done => format!("already {number}{who} has its row; nothing was changed"),
        Left::NotListed => format!("SKIPPED {who} is not on this list; nothing was changed"),
        Left::InHand => format!("SKIPPED {who} is on another reader too; nothing was changed"),
        Left::HoldsAnother(burned, user) => {
            let when = burned.map(|at| format!(" since {}", local(at))).unwrap_or_default();
            let whose = user.as_ref().map(|user| format!(" for {}", plain(user))).unwrap_or_default();
            format!("SKIPPED {who} holds another seed{when}{whose}; nothing was changed")
        }
        Left::Failed(failure) => format!("FAILED  {number}{who}: {}", fact(&failure.problem)),
    }
}

/// The reader, as `tokentap readers` has it: "reader 1: ACS ACR122U 00 00".
#[must_use]
pub fn reader_words(place: &ReaderRef) -> String {
    let number = place.number.map(|number| format!(" {number}")).unwrap_or_default();
    format!("reader{number}: {}", plain(&place.reader))
}
