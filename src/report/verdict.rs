//! The verdict on typed codes in words.

use schemars::JsonSchema;
use serde::Serialize;

use super::profile::CodeProfile;
use crate::job::verify::{Verdict, VerdictKind};
use crate::otp::search::TotpProfile;
use crate::words::counted;

/// The verdict in words.
#[must_use]
pub fn verdict_words(verdict: &Verdict, window_s: u32) -> String {
    let Some(found) = verdict.found else {
        return format!("no match: no code of this seed within {} of now", span(window_s.into()));
    };
    let offset = found.offset_s();
    let away = match offset {
        0 => "of this very time step".to_owned(),
        _ => {
            let direction = if offset < 0 { "slow" } else { "fast" };
            let steps = found.steps.unsigned_abs();
            let steps = counted(steps, "step");
            format!("of a clock that is about {} {direction} ({steps})", span(offset.unsigned_abs()))
        }
    };
    match verdict.kind() {
        VerdictKind::Match => "match: the code is right".to_owned(),
        VerdictKind::Drifted => format!("drifted: the code is {away}"),
        VerdictKind::OtherProfile => {
            let TotpProfile { hash, step } = found.profile;
            format!("other profile: the code is one of {hash} and {step}, {away}")
        }
        VerdictKind::NoMatch => "no match".to_owned(),
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..600 => format!("{seconds} s"),
        600..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{:.1} h", seconds as f64 / 3600.0),
        _ => format!("{:.1} days", seconds as f64 / 86_400.0),
    }
}

/// A verdict on typed codes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VerdictReport {
    /// `match`, `drifted`, `other-profile` or `no-match`.
    pub verdict: &'static str,
    /// Where the codes fit, in seconds from where they were expected.
    pub offset_s: Option<i64>,
    /// The same in time steps.
    pub steps: Option<i64>,
    /// The profile that they fit with.
    pub profile: Option<CodeProfile>,
    /// The profiles that were tried.
    pub profile_tried: Vec<CodeProfile>,
    /// How likely codes of another seed fit there or nearer: 0 to 1.
    pub chance_of_accident: f64,
}

impl From<&Verdict> for VerdictReport {
    fn from(verdict: &Verdict) -> Self {
        Self {
            verdict: verdict.kind().word(),
            offset_s: verdict.found.map(|found| found.offset_s()),
            steps: verdict.found.map(|found| found.steps),
            profile: verdict.found.map(|found| found.profile.into()),
            profile_tried: verdict.tried.iter().copied().map(Into::into).collect(),
            chance_of_accident: verdict.chance,
        }
    }
}
