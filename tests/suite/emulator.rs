//! The emulated token keeps the rules of `docs/protocol.md` over a million commands, well-formed and not.
//!
//! The commands are made by the programmer's side, which shares no cryptography with the emulator, and then bent. What
//! the token may do is decided here from the protocol alone: the last challenge, whether its answer was accepted since,
//! and what was sent.

use std::sync::Arc;

use tokentap::device::token2::TokenKey;
use tokentap::device::token2::command::{AnswerChallenge, GetChallenge, GetInfo, WriteConfig, WriteSeed};
use tokentap::device::token2::parse_info;
use tokentap::device::{DisplayTime, Profile};
use tokentap::emulator::{Card, CardState};
use tokentap::otp::{Hash, TimeStep};
use tokentap::seed::Seed;
use tokentap::time::{HostClock, SimulatedClock};

use crate::support::{Dice, RESTRICTED, UNRESTRICTED, simulated_clock, token};

const COMMANDS: u32 = 1_000_000;

/// What is sent, as far as the rules tell one from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Info,
    Challenge,
    /// The right answer to the challenge that is outstanding, if there is one.
    Answer,
    Seed,
    Config,
    /// One of the above with one bit turned, or cut, or lengthened.
    Bent,
    /// Bytes without any sense.
    Noise,
}

struct World {
    card: Card,
    clock: SimulatedClock,
    key: TokenKey,
    restricted: bool,
    challenge: Option<[u8; 8]>,
    authenticated: bool,
}

impl World {
    fn new(serial: &str) -> Self {
        let clock = simulated_clock();
        let shared: Arc<dyn HostClock> = Arc::new(clock.clone());
        let card = Card::new(token(serial, b"the first seed", -97.25), shared);
        let (key, restricted) = (TokenKey::factory(), serial == RESTRICTED);
        Self { card, clock, key, restricted, challenge: None, authenticated: false }
    }

    /// A command of a kind, and what it would write if it is accepted.
    fn make(&self, kind: Sent, dice: &mut Dice) -> (Vec<u8>, Option<Seed>, Option<(Profile, u32)>) {
        match kind {
            Sent::Info => (GetInfo.apdu().as_bytes().to_vec(), None, None),
            Sent::Challenge => (GetChallenge.apdu().as_bytes().to_vec(), None, None),
            Sent::Answer => {
                let challenge = self.challenge.unwrap_or([dice.below(256) as u8; 8]);
                (AnswerChallenge { challenge }.apdu(&self.key).as_bytes().to_vec(), None, None)
            }
            Sent::Seed => {
                let length = 1 + dice.below(63) as usize;
                let seed = Seed::from_bytes((0..length).map(|_| dice.below(256) as u8).collect::<Vec<_>>()).unwrap();
                (WriteSeed { seed: &seed }.apdu(&self.key).as_bytes().to_vec(), Some(seed), None)
            }
            Sent::Config => {
                let hash = if dice.below(2) == 0 { Hash::Sha1 } else { Hash::Sha256 };
                let step = TimeStep::new(if dice.below(2) == 0 { 30 } else { 60 }).unwrap();
                let display = DisplayTime::of_seconds([15, 30, 60, 120][dice.below(4) as usize]).unwrap();
                let (profile, clock) = (Profile::new(hash, step, display), dice.below(1 << 32) as u32);
                (WriteConfig { profile, clock }.apdu(&self.key).as_bytes().to_vec(), None, Some((profile, clock)))
            }
            Sent::Bent => {
                let kinds = [Sent::Info, Sent::Challenge, Sent::Answer, Sent::Seed, Sent::Config];
                let (mut bytes, ..) = self.make(kinds[dice.below(5) as usize], dice);
                match dice.below(4) {
                    0 => bytes.truncate(dice.below(bytes.len() as u64) as usize),
                    1 => bytes.extend((0..=dice.below(4)).map(|_| 0xA5)),
                    _ => {
                        let bit = dice.below(bytes.len() as u64 * 8) as usize;
                        bytes[bit / 8] ^= 1 << (bit % 8);
                    }
                }
                (bytes, None, None)
            }
            Sent::Noise => ((0..dice.below(80)).map(|_| dice.below(256) as u8).collect(), None, None),
        }
    }

    /// Sends one command and holds its answer, and what it changed, against the rules.
    fn send(&mut self, kind: Sent, dice: &mut Dice) {
        let (command, seed, config) = self.make(kind, dice);
        let before = self.card.state().clone();
        let reply = self.card.transmit(&command);
        let after = self.card.state().clone();
        let (data, status) = reply.split_last_chunk::<2>().expect("a status word ends every reply");
        let status = u16::from_be_bytes(*status);
        let what = format!("{kind:?} {} answered {status:04X}", data_encoding::HEXLOWER.encode(&command));

        // §8: these words and no others; §3: only info and challenge answer with data.
        assert!([0x9000, 0x6983, 0x6A80, 0x6700, 0x6D00, 0x6E00].contains(&status), "{what}");
        let ins = command.get(..2);
        assert!(data.is_empty() || status == 0x9000 && matches!(ins, Some([0x80, 0x41 | 0x4B])), "{what}");
        // §8: an unknown class is 6E00, an unknown instruction of a known class is 6D00.
        if let Some([class, ins]) = command.get(..2).filter(|_| command.len() >= 4) {
            assert_eq!(status == 0x6E00, !matches!(class, 0x80 | 0x84), "{what}");
            let known = match (class, ins) {
                (0x80, 0x4B) => command[2] == 0x08,
                (0x84, 0xC5) => command[2] == 0x01,
                _ => matches!((class, ins), (0x80, 0x41 | 0xCE) | (0x84, 0xD4)),
            };
            match class {
                0x80 => assert_eq!(status == 0x6D00, !known, "{what}"),
                // §5: only once the MAC is right.
                0x84 => assert!(status != 0x6D00 || !known, "{what}"),
                _ => {}
            }
        }
        // §7: nothing is written without authentication, and nothing by a command that was not accepted.
        let is_write = matches!(ins, Some([0x84, 0xC5 | 0xD4]));
        let changed = CardState { wrong_answers: before.wrong_answers, ..after.clone() } != before;
        assert!(!changed || is_write && status == 0x9000 && self.authenticated, "{what}");
        assert!(!(is_write && status == 0x9000) || self.authenticated, "{what}");
        match kind {
            // §4: the serial and the clock as they are.
            Sent::Info => {
                let info = parse_info(data).expect("info");
                assert_eq!(
                    (info.serial.as_str(), info.clock),
                    (before.serial.as_str(), Some(self.reading())),
                    "{what}"
                );
            }
            Sent::Challenge => assert_eq!((status, data.len()), (0x9000, 8), "{what}"),
            // §5: the right answer is accepted; §8: one with no challenge outstanding is not acceptable.
            Sent::Answer => assert_eq!(status, if self.challenge.is_some() { 0x9000 } else { 0x6A80 }, "{what}"),
            // §5: the seed comes out as it went in, and nothing else changes.
            Sent::Seed => {
                assert_eq!(status, if self.authenticated { 0x9000 } else { 0x6983 }, "{what}");
                if self.authenticated {
                    assert_eq!(after.seed_bytes(), seed.unwrap().expose(), "{what}");
                    assert!(CardState { seed: before.seed.clone(), ..after.clone() } == before, "{what}");
                }
            }
            // §6: everything is set at once; §7: on a restricted model the seed is gone then.
            Sent::Config => {
                assert_eq!(status, if self.authenticated { 0x9000 } else { 0x6983 }, "{what}");
                if self.authenticated {
                    let (profile, clock) = config.unwrap();
                    let set = (after.sha256, after.step_s, after.display_s, self.reading());
                    let sent =
                        (profile.hash() == Hash::Sha256, profile.step().seconds(), profile.display().seconds(), clock);
                    assert_eq!(set, sent, "{what}");
                    let kept = if self.restricted { String::new() } else { before.seed.clone() };
                    assert_eq!(after.seed, kept, "{what}");
                }
            }
            // §5: the MAC covers header, length and body. An Le behind it is no part of the command (§2).
            Sent::Bent | Sent::Noise => {
                let lc = command.get(4).map_or(0, |lc| usize::from(*lc));
                assert!(!changed || command.len() == 5 + lc + 1, "{what}");
            }
        }
        self.learn(&command, data, status);
    }

    /// What the rules know of the token's mind after a command (§7).
    fn learn(&mut self, command: &[u8], data: &[u8], status: u16) {
        match (command.get(..2), status) {
            (Some([0x80, 0x4B]), 0x9000) => {
                self.challenge = Some(data.try_into().unwrap());
                self.authenticated = false;
            }
            (Some([0x80, 0xCE]), 0x9000) => {
                self.challenge = None;
                self.authenticated = true;
            }
            // One try a challenge; one of another length is none (§8).
            (Some([0x80, 0xCE]), 0x6983) => self.challenge = None,
            _ => {}
        }
    }

    fn reading(&self) -> u32 {
        self.card.state().clock.reading(self.card.true_time_ns())
    }
}

#[test]
fn over_a_million_commands_the_emulated_token_keeps_every_rule_of_the_protocol() {
    let mut dice = Dice::new();
    let kinds =
        [Sent::Info, Sent::Challenge, Sent::Answer, Sent::Seed, Sent::Config, Sent::Bent, Sent::Bent, Sent::Noise];
    let mut accepted = 0_u32;
    for serial in [UNRESTRICTED, RESTRICTED] {
        let mut world = World::new(serial);
        for _ in 0..COMMANDS / 2 {
            match dice.below(64) {
                // §7: a reset drops challenge and authentication.
                0 => {
                    world.card.reset();
                    (world.challenge, world.authenticated) = (None, false);
                }
                1 => world.clock.advance(std::time::Duration::from_millis(dice.below(5_000))),
                _ => {}
            }
            // Usually one after the other, so that writes are reached.
            let kind = match (world.challenge, world.authenticated) {
                (Some(_), false) if dice.below(3) == 0 => Sent::Answer,
                _ => kinds[dice.below(kinds.len() as u64) as usize],
            };
            world.send(kind, &mut dice);
            accepted += u32::from(world.authenticated);
        }
    }
    assert!(accepted > COMMANDS / 10, "only {accepted} commands met an authenticated token");
}

/// The status word of a reply.
fn status(reply: &[u8]) -> u16 {
    u16::from_be_bytes(*reply.last_chunk().unwrap())
}

#[test]
fn an_answer_of_another_length_keeps_the_challenge_and_counts_no_try() {
    // §8.
    let mut card = World::new(UNRESTRICTED).card;
    let challenge = GetChallenge.parse(&card.transmit(GetChallenge.apdu().as_bytes())[..8]).unwrap();
    let answer = AnswerChallenge { challenge }.apdu(&TokenKey::factory());
    let mut short = answer.as_bytes()[..20].to_vec();
    short[4] = 15;
    assert_eq!((status(&card.transmit(&short)), card.state().wrong_answers), (0x6A80, 0));
    assert_eq!(status(&card.transmit(answer.as_bytes())), 0x9000);
}

#[test]
fn another_p1_is_another_instruction_and_class_84_says_so_only_after_a_right_mac() {
    // §5 and §8.
    let mut world = World::new(UNRESTRICTED);
    assert_eq!(status(&world.card.transmit(&[0x80, 0x4B, 0x00, 0x00, 0x01, 0x00])), 0x6D00);
    let key = TokenKey::factory();
    let unknown = |ins, p1| {
        let body = key.encrypt_padded(b"a seed");
        let mac = key.mac(ins, p1, 0, &body);
        [&[0x84, ins, p1, 0, body.len() as u8 + 4][..], &body, &mac].concat()
    };
    let before = world.card.state().clone();
    for (ins, p1) in [(0xC5, 0x02), (0xC6, 0x01)] {
        assert_eq!(status(&world.card.transmit(&unknown(ins, p1))), 0x6D00);
        let mut forged = unknown(ins, p1);
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(status(&world.card.transmit(&forged)), 0x6983);
    }
    assert!(*world.card.state() == before);
}

#[test]
fn a_token_that_stays_authenticated_over_a_reset_is_authenticated_anew_in_every_contact() {
    // §7 leaves open whether a reset ends a session: it makes no difference to a job.
    for keeps_session in [false, true] {
        let clock = simulated_clock();
        let state = CardState { keeps_session, ..token(UNRESTRICTED, b"the first seed", -97.25) };
        let mut link = crate::support::link(state, &clock);
        for seed in [b"the second seed", b"the third seed!"] {
            let seed = Seed::from_bytes(seed.to_vec()).unwrap();
            crate::support::carry_out(&mut link, &clock, &crate::support::plan(Some(seed.clone()))).unwrap();
            assert_eq!(link.card().state().seed_bytes(), seed.expose());
        }
    }
}
