//! An exchange with a device that went wrong: at which step, and why.

use std::fmt;

use super::{CapabilityError, Info};
use crate::iso7816::StatusWord;
use crate::link::{LinkError, LinkFault};
use crate::time::HostDoubt;

/// The exchange in which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Get info.
    Info,
    /// Taking hold of the card, before the challenge.
    Hold,
    /// Get challenge.
    Challenge,
    /// Answer challenge.
    Answer,
    /// Write config.
    Config,
    /// Write seed.
    Seed,
    /// Read a slot's public state.
    Slot,
    /// Write a slot's title.
    Title,
    /// Clear a slot.
    Clear,
    /// A change of the whole device: its key, its screen lock, its interfaces, or its reset.
    Device,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "get info",
            Self::Hold => "taking hold of the card",
            Self::Challenge => "get challenge",
            Self::Answer => "answer challenge",
            Self::Config => "write config",
            Self::Seed => "write seed",
            Self::Slot => "read slot",
            Self::Title => "write title",
            Self::Clear => "clear slot",
            Self::Device => "change the device",
        })
    }
}

/// An exchange with a token that did not end in 9000.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {reason}")]
pub struct DeviceError {
    /// Where it happened.
    pub step: Step,
    /// The event.
    pub reason: Reason,
}

impl DeviceError {
    /// Whether another program reset the token: it may be there still, and the job may begin again on the same serial.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        matches!(&self.reason, Reason::Link(link) if link.fault == LinkFault::Reset)
    }

    /// Whether a token that was just switched on, or is cold, fails to say who it is like this: one answer is lost, or comes
    /// with a status that says nothing (6300, 6F XX).
    #[must_use]
    pub fn is_not_awake(&self) -> bool {
        match &self.reason {
            Reason::Link(link) => link.fault == LinkFault::NoAnswer,
            Reason::Refused(status) => self.step == Step::Info && status.says_nothing(),
            _ => false,
        }
    }
}

/// The trouble in an exchange.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The link broke. A write's outcome is unknown then.
    #[error(transparent)]
    Link(LinkError),
    /// The token answered, and refused.
    #[error("refused with {0}")]
    Refused(StatusWord),
    /// The answer makes no sense.
    #[error("{0}")]
    Malformed(String),
    /// The device cannot hold what was to be written: nothing was sent.
    #[error(transparent)]
    Beyond(CapabilityError),
    /// The write was held back: the caller found a reason not to send it.
    #[error("held back: {0:?}")]
    Withheld(HostDoubt),
    /// Another serial than at the beginning of this contact.
    #[error("the serial changed to {0} within one contact")]
    SerialChanged(String),
}

/// Whether the token that answers now is the one that answered before.
///
/// # Errors
/// [`Reason::SerialChanged`] at [`Step::Info`].
pub fn check_same(before: &Info, now: &Info) -> Result<(), DeviceError> {
    if now.serial == before.serial {
        return Ok(());
    }
    Err(DeviceError { step: Step::Info, reason: Reason::SerialChanged(now.serial.to_string()) })
}
