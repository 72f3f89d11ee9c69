//! The profile: hash, time step and display time; all that a token lets one choose (`docs/protocol.md` §1, §6).

use serde::Serialize;

use crate::otp::{Hash, TimeStep};

/// How long the display stays lit after the button was pressed.
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
    /// [`ProfileError::Display`] for any other than 15, 30, 60 and 120.
    pub fn of_seconds(seconds: u32) -> Result<Self, ProfileError> {
        match seconds {
            15 => Ok(Self::S15),
            30 => Ok(Self::S30),
            60 => Ok(Self::S60),
            120 => Ok(Self::S120),
            other => Err(ProfileError::Display(other)),
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

    /// The byte that the config carries.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::S15 => 0,
            Self::S30 => 1,
            Self::S60 => 2,
            Self::S120 => 3,
        }
    }
}

/// What a token cannot be set to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// SHA-512 and others.
    #[error("a token computes SHA-1 or SHA-256, not {0}")]
    Hash(String),
    /// A step other than 30 or 60 s.
    #[error("a token's time step is 30 or 60 seconds, not {0}")]
    Step(u32),
    /// A display time other than 15, 30, 60 or 120 s.
    #[error("a token's display time is 15, 30, 60 or 120 seconds, not {0}")]
    Display(u32),
    /// Other than six digits.
    #[error("a token shows 6 digits, never {0}")]
    Digits(u32),
}

/// What a config write sets beside the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// [`Hash::Sha1`] or [`Hash::Sha256`].
    hash: Hash,
    #[serde(rename = "step_s", serialize_with = "step_as_seconds")]
    step: TimeStep,
    #[serde(rename = "display_s", serialize_with = "display_as_seconds")]
    display: DisplayTime,
}

fn step_as_seconds<S: serde::Serializer>(step: &TimeStep, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u32(step.seconds())
}

fn display_as_seconds<S: serde::Serializer>(display: &DisplayTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u32(display.seconds())
}

impl Profile {
    /// What tokens leave the factory with: SHA-1, 30 s, display 30 s.
    pub const FACTORY: Self = Self { hash: Hash::Sha1, step: TimeStep::S30, display: DisplayTime::S30 };

    /// Checks and takes a profile.
    ///
    /// # Errors
    /// [`ProfileError`], naming what no token can be set to.
    pub fn new(hash: Hash, step: TimeStep, display: DisplayTime) -> Result<Self, ProfileError> {
        if hash == Hash::Sha512 {
            return Err(ProfileError::Hash("SHA-512".to_owned()));
        }
        if !matches!(step.seconds(), 30 | 60) {
            return Err(ProfileError::Step(step.seconds()));
        }
        Ok(Self { hash, step, display })
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
