//! The link to a card: one trait that carries APDUs, and what wraps it.

mod exchange;
mod trace;

pub use exchange::{ExchangeError, exchange};
pub use trace::Trace;

/// A card in reach: on a reader, or in software.
pub trait Link {
    /// Sends one command and returns the reply, status word included. What comes back is not checked.
    ///
    /// # Errors
    /// [`LinkError`]. Whether the card carried the command out is unknown then.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError>;

    /// Keeps every other program off the card until [`Link::close`].
    ///
    /// # Errors
    /// [`LinkError`], among others when another program does not let go of the card.
    fn hold(&mut self) -> Result<(), LinkError>;

    /// Resets the card and stays connected to it. What it kept from before, its next answers show.
    ///
    /// # Errors
    /// [`LinkError`].
    fn reset(&mut self) -> Result<(), LinkError>;

    /// Resets the card, so that no authenticated session is left on it, and lets go of it.
    fn close(&mut self);
}

/// A fault of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// The card had left before this command was sent; this link stays dead even when it is back.
    LeftBefore,
    /// The card left the reader or switched itself off, perhaps in the middle of this command.
    Removed,
    /// Another program, or the system, reset the card: its authentication is gone.
    Reset,
    /// One answer did not come through although the card may still be there.
    NoAnswer,
    /// No answer within the time that is allowed for one.
    TimedOut,
    /// Another program holds the card and does not let go.
    Busy,
    /// The PC/SC service stands still: nothing comes through.
    ServiceHangs,
    /// The reader or the PC/SC service is gone.
    ReaderGone,
    /// The user interrupted the wait for the card.
    Interrupted,
    /// Anything else.
    Other,
}

/// A link that did not carry a command and its reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct LinkError {
    /// The event.
    pub fault: LinkFault,
    /// The same in words, with the platform's own name for it.
    pub detail: String,
}

impl LinkError {
    /// An error of this kind with these words.
    #[must_use]
    pub fn new(fault: LinkFault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into() }
    }
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        (**self).transmit(command)
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        (**self).hold()
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        (**self).reset()
    }

    fn close(&mut self) {
        (**self).close();
    }
}

impl<L: Link + ?Sized> Link for &mut L {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        (**self).transmit(command)
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        (**self).hold()
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        (**self).reset()
    }

    fn close(&mut self) {
        (**self).close();
    }
}
