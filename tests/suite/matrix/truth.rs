//! What a token really holds, and whether what was said of it is true.

use tokentap::emulator::CardState;

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

    /// Whether a sentence about the token's state is true of it. `sent` is the seed that the job was to write, and `aim`
    /// is what the token is to hold in the end.
    ///
    /// Every sentence that may be said stands here; another one fails the test.
    pub fn bears_out(self, said: &str, sent: Option<&[u8]>, aim: Self) -> bool {
        let has_old = self.seed == Holds::Old;
        let has_sent = match sent {
            Some(NEW) => self.seed == Holds::New,
            Some(_) => self.seed == Holds::Old,
            None => false,
        };
        let has_none = self.seed == Holds::Nothing;
        match said {
            "nothing was written: the token is as it was" => !self.config && has_old,
            "whether profile and clock were written is unknown; its seed is as it was" => has_old,
            "whether profile and clock were written is unknown; if they were, the seed is ERASED: the token shows no codes" => {
                if self.config {
                    has_none
                } else {
                    has_old
                }
            }
            "profile and clock are written, the new seed is not: the token still has its old one" => {
                self.config && has_old
            }
            "profile and clock are written, its seed is as it was" => self.config && has_old,
            "profile and clock are written, the seed is ERASED: the token shows no codes" => self.config && has_none,
            "profile and clock are written; whether the new seed was written is unknown: the token shows its codes, or \
             those of its old one" => self.config && (has_old || has_sent),
            "profile and clock are written; whether the new seed was written is unknown: the token shows its codes, or \
             no codes" => self.config && (has_none || has_sent),
            "whether the new seed was written is unknown: the token shows its codes, or those of its old one" => {
                !self.config && (has_old || has_sent)
            }
            "everything is written; only the reading at the end is missing" => self == aim,
            "profile, clock and seed are written" => self == aim && sent.is_some(),
            "profile and clock are written" => self == aim && sent.is_none(),
            "profile, clock and seed are written; only a second clock write, to set it closer, is missing" => {
                self.config && has_sent
            }
            "profile and clock are written; only a second clock write, to set it closer, is missing" => {
                self.config && has_old
            }
            "profile, clock and seed were written; whether the clock was then written again, to set it closer, is \
             unknown; if it was, the seed is ERASED: the token shows no codes" => self.config && (has_sent || has_none),
            _ => panic!("a sentence that this table does not know: {said}"),
        }
    }
}
