//! The reports of `batch`: one object for each event.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::batch_left::BatchLeft;
use super::hand_over::{HandOverReport, HandedToken};
use super::record::CountsReport;
use super::{Report, path};
use crate::inventory::{Counts, RowRecord, RowState};
use crate::job::batch::Opened;
use crate::plain::plain;
use crate::words::counted;

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
    /// A token's seed was handed to a server, or not.
    HandedOver(HandedToken),
    /// All was handed over that could be.
    HandOver(HandOverReport),
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
    /// How somebody goes on with the rows that are left.
    pub again: &'static str,
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

    /// A batch in which nothing is left to burn.
    #[must_use]
    pub fn finished(name: &str, counts: Counts) -> Self {
        let rows = match counts.rows() {
            1 => "its one row is burned already".to_owned(),
            rows => format!("all {} are burned already", counted(rows, "row")),
        };
        let text = format!(
            "{name}: {rows}; nothing is left to burn\n  next: for more tokens use another file, or --new-batch"
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
    let Summed { name, counts, rows, files, holding, slips, again } = summed;
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
            0 => (*again).to_owned(),
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
            Self::HandedOver(token) => token.line(),
            Self::HandOver(report) => report.text(),
        }
    }
}
