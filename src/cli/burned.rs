//! A token whose seed was just burned: the codes that it must show, and whether it does.

use super::args::BurnArgs;
use super::output::Output;
use super::prompt;
use crate::job::remedy::{SlotRemedy, TokenRemedy};
use crate::job::verify::{Verdict, WINDOW_S, judge, token_time};
use crate::job::{ClockPlan, Failure, Problem, TokenState, WriteOutcome};
use crate::otp::search::TotpProfile;
use crate::otp::{Code, Digits, totp};
use crate::report::{CodesReport, verdict_words};
use crate::seed::Seed;
use crate::time::HostClock;

/// How often a person may mistype, or forget to switch the token off and on.
const TRIES: usize = 3;

/// A token whose seed was just burned.
pub struct Burned<'a> {
    /// The seed.
    pub seed: &'a Seed,
    /// The profile of the display.
    pub profile: TotpProfile,
    /// The digits of its codes.
    pub digits: Digits,
    /// The write.
    pub outcome: &'a WriteOutcome,
    /// The host's clock.
    pub clock: &'a dyn HostClock,
}

/// The result of the check of its display.
pub enum Checked {
    /// Nobody was asked, or nobody answered.
    Unchecked,
    /// The code was right.
    Right(Verdict),
    /// The code was wrong.
    Wrong(Verdict),
}

impl Burned<'_> {
    /// The token's own time now, in Unix seconds.
    fn token_time(&self) -> i64 {
        let now = self.clock.now().wall;
        match (self.outcome.drift, self.outcome.config.map(|config| config.clock)) {
            (Some(moved), _) => token_time(now, moved.after),
            // A slot's clock that cannot be read back shows what it was set to.
            (None, Some(ClockPlan::At(seconds))) => seconds.into(),
            (None, _) => now.timestamp(),
        }
    }

    fn code_at(&self, time: i64) -> Code {
        totp(self.seed, self.profile.hash, self.profile.step, self.digits, time)
    }

    /// The codes from now on.
    pub fn codes(&self) -> CodesReport {
        let (now, step) = (self.token_time(), self.profile.step);
        CodesReport {
            now: self.code_at(now).to_string(),
            next: self.code_at(now + i64::from(step.seconds())).to_string(),
            seconds_left: step.seconds_left(now),
            slot: self.outcome.info.slot.as_ref().map(|slot| slot.slot),
        }
    }

    /// The state of the token after it has accepted the seed.
    fn accepted(&self, unchecked: bool) -> TokenState {
        TokenState::Accepted { config: self.outcome.config.is_some(), unchecked }
    }

    /// Compares what the display shows: the code given, or those that a person types.
    pub fn check(&self, typed: Option<Code>, args: &BurnArgs, output: &Output) -> Checked {
        let judged = |code| judge(self.outcome.info.can, self.seed, self.profile, &[code], self.token_time(), WINDOW_S);
        let accept = self.profile.step.seconds();
        if let Some(code) = typed {
            let verdict = judged(code);
            if !verdict.is_accepted(accept) {
                return Checked::Wrong(verdict);
            }
            output.text(&verdict_words(&verdict, WINDOW_S));
            return Checked::Right(verdict);
        }
        if args.no_verify || output.is_json() || !prompt::has_person() {
            return Checked::Unchecked;
        }
        let mut last = Checked::Unchecked;
        for _ in 0..TRIES {
            let question = "Code on the display (Enter to skip): ";
            let Some(answer) = prompt::line(question, self.accepted(true), "check it later with tokentap verify")
            else {
                return last;
            };
            let Ok(code) = Code::of_digits(&answer, self.digits) else {
                output.note(&format!("a code has {} digits", self.digits.count()));
                continue;
            };
            let verdict = judged(code);
            output.text(&verdict_words(&verdict, WINDOW_S));
            if verdict.is_accepted(accept) {
                return Checked::Right(verdict);
            }
            output.note("was the token switched off and on since it was burned?");
            last = Checked::Wrong(verdict);
        }
        last
    }

    /// The failure of a wrong code.
    pub fn wrong(&self, verdict: &Verdict) -> Failure {
        let (verdict, token) = (Box::new(verdict.clone()), self.outcome.info.clone());
        let problem = Problem::WrongCode { verdict, window_s: WINDOW_S, token };
        let remedy = match self.outcome.info.can.slots {
            1 => TokenRemedy::CheckAgain,
            _ => TokenRemedy::Slot(SlotRemedy::CheckSlot),
        };
        Failure::new(problem, self.accepted(false), remedy)
    }
}
