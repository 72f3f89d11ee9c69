//! An event of a reader, in batch and desk.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;

/// Something happened to a reader.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum ReaderEvent {
    /// The only one: a tag of its own, as the other events have it.
    Reader {
        /// The reader; `null` for all of them.
        reader: Option<String>,
        /// The event.
        message: String,
    },
}

impl Report for ReaderEvent {
    fn text(&self) -> String {
        let Self::Reader { message, .. } = self;
        message.clone()
    }
}
