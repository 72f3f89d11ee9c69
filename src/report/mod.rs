//! Outcomes for people and programs: reports whose text and JSON come from one value, and all English for problems, states and
//! remedies.

mod audience;
mod batch;
mod batch_left;
mod braille;
mod burn;
mod code;
mod delivery;
mod desk;
mod doctor;
mod drift;
mod drift_line;
mod emulate;
mod error;
mod files;
mod forecast;
mod hand_over;
mod hindrance;
mod host_clock;
mod info;
mod inventory;
mod lists;
mod many_desks;
mod notice;
mod on_page;
mod open_tokens;
mod plot;
mod problem;
mod profile;
mod reader_event;
mod readers;
mod record;
mod remedy;
mod remedy_of_clock;
mod remedy_of_file;
mod remedy_of_reader;
mod remedy_of_record;
mod remedy_of_slot;
mod remedy_of_token;
pub mod schema;
mod seeds;
mod selftest;
mod selftest_facts;
mod server;
pub mod server_commands;
mod server_compare;
mod server_error;
mod show;
pub mod slip;
mod slot_batch;
mod slots;
mod state;
mod times;
mod token;
mod token_verdict;
mod verdict;
mod verify;
mod write;

pub use audience::Audience;
pub use batch::{BatchBegin, BatchEvent, BatchPlanReport, BatchSummary, Summed};
pub use batch_left::{BatchLeft, reader_words};
pub use burn::{BurnReport, CodesReport};
pub use code::{CodeReport, CounterCodeReport};
pub use delivery::DeliveryReport;
pub use desk::{DeskEvent, DeskSummary, DeskVisit, UndoneToken};
pub use doctor::{DoctorReport, Finding};
pub use drift_line::DriftLine;
pub use emulate::{DisplayReport, EmulatedReport, EmulatedToken};
pub use error::{ErrorReport, FailureReport, details, details_at};
pub use files::FilesReport;
pub use forecast::{BY_FLAGS, ForecastEnd, ForecastReport, WindowFrom, WindowReport, come_cell, warning};
pub use hand_over::{HandOverReport, HandedToken, HindranceReport, MendReport};
pub use hindrance::{hindered_rows, hindrance_fact, hindrance_next};
pub use host_clock::{HostClockReport, host_clock_words};
pub use info::{InfoReport, Reading};
pub use inventory::{
    AssignListReport, AssignReport, Assigned, CheckReport, ExportReport, ForgetReport, ImportReport, InitReport,
};
pub use lists::{ListEnd, drift_cell, remark};
#[cfg(feature = "postgres")]
pub use many_desks::waits;
pub use many_desks::{CopyReport, DeskReport, DesksReport, JoinReport, PruneReport, ServeInitReport, ServedUser};
pub use many_desks::{clocks_apart, others_at_batch};
pub use notice::{notice, troubled};
pub use open_tokens::{AtServerReport, ModelReport, OpenTokenReport};
pub use plot::{of_fleet as fleet_plot, of_token as token_plot};
pub use problem::{fact, question};
pub use profile::{CodeProfile, PlannedProfile, ProfileReport};
pub use reader_event::ReaderEvent;
pub use readers::{ReaderReport, ReadersReport, slot_words};
pub use record::{BatchRecordReport, CountsReport, EventReport, RowReport, TokenRecordReport, seed_word};
pub use remedy::remedy;
pub use remedy_of_clock::remedy_of_clock;
pub use remedy_of_file::{remedy_of_file, row_problem};
pub use remedy_of_reader::remedy_of_reader;
pub use remedy_of_record::remedy_of_record;
pub use seeds::{ConvertReport, SeedsCheckReport, Understood};
pub use selftest::{SelftestReport, TestedBy, part_words};
pub use server::{
    MendedByHandReport, NoRealmReport, PullReport, ResyncReport, ServerAddReport, ServerCheckReport,
    ServerConfirmReport, ServerListReport, ServerRemoveReport, ServerReport,
};
pub use server_compare::CompareReport;
pub use server_error::{remedy_of_server, server_fact};
pub use show::{ShowReport, ShownBeside, ShownDrift};
pub use slot_batch::{SlotBatchReport, SlotRowReport};
pub use slots::{DeviceReport, KeyFileReport, SlotsReport, SlotsWrittenReport, seeded_lines};
pub use state::state;
pub use times::utc;
pub use token::{TokenReport, more_words};
pub use token_verdict::how_to_set;
pub use verdict::{VerdictReport, verdict_words};
pub use verify::{HotpReport, VerifyReport};
pub use write::{ClockBefore, PlanReport, SERVER_WINDOW_S, Shown, WriteReport, jumped_words, line, remarks};

use serde::Serialize;

use crate::job::{Failure, Wording};
use crate::plain::plain;

/// The version of the JSON that `docs/json.md` describes.
pub const SCHEMA: &str = "tokentap/1";

/// The words that a job puts on record.
pub const WORDING: Wording = Wording { fact, state };

/// A report: an object for programs, and the same for people.
pub trait Report: Serialize {
    /// The report for people; empty where there is nothing to say.
    fn text(&self) -> String;
}

/// A report with what stands before the fields of every report.
#[derive(Serialize)]
pub struct Envelope<'a, R: ?Sized> {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The command.
    pub command: &'a str,
    /// The fields.
    #[serde(flatten)]
    pub report: &'a R,
}

/// All remedies of a failure in one sentence.
#[must_use]
pub fn next(failure: &Failure) -> String {
    next_at(failure, Audience::Terminal)
}

/// The remedies of a failure in one sentence, for where it is read.
#[must_use]
pub fn next_at(failure: &Failure, audience: Audience) -> String {
    let remedies = failure.remedies.iter().map(|one| remedy(one, audience));
    remedies.filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; ")
}

/// A path for a message: what would act on the terminal is escaped.
#[must_use]
pub fn path(path: &std::path::Path) -> String {
    plain(&path.display().to_string())
}
