//! The memory of an emulated Molto2, with a switch for each fact that nobody knows (`docs/devices.md` §9).

use serde::{Deserialize, Serialize};

use super::clock::TokenClock;
use super::crypto;

/// The SM4 key of a Molto2 from the factory (`docs/devices.md` §3).
const FACTORY_KEY: &str = "099250fdb017f442da429ecbbee17f79";

/// The tries before it locks.
const TRIES: u8 = 8;

/// A slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoltoSlot {
    /// The seed as hex digits; empty when there is none.
    pub seed: String,
    /// The title.
    pub title: String,
    /// SHA-256 instead of SHA-1.
    pub sha256: bool,
    /// The time step in seconds.
    pub step_s: u32,
    /// The digits.
    pub digits: u32,
    /// The display time in seconds.
    pub display_s: u32,
    /// A clock of its own, on a device whose slots have one.
    pub clock: Option<TokenClock>,
}

/// One side of each fact that nobody knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that may be either way")]
pub struct MoltoSwitches {
    /// Each slot has a clock of its own, and the one that is shown is none of them.
    pub clock_per_slot: bool,
    /// A slot that holds a seed takes no other.
    pub keeps_seeded: bool,
    /// A seed without padding is kept, not refused.
    pub keeps_unpadded: bool,
    /// A slot is cleared without the key.
    pub clears_without_key: bool,
    /// The tries left are the whole second byte, not its low half.
    pub tries_in_whole_byte: bool,
    /// 9000 instead of 9060 while the button is waited for.
    pub waits_with_9000: bool,
    /// Nobody presses the button.
    pub never_pressed: bool,
}

/// All that is in a Molto2. Seeds in here are test seeds: nothing protects them but the file's mode.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct MoltoState {
    /// Always `molto2`.
    family: String,
    /// The serial: ASCII digits.
    pub serial: String,
    /// SM4's key as 32 hex digits.
    pub key: String,
    /// The slots, 50 or 100.
    pub slots: Vec<MoltoSlot>,
    /// The clock that it shows.
    pub clock: TokenClock,
    /// The tries that are left.
    pub tries: u8,
    /// The screen is locked.
    pub locked: bool,
    /// How often a wrong key was sent to it.
    pub wrong_keys: u32,
    /// The open facts.
    pub switches: MoltoSwitches,
}

impl std::fmt::Debug for MoltoState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MoltoState({})", self.serial)
    }
}

impl MoltoState {
    /// A Molto2 with so many slots as it comes from the factory, but for the seed that is in its first slot there.
    #[must_use]
    pub fn new(serial: &str, slots: usize, clock: TokenClock) -> Self {
        let empty = MoltoSlot {
            seed: String::new(),
            title: String::new(),
            sha256: false,
            step_s: 30,
            digits: 6,
            display_s: 30,
            clock: None,
        };
        Self {
            family: "molto2".to_owned(),
            serial: serial.to_owned(),
            key: FACTORY_KEY.to_owned(),
            slots: vec![empty; slots],
            clock,
            tries: TRIES,
            locked: false,
            wrong_keys: 0,
            switches: MoltoSwitches::default(),
        }
    }

    /// Forgets everything but its serial and its clock.
    pub(super) fn forget_all(&mut self) {
        let switches = self.switches;
        *self = Self { switches, ..Self::new(&self.serial, self.slots.len(), self.clock) };
    }

    /// A right key was sent.
    pub(super) fn unlocked(&mut self) {
        self.tries = TRIES;
    }

    /// The seed of a slot; empty when there is none.
    #[must_use]
    pub fn seed_bytes(&self, slot: usize) -> Vec<u8> {
        let seed = self.slots.get(slot).map(|slot| slot.seed.as_str()).unwrap_or_default();
        data_encoding::HEXLOWER.decode(seed.as_bytes()).unwrap_or_default()
    }

    /// The clock that a slot counts by.
    #[must_use]
    pub fn clock_of(&self, slot: usize) -> TokenClock {
        self.slots.get(slot).and_then(|slot| slot.clock).unwrap_or(self.clock)
    }

    /// The code that a slot shows at a true time; `None` without a seed.
    #[must_use]
    pub fn display(&self, slot: usize, host_ns: i64) -> Option<String> {
        let seed = self.seed_bytes(slot);
        let held = self.slots.get(slot).filter(|_| !seed.is_empty())?;
        let counter = u64::from(self.clock_of(slot).reading(host_ns) / held.step_s.max(1));
        Some(crypto::code(&seed, held.sha256, counter, held.digits))
    }

    /// Whether a file's state is one.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if !(1..=32).contains(&self.serial.len()) || !self.serial.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("the serial has no 1 to 32 digits");
        }
        if !matches!(self.slots.len(), 50 | 100) {
            return Err("there are neither 50 nor 100 slots");
        }
        let is_right = |slot: &MoltoSlot| {
            data_encoding::HEXLOWER.decode(slot.seed.as_bytes()).is_ok_and(|seed| seed.len() <= 64)
                && matches!(slot.step_s, 30 | 60)
                && matches!(slot.digits, 4 | 6 | 8 | 10)
                && slot.title.len() <= 16
                && slot.clock.is_none_or(|clock| clock.is_sane())
        };
        if !self.slots.iter().all(is_right) || !self.clock.is_sane() {
            return Err("a slot or the clock is out of bounds");
        }
        crypto::key_from_hex(&self.key).map(|_| ()).ok_or("the key has no 32 hex digits")
    }
}
