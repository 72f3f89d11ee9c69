//! The facts in the report of `selftest`: what was asked of the token, and its answers.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::SecondAtWrite;
use crate::device::ClockWrite;
use crate::job::selftest::{AfterReset, Away, SeedAfter, Seen, Tested, Unseen};

/// How far apart the drifts before and after may be that a clock shows which ran while it was away, in seconds.
const SAME_DRIFT_S: f64 = 0.5;

/// Something that was asked of the token.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FactReport {
    /// Its name: those of docs/protocol.md in which a fact is open, and others.
    pub fact: &'static str,
    /// The section of docs/protocol.md.
    pub section: &'static str,
    /// The answer in a word, or `not-tried`, `not-told`, `unclear` or `failed`.
    pub answer: &'static str,
    /// It is not what docs/protocol.md says of this model.
    pub contradicts: bool,
    /// The answer in words.
    pub text: &'static str,
}

/// The facts that are asked for, one a line of the report.
pub fn facts(tested: &Tested) -> Vec<FactReport> {
    let fact = |fact, section, (answer, text), contradicts| FactReport { fact, section, answer, contradicts, text };
    let by_model = tested.read.info.clock_write();
    let otherwise = match (&tested.seed_after, by_model) {
        (Ok(SeedAfter::Erased), ClockWrite::KeepsSeed) | (Ok(SeedAfter::Kept), ClockWrite::ErasesSeed) => true,
        (Ok(_) | Err(_), _) => false,
    };
    let ran_on = |away: &Away| (away.after.middle_s() - away.before.middle_s()).abs() <= SAME_DRIFT_S;
    let jumped = tested.away.as_ref().is_ok_and(|away| !ran_on(away));
    vec![
        fact(
            "second-at-write",
            "10",
            answer(&tested.second, |second| match second {
                SecondAtWrite::Restarts => ("restarts", "written, the clock begins a new second"),
                SecondAtWrite::Keeps => ("keeps", "written, the clock keeps the phase of its second"),
            }),
            false,
        ),
        fact(
            "unlocked-after-reset",
            "7",
            answer(&tested.reset, |after| match after {
                AfterReset::Locked => ("locked", "a reset drops the authentication"),
                AfterReset::Unlocked => ("unlocked", "a reset keeps the authentication"),
            }),
            false,
        ),
        fact(
            "seed-at-clock-write",
            "1",
            answer(&tested.seed_after, |after| match after {
                SeedAfter::Kept => ("kept", "a clock write keeps the seed"),
                SeedAfter::Erased => ("erased", "a clock write erases the seed"),
            }),
            otherwise,
        ),
        fact(
            "clock-while-away",
            "10",
            answer(&tested.away, |away| match ran_on(away) {
                true => ("runs", "the clock runs on while the token is away from the reader"),
                false => ("changed", "the clock was another one after the token had been away"),
            }),
            jumped,
        ),
    ]
}

/// The answer of the token, or why there is none.
fn answer<T>(seen: &Seen<T>, words: impl Fn(&T) -> (&'static str, &'static str)) -> (&'static str, &'static str) {
    match seen {
        Ok(seen) => words(seen),
        Err(Unseen::NotTried) => ("not-tried", "not known: it was not tried"),
        Err(Unseen::NotTold) => ("not-told", "not known: a question was skipped"),
        Err(Unseen::Unclear) => ("unclear", "not known: what was seen fits both answers, or neither"),
        Err(Unseen::Failed(_)) => ("failed", "not known: the trial failed"),
    }
}
