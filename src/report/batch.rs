//! The reports of `batch`: one object for each event.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::error::ErrorReport;
use super::profile::{PlannedProfile, profile_clause};
use super::record::CountsReport;
use super::token::TokenReport;
use super::verdict::{VerdictReport, verdict_words};
use super::write::WriteReport;
use super::{Report, fact, next, path, state};
use crate::inventory::{Counts, RowRecord, RowState};
use crate::job::batch::{Departure, Left, Opened};
use crate::job::verify::WINDOW_S;
use crate::job::{ReaderRef, WriteOutcome};
use crate::plain::plain;
use crate::words::{counted, local};

/// An event of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum BatchEvent {
    /// It starts.
    Begin(BatchBegin),
    /// A token was dealt with.
    Token(Box<BatchLeft>),
    /// It ends.
    Summary(BatchSummary),
}

/// The start of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BatchBegin {
    /// Its rows.
    #[serde(flatten)]
    pub counts: CountsReport,
    /// Its name.
    pub batch: String,
    /// It continues one that was started before.
    pub resumed: bool,
}

impl BatchBegin {
    /// The start of a batch of these rows.
    #[must_use]
    pub fn of(name: &str, counts: Counts, how: Opened) -> Self {
        Self { counts: counts.into(), batch: name.to_owned(), resumed: how == Opened::Resumed }
    }
}

impl Report for BatchBegin {
    fn text(&self) -> String {
        let CountsReport { rows, done, unknown, .. } = self.counts;
        let rows = counted(rows, "row");
        match self.resumed {
            true => format!("{}: continues; {done} of {rows} are done, {unknown} unknown", self.batch),
            false => format!("{}: {rows}; lay the tokens down, one after the other", self.batch),
        }
    }
}

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
    /// The report of a token that left.
    #[must_use]
    pub fn of(departure: &Departure) -> Self {
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
        let text = words(how, who, row.as_ref(), place);
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

/// A token that was dealt with, in one line; more where something went wrong.
fn words(how: &Left, who: &str, row: Option<&RowRecord>, place: &ReaderRef) -> String {
    let number = row.map(|row| format!("row {}, ", row.row)).unwrap_or_default();
    let user = row.and_then(|row| row.user.as_deref()).map(|user| format!(", {}", plain(user))).unwrap_or_default();
    let clock = |report: &WriteOutcome| {
        let was = report.drift.map(|drift| format!("was {}", drift.before.in_short())).unwrap_or_default();
        format!("{was}{}", profile_clause(report.config.as_ref()))
    };
    match how {
        Left::Burned(report) => format!("burned  {number}{who}{user}; {}", clock(report)),
        Left::Judged(_, verdict, true) => format!("checked {number}{who}{user}; {}", verdict_words(verdict, WINDOW_S)),
        Left::Judged(_, verdict, false) => format!(
            "WRONG   {number}{who}{user}; {}\n   next: switch it off and on, lay it back: it is burned again",
            verdict_words(verdict, WINDOW_S)
        ),
        Left::Done => format!("already {number}{who} has its row; nothing was changed"),
        Left::NotListed => format!("SKIPPED {who} is not on this list; nothing was changed"),
        Left::InHand => format!("SKIPPED {who} is on another reader too; nothing was changed"),
        Left::HoldsAnother(burned, user) => {
            let when = burned.map(|at| format!(" since {}", local(at))).unwrap_or_default();
            let whose = user.as_ref().map(|user| format!(" for {}", plain(user))).unwrap_or_default();
            format!(
                "SKIPPED {who} holds another seed{when}{whose}; nothing was changed\n   next: leave it as it is if its server has that seed; only a token whose codes may stop is burned again, with \
                 --reburn"
            )
        }
        Left::Failed(failure) => format!(
            "FAILED  {number}{who}: {}\n  state: {}\n   next: {}\n {}",
            fact(&failure.problem),
            state(&failure.state),
            next(failure),
            reader_words(place)
        ),
    }
}

/// The reader, as `tokentap readers` has it: "reader 1: ACS ACR122U 00 00".
#[must_use]
pub fn reader_words(place: &ReaderRef) -> String {
    let number = place.number.map(|number| format!(" {number}")).unwrap_or_default();
    format!("reader{number}: {}", plain(&place.reader))
}

/// The end of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BatchSummary {
    /// Its rows.
    #[serde(flatten)]
    pub counts: CountsReport,
    /// Its name.
    pub batch: String,
    /// The rows of unknown end.
    pub unknown_rows: Vec<SummedRow>,
    /// The rows that failed.
    pub failed_rows: Vec<SummedRow>,
    /// The files that were written.
    pub files: Vec<String>,
    /// How many tokens were left alone because they hold another seed; missing for a batch that was finished before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holding_another_seed: Option<usize>,
    /// The file with the users' slips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slips: Option<String>,
    #[serde(skip)]
    text: String,
}

/// A row of the summary.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SummedRow {
    /// Its number.
    pub row: u64,
    /// Its token.
    pub serial: Option<String>,
    /// Its user.
    pub user: Option<String>,
    /// The last error.
    pub error: Option<String>,
}

/// The parts of a summary.
pub struct Summed<'a> {
    /// The batch.
    pub name: &'a str,
    /// Its rows.
    pub counts: Counts,
    /// Those that are not done, as far as something happened to them.
    pub rows: &'a [RowRecord],
    /// The files that were written, each with its server.
    pub files: &'a [(&'static str, PathBuf)],
    /// How many tokens were left alone because they hold another seed.
    pub holding: usize,
    /// The file with the users' slips.
    pub slips: Option<String>,
}

impl BatchSummary {
    /// The end of a run.
    #[must_use]
    pub fn of(summed: Summed<'_>) -> Self {
        let listed = |is: fn(RowState) -> bool| -> Vec<SummedRow> {
            let some = summed.rows.iter().filter(|row| is(row.state));
            some.map(|row| SummedRow {
                row: row.row,
                serial: row.serial.clone(),
                user: row.user.clone(),
                error: row.error.clone(),
            })
            .collect()
        };
        Self {
            counts: summed.counts.into(),
            batch: summed.name.to_owned(),
            unknown_rows: listed(|state| matches!(state, RowState::Burning | RowState::Unknown)),
            failed_rows: listed(|state| state == RowState::Failed),
            files: summed.files.iter().map(|(_, file)| path(file)).collect(),
            holding_another_seed: Some(summed.holding),
            text: sum_words(&summed),
            slips: summed.slips,
        }
    }

    /// A batch in which nothing is left to do.
    #[must_use]
    pub fn finished(name: &str, counts: Counts) -> Self {
        let text = format!(
            "{name}: all {} are done already; nothing is left to do\n  next: for more tokens use another file, or --new-batch",
            counted(counts.rows(), "row")
        );
        Self {
            counts: counts.into(),
            batch: name.to_owned(),
            unknown_rows: Vec::new(),
            failed_rows: Vec::new(),
            files: Vec::new(),
            holding_another_seed: None,
            slips: None,
            text,
        }
    }
}

impl Report for BatchSummary {
    fn text(&self) -> String {
        self.text.clone()
    }
}

fn sum_words(summed: &Summed<'_>) -> String {
    let Summed { name, counts, rows, files, holding, slips } = summed;
    let mut text = format!("{name}: {} of {} done", counts.done(), counted(counts.rows(), "row"));
    if counts.of(RowState::Checked) > 0 {
        text.push_str(&format!(", {} of them checked", counts.of(RowState::Checked)));
    }
    for row in *rows {
        let serial = row.serial.as_deref().unwrap_or("no serial");
        let user = row.user.as_deref().map(|user| format!(", {}", plain(user))).unwrap_or_default();
        let what = match row.state {
            RowState::Failed => "failed ",
            RowState::Assigned => "waiting",
            _ => "UNKNOWN",
        };
        let why = row.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        text.push_str(&format!("\n  {what}  row {}, {serial}{user}{why}", row.row));
    }
    for (server, file) in *files {
        let is_own = crate::seedfile::Format::of_name("csv").is_some_and(|own| own.title == *server);
        let next = match is_own {
            true => "keep it until your server has its seeds (tokentap seeds convert writes the server's file): it has the only ones".to_owned(),
            false => format!("import it there ({server}), check a code, then delete it: it has the seeds"),
        };
        text.push_str(&format!("\n  written  {}\n   next    {next}", path(file)));
    }
    if let Some(slips) = slips {
        text.push_str(&format!("\n  slips    {slips}"));
    }
    if counts.left() > 0 {
        let left = counted(counts.left(), "row");
        let next = match holding {
            0 => "run the same command again to continue".to_owned(),
            1 => "1 token holds another seed, by the inventory, and its server may have that one; to stop its codes and burn it again: the \
                  same command with --reburn"
                .to_owned(),
            many => format!(
                "{many} tokens hold another seed, by the inventory, and their server may have those; to stop their codes and burn them \
                 again: the same command with --reburn"
            ),
        };
        text.push_str(&format!("\n  {left} left: {next}"));
    }
    text
}

/// The plan of a batch: `--dry-run`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BatchPlanReport {
    /// Always true: nothing was written.
    pub dry_run: bool,
    /// Its name.
    pub batch: String,
    /// All rows.
    pub rows: usize,
    /// Rows that name their token.
    pub named: usize,
    /// The files that would be written.
    pub files: Vec<String>,
}

impl Report for BatchPlanReport {
    fn text(&self) -> String {
        let to = if self.files.is_empty() { String::new() } else { format!("\n  files  {}", self.files.join(", ")) };
        format!(
            "plan for {}; nothing was written\n  rows   {}: {} for the serials that they name, {} dealt out in order{to}",
            self.batch,
            self.rows,
            self.named,
            self.rows - self.named,
        )
    }
}

impl Report for BatchEvent {
    fn text(&self) -> String {
        match self {
            Self::Begin(begin) => begin.text(),
            Self::Token(left) => left.text(),
            Self::Summary(summary) => summary.text(),
        }
    }
}
