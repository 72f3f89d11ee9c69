//! Notices: what a person should hear while a job goes on, as data.

use crate::inventory::{Deed, InventoryError};
use crate::time::UnixTime;

/// Something that a person should hear while a job goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// The token's answer has so many bytes after its clock that are not known.
    MoreBytes(usize),
    /// An earlier job on this token did not end as it should.
    Unfinished {
        /// The job.
        deed: Deed,
        /// When it was started.
        at: UnixTime,
    },
    /// The job waits until another one on the same token is done.
    Waits(InventoryError),
    /// The token was written, and the end of the job could not be recorded.
    WrittenUnrecorded(InventoryError),
    /// So many rows of the seed file cannot be read; the token's own can.
    OtherRowsUnread(String, usize),
}
