//! The host's clock as a command uses it: assessed, corrected where it can be, and reported.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;

use super::args::HostArgs;
use super::describe::local;
use super::output::{Output, note};
use super::prompt;
use crate::clock::{ClockRemedy, Demands, Standing, assess, jump_between, kernel_word};
use crate::job::{Again, ClockProblem, Failure, Problem, TokenState};
use crate::time::{CorrectedClock, HostClock, Moment, SystemClock, seconds};

/// How long a server's answer is taken to hold: a host that is slewed in the meantime runs off by 0.06 s at most (0.5 ms a
/// second).
const ANSWER_HOLDS: Duration = Duration::from_secs(120);

/// The host's clock, and what is known of it.
pub struct Host {
    /// The system's own clock.
    pub system: SystemClock,
    /// The evidence on it …
    pub standing: Standing,
    /// … since then.
    assessed: Moment,
}

impl Host {
    /// Holds the host's clock against the arguments.
    ///
    /// # Errors
    /// A failure with exit code 9.
    pub fn assess(args: &HostArgs) -> Result<Self, Failure> {
        if !(0.0..=86_400.0).contains(&args.max_host_error) {
            return Err(Failure::usage(
                "--max-host-error is not a number of seconds",
                "use one from 0 to 86400, such as 2",
            ));
        }
        let system = SystemClock::new();
        let standing = assess(&demands(args), kernel_word())?;
        let assessed = system.now();
        Ok(Self { system, standing, assessed })
    }

    /// Warns, before anything is written, of a clock that is used though nothing vouches for it.
    pub fn warn(&self, output: &Output) {
        let standing = &self.standing;
        if let Some(warning) = &standing.warning {
            output.note(&format!("{warning}; the token is set by it anyway (to ask a time server, use --ntp SERVER)"));
        }
        if let Some(reading) = standing.ntp.as_ref().filter(|_| !standing.correction.is_zero()) {
            let (offset, doubt) = (reading.offset_s, reading.uncertainty_s);
            output.note(&format!(
                "the written time is corrected by {offset:+.3} s (±{doubt:.3} s), according to {}",
                reading.server
            ));
        }
        if standing.trusted {
            output.note("the host's clock is taken as it is, on the user's word");
        }
    }

    /// Whether a run of many tokens may go by this clock: where nothing vouches for it, a person must, because a wrong clock is
    /// copied onto token after token.
    ///
    /// # Errors
    /// A failure with exit code 9.
    pub fn check_vouched_for(&self, output: &Output) -> Result<(), Failure> {
        let Some(warning) = self.standing.warning.as_ref().filter(|_| !self.standing.trusted) else { return Ok(()) };
        let shown = local(self.clock().now().wall);
        let question = format!("{warning}: it shows {shown}. Every token would be set by it. Is that right?");
        if prompt::has_person() && !output.is_json() && prompt::confirms(&question) {
            return Ok(());
        }
        let problem = ClockProblem::Unvouched { warning: warning.clone(), shows: shown };
        Err(Failure::new(Problem::HostClock(problem), TokenState::NotReached, ClockRemedy::Synchronise))
    }

    /// Whether what was found out about the clock still holds: it must not have been stepped since.
    ///
    /// # Errors
    /// A failure with exit code 9.
    pub fn check_steady(&self) -> Result<(), Failure> {
        match jump_between(self.assessed, self.system.now()) {
            None => Ok(()),
            Some(by) => {
                let problem = Problem::HostClock(ClockProblem::JumpedInWait(by));
                Err(Failure::new(problem, TokenState::NotReached, Again::Same))
            }
        }
    }

    /// The remark on the clock in the records of writes: on whose word it was taken.
    pub fn remark(&self) -> Option<String> {
        self.standing.trusted.then(|| "the host's clock was taken on the user's word".to_owned())
    }

    /// The clock to work by: corrected where a server was asked.
    pub fn clock(&self) -> CorrectedClock<'_> {
        CorrectedClock::new(&self.system, self.standing.correction).with_doubt(self.standing.doubt())
    }
}

/// The host's clock through a run of hours: looked at anew for every token, and assessed anew after a step.
pub struct WatchedHost<'a> {
    args: &'a HostArgs,
    system: SystemClock,
    last: Mutex<Look>,
}

/// The last look at the host's clock.
struct Look {
    at: Moment,
    /// When it was last assessed, and servers asked.
    assessed: Moment,
    correction: TimeDelta,
    doubt: Duration,
}

impl<'a> WatchedHost<'a> {
    /// Watches a clock that was assessed by these arguments.
    pub fn new(host: &Host, args: &'a HostArgs) -> Self {
        let at = host.assessed;
        let (correction, doubt) = (host.standing.correction, host.standing.doubt());
        Self { args, system: host.system.clone(), last: Mutex::new(Look { at, assessed: at, correction, doubt }) }
    }

    /// The clock to work by now.
    ///
    /// # Errors
    /// A failure with exit code 9: it is not to be trusted any more.
    pub fn look(&self) -> Result<CorrectedClock<'_>, Failure> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.system.now();
        let jumped = jump_between(last.at, now);
        if let Some(by) = jumped {
            note(&format!("the host's clock jumped by {:.3} s; it is assessed anew", seconds(by)));
        }
        let is_old = !self.args.ntp.is_empty() && now.monotonic.saturating_sub(last.assessed.monotonic) > ANSWER_HOLDS;
        if jumped.is_some() || is_old {
            let standing = assess(&demands(self.args), kernel_word())?;
            (last.correction, last.doubt) = (standing.correction, standing.doubt());
            last.assessed = self.system.now();
        }
        last.at = self.system.now();
        Ok(CorrectedClock::new(&self.system, last.correction).with_doubt(last.doubt))
    }

    /// The evidence on the clock by now; `None` where time servers are asked, which is done only when a token is set.
    ///
    /// # Errors
    /// A failure with exit code 9: it is not to be trusted any more.
    #[cfg(feature = "web")]
    pub fn standing(&self) -> Result<Option<Standing>, Failure> {
        if !self.args.ntp.is_empty() {
            return Ok(None);
        }
        Ok(assess(&demands(self.args), kernel_word()).map(Some)?)
    }
}

/// The arguments as demands.
pub fn demands(args: &HostArgs) -> Demands {
    Demands {
        ntp: args.ntp.clone(),
        ntp_check: args.ntp_check,
        strict: args.strict_clock,
        max_error_s: args.max_host_error,
        trust: args.trust_host_clock,
        allow_large: args.allow_large_correction,
    }
}
