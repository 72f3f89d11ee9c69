//! The writes on an unlocked device, in their order, each noted as it is done.

use super::plan::{ProfileFrom, WritePlan};
use super::slot_wish::SlotWish;
use crate::clock::{Target, check_plausible, jump_between};
use crate::device::{Carried, ClockWrite, Config, DeviceError, Progress, Reason, Step, Timepiece, Unlocked};
use crate::time::{HostClock, HostDoubt, Moment};

/// An unlocked device, and the progress of the writes on it.
pub(super) struct Writer<'a, 'c> {
    pub contact: Box<dyn Unlocked + 'c>,
    pub plan: &'a WritePlan,
    pub host: &'a dyn HostClock,
    /// When the contact began.
    pub since: Moment,
    pub effect: ClockWrite,
    pub progress: &'a mut Progress,
    /// The slot is one of several, and shows a seed.
    pub is_filled: bool,
    /// Whether a slot that was cleared had a seed.
    pub had_seed: Option<bool>,
}

impl Writer<'_, '_> {
    /// The last look at the host's clock before it is written: it must not have been stepped since the contact began.
    fn check_host(&self) -> Result<(), DeviceError> {
        let now = self.host.now();
        let doubt = match (jump_between(self.since, now), check_plausible(now.wall)) {
            (None, Ok(_)) => return Ok(()),
            (Some(by), _) => HostDoubt::Jumped(by),
            (None, Err(_)) => HostDoubt::Implausible(now.wall),
        };
        Err(DeviceError { step: Step::Config, reason: Reason::Withheld(doubt) })
    }

    /// Profile and clock, and at once the seed where there is one to write: a restricted token has just lost its own.
    pub fn write_all(&mut self, clock: Option<u32>) -> Result<(), DeviceError> {
        if self.plan.wish.clears {
            return self.clear();
        }
        // A slot of several that shows a seed is emptied first: a burn that breaks off leaves no old seed under a new profile, and a
        // device that takes no second seed takes this one.
        if self.plan.seed.is_some() && self.is_filled && self.progress.cleared != Carried::Yes {
            self.clear()?;
        }
        let Some(config) = &self.plan.config else { return self.write_title().and_then(|()| self.write_seed()) };
        self.check_host().inspect_err(|error| self.progress.note_failure(error))?;
        let SlotWish { digits, enter, .. } = self.plan.wish;
        let written = match (config.from, clock) {
            (ProfileFrom::Kept, Some(clock)) => self.contact.write_clock(self.plan.slot, clock),
            _ => self.contact.write_config(self.plan.slot, Config { profile: config.profile, clock, digits, enter }),
        };
        written.inspect_err(|error| self.progress.note_failure(error))?;
        self.progress.config = Carried::Yes;
        self.progress.correction = None;
        if self.effect.erases_seed() {
            self.progress.seed = Carried::No;
        }
        if self.progress.seed == Carried::Yes { Ok(()) } else { self.write_title().and_then(|()| self.write_seed()) }
    }

    fn clear(&mut self) -> Result<(), DeviceError> {
        let cleared = self.contact.clear_slot(self.plan.slot);
        self.had_seed = Some(cleared.inspect_err(|error| self.progress.note_failure(error))?);
        self.progress.cleared = Carried::Yes;
        Ok(())
    }

    /// The title goes before the seed: a slot without a seed shows nothing wrong.
    fn write_title(&mut self) -> Result<(), DeviceError> {
        let Some(title) = &self.plan.wish.title else { return Ok(()) };
        let written = self.contact.write_title(self.plan.slot, title);
        written.inspect_err(|error| self.progress.note_failure(error))?;
        self.progress.other = Carried::Yes;
        Ok(())
    }

    fn write_seed(&mut self) -> Result<(), DeviceError> {
        let Some(seed) = &self.plan.seed else { return Ok(()) };
        let written = self.contact.write_seed(self.plan.slot, seed);
        written.inspect_err(|error| self.progress.note_failure(error))?;
        self.progress.seed = Carried::Yes;
        Ok(())
    }
}

impl Target for Writer<'_, '_> {
    fn write_clock(&mut self, seconds: u32) -> Result<(), DeviceError> {
        self.write_all(Some(seconds))
    }

    fn timepiece(&mut self) -> &mut dyn Timepiece {
        &mut *self.contact
    }
}
