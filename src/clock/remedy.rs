//! Remedies for a host's clock that cannot be trusted, as data: the front end words them.

/// Something that makes the host's clock trustworthy, or takes it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockRemedy {
    /// Set the host's clock.
    Set,
    /// Synchronise it, ask a server, or accept it.
    Synchronise,
    /// Find out which of host and server is right.
    Compare,
    /// Set it, let what is written be corrected, or accept it.
    Correct,
    /// Ask another server, or none, or accept the host's clock.
    OtherServer,
}
