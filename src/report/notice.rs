//! Notices in words.

use super::token::more_words;
use super::{Audience, remedy_of_record};
use crate::inventory::InventoryError;
use crate::job::Notice;
use crate::words::{counted, local};

/// A notice in words.
#[must_use]
pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::MoreBytes(bytes) => more_words(*bytes),
        Notice::Unfinished { deed, at } => {
            format!("\"{}\" was started on this token at {}, and did not end as it should", deed.word(), local(*at))
        }
        Notice::Waits(error) => format!("{error}: waiting until it is done"),
        Notice::WrittenUnrecorded(error) => {
            format!("the token was written, but this could not be recorded: {}", troubled(error))
        }
        Notice::OtherRowsUnread(file, count) => {
            let others = counted(*count as u64, "other row");
            format!("{others} of {file} cannot be read: tokentap seeds check {file} says why")
        }
    }
}

/// An error of the inventory with its remedy, for a remark.
#[must_use]
pub fn troubled(error: &InventoryError) -> String {
    format!("{error} ({})", remedy_of_record(&error.remedy(), Audience::Terminal))
}
