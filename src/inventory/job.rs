//! A job on a token as the inventory sees it: how it begins, and what it may not find then.

use super::batch::RowChange;
use super::event::{Deed, Event};
use super::fingerprint::Fingerprint;
use super::token::{TokenChange, TokenRecord};
use super::{Kept, Pending};
use crate::time::UnixTime;
use crate::token::Profile;

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
    /// What was on record of the token when the job was planned.
    pub basis: Option<&'a TokenRecord>,
    /// The row of a batch that it burns.
    pub row: Option<RowChange>,
    /// Another token may hold the same seed, on its user's word.
    pub shares_seed: bool,
}

impl Begin<'_> {
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
    /// What was on record of the token right before it.
    pub earlier: Option<TokenRecord>,
    /// Its seed, sealed.
    pub sealed: Option<Vec<u8>>,
}
