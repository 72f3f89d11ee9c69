//! Lists of records: written row by row, so that of a million rows none is kept.

use schemars::JsonSchema;
use serde::Serialize;

use super::error::ErrorReport;
use super::record::{BatchRecordReport, EventReport, RowReport, TokenRecordReport};
use crate::inventory::{Event, Measured};
use crate::plain::plain;

/// The end of a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ListEnd {
    /// There is more than was shown.
    pub is_cut: bool,
    /// Why the list broke off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

/// `inventory tokens`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TokenList {
    /// The tokens, by serial.
    pub tokens: Vec<TokenRecordReport>,
    /// The end.
    #[serde(flatten)]
    pub end: ListEnd,
}

/// `inventory events`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EventList {
    /// The events, newest first.
    pub events: Vec<EventReport>,
    /// The end.
    #[serde(flatten)]
    pub end: ListEnd,
}

/// `inventory batches`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BatchList {
    /// The batches, newest first.
    pub batches: Vec<BatchRecordReport>,
    /// The end.
    #[serde(flatten)]
    pub end: ListEnd,
}

/// `inventory batches --rows N`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RowList {
    /// The rows, in their order.
    pub rows: Vec<RowReport>,
    /// The end.
    #[serde(flatten)]
    pub end: ListEnd,
}

/// A drift on record in a cell.
#[must_use]
pub fn drift_cell(measured: Option<Measured>) -> String {
    measured.map(|measured| format!("{:+.3}", measured.drift_s)).unwrap_or_default()
}

/// The rest that an event says: the token's state, and what else is worth keeping.
#[must_use]
pub fn remark(event: &Event) -> String {
    let parts: Vec<&str> = [event.detail.as_deref(), event.state.as_deref()].into_iter().flatten().collect();
    plain(&parts.join("; "))
}
