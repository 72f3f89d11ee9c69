//! The report of `doctor`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Report, fact, next};
use crate::job::{Exit, Failure};

/// All that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DoctorReport {
    /// The findings, in the order in which they were made.
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// The thing.
    pub what: &'static str,
    /// All is well with it.
    pub ok: bool,
    /// The finding.
    pub fact: String,
    /// The remedy; `null` where all is well.
    pub next: Option<String>,
    /// The exit code that it leads to.
    #[serde(skip)]
    pub exit: Exit,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub fn good(what: &'static str, fact: impl Into<String>) -> Self {
        Self { what, ok: true, fact: fact.into(), next: None, exit: Exit::Done }
    }

    /// Something is wrong.
    #[must_use]
    pub fn bad(what: &'static str, failure: &Failure) -> Self {
        Self { what, ok: false, fact: fact(&failure.problem), next: Some(next(failure)), exit: failure.exit() }
    }
}

impl Report for DoctorReport {
    fn text(&self) -> String {
        let line = |finding: &Finding| {
            let mark = if finding.ok { "ok " } else { "BAD" };
            let next = finding.next.as_ref().map(|next| format!("\n     next: {next}")).unwrap_or_default();
            format!("{mark}  {}: {}{next}", finding.what, finding.fact)
        };
        self.findings.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
