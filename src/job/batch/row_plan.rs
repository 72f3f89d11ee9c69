//! The burn of a row of a batch: its seed, its profile, and its line in the server's files.

use super::outputs::rehearse;
use super::seeds::{RowSeed, fresh_seed};
use super::visit::{BatchVisitor, SeedSource};
use crate::device::{Capabilities, Info, Profile};
use crate::inventory::{RowRecord, TokenRecord};
use crate::job::remedy::BatchRemedy;
use crate::job::{Failure, Problem, TokenState, WritePlan, check_owner, locked};
use crate::seed::Seed;

impl BatchVisitor<'_> {
    /// The seed of a row, and the plan completed with it.
    fn fill_plan(
        &self,
        row: &RowRecord,
        serial: &str,
        known: Option<&TokenRecord>,
        plan: &mut WritePlan,
        can: &Capabilities,
    ) -> Result<RowSeed, Failure> {
        let index = usize::try_from(row.row).ok().and_then(|number| number.checked_sub(1));
        let seed = match &self.source {
            SeedSource::Fresh(bytes) => RowSeed::fresh(match self.earlier_seed(row, serial)? {
                Some(seed) => seed,
                None => fresh_seed(*bytes)?,
            }),
            SeedSource::File(seeds) => index
                .and_then(|index| seeds.get(index))
                .cloned()
                .ok_or_else(|| Failure::file("the inventory has a row that the file has not", BatchRemedy::Check))?,
        };
        if let Some(config) = &mut plan.config {
            let known = known.and_then(TokenRecord::meant_profile);
            (config.profile, config.from) = seed.wish(self.plan.flags).resolve(known, can)?;
        }
        plan.seed = Some(seed.seed.clone());
        plan.wish.digits = seed.digits;
        Ok(seed)
    }

    /// The seed of the row that a token got, the plan completed with it, and everything checked that can be before the token is
    /// written.
    pub(super) fn plan_row(
        &self,
        row: &RowRecord,
        info: &Info,
        known: Option<&TokenRecord>,
        plan: &mut WritePlan,
    ) -> Result<RowSeed, Failure> {
        let seed = self.fill_plan(row, info.serial.as_str(), known, plan, info.can)?;
        plan.check(info)?;
        if !self.plan.reassigns {
            check_owner(&info.to_string(), known, row.user.as_deref())?;
        }
        self.check_outputs(&seed, row, info, plan)?;
        Ok(seed)
    }

    /// The seed of an earlier try, which may be on the token: the same one is burned again.
    fn earlier_seed(&self, row: &RowRecord, serial: &str) -> Result<Option<Seed>, Failure> {
        let (Some(outputs), Some(seed)) = (&self.outputs, &row.seed) else { return Ok(None) };
        let found = locked(outputs).part.find(serial, seed);
        found.map_err(|error| Failure::file(error.to_string(), BatchRemedy::SeeFile).in_state(TokenState::Untouched))
    }

    /// Whether the server's files can carry the row with the profile that this token gets: what the inventory knows of it may be
    /// more than the row says.
    fn check_outputs(&self, seed: &RowSeed, row: &RowRecord, info: &Info, plan: &WritePlan) -> Result<(), Failure> {
        let Some(outputs) = &self.outputs else { return Ok(()) };
        let profile = plan.config.map_or(Profile::FACTORY, |config| config.profile);
        let line = seed.row(info.serial.as_str(), row.user.as_deref(), profile);
        let outputs = locked(outputs);
        let formats: Vec<_> = outputs.files.iter().map(|file| file.format).collect();
        let refused = |detail: String, token| {
            let problem = Problem::ProfileNotCarried { detail, token };
            Failure::new(problem, TokenState::Untouched, BatchRemedy::StateProfileOrFormat)
        };
        let rehearsed = rehearse(&formats, std::iter::once(Ok(line)), &outputs.options, &outputs.dropped)
            .map_err(|error| refused(error.to_string(), None))?;
        match rehearsed.problems.first().filter(|_| rehearsed.has_failed()) {
            Some(problem) => Err(refused(problem.what.clone(), Some(info.clone()))),
            None => Ok(()),
        }
    }

    /// The row and its token in the `.part` file, on disk.
    pub(super) fn keep_part(
        &self,
        seed: &RowSeed,
        row: &RowRecord,
        info: &Info,
        plan: &WritePlan,
    ) -> Result<(), Failure> {
        let Some(outputs) = &self.outputs else { return Ok(()) };
        let profile = plan.config.map_or(Profile::FACTORY, |config| config.profile);
        let line = seed.row(info.serial.as_str(), row.user.as_deref(), profile);
        let mut outputs = locked(outputs);
        let added = outputs.part.add(&line);
        added.map_err(|error| Failure::file(error.to_string(), BatchRemedy::SeeDisk).in_state(TokenState::Untouched))
    }
}
