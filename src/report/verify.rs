//! The report of `verify`.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::server_commands::WHERE_SEALED;
use super::token::TokenReport;
use super::verdict::VerdictReport;
use crate::job::verify::VerdictKind;

/// The verdict on codes, and the token that was read for it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VerifyReport {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: VerdictReport,
    /// It is good enough: the exit code is 0, else 8.
    pub accepted: bool,
    /// The token, if it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenReport>,
    /// The reader, if a token was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
    /// The verdict in words, with what to do.
    #[serde(skip)]
    pub words: String,
}

impl Report for VerifyReport {
    fn text(&self) -> String {
        match &self.token {
            Some(token) => format!("{}: {}", token.line, self.words),
            None => self.words.clone(),
        }
    }
}

/// The counter of codes that were typed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HotpReport {
    /// `match` or `no-match`.
    pub verdict: &'static str,
    /// The counter of the first code.
    pub counter: Option<u64>,
    /// The counter of the code to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_counter: Option<u64>,
    /// The advice, in words.
    #[serde(skip)]
    advice: String,
}

impl HotpReport {
    /// No codes in a row between these counters.
    #[must_use]
    pub fn no_match(from: u64, to: u64) -> Self {
        let advice = format!(
            "no match: not in a row from counter {from} to {to}\nuse --look-ahead to look further; a key counts from 0 again when it was burned again: try it without --counter; or it is another seed"
        );
        Self { verdict: VerdictKind::NoMatch.word(), counter: None, next_counter: None, advice }
    }

    /// The codes of these counters; `stated` is the counter that the seed file says, and `resyncs` are the commands by which servers that have
    /// the token find its counter by the codes that were typed.
    #[must_use]
    pub fn of_counters(first: u64, next: u64, stated: Option<u64>, resyncs: &[String]) -> Self {
        // A server that is set back takes codes again that were used already (RFC 4226, section 7.2).
        let advice = match stated {
            Some(known) if known >= next => {
                format!("the seed file has {known}, which is higher: do not set a server back")
            }
            _ if !resyncs.is_empty() => format!(
                "if the server refuses its codes, resynchronise it with these, unless they were used there already: {} ({WHERE_SEALED}{})",
                resyncs.join("; "),
                if resyncs.iter().any(|command| command.contains(" CODE")) {
                    "; CODE stands for the next code that is pressed"
                } else {
                    ""
                }
            ),
            _ => format!(
                "set the server's counter to {next}, if it is not further on; privacyIDEA and Duo find it by the next codes that are pressed: tokentap \
                 server resync NAME SERIAL CODE CODE (three for Duo; {WHERE_SEALED}; tokentap server add makes NAME known)"
            ),
        };
        let advice = format!("match: the codes are those of counters {first} to {}\n{advice}", next - 1);
        Self { verdict: VerdictKind::Match.word(), counter: Some(first), next_counter: Some(next), advice }
    }
}

impl Report for HotpReport {
    fn text(&self) -> String {
        self.advice.clone()
    }
}
