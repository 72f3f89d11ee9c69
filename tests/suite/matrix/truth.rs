//! What a token really holds, and whether what was said of it is true.

use tokentap::device::{Carried, Progress};
use tokentap::emulator::CardState;
use tokentap::job::TokenState;

use super::job::{Job, NEW, OLD};

/// What a token holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Truth {
    /// Profile and clock were written.
    pub config: bool,
    pub seed: Holds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    Old,
    New,
    Nothing,
}

impl Truth {
    /// Looks into the token.
    pub fn of(before: &CardState, after: &CardState) -> Self {
        let is_profile =
            (before.sha256, before.step_s, before.display_s) == (after.sha256, after.step_s, after.display_s);
        let seed = match after.seed_bytes().as_slice() {
            [] => Holds::Nothing,
            OLD => Holds::Old,
            NEW => Holds::New,
            other => panic!("a seed that nobody sent: {other:?}"),
        };
        Self { config: before.clock != after.clock || !is_profile, seed }
    }

    /// What a job ends with when all goes well.
    pub fn aim(job: Job, restricted: bool) -> Self {
        let seed = if job.seed(restricted) == Some(NEW) { Holds::New } else { Holds::Old };
        Self { config: job.has_config(), seed }
    }

    /// In the page's words.
    pub fn words(self) -> String {
        let config = if self.config { "profile and clock written" } else { "as it was" };
        let seed = match (self.seed, self.config) {
            (Holds::Old, false) => return "as it was".to_owned(),
            (Holds::Old, true) => "its own seed",
            (Holds::New, _) => "the new seed",
            (Holds::Nothing, _) => "NO seed",
        };
        if self.config { format!("{config}, {seed}") } else { format!("profile and clock {config}, {seed}") }
    }

    /// Whether what was said of the token's state is true of it. `sent` is the seed that the job was to write, and `aim`
    /// is what the token is to hold in the end.
    ///
    /// Every state that may be told is here; another one fails the test.
    pub fn bears_out(self, said: &TokenState, sent: Option<&[u8]>, aim: Self) -> bool {
        match said {
            TokenState::Untouched => !self.config && self.seed == Holds::Old,
            TokenState::Written { seed, .. } => self == aim && *seed == sent.is_some(),
            TokenState::Partial { progress, effect, has_seed, .. } => {
                assert_eq!(*has_seed, sent.is_some());
                self.bears_out_progress(*progress, effect.erases_seed(), sent, aim)
            }
            _ => panic!("a state that this table does not know: {said:?}"),
        }
    }

    /// The same for writes that came so far on a token that loses its seed at a clock write, or keeps it.
    fn bears_out_progress(self, progress: Progress, erases: bool, sent: Option<&[u8]>, aim: Self) -> bool {
        let has_old = self.seed == Holds::Old;
        let has_sent = match sent {
            Some(NEW) => self.seed == Holds::New,
            Some(_) => self.seed == Holds::Old,
            None => false,
        };
        let has_none = self.seed == Holds::Nothing;
        match (progress.config, progress.seed, progress.correction) {
            (Carried::Yes, Carried::Yes, Some(Carried::Unknown)) if erases => self.config && (has_sent || has_none),
            (Carried::Yes, Carried::Yes, Some(_)) => self.config && has_sent,
            (Carried::Yes, Carried::No, Some(_)) => self.config && has_old,
            (Carried::No, Carried::No, None) => !self.config && has_old,
            (Carried::Unknown, _, None) if !erases => has_old,
            (Carried::Unknown, _, None) => {
                if self.config {
                    has_none
                } else {
                    has_old
                }
            }
            (Carried::Yes, Carried::No, None) => self.config && if erases { has_none } else { has_old },
            (Carried::Yes, Carried::Unknown, None) => {
                self.config && (has_sent || if erases { has_none } else { has_old })
            }
            (Carried::No, Carried::Unknown, None) => !self.config && (has_old || has_sent),
            (_, Carried::Yes, None) => self == aim,
            _ => panic!("writes that this table does not know: {progress:?}"),
        }
    }
}
