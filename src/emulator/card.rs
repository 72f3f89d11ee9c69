//! The device's treatment of a command (`docs/protocol.md` §3 to §8).

use std::sync::Arc;

use super::command::{body, challenge, reply, sw};
use super::crypto;
use super::emulated::Emulated;
use super::state::CardState;
use crate::time::{HostClock, Moment, unix_ns};

/// The longest seed, in bytes.
const MAX_SEED: usize = 63;

/// An emulated token that is switched on.
pub struct Card {
    state: CardState,
    key: [u8; 16],
    challenge: Option<[u8; 8]>,
    authenticated: bool,
    truth: Arc<dyn HostClock>,
    began: Moment,
}

impl Card {
    /// A token with this state, in a world whose true time `truth` shows. Later steps of its wall clock are not seen.
    #[must_use]
    pub fn new(state: CardState, truth: Arc<dyn HostClock>) -> Self {
        let key = crypto::key_from_hex(&state.key).unwrap_or_default();
        let began = truth.now();
        Self { state, key, challenge: None, authenticated: false, truth, began }
    }

    /// The token's memory.
    #[must_use]
    pub fn state(&self) -> &CardState {
        &self.state
    }

    /// The true time in nanoseconds of Unix time.
    #[must_use]
    pub fn true_time_ns(&self) -> i64 {
        let passed = self.truth.now().monotonic.saturating_sub(self.began.monotonic);
        unix_ns(self.began.wall) + i64::try_from(passed.as_nanos()).unwrap_or(0)
    }

    /// The token's clock minus the true time now, in seconds.
    #[must_use]
    pub fn drift_s(&self) -> f64 {
        self.state.clock.drift_s(self.true_time_ns())
    }

    /// The code on the display now, after switching off and on; `None` without a seed.
    #[must_use]
    pub fn display(&self) -> Option<String> {
        self.state.display(self.true_time_ns())
    }

    /// Power was lost, or the reader reset the card: challenge and authentication are gone, unless it is a token that keeps them.
    pub fn reset(&mut self) {
        if self.state.keeps_session {
            return;
        }
        self.challenge = None;
        self.authenticated = false;
    }

    /// Carries out one command and returns data and status word.
    pub fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        reply(self.dispatch(command))
    }

    fn dispatch(&mut self, command: &[u8]) -> Result<Vec<u8>, u16> {
        let [class, ins, p1, p2, rest @ ..] = command else {
            return Err(sw::WRONG_LENGTH);
        };
        match (class, ins) {
            (0x80, 0x41) => body(rest).map(|_| self.info()),
            (0x80, 0x4B) if *p1 == 0x08 => body(rest).map(|_| self.new_challenge()),
            (0x80, 0xCE) => body(rest).and_then(|answer| self.check_answer(answer)),
            (0x84, _) => {
                let body = self.checked(rest, [*ins, *p1, *p2])?;
                match (ins, p1) {
                    (0xC5, 0x01) | (0xD4, _) if !self.authenticated => Err(sw::BLOCKED),
                    (0xC5, 0x01) => self.write_seed(body),
                    (0xD4, _) => self.write_config(body),
                    _ => Err(sw::NO_INSTRUCTION),
                }
            }
            (0x80, _) => Err(sw::NO_INSTRUCTION),
            _ => Err(sw::NO_CLASS),
        }
    }

    fn info(&self) -> Vec<u8> {
        let mut data = vec![0, 0, 0, self.state.serial.len() as u8];
        data.extend_from_slice(self.state.serial.as_bytes());
        data.extend_from_slice(&[0, 0]);
        data.extend_from_slice(&self.state.clock.reading(self.true_time_ns()).to_be_bytes());
        data
    }

    fn new_challenge(&mut self) -> Vec<u8> {
        let challenge = challenge(self.true_time_ns());
        self.authenticated = false;
        self.challenge = Some(challenge);
        challenge.to_vec()
    }

    fn check_answer(&mut self, answer: &[u8]) -> Result<Vec<u8>, u16> {
        // One of another length is no answer: the challenge stays, and no try is counted.
        if answer.len() != 16 {
            return Err(sw::WRONG_DATA);
        }
        let challenge = self.challenge.take().ok_or(sw::WRONG_DATA)?;
        if self.state.lock_after.is_some_and(|limit| self.state.wrong_answers >= limit) {
            return Err(sw::BLOCKED);
        }
        if answer != crypto::expected_answer(&self.key, challenge) {
            self.state.wrong_answers = self.state.wrong_answers.saturating_add(1);
            return Err(sw::BLOCKED);
        }
        self.state.wrong_answers = 0;
        self.authenticated = true;
        Ok(Vec::new())
    }

    /// The body of a command of class 84, after its MAC was found right.
    fn checked<'a>(&self, rest: &'a [u8], instruction: [u8; 3]) -> Result<&'a [u8], u16> {
        let body = body(rest)?;
        let (content, mac) = body.split_last_chunk::<4>().ok_or(sw::WRONG_LENGTH)?;
        if *mac != crypto::mac(&self.key, instruction, content) {
            return Err(sw::BLOCKED);
        }
        Ok(content)
    }

    fn write_seed(&mut self, body: &[u8]) -> Result<Vec<u8>, u16> {
        let seed = crypto::decrypt_seed(&self.key, body).ok_or(sw::WRONG_DATA)?;
        if !(1..=MAX_SEED).contains(&seed.len()) {
            return Err(sw::WRONG_DATA);
        }
        self.state.seed = data_encoding::HEXLOWER.encode(&seed);
        Ok(Vec::new())
    }

    fn write_config(&mut self, body: &[u8]) -> Result<Vec<u8>, u16> {
        let [0x81, 0x11, 0x1F, 0x01, display, 0x0F, 0x04, a, b, c, d, 0x86, 0x06, 0x0A, 0x01, hash, 0x0D, 0x01, step] =
            body
        else {
            return Err(sw::WRONG_DATA);
        };
        let display_s = [15, 30, 60, 120].get(usize::from(*display)).ok_or(sw::WRONG_DATA)?;
        if !matches!(hash, 1 | 2) || !matches!(step, 30 | 60) {
            return Err(sw::WRONG_DATA);
        }
        let now = self.true_time_ns();
        self.state.clock.set(u32::from_be_bytes([*a, *b, *c, *d]), now);
        self.state.display_s = *display_s;
        self.state.sha256 = *hash == 2;
        self.state.step_s = u32::from(*step);
        if self.state.restricted {
            self.state.seed.clear();
        }
        Ok(Vec::new())
    }
}

impl Emulated for Card {
    type State = CardState;

    /// That of a contactless card: no token's own, which is not published, but of the same shape.
    const ATR: &'static [u8] = &[0x3B, 0x88, 0x80, 0x01, b'T', b'O', b'K', b'E', b'N', b'T', b'A', b'P', 0x17];

    fn switched_on(state: CardState, truth: Arc<dyn HostClock>) -> Self {
        Self::new(state, truth)
    }

    fn state(&self) -> &CardState {
        &self.state
    }

    fn reset(&mut self) {
        Self::reset(self);
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        Self::transmit(self, command)
    }
}
