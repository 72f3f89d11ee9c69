//! The capabilities of a device: everything that differs between models and families and that a job or a seed file must know.

use std::ops::RangeInclusive;

use super::{CapabilityError, DisplayTime, Profile};
use crate::otp::search::TotpProfile;
use crate::otp::{Hash, TimeStep};

/// The effect of a clock write on the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockWrite {
    /// The seed stays ("unrestricted sync").
    KeepsSeed,
    /// The seed is erased ("restricted sync").
    ErasesSeed,
    /// Unknown model: treated as one that erases.
    Unknown,
}

impl ClockWrite {
    /// The word that JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::KeepsSeed => "unrestricted",
            Self::ErasesSeed => "restricted",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a clock write erases the seed, as far as a careful tool must assume.
    #[must_use]
    pub fn erases_seed(self) -> bool {
        self != Self::KeepsSeed
    }
}

/// The moving factor of a device's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moves {
    /// A clock that can be read and set (TOTP, RFC 6238).
    Clock(ClockWrite),
    /// A counter that begins anew with each seed (HOTP, RFC 4226).
    Counter,
}

/// The capabilities of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The manufacturer, as seed files name it.
    pub manufacturer: &'static str,
    /// It is its own reader, and plugged in: it is not laid down and not lifted.
    pub plugs_in: bool,
    /// The places for seeds, numbered from 0.
    pub slots: u16,
    /// The slots that every device of the kind has; some have no more, and nothing but reading one tells.
    pub least_slots: u16,
    /// Clock or counter.
    pub moves: Moves,
    /// The clock that it shows is the one that its codes count by. Otherwise a slot may have one of its own, which nobody can read.
    pub shows_slot_clocks: bool,
    /// A slot's clock can be set without its profile.
    pub sets_clock_alone: bool,
    /// The hashes that it computes.
    pub hashes: &'static [Hash],
    /// The time steps that it can be set to, in seconds; none on a device that counts.
    pub steps_s: &'static [u32],
    /// The display times that it can be set to; none where they cannot be set.
    pub displays: &'static [DisplayTime],
    /// The lengths of its codes, in digits, the usual one first.
    pub digits: &'static [u32],
    /// The lengths of its seeds, in bytes.
    pub seed_bytes: RangeInclusive<usize>,
    /// The longest title of a slot, in bytes; 0 where slots have none.
    pub title_bytes: usize,
    /// The key that it leaves the factory with; it is public. Empty where writing needs none.
    pub factory_key: &'static [u8],
}

impl Capabilities {
    /// The effect of a clock write; one that writes no clock keeps the seed.
    #[must_use]
    pub fn clock_write(&self) -> ClockWrite {
        match self.moves {
            Moves::Clock(effect) => effect,
            Moves::Counter => ClockWrite::KeepsSeed,
        }
    }

    /// Whether there is a clock to read and to set.
    #[must_use]
    pub fn has_clock(&self) -> bool {
        matches!(self.moves, Moves::Clock(_))
    }

    /// Whether a seed of so many bytes fits.
    ///
    /// # Errors
    /// [`CapabilityError::SeedLength`].
    pub fn check_seed(&self, bytes: usize) -> Result<(), CapabilityError> {
        match self.seed_bytes.contains(&bytes) {
            true => Ok(()),
            false => Err(CapabilityError::SeedLength { bytes, takes: self.seed_bytes.clone() }),
        }
    }

    /// Whether it can be set to a profile.
    ///
    /// # Errors
    /// [`CapabilityError::Hash`] or [`CapabilityError::Step`].
    pub fn check_profile(&self, profile: Profile) -> Result<(), CapabilityError> {
        self.check_code(Some(profile.hash()), Some(profile.step()), None)
    }

    /// Whether its codes can be made so; what is `None` is not asked for. The steps of a device that counts are not looked at.
    ///
    /// # Errors
    /// [`CapabilityError::Digits`], [`CapabilityError::Hash`] or [`CapabilityError::Step`].
    pub fn check_code(
        &self,
        hash: Option<Hash>,
        step: Option<TimeStep>,
        digits: Option<u32>,
    ) -> Result<(), CapabilityError> {
        if let Some(digits) = digits.filter(|digits| !self.digits.contains(digits)) {
            return Err(CapabilityError::Digits { digits, can: self.digits });
        }
        if let Some(hash) = hash.filter(|hash| !self.hashes.contains(hash)) {
            return Err(CapabilityError::Hash { hash, can: self.hashes });
        }
        match step.map(TimeStep::seconds).filter(|step_s| self.has_clock() && !self.steps_s.contains(step_s)) {
            Some(step_s) => Err(CapabilityError::Step { step_s, can: self.steps_s }),
            None => Ok(()),
        }
    }

    /// The length of its codes, where there is no choice.
    #[must_use]
    pub fn only_digits(&self) -> Option<u32> {
        match self.digits {
            [digits] => Some(*digits),
            _ => None,
        }
    }

    /// Every hash and time step that it can be set to, the usual ones first; none on a device that counts.
    #[must_use]
    pub fn profiles(&self) -> Vec<TotpProfile> {
        let steps = |hash| {
            let steps = self.steps_s.iter().filter_map(|seconds| TimeStep::new(*seconds));
            steps.map(move |step| TotpProfile { hash, step })
        };
        self.hashes.iter().flat_map(|hash| steps(*hash)).collect()
    }
}
