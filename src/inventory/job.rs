//! A job on a token as the inventory sees it: how it begins, and what it may not find then.

use super::batch::RowChange;
use super::event::{Deed, Event};
use super::fingerprint::Fingerprint;
use super::token::{PendingChange, TokenChange, TokenRecord};
use super::{Kept, Pending};
use crate::device::Profile;
use crate::time::UnixTime;

/// Seals a seed to recipients; `None` where there are none.
pub type Seal<'a> = dyn Fn(&[String]) -> Kept<Option<Vec<u8>>> + 'a;

/// A job that is about to write a token.
pub struct Begin<'a> {
    /// Its number.
    pub job: i64,
    /// The event of its beginning.
    pub event: Event,
    /// The token as it was found.
    pub token: TokenChange,
    /// The profile that it will write.
    pub profile: Option<Profile>,
    /// The seed that it will burn.
    pub seed: Option<Fingerprint>,
    /// Seals that seed to the recipients that the inventory has at this moment.
    pub seal: &'a Seal<'a>,
    /// The record of the token when the job was planned.
    pub basis: Option<&'a TokenRecord>,
    /// The row of a batch that it burns.
    pub row: Option<RowChange>,
    /// Another token may hold the same seed, on its user's word.
    pub shares_seed: bool,
    /// It takes no seed from the token and brings none: it may go on while the inventory is away, and is put on record later.
    pub may_wait: bool,
}

impl Begin<'_> {
    /// The change of the token's record by its beginning, of which `earlier` was known.
    #[must_use]
    pub fn change(&self, earlier: Option<&TokenRecord>, sealed: Option<Vec<u8>>) -> TokenChange {
        let mut change = self.token.clone();
        // An earlier burn of unknown end stays on record: a job that burns nothing does not settle it.
        let pending = earlier.and_then(|token| token.pending.as_ref());
        if self.seed.is_some() || pending.is_none_or(|pending| pending.seed.is_none()) {
            change.pending = PendingChange::Begins(self.pending(sealed));
        }
        change
    }

    /// Whether another token may hold the seed too: what a token shares by its user's word, it goes on to share.
    #[must_use]
    pub fn may_share(&self, earlier: Option<&TokenRecord>) -> bool {
        self.shares_seed || (self.seed.is_some() && earlier.is_some_and(|token| token.seed == self.seed))
    }

    /// The job as it stands in the record of the token until its end is known.
    #[must_use]
    pub fn pending(&self, sealed: Option<Vec<u8>>) -> Pending {
        let (deed, at): (Deed, UnixTime) = (self.event.deed, self.event.at);
        Pending { job: self.job, deed, at, profile: self.profile, seed: self.seed, sealed }
    }
}

/// A job that has begun, on record.
#[derive(Debug, Clone, Default)]
pub struct Begun {
    /// The record of the token right before it.
    pub earlier: Option<TokenRecord>,
    /// Its seed, sealed.
    pub sealed: Option<Vec<u8>>,
}
