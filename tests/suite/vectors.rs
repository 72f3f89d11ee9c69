//! The known answers of `tests/data/protocol.json`: commands byte for byte, and the emulator's behaviour.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_json::Value;
use tokentap::device::token2::TokenKey;
use tokentap::device::token2::command::{AnswerChallenge, GetChallenge, GetInfo, WriteConfig, WriteSeed};
use tokentap::device::token2::parse_info;
use tokentap::device::{DisplayTime, Profile};
use tokentap::emulator::{Card, CardState, TokenClock};
use tokentap::otp::{Digits, Hash, TimeStep, totp};

use crate::support::{NOW_NS, data, seed, simulated_clock};

fn vectors() -> Value {
    serde_json::from_slice(&std::fs::read(data("protocol.json")).unwrap()).unwrap()
}

fn list(name: &str) -> Vec<Value> {
    let list = vectors()[name].as_array().unwrap().clone();
    assert!(!list.is_empty(), "{name}");
    list
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(text(value).as_bytes()).unwrap()
}

fn hash(value: &Value) -> Hash {
    if text(value) == "SHA256" { Hash::Sha256 } else { Hash::Sha1 }
}

fn step(value: &Value) -> TimeStep {
    TimeStep::new(number(value)).unwrap()
}

/// An emulated token whose clock stands at `clock`.
fn card(serial: &str, restricted: bool, clock: u32) -> Card {
    let drift = f64::from(clock) - (NOW_NS / 1_000_000_000) as f64;
    let mut state = CardState::new(serial, restricted, TokenClock::new(NOW_NS, 0.0, 0.0, false));
    state.clock = TokenClock::new(NOW_NS, drift, 0.0, false);
    Card::new(state, Arc::new(simulated_clock()))
}

fn authenticate(card: &mut Card) -> Vec<u8> {
    let challenge = card.transmit(GetChallenge.apdu().as_bytes());
    let challenge = GetChallenge.parse(&challenge[..challenge.len() - 2]).unwrap();
    card.transmit(AnswerChallenge { challenge }.apdu(&TokenKey::factory()).as_bytes())
}

#[test]
fn the_copy_of_the_vectors_is_the_original_where_that_is_at_hand() {
    let original = data("../../../shared/vectors/protocol.json");
    let copy = std::fs::read(data("protocol.json")).unwrap();
    match std::fs::read(original) {
        Ok(original) => assert!(original == copy, "tests/data/protocol.json is out of date"),
        Err(_) => assert!(copy.len() > 10_000),
    }
}

#[test]
fn sm4_and_the_factory_key_are_those_of_the_vectors() {
    let sm4 = &list("sm4")[0];
    let key = TokenKey::from_file_content(text(&sm4["key"]).as_bytes()).unwrap();
    // A seed of one block gains a block of padding behind it, so its first block is the bare cipher.
    assert_eq!(key.encrypt_padded(&bytes(&sm4["plaintext"]))[..16], bytes(&sm4["ciphertext"]));
    let key = TokenKey::from_file_content(text(&vectors()["device_key"]).as_bytes()).unwrap();
    assert!(key == TokenKey::factory());
}

#[test]
fn each_challenge_gets_its_answer() {
    for vector in list("authentication") {
        let challenge = bytes(&vector["challenge"]).try_into().unwrap();
        let apdu = AnswerChallenge { challenge }.apdu(&TokenKey::factory());
        assert_eq!(apdu.as_bytes(), bytes(&vector["answer_apdu"]), "{vector}");
    }
}

#[test]
fn info_is_asked_and_answered_byte_for_byte() {
    for vector in list("get_info") {
        let (serial, clock) = (text(&vector["serial"]), number(&vector["clock"]));
        assert_eq!(GetInfo.apdu().as_bytes(), bytes(&vector["command"]));
        let response = bytes(&vector["response_from_token"]);
        let info = parse_info(&response[..response.len() - 2]).unwrap();
        assert_eq!((info.serial.as_str(), info.clock), (serial, Some(clock)));
        assert_eq!(card(serial, false, clock).transmit(&bytes(&vector["command"])), response, "emulator, {vector}");
    }
}

#[test]
fn each_seed_is_written_byte_for_byte_and_the_display_agrees() {
    for vector in list("write_seed") {
        let secret = bytes(&vector["seed"]);
        assert_eq!(secret.len(), number(&vector["length"]) as usize);
        let secret = seed(&secret);
        let apdu = WriteSeed { seed: &secret }.apdu(&TokenKey::factory());
        assert_eq!(apdu.as_bytes(), bytes(&vector["apdu"]), "{vector}");

        let clock = number(&vector["display"]["clock"]);
        let mut card = card("86596120001234", false, clock);
        authenticate(&mut card);
        assert_eq!(card.transmit(apdu.as_bytes()), bytes(&vector["response_from_token"]));
        assert_eq!(card.display().as_deref(), vector["display"]["code_from_token"].as_str(), "{vector}");
    }
}

#[test]
fn each_config_is_written_byte_for_byte() {
    for vector in list("write_config") {
        let display = match number(&vector["display_timeout_seconds"]) {
            15 => DisplayTime::S15,
            30 => DisplayTime::S30,
            60 => DisplayTime::S60,
            _ => DisplayTime::S120,
        };
        let profile = Profile::new(hash(&vector["hash"]), step(&vector["time_step_seconds"]), display);
        let clock = number(&vector["clock"]);
        let apdu = WriteConfig { profile, clock }.apdu(&TokenKey::factory());
        assert_eq!(apdu.as_bytes(), bytes(&vector["apdu"]), "{vector}");

        let mut card = card("86596120001234", false, 1);
        authenticate(&mut card);
        assert_eq!(card.transmit(apdu.as_bytes()), bytes(&vector["response_from_token"]));
        let state = card.state();
        assert_eq!(state.clock.reading(card.true_time_ns()), clock);
        assert_eq!(state.display_s, number(&vector["display_timeout_seconds"]));
        assert_eq!((state.sha256, state.step_s), (text(&vector["hash"]) == "SHA256", profile.step().seconds()));
    }
}

#[test]
fn each_display_is_computed_and_emulated() {
    for vector in list("display") {
        let (clock, secret) = (number(&vector["clock"]), bytes(&vector["seed"]));
        let (hash, step) = (hash(&vector["hash"]), step(&vector["time_step_seconds"]));
        let expected = text(&vector["code_from_token"]);
        assert_eq!(totp(&seed(&secret), hash, step, Digits::Six, clock.into()).to_string(), expected, "{vector}");

        let mut state = CardState::new("X", false, TokenClock::new(0, f64::from(clock), 0.0, false));
        state.seed = HEXLOWER.encode(&secret);
        state.sha256 = hash == Hash::Sha256;
        state.step_s = step.seconds();
        assert_eq!(state.display(0).as_deref(), Some(expected), "emulator, {vector}");
    }
}

#[test]
fn the_emulator_behaves_in_every_scenario_as_the_device_does() {
    let scenarios = list("device_behaviour");
    assert_eq!(scenarios.len(), 17);
    for scenario in scenarios {
        let name = text(&scenario["name"]);
        let mut card = card("86596120001234", scenario["restricted_sync"].as_bool().unwrap(), 1_700_000_000);
        for (index, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
            let answer = |bytes: &[u8]| [&[0x80, 0xCE, 0, 0, 16][..], bytes].concat();
            let reply = match step["do"].as_str() {
                None => card.transmit(&bytes(&step["command"])),
                Some("authenticate (challenge, then answer)") => authenticate(&mut card),
                Some("challenge, then answer with 16 zero bytes") => {
                    card.transmit(GetChallenge.apdu().as_bytes());
                    card.transmit(&answer(&[0; 16]))
                }
                Some("answer without an outstanding challenge") => card.transmit(&answer(&[0; 16])),
                Some(other) => panic!("{name}: unknown step {other}"),
            };
            let status = HEXLOWER.encode(&reply[reply.len() - 2..]);
            assert_eq!(status, text(&step["status"]), "{name}, step {index}");
        }
        assert_eq!(card.state().seed, text(&scenario["seed_afterwards"]), "{name}");
    }
}
