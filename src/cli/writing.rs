//! One write as the commands for one token do it: completed from the inventory, recorded, and shown by `--dry-run`.

use std::cell::RefCell;

use super::args::Global;
use super::host::Host;
use super::output::Output;
use super::record::{self, Record};
use super::station::Contact;
use super::{Ran, describe, interrupt, prompt};
use crate::clock::{Drift, check_plausible};
use crate::inventory::{Deed, InventoryError, TokenRecord};
use crate::job::remedy::TokenRemedy;
use crate::job::{
    self, Around, Completion, Exit, Failure, Owned, Problem, ProfileFrom, ProfileWish, Stage, TokenState, WriteOutcome,
    WritePlan, locked,
};
use crate::report::{self, PlanReport, Shown, more_words};
use crate::time::HostClock;
use crate::token::Info;

/// Everything around one write.
pub struct Writing<'a> {
    pub global: &'a Global,
    pub host: &'a Host,
    pub record: &'a Record,
    pub plan: WritePlan,
    pub completion: Completion<'a>,
    pub deed: Deed,
    /// The token's user from now on.
    pub user: Option<String>,
    /// The profile that flags state, as far as they do.
    pub flags: ProfileWish,
    /// Burn in the place of a seed on record.
    pub replaces_seed: bool,
    /// Give the token to another user than the one on record.
    pub reassigns: bool,
    /// What was asked and answered with yes: not asked again where the token is laid back.
    pub confirmed: RefCell<Vec<String>>,
    pub output: &'a Output,
}

impl Writing<'_> {
    /// Writes the token. `before` is called before the first write: what else must be durable by then.
    ///
    /// # Errors
    /// The job's, with what became of the token.
    pub fn run(
        &self,
        station: &mut Contact,
        before: &mut dyn FnMut(&Info, &WritePlan) -> Result<(), Failure>,
    ) -> Result<WriteOutcome, Failure> {
        let mut recorder = self.record.recorder(self.deed, &station.reader, station.emulated);
        recorder.user = RefCell::new(self.user.clone());
        recorder.remark = self.record.remark(self.host.remark());
        let mut complete = |info: &Info, known: Option<&TokenRecord>, plan: &mut WritePlan| {
            if info.more > 0 {
                self.output.note(&more_words(info.more));
            }
            // Setting a clock gives no token to another user, whatever the seed file says.
            if self.deed != Deed::Burn && known.is_some_and(|token| token.user.is_some()) {
                recorder.user.replace(None);
            }
            self.tell_pending(known);
            self.completion.complete(info, known, plan)?;
            self.check_record(info, known, plan, true)
        };
        let waits = |error: &InventoryError| self.output.note(&format!("{error}: waiting until it is done"));
        let mut before = |info: &Info, plan: &WritePlan| {
            interrupt::in_hand(info.serial.as_str());
            before(info, plan)
        };
        let (row, interrupted) = (&mut |_: Stage<'_>| None, &interrupt::asked);
        let found = &mut |_: &Info, _: Drift| Ok(());
        let mut around =
            Around { complete: &mut complete, found, before: &mut before, waits: &waits, row, interrupted };
        let recorded = recorder.write(&mut station.link, &self.host.clock(), &self.plan, &mut around);
        if let Some(info) = &recorded.info {
            interrupt::let_go(info.serial.as_str());
        }
        match (recorded.result, recorded.lost) {
            (result, None) => result,
            (Ok(report), Some(error)) => {
                let troubled = record::troubled(&error);
                self.output.note(&format!("the token was written, but this could not be recorded: {troubled}"));
                Ok(report)
            }
            (Err(mut failure), Some(error)) => {
                failure.details.push(format!("how this ended could not be recorded: {error}"));
                Err(failure)
            }
        }
    }

    fn tell_pending(&self, known: Option<&TokenRecord>) {
        if let Some(pending) = known.and_then(|token| token.pending.as_ref()) {
            self.output.note(&format!(
                "\"{}\" was begun on this token at {}, and did not end as it should",
                pending.deed.word(),
                describe::local(pending.at),
            ));
        }
    }

    /// Nothing known is overwritten unasked: a seed or a profile on record that is not what the plan writes. A terminal is asked
    /// where `asks` says so, a script needs a flag; setting a clock never changes either.
    ///
    /// # Errors
    /// A failure with exit code 5.
    fn check_record(
        &self,
        info: &Info,
        known: Option<&TokenRecord>,
        plan: &WritePlan,
        asks: bool,
    ) -> Result<(), Failure> {
        self.check_owner(known, asks)?;
        let (Some(token), Some(seed), Some(books)) = (known, &plan.seed, self.record.books()) else { return Ok(()) };
        let seed = locked(books).fingerprint_key().of(seed);
        // A sync sets the clock: a seed that was erased by one is still the one that the server knows.
        let erased = token.erased_seed.filter(|_| self.deed != Deed::Burn);
        let on_record = token.seed.filter(|_| token.erased.is_none()).or(erased);
        let is_another = on_record.is_some_and(|held| held != seed);
        let is_meant = token.pending.as_ref().and_then(|pending| pending.seed) == Some(seed);
        let owned = Owned { token: info.clone(), user: token.user.clone(), burned: token.burned };
        if is_another && !is_meant {
            if self.deed != Deed::Burn {
                let problem = Problem::SeedMismatch(owned);
                return Err(Failure::new(problem, TokenState::Untouched, TokenRemedy::SupplyOwnOrReplace));
            }
            let problem = Problem::SeedOnRecord(owned);
            let question =
                format!("{}. A new one takes its place, and its server needs that one.", report::fact(&problem));
            let is_meant = self.replaces_seed || (asks && self.asks(&question));
            if !is_meant {
                let remedy = TokenRemedy::SeeAndReplace(info.serial.clone());
                return Err(Failure::new(problem, TokenState::Untouched, remedy));
            }
            return Ok(());
        }
        self.check_profile(token, plan, owned, asks)
    }

    /// The owner on record against the user that the token is to have: users are compared without regard to case.
    fn check_owner(&self, known: Option<&TokenRecord>, asks: bool) -> Result<(), Failure> {
        let Some(token) = known.filter(|_| self.deed == Deed::Burn && !self.reassigns) else { return Ok(()) };
        match job::check_owner(&token.serial, Some(token), self.user.as_deref()) {
            Err(failure) if asks && self.asks(&format!("{}.", report::fact(&failure.problem))) => Ok(()),
            checked => checked,
        }
    }

    /// The profile on record against the one that the seed itself states.
    fn check_profile(&self, token: &TokenRecord, plan: &WritePlan, of: Owned, asks: bool) -> Result<(), Failure> {
        let stated = plan.config.as_ref().filter(|config| config.from == ProfileFrom::Seed);
        let (Some(config), Some(had)) = (stated, token.profile) else { return Ok(()) };
        let hash = self.flags.hash.is_none() && config.profile.hash() != had.hash();
        let step = self.flags.step.is_none() && config.profile.step() != had.step();
        if !(hash || step) {
            return Ok(());
        }
        let problem = Problem::ProfileMismatch { stated: config.profile, had, of };
        let question = format!("{}. What the seed states would be written.", report::fact(&problem));
        if asks && self.asks(&question) {
            return Ok(());
        }
        let (hash, step_s) = (had.hash().to_string().to_lowercase(), had.step().seconds());
        Err(Failure::new(problem, TokenState::Untouched, TokenRemedy::StateProfile { hash, step_s }))
    }

    /// Asks whether to go on, where somebody can be asked.
    fn asks(&self, question: &str) -> bool {
        if self.confirmed.borrow().iter().any(|confirmed| confirmed == question) {
            return true;
        }
        let is_meant = prompt::has_person() && !self.output.is_json() && prompt::confirms(question);
        if is_meant {
            self.confirmed.borrow_mut().push(question.to_owned());
        }
        is_meant
    }

    /// `--dry-run`: reads the token, shows what the plan would do to it, and writes nothing.
    ///
    /// # Errors
    /// What the plan's own checks would say.
    pub fn show(&self, station: &mut Contact) -> Ran {
        let report = job::read(&mut station.link, &self.host.clock(), &self.plan.guard, self.plan.fine)?;
        let recorder = self.record.recorder(self.deed, &station.reader, station.emulated);
        let known = recorder.token(report.info.serial.as_str())?;
        self.tell_pending(known.as_ref());
        let mut plan = self.plan.clone();
        recorder.check_key(&report.info, &plan)?;
        self.completion.complete(&report.info, known.as_ref(), &mut plan)?;
        self.check_record(&report.info, known.as_ref(), &plan, false)?;
        let within = plan.if_drift_over.is_some_and(|bound| report.drift.is_surely_within(bound));
        if within {
            plan.guard.check_writable(&report.info)?
        } else {
            plan.check(&report.info)?
        }
        check_plausible(self.host.clock().now().wall)?;
        let shown = Shown {
            reader: &station.reader,
            emulated: station.emulated,
            info: &report.info,
            drift: report.drift,
            within,
        };
        self.output.report(&PlanReport::of(&plan, &shown, &self.host.standing));
        Ok(Exit::Done)
    }
}
