//! The report of a list onto the slots of a device.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::token::TokenReport;
use super::write::WriteReport;
use crate::device::Info;
use crate::job::slot_list::RowPlace;
use crate::words::counted;

/// A list onto the slots of a device.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SlotBatchReport {
    /// The reader.
    pub reader: String,
    /// The device.
    pub token: TokenReport,
    /// The rows, in their order.
    pub rows: Vec<SlotRowReport>,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SlotRowReport {
    /// Its number, counted from 1 without the header.
    pub row: usize,
    /// `burned`, `done` before, `other-device` (the row names one), or `no-room`.
    pub state: &'static str,
    /// Where it is, or belongs.
    pub place: Option<String>,
    /// The write, where it was burned now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<Box<WriteReport>>,
}

impl SlotRowReport {
    /// A row that was not burned now.
    #[must_use]
    pub fn of(row: usize, place: &RowPlace) -> Self {
        let (state, place) = match place {
            RowPlace::Slot(slot) => ("burned", Some(slot.to_string())),
            RowPlace::Done(key) => ("done", Some(key.to_string())),
            RowPlace::OtherDevice(serial) => ("other-device", Some(serial.clone())),
            RowPlace::NoRoom => ("no-room", None),
        };
        Self { row, state, place, write: None }
    }

    /// A row that was burned now.
    #[must_use]
    pub fn burned(row: usize, write: WriteReport) -> Self {
        let place = write.token.slot.map(|slot| format!("{}/{slot}", write.token.serial));
        Self { row, state: "burned", place, write: Some(Box::new(write)) }
    }
}

impl SlotBatchReport {
    /// The report of no row yet.
    #[must_use]
    pub fn of(info: &Info, reader: &str, emulated: bool) -> Self {
        Self { reader: reader.to_owned(), token: TokenReport::of(info, emulated), rows: Vec::new() }
    }

    fn count(&self, state: &str) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }

    /// How many rows are for another device, or for the next one.
    #[must_use]
    pub fn left(&self) -> usize {
        self.count("other-device") + self.count("no-room")
    }
}

impl Report for SlotBatchReport {
    fn text(&self) -> String {
        let of = counted(self.rows.len() as u64, "row");
        let mut text =
            format!("{}: {} of {of} burned, {} done before", self.token.line, self.count("burned"), self.count("done"));
        let is_here = |place: &&String| place.split('/').next() == Some(self.token.serial.as_str());
        let done = self.rows.iter().filter(|row| row.state == "done").filter_map(|row| row.place.as_ref());
        let elsewhere: Vec<&str> = done.filter(|place| !is_here(place)).map(String::as_str).collect();
        if !elsewhere.is_empty() {
            text.push_str(&format!(
                " (by the record on other devices: {}; to have such a seed here too: tokentap burn --slot N --allow-shared-secret)",
                elsewhere.join(", ")
            ));
        }
        if self.left() > 0 {
            text.push_str(&format!(
                "; {} left: plug in the device that they name, or the next one, and run the same command again",
                self.left()
            ));
        }
        text
    }
}
