//! How a job ended, put on record: what the token holds by now, as far as that is known.

use super::SeedFate;
use super::begins::{Begins, End, clock_change, new_job};
use super::failure::Failure;
use super::kind::Exit;
use super::plan::{ClockPlan, ConfigPlan};
use super::problem::Problem;
use super::record::Recorder;
use super::sealed_row::has_profile;
use super::write_outcome::{Effect, WriteOutcome};
use crate::device::{Carried, ClockWrite, Info, Key, Profile, Progress};
use crate::inventory::{
    Deed, Entry, Event, InventoryError, KeyChange, Measured, Outcome, Pending, PendingChange, SeedChange, SlotKey,
    TokenChange,
};
use crate::time::UnixTime;

/// How far a job came.
#[derive(Clone, Copy)]
struct Left {
    sent: Carried,
    is_config_written: bool,
    is_unknown: bool,
}

impl Recorder<'_> {
    /// Puts the end of a job on record.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub(super) fn end(
        &self,
        info: &Info,
        result: &Result<WriteOutcome, Failure>,
        end: End<'_>,
    ) -> Result<(), InventoryError> {
        let Some(books) = self.books else { return Ok(()) };
        let End { job, slot, at, begun, drift, row } = end;
        let key = SlotKey::of(info.serial.as_str(), slot);
        let outcome = outcome(result, begun.is_some());
        let mut event = self.event(at, job, &key, outcome);
        event.before = drift.map(Measured::from);
        let mut change = self.change(info, key, at);
        let has_accepted = has_accepted(result);
        change.refused = match (begun, result) {
            (Some(begins), Err(failure)) if failure.problem.is_key_refused() => {
                KeyChange::Refused(books.fingerprint_key().of_token_key(begins.plan.key.bytes(info.can.factory_key)))
            }
            _ if has_accepted => KeyChange::Accepted,
            _ => KeyChange::Keep,
        };
        change.clock = match result {
            Ok(report) => {
                clock_change(false, &report.drift.map_or(Vec::new(), |drift| vec![drift.before, drift.after]))
            }
            Err(failure) => clock_change(matches!(failure.problem, Problem::ClockStopped(_)), &[]),
        };
        let (mut sent, mut is_config_written) = (Carried::No, false);
        match result {
            Ok(report) => {
                event.before = report.drift.map(|drift| drift.before.into());
                if report.outcome == Effect::Synced {
                    is_config_written = report.config.is_some();
                    event.after = report.drift.map(|drift| drift.after.into());
                    change.synced = report.config.is_some() && info.can.has_clock();
                    change.profile = known_profile(info, report.config, begun);
                    change.seed = seed_after(begun, report);
                    // A slot that was cleared is nobody's: the next seed in it is not its last user's.
                    change.unassigned = report.wish.clears;
                }
                add_detail(&mut event, clock_remark(report));
            }
            Err(failure) => {
                add_detail(&mut event, Some((self.wording.fact)(&failure.problem)));
                if let Some(begins) = begun {
                    let plan = &begins.plan;
                    event.state = Some((self.wording.state)(&failure.state));
                    let written = failure.written;
                    sent = written.seed_on(info.clock_write());
                    is_config_written = written.config == Carried::Yes;
                    // What was perhaps written is what the token is meant to have; the next sync writes it again.
                    let config = plan.config.filter(|_| written.config != Carried::No);
                    change.profile = known_profile(info, config, begun);
                    change.synced = is_config_written && info.can.has_clock();
                    change.seed = match (written.cleared, plan.wish.clears, sent) {
                        (Carried::Yes, true, _) => SeedChange::Erased,
                        (Carried::Yes, false, Carried::No) => SeedChange::Lost,
                        _ => seed_left(begins, written.config, sent, info.clock_write()),
                    };
                }
            }
        }
        // The clock that a device shows is not that of its slots, which nobody can read.
        change.drift = event.after.or(event.before).filter(|_| result.is_ok() && info.can.shows_slot_clocks);
        if let Some(begins) = begun {
            // A title that may have been written keeps nothing open: nothing goes by it.
            let is_unknown = outcome == Outcome::Unknown && self.deed != Deed::Title;
            let left = Left { sent, is_config_written, is_unknown };
            change.pending = self.pending_after(begins, &change.seed, left, (job, at));
        }
        let entry = Entry { event, token: Some(change), row };
        let Some(begins) = begun else { return books.keep(&entry) };
        books.end(job, &entry)?;
        let is_refused = result.as_ref().is_err_and(|failure| failure.problem.is_key_refused());
        match (has_accepted, is_refused) {
            (true, _) => self.key_accepted(info, &begins.plan.key, None, at),
            (false, true) => self.kept_key_refused(info, &begins.plan.key, at),
            (false, false) => Ok(()),
        }
    }

    /// Puts the end of a change of a whole device on record, with its word on the key.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub(super) fn ended(
        &self,
        at: UnixTime,
        slot: &SlotKey,
        outcome: Outcome,
        failure: Option<&Failure>,
        (key, key_was_used): (&Key, bool),
        info: &Info,
    ) -> Result<(), InventoryError> {
        let Some(books) = self.books else { return Ok(()) };
        let mut event = self.event(at, new_job(), slot, outcome);
        add_detail(&mut event, failure.map(|failure| (self.wording.fact)(&failure.problem)));
        let refused = failure.is_some_and(|failure| failure.problem.is_key_refused());
        let print = books.fingerprint_key().of_token_key(key.bytes(info.can.factory_key));
        // A device that did as it was told has accepted the key.
        let word = match (refused, failure) {
            (true, _) => KeyChange::Refused(print),
            (false, None) if key_was_used => KeyChange::Accepted,
            (false, _) => return books.keep(&Entry::of(event)),
        };
        let change = TokenChange { refused: word, ..self.change(info, slot.clone(), at) };
        books.keep(&Entry { event, token: Some(change), row: None })
    }

    /// The rest of a job that had begun and stays open.
    fn pending_after(
        &self,
        begins: &Begins,
        seed: &SeedChange,
        left: Left,
        (job, at): (i64, UnixTime),
    ) -> PendingChange {
        let Begins { plan, record, .. } = begins;
        let earlier = record.earlier.as_ref().and_then(|token| token.pending.clone());
        match (seed, earlier) {
            // Whatever an earlier burn left, it is gone now.
            (SeedChange::Burned { .. } | SeedChange::Erased | SeedChange::Lost, _) => PendingChange::Over,
            _ if left.sent == Carried::Unknown => PendingChange::Keep,
            // No seed was sent: an earlier one may still be there.
            (_, Some(earlier)) if earlier.seed.is_some() => PendingChange::Restored(earlier),
            _ if left.is_unknown => {
                let profile = plan.config.map(|config| config.profile);
                PendingChange::Restored(Pending { job, deed: self.deed, at, profile, seed: None, sealed: None })
            }
            // Only a config that was certainly written settles what an earlier one of unknown end left.
            (_, Some(earlier)) if !left.is_config_written => PendingChange::Restored(earlier),
            _ => PendingChange::Over,
        }
    }
}

/// The seed on a token after a job that ended well. An empty slot that was cleared loses nothing.
fn seed_after(begun: Option<&Begins>, report: &WriteOutcome) -> SeedChange {
    let was_known = begun.and_then(|begins| begins.record.earlier.as_ref()).is_some_and(|token| token.held().is_some());
    match (begun.and_then(Begins::burned), report.seed) {
        (Some(burned), _) => burned,
        (None, SeedFate::Erased) if report.had_seed == Some(false) && !was_known => SeedChange::Keep,
        (None, SeedFate::Erased) => SeedChange::Erased,
        _ => SeedChange::Keep,
    }
}

/// The seed on a token after a job that failed.
fn seed_left(begins: &Begins, config: Carried, seed: Carried, effect: ClockWrite) -> SeedChange {
    match (config, seed) {
        (_, Carried::Yes) => begins.burned().unwrap_or(SeedChange::Keep),
        (Carried::Yes, Carried::No) if effect.erases_seed() && begins.plan.seed.is_some() => SeedChange::Lost,
        (Carried::Yes, Carried::No) if effect.erases_seed() => SeedChange::Erased,
        _ => SeedChange::Keep,
    }
}

/// The profile that goes on record as known: one that somebody stated, or that was burned with a seed. A factory profile that was
/// merely assumed does not become knowledge by being written.
fn known_profile(info: &Info, config: Option<ConfigPlan>, begun: Option<&Begins>) -> Option<Profile> {
    let burns = begun.is_some_and(|begins| begins.plan.seed.is_some());
    let is_written = |config: &ConfigPlan| has_profile(info, config) && (burns || config.from.is_known());
    config.filter(is_written).map(|config| config.profile)
}

fn outcome(result: &Result<WriteOutcome, Failure>, begun: bool) -> Outcome {
    match result {
        Ok(report) if report.outcome == Effect::Within => Outcome::Within,
        Ok(_) => Outcome::Done,
        // Whether it was lost on the way or not wanted is not the same.
        Err(failure) if !begun => match failure.exit() {
            Exit::LinkLost | Exit::NoReader | Exit::NoToken => Outcome::Failed,
            _ => Outcome::Refused,
        },
        Err(failure) => {
            let written = failure.written;
            let Progress { config, seed, other, cleared, correction } = written;
            let all = [Some(config), Some(seed), Some(other), Some(cleared), correction];
            if all.contains(&Some(Carried::Unknown)) { Outcome::Unknown } else { Outcome::Failed }
        }
    }
}

fn clock_remark(report: &WriteOutcome) -> Option<String> {
    match report.config?.clock {
        ClockPlan::At(seconds) => Some(format!("the clock was set to {seconds}, not to now")),
        ClockPlan::CarryOn => Some("the clock was carried on, not set".to_owned()),
        ClockPlan::Now => None,
    }
}

pub(super) fn add_detail(event: &mut Event, more: Option<String>) {
    event.detail = match (event.detail.take(), more) {
        (Some(first), Some(second)) => Some(format!("{first}; {second}")),
        (first, second) => first.or(second),
    };
}

/// Whether the device has taken the key: something was written.
fn has_accepted(result: &Result<WriteOutcome, Failure>) -> bool {
    match result {
        Ok(report) => report.outcome == Effect::Synced,
        Err(failure) => failure.written != Progress::default(),
    }
}
