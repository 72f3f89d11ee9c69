//! Requests: what a front end wants done with one token. Everything that can be refused without the token is refused when a request
//! becomes a [`SingleWrite`].

use serde::Deserialize;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::plan::{ClockPlan, ConfigPlan, ProfileWish};
use super::remedy::Again;
use super::seed_choice::SeedChoice;
use super::single::SingleWrite;
use super::slot_wish::SlotWish;
pub use super::terms::Terms;
use super::terms::{check_bound, check_length, digits_with, guard_with, wish_with};
use crate::device::families::usual;
use crate::device::{CapabilityError, DisplayTime, Family};
use crate::inventory::Deed;
use crate::otp::{Hash, TimeStep};
use crate::seed::{SecretEncoding, Seed};
use crate::seedfile::{FileRemedy, Row};

/// The profile that a request states, as far as it does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileRequest {
    /// The hash.
    pub hash: Option<Hash>,
    /// The time step, in seconds: 30 or 60.
    pub step_s: Option<u32>,
    /// The display time, in seconds: 15, 30, 60 or 120.
    pub display_s: Option<u32>,
}

impl ProfileRequest {
    /// The wish that it is, without any seed.
    ///
    /// # Errors
    /// A usage failure: a value that no token can have.
    pub fn wish(self, family: Family) -> Result<ProfileWish, Failure> {
        let step = self.step_s.map(step_of).transpose()?;
        let display = self.display_s.map(DisplayTime::of_seconds).transpose().map_err(impossible)?;
        let wish = ProfileWish { hash: self.hash, step, display, by_seed: false };
        // Before any token is waited for.
        wish.resolve(None, family.usual())?;
        Ok(wish)
    }

    /// Nothing is stated.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

fn step_of(seconds: u32) -> Result<TimeStep, Failure> {
    TimeStep::new(seconds).ok_or_else(|| impossible(CapabilityError::Step { step_s: seconds, can: usual().steps_s }))
}

fn impossible(error: CapabilityError) -> Failure {
    Failure::usage(error.to_string(), "choose one of those")
}

/// The clock that a request wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockRequest {
    /// The host's time at the moment of the write.
    #[default]
    Now,
    /// This time, in Unix seconds.
    At(u32),
    /// The token's own time, carried on.
    CarryOn,
}

impl From<ClockRequest> for ClockPlan {
    fn from(request: ClockRequest) -> Self {
        match request {
            ClockRequest::Now => Self::Now,
            ClockRequest::At(seconds) => Self::At(seconds),
            ClockRequest::CarryOn => Self::CarryOn,
        }
    }
}

/// A seed as a front end without files hands it over.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedRequest {
    /// The secret, in Base32.
    pub secret: Zeroizing<String>,
    /// The token that it is for.
    pub serial: Option<String>,
    /// The user that it is for.
    pub user: Option<String>,
    /// The hash.
    pub hash: Option<Hash>,
    /// The time step, in seconds.
    pub step_s: Option<u32>,
}

impl SeedRequest {
    /// The row that it is.
    ///
    /// # Errors
    /// A usage failure that never repeats the secret.
    pub fn into_row(self) -> Result<Row, Failure> {
        let parsed = Seed::parse(&self.secret, Some(SecretEncoding::Base32))
            .map_err(|error| Failure::usage(error.to_string(), "use the secret in Base32"))?;
        let step = self.step_s.map(step_of).transpose()?;
        Ok(Row { serial: self.serial, user: self.user, hash: self.hash, step, ..Row::of_parsed(parsed) })
    }
}

/// Sets the clock, and burns the token's own seed again where that is needed.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyncRequest {
    /// The clock.
    pub clock: ClockRequest,
    /// The profile.
    pub profile: ProfileRequest,
    /// The seed that the token has.
    #[serde(skip)]
    pub seed: Option<SeedChoice>,
    /// A restricted token may lose its seed.
    pub erase_seed: bool,
    /// A token that is surely within so many seconds is left alone.
    pub if_drift_over_s: Option<f64>,
    /// Whole seconds are enough.
    pub fast: bool,
    /// The terms of every write.
    pub terms: Terms,
}

impl SyncRequest {
    /// Checks everything that can be checked without the token.
    ///
    /// # Errors
    /// A usage failure.
    pub fn prepare(self) -> Result<SingleWrite, Failure> {
        self.if_drift_over_s.map_or(Ok(()), check_bound)?;
        let again = match self.if_drift_over_s {
            None => Again::SameTwice,
            Some(_) => Again::WithoutDriftBound,
        };
        let clock = Some(self.clock.into());
        let write = SingleWrite::of(Deed::Sync, self.profile, clock, self.seed, self.terms)?;
        Ok(SingleWrite {
            erase_seed: self.erase_seed,
            if_drift_over: self.if_drift_over_s,
            fine: !self.fast,
            again,
            ..write
        })
    }
}

/// Sets the profile, and with it the clock.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigRequest {
    /// The profile: at least a part of it.
    pub profile: ProfileRequest,
    /// The clock.
    pub clock: ClockRequest,
    /// The seed that the token has.
    #[serde(skip)]
    pub seed: Option<SeedChoice>,
    /// A restricted token may lose its seed.
    pub erase_seed: bool,
    /// Whole seconds are enough.
    pub fast: bool,
    /// The terms of every write.
    pub terms: Terms,
}

impl ConfigRequest {
    /// Whether any part of the profile is named.
    ///
    /// # Errors
    /// A usage failure.
    pub fn check_profile(profile: ProfileRequest) -> Result<(), Failure> {
        match profile.is_empty() {
            true => Err(Failure::usage("no part of the profile was named", FileRemedy::NameProfile)),
            false => Ok(()),
        }
    }

    /// Checks everything that can be checked without the token.
    ///
    /// # Errors
    /// A usage failure.
    pub fn prepare(self) -> Result<SingleWrite, Failure> {
        if self.terms.wish == SlotWish::default() {
            Self::check_profile(self.profile)?;
        }
        let write = SingleWrite::of(Deed::Config, self.profile, Some(self.clock.into()), self.seed, self.terms)?;
        Ok(SingleWrite { erase_seed: self.erase_seed, fine: !self.fast, ..write })
    }
}

/// Burns a seed.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BurnRequest {
    /// The seed; without one, the sealed one of the token.
    #[serde(skip)]
    pub seed: Option<SeedChoice>,
    /// The user of a seed that names none.
    pub user: Option<String>,
    /// Profile and clock are not written.
    pub seed_only: bool,
    /// The profile.
    pub profile: ProfileRequest,
    /// The clock.
    pub clock: ClockRequest,
    /// The clock is written on the second.
    pub precise: bool,
    /// A seed on record may be replaced.
    pub replace_seed: bool,
    /// The token may go to another user than the one on record.
    pub reassign: bool,
    /// The terms of every write.
    pub terms: Terms,
}

impl BurnRequest {
    /// Checks everything that can be checked without the token.
    ///
    /// # Errors
    /// A usage failure.
    pub fn prepare(self) -> Result<SingleWrite, Failure> {
        let clock = (!self.seed_only).then(|| self.clock.into());
        let burns_sealed = self.seed.is_none();
        let write = SingleWrite::of(Deed::Burn, self.profile, clock, self.seed, self.terms)?;
        let user = write.user.clone().or(self.user);
        Ok(SingleWrite {
            user,
            fine: self.precise,
            burns_sealed,
            replaces_seed: self.replace_seed,
            reassigns: self.reassign,
            ..write
        })
    }
}

/// Changes a slot in another way than by a burn: its title is written, or its seed taken out.
#[derive(Default)]
pub struct SlotRequest {
    /// The seed may be one of which something is on record, or that is somebody's.
    pub erase_seed: bool,
    /// The terms of every write; their wish is what is done.
    pub terms: Terms,
}

impl SlotRequest {
    /// Checks everything that can be checked without the device.
    ///
    /// # Errors
    /// A usage failure.
    pub fn prepare(self) -> Result<SingleWrite, Failure> {
        let deed = if self.terms.wish.clears { Deed::Clear } else { Deed::Title };
        let write = SingleWrite::of(deed, ProfileRequest::default(), None, None, self.terms)?;
        Ok(SingleWrite { erase_seed: self.erase_seed, ..write })
    }
}

impl SingleWrite {
    /// A write of this kind, checked against the seed where there is one.
    fn of(
        deed: Deed,
        profile: ProfileRequest,
        clock: Option<ClockPlan>,
        seed: Option<SeedChoice>,
        terms: Terms,
    ) -> Result<Self, Failure> {
        let family = terms.family;
        if let Some(slot) = seed.as_ref().and_then(SeedChoice::one).and_then(|row| row.slot)
            && family == Family::Molto2
            && slot != terms.slot
        {
            let fact = format!("the seed is for slot {slot}, by its row, and slot {} was named", terms.slot);
            return Err(Failure::usage(fact, "name that slot, or use the row of the other one"));
        }
        let flags = profile.wish(family)?;
        let one = seed.as_ref().and_then(SeedChoice::one);
        let wish = wish_with(flags, one, family)?;
        let digits = digits_with(terms.wish.digits, one)?;
        let terms = Terms { wish: SlotWish { digits, ..terms.wish }, ..terms };
        let (resolved, from) = wish.resolve(None, family.usual())?;
        check_length(one, terms.allow_short_seed)?;
        let guard = guard_with(terms.guard()?, one)?;
        let user = one.and_then(|row| row.user.clone());
        Ok(Self {
            deed,
            config: clock.map(|clock| ConfigPlan { profile: resolved, from, clock }),
            flags,
            wish,
            seed,
            burns_sealed: false,
            erase_seed: false,
            if_drift_over: None,
            fine: false,
            guard,
            terms,
            user,
            replaces_seed: false,
            reassigns: false,
            again: Again::SameTwice,
        })
    }
}
