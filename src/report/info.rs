//! The report of `info`: the verdict, what is on record, and what the token says.

use chrono::DateTime;
use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::drift::DriftReport;
use super::forecast::warning;
use super::host_clock::HostClockReport;
use super::profile::ProfileReport;
use super::record::{TokenRecordReport, UnfinishedReport, seed_word};
use super::times::utc;
use super::token::{TokenReport, sync_words};
use super::token_verdict::{TokenVerdict, clock_stopped, key_refused, record_unread, verdict};
use crate::clock::Standing;
use crate::drift::{Fit, Window};
use crate::inventory::TokenRecord;
use crate::job::ReadOutcome;
use crate::plain::plain;
use crate::time::UnixTime;
use crate::words::local;

/// A reading of a token, and its record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InfoReport {
    /// `works`, `clock-right` (no seed on record), `code-wrong` (the clock is right), `off`, `erased`, `unfinished`, `clock-implausible`, `key-refused`,
    /// `clock-stopped`, `record-unread` or `counts` (a device without a clock).
    pub verdict: &'static str,
    /// The same for people, with what to do.
    pub verdict_text: String,
    /// The user on record.
    pub user: Option<String>,
    /// The profile on record.
    pub profile: Option<ProfileReport>,
    /// The seed's state on record; `null` for a token that is not on record.
    pub seed: Option<&'static str>,
    /// Since when it has no seed.
    pub erased: Option<String>,
    /// A job of unknown end.
    pub unfinished: Option<UnfinishedReport>,
    /// The reader.
    pub reader: String,
    /// The token.
    pub token: TokenReport,
    /// The clocks; missing for a device that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<ReadClock>,
    /// The host's clock.
    pub host_clock: HostClockReport,
    /// It will be refused within 30 days, or its clock is faulty: in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_warning: Option<String>,
    /// The lines on what is on record, for text.
    #[serde(skip)]
    on_record: String,
    /// The effect of a clock write on the seed, for text.
    #[serde(skip)]
    sync_words: &'static str,
}

/// A token's clock beside the host's.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReadClock {
    /// The token's, in Unix seconds.
    pub token: u32,
    /// The host's.
    pub host: String,
    /// The drift.
    #[serde(flatten)]
    pub drift: DriftReport,
}

/// The parts of a report of a reading.
pub struct Reading<'a> {
    /// The reading.
    pub outcome: &'a ReadOutcome,
    /// The reader.
    pub reader: &'a str,
    /// The token is not a real one.
    pub emulated: bool,
    /// The record before.
    pub known: Option<&'a TokenRecord>,
    /// Something is on record, and cannot be read.
    pub is_unread: bool,
    /// When the token last refused the factory's key, if it accepted none since.
    pub refused: Option<UnixTime>,
    /// When the last code of it that was judged was wrong, if it was.
    pub code_wrong: Option<UnixTime>,
    /// Its clock by all of its readings, this one among them.
    pub fit: Option<&'a Fit>,
    /// The host's clock.
    pub standing: &'a Standing,
}

impl InfoReport {
    /// The report of a reading.
    #[must_use]
    pub fn of(reading: &Reading<'_>) -> Self {
        let Reading { outcome, known, .. } = reading;
        let info = &outcome.info;
        let TokenVerdict { kind, text } = match (outcome.drift, reading.refused) {
            _ if outcome.stands_still => clock_stopped(),
            (drift, Some(at)) => key_refused(drift, at),
            (drift, None) if reading.is_unread => record_unread(drift),
            (drift, None) => verdict(info, drift, *known, reading.code_wrong),
        };
        let record = known.map(TokenRecordReport::from);
        let clock = info.clock.zip(outcome.drift).map(|(token, drift)| {
            let host = utc(outcome.host);
            ReadClock { token, host, drift: drift.into() }
        });
        Self {
            verdict: kind,
            verdict_text: text,
            user: known.and_then(|token| token.user.clone()),
            profile: known.and_then(|token| token.profile).map(Into::into),
            seed: known.map(seed_word),
            erased: record.as_ref().and_then(|record| record.erased.clone()),
            unfinished: record.and_then(|record| record.unfinished),
            reader: reading.reader.to_owned(),
            token: TokenReport::of(info, reading.emulated),
            clock,
            host_clock: reading.standing.into(),
            drift_warning: reading
                .fit
                .and_then(|fit| warning(fit, info.clock_write().erases_seed(), &Window::ASSUMED, outcome.host)),
            on_record: known.map(on_record).unwrap_or_default(),
            sync_words: sync_words(info.clock_write()),
        }
    }
}

/// The lines on what is on record of a token.
fn on_record(token: &TokenRecord) -> String {
    let mut text = String::new();
    if let Some(user) = &token.user {
        text.push_str(&format!("user    {}\n", plain(user)));
    }
    if let Some(profile) = token.meant_profile() {
        text.push_str(&format!("profile {}\n", ProfileReport::from(profile).words()));
    }
    let burned = token.burned.map(|at| format!(", burned {}", local(at))).unwrap_or_default();
    match seed_word(token) {
        "" => text.push_str("seed    not on record\n"),
        word => text.push_str(&format!("seed    {word}{burned}\n")),
    }
    text
}

impl Report for InfoReport {
    fn text(&self) -> String {
        let shown = |clock: &ReadClock| {
            let time = DateTime::from_timestamp(clock.token.into(), 0).map(local).unwrap_or_default();
            format!(", {}\nclock   {time}, {}", self.sync_words, clock.drift.drift)
        };
        let warning = self.drift_warning.iter().map(|warning| format!("\ndrift   {warning}"));
        format!(
            "{}\n{}token   {}{}\nreader  {}{}",
            self.verdict_text,
            self.on_record,
            self.token.line,
            self.clock.as_ref().map(shown).unwrap_or_default(),
            plain(&self.reader),
            warning.collect::<String>(),
        )
    }
}
