//! A session on a token. Its states are types: what is not authenticated has no method that writes.

use std::fmt;

use super::command::{AnswerChallenge, GetChallenge, GetInfo, WriteConfig, WriteSeed};
use super::{Info, Profile, TokenKey};
use crate::iso7816::{Apdu, StatusWord};
use crate::link::{ExchangeError, Link, LinkError, LinkFault, exchange};
use crate::seed::Seed;
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
        })
    }
}

/// An exchange with a token that did not end in 9000.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {reason}")]
pub struct TokenError {
    /// Where it happened.
    pub step: Step,
    /// What happened.
    pub reason: Reason,
}

impl TokenError {
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

/// What went wrong in an exchange.
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
    /// The write was held back: the caller found a reason not to send it.
    #[error("held back: {0:?}")]
    Withheld(HostDoubt),
    /// Another serial than at the beginning of this contact.
    #[error("the serial changed to {0} within one contact")]
    SerialChanged(String),
}

/// The token said who it is; nothing can be written yet.
#[derive(Debug)]
pub struct Identified(());

/// The token accepted the key; writes are possible until the contact ends.
#[derive(Debug)]
pub struct Authenticated {
    key: TokenKey,
}

/// One contact with one token, from get info to the reset at its end.
pub struct Session<'l, State> {
    link: &'l mut dyn Link,
    info: Info,
    state: State,
}

impl<'l> Session<'l, Identified> {
    /// Begins a contact by reading serial and clock: one APDU.
    ///
    /// # Errors
    /// [`TokenError`] at [`Step::Info`].
    pub fn open(link: &'l mut dyn Link) -> Result<Self, TokenError> {
        Self::open_patiently(link, &mut |_| false)
    }

    /// The same; `again` is given each error, and whether it is asked once more is what it returns.
    ///
    /// # Errors
    /// [`TokenError`] at [`Step::Info`].
    pub fn open_patiently(
        link: &'l mut dyn Link,
        again: &mut dyn FnMut(&TokenError) -> bool,
    ) -> Result<Self, TokenError> {
        loop {
            match get_info(link) {
                Ok(info) => return Ok(Self { link, info, state: Identified(()) }),
                Err(error) if again(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes hold of the card and authenticates: one attempt, because tokens made before 2025 lock for good after
    /// some wrong answers (`docs/protocol.md` §1). A refusal ends the session.
    ///
    /// # Errors
    /// [`TokenError`] at [`Step::Hold`], [`Step::Challenge`] or [`Step::Answer`].
    pub fn authenticate(self, key: &TokenKey) -> Result<Session<'l, Authenticated>, TokenError> {
        let Self { link, info, .. } = self;
        link.hold().map_err(|error| TokenError { step: Step::Hold, reason: Reason::Link(error) })?;
        let data = command(link, Step::Challenge, &GetChallenge.apdu())?;
        let challenge = GetChallenge.parse(&data).map_err(|length| TokenError {
            step: Step::Challenge,
            reason: Reason::Malformed(format!("a challenge of {length} bytes where 8 are due")),
        })?;
        in_contact(link, Step::Answer, &AnswerChallenge { challenge }.apdu(key))?;
        Ok(Session { link, info, state: Authenticated { key: key.clone() } })
    }
}

impl<State> Session<'_, State> {
    /// What the token said when it was last asked.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Reads serial and clock again: one APDU.
    ///
    /// # Errors
    /// [`TokenError`] at [`Step::Info`], also if the serial is not the one that this contact began with.
    pub fn read_info(&mut self) -> Result<&Info, TokenError> {
        let info = get_info(self.link)?;
        check_same(&self.info, &info)?;
        self.info = info;
        Ok(&self.info)
    }
}

impl Session<'_, Authenticated> {
    /// Writes profile and clock. On a restricted model this erases the seed.
    ///
    /// # Errors
    /// [`TokenError`] at [`Step::Config`].
    pub fn write_config(&mut self, profile: Profile, clock: u32) -> Result<(), TokenError> {
        let apdu = WriteConfig { profile, clock }.apdu(&self.state.key);
        in_contact(self.link, Step::Config, &apdu)
    }

    /// Writes the seed; one of more than 63 bytes is refused before anything is sent.
    ///
    /// # Errors
    /// [`TokenError`] at [`Step::Seed`].
    pub fn write_seed(&mut self, seed: &Seed) -> Result<(), TokenError> {
        seed.check_fits_token()
            .map_err(|error| TokenError { step: Step::Seed, reason: Reason::Malformed(error.to_string()) })?;
        let apdu = WriteSeed { seed }.apdu(&self.state.key);
        in_contact(self.link, Step::Seed, &apdu)
    }
}

/// Whether the token that answers now is the one that answered before.
///
/// # Errors
/// [`Reason::SerialChanged`] at [`Step::Info`].
pub fn check_same(before: &Info, now: &Info) -> Result<(), TokenError> {
    if now.serial == before.serial {
        return Ok(());
    }
    Err(TokenError { step: Step::Info, reason: Reason::SerialChanged(now.serial.to_string()) })
}

/// A command that the token carries out only within one contact, from the challenge on.
///
/// A program that resets the card in between makes the right answer wrong and the authentication void: its disconnect may come
/// through although the card is held. The next command tells, and what was refused so is no word of the token about the key.
fn in_contact(link: &mut dyn Link, step: Step, apdu: &Apdu) -> Result<(), TokenError> {
    let Err(error) = command(link, step, apdu) else { return Ok(()) };
    match &error.reason {
        Reason::Refused(status) if status.is_denial() => match get_info(link) {
            Err(now) if now.is_reset() => Err(TokenError { step, reason: now.reason }),
            _ => Err(error),
        },
        _ => Err(error),
    }
}

fn get_info(link: &mut dyn Link) -> Result<Info, TokenError> {
    let data = command(link, Step::Info, &GetInfo.apdu())?;
    GetInfo.parse(&data).map_err(|error| TokenError { step: Step::Info, reason: Reason::Malformed(error.to_string()) })
}

/// Sends one command; its data exists only after 9000.
fn command(link: &mut dyn Link, step: Step, apdu: &Apdu) -> Result<Vec<u8>, TokenError> {
    let failed = |reason| TokenError { step, reason };
    match exchange(link, apdu) {
        Ok(response) if response.status == StatusWord::OK => Ok(response.data),
        Ok(response) => Err(failed(Reason::Refused(response.status))),
        Err(ExchangeError::Link(error)) => Err(failed(Reason::Link(error))),
        Err(error) => Err(failed(Reason::Malformed(error.to_string()))),
    }
}
