//! A Molto2's treatment of a command (`docs/devices.md` §3, §4).

use std::sync::Arc;

use super::command::{body, challenge, reply, sw};
use super::crypto;
use super::emulated::Emulated;
use super::molto2_state::{MoltoSlot, MoltoState};
use crate::time::{HostClock, Moment, unix_ns};

/// An order that waits for the button.
enum Waits {
    Key([u8; 16]),
    Reset,
}

/// An emulated Molto2 that is plugged in.
pub struct EmulatedMolto2 {
    state: MoltoState,
    challenge: Option<[u8; 8]>,
    authenticated: bool,
    waits: Option<Waits>,
    truth: Arc<dyn HostClock>,
    began: Moment,
}

impl Emulated for EmulatedMolto2 {
    type State = MoltoState;

    /// No Molto2's own, which is not published: it spells the name, so that a virtual reader's can be told.
    const ATR: &'static [u8] = &[0x3B, 0x86, 0x80, 0x01, b'M', b'O', b'L', b'T', b'O', b'2', 0x2E];

    fn switched_on(state: MoltoState, truth: Arc<dyn HostClock>) -> Self {
        let began = truth.now();
        Self { state, challenge: None, authenticated: false, waits: None, truth, began }
    }

    fn state(&self) -> &MoltoState {
        &self.state
    }

    fn reset(&mut self) {
        self.challenge = None;
        self.authenticated = false;
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        reply(self.dispatch(command))
    }
}

impl EmulatedMolto2 {
    /// The true time in nanoseconds of Unix time.
    #[must_use]
    pub fn true_time_ns(&self) -> i64 {
        let passed = self.truth.now().monotonic.saturating_sub(self.began.monotonic);
        unix_ns(self.began.wall) + i64::try_from(passed.as_nanos()).unwrap_or(0)
    }

    /// The code that a slot shows now.
    #[must_use]
    pub fn display(&self, slot: usize) -> Option<String> {
        self.state.display(slot, self.true_time_ns())
    }

    /// Somebody presses the button that confirms.
    pub fn press(&mut self) {
        match self.waits.take() {
            Some(Waits::Key(key)) => self.state.key = data_encoding::HEXLOWER.encode(&key),
            Some(Waits::Reset) => self.state.forget_all(),
            None => {}
        }
        self.authenticated = false;
    }

    fn key(&self) -> [u8; 16] {
        crypto::key_from_hex(&self.state.key).unwrap_or_default()
    }

    fn dispatch(&mut self, command: &[u8]) -> Result<Vec<u8>, u16> {
        let [class, ins, p1, p2, rest @ ..] = command else { return Err(sw::WRONG_LENGTH) };
        match (class, ins, p1) {
            (0x80, 0x41, 0) if rest == [0] => Ok(self.info()),
            (0x80, 0x41, 0) if rest == [1, 0x70] => self.public_block(*p2),
            (0x80, 0x41, 0) => Err(0x6FFB),
            (0x80, 0x4B, 8) => Ok(self.new_challenge()),
            (0x80, 0xCE, 0) => body(rest).and_then(|answer| self.check_answer(answer)),
            (0x80, 0xE6, 0) => self.clear(*p2),
            (0x80, 0x56, 0) => self.wait_for_button(Waits::Reset),
            (0x80, 0xD8, 0x0C) if !self.authenticated => Err(sw::BLOCKED),
            (0x80, 0xD8, 0x0C) => {
                self.state.locked = rest == [0];
                Ok(Vec::new())
            }
            (0x84, _, _) => self.write([*ins, *p1, *p2], rest),
            (0x80, _, _) => Err(sw::NO_INSTRUCTION),
            _ => Err(sw::NO_CLASS),
        }
    }

    fn info(&self) -> Vec<u8> {
        let mut data = vec![0x95, 0x00, 0x02, self.state.serial.len() as u8];
        data.extend_from_slice(self.state.serial.as_bytes());
        data.extend_from_slice(&[0x11, 0x04]);
        data.extend_from_slice(&self.state.clock.reading(self.true_time_ns()).to_be_bytes());
        data
    }

    fn public_block(&self, slot: u8) -> Result<Vec<u8>, u16> {
        let at = usize::from(slot);
        let held = self.state.slots.get(at).ok_or(0x6A83_u16)?;
        let mut data = vec![0x95, 0x1F, 0x70, 0x1D, if held.title.is_empty() { 0x00 } else { 0x20 }];
        let mut title = held.title.clone().into_bytes();
        title.resize(16, 0);
        data.extend_from_slice(&title);
        data.extend_from_slice(&self.state.clock.reading(self.true_time_ns()).to_be_bytes());
        data.extend_from_slice(&[0; 4]);
        let has_seed = u8::from(!held.seed.is_empty());
        data.extend_from_slice(&[1 + u8::from(held.sha256), held.step_s as u8, held.digits as u8, has_seed]);
        Ok(data)
    }

    fn new_challenge(&mut self) -> Vec<u8> {
        let challenge = challenge(self.true_time_ns());
        self.authenticated = false;
        self.challenge = Some(challenge);
        challenge.to_vec()
    }

    fn check_answer(&mut self, answer: &[u8]) -> Result<Vec<u8>, u16> {
        let challenge = self.challenge.take().filter(|_| answer.len() == 16).ok_or(sw::WRONG_DATA)?;
        if self.state.tries == 0 {
            return Err(sw::BLOCKED);
        }
        if answer != crypto::expected_answer(&self.key(), challenge) {
            self.state.wrong_keys = self.state.wrong_keys.saturating_add(1);
            self.state.tries -= 1;
            let high = if self.state.switches.tries_in_whole_byte { 0x6300 } else { 0x63C0 };
            return Err(high | u16::from(self.state.tries));
        }
        self.state.unlocked();
        self.authenticated = true;
        Ok(Vec::new())
    }

    fn clear(&mut self, slot: u8) -> Result<Vec<u8>, u16> {
        if !self.authenticated && !self.state.switches.clears_without_key {
            return Err(sw::BLOCKED);
        }
        let held = self.slot(slot)?;
        match std::mem::take(&mut held.seed).is_empty() {
            true => Err(0x6A83),
            false => Ok(Vec::new()),
        }
    }

    fn slot(&mut self, slot: u8) -> Result<&mut MoltoSlot, u16> {
        self.state.slots.get_mut(usize::from(slot)).ok_or(0x6A83)
    }

    /// An order that takes effect when the button is pressed, which somebody does at once unless nobody ever does.
    fn wait_for_button(&mut self, what: Waits) -> Result<Vec<u8>, u16> {
        self.waits = Some(what);
        if !self.state.switches.never_pressed {
            self.press();
        }
        if self.state.switches.waits_with_9000 { Ok(Vec::new()) } else { Err(0x9060) }
    }

    fn write(&mut self, [ins, p1, p2]: [u8; 3], rest: &[u8]) -> Result<Vec<u8>, u16> {
        let whole = body(rest)?;
        let (content, mac) = whole.split_last_chunk::<4>().ok_or(sw::WRONG_LENGTH)?;
        if !self.authenticated || *mac != crypto::mac(&self.key(), [ins, p1, p2], content) {
            return Err(sw::BLOCKED);
        }
        let key = self.key();
        match (ins, p1) {
            (0xC5, 0x01) => self.write_seed(p2, &crypto::decrypt_blocks(&key, content).ok_or(sw::WRONG_DATA)?),
            (0xD5, 0x00) => {
                let title = crypto::decrypt_seed(&key, content).ok_or(sw::WRONG_DATA)?;
                let title = String::from_utf8(title).ok().filter(|title| (1..=12).contains(&title.len()));
                self.slot(p2)?.title = title.ok_or(sw::WRONG_DATA)?;
                Ok(Vec::new())
            }
            (0xD4, 0x01) => self.write_config(p2, content),
            (0xD7, 0x00) => {
                let plain = crypto::decrypt_seed(&key, content).ok_or(sw::WRONG_DATA)?;
                let [0x00, new @ ..] = plain.as_slice() else { return Err(sw::WRONG_DATA) };
                let new = new.try_into().map_err(|_| sw::WRONG_DATA)?;
                self.wait_for_button(Waits::Key(new))
            }
            _ => Err(sw::NO_INSTRUCTION),
        }
    }

    fn write_seed(&mut self, slot: u8, plain: &[u8]) -> Result<Vec<u8>, u16> {
        let switches = self.state.switches;
        let held = self.slot(slot)?;
        if plain.iter().all(|byte| *byte == 0) {
            held.seed.clear();
            return Ok(Vec::new());
        }
        if switches.keeps_seeded && !held.seed.is_empty() {
            return Err(0x6985);
        }
        let seed = match crypto::unpadded(plain) {
            Some(seed) if (1..=63).contains(&seed.len()) => seed,
            None if switches.keeps_unpadded => plain.to_vec(),
            _ => return Err(sw::WRONG_DATA),
        };
        held.seed = data_encoding::HEXLOWER.encode(&seed);
        Ok(Vec::new())
    }

    fn write_config(&mut self, slot: u8, content: &[u8]) -> Result<Vec<u8>, u16> {
        let now = self.true_time_ns();
        let (clock, set) = match content {
            [0x81, 0x06, 0x0F, 0x04, a, b, c, d] => ([*a, *b, *c, *d], None),
            [
                0x81,
                0x14,
                0x1F,
                0x01,
                display,
                0x0F,
                0x04,
                a,
                b,
                c,
                d,
                0x86,
                0x09,
                0x0A,
                0x01,
                hash,
                0x0B,
                0x01,
                digits,
                0x0D,
                0x01,
                step,
            ] => {
                let display_s = *[15, 30, 60, 120].get(usize::from(*display)).ok_or(sw::WRONG_DATA)?;
                if !matches!(hash, 1 | 2) || !matches!(step, 30 | 60) || !matches!(digits, 4 | 6 | 8 | 10) {
                    return Err(sw::WRONG_DATA);
                }
                ([*a, *b, *c, *d], Some((display_s, *hash == 2, u32::from(*digits), u32::from(*step))))
            }
            _ => return Err(sw::WRONG_DATA),
        };
        let (per_slot, shown) = (self.state.switches.clock_per_slot, self.state.clock);
        let held = self.slot(slot)?;
        if let Some((display_s, sha256, digits, step_s)) = set {
            (held.display_s, held.sha256, held.digits, held.step_s) = (display_s, sha256, digits, step_s);
        }
        let seconds = u32::from_be_bytes(clock);
        match per_slot {
            true => held.clock.get_or_insert(shown).set(seconds, now),
            false => self.state.clock.set(seconds, now),
        }
        Ok(Vec::new())
    }
}
