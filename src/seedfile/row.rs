//! One row of a seed file: a seed, whose it is, and how it is used.

use crate::otp::{Hash, TimeStep};
use crate::seed::{Seed, SeedError};
use crate::token::{DisplayTime, Profile, ProfileError};

/// What a seed is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Codes of a time.
    #[default]
    Totp,
    /// Codes of a counter.
    Hotp,
}

/// A row. What is `None` was not stated, which is not the same as a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The secret.
    pub seed: Seed,
    /// The serial: text, never a number.
    pub serial: Option<String>,
    /// TOTP or HOTP.
    pub kind: Kind,
    /// The hash.
    pub hash: Option<Hash>,
    /// The time step.
    pub step: Option<TimeStep>,
    /// The digits of a code.
    pub digits: Option<u32>,
    /// The counter, for HOTP.
    pub counter: Option<u64>,
    /// Whose it is: a UPN or login name.
    pub user: Option<String>,
    /// The manufacturer.
    pub manufacturer: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The issuer of an `otpauth://` URI.
    pub issuer: Option<String>,
    /// The account of an `otpauth://` URI.
    pub account: Option<String>,
}

/// What a token cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The seed's length.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// Hash, step or digits.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Counters.
    #[error("this is a HOTP seed; these tokens count time, not button presses")]
    Hotp,
}

impl Row {
    /// A row that states nothing but its seed.
    #[must_use]
    pub fn of_seed(seed: Seed) -> Self {
        Self {
            seed,
            serial: None,
            kind: Kind::Totp,
            hash: None,
            step: None,
            digits: None,
            counter: None,
            user: None,
            manufacturer: None,
            model: None,
            issuer: None,
            account: None,
        }
    }

    /// Whether a token can do what this row states: nothing is ever downgraded.
    ///
    /// # Errors
    /// [`RowError`], naming the first thing that no token can do.
    pub fn check_for_token(&self) -> Result<(), RowError> {
        self.seed.check_fits_token()?;
        if self.kind == Kind::Hotp {
            return Err(RowError::Hotp);
        }
        if let Some(digits) = self.digits.filter(|digits| *digits != 6) {
            return Err(ProfileError::Digits(digits).into());
        }
        let step = self.step.unwrap_or(TimeStep::S30);
        Profile::new(self.hash.unwrap_or(Hash::Sha1), step, DisplayTime::S30)?;
        Ok(())
    }
}
