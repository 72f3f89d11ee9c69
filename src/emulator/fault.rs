//! Faults that an emulated token can be told to show, so that their handling can be tried.

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The token leaves before it has carried the command out.
    LeaveBefore,
    /// The token carries the command out and leaves; its answer is lost.
    LeaveAfter,
    /// The reader reports a reset by another program before the command is carried out.
    Reset,
    /// One answer does not come through; the token stays.
    NoAnswer,
    /// The token answers with these bytes and does nothing.
    Answer(Vec<u8>),
}

/// A fault at one of the commands since the token was laid down, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// At which command.
    pub at: u32,
    /// The fault there.
    pub kind: FaultKind,
}
