//! The record of a token.

use serde::{Deserialize, Serialize};

use super::event::{Deed, Measured};
use super::fingerprint::Fingerprint;
use super::slot_key::SlotKey;
use crate::device::Profile;
use crate::device::families::capabilities_on_record;
use crate::time::UnixTime;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenRecord {
    /// Its serial and slot.
    pub key: SlotKey,
    /// Its model, if it is a known one.
    pub model: Option<String>,
    /// No real token.
    pub emulated: bool,
    /// Its user.
    pub user: Option<String>,
    /// The profile last written.
    pub profile: Option<Profile>,
    /// When it was first seen.
    pub first_seen: UnixTime,
    /// When it was last seen.
    pub last_seen: UnixTime,
    /// The drift as it was left when it was last seen.
    pub drift: Option<Measured>,
    /// When its clock was last set.
    pub synced: Option<UnixTime>,
    /// When its seed was last burned.
    pub burned: Option<UnixTime>,
    /// The seed that it holds, as far as is known; where `erased` is set, the one that it held last.
    pub seed: Option<Fingerprint>,
    /// That seed, sealed.
    pub sealed: Option<Vec<u8>>,
    /// When its seed was erased, if none was burned since.
    pub erased: Option<UnixTime>,
    /// The seed that was erased then, which its server may still expect.
    pub erased_seed: Option<Fingerprint>,
    /// When its clock was found to stand still, if it was not seen to run since.
    pub clock_stopped: Option<UnixTime>,
    /// A job that was begun and of which no end is known, or whose outcome is not.
    pub pending: Option<Pending>,
}

impl TokenRecord {
    /// Its name, as a command takes it: the serial, and the slot behind it where its device has several.
    #[must_use]
    pub fn name(&self) -> String {
        let SlotKey { serial, slot } = &self.key;
        match capabilities_on_record(self.model.as_deref(), serial).slots > 1 {
            true => format!("{serial}/{slot}"),
            false => self.key.to_string(),
        }
    }

    /// The seed that it holds or, after a burn of unknown end, is meant to hold.
    #[must_use]
    pub fn held(&self) -> Option<Fingerprint> {
        let known = self.seed.filter(|_| self.erased.is_none());
        self.pending.as_ref().and_then(|pending| pending.seed).or(known)
    }

    /// The profile that it has or, after a job of unknown end, is meant to have.
    #[must_use]
    pub fn meant_profile(&self) -> Option<Profile> {
        self.pending.as_ref().and_then(|pending| pending.profile).or(self.profile)
    }

    /// The newest sealed seed that it may hold, or is to have again, with that seed's fingerprint.
    #[must_use]
    pub fn held_sealed(&self) -> Option<(&[u8], Option<Fingerprint>)> {
        let pending = self.pending.as_ref().and_then(|pending| Some((pending.sealed.as_deref()?, pending.seed)));
        pending.or_else(|| Some((self.sealed.as_deref()?, self.seed)))
    }

    /// Its user, if that is another one than this: case makes no difference.
    #[must_use]
    pub fn owner_other_than(&self, user: &str) -> Option<&str> {
        self.user.as_deref().filter(|owner| owner.to_lowercase() != user.to_lowercase())
    }

    /// Everything that a plan for a token is made from. Where it changes, the plan is made anew.
    fn basis(&self) -> (Option<Profile>, Option<Fingerprint>, Option<UnixTime>, Option<&Pending>) {
        (self.profile, self.seed, self.erased, self.pending.as_ref())
    }

    /// Whether two records of a token lead to the same plan; a token that was never seen has an empty record.
    #[must_use]
    pub fn is_same_basis(one: Option<&Self>, other: Option<&Self>) -> bool {
        let basis = |record: Option<&'_ Self>| {
            record.map(Self::basis).map(|(profile, seed, erased, pending)| (profile, seed, erased, pending.cloned()))
        };
        basis(one).unwrap_or_default() == basis(other).unwrap_or_default()
    }
}

/// A job that may have written a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its number.
    pub job: i64,
    /// The deed.
    pub deed: Deed,
    /// When it was begun.
    pub at: UnixTime,
    /// The profile that it was to write.
    pub profile: Option<Profile>,
    /// The seed that it was to burn …
    pub seed: Option<Fingerprint>,
    /// … sealed.
    pub sealed: Option<Vec<u8>>,
}

/// The change of the record of a token's seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeedChange {
    /// It stays.
    Keep,
    /// It is this one.
    Is {
        /// Its fingerprint.
        seed: Fingerprint,
        /// The seed, sealed.
        sealed: Option<Vec<u8>>,
        /// Also in the place of another one, or where another token holds it.
        replaces: bool,
    },
    /// This one was burned.
    Burned {
        /// Its fingerprint.
        seed: Fingerprint,
        /// The seed, sealed.
        sealed: Option<Vec<u8>>,
    },
    /// The token holds none any more, as its user accepted.
    Erased,
    /// The token holds none any more, and was to hold one: the last one on record stays there, to be burned again.
    Lost,
    /// The token may hold it, and the inventory forgets it.
    Forgotten,
}

/// The change of a token's record by an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenChange {
    /// Its serial and slot.
    pub key: SlotKey,
    /// Its model, if it is a known one.
    pub model: Option<String>,
    /// No real token.
    pub emulated: bool,
    /// When it lay on a reader; `None` where only the record changes.
    pub seen: Option<UnixTime>,
    /// Its user from now on.
    pub user: Option<String>,
    /// It is nobody's from now on.
    pub unassigned: bool,
    /// Its word on the key that unlocks it.
    pub refused: KeyChange,
    /// The sight of its clock.
    pub clock: ClockChange,
    /// The profile that was written.
    pub profile: Option<Profile>,
    /// The drift that was found.
    pub drift: Option<Measured>,
    /// Its clock was set.
    pub synced: bool,
    /// Its seed.
    pub seed: SeedChange,
    /// The change of the job that is pending.
    pub pending: PendingChange,
}

impl TokenChange {
    /// A change of nothing.
    #[must_use]
    pub fn of(key: SlotKey) -> Self {
        Self {
            key,
            model: None,
            emulated: false,
            seen: None,
            user: None,
            unassigned: false,
            refused: KeyChange::Keep,
            clock: ClockChange::Keep,
            profile: None,
            drift: None,
            synced: false,
            seed: SeedChange::Keep,
            pending: PendingChange::Keep,
        }
    }

    /// Whether a job that is at work with the token stands in the way of this change.
    #[must_use]
    pub fn touches_job(&self) -> bool {
        self.seed != SeedChange::Keep || self.pending != PendingChange::Keep || self.profile.is_some()
    }
}

/// The change of the record of the keys that a token refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyChange {
    /// It stays: the token was not asked, or its answer was lost.
    Keep,
    /// It refused the key of this fingerprint.
    Refused(Fingerprint),
    /// It accepted one: what it refused before is of no more interest.
    Accepted,
}

/// The change of the record of a clock that stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClockChange {
    /// It stays: nobody looked for long enough.
    Keep,
    /// It stands still.
    Stands,
    /// It was seen to run.
    Runs,
}

/// The change of the record of a job whose end is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PendingChange {
    /// It stays.
    Keep,
    /// This one begins. A seed that an earlier one may have left stays on record as a candidate.
    Begins(Pending),
    /// The one that began wrote nothing that lasts: this earlier one is pending again.
    Restored(Pending),
    /// Its end is known.
    Over,
}

/// A choice of tokens.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenFilter {
    /// This one.
    pub serial: Option<String>,
    /// Seen from this time on.
    pub since: Option<UnixTime>,
    /// Last seen before this time.
    pub before: Option<UnixTime>,
    /// With a clock last set before this time, or never.
    pub synced_before: Option<UnixTime>,
    /// With a drift larger than this when last seen, in seconds, to either side.
    pub drift_over: Option<f64>,
    /// With a sealed seed.
    pub sealed: bool,
    /// With a job of which no end is known.
    pub pending: bool,
}
