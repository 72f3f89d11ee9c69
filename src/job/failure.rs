//! A failure as people and scripts get it: fact, state of the token, remedy, exit code.

use super::written::Progress;
use crate::clock::{Distrust, HostClockError};
use crate::inventory::InventoryError;
use crate::reader::ReaderError;
use crate::token::Serial;

/// The exit codes; scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A fault of the program or its files.
    Fault = 1,
    /// Usage or bad input, or several tokens and none named.
    Usage = 2,
    /// No PC/SC service, no reader, access refused, or the reader held by another program.
    NoReader = 3,
    /// No token came.
    NoToken = 4,
    /// Not a token that may be written.
    NotWritable = 5,
    /// The token refused.
    Refused = 6,
    /// The link was lost and the job is incomplete.
    LinkLost = 7,
    /// Checked and wrong: code or drift out of bounds.
    Wrong = 8,
    /// The host's clock is not to be trusted.
    HostClock = 9,
    /// A batch or desk run ended with tokens undone.
    Undone = 10,
    /// Interrupted.
    Interrupted = 130,
}

/// The state of a token that nothing was sent to but questions.
pub const UNTOUCHED: &str = "nothing was written: the token is as it was";

/// A job that did not end as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fact}")]
pub struct Failure {
    /// A word for scripts, such as `link-lost`.
    pub kind: &'static str,
    /// The exit code.
    pub exit: Exit,
    /// What happened.
    pub fact: String,
    /// What state the token is in.
    pub state: String,
    /// What to do.
    pub next: String,
    /// All that is wrong, one thing a line, where it is more than the fact says.
    pub details: Vec<String>,
    /// What was written to the token before that.
    pub written: Progress,
    /// The reader where it happened, if one was in use.
    pub reader: Option<String>,
    /// The token, if it had said who it is before it only read failed.
    pub serial: Option<Serial>,
    /// Nothing was written, and the token left or is not awake yet: laid back, it may do.
    pub may_come_back: bool,
    /// The token refused the key: each further try may be its last.
    pub refused_key: bool,
}

impl Failure {
    /// A failure of these parts.
    #[must_use]
    pub fn new(
        kind: &'static str,
        exit: Exit,
        fact: impl Into<String>,
        state: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            exit,
            fact: fact.into(),
            state: state.into(),
            next: next.into(),
            details: Vec::new(),
            written: Progress::default(),
            reader: None,
            serial: None,
            may_come_back: false,
            refused_key: false,
        }
    }

    /// Bad input, found before any token was touched.
    #[must_use]
    pub fn usage(fact: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new("usage", Exit::Usage, fact, "no token was touched", next)
    }

    /// A file that cannot be read or written, found before any token was touched.
    #[must_use]
    pub fn file(fact: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new("file", Exit::Fault, fact, "no token was touched", next)
    }
}

impl From<ReaderError> for Failure {
    fn from(error: ReaderError) -> Self {
        let (kind, exit) = match &error {
            ReaderError::NoService | ReaderError::ServiceStopped => ("no-service", Exit::NoReader),
            ReaderError::NoAnswer => ("no-answer", Exit::NoReader),
            ReaderError::NoReader => ("no-reader", Exit::NoReader),
            ReaderError::AccessDenied => ("access-denied", Exit::NoReader),
            ReaderError::Busy(_) | ReaderError::Held(_) => ("reader-busy", Exit::NoReader),
            ReaderError::NoSuchReader { .. } => ("no-such-reader", Exit::NoReader),
            ReaderError::Several(_) => ("several-tokens", Exit::Usage),
            ReaderError::NoToken { .. } | ReaderError::NoTokenNow => ("no-token", Exit::NoToken),
            ReaderError::Mute(_) => ("mute", Exit::NoToken),
            ReaderError::Device(..) => ("not-a-token", Exit::NotWritable),
            ReaderError::Left(_) => ("link-lost", Exit::LinkLost),
            ReaderError::Interrupted => ("interrupted", Exit::Interrupted),
            ReaderError::Other(_) => ("reader", Exit::NoReader),
        };
        let may_come_back = matches!(error, ReaderError::Left(_) | ReaderError::Mute(_));
        Self { may_come_back, ..Self::new(kind, exit, error.to_string(), "no token was touched", error.remedy()) }
    }
}

impl From<InventoryError> for Failure {
    fn from(error: InventoryError) -> Self {
        let (kind, exit) = match &error {
            InventoryError::InUse { .. } | InventoryError::Changed(_) => ("token-busy", Exit::NoReader),
            InventoryError::Held(_) => ("seed-held", Exit::NotWritable),
            _ => ("inventory", Exit::Fault),
        };
        Self::new(kind, exit, error.to_string(), UNTOUCHED, error.remedy())
    }
}

impl From<HostClockError> for Failure {
    fn from(error: HostClockError) -> Self {
        let next = "set the host's clock, best by NTP (timedatectl set-ntp true), and run the same command again";
        Self::new("host-clock", Exit::HostClock, error.to_string(), UNTOUCHED, next)
    }
}

impl From<Distrust> for Failure {
    fn from(distrust: Distrust) -> Self {
        let next = match &distrust {
            Distrust::Unsynchronised | Distrust::Unknown => {
                "synchronise it (timedatectl set-ntp true), or name a server with --ntp, or answer for it with \
                 --trust-host-clock"
            }
            Distrust::Large(_) => {
                "see which of the two is right (another server: --ntp SERVER); then set the host's clock, or correct by the \
                 server all the same with --allow-large-correction"
            }
            Distrust::Off(..) => {
                "set the host's clock, or leave --ntp-check away so that what is written is corrected, or answer for the \
                 clock with --trust-host-clock"
            }
            Distrust::Ntp(_) | Distrust::Vague(_) => {
                "name another server with --ntp, or none, or answer for the host's clock with --trust-host-clock"
            }
        };
        Self::new("host-clock", Exit::HostClock, distrust.to_string(), "no token was touched", next)
    }
}
