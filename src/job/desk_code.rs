//! The code on a token's display, judged at the desk by its sealed seed.

use super::desk::DeskVisitor;
use super::desk_news::{Done, Visited};
use super::reader_news::ReaderRef;
use super::verify::{Verdict, WINDOW_S, expected_profile, judge, token_time};
use crate::clock::Drift;
use crate::device::{Info, Profile};
use crate::inventory::{Deed, Outcome, SlotKey, open_of};
use crate::otp::Code;
use crate::otp::search::TotpProfile;
use crate::seed::Seed;
use crate::time::HostClock;

impl DeskVisitor<'_> {
    /// The means to judge the code on the display, where it is asked for and there is a seed to judge by.
    pub(super) fn unjudged(&self, visited: &Visited) -> Option<Unjudged> {
        if !(self.around.has_person && self.plan.ask_code) {
            return None;
        }
        let info = visited.info.clone()?;
        let drift = match &visited.done {
            Done::Written(report) => report.drift?.after,
            Done::Read(report, _) => report.drift?,
            Done::Slots(_) | Done::Failed(_) => return None,
        };
        let known = visited.known.as_deref()?;
        let opener = self.plan.identity.get()?;
        let (identity, key) = &*opener;
        let row = open_of(known, key, identity).ok()?;
        let (hash, step) = (known.profile.map(Profile::hash), known.profile.map(Profile::step));
        let expected = expected_profile(hash.or(row.hash), step.or(row.step));
        Some(Unjudged { info, drift, seed: row.seed, expected })
    }

    /// Judges the code on the display by the sealed seed.
    pub(super) fn judge(&self, place: &ReaderRef, of: &Unjudged, code: Code) -> Option<Verdict> {
        let now = (self.around.host)().ok()?.now().wall;
        let Unjudged { info, drift, seed, expected } = of;
        let verdict = judge(info.can, seed, *expected, &[code], token_time(now, *drift), WINDOW_S);
        let outcome = if verdict.is_accepted(expected.step.seconds()) { Outcome::Right } else { Outcome::Wrong };
        // The judgement is on the screen; a record that fails is not worth more than that.
        let _ = self.recorder(place, Deed::Verify).note(now, &SlotKey::only(info.serial.as_str()), outcome, None);
        Some(verdict)
    }
}

/// The means to judge the code on a display.
pub(super) struct Unjudged {
    pub info: Info,
    pub drift: Drift,
    pub seed: Seed,
    pub expected: TotpProfile,
}
