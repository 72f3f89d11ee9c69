//! A failure as an object.

use schemars::JsonSchema;
use serde::Serialize;

use super::audience::Audience;
use super::{fact, next, row_problem, state};
use crate::job::Failure;
use crate::seedfile::Problem;

/// A failure, as `error` has it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ErrorReport {
    /// The kind: one of the table in `docs/json.md`.
    pub kind: &'static str,
    /// The exit code that goes with the kind.
    pub exit: u8,
    /// The event.
    pub message: String,
    /// The state of the token.
    pub state: String,
    /// The remedy.
    pub next: String,
    /// All that is wrong, where it is more than one thing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// The reader where it happened, if one was in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
}

impl From<&Failure> for ErrorReport {
    fn from(failure: &Failure) -> Self {
        Self {
            kind: failure.kind().word(),
            exit: failure.exit() as u8,
            message: fact(&failure.problem),
            state: state(&failure.state),
            next: next(failure),
            details: details(failure),
            reader: failure.reader.clone(),
        }
    }
}

/// All that is wrong, one thing a line.
#[must_use]
pub fn details(failure: &Failure) -> Vec<String> {
    details_at(failure, Audience::Terminal)
}

/// All that is wrong, one thing a line; at the page without the flags that would help, which the failure's remedy has.
#[must_use]
pub fn details_at(failure: &Failure, audience: Audience) -> Vec<String> {
    let words = |problem: &Problem| match audience {
        Audience::Terminal => row_problem(problem),
        Audience::Page | Audience::Kiosk => problem.to_string(),
    };
    let rows = failure.rows.iter().map(|(file, problem)| format!("{file}:{}", words(problem)));
    rows.chain(failure.details.iter().cloned()).collect()
}

/// The report of a command that failed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FailureReport {
    /// The failure.
    pub error: ErrorReport,
}
