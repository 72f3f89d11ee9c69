//! One write on one token, as a front end asks for it: completed from seed and inventory, recorded, or only shown.

use std::cell::RefCell;

use super::complete::Completion;
use super::failure::Failure;
use super::guard::{Guard, check_owner};
use super::key_use::{KeyUse, Stated};
use super::notice::Notice;
use super::plan::{ConfigPlan, ProfileFrom, ProfileWish, WritePlan};
use super::problem::{Owned, Problem};
use super::read::{ReadOutcome, read};
use super::record::{Around, Books, Recorder, Stage};
use super::remedy::{Again, SlotRemedy, TokenRemedy};
use super::seed_choice::SeedChoice;
use super::slots::read_slot;
use super::state::TokenState;
use super::terms::{Terms, check_length, digits_with, guard_with, wish_with};
use super::write_outcome::WriteOutcome;
use crate::clock::{Drift, check_plausible};
use crate::device::{Device, Family, Info};
use crate::inventory::{Deed, InventoryError, SlotKey, TokenRecord};
use crate::seedfile::Row;
use crate::time::HostClock;

/// A write that is ready for its token.
pub struct SingleWrite {
    /// The deed.
    pub deed: Deed,
    /// Profile and clock; `None` leaves both alone.
    pub config: Option<ConfigPlan>,
    /// The profile that flags state, as far as they do.
    pub flags: ProfileWish,
    /// The profile that flags and seed state.
    pub wish: ProfileWish,
    /// The seed that was named.
    pub seed: Option<SeedChoice>,
    /// Burn the sealed seed of the token.
    pub burns_sealed: bool,
    /// A restricted token may lose its seed.
    pub erase_seed: bool,
    /// Leave a token alone that is surely within so many seconds.
    pub if_drift_over: Option<f64>,
    /// Catch ticks and write on the second.
    pub fine: bool,
    /// The requirements on the token.
    pub guard: Guard,
    /// The terms of every write.
    pub terms: Terms,
    /// The token's user from now on.
    pub user: Option<String>,
    /// Burn in the place of a seed on record.
    pub replaces_seed: bool,
    /// Give the token to another user than the one on record.
    pub reassigns: bool,
    /// The command that an interrupted job is repeated with.
    pub again: Again,
}

/// A front end as a job sees it: told of notices, asked about problems, and whether it was stopped.
pub struct Front<'a> {
    /// Told what a person should hear.
    pub tell: &'a dyn Fn(Notice),
    /// Asked whether to go on in spite of a problem; `None` where nobody is there.
    pub confirm: Option<&'a dyn Fn(&Problem) -> bool>,
    /// Called between the record and the first write: what else must be durable by then, and what a person should hear first.
    pub before: &'a mut dyn FnMut(&Info, &WritePlan) -> Result<(), Failure>,
    /// Whether the user wants to stop.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// A plan that was only shown.
pub struct ShownPlan {
    /// The plan, completed for the token.
    pub plan: WritePlan,
    /// The token.
    pub outcome: ReadOutcome,
    /// The drift is within the plan's bound: nothing would be written.
    pub within: bool,
}

impl SingleWrite {
    /// Writes the token.
    ///
    /// # Errors
    /// The job's, with what became of the token.
    pub fn run(
        &self,
        device: &mut dyn Device,
        host: &dyn HostClock,
        mut recorder: Recorder<'_>,
        front: &mut Front<'_>,
    ) -> Result<WriteOutcome, Failure> {
        recorder.deed = self.deed;
        recorder.user = RefCell::new(self.user.clone());
        let Front { tell, confirm, before, interrupted } = front;
        let mut complete = |info: &Info, known: Option<&TokenRecord>, plan: &mut WritePlan| {
            if info.more > 0 {
                tell(Notice::MoreBytes(info.more));
            }
            let chosen = self.complete(info, known, plan, recorder.books, *tell)?;
            if let Some(user) = chosen.and_then(|row| row.user) {
                recorder.user.replace(Some(user));
            }
            // Setting a clock gives no token to another user, whatever the seed file says.
            if self.deed != Deed::Burn && known.is_some_and(|token| token.user.is_some()) {
                recorder.user.replace(None);
            }
            let user = recorder.user.borrow().clone();
            self.check_record(info, known, plan, user.as_deref(), &recorder, *confirm)
        };
        let waits = |error: &InventoryError| tell(Notice::Waits(error.clone()));
        let mut around = Around {
            complete: &mut complete,
            found: &mut |_: &Info, _: Drift| Ok(()),
            before: *before,
            opener: self.terms.opener.as_ref(),
            key_use: KeyUse::Work,
            waits: &waits,
            row: &mut |_: Stage<'_>| None,
            interrupted: *interrupted,
        };
        let recorded = recorder.write(device, host, &self.plan(), &mut around);
        match (recorded.result, recorded.lost) {
            (result, None) => result,
            (Ok(outcome), Some(error)) => {
                tell(Notice::WrittenUnrecorded(error));
                Ok(outcome)
            }
            (Err(mut failure), Some(error)) => {
                failure.details.push(format!("how this ended could not be recorded: {error}"));
                Err(failure)
            }
        }
    }

    /// Reads the token, and shows what would be done to it.
    ///
    /// # Errors
    /// Those of the plan's own checks.
    pub fn show(
        &self,
        device: &mut dyn Device,
        host: &dyn HostClock,
        recorder: &Recorder<'_>,
        tell: &dyn Fn(Notice),
    ) -> Result<ShownPlan, Failure> {
        let outcome = match self.terms.family {
            Family::Nfc => read(device, host, &self.guard, self.fine)?,
            Family::Molto2 | Family::HotpKey => read_slot(device, host, &self.guard, self.terms.slot)?,
        };
        let info = &outcome.info;
        let known = recorder.token(&SlotKey::of(info.serial.as_str(), self.terms.slot))?;
        let mut plan = self.plan();
        let opener = self.terms.opener.as_ref();
        let stated = Stated { key: &plan.key, opener, tries_again: plan.tries_again };
        plan.key = recorder.key_for(info, &stated, KeyUse::Work)?;
        recorder.check_key(info, &plan)?;
        let chosen = self.complete(info, known.as_ref(), &mut plan, recorder.books, tell)?;
        let user = chosen.and_then(|row| row.user).or_else(|| self.user.clone());
        self.check_record(info, known.as_ref(), &mut plan, user.as_deref(), recorder, None)?;
        let within = plan.if_drift_over.zip(outcome.drift).is_some_and(|(bound, drift)| drift.is_surely_within(bound));
        if within {
            plan.guard.check_writable(info)?;
        } else {
            plan.check(info)?;
        }
        check_plausible(host.now().wall)?;
        Ok(ShownPlan { plan, within, outcome })
    }

    /// The plan before the token is known.
    fn plan(&self) -> WritePlan {
        let one = self.seed.as_ref().and_then(SeedChoice::one);
        WritePlan {
            slot: self.terms.slot,
            wish: self.terms.wish.clone(),
            config: self.config,
            seed: one.map(|row| row.seed.clone()),
            erase_seed: self.erase_seed,
            shares_seed: self.terms.allow_shared_secret,
            if_drift_over: self.if_drift_over,
            fine: self.fine,
            guard: self.guard.clone(),
            key: self.terms.key.clone(),
            tries_again: self.terms.try_again,
            stated: self.wish,
            again: self.again.clone(),
        }
    }

    /// Completes the plan for a token: with its row of a file of many, and from the inventory. The row, where one was picked.
    fn complete(
        &self,
        info: &Info,
        known: Option<&TokenRecord>,
        plan: &mut WritePlan,
        books: Option<&Books>,
        tell: &dyn Fn(Notice),
    ) -> Result<Option<Row>, Failure> {
        // First of all: nobody is asked about another token than the one that was meant.
        self.guard.check_serial(info)?;
        if let Some(pending) = known.and_then(|token| token.pending.as_ref()) {
            tell(Notice::Unfinished { deed: pending.deed, at: pending.at });
        }
        let mut wish = self.wish;
        let picked = match &self.seed {
            Some(choice @ SeedChoice::OfToken(sheet)) => {
                let (row, unread) = choice.for_token(info)?;
                if unread > 0 {
                    tell(Notice::OtherRowsUnread(sheet.name.clone(), unread));
                }
                check_length(Some(&row), self.terms.allow_short_seed)?;
                plan.guard = guard_with(plan.guard.clone(), Some(&row))?;
                wish = wish_with(self.flags, Some(&row), self.terms.family)?;
                plan.seed = Some(row.seed.clone());
                plan.wish.digits = digits_with(self.terms.wish.digits, Some(&row))?;
                Some(row)
            }
            _ => None,
        };
        // The profile of a slot whose seed is gone was that seed's, and is not another's.
        let is_of_another = |token: &&TokenRecord| {
            let seed = plan.seed.as_ref().zip(books).map(|(seed, books)| books.fingerprint_key().of(seed));
            info.can.slots > 1 && token.erased.is_some() && seed.is_some() && token.erased_seed != seed
        };
        let without_profile = known.filter(is_of_another).map(|token| TokenRecord { profile: None, ..token.clone() });
        let known = without_profile.as_ref().or(known);
        let (opener, burns_sealed) = (self.terms.opener.as_ref(), self.burns_sealed);
        Completion { wish, learns: true, opener, burns_sealed }.complete(info, known, plan)?;
        Ok(picked)
    }

    /// Nothing known is overwritten unasked: a seed, a profile or a user on record that is not what the plan writes. A person is
    /// asked, a script needs a flag; setting a clock never changes a seed or a user.
    fn check_record(
        &self,
        info: &Info,
        known: Option<&TokenRecord>,
        plan: &mut WritePlan,
        user: Option<&str>,
        recorder: &Recorder<'_>,
        confirm: Option<&dyn Fn(&Problem) -> bool>,
    ) -> Result<(), Failure> {
        let asked = |checked: Result<(), Failure>| match checked {
            Err(failure) if confirm.is_some_and(|confirm| confirm(&failure.problem)) => Ok(()),
            checked => checked,
        };
        if self.deed == Deed::Burn && !self.reassigns {
            asked(check_owner(&info.to_string(), known, user))?;
        }
        if plan.wish.clears && !self.erase_seed {
            return asked(check_clear(info, known));
        }
        let (Some(token), Some(seed), Some(books)) = (known, &plan.seed, recorder.books) else {
            return asked(self.check_slot(info, known, plan));
        };
        let seed = books.fingerprint_key().of(seed);
        if on_record_or_meant(token) != Some(seed) {
            asked(self.check_slot(info, known, plan))?;
        } else if let Some(shown) = &info.slot {
            // Its own seed once more: what nobody states stays as it is.
            plan.wish.digits = plan.wish.digits.or(shown.digits);
        }
        // A sync sets the clock: a seed that was erased by one is still the one that the server knows.
        let erased = token.erased_seed.filter(|_| self.deed != Deed::Burn);
        let on_record = token.seed.filter(|_| token.erased.is_none()).or(erased);
        let is_another = on_record.is_some_and(|held| held != seed);
        let is_meant = token.pending.as_ref().and_then(|pending| pending.seed) == Some(seed);
        let owned = Owned { token: info.clone(), user: token.user.clone(), burned: token.burned };
        match (is_another && !is_meant, self.deed == Deed::Burn) {
            (true, false) => {
                let remedy = TokenRemedy::SupplyOwnOrReplace;
                Err(Failure::new(Problem::SeedMismatch(owned), TokenState::Untouched, remedy))
            }
            (true, true) if self.replaces_seed => Ok(()),
            (true, true) => {
                let remedy = TokenRemedy::SeeAndReplace(info.name());
                asked(Err(Failure::new(Problem::SeedOnRecord(owned), TokenState::Untouched, remedy)))
            }
            // The profile of a seed that is gone, and does not come back, is nobody's.
            _ if token.erased.is_some() && token.pending.is_none() && token.erased_seed != Some(seed) => Ok(()),
            (false, _) => asked(self.check_profile(token, plan, owned)),
        }
    }

    /// Whether a slot that is to be burned may hold what it shows: a seed of which nothing is on record is somebody's.
    fn check_slot(&self, info: &Info, known: Option<&TokenRecord>, plan: &WritePlan) -> Result<(), Failure> {
        let is_on_record = known.is_some_and(|token| on_record_or_meant(token).is_some());
        let Some(shown) = info.slot.as_ref().filter(|_| plan.seed.is_some() && !is_on_record) else { return Ok(()) };
        // One that does not say is not taken for an empty one.
        if shown.has_seed == Some(false) || self.replaces_seed {
            return Ok(());
        }
        let remedy = if info.can.slots > 1 { SlotRemedy::OtherSlotOrReplace } else { SlotRemedy::Replace };
        Err(Failure::new(Problem::SlotFilled(info.clone()), TokenState::Untouched, remedy))
    }

    /// The profile on record against the one that the seed itself states.
    fn check_profile(&self, token: &TokenRecord, plan: &WritePlan, of: Owned) -> Result<(), Failure> {
        let stated = plan.config.as_ref().filter(|config| config.from == ProfileFrom::Seed);
        let (Some(config), Some(had)) = (stated, token.profile) else { return Ok(()) };
        let hash = self.flags.hash.is_none() && config.profile.hash() != had.hash();
        let step = self.flags.step.is_none() && config.profile.step() != had.step();
        if !(hash || step) {
            return Ok(());
        }
        let problem = Problem::ProfileMismatch { stated: config.profile, had, of };
        let (hash, step_s) = (had.hash().to_string().to_lowercase(), had.step().seconds());
        Err(Failure::new(problem, TokenState::Untouched, TokenRemedy::StateProfile { hash, step_s }))
    }
}

/// The seed that a slot holds by the record, or is to hold after a burn of unknown end.
fn on_record_or_meant(token: &TokenRecord) -> Option<crate::inventory::Fingerprint> {
    let meant = token.pending.as_ref().and_then(|pending| pending.seed);
    meant.or_else(|| token.seed.filter(|_| token.erased.is_none()))
}

/// A slot is not cleared unasked, unless it shows that it is empty.
fn check_clear(info: &Info, known: Option<&TokenRecord>) -> Result<(), Failure> {
    let shown = info.slot.as_ref();
    if shown.is_some_and(|slot| slot.has_seed == Some(false)) {
        return Ok(());
    }
    let (user, burned) = known.map_or((None, None), |token| (token.user.clone(), token.burned));
    let problem = Problem::ClearsSeed(Owned { token: info.clone(), user, burned });
    Err(Failure::new(problem, TokenState::Untouched, SlotRemedy::AcceptLoss))
}
