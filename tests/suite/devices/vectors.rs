//! The known answers of `tests/data/devices.json`: commands byte for byte, answers as they are read, and what the emulated devices
//! make of the commands.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_json::Value;
use tokentap::device::hotp_key::{
    DeviceKey, DisableInterfaces, EmptySlot, HostKey, Keys, Prelude, PressEnter, ReadConfig, ReadSerial, SealError,
    Select, SelectFido, Touch, WriteSlot, parse_config, parse_serial,
};
use tokentap::device::molto2::{
    AnswerChallenge, ClearSlot, GetChallenge, GetInfo, LockScreen, ReadSlot, ResetToFactory, WriteClock, WriteConfig,
    WriteKey, WriteSeed, WriteTitle, customer_key, customer_key_of_file, parse_public_block,
};
use tokentap::device::token2::TokenKey;
use tokentap::device::{DisplayTime, Profile, Title};
use tokentap::emulator::{Emulated, EmulatedKey, EmulatedMolto2, KeyState, MoltoState, TokenClock};
use tokentap::iso7816::{Apdu, StatusKind, StatusWord};
use tokentap::otp::{Digits, Hash, TimeStep, hotp, totp};

use crate::support::{NOW_NS, data, seed, simulated_clock};

fn vectors() -> Value {
    serde_json::from_slice(&std::fs::read(data("devices.json")).unwrap()).unwrap()
}

fn list(family: &str, name: &str) -> Vec<Value> {
    let list = vectors()[family][name].as_array().unwrap().clone();
    assert!(!list.is_empty(), "{family}.{name}");
    list
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number<N: TryFrom<u64>>(value: &Value) -> N {
    N::try_from(value.as_u64().unwrap()).ok().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(text(value).as_bytes()).unwrap()
}

fn fixed<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn hex(apdu: &Apdu) -> String {
    HEXLOWER.encode(apdu.as_bytes())
}

fn key(value: &Value) -> TokenKey {
    TokenKey::of_bytes(fixed(&value["sm4_key"]))
}

fn hash(value: &Value) -> Hash {
    if text(value) == "sha256" { Hash::Sha256 } else { Hash::Sha1 }
}

/// An emulated Molto2 with this SM4 key, opened with it.
fn opened(sm4_key: &Value) -> EmulatedMolto2 {
    let mut state = MoltoState::new("826658719844499", 100, TokenClock::new(NOW_NS, 0.0, 0.0, false));
    state.key = text(sm4_key).to_owned();
    let mut molto = EmulatedMolto2::switched_on(state, Arc::new(simulated_clock()));
    let challenge = molto.transmit(GetChallenge.apdu().as_bytes());
    let challenge = challenge[..8].try_into().unwrap();
    let key = TokenKey::of_bytes(fixed(sm4_key));
    assert_eq!(molto.transmit(AnswerChallenge { challenge }.apdu(&key).as_bytes()), [0x90, 0x00]);
    molto
}

#[test]
fn customer_keys_are_what_devices_json_has() {
    for vector in list("molto2", "keys") {
        let key = customer_key(&bytes(&vector["customer_key"]));
        assert_eq!(HEXLOWER.encode(key.bytes(&[])), text(&vector["sm4_key"]));
    }
    for vector in list("molto2", "config_tool_ini") {
        let ini = format!("[OTHER]\nX=1\n[CONFIG]\r\nCUSTOMER_KEY={}\r\n", text(&vector["value"]));
        assert_eq!(*customer_key_of_file(ini.as_bytes()).unwrap(), bytes(&vector["customer_key"]));
    }
}

#[test]
fn a_molto2_is_opened_as_devices_json_has_it() {
    for vector in list("molto2", "auth") {
        let challenge = fixed(&vector["challenge"]);
        assert_eq!(hex(&GetChallenge.apdu()), text(&vector["get_challenge"]));
        assert_eq!(hex(&AnswerChallenge { challenge }.apdu(&key(&vector))), text(&vector["answer_apdu"]));
    }
    for vector in list("molto2", "sm4") {
        let cipher = TokenKey::of_bytes(fixed(&vector["key"])).encrypt_padded(&bytes(&vector["clear"]));
        assert_eq!(HEXLOWER.encode(&cipher[..16]), text(&vector["cipher"]));
    }
}

#[test]
fn seeds_are_written_padded_and_arrive_whole() {
    for vector in list("molto2", "seed") {
        let (slot, secret) = (number(&vector["profile"]), bytes(&vector["seed"]));
        if text(&vector["means"]) != "writes the seed" {
            // What clears a slot is no seed: it is refused before it is sent (`a_seed_of_zeros_is_refused`).
            assert!(secret.iter().all(|byte| *byte == 0));
            continue;
        }
        let apdu = WriteSeed { slot, seed: &seed(&secret) }.apdu(&key(&vector));
        assert_eq!(hex(&apdu), text(&vector["apdu"]));
        let mut molto = opened(&vector["sm4_key"]);
        assert_eq!(molto.transmit(apdu.as_bytes()), [0x90, 0x00]);
        assert_eq!(
            molto.state().seed_bytes(slot.into()),
            secret,
            "a seed that ends in 80 is cut short without padding"
        );
    }
    let not_a_clear = &vectors()["molto2"]["not_a_clear"];
    let mut molto = opened(&list("molto2", "keys")[0]["sm4_key"]);
    assert_eq!(molto.transmit(&bytes(&not_a_clear["apdu"])), [0x90, 0x00]);
    assert_eq!(molto.state().seed_bytes(7), [0; 20], "padded with 80, zeros are a seed");
}

#[test]
fn titles_configs_and_clocks_are_what_devices_json_has() {
    for vector in list("molto2", "title") {
        let (slot, title) = (number(&vector["profile"]), Title::new(text(&vector["title"]), 12).unwrap());
        let apdu = WriteTitle { slot, title: &title }.apdu(&key(&vector));
        assert_eq!(hex(&apdu), text(&vector["apdu"]));
        let mut molto = opened(&vector["sm4_key"]);
        assert_eq!(molto.transmit(apdu.as_bytes()), [0x90, 0x00]);
        assert_eq!(molto.state().slots[usize::from(slot)].title, title.as_str());
    }
    for vector in list("molto2", "title_refused") {
        assert!(Title::new(text(&vector), 12).is_err(), "{vector}");
    }
    for vector in list("molto2", "config") {
        let display = DisplayTime::of_seconds(number(&vector["display_s"])).unwrap();
        let step = TimeStep::new(number(&vector["step_s"])).unwrap();
        let config = WriteConfig {
            slot: number(&vector["profile"]),
            profile: Profile::new(hash(&vector["hash"]), step, display),
            digits: number(&vector["digits"]),
            clock: number(&vector["time"]),
        };
        let apdu = config.apdu(&key(&vector));
        assert_eq!(hex(&apdu), text(&vector["apdu"]));
        let mut molto = opened(&vector["sm4_key"]);
        assert_eq!(molto.transmit(apdu.as_bytes()), [0x90, 0x00]);
        let shown = ReadSlot(config.slot).parse(&read(&mut molto, &ReadSlot(config.slot).apdu())).unwrap();
        assert_eq!((shown.hash, shown.step), (Some(config.profile.hash()), Some(step)));
        assert_eq!(shown.digits, Some(u32::from(config.digits)));
    }
    for vector in list("molto2", "sync") {
        let write = WriteClock { slot: number(&vector["profile"]), clock: number(&vector["time"]) };
        assert_eq!(hex(&write.apdu(&key(&vector))), text(&vector["apdu"]));
    }
    for vector in list("molto2", "customer_key") {
        let new = customer_key(&bytes(&vector["new_key"]));
        let new: [u8; 16] = new.bytes(&[]).try_into().unwrap();
        let apdu = WriteKey(&new).apdu(&key(&vector));
        assert_eq!(hex(&apdu), text(&vector["apdu"]));
        let mut molto = opened(&vector["sm4_key"]);
        assert_eq!(molto.transmit(apdu.as_bytes()), [0x90, 0x60]);
        assert_eq!(molto.state().key, HEXLOWER.encode(&new));
    }
}

/// The data of an answer that ended in 9000.
fn read(device: &mut impl Emulated, apdu: &Apdu) -> Vec<u8> {
    let mut answer = device.transmit(apdu.as_bytes());
    assert_eq!(answer.split_off(answer.len() - 2), [0x90, 0x00], "{apdu:?}");
    answer
}

#[test]
fn the_commands_without_a_secret_are_what_devices_json_has() {
    let plain = &vectors()["molto2"]["plain"];
    for (name, apdu) in [
        ("info", GetInfo.apdu()),
        ("public_0", ReadSlot(0).apdu()),
        ("public_99", ReadSlot(99).apdu()),
        ("delete_0", ClearSlot(0).apdu()),
        ("delete_99", ClearSlot(99).apdu()),
        ("factory_reset", ResetToFactory.apdu()),
        ("lock_screen", LockScreen(true).apdu()),
        ("unlock_screen", LockScreen(false).apdu()),
    ] {
        assert_eq!(hex(&apdu), text(&plain[name]), "{name}");
    }
    let plain = &vectors()["hotp_key"]["plain"];
    let mask = |mask| DisableInterfaces::new(mask).unwrap().apdu();
    for (name, apdu) in [
        ("select_otp", Select.apdu()),
        ("select_fido", SelectFido.apdu()),
        ("get_ecdh_pubkey", DeviceKey.apdu()),
        ("read_config", ReadConfig.apdu()),
        ("serial", ReadSerial.apdu()),
        ("serial_prelude_r31", Prelude.apdu()),
        ("enter_on", PressEnter(true).apdu()),
        ("enter_off", PressEnter(false).apdu()),
        ("touch_short", Touch { long: false }.apdu()),
        ("touch_long", Touch { long: true }.apdu()),
        ("keys_row", Keys { numpad: false }.apdu()),
        ("keys_pad", Keys { numpad: true }.apdu()),
        ("all_interfaces_on", mask(0)),
        ("keyboard_off", mask(2)),
    ] {
        assert_eq!(hex(&apdu), text(&plain[name]), "{name}");
    }
}

#[test]
fn no_mask_leaves_a_key_with_fewer_than_two_interfaces() {
    // The one that is never sent: `never_send` of devices.json.
    assert_eq!(text(&vectors()["hotp_key"]["never_send"]["disable_mask_07"]), "80c502010107");
    for mask in 0..=u8::MAX {
        assert_eq!(DisableInterfaces::new(mask).is_some(), matches!(mask, 0 | 1 | 2 | 4), "{mask:02X}");
    }
}

#[test]
fn a_molto2_s_answers_are_read_as_devices_json_has_them_and_what_is_malformed_is_no_empty_slot() {
    for vector in list("molto2", "info_answers") {
        let info = GetInfo.parse(&bytes(&vector["answer"]));
        if vector["error"] == true {
            assert!(info.is_err(), "{vector}");
            continue;
        }
        let info = info.unwrap();
        assert_eq!((info.serial.as_str(), info.clock), (text(&vector["serial"]), Some(number(&vector["time"]))));
    }
    for vector in list("molto2", "public_answers") {
        let shown = parse_public_block(0, &bytes(&vector["answer"]));
        if vector["error"] == true {
            assert!(shown.is_err(), "{vector}");
            continue;
        }
        let shown = shown.unwrap();
        assert_eq!(shown.has_seed, vector["seed_present"].as_bool(), "{vector}");
        match vector.get("title") {
            Some(title) => assert_eq!(shown.title.as_deref(), title.as_str()),
            None => assert!(shown.title.unwrap().contains('\u{FFFD}')),
        }
        let wanted = |name: &str| vector.get(name).map(number::<u32>);
        if vector.get("step_s").is_some() {
            assert_eq!(shown.hash, vector.get("hash").map(hash), "{vector}");
            assert_eq!((shown.step.map(TimeStep::seconds), shown.digits), (wanted("step_s"), wanted("digits")));
        }
    }
}

#[test]
fn tries_that_are_left_are_read_in_either_form() {
    for vector in list("molto2", "status") {
        let [high, low] = fixed(&vector["sw"]);
        let tries = match StatusWord::new(high, low).kind() {
            StatusKind::TriesLeft(tries) | StatusKind::Warning(tries) => Some(u64::from(tries)),
            _ => None,
        };
        assert_eq!(tries, vector.get("tries").map(|tries| tries.as_u64().unwrap()), "{vector}");
    }
}

#[test]
fn codes_of_four_to_ten_digits_are_what_devices_json_has() {
    for vector in list("molto2", "codes") {
        let (step, digits) = (TimeStep::new(number(&vector["step_s"])).unwrap(), number(&vector["digits"]));
        let digits = Digits::of_count(digits).unwrap();
        let time = i64::try_from(vector["time"].as_u64().unwrap()).unwrap();
        let code = totp(&seed(&bytes(&vector["seed"])), hash(&vector["hash"]), step, digits, time);
        assert_eq!(code.to_string(), text(&vector["code"]));
    }
    for vector in list("hotp_key", "codes") {
        let digits = Digits::of_count(number(&vector["digits"])).unwrap();
        let counter = vector["counter"].as_u64().unwrap();
        let code = hotp(&seed(&bytes(&vector["seed"])), Hash::Sha1, counter, digits);
        assert_eq!(code.to_string(), text(&vector["typed"]));
    }
}

#[test]
fn a_key_s_slot_is_sealed_as_devices_json_has_it_and_the_emulated_key_opens_it() {
    for vector in list("hotp_key", "write_hotp_seed") {
        let host = HostKey::of_bytes(&fixed(&vector["host_private"])).unwrap();
        let device = fixed(&vector["device_public"]);
        let secret = bytes(&vector["seed"]);
        let apdu = match secret.as_slice() {
            [] => EmptySlot.apdu(&host, &device),
            bytes => WriteSlot { digits: number(&vector["digits"]), seed: &seed(bytes) }.apdu(&host, &device),
        };
        let apdu = apdu.unwrap();
        assert_eq!(hex(&apdu), text(&vector["apdu"]));
        let mut state = KeyState::new("66103012345678");
        state.private = text(&vector["device_private"]).to_owned();
        let mut key = EmulatedKey::switched_on(state, Arc::new(simulated_clock()));
        read(&mut key, &Select.apdu());
        assert_eq!(read(&mut key, &DeviceKey.apdu()), device);
        read(&mut key, &apdu);
        assert_eq!(key.state().seed, text(&vector["seed"]));
    }
    assert!(HostKey::of_bytes(&[0; 32]).is_none());
    let host = HostKey::random().unwrap();
    assert_eq!(host.seal(&[7; 64], b"").unwrap_err(), SealError::NotAPoint);
}

#[test]
fn a_key_s_answers_are_read_as_devices_json_has_them() {
    for vector in list("hotp_key", "config_answers") {
        let read = parse_config(&bytes(&vector["answer"]));
        if vector["error"] == true {
            assert!(read.is_err());
            continue;
        }
        let read = read.unwrap();
        assert_eq!(vector.get("keyboard_off").and_then(Value::as_bool), Some(read.keyboard_off), "{vector}");
        let said = |name: &str| vector.get(name).and_then(Value::as_bool);
        let Some(more) = read.more else {
            assert_eq!(said("slot_filled"), None, "what was not said is not known");
            continue;
        };
        assert_eq!((said("slot_filled"), said("slot_supported")), (Some(more.slot_filled), Some(more.has_slot)));
        for (name, is) in [("no_enter", more.no_enter), ("long_press", more.long_touch), ("numpad", more.numpad)] {
            assert!(said(name).is_none_or(|said| said == is), "{name}: {vector}");
        }
    }
    for vector in list("hotp_key", "serial_answers") {
        let serial = parse_serial(&bytes(&vector["answer"]));
        match vector.get("serial") {
            None => assert!(serial.is_err(), "{vector}"),
            Some(wanted) => assert_eq!(serial.unwrap().as_str(), text(wanted)),
        }
    }
}
