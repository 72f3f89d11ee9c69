//! A reader at which something happened, and what.

use crate::reader::ReaderError;

/// The reader that something happened at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderRef {
    /// Its name.
    pub reader: String,
    /// Its number in `tokentap readers`, where it has one.
    pub number: Option<usize>,
    /// What lies there is no real token.
    pub emulated: bool,
}

/// What happened to a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderNews {
    /// It is worked at from now on.
    Came,
    /// It waits for a token.
    Waits,
    /// What lies there is no token that answers.
    Other(ReaderError),
    /// It is gone; another may come.
    Gone(ReaderError),
}
