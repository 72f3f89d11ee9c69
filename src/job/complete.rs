//! The parts of a plan that come from the inventory once it is known which token lies there: its profile, and its sealed seed.

use std::sync::Arc;

use super::failure::Failure;
use super::plan::{ProfileFrom, ProfileWish, WritePlan};
use super::problem::{Problem, Restriction};
use super::remedy::TokenRemedy;
use super::state::TokenState;
use crate::device::{Info, Profile};
use crate::inventory::{FingerprintKey, Identity, SealError, TokenRecord, open_of};

/// The identity that opens sealed seeds, and the key that tells whether they are those that were burned.
pub type Opener = Arc<(Identity, FingerprintKey)>;

/// How a plan is completed.
pub struct Completion<'a> {
    /// The profile as it was stated.
    pub wish: ProfileWish,
    /// The rest comes from the inventory's record; otherwise from the factory.
    pub learns: bool,
    /// The opener of the inventory's seeds.
    pub opener: Option<&'a Opener>,
    /// Burn the seed that the inventory keeps, whatever the model.
    pub burns_sealed: bool,
}

impl Completion<'_> {
    /// Completes a plan for a token.
    ///
    /// # Errors
    /// A [`Failure`]: the profile is not known since a job was broken off, or the sealed seed is missing or not opened.
    pub fn complete(&self, info: &Info, known: Option<&TokenRecord>, plan: &mut WritePlan) -> Result<(), Failure> {
        let mut wish = self.wish;
        let loses = plan.seed_fate(info) == super::SeedFate::Erased && !plan.erase_seed && !plan.wish.clears;
        let must_burn = self.burns_sealed || loses;
        if plan.seed.is_none() && must_burn {
            let sealed = known.filter(|token| token.held_sealed().is_some());
            match (sealed, self.opener) {
                (Some(token), Some(opener)) => {
                    let (identity, key) = &**opener;
                    let row = open_of(token, key, identity).map_err(|error| unopened(info, &error))?;
                    row.check_for(info.can).map_err(|error| {
                        let why = Restriction::Unusable(error.to_string());
                        restricted(info, why, TokenRemedy::SupplySeed)
                    })?;
                    wish.by_seed |= wish.hash.is_none() || wish.step.is_none();
                    wish.hash = wish.hash.or(row.hash);
                    wish.step = wish.step.or(row.step);
                    plan.wish.digits = plan.wish.digits.or(row.digits);
                    plan.seed = Some(row.seed);
                }
                (None, _) if self.burns_sealed => {
                    return Err(restricted(info, Restriction::NotKept, TokenRemedy::SupplySeed));
                }
                (Some(_), None) => {
                    let why = if self.burns_sealed { Restriction::Sealed } else { Restriction::ErasesSealed };
                    return Err(restricted(info, why, TokenRemedy::OpenSeal));
                }
                // The plan's own check refuses it, in its own words.
                (None, _) => {}
            }
        }
        plan.stated = wish;
        if known.is_some_and(|token| is_left_open(token, plan)) {
            // That its clock is right by now is not enough.
            plan.if_drift_over = None;
        }
        if let Some(config) = &mut plan.config
            && self.learns
        {
            let burns = plan.seed.is_some();
            if let Some(token) = known.filter(|_| !burns) {
                check_known_profile(info, token, wish)?;
            }
            // A burn sets what the token is meant to have; whatever an earlier one of unknown end left is gone with it.
            if let Some(shown) = info.slot.as_ref().filter(|_| !burns) {
                if wish == ProfileWish::default() && plan.wish.digits.is_none() && info.can.sets_clock_alone {
                    config.from = ProfileFrom::Kept;
                    return Ok(());
                }
                plan.wish.digits = plan.wish.digits.or(shown.digits);
                if let (Some(hash), Some(step)) = (shown.hash, shown.step) {
                    let display = known.and_then(|token| token.profile).map_or(Profile::FACTORY, |kept| kept).display();
                    let shown = Some(Profile::new(hash, step, display));
                    (config.profile, config.from) = (wish.resolve(shown, info.can)?.0, ProfileFrom::Device);
                    return Ok(());
                }
            }
            let on_record = if burns { TokenRecord::meant_profile } else { |token: &TokenRecord| token.profile };
            (config.profile, config.from) = wish.resolve(known.and_then(on_record), info.can)?;
            if self.wish == ProfileWish::default() && wish != self.wish {
                // What the sealed row says is the inventory's word too.
                config.from = ProfileFrom::Inventory;
            }
        }
        Ok(())
    }
}

/// Whether an earlier job left the token without its seed or with a profile that is not known, and this plan mends that.
fn is_left_open(token: &TokenRecord, plan: &WritePlan) -> bool {
    let burns = plan.seed.is_some();
    let is_pending = token.pending.as_ref().is_some_and(|pending| burns || pending.seed.is_none());
    is_pending || (burns && token.erased.is_some())
}

/// The failure of a sealed seed that was not opened, or is not this token's.
pub fn unopened(info: &Info, error: &SealError) -> Failure {
    match error {
        SealError::OtherToken(_) | SealError::OtherSeed => {
            let problem = Problem::WrongSeal(error.clone(), info.clone());
            Failure::new(problem, TokenState::Untouched, TokenRemedy::DistrustSeal)
        }
        _ => restricted(info, Restriction::Unopened(error.clone()), TokenRemedy::OpenSeal),
    }
}

fn restricted(info: &Info, why: Restriction, remedy: TokenRemedy) -> Failure {
    Failure::new(Problem::Restricted(why, info.clone()), TokenState::Untouched, remedy)
}

/// A job that was broken off may have written another profile than the one on record.
fn check_known_profile(info: &Info, token: &TokenRecord, wish: ProfileWish) -> Result<(), Failure> {
    let Some(pending) = token.pending.as_ref().filter(|pending| pending.profile.is_some()) else { return Ok(()) };
    let (old, _) = ProfileWish::default().resolve(token.profile, info.can)?;
    if wish.is_whole() || pending.profile == Some(old) {
        return Ok(());
    }
    let problem = Problem::UnknownProfile { deed: pending.deed, at: pending.at, token: info.clone() };
    Err(Failure::new(problem, TokenState::Untouched, TokenRemedy::StateProfileOrBurn))
}
