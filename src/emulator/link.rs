//! An emulated token in process.

use std::sync::Arc;
use std::time::Duration;

use super::card::Card;
use super::emulated::Emulated;
use super::fault::{Fault, FaultKind};
use super::state::StateFile;
use crate::link::{Link, LinkError, LinkFault};
use crate::time::HostClock;

/// How long a command takes to reach the token, and its answer to come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// Before the token carries the command out.
    pub there: Duration,
    /// After that.
    pub back: Duration,
}

/// A link to an emulated token in this process, or to an emulated device of another family.
pub struct EmulatedLink<C: Emulated = Card> {
    card: C,
    file: Option<StateFile>,
    clock: Arc<dyn HostClock>,
    latency: Latency,
    faults: Vec<Fault>,
    commands: u32,
    gone: bool,
    /// It ends with the first contact, as a reader's does.
    closes: bool,
    closed: bool,
}

impl<C: Emulated> EmulatedLink<C> {
    /// A token that forgets everything with this process.
    #[must_use]
    pub fn new(state: C::State, clock: Arc<dyn HostClock>) -> Self {
        let card = C::switched_on(state, Arc::clone(&clock));
        let (latency, faults) = (Latency::default(), Vec::new());
        Self { card, file: None, clock, latency, faults, commands: 0, gone: false, closes: false, closed: false }
    }

    /// A token that keeps its state, which is `state` now, in a file.
    #[must_use]
    pub fn kept(file: StateFile, state: C::State, clock: Arc<dyn HostClock>) -> Self {
        Self { file: Some(file), closes: true, ..Self::new(state, clock) }
    }

    /// The same link, which ends when it is closed, as a reader's does.
    #[must_use]
    pub fn with_one_contact(self) -> Self {
        Self { closes: true, ..self }
    }

    /// The same token, but slower.
    #[must_use]
    pub fn with_latency(self, latency: Latency) -> Self {
        Self { latency, ..self }
    }

    /// The same token, with faults to come.
    #[must_use]
    pub fn with_faults(self, faults: Vec<Fault>) -> Self {
        Self { faults, ..self }
    }

    /// The token.
    #[must_use]
    pub fn card(&self) -> &C {
        &self.card
    }

    /// The token, to do with it what a hand does.
    pub fn card_mut(&mut self) -> &mut C {
        &mut self.card
    }

    /// Whether it is off its reader.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.gone
    }

    /// How many commands were sent to it since it was laid down.
    #[must_use]
    pub fn commands(&self) -> u32 {
        self.commands
    }

    fn carry_out(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let before = self.card.state().clone();
        let reply = self.card.transmit(command);
        if self.card.has_left() {
            self.gone = true;
        }
        if let Some(file) = &self.file
            && *self.card.state() != before
        {
            // A token that cannot remember must not say that it did.
            file.save(self.card.state()).map_err(|error| LinkError::new(LinkFault::Other, error.to_string()))?;
        }
        Ok(reply)
    }

    fn wait(&self, span: Duration) {
        if !span.is_zero() {
            self.clock.sleep_until(self.clock.now().monotonic + span);
        }
    }

    /// Whether it can still be spoken to: a reader's link is closed once.
    fn check_there(&self) -> Result<(), LinkError> {
        match (self.gone, self.closed) {
            (true, _) => Err(LinkError::new(LinkFault::LeftBefore, "the emulated token is not on the reader")),
            (false, true) => Err(LinkError::new(LinkFault::ReaderGone, "the link to the emulated token is closed")),
            (false, false) => Ok(()),
        }
    }

    fn leave(&mut self) -> LinkError {
        self.gone = true;
        self.card.reset();
        LinkError::new(LinkFault::Removed, "the emulated token was taken off")
    }
}

impl<C: Emulated> Link for EmulatedLink<C> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.check_there()?;
        self.commands += 1;
        self.wait(self.latency.there);
        let fault = self.faults.iter().find(|fault| fault.at == self.commands).map(|fault| fault.kind.clone());
        let reply = match fault {
            None => self.carry_out(command),
            Some(FaultKind::LeaveBefore) => Err(self.leave()),
            Some(FaultKind::LeaveAfter) => self.carry_out(command).and_then(|_| Err(self.leave())),
            Some(FaultKind::Reset) => {
                self.card.reset();
                Err(LinkError::new(LinkFault::Reset, "another program reset the emulated token"))
            }
            Some(FaultKind::NoAnswer) => {
                self.carry_out(command)?;
                Err(LinkError::new(LinkFault::NoAnswer, "one answer of the emulated token was lost"))
            }
            Some(FaultKind::Answer(bytes)) => Ok(bytes),
        };
        self.wait(self.latency.back);
        reply
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.check_there()?;
        self.card.reset();
        Ok(())
    }

    fn close(&mut self) {
        self.closed = self.closes;
        self.card.reset();
    }
}
