//! A session on a token. Its states are types: what is not authenticated has no method that writes.

use super::super::command::{read_info, send, send_in_contact};
use super::super::{Config, DeviceError, Info, Reason, Step, check_same};
use super::TokenKey;
use super::command::{AnswerChallenge, GetChallenge, GetInfo, WriteConfig, WriteSeed};
use crate::iso7816::Apdu;
use crate::link::Link;
use crate::seed::Seed;

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
    /// [`DeviceError`] at [`Step::Info`].
    pub fn open(link: &'l mut dyn Link) -> Result<Self, DeviceError> {
        Self::open_patiently(link, &mut |_| false)
    }

    /// The same; `again` is given each error, and whether it is asked once more is what it returns.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Info`].
    pub fn open_patiently(
        link: &'l mut dyn Link,
        again: &mut dyn FnMut(&DeviceError) -> bool,
    ) -> Result<Self, DeviceError> {
        loop {
            match get_info(link) {
                Ok((info, _)) => return Ok(Self { link, info, state: Identified(()) }),
                Err(error) if again(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes hold of the card and authenticates: one attempt, because tokens made before 2025 lock for good after
    /// some wrong answers (`docs/protocol.md` §1). A refusal ends the session.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Hold`], [`Step::Challenge`] or [`Step::Answer`].
    pub fn authenticate(self, key: &TokenKey) -> Result<Session<'l, Authenticated>, DeviceError> {
        let Self { link, info, .. } = self;
        link.hold().map_err(|error| DeviceError { step: Step::Hold, reason: Reason::Link(error) })?;
        let data = send(link, Step::Challenge, &GetChallenge.apdu())?;
        let challenge = GetChallenge.parse(&data).map_err(|length| DeviceError {
            step: Step::Challenge,
            reason: Reason::Malformed(format!("a challenge of {length} bytes where 8 are due")),
        })?;
        in_contact(link, Step::Answer, &AnswerChallenge { challenge }.apdu(key))?;
        Ok(Session { link, info, state: Authenticated { key: key.clone() } })
    }
}

impl<State> Session<'_, State> {
    /// The token's answer when it was last asked.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Reads serial and clock again: one APDU.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Info`], also if the serial is not the one that this contact began with.
    pub fn read_info(&mut self) -> Result<(&Info, u32), DeviceError> {
        let (info, clock) = get_info(self.link)?;
        check_same(&self.info, &info)?;
        self.info = info;
        Ok((&self.info, clock))
    }
}

impl Session<'_, Authenticated> {
    /// Writes profile and clock. On a restricted model this erases the seed.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Config`].
    pub fn write_config(&mut self, config: Config) -> Result<(), DeviceError> {
        let beyond = |reason| DeviceError { step: Step::Config, reason };
        let Config { profile, clock, .. } = config;
        self.info.can.check_profile(profile).map_err(|error| beyond(Reason::Beyond(error)))?;
        let clock = clock.ok_or_else(|| beyond(Reason::Malformed("no clock to write".to_owned())))?;
        let apdu = WriteConfig { profile, clock }.apdu(&self.state.key);
        in_contact(self.link, Step::Config, &apdu)
    }

    /// Writes the seed; one of more than 63 bytes is refused before anything is sent.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Seed`].
    pub fn write_seed(&mut self, seed: &Seed) -> Result<(), DeviceError> {
        let fits = self.info.can.check_seed(seed.len());
        fits.map_err(|error| DeviceError { step: Step::Seed, reason: Reason::Beyond(error) })?;
        let apdu = WriteSeed { seed }.apdu(&self.state.key);
        in_contact(self.link, Step::Seed, &apdu)
    }
}

impl Session<'_, Authenticated> {
    /// Resets the token within the contact: the one way to see whether it forgets that it was authenticated, which §7 of
    /// `docs/protocol.md` leaves open.
    ///
    /// # Errors
    /// [`DeviceError`] at [`Step::Hold`].
    pub fn reset(&mut self) -> Result<(), DeviceError> {
        self.link.reset().map_err(|error| DeviceError { step: Step::Hold, reason: Reason::Link(error) })
    }
}

/// A command that the token carries out only within one contact, from the challenge on.
fn in_contact(link: &mut dyn Link, step: Step, apdu: &Apdu) -> Result<(), DeviceError> {
    send_in_contact(link, step, apdu, &GetInfo.apdu()).map(|_| ())
}

fn get_info(link: &mut dyn Link) -> Result<(Info, u32), DeviceError> {
    read_info(link, &GetInfo.apdu(), |data| GetInfo.parse(data))
}
