//! Requests: what a front end wants done with one token. Everything that can be refused without the token is refused when a request
//! becomes a [`SingleWrite`].

use serde::Deserialize;
use zeroize::Zeroizing;

use super::complete::Opener;
use super::failure::Failure;
use super::guard::Guard;
use super::plan::{ClockPlan, ConfigPlan, ProfileWish};
use super::remedy::Again;
use super::seed_choice::SeedChoice;
use super::single::SingleWrite;
use crate::inventory::Deed;
use crate::otp::{Hash, TimeStep};
use crate::seed::{SecretEncoding, Seed};
use crate::seedfile::suspect::SHORTEST;
use crate::seedfile::{FileRemedy, Row};
use crate::token::{DisplayTime, ProfileError, Serial, TokenKey};
use crate::words::counted;

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
    pub fn wish(self) -> Result<ProfileWish, Failure> {
        let bad = |error: ProfileError| Failure::usage(error.to_string(), "choose one of those");
        let step = match self.step_s {
            None => None,
            Some(seconds) => Some(TimeStep::new(seconds).ok_or_else(|| bad(ProfileError::Step(seconds)))?),
        };
        let display = self.display_s.map(DisplayTime::of_seconds).transpose().map_err(bad)?;
        let wish = ProfileWish { hash: self.hash, step, display, by_seed: false };
        // Before any token is waited for.
        wish.resolve(None)?;
        Ok(wish)
    }

    /// Nothing is stated.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
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

/// What holds for every write.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// The token must have this serial.
    pub expect_serial: Option<String>,
    /// A model that is not known may be written.
    pub allow_unknown_model: bool,
    /// A seed may have fewer than [`SHORTEST`] bytes.
    pub allow_short_seed: bool,
    /// Another token may hold the same seed.
    pub allow_shared_secret: bool,
    /// The key is tried also where the token has refused it already.
    pub try_again: bool,
    /// The key.
    #[serde(skip, default = "TokenKey::factory")]
    pub key: TokenKey,
    /// What opens sealed seeds.
    #[serde(skip)]
    pub opener: Option<Opener>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            expect_serial: None,
            allow_unknown_model: false,
            allow_short_seed: false,
            allow_shared_secret: false,
            try_again: false,
            key: TokenKey::factory(),
            opener: None,
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
            .map_err(|error| Failure::usage(error.to_string(), "give the secret in Base32"))?;
        let step = match self.step_s {
            None => None,
            Some(seconds) => Some(
                TimeStep::new(seconds)
                    .ok_or_else(|| Failure::usage(ProfileError::Step(seconds).to_string(), "choose one of those"))?,
            ),
        };
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
    /// What holds for every write.
    pub terms: Terms,
}

impl SyncRequest {
    /// Checks everything that can be checked without the token.
    ///
    /// # Errors
    /// A usage failure.
    pub fn prepare(self) -> Result<SingleWrite, Failure> {
        if self.if_drift_over_s.is_some_and(|bound| !(0.0..=1e9).contains(&bound)) {
            return Err(Failure::usage(
                "the bound on the drift is not a number of seconds",
                "use 0 or more, such as 2",
            ));
        }
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
    /// What holds for every write.
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
        Self::check_profile(self.profile)?;
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
    /// What holds for every write.
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

impl SingleWrite {
    /// A write of this kind, checked against the seed where there is one.
    fn of(
        deed: Deed,
        profile: ProfileRequest,
        clock: Option<ClockPlan>,
        seed: Option<SeedChoice>,
        terms: Terms,
    ) -> Result<Self, Failure> {
        let flags = profile.wish()?;
        let one = seed.as_ref().and_then(SeedChoice::one);
        let wish = wish_with(flags, one)?;
        let (resolved, from) = wish.resolve(None)?;
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

impl Terms {
    /// The guard that these terms are.
    ///
    /// # Errors
    /// A usage failure for a serial that no token can have.
    pub fn guard(&self) -> Result<Guard, Failure> {
        let expect_serial = match &self.expect_serial {
            None => None,
            Some(text) => Some(
                Serial::new(text)
                    .ok_or_else(|| Failure::usage("that is not a serial", "use the digits on the back of the token"))?,
            ),
        };
        Ok(Guard { expect_serial, allow_unknown_model: self.allow_unknown_model })
    }
}

/// The guard with the serial that the seed names.
///
/// # Errors
/// A usage failure where it is another one.
pub(super) fn guard_with(guard: Guard, row: Option<&Row>) -> Result<Guard, Failure> {
    let Some(named) = row.and_then(|row| row.serial.as_deref()) else { return Ok(guard) };
    let named = Serial::new(named)
        .ok_or_else(|| Failure::usage("the seed names a serial that no token can have", "correct the seed's serial"))?;
    match &guard.expect_serial {
        Some(expected) if *expected != named => {
            let fact = format!("the seed belongs to {named}, and {expected} is expected");
            Err(Failure::usage(fact, "use the seed of the token that you mean"))
        }
        _ => Ok(Guard { expect_serial: Some(named), ..guard }),
    }
}

/// Whether a seed is long enough.
///
/// # Errors
/// A usage failure.
pub(super) fn check_length(row: Option<&Row>, allows_short: bool) -> Result<(), Failure> {
    let Some(row) = row.filter(|row| row.seed.len() < SHORTEST && !allows_short) else { return Ok(()) };
    let has = counted(row.seed.len() as u64, "byte");
    Err(Failure::usage(
        format!("the seed has {has}; it must have at least {SHORTEST} (RFC 4226, section 4, R6)"),
        FileRemedy::WholeSecret,
    ))
}

/// What flags and seed state of the profile.
///
/// # Errors
/// A usage failure: what no token can do, or a flag that contradicts the seed.
pub fn wish_with(flags: ProfileWish, row: Option<&Row>) -> Result<ProfileWish, Failure> {
    let Some(row) = row else { return Ok(flags) };
    row.check_for_token().map_err(|error| {
        Failure::usage(error.to_string(), "use a seed for 6 digits, SHA-1 or SHA-256, 30 or 60 s, 1 to 63 bytes")
    })?;
    agree("hash", flags.hash, row.hash)?;
    agree("time step", flags.step, row.step)?;
    let by_seed = (flags.hash.is_none() && row.hash.is_some()) || (flags.step.is_none() && row.step.is_some());
    let wish = ProfileWish { hash: flags.hash.or(row.hash), step: flags.step.or(row.step), by_seed, ..flags };
    wish.resolve(None)?;
    Ok(wish)
}

fn agree<T: PartialEq + std::fmt::Display>(what: &str, flag: Option<T>, stated: Option<T>) -> Result<(), Failure> {
    match (flag, stated) {
        (Some(flag), Some(stated)) if flag != stated => Err(Failure::usage(
            format!("the seed states {stated} as its {what}, and {flag} was asked for"),
            "leave the flag out, or use the seed of the other kind",
        )),
        _ => Ok(()),
    }
}
