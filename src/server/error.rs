//! Why something asked of a server was not done, or is not known to be done. Data; the words are in `report/`.

use std::time::Duration;

use super::kind::ServerKind;

/// What became of a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The server did nothing: it was not reached, or it refused.
    NotDone,
    /// It may have done it: only a look tells.
    Unknown,
}

/// A request that failed. Nothing in here is a secret: of an answer that makes no sense only its kind is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerError {
    /// No connection, so nothing was sent: the host's name, and the system's words.
    Unreachable {
        /// The host.
        host: String,
        /// The system's words.
        detail: String,
    },
    /// Its certificate is not one of this host that an authority vouches for now; nothing was sent.
    Certificate {
        /// The host.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
    /// No secure connection with it came about, or one broke.
    NotSecure {
        /// The host.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The request was sent, and no whole answer came.
    NoAnswer {
        /// The host.
        host: String,
        /// What came instead.
        detail: String,
    },
    /// It asked to be asked later, for longer than this waits.
    Busy {
        /// The host.
        host: String,
        /// The pause that it named last.
        pause: Option<Duration>,
    },
    /// It has a fault of its own.
    Faulty {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer is not one of this kind of server: a proxy's page, a portal that wants a sign-in, another program.
    NotJson {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// It sends whoever asks elsewhere, which is not followed: a credential would go there.
    Redirected {
        /// The host.
        host: String,
        /// Where to; empty where that is not said.
        to: String,
    },
    /// The answer is larger than any of this kind.
    TooLarge(String),
    /// A list whose pages do not come to an end, on this host.
    Endless(String),
    /// The answer lacks something.
    Lacks {
        /// The host.
        host: String,
        /// The field.
        field: &'static str,
    },
    /// It does not accept the account, or its credential.
    SignIn {
        /// The host.
        host: String,
        /// Its own words.
        detail: String,
    },
    /// The account may not do this.
    Forbidden {
        /// The host.
        host: String,
        /// Its own words.
        detail: String,
    },
    /// It refused.
    Refused {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// Its own words.
        detail: String,
    },
    /// It has no such thing.
    Absent(String),
    /// This kind of server has no such call.
    NoSuchCall(ServerKind),
    /// The address cannot be asked: the environment names a proxy that is none, for example.
    Unusable(String),
    /// A policy of this host gives every token that is enrolled a new PIN: it was not enrolled again.
    NewPin(String),
    /// Somebody has to allow this at a page of the server's, and has not in time.
    NotAllowed {
        /// The page.
        page: String,
    },
}

impl ServerError {
    /// What became of a request that would have changed something.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self {
            Self::NoAnswer { .. }
            | Self::NotSecure { .. }
            | Self::Faulty { .. }
            | Self::Redirected { .. }
            | Self::Refused { status: 408, .. }
            | Self::NotJson { .. }
            | Self::TooLarge(_)
            | Self::Endless(_)
            | Self::Lacks { .. } => Fate::Unknown,
            _ => Fate::NotDone,
        }
    }

    /// Whether the next token would meet the same: the server is away, or does not let this account in.
    #[must_use]
    pub fn stops_all(&self) -> bool {
        !matches!(
            self,
            Self::Refused { .. }
                | Self::Absent(_)
                | Self::Lacks { .. }
                | Self::NoSuchCall(_)
                | Self::NewPin(_)
                // One token may be what it stumbles over.
                | Self::Faulty { .. }
        )
    }
}
