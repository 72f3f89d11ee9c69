//! A profile in a report: hash, time step, display time.

use schemars::JsonSchema;
use serde::Serialize;

use crate::device::Profile;
use crate::job::{ConfigPlan, ProfileFrom};
use crate::otp::search::TotpProfile;

/// A profile on record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ProfileReport {
    /// `SHA1` or `SHA256`.
    pub hash: String,
    /// The time step, in seconds.
    pub step_s: u32,
    /// How long the display shows a code, in seconds.
    pub display_s: u32,
}

impl From<Profile> for ProfileReport {
    fn from(profile: Profile) -> Self {
        let (hash, step_s) = (profile.hash().to_string(), profile.step().seconds());
        Self { hash, step_s, display_s: profile.display().seconds() }
    }
}

impl ProfileReport {
    /// The profile in words: `SHA1, 30 s, display 30 s`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}, {} s, display {} s", self.hash, self.step_s, self.display_s)
    }
}

/// A profile that was written, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlannedProfile {
    /// The profile.
    #[serde(flatten)]
    pub profile: ProfileReport,
    /// `flags`, `seed`, `inventory`, `factory`, `device` (which shows it), or `partly-factory`: hash or step is an assumption.
    pub from: &'static str,
    /// The same for people.
    #[serde(skip)]
    pub from_words: &'static str,
}

impl From<&ConfigPlan> for PlannedProfile {
    fn from(config: &ConfigPlan) -> Self {
        Self { profile: config.profile.into(), from: config.from.word(), from_words: config.from.words() }
    }
}

impl PlannedProfile {
    /// The profile in words: `SHA1, 30 s, display 30 s (factory)`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} ({})", self.profile.words(), self.from_words)
    }
}

/// The profile that was written, behind what else a line says: `; profile SHA1, 30 s, display 30 s (factory)`. Empty where none
/// was.
#[must_use]
pub fn profile_clause(config: Option<&ConfigPlan>) -> String {
    config
        .filter(|config| config.from != ProfileFrom::Kept)
        .map(|config| format!("; profile {}", PlannedProfile::from(config).words()))
        .unwrap_or_default()
}

/// The part of a profile that codes are made with.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodeProfile {
    /// `SHA1` or `SHA256`.
    pub hash: String,
    /// The time step, in seconds.
    pub step_s: u32,
}

impl From<TotpProfile> for CodeProfile {
    fn from(profile: TotpProfile) -> Self {
        Self { hash: profile.hash.to_string(), step_s: profile.step.seconds() }
    }
}
