//! Requests for many tokens: a batch from a list, and a desk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::batch::{Allowed, BatchPlan, ListTerms, PlannedBatch, ServerFile};
use super::complete::Opener;
use super::desk::DeskPlan;
use super::failure::Failure;
use super::kept_opener::KeptOpener;
use super::request::{ProfileRequest, SeedRequest};
use super::terms::check_bound;
use crate::device::{Family, Key};
use crate::inventory::FingerprintKey;
use crate::seedfile::{Format, Row};

/// A server's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRequest {
    /// The name of its format.
    pub format: String,
    /// Where it goes.
    pub path: PathBuf,
}

/// Burns one seed of a list after the other onto the tokens that come.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: Vec<SeedRequest>,
    /// The server's files.
    #[serde(default)]
    pub files: Vec<FileRequest>,
    /// Begin anew, whatever is on record.
    #[serde(default)]
    pub anew: bool,
    /// The terms of every token.
    #[serde(default)]
    pub terms: BatchTerms,
}

/// The terms of every token of a batch.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchTerms {
    /// The profile.
    pub profile: ProfileRequest,
    /// The clocks are written on the second.
    pub precise: bool,
    /// A model that is not known may be written.
    pub allow_unknown_model: bool,
    /// A seed may be short.
    pub allow_short_seed: bool,
    /// Several tokens may have one seed.
    pub allow_shared_secret: bool,
    /// The key is tried also where a token has refused it already.
    pub try_again: bool,
    /// Tokens that hold another seed are burned again.
    pub reburn: bool,
    /// Tokens may go to other users than those on record.
    pub reassign: bool,
    /// The code of every Nth token is asked for; 0 for none.
    pub check_every: u64,
    /// The key.
    #[serde(skip)]
    pub key: Key,
    /// The family of the devices.
    #[serde(skip)]
    pub family: Family,
}

impl BatchTerms {
    /// The plan that these terms are.
    ///
    /// # Errors
    /// A usage failure: a profile that no token can have.
    pub fn plan(self) -> Result<BatchPlan, Failure> {
        Ok(BatchPlan {
            flags: self.profile.wish(self.family)?,
            fine: self.precise,
            allow_unknown_model: self.allow_unknown_model,
            key: self.key,
            tries_again: self.try_again,
            shares_seeds: self.allow_shared_secret,
            reassigns: self.reassign,
            check_every: self.check_every,
        })
    }
}

impl BatchRequest {
    /// Checks everything that can be checked before the first token.
    ///
    /// # Errors
    /// A usage failure.
    pub fn prepare(self, key: &FingerprintKey) -> Result<(PlannedBatch, BatchPlan), Failure> {
        let BatchTerms { allow_short_seed: short, allow_shared_secret: shared, family, .. } = self.terms;
        let allowed = Allowed { short, shared, family };
        let plan = self.terms.plan()?;
        let rows: Vec<Row> = self.rows.into_iter().map(SeedRequest::into_row).collect::<Result<_, _>>()?;
        let terms = ListTerms { key, flags: plan.flags, allowed, anew: self.anew, warn: &mut |_| () };
        let planned = PlannedBatch::of_rows(&self.name, Box::new(rows.into_iter().map(Ok)), terms)?;
        let file = |file: FileRequest| {
            let format = Format::of_name(&file.format).filter(|format| format.write.is_some());
            let format =
                format.ok_or_else(|| Failure::usage("that is not a format to write", "use one of docs/formats.md"))?;
            Ok(ServerFile { format, path: file.path })
        };
        let files = self.files.into_iter().map(file).collect::<Result<_, Failure>>()?;
        let planned = PlannedBatch { files, ..planned };
        planned.check_formats(plan.flags)?;
        Ok((planned, plan))
    }
}

/// Deals with every token that is laid down: measured, and set right where that may be done.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeskRequest {
    /// Clocks are only measured.
    pub no_auto_sync: bool,
    /// A clock that is surely within so many seconds is right.
    pub if_drift_over_s: f64,
    /// Whole seconds are enough.
    pub fast: bool,
    /// The profile.
    pub profile: ProfileRequest,
    /// Tokens whose profile is not known are set to the factory's.
    pub assume_factory_profile: bool,
    /// The code on each display is asked for.
    pub ask_code: bool,
    /// The key is tried also where a token has refused it already.
    pub try_again: bool,
    /// The key.
    #[serde(skip)]
    pub key: Key,
    /// The key of devices with slots.
    #[serde(skip)]
    pub customer_key: Key,
    /// The opener of sealed seeds.
    #[serde(skip)]
    pub opener: Option<Opener>,
    /// How long that is kept, in minutes.
    pub identity_minutes: Option<u64>,
}

impl Default for DeskRequest {
    fn default() -> Self {
        Self {
            no_auto_sync: false,
            if_drift_over_s: 2.0,
            fast: false,
            profile: ProfileRequest::default(),
            assume_factory_profile: false,
            ask_code: false,
            try_again: false,
            key: Key::default(),
            customer_key: Key::default(),
            opener: None,
            identity_minutes: None,
        }
    }
}

impl DeskRequest {
    /// Checks everything that can be checked before the first token.
    ///
    /// # Errors
    /// A usage failure.
    pub fn prepare(self) -> Result<DeskPlan, Failure> {
        check_bound(self.if_drift_over_s)?;
        Ok(DeskPlan {
            auto_sync: !self.no_auto_sync,
            if_drift_over: self.if_drift_over_s,
            fine: !self.fast,
            wish: self.profile.wish(Family::Nfc)?,
            assume_factory: self.assume_factory_profile,
            key: self.key,
            customer_key: self.customer_key,
            tries_again: self.try_again,
            identity: {
                let within = self.identity_minutes.map(|minutes| Duration::from_secs(minutes * 60));
                Arc::new(KeptOpener::new(self.opener, within))
            },
            ask_code: self.ask_code,
            stated: Arc::default(),
            again: Arc::default(),
            mender: None,
        })
    }
}
