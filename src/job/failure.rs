//! A failure: the problem, the state of the token, and what helps.

use super::clock_problem::ClockProblem;
use super::kind::{Exit, Kind};
use super::problem::Problem;
use super::remedy::Remedy;
use super::state::TokenState;
use crate::clock::{Distrust, HostClockError};
use crate::device::{Progress, Serial};
use crate::inventory::InventoryError;
use crate::reader::ReaderError;
use crate::seedfile;

/// A job that did not end as it should.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The event.
    pub problem: Problem,
    /// The state of the token.
    pub state: TokenState,
    /// The remedies, in the order in which they are tried.
    pub remedies: Vec<Remedy>,
    /// All that is wrong, one thing a line, where there is more to say than the problem does.
    pub details: Vec<String>,
    /// The rows of a file that are wrong, each with its file's name.
    pub rows: Vec<(String, seedfile::Problem)>,
    /// How far the writes had come.
    pub written: Progress,
    /// The reader where it happened, if one was in use.
    pub reader: Option<String>,
    /// The token, if it had said who it is before it only read failed.
    pub serial: Option<Serial>,
    /// Nothing was written, and the token left or is not awake yet: laid back, it may do.
    pub may_come_back: bool,
}

impl Failure {
    /// A failure with one remedy.
    #[must_use]
    pub fn new(problem: Problem, state: TokenState, remedy: impl Into<Remedy>) -> Self {
        Self {
            may_come_back: problem.may_pass(),
            problem,
            state,
            remedies: vec![remedy.into()],
            details: Vec::new(),
            rows: Vec::new(),
            written: Progress::default(),
            reader: None,
            serial: None,
        }
    }

    /// Bad input, found before any token was touched.
    #[must_use]
    pub fn usage(fact: impl Into<String>, remedy: impl Into<Remedy>) -> Self {
        Self::new(Problem::Usage(fact.into()), TokenState::NotReached, remedy)
    }

    /// A file that cannot be read or written, found before any token was touched.
    #[must_use]
    pub fn file(fact: impl Into<String>, remedy: impl Into<Remedy>) -> Self {
        Self::new(Problem::File(fact.into()), TokenState::NotReached, remedy)
    }

    /// The same failure with one remedy more.
    #[must_use]
    pub fn and(mut self, remedy: impl Into<Remedy>) -> Self {
        self.remedies.push(remedy.into());
        self
    }

    /// The same failure in another state.
    #[must_use]
    pub fn in_state(self, state: TokenState) -> Self {
        Self { state, ..self }
    }

    /// The same failure, with all that is wrong.
    #[must_use]
    pub fn with_details(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.problem.kind()
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.problem.exit()
    }
}

impl From<ReaderError> for Failure {
    fn from(error: ReaderError) -> Self {
        let remedy = error.remedy();
        Self::new(Problem::Reader(error), TokenState::NotReached, remedy)
    }
}

impl From<InventoryError> for Failure {
    fn from(error: InventoryError) -> Self {
        let remedy = error.remedy();
        Self::new(Problem::Inventory(error), TokenState::Untouched, remedy)
    }
}

impl From<HostClockError> for Failure {
    fn from(error: HostClockError) -> Self {
        let problem = Problem::HostClock(ClockProblem::Implausible(error));
        Self::new(problem, TokenState::Untouched, error.remedy())
    }
}

impl From<Distrust> for Failure {
    fn from(distrust: Distrust) -> Self {
        let remedy = distrust.remedy();
        Self::new(Problem::HostClock(ClockProblem::Distrusted(distrust)), TokenState::NotReached, remedy)
    }
}

/// The failure of an inventory that was asked where no token is in reach.
#[must_use]
pub fn unopened(error: &InventoryError) -> Failure {
    Failure::new(Problem::Inventory(error.clone()), TokenState::NotReached, error.remedy())
}
