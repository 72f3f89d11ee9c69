//! How far the writes on a token have come.

use crate::token::Sync;

/// Whether a write was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Written {
    /// It was not.
    #[default]
    No,
    /// It was sent and its answer did not come.
    Unknown,
    /// The token said that it was.
    Yes,
}

/// How far a job came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// The config write.
    pub config: Written,
    /// The seed write.
    pub seed: Written,
    /// A second config write, which was to set the clock closer, failed; whether it was carried out.
    pub correction: Option<Written>,
}

impl Progress {
    /// Whether a token of this kind holds the seed that was sent: a second clock write may have erased it again.
    #[must_use]
    pub fn seed_on(self, sync: Sync) -> Written {
        match self.correction {
            Some(Written::Unknown) if sync.erases_seed() => Written::Unknown,
            _ => self.seed,
        }
    }
}
