//! The code on a token's display, judged at the desk by its sealed seed.

use super::complete::Opener;
use super::desk_news::{Done, Visited};
use super::verify::{Verdict, WINDOW_S, expected_profile, judge, token_time};
use crate::clock::Drift;
use crate::device::{Info, Profile};
use crate::inventory::open_of;
use crate::otp::Code;
use crate::otp::search::TotpProfile;
use crate::seed::Seed;
use crate::time::UnixTime;

/// The means to judge the code on a display.
pub(super) struct Unjudged {
    /// The token.
    pub info: Info,
    drift: Drift,
    seed: Seed,
    expected: TotpProfile,
}

impl Unjudged {
    /// The means for a token that was at the desk, where there is a seed to judge by.
    pub fn of(visited: &Visited, opener: &Opener) -> Option<Self> {
        let info = visited.info.clone()?;
        let drift = match &visited.done {
            Done::Written(report) => report.drift?.after,
            Done::Read(report, _) => report.drift?,
            Done::Slots(_) | Done::Failed(_) => return None,
        };
        let known = visited.known.as_deref()?;
        let (identity, key) = &**opener;
        let row = open_of(known, key, identity).ok()?;
        let (hash, step) = (known.profile.map(Profile::hash), known.profile.map(Profile::step));
        let expected = expected_profile(hash.or(row.hash), step.or(row.step));
        Some(Self { info, drift, seed: row.seed, expected })
    }

    /// The verdict on a code of now, and whether it is right.
    pub fn judge(&self, code: Code, now: UnixTime) -> (Verdict, bool) {
        let Self { info, drift, seed, expected } = self;
        let verdict = judge(info.can, seed, *expected, &[code], token_time(now, *drift), WINDOW_S);
        let is_right = verdict.is_accepted(expected.step.seconds());
        (verdict, is_right)
    }
}
