//! One write as the commands for one token do it: carried out at the reader, or shown by `--dry-run`.

use std::cell::RefCell;

use super::args::Global;
use super::host::Host;
use super::output::Output;
use super::record::Record;
use super::station::{InReach, Workplace};
use super::{Ran, interrupt, prompt};
use crate::device::Info;
use crate::inventory::SlotKey;
use crate::job::forecast::fit_of;
use crate::job::{Effect, Exit, Failure, Front, Notice, Problem, SeedFate, SingleWrite, WriteOutcome, WritePlan};
#[cfg(feature = "servers")]
use crate::report::server_commands::mend;
use crate::report::{MendReport, PlanReport, PlannedProfile, Shown, WriteReport, notice, question, remarks};
use crate::time::HostClock;

/// Everything around one write.
pub struct Writing<'a> {
    pub global: &'a Global,
    pub host: &'a Host,
    pub record: &'a Record,
    pub write: SingleWrite,
    pub output: &'a Output,
    /// Servers that are made to accept the token's codes again afterwards.
    #[cfg(feature = "servers")]
    mending: Option<super::mending::Mending>,
    /// Questions answered with yes: they are not asked again where the token is laid back.
    confirmed: RefCell<Vec<Problem>>,
}

impl<'a> Writing<'a> {
    /// A write, and what is around it.
    pub fn new(global: &'a Global, host: &'a Host, record: &'a Record, write: SingleWrite, output: &'a Output) -> Self {
        Self {
            global,
            host,
            record,
            write,
            output,
            #[cfg(feature = "servers")]
            mending: None,
            confirmed: RefCell::default(),
        }
    }

    /// The same, with servers that are made to accept the token's codes again afterwards.
    #[cfg(feature = "servers")]
    pub fn with_mending(self, mending: Option<super::mending::Mending>) -> Self {
        Self { mending, ..self }
    }

    /// Writes the token. `before` is called before the first write: what else must be durable by then.
    ///
    /// # Errors
    /// The job's, with what became of the token.
    pub fn run(
        &self,
        station: &mut InReach,
        before: &mut dyn FnMut(&Info, &WritePlan) -> Result<(), Failure>,
    ) -> Result<WriteOutcome, Failure> {
        let mut recorder = self.record.recorder(self.write.deed, &station.reader, station.emulated);
        recorder.remark = self.record.remark(self.host.remark());
        let mut in_hand = None;
        let mut before = |info: &Info, plan: &WritePlan| {
            interrupt::stop().take(info.serial.as_str());
            in_hand = Some(info.serial.clone());
            before(info, plan)
        };
        let (tell, confirm) = (|notice: Notice| self.tell(&notice), |problem: &Problem| self.confirms(problem));
        let mut front =
            Front { tell: &tell, confirm: Some(&confirm), before: &mut before, interrupted: &interrupt::asked };
        let result = self.write.run(&mut *station.device, &self.host.clock(), recorder, &mut front);
        if let Some(serial) = in_hand {
            interrupt::stop().let_go(serial.as_str());
        }
        result
    }

    fn tell(&self, what: &Notice) {
        self.output.note(&notice(what));
    }

    /// Asks whether to go on, where somebody can be asked.
    fn confirms(&self, problem: &Problem) -> bool {
        if self.confirmed.borrow().contains(problem) {
            return true;
        }
        let is_meant = prompt::has_person() && !self.output.is_json() && prompt::confirms(&question(problem));
        if is_meant {
            self.confirmed.borrow_mut().push(problem.clone());
        }
        is_meant
    }

    /// `--dry-run`: reads the token, shows what the plan would do to it, and writes nothing.
    ///
    /// # Errors
    /// Those of the plan's own checks.
    pub fn show(&self, station: &mut InReach) -> Ran {
        let recorder = self.record.recorder(self.write.deed, &station.reader, station.emulated);
        let tell = |notice: Notice| self.tell(&notice);
        let found = self.write.show(&mut *station.device, &self.host.clock(), &recorder, &tell)?;
        let shown = Shown {
            reader: &station.reader,
            emulated: station.emulated,
            info: &found.outcome.info,
            drift: found.outcome.drift,
            within: found.within,
        };
        self.output.report(&PlanReport::of(&found.plan, &shown, &self.host.standing));
        Ok(Exit::Done)
    }

    /// Carries out a write that needs nothing else, and reports it on one line.
    ///
    /// # Errors
    /// The job's.
    pub fn carry_out(&self, desk: Workplace<'_>) -> Ran {
        let Self { host, output, write, .. } = self;
        if self.global.dry_run {
            return desk.work(&mut |station| self.show(station)).map(|(exit, _)| exit);
        }
        // Just before the first write: a token that is refused needs no warning of the clock.
        let mut before = |info: &Info, plan: &WritePlan| {
            host.warn(output);
            self.warn_of_assumption(info, plan);
            Ok(())
        };
        let (outcome, station) = desk.work(&mut |station| self.run(station, &mut before))?;
        let report = WriteReport::of(&outcome, &station.reader, station.emulated).with_host_clock(&host.standing);
        let key = SlotKey::of(outcome.info.serial.as_str(), outcome.info.slot_number());
        let fit = fit_of(self.record.books(), Some(&key), None, host.clock().now().wall);
        let report = report.with_drift(fit.as_ref(), outcome.info.clock_write().erases_seed());
        let report = report.with_mending(self.mended(&outcome));
        output.report(&report);
        if outcome.outcome == Effect::Synced && !write.fine {
            output.note("read in whole seconds: what the drift is within the second was not measured");
        }
        #[cfg(feature = "servers")]
        self.note_left_behind(&outcome, &report.servers);
        remarks(&outcome, write.deed, &report.servers)
            .iter()
            .chain(&report.drift_warning)
            .for_each(|remark| output.note(remark));
        Ok(if report.is_open_at_server() { Exit::Undone } else { Exit::Done })
    }

    /// Says, and keeps on record, which servers may refuse the token's codes now, but for those that were named.
    #[cfg(feature = "servers")]
    fn note_left_behind(&self, outcome: &WriteOutcome, mended: &[MendReport]) {
        let moved = outcome.drift.filter(|_| outcome.outcome == Effect::Synced);
        let (Some(moved), Some(books)) = (moved, self.record.books()) else { return };
        let named: Vec<&str> = mended.iter().map(|report| report.server.as_str()).collect();
        let key = SlotKey::of(outcome.info.serial.as_str(), outcome.info.slot_number());
        match super::mending::left_behind(books, &key, moved.by_s(), &named) {
            Ok(servers) => servers.iter().for_each(|server| {
                self.output.note(&format!(
                    "{server} has this token, and may refuse its codes until it is mended there: {}",
                    mend(server)
                ));
            }),
            Err(error) => self.output.note(&format!(
                "which servers may refuse its codes now could not be looked up: {}; when that works again, mend each server that had followed its clock: {}",
                crate::report::troubled(&error),
                mend("NAME")
            )),
        }
    }

    /// What became of the token at the servers that were named.
    #[cfg(feature = "servers")]
    fn mended(&self, outcome: &WriteOutcome) -> Vec<MendReport> {
        let mending = self.mending.as_ref();
        let moved_s = outcome.drift.map_or(0.0, |moved| moved.by_s());
        let seed = self.write.seed.as_ref();
        let done = mending.map(|mending| mending.carry_out(self.global, &outcome.info, moved_s, seed));
        done.unwrap_or_default().iter().map(Into::into).collect()
    }

    #[cfg(not(feature = "servers"))]
    #[expect(clippy::unused_self, reason = "with servers it is used")]
    fn mended(&self, _: &WriteOutcome) -> Vec<MendReport> {
        Vec::new()
    }

    /// Says that a profile which nobody stated is about to be written.
    fn warn_of_assumption(&self, info: &Info, plan: &WritePlan) {
        let is_assumed =
            |config: &crate::job::ConfigPlan| plan.seed_fate(info) != SeedFate::Erased && !config.from.is_known();
        if let Some(config) = plan.config.filter(is_assumed) {
            self.output.note(&format!(
                "the profile of this token is unknown, and setting its clock sets it too, to {}; if its codes are refused \
                 afterwards, it was burned for another: set it with --hash and --step, as its server has them",
                PlannedProfile::from(&config).words()
            ));
        }
    }
}
