//! Events at a desk, as data.

use super::question::Question;
use super::reader_news::{ReaderNews, ReaderRef};
use super::server::AfterSync;
use super::write_outcome::Effect;
use super::{Failure, ReadOutcome, SeedFate, SlotsOutcome, WriteOutcome};
use crate::device::Info;
use crate::drift::{Fit, Standing};
use crate::inventory::TokenRecord;
use crate::job::verify::Verdict;
use crate::time::UnixTime;

/// Why a token was only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Clocks are not set at this desk.
    NoAutoSync,
    /// Its clock is within bounds.
    Within,
    /// Its clock does not run.
    Stopped,
    /// Setting its clock would erase its seed, which is not at hand.
    Restricted,
    /// Its seed is sealed, and no identity was named.
    Sealed,
    /// Its model is not known.
    Unknown,
    /// Its profile is not known, and setting its clock would overwrite it.
    UnknownProfile,
    /// None of its slots holds a seed.
    NoSeeds,
}

/// A device with slots that was at the desk.
#[derive(Debug, Clone)]
pub struct SlotsVisit {
    /// The device and its slots, as they were read.
    pub read: SlotsOutcome,
    /// The slots whose clocks were set.
    pub written: Vec<WriteOutcome>,
    /// Why none was.
    pub why: Option<Why>,
    /// The records of its slots, as they were before.
    pub known: Vec<TokenRecord>,
}

impl SlotsVisit {
    /// The slots on which a burn of then did not end as it should, which setting clocks does not mend. One that is empty on record was
    /// cleared.
    #[must_use]
    pub fn left_open(&self) -> Vec<(u16, UnixTime)> {
        let open =
            |token: &TokenRecord| token.pending.as_ref().filter(|pending| pending.seed.is_some()).map(|open| open.at);
        self.known.iter().filter_map(|token| Some((token.key.slot, open(token)?))).collect()
    }
}

/// The treatment of a token.
#[derive(Debug, Clone)]
pub enum Done {
    /// Its clock was set (and its seed burned again, where that was needed), or was within bounds.
    Written(Box<WriteOutcome>),
    /// It was only read.
    Read(Box<ReadOutcome>, Why),
    /// It has slots: the clock of each that holds a seed was set, or none.
    Slots(Box<SlotsVisit>),
    /// It did not end well.
    Failed(Box<Failure>),
}

/// A token that was at the desk.
#[derive(Debug, Clone)]
pub struct Visited {
    /// Where.
    pub place: ReaderRef,
    /// The token, if it could be read.
    pub info: Option<Info>,
    /// Its record before.
    pub known: Option<Box<TokenRecord>>,
    /// The treatment.
    pub done: Done,
    /// The verdict of the code on its display, where it was asked for and there is a seed to judge by.
    pub verdict: Option<Verdict>,
    /// Its clock by all of its readings, where they are on record.
    pub fit: Option<Fit>,
    /// Why this stands in no record.
    pub unrecorded: Option<String>,
    /// What became of it at the servers that had followed its clock.
    pub servers: Vec<AfterSync>,
}

/// Work that an earlier job left undone on a token, by the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOpen {
    /// Its seed was erased then.
    Erased(UnixTime),
    /// A job that was begun then did not end as it should: it may hold another seed, or none.
    Pending(UnixTime),
}

impl Visited {
    /// Work that an earlier job left undone and this visit has not mended.
    #[must_use]
    pub fn left_open(&self) -> Option<LeftOpen> {
        let known = self.known.as_ref()?;
        let (has_burned, has_set) = match &self.done {
            Done::Written(report) => (report.seed == SeedFate::Burned, report.outcome == Effect::Synced),
            _ => (false, false),
        };
        let pending = known.pending.as_ref().filter(|pending| pending.seed.is_some() || !has_set);
        match (known.erased, pending) {
            _ if has_burned => None,
            (Some(at), _) => Some(LeftOpen::Erased(at)),
            (None, pending) => pending.map(|pending| LeftOpen::Pending(pending.at)),
        }
    }

    /// Whether a clock was set.
    #[must_use]
    pub fn was_set(&self) -> bool {
        match &self.done {
            Done::Written(report) => report.outcome == Effect::Synced,
            Done::Slots(visit) => !visit.written.is_empty(),
            Done::Read(..) | Done::Failed(_) => false,
        }
    }

    /// Whether it is a device that is plugged in, and not a token that was laid down.
    #[must_use]
    pub fn is_plugged_in(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.can.plugs_in)
    }

    /// Whether its clock surely gains or loses more than a second a day.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        self.fit.as_ref().is_some_and(|fit| fit.standing == Standing::Broken)
    }

    /// Whether the token left as it should be.
    #[must_use]
    pub fn is_well(&self, if_drift_over: f64) -> bool {
        self.is_well_but_for_servers(if_drift_over) && !self.servers.iter().any(AfterSync::is_open)
    }

    /// Whether the token left as it should be, whatever became of it at its servers.
    #[must_use]
    pub fn is_well_but_for_servers(&self, if_drift_over: f64) -> bool {
        let is_code_wrong =
            self.verdict.as_ref().is_some_and(|verdict| !verdict.is_accepted(verdict.expected.step.seconds()));
        !is_code_wrong
            && !self.is_faulty()
            && self.left_open().is_none()
            && match &self.done {
                Done::Written(_) => true,
                Done::Read(report, _) => {
                    !report.stands_still && report.drift.is_none_or(|drift| drift.may_be_within(if_drift_over))
                }
                Done::Slots(visit) => {
                    let SlotsVisit { read, written, why, .. } = &**visit;
                    let is_measured = || read.drift.is_none_or(|drift| drift.may_be_within(if_drift_over));
                    visit.left_open().is_empty() && (!written.is_empty() || *why == Some(Why::NoSeeds) || is_measured())
                }
                Done::Failed(_) => false,
            }
    }
}

/// An event at a desk.
#[derive(Debug, Clone)]
pub enum DeskNews {
    /// Something happened to a reader, or to all of them.
    Reader(Option<ReaderRef>, ReaderNews),
    /// A token is being measured.
    Begins(ReaderRef, Info),
    /// A token is being written.
    Writes(ReaderRef, Info),
    /// A question came up.
    Asks(Question),
    /// A token was dealt with.
    Visited(Box<Visited>),
}
