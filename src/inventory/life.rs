//! The record of a token before and after a change: pure functions, the same for every store.

use super::Kept;
use super::error::InventoryError;
use super::fingerprint::Fingerprint;
use super::token::{ClockChange, Pending, PendingChange, SeedChange, TokenChange, TokenRecord};
use crate::time::UnixTime;

/// Everything that a store keeps of one token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLife {
    /// Its record.
    pub record: TokenRecord,
    /// Seeds of earlier burns of unknown end, which it may hold instead of the one that its record names. Each stands
    /// here once.
    pub candidates: Vec<Candidate>,
}

/// A seed that a token may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its fingerprint.
    pub seed: Fingerprint,
    /// The seed, sealed.
    pub sealed: Option<Vec<u8>>,
}

impl TokenLife {
    /// The record of a token after a change at a time; `earlier` is `None` for a token that was never seen.
    ///
    /// # Errors
    /// [`InventoryError::OtherSeed`] where a seed from a file is not the one on record, and is not to replace it.
    pub fn after(earlier: Option<Self>, change: &TokenChange, at: UnixTime) -> Kept<Self> {
        let mut life = earlier.unwrap_or_else(|| Self::begins(change, at));
        life.see(change, at);
        life.change_seed(change, at)?;
        life.change_pending(&change.pending);
        Ok(life)
    }

    /// The same token, which may hold one more seed.
    #[must_use]
    pub fn with_candidate(mut self, seed: Fingerprint, sealed: Option<Vec<u8>>) -> Self {
        self.may_hold(seed, sealed);
        self
    }

    fn may_hold(&mut self, seed: Fingerprint, sealed: Option<Vec<u8>>) {
        if self.candidates.iter().all(|known| known.seed != seed) {
            self.candidates.push(Candidate { seed, sealed });
        }
    }

    /// The seeds that the token holds or may hold, by everything that is known: no other token is to get them.
    pub fn seeds(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        let pending = self.record.pending.as_ref().and_then(|pending| pending.seed);
        self.record.seed.into_iter().chain(pending).chain(self.candidates.iter().map(|candidate| candidate.seed))
    }

    fn begins(change: &TokenChange, at: UnixTime) -> Self {
        let seen = change.seen.unwrap_or(at);
        let record = TokenRecord {
            key: change.key.clone(),
            model: None,
            emulated: false,
            user: None,
            profile: None,
            first_seen: seen,
            last_seen: seen,
            drift: None,
            synced: None,
            burned: None,
            seed: None,
            sealed: None,
            erased: None,
            erased_seed: None,
            clock_stopped: None,
            pending: None,
        };
        Self { record, candidates: Vec::new() }
    }

    /// A fact that was seen or stated replaces the one on record; the others stay.
    fn see(&mut self, change: &TokenChange, at: UnixTime) {
        let record = &mut self.record;
        record.model = change.model.clone().or(record.model.take());
        record.emulated |= change.emulated;
        record.user = if change.unassigned { None } else { change.user.clone().or(record.user.take()) };
        record.profile = change.profile.or(record.profile);
        record.last_seen = change.seen.unwrap_or(record.last_seen);
        // A host whose clock was ahead and has been set back sees a token before it first saw it.
        record.first_seen = record.first_seen.min(record.last_seen);
        record.drift = change.drift.or(record.drift);
        record.synced = change.synced.then_some(at).or(record.synced);
        match change.clock {
            ClockChange::Keep => {}
            ClockChange::Stands => record.clock_stopped = Some(at),
            ClockChange::Runs => record.clock_stopped = None,
        }
    }

    fn change_seed(&mut self, change: &TokenChange, at: UnixTime) -> Kept<()> {
        let record = &mut self.record;
        match &change.seed {
            SeedChange::Keep => return Ok(()),
            SeedChange::Is { seed, sealed, replaces } => {
                let pending = record.pending.as_ref().and_then(|pending| pending.seed);
                if !replaces && [record.seed, pending].into_iter().flatten().any(|known| known != *seed) {
                    return Err(InventoryError::OtherSeed(record.key.clone()));
                }
                (record.seed, record.sealed, record.erased_seed) = (Some(*seed), sealed.clone(), None);
                // Which of them the token holds is as open as before.
                return Ok(());
            }
            SeedChange::Burned { seed, sealed } => {
                (record.seed, record.sealed, record.burned) = (Some(*seed), sealed.clone(), Some(at));
                (record.erased, record.erased_seed) = (None, None);
            }
            SeedChange::Erased => {
                // The server still has it.
                record.erased_seed = record.seed.or(record.erased_seed);
                (record.seed, record.sealed, record.erased) = (None, None, Some(at));
            }
            SeedChange::Lost => record.erased = Some(at),
            SeedChange::Forgotten => {
                (record.seed, record.sealed, record.erased_seed) = (None, None, None);
                if let Some(pending) = &mut record.pending {
                    (pending.seed, pending.sealed) = (None, None);
                }
            }
        }
        self.candidates.clear();
        Ok(())
    }

    fn change_pending(&mut self, change: &PendingChange) {
        match change {
            PendingChange::Keep => {}
            PendingChange::Over => self.record.pending = None,
            PendingChange::Begins(pending) => {
                let earlier = self.record.pending.replace(pending.clone());
                // The seed of an earlier job of unknown end may be on the token still.
                if let Some(Pending { seed: Some(seed), sealed, .. }) = earlier.filter(|old| old.seed != pending.seed) {
                    self.may_hold(seed, sealed);
                }
            }
            PendingChange::Restored(pending) => {
                self.candidates.retain(|known| Some(known.seed) != pending.seed);
                self.record.pending = Some(pending.clone());
            }
        }
    }
}
