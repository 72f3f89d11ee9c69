//! One write as the commands for one token do it: completed from the inventory, recorded, and shown by `--dry-run`.

use std::cell::RefCell;

use serde_json::json;

use super::args::Global;
use super::describe::{drift, fields, profile, profile_words, token, token_line};
use super::host::{self, Host};
use super::output::Output;
use super::record::Record;
use super::station::Station;
use super::{Ran, describe, interrupt, plan};
use crate::clock::check_plausible;
use crate::inventory::{Deed, InventoryError, TokenRecord};
use crate::job::{self, Around, Completion, Exit, Failure, SeedFate, Stage, WritePlan, WriteReport, locked};
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
    /// Whose the token will be.
    pub user: Option<String>,
    pub output: &'a Output,
}

impl Writing<'_> {
    /// Writes the token. `before` is called before the first write: what else must be durable by then.
    ///
    /// # Errors
    /// The job's, with what became of the token.
    pub fn run(
        &self,
        station: &mut Station,
        before: &mut dyn FnMut(&Info, &WritePlan) -> Result<(), Failure>,
    ) -> Result<WriteReport, Failure> {
        let mut recorder = self.record.recorder(self.deed, &station.reader, station.emulated);
        recorder.user = RefCell::new(self.user.clone());
        recorder.remark = self.host.remark();
        let mut complete = |info: &Info, known: Option<&TokenRecord>, plan: &mut WritePlan| {
            self.tell_pending(known);
            self.completion.complete(info, known, plan)?;
            self.tell_replaced(known, plan);
            Ok(())
        };
        let waits = |error: &InventoryError| self.output.note(&format!("{error}: waiting until it is done"));
        let mut before = |info: &Info, plan: &WritePlan| {
            interrupt::in_hand(info.serial.as_str());
            before(info, plan)
        };
        let (row, interrupted) = (&mut |_: Stage<'_>| None, &interrupt::asked);
        let mut around = Around { complete: &mut complete, before: &mut before, waits: &waits, row, interrupted };
        let recorded = recorder.write(&mut station.link, &self.host.clock(), &self.plan, &mut around);
        if let Some(info) = &recorded.info {
            interrupt::let_go(info.serial.as_str());
        }
        match (recorded.result, recorded.lost) {
            (result, None) => result,
            (Ok(report), Some(error)) => {
                self.output
                    .note(&format!("{error}: that the token is written stands in no record ({})", error.remedy()));
                Ok(report)
            }
            (Err(mut failure), Some(error)) => {
                failure.details.push(format!("{error}: how this ended stands in no record"));
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

    /// A burn takes the place of a seed that some server may still know.
    fn tell_replaced(&self, known: Option<&TokenRecord>, plan: &WritePlan) {
        let (Some(known), Some(seed), Some(books)) = (known, &plan.seed, self.record.books()) else { return };
        let is_another = known.held().is_some_and(|held| held != locked(books).fingerprint_key().of(seed));
        if is_another {
            let of = known.user.as_ref().map(|user| format!(" of {}", describe::plain(user))).unwrap_or_default();
            let when = known.burned.map(|at| format!(", burned {}", describe::local(at))).unwrap_or_default();
            self.output.note(&format!("this replaces the seed{of} on record{when}: its server needs the new one"));
        }
    }

    /// `--dry-run`: reads the token, shows what the plan would do to it, and writes nothing.
    ///
    /// # Errors
    /// What the plan's own checks would say.
    pub fn show(&self, station: &mut Station) -> Ran {
        let report = job::read(&mut station.link, &self.host.clock(), &self.plan.guard, self.plan.fine)?;
        let recorder = self.record.recorder(self.deed, &station.reader, station.emulated);
        let known = recorder.token(report.info.serial.as_str())?;
        self.tell_pending(known.as_ref());
        let mut plan = self.plan.clone();
        self.completion.complete(&report.info, known.as_ref(), &mut plan)?;
        self.tell_replaced(known.as_ref(), &plan);
        let within = plan.if_drift_over.is_some_and(|bound| report.drift.is_surely_within(bound));
        if within {
            plan.guard.check_writable(&report.info)?
        } else {
            plan.check(&report.info)?
        }
        check_plausible(self.host.clock().now().wall)?;
        let fate = plan.seed_fate(&report.info);
        let seed = match (fate, &plan.seed) {
            (SeedFate::Burned, Some(seed)) => format!("one of {} bytes is burned", seed.len()),
            (SeedFate::Burned, None) => "one is burned".to_owned(),
            (SeedFate::Erased, _) => "ERASED".to_owned(),
            (SeedFate::Kept, _) => "kept".to_owned(),
        };
        let (clock_line, profile_line) = match &plan.config {
            Some(config) => (plan::clock_words(config.clock), profile_words(config)),
            None => ("left alone".to_owned(), "left alone".to_owned()),
        };
        let within_words = if within { "\n  the drift is within bounds: nothing would be written" } else { "" };
        let text = format!(
            "plan for {}; nothing was written\n  seed     {seed}\n  clock    now {}; {clock_line}\n  profile  {profile_line}{within_words}",
            token_line(&report.info, station.emulated),
            report.drift,
        );
        let object = fields([
            ("dry_run", json!(true)),
            ("outcome", json!(if within { "within" } else { "synced" })),
            ("host_clock", host::fields(&self.host.standing)),
            ("reader", json!(station.reader)),
            ("token", token(&report.info, station.emulated)),
            ("clock", json!({ "before": drift(report.drift) })),
            ("seed", json!(fate.word())),
            ("profile", plan.config.as_ref().map(profile).into()),
        ]);
        self.output.report(&text, object);
        Ok(Exit::Done)
    }
}
