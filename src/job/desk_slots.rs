//! A device with slots at the desk: read, and the clock of every slot that holds a seed is set.

use chrono::Utc;

use super::desk::DeskVisitor;
use super::desk_news::{DeskNews, Done, SlotsVisit, Visited, Why};
use super::failure::Failure;
use super::plan::{ClockPlan, ConfigPlan, ProfileFrom, ProfileWish, WritePlan};
use super::problem::Problem;
use super::record::{Around, locked};
use super::refusal::Refusal;
use super::remedy::{Again, SlotRemedy};
use super::slot_clocks::set_slot_clocks;
use super::slot_wish::SlotWish;
use super::slots::{read_slots, slots_on_record};
use super::state::TokenState;
use super::{Completion, Guard, WriteOutcome};
use crate::device::{Device, Lent, Profile};
use crate::inventory::{Deed, Outcome, SlotKey};
use crate::time::HostClock;

impl DeskVisitor<'_> {
    /// Deals with a device that has slots. Whose they are, and what their clocks show, is not asked: a slot's clock cannot be read, so
    /// each is set.
    pub(super) fn deal_with_slots(
        &self,
        mut device: Box<dyn Device>,
        host: &dyn HostClock,
        mut visited: Visited,
    ) -> Visited {
        // One slot after the other: what is closed once is closed.
        let result = match self.refused_here(&visited) {
            Some(failure) => Err(failure),
            None => self.read_and_set(&mut Lent(&mut device), host, &mut visited),
        };
        if let (Err(failure), Some(info)) = (&result, &visited.info)
            && failure.problem.is_key_refused()
        {
            locked(&self.refused).insert(info.serial.to_string());
        }
        device.close();
        visited.done = match result {
            Ok(visit) => Done::Slots(Box::new(visit)),
            Err(failure) => Done::Failed(Box::new(failure)),
        };
        visited
    }

    /// The failure of a device that has refused its key at this desk, where no inventory remembers that.
    fn refused_here(&self, visited: &Visited) -> Option<Failure> {
        let info = visited.info.as_ref().filter(|_| self.books.is_none() && !self.plan.tries_again)?;
        let is_refused = locked(&self.refused).contains(info.serial.as_str());
        let problem = Problem::Refused(Refusal::KeyOnRecord(Utc::now(), info.clone()));
        let remedy = SlotRemedy::OtherCustomerKeyOrTryAgain;
        is_refused.then(|| Failure::new(problem, TokenState::Untouched, remedy))
    }

    fn read_and_set(
        &self,
        device: &mut dyn Device,
        host: &dyn HostClock,
        visited: &mut Visited,
    ) -> Result<SlotsVisit, Failure> {
        let expect_serial = visited.info.as_ref().map(|info| info.serial.clone());
        let guard = Guard { expect_serial, allow_unknown_model: false };
        let read = read_slots(device, host, &guard)?;
        let known = slots_on_record(self.books, read.info.serial.as_str())?;
        let why = match () {
            () if read.seeded().is_empty() => Some(Why::NoSeeds),
            () if !self.plan.auto_sync => Some(Why::NoAutoSync),
            () => None,
        };
        let written = match why {
            Some(_) => {
                let key = SlotKey::only(read.info.serial.as_str());
                let seen = self.recorder(&visited.place, Deed::Info).note(read.host, &key, Outcome::Done, None);
                visited.unrecorded = seen.err().map(|error| error.to_string());
                Vec::new()
            }
            None => set_slot_clocks(&read, &mut |slot| self.set_slot(device, host, slot, &guard, visited))?,
        };
        Ok(SlotsVisit { read, written, why, known })
    }

    fn set_slot(
        &self,
        device: &mut dyn Device,
        host: &dyn HostClock,
        slot: u16,
        guard: &Guard,
        visited: &mut Visited,
    ) -> Result<WriteOutcome, Failure> {
        if (self.around.stop)() {
            return Err(Failure::new(Problem::Interrupted, TokenState::Untouched, Again::DeskVisit));
        }
        let (profile, from) = (Profile::FACTORY, ProfileFrom::Factory);
        let plan = WritePlan {
            slot,
            wish: SlotWish::default(),
            config: Some(ConfigPlan { profile, from, clock: ClockPlan::Now }),
            seed: None,
            erase_seed: false,
            shares_seed: false,
            if_drift_over: None,
            fine: self.plan.fine,
            guard: guard.clone(),
            key: self.plan.customer_key.clone(),
            tries_again: self.plan.tries_again,
            stated: ProfileWish::default(),
            again: Again::DeskVisit,
        };
        // What a slot is set to is what it shows.
        let completion = Completion { wish: ProfileWish::default(), learns: true, opener: None, burns_sealed: false };
        let (place, opener) = (&visited.place, self.plan.identity.get());
        let mut around = Around {
            complete: &mut |info, known, plan| completion.complete(info, known, plan),
            found: &mut |info, drift| self.check_host(info, drift),
            before: &mut |info, _| {
                (self.around.tell)(DeskNews::Writes(place.clone(), info.clone()));
                Ok(())
            },
            opener: opener.as_ref(),
            key_use: super::KeyUse::Desk,
            waits: &|_| (),
            row: &mut |_| None,
            interrupted: &|| false,
        };
        let recorded = self.recorder(place, Deed::Sync).write(device, host, &plan, &mut around);
        visited.unrecorded = recorded.lost.map(|error| error.to_string()).or(visited.unrecorded.take());
        recorded.result
    }
}
