//! Records as reports have them; never a seed.

use schemars::JsonSchema;
use serde::Serialize;

use super::drift::MeasuredReport;
use super::profile::ProfileReport;
use super::times::utc;
use crate::inventory::{BatchRecord, Counts, Event, RowRecord, RowState, TokenRecord};

/// A job that was started and did not end as it should.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UnfinishedReport {
    /// The job.
    pub what: &'static str,
    /// When it was started.
    pub since: String,
}

/// Whether a slot is the first one, which is not named.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_first(slot: &u16) -> bool {
    *slot == 0
}

/// A token on record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TokenRecordReport {
    /// The serial.
    pub serial: String,
    /// The slot, where it is not the first one.
    #[serde(skip_serializing_if = "is_first")]
    pub slot: u16,
    /// The model; `null` if unknown.
    pub model: Option<String>,
    /// It is not a real token.
    pub emulated: bool,
    /// Its user.
    pub user: Option<String>,
    /// Its profile, as far as it is known.
    pub profile: Option<ProfileReport>,
    /// When it was first seen.
    pub first_seen: String,
    /// When it was last seen.
    pub last_seen: String,
    /// Its drift when last seen.
    pub drift: Option<MeasuredReport>,
    /// When its clock was last set.
    pub synced: Option<String>,
    /// When it was burned.
    pub burned: Option<String>,
    /// `""`, `known`, `sealed`, `unknown` or `erased`.
    pub seed: &'static str,
    /// Since when it has no seed.
    pub erased: Option<String>,
    /// When its clock was found stopped; it was not seen to run since.
    pub clock_stopped: Option<String>,
    /// A job of unknown end.
    pub unfinished: Option<UnfinishedReport>,
}

impl From<&TokenRecord> for TokenRecordReport {
    fn from(token: &TokenRecord) -> Self {
        let unfinished = token.pending.as_ref();
        Self {
            serial: token.key.serial.clone(),
            slot: token.key.slot,
            model: token.model.clone(),
            emulated: token.emulated,
            user: token.user.clone(),
            profile: token.profile.map(Into::into),
            first_seen: utc(token.first_seen),
            last_seen: utc(token.last_seen),
            drift: token.drift.map(Into::into),
            synced: token.synced.map(utc),
            burned: token.burned.map(utc),
            seed: seed_word(token),
            erased: token.erased.map(utc),
            clock_stopped: token.clock_stopped.map(utc),
            unfinished: unfinished
                .map(|pending| UnfinishedReport { what: pending.deed.word(), since: utc(pending.at) }),
        }
    }
}

/// The state of a token's seed on record, in a word.
#[must_use]
pub fn seed_word(token: &TokenRecord) -> &'static str {
    match (&token.pending, &token.sealed, &token.seed) {
        (None, ..) if token.erased.is_some() => "erased",
        (Some(pending), ..) if pending.seed.is_some() => "unknown",
        (_, Some(_), _) => "sealed",
        (_, None, Some(_)) => "known",
        (_, None, None) => "",
    }
}

/// An event on record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EventReport {
    /// When.
    pub at: String,
    /// The job that it is part of.
    pub job: String,
    /// The host.
    pub desk: String,
    /// The user of the host.
    pub operator: String,
    /// The reader.
    pub reader: Option<String>,
    /// The token.
    pub serial: Option<String>,
    /// Its slot, where it is not the first one.
    #[serde(skip_serializing_if = "is_first")]
    pub slot: u16,
    /// The treatment.
    pub what: &'static str,
    /// How it ended.
    pub outcome: &'static str,
    /// The drift before.
    pub before: Option<MeasuredReport>,
    /// The drift afterwards.
    pub after: Option<MeasuredReport>,
    /// The state of the token.
    pub state: Option<String>,
    /// The rest that is worth keeping.
    pub remark: Option<String>,
}

impl From<&Event> for EventReport {
    fn from(event: &Event) -> Self {
        Self {
            at: utc(event.at),
            job: format!("{:016x}", event.job),
            desk: event.station.desk.clone(),
            operator: event.station.operator.clone(),
            reader: event.station.reader.clone(),
            serial: event.serial.clone(),
            slot: event.slot,
            what: event.deed.word(),
            outcome: event.outcome.word(),
            before: event.before.map(Into::into),
            after: event.after.map(Into::into),
            state: event.state.clone(),
            remark: event.detail.clone(),
        }
    }
}

/// How many rows of a batch are in which state.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CountsReport {
    /// All rows.
    pub rows: u64,
    /// Rows whose tokens are burned.
    pub done: u64,
    /// Rows whose code was checked.
    pub checked: u64,
    /// Rows that failed.
    pub failed: u64,
    /// Rows of unknown end.
    pub unknown: u64,
    /// Rows that are left to do.
    pub left: u64,
}

impl From<Counts> for CountsReport {
    fn from(counts: Counts) -> Self {
        Self {
            rows: counts.rows(),
            done: counts.done(),
            checked: counts.of(RowState::Checked),
            failed: counts.of(RowState::Failed),
            unknown: counts.unknown(),
            left: counts.left(),
        }
    }
}

/// A batch on record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BatchRecordReport {
    /// Its number.
    pub batch: i64,
    /// Its name.
    pub name: String,
    /// When it was started.
    pub begun: String,
    /// When it was closed.
    pub closed: Option<String>,
    /// Its rows.
    #[serde(flatten)]
    pub counts: CountsReport,
}

impl From<&BatchRecord> for BatchRecordReport {
    fn from(batch: &BatchRecord) -> Self {
        Self {
            batch: batch.id,
            name: batch.name.clone(),
            begun: utc(batch.begun),
            closed: batch.closed.map(utc),
            counts: batch.counts.into(),
        }
    }
}

/// A row of a batch on record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RowReport {
    /// Its number, from 1.
    pub row: u64,
    /// How far it has come.
    pub state: &'static str,
    /// Its token.
    pub serial: Option<String>,
    /// Its user.
    pub user: Option<String>,
    /// The last error.
    pub error: Option<String>,
}

impl From<&RowRecord> for RowReport {
    fn from(row: &RowRecord) -> Self {
        Self {
            row: row.row,
            state: row.state.word(),
            serial: row.serial.clone(),
            user: row.user.clone(),
            error: row.error.clone(),
        }
    }
}
