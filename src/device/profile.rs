//! The profile: hash, time step and display time.

use serde::{Deserialize, Serialize};

use super::CapabilityError;
use crate::otp::{Hash, TimeStep};

/// The time that the display stays lit after the button was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayTime {
    /// 15 seconds.
    S15,
    /// 30 seconds.
    S30,
    /// 60 seconds.
    S60,
    /// 120 seconds.
    S120,
}

impl DisplayTime {
    /// The time of so many seconds.
    ///
    /// # Errors
    /// [`CapabilityError::Display`] for any other than 15, 30, 60 and 120.
    pub fn of_seconds(seconds: u32) -> Result<Self, CapabilityError> {
        match seconds {
            15 => Ok(Self::S15),
            30 => Ok(Self::S30),
            60 => Ok(Self::S60),
            120 => Ok(Self::S120),
            other => Err(CapabilityError::Display(other)),
        }
    }

    /// The time in seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        match self {
            Self::S15 => 15,
            Self::S30 => 30,
            Self::S60 => 60,
            Self::S120 => 120,
        }
    }
}

/// A profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    hash: Hash,
    #[serde(rename = "step_s", serialize_with = "step_as_seconds", deserialize_with = "step_of_seconds")]
    step: TimeStep,
    #[serde(rename = "display_s", serialize_with = "display_as_seconds", deserialize_with = "display_of_seconds")]
    display: DisplayTime,
}

fn step_of_seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<TimeStep, D::Error> {
    TimeStep::new(u32::deserialize(from)?).ok_or_else(|| serde::de::Error::custom("no time step"))
}

fn display_of_seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<DisplayTime, D::Error> {
    DisplayTime::of_seconds(u32::deserialize(from)?).map_err(serde::de::Error::custom)
}

fn step_as_seconds<S: serde::Serializer>(step: &TimeStep, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u32(step.seconds())
}

fn display_as_seconds<S: serde::Serializer>(display: &DisplayTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u32(display.seconds())
}

impl Profile {
    /// The profile that tokens leave the factory with: SHA-1, 30 s, display 30 s.
    pub const FACTORY: Self = Self { hash: Hash::Sha1, step: TimeStep::S30, display: DisplayTime::S30 };

    /// The profile of these parts. Whether a device can be set to it, its capabilities say.
    #[must_use]
    pub fn new(hash: Hash, step: TimeStep, display: DisplayTime) -> Self {
        Self { hash, step, display }
    }

    /// The hash.
    #[must_use]
    pub fn hash(self) -> Hash {
        self.hash
    }

    /// The time step.
    #[must_use]
    pub fn step(self) -> TimeStep {
        self.step
    }

    /// The display time.
    #[must_use]
    pub fn display(self) -> DisplayTime {
        self.display
    }
}

/// A config write: all fields go every time. What a device has no setting for, it does not look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Hash, time step and display time.
    pub profile: Profile,
    /// The clock to set, in Unix seconds; `None` on a device that counts.
    pub clock: Option<u32>,
    /// The digits of its codes; of two lengths the usual one, 6, where none is named.
    pub digits: Option<u32>,
    /// Whether a device that types its codes presses Enter behind them; `None` leaves that as it is.
    pub enter: Option<bool>,
}
