//! A plan of what is written: checked, and shown by `--dry-run`, before the token is touched.

use super::failure::Failure;
use super::guard::Guard;
use super::problem::{Problem, Restriction};
use super::refusal::Refusal;
use super::remedy::{Again, SlotRemedy, TokenRemedy};
use super::slot_wish::SlotWish;
use super::state::TokenState;
use crate::device::{Capabilities, CapabilityError, ClockWrite, DisplayTime, Info, Key, Profile};
use crate::otp::{Hash, TimeStep};
use crate::seed::Seed;
use crate::words::counted;

/// The time that the clock is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockPlan {
    /// The host's time at the moment of the write: auto-sync.
    Now,
    /// This time, in Unix seconds, whatever the host's clock says.
    At(u32),
    /// The token's own time, carried on to within a second.
    CarryOn,
}

/// Where a profile comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileFrom {
    /// Flags.
    Flags,
    /// The seed's own statement, alone or beside flags.
    Seed,
    /// The inventory's record of this token.
    Inventory,
    /// The factory's, because nothing else is known.
    Factory,
    /// Hash or step is the factory's, because flags and seed do not state it and nothing else is known.
    PartlyFactory,
    /// The device itself shows it, and the rest is flags'.
    Device,
    /// Nowhere: the clock alone is set, and the profile stays as it is.
    Kept,
}

impl ProfileFrom {
    /// The word that JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Flags => "flags",
            Self::Seed => "seed",
            Self::Inventory => "inventory",
            Self::Factory => "factory",
            Self::PartlyFactory => "partly-factory",
            Self::Device => "device",
            Self::Kept => "kept",
        }
    }

    /// The same for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::PartlyFactory => "as stated; the rest is the factory's",
            Self::Device => "the device's, which does not tell its display time",
            other => other.word(),
        }
    }

    /// Whether somebody or something stated hash and step: a person, a seed, or the record of an earlier burn.
    #[must_use]
    pub fn is_known(self) -> bool {
        !matches!(self, Self::Factory | Self::PartlyFactory)
    }
}

/// The profile as flags or a seed state it; the rest is taken from elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProfileWish {
    /// The hash.
    pub hash: Option<Hash>,
    /// The time step.
    pub step: Option<TimeStep>,
    /// The display time.
    pub display: Option<DisplayTime>,
    /// Hash or step are the seed's own statement, not a flag's.
    pub by_seed: bool,
}

impl ProfileWish {
    /// Whether hash and step are stated, so that nothing has to be known of the token.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.hash.is_some() && self.step.is_some()
    }

    /// The profile: what flags and seed state first, then what the inventory knows of the token, then the factory's.
    ///
    /// # Errors
    /// A usage failure: the device cannot be set to it.
    pub fn resolve(self, known: Option<Profile>, can: &Capabilities) -> Result<(Profile, ProfileFrom), Failure> {
        let rest = known.unwrap_or(Profile::FACTORY);
        let hash = self.hash.unwrap_or(rest.hash());
        let step = self.step.unwrap_or(rest.step());
        let display = self.display.unwrap_or(rest.display());
        let states_any = self.hash.is_some() || self.step.is_some() || self.display.is_some();
        let from = match (states_any, known) {
            (false, Some(_)) => ProfileFrom::Inventory,
            (false, None) => ProfileFrom::Factory,
            (true, None) if !self.is_whole() => ProfileFrom::PartlyFactory,
            (true, _) if self.by_seed => ProfileFrom::Seed,
            (true, _) => ProfileFrom::Flags,
        };
        let profile = Profile::new(hash, step, display);
        let can_be = can.check_profile(profile);
        can_be.map(|()| (profile, from)).map_err(|error| Failure::usage(error.to_string(), "choose one of those"))
    }
}

/// The content of a config write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigPlan {
    /// Hash, time step and display time.
    pub profile: Profile,
    /// Where they come from.
    pub from: ProfileFrom,
    /// The clock.
    pub clock: ClockPlan,
}

/// Everything that a write job needs to know.
#[derive(Debug, Clone)]
pub struct WritePlan {
    /// The slot that is written; a device with one has slot 0.
    pub slot: u16,
    /// What is wanted of the slot beside seed, profile and clock.
    pub wish: SlotWish,
    /// Profile and clock; `None` leaves both alone.
    pub config: Option<ConfigPlan>,
    /// The seed to burn.
    pub seed: Option<Seed>,
    /// The user accepts that a restricted token loses its seed.
    pub erase_seed: bool,
    /// Another token may hold the same seed, on the user's word.
    pub shares_seed: bool,
    /// Leave a token alone whose drift is surely within so many seconds.
    pub if_drift_over: Option<f64>,
    /// Catch ticks and write on the second.
    pub fine: bool,
    /// The requirements on the token.
    pub guard: Guard,
    /// The key.
    pub key: Key,
    /// Try it also where the token has refused it already, by the record.
    pub tries_again: bool,
    /// The profile that flags and seed state: where it is not written, the display counts with it.
    pub stated: ProfileWish,
    /// The command that an interrupted job is repeated with.
    pub again: Again,
}

/// The fate of the seed that a token holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedFate {
    /// It stays.
    Kept,
    /// It is erased.
    Erased,
    /// A new one takes its place.
    Burned,
}

impl SeedFate {
    /// The word that JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Erased => "erased",
            Self::Burned => "burned",
        }
    }
}

impl WritePlan {
    /// The effect of this plan on the seed of a token.
    #[must_use]
    pub fn seed_fate(&self, info: &Info) -> SeedFate {
        match (&self.seed, &self.config) {
            (Some(_), _) => SeedFate::Burned,
            (None, _) if self.wish.clears => SeedFate::Erased,
            (None, Some(_)) if info.clock_write().erases_seed() => SeedFate::Erased,
            (None, _) => SeedFate::Kept,
        }
    }

    /// Whether this plan may be carried out on a token.
    ///
    /// # Errors
    /// [`Problem::WrongToken`], [`Problem::UnknownModel`], [`Problem::NoClock`] or [`Problem::Restricted`]; a usage failure for
    /// what the device has no place for.
    pub fn check(&self, info: &Info) -> Result<(), Failure> {
        self.guard.check_writable(info)?;
        self.check_capabilities(info.can)?;
        if self.seed.is_some() && info.slot.as_ref().and_then(|slot| slot.takes_seed) == Some(false) {
            let problem = Problem::Refused(Refusal::KeyboardOff(Some(info.clone())));
            return Err(Failure::new(problem, TokenState::Untouched, SlotRemedy::SwitchKeyboardOn));
        }
        self.check_shown(info)?;
        // It would take out the seed that is there, and be refused then.
        let clears = |seed: &Seed| seed.expose().iter().all(|byte| *byte == 0);
        if info.can.slots > 1 && self.seed.as_ref().is_some_and(clears) {
            return Err(Failure::usage(CapabilityError::ClearsSlot.to_string(), "use another seed"));
        }
        if !info.can.has_clock() && self.seed.is_none() && self.config.is_some() {
            let problem = Problem::NoClock(info.clone());
            return Err(Failure::new(problem, TokenState::Untouched, TokenRemedy::BurnOnly));
        }
        if self.seed_fate(info) == SeedFate::Erased && !self.erase_seed && !self.wish.clears {
            let restriction = match info.clock_write() {
                ClockWrite::ErasesSeed => Restriction::Erases,
                _ => Restriction::MayErase,
            };
            let problem = Problem::Restricted(restriction, info.clone());
            return Err(Failure::new(problem, TokenState::Untouched, TokenRemedy::SupplySeedOrErase));
        }
        Ok(())
    }

    /// Whether a slot whose profile is left alone has the one that the seed is for, as far as it shows.
    fn check_shown(&self, info: &Info) -> Result<(), Failure> {
        let Some(shown) = info.slot.as_ref().filter(|_| self.seed.is_some() && self.config.is_none()) else {
            return Ok(());
        };
        let is_other = shown.digits.is_some_and(|digits| digits != self.wish.digits.unwrap_or(6))
            || self.stated.hash.zip(shown.hash).is_some_and(|(stated, shown)| stated != shown)
            || self.stated.step.zip(shown.step).is_some_and(|(stated, shown)| stated != shown);
        match is_other {
            true => Err(Failure::usage(
                format!("the slot has another hash, time step or number of digits than the seed is for ({info})"),
                "let the profile be written too",
            )),
            false => Ok(()),
        }
    }

    /// Whether a device has the slot, and can hold what is to be written into it.
    fn check_capabilities(&self, can: &Capabilities) -> Result<(), Failure> {
        if self.slot >= can.slots {
            let has = counted(can.slots.into(), "slot");
            let fact = format!("slot {} does not exist: this device has {has}, numbered from 0", self.slot);
            return Err(Failure::usage(fact, "choose one of those"));
        }
        let carries_on = self.config.is_some_and(|config| config.clock == ClockPlan::CarryOn);
        if carries_on && can.has_clock() && !can.shows_slot_clocks {
            let fact = "the clock of a slot cannot be read here, so it cannot be carried on";
            return Err(Failure::usage(fact, "let the clock be set to now"));
        }
        let seed = self.seed.as_ref().map_or(Ok(()), |seed| can.check_seed(seed.len()));
        let profile = self.config.filter(|config| config.from != ProfileFrom::Kept);
        let config = profile.map_or(Ok(()), |config| can.check_profile(config.profile));
        let digits = can.check_code(None, None, self.wish.digits);
        let beyond = |error: CapabilityError| Failure::usage(error.to_string(), "use one that the device can hold");
        seed.and(config).and(digits).map_err(beyond)
    }
}
