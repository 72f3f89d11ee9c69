//! What helps where a server did not do what was asked.

use super::error::ServerError;
use super::kind::ServerKind;

/// A remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerRemedy {
    /// See that the server runs and is reached from here; then run it again.
    Reach,
    /// Name the authority that vouches for the certificate, or have it renewed.
    Certificate,
    /// Run it again: what was done is looked up first.
    LookAgain,
    /// Wait, and run it again.
    Later,
    /// See that the address is the server's, and not a proxy's or a portal's.
    Address,
    /// See that account and credential are right; add the server again with others.
    Account,
    /// Have the account given the rights that a check names.
    Rights,
    /// See what the server says, and report what makes no sense.
    Words,
    /// Sign in at the page in time.
    SignInInTime,
    /// Use a command that this kind of server has.
    OtherKind(ServerKind),
    /// Have the policy that gives new PINs switched off meanwhile.
    SwitchOffNewPins,
    /// Correct the environment, or the server's settings.
    Environment,
}

impl ServerError {
    /// What helps.
    #[must_use]
    pub fn remedy(&self) -> ServerRemedy {
        match self {
            Self::Unreachable { .. } => ServerRemedy::Reach,
            Self::Certificate { .. } => ServerRemedy::Certificate,
            Self::NoAnswer { .. } | Self::Faulty { .. } | Self::TooLarge(_) => ServerRemedy::LookAgain,
            Self::Busy { .. } => ServerRemedy::Later,
            Self::NotJson { .. } | Self::NotSecure { .. } | Self::Redirected { .. } | Self::Lacks { .. } => {
                ServerRemedy::Address
            }
            Self::SignIn { .. } => ServerRemedy::Account,
            Self::Forbidden { .. } => ServerRemedy::Rights,
            Self::Refused { .. } | Self::Absent(_) | Self::Endless(_) => ServerRemedy::Words,
            Self::NewPin(_) => ServerRemedy::SwitchOffNewPins,
            Self::NotAllowed { .. } => ServerRemedy::SignInInTime,
            Self::NoSuchCall(kind) => ServerRemedy::OtherKind(*kind),
            Self::Unusable(_) => ServerRemedy::Environment,
        }
    }
}
