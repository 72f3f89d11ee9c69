//! The report of `code`.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;

/// The code of a time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodeReport {
    /// The code.
    pub code: String,
    /// The next one.
    pub next: String,
    /// The time, in Unix seconds.
    pub time: i64,
    /// How long it is shown from then on, in seconds.
    pub seconds_left: u32,
    /// The time is now.
    #[serde(skip)]
    pub is_now: bool,
}

impl Report for CodeReport {
    fn text(&self) -> String {
        match self.is_now {
            true => format!("{}  for {} s more, then {}", self.code, self.seconds_left, self.next),
            false => self.code.clone(),
        }
    }
}

/// The code of a counter.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CounterCodeReport {
    /// The code.
    pub code: String,
    /// The counter.
    pub counter: u64,
}

impl Report for CounterCodeReport {
    fn text(&self) -> String {
        self.code.clone()
    }
}
