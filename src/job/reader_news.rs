//! A reader at which something happened, and what.

use crate::reader::ReaderError;

/// The reader that something happened at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderRef {
    /// Its name.
    pub reader: String,
    /// Its number in `tokentap readers`, where it has one.
    pub number: Option<usize>,
    /// The token there is not a real one.
    pub emulated: bool,
}

/// An event at a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderNews {
    /// It is worked at from now on.
    Came,
    /// It waits for a token.
    Waits,
    /// The card there is no token that answers.
    Other(ReaderError),
    /// It is gone; another may come.
    Gone(ReaderError),
}
