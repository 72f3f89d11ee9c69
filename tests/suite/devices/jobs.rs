//! The jobs on a Molto2's slots and on a key's, each as its user means it.

use tokentap::device::molto2::customer_key;
use tokentap::device::{Key, SlotState};
use tokentap::emulator::{EmulatedKey, EmulatedMolto2, SerialBy};
use tokentap::inventory::Deed;
use tokentap::job::{Guard, Kind, Problem, SlotWish, TokenState, read_slots};
use tokentap::otp::{Digits, Hash, TimeStep, hotp, totp};
use tokentap::report;
use tokentap::seed::Seed;

use super::bench::{Bench, Tried, titled};
use crate::support::NOW_NS;

const ONE: &[u8] = b"a seed of twenty byt";
const TWO: &[u8] = b"another of twenty by";

fn digits(digits: u32) -> SlotWish {
    SlotWish { digits: Some(digits), ..SlotWish::default() }
}

#[test]
fn a_slot_is_burned_with_profile_and_title_and_shows_the_codes_of_its_seed() {
    for count in [4, 6, 8, 10] {
        let mut bench = Bench::<EmulatedMolto2>::new();
        let wish = SlotWish { digits: Some(count), ..titled("GitHub") };
        let outcome = bench.run(bench.burn(7, ONE, wish), Vec::new()).unwrap();
        let shown = outcome.info.slot.unwrap();
        assert_eq!((shown.slot, shown.has_seed, shown.digits), (7, Some(true), Some(count)));
        assert_eq!(shown.title.as_deref(), Some("GitHub"));
        bench.check_settled(7, "burned");
        let now = tokentap::time::HostClock::now(&bench.clock).wall.timestamp();
        let seed = Seed::from_bytes(ONE.to_vec()).unwrap();
        let code = totp(&seed, Hash::Sha1, TimeStep::S30, Digits::of_count(count).unwrap(), now).to_string();
        assert_eq!(bench.state.display(7, now * 1_000_000_000), Some(code), "{count} digits");
    }
}

#[test]
fn a_slot_that_holds_a_seed_of_which_nothing_is_on_record_is_not_overwritten_unasked() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    bench.state.slots[2].seed = "aa".repeat(20);
    bench.state.slots[2].title = "Payroll".to_owned();
    let before = bench.state.clone();
    let failure = bench.run(bench.burn(2, ONE, SlotWish::default()), Vec::new()).unwrap_err();
    assert_eq!((failure.kind(), failure.state.clone()), (Kind::SlotFilled, TokenState::Untouched));
    assert!(report::fact(&failure.problem).contains("Payroll"), "{}", report::fact(&failure.problem));
    assert!(bench.state == before, "nothing was sent that changes anything");

    let mut write = bench.burn(2, ONE, SlotWish::default()).unwrap();
    write.replaces_seed = true;
    bench.run(Ok(write), Vec::new()).unwrap();
    bench.check_settled(2, "replaced");
    // The same seed again is no replacement, and another one is.
    bench.run(bench.burn(2, ONE, SlotWish::default()), Vec::new()).unwrap();
    let failure = bench.run(bench.burn(2, TWO, SlotWish::default()), Vec::new()).unwrap_err();
    assert_eq!(failure.kind(), Kind::SeedOnRecord);
}

#[test]
fn a_seed_of_zeros_is_refused_before_it_could_clear_the_slot() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    bench.run(bench.burn(0, ONE, SlotWish::default()), Vec::new()).unwrap();
    let mut write = bench.burn(0, &[0; 20], SlotWish::default()).unwrap();
    write.replaces_seed = true;
    let failure = bench.run(Ok(write), Vec::new()).unwrap_err();
    assert_eq!(failure.kind(), Kind::Usage);
    assert_eq!(EmulatedMolto2::held(&bench.state, 0), ONE);
}

#[test]
fn a_sync_sets_the_clock_alone_and_the_slot_keeps_its_profile_and_its_seed() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    bench.run(bench.burn(3, ONE, digits(8)), Vec::new()).unwrap();
    bench.state.slots[3].display_s = 120;
    bench.state.clock = tokentap::emulator::TokenClock::new(NOW_NS, -3600.0, 0.0, false);
    bench.run(bench.sync(3), Vec::new()).unwrap();
    let slot = &bench.state.slots[3];
    assert_eq!((slot.display_s, slot.digits, slot.sha256), (120, 8, false));
    let now = tokentap::time::HostClock::now(&bench.clock).wall;
    let drift = bench.state.clock.drift_s(now.timestamp_nanos_opt().unwrap());
    assert!(drift.abs() < 0.6, "{drift}");
    let record = bench.record(3).unwrap();
    assert!(record.synced.is_some() && record.profile.is_some());
    assert_eq!(record.drift, None, "the clock that the device shows is not on record as the slot's");
    bench.check_settled(3, "synced");
}

#[test]
fn a_config_takes_from_the_device_what_is_not_named() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    (bench.state.slots[4].sha256, bench.state.slots[4].step_s) = (true, 60);
    bench.run(bench.config(4, 10), Vec::new()).unwrap();
    let slot = &bench.state.slots[4];
    assert_eq!((slot.sha256, slot.step_s, slot.digits), (true, 60, 10));
}

#[test]
fn a_slot_is_cleared_and_titled_and_what_was_empty_is_said_to_have_been() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    bench.run(bench.burn(5, ONE, titled("VPN")), Vec::new()).unwrap();
    assert_eq!(bench.run(bench.clear(5), Vec::new()).unwrap().had_seed, Some(true));
    assert_eq!(bench.last_deed(), Deed::Clear);
    assert!(bench.record(5).unwrap().erased.is_some());
    assert_eq!(bench.run(bench.clear(5), Vec::new()).unwrap().had_seed, Some(false));
    bench.run(bench.title(5, "Zürich 8x60"), Vec::new()).unwrap();
    assert_eq!(bench.state.slots[5].title, "Zürich 8x60");
    assert_eq!(bench.last_deed(), Deed::Title);
}

#[test]
fn a_slot_that_was_cleared_is_nobodys_and_the_profile_of_its_old_seed_holds_no_new_one_up() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    let mut write = bench.burn(6, ONE, titled("VPN")).unwrap();
    write.user = Some("erin".to_owned());
    bench.run(Ok(write), Vec::new()).unwrap();
    assert_eq!(bench.record(6).unwrap().user.as_deref(), Some("erin"));
    let said = report::line(&bench.run(bench.clear(6), Vec::new()).unwrap(), false);
    assert!(said.ends_with("seed taken out; its title is still VPN"), "{said}");
    assert_eq!(bench.record(6).unwrap().user, None);
    let of_a_minute = |bench: &Bench<EmulatedMolto2>, seed: &[u8]| {
        let mut row = tokentap::seedfile::Row::of_seed(Seed::from_bytes(seed.to_vec()).unwrap());
        row.step = Some(TimeStep::S60);
        let seed = Some(tokentap::job::SeedChoice::One(Box::new(row)));
        let terms = bench.terms(6, SlotWish::default());
        tokentap::job::request::BurnRequest { seed, terms, ..Default::default() }.prepare()
    };
    // The seed that was there comes back: its server knows it with the profile on record.
    let failure = bench.run(of_a_minute(&bench, ONE), Vec::new()).unwrap_err();
    assert!(matches!(failure.problem, Problem::ProfileMismatch { .. }), "{failure:?}");
    bench.run(of_a_minute(&bench, TWO), Vec::new()).unwrap();
    assert_eq!((bench.state.slots[6].step_s, EmulatedMolto2::held(&bench.state, 6)), (60, TWO.to_vec()));
    // The next one states nothing, and its server expects what is usual.
    bench.run(bench.clear(6), Vec::new()).unwrap();
    bench.run(bench.burn(6, &[3; 20], SlotWish::default()), Vec::new()).unwrap();
    assert_eq!((bench.state.slots[6].step_s, EmulatedMolto2::held(&bench.state, 6)), (30, vec![3; 20]));
}

#[test]
fn a_wrong_customer_key_is_tried_once_and_not_again_and_the_tries_left_are_said() {
    for (whole_byte, said) in [(false, "63C7"), (true, "6307")] {
        let mut bench = Bench::<EmulatedMolto2>::new();
        bench.state.switches.tries_in_whole_byte = whole_byte;
        bench.state.key = "00".repeat(16);
        let failure = bench.run(bench.sync(0), Vec::new()).unwrap_err();
        let fact = report::fact(&failure.problem);
        assert!(fact.contains(said) && fact.contains("7 attempts left"), "{fact}");
        assert!(report::next(&failure).contains("--customer-key"), "{}", report::next(&failure));
        // The record keeps the next command from a second try.
        let failure = bench.run(bench.sync(0), Vec::new()).unwrap_err();
        assert_eq!((failure.kind(), bench.state.wrong_keys), (Kind::Refused, 1));
        assert!(report::next(&failure).contains("--customer-key"));
        bench.key = customer_key(b"MyOwnKey-2026-01");
        bench.state.key = data_encoding::HEXLOWER.encode(bench.key.bytes(&[]));
        bench.run(bench.sync(0), Vec::new()).unwrap();
        assert_eq!(bench.state.tries, 8, "a right key resets the tries");
    }
}

#[test]
fn the_slots_of_a_device_are_read_to_their_end_whether_it_has_fifty_or_a_hundred() {
    for count in [50, 100] {
        let mut bench = Bench::<EmulatedMolto2>::new();
        bench.state.slots.truncate(count);
        bench.run(bench.burn(49, ONE, titled("last")), Vec::new()).unwrap();
        let mut link = tokentap::emulator::EmulatedLink::<EmulatedMolto2>::new(
            bench.state.clone(),
            std::sync::Arc::new(bench.clock.clone()),
        );
        let read = read_slots(&mut *EmulatedMolto2::device(&mut link), &bench.clock, &Guard::default()).unwrap();
        assert_eq!(read.slots.len(), count);
        let seeded: Vec<u16> = read.seeded().iter().map(|slot: &&SlotState| slot.slot).collect();
        assert_eq!(seeded, [49]);
        let result = bench.run(bench.burn(73, TWO, SlotWish::default()), Vec::new());
        assert_eq!(result.is_ok(), count == 100, "slot 73 of {count}");
    }
}

#[test]
fn what_a_slot_cannot_do_is_refused_before_anything_is_sent() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    for refused in [
        bench.burn(3, ONE, digits(7)),
        bench.burn(100, ONE, SlotWish::default()),
        bench.burn(3, &[7; 64], SlotWish::default()),
    ] {
        let sent = bench.sent;
        let result = bench.run(refused, Vec::new());
        assert_eq!(result.unwrap_err().kind(), Kind::Usage);
        assert!(bench.sent <= sent + 2, "only questions");
    }
    let profile = serde_json::from_value(serde_json::json!({ "step_s": 45 })).unwrap();
    let terms = bench.terms(3, SlotWish::default());
    let request = tokentap::job::request::BurnRequest { profile, terms, ..Default::default() };
    assert_eq!(request.prepare().err().unwrap().kind(), Kind::Usage);
}

#[test]
fn a_key_s_slot_types_the_codes_of_rfc_4226_appendix_d() {
    let secret = b"12345678901234567890";
    for count in [6, 8] {
        let mut bench = Bench::<EmulatedKey>::new();
        bench.run(bench.burn(0, secret, digits(count)), Vec::new()).unwrap();
        bench.check_settled(0, "burned");
        assert!(bench.record(0).unwrap().profile.is_none(), "a key that counts has no time step to be on record");
        let mut key = <EmulatedKey as tokentap::emulator::Emulated>::switched_on(
            bench.state.clone(),
            std::sync::Arc::new(bench.clock.clone()),
        );
        let seed = Seed::from_bytes(secret.to_vec()).unwrap();
        for counter in 0..10 {
            let wanted = hotp(&seed, Hash::Sha1, counter, Digits::of_count(count).unwrap()).to_string();
            assert_eq!(key.touch().unwrap(), format!("{wanted}\n"), "counter {counter}");
        }
    }
}

#[test]
fn a_key_tells_its_serial_in_one_of_three_ways_and_one_that_tells_none_is_not_written() {
    for by in [SerialBy::Otp, SerialBy::Prelude, SerialBy::Fido] {
        let mut bench = Bench::<EmulatedKey>::new();
        bench.state.switches.serial_by = by;
        let outcome = bench.run(bench.burn(0, ONE, SlotWish::default()), Vec::new()).unwrap();
        assert_eq!(outcome.info.serial.as_str(), EmulatedKey::SERIAL, "{by:?}");
        assert_eq!(EmulatedKey::held(&bench.state, 0), ONE);
    }
    let mut bench = Bench::<EmulatedKey>::new();
    bench.state.switches.serial_by = SerialBy::Nobody;
    let failure = bench.run(bench.burn(0, ONE, SlotWish::default()), Vec::new()).unwrap_err();
    assert!(bench.state.seed.is_empty(), "{failure:?}");
}

#[test]
fn a_key_with_its_keyboard_off_a_pin_or_no_slot_is_refused_with_its_reason_and_nothing_is_written() {
    for (name, remedy) in [("keyboard", "slot options --keyboard yes"), ("pin", "PIN"), ("slot", "FIDO2 card")] {
        let mut bench = Bench::<EmulatedKey>::new();
        match name {
            "keyboard" => bench.state.off = 2,
            "pin" => bench.state.switches.has_pin = true,
            _ => bench.state.switches.no_slot = true,
        }
        let failure = bench.run(bench.burn(0, ONE, SlotWish::default()), Vec::new()).unwrap_err();
        assert_eq!(failure.kind(), Kind::Refused, "{name}");
        assert!(matches!(failure.problem, Problem::Refused(_)));
        assert!(report::next(&failure).contains(remedy), "{name}: {}", report::next(&failure));
        assert!(bench.state.seed.is_empty());
        let said = report::state(&failure.state);
        assert!(!said.contains("clock"), "{name}: {said}");
    }
}

#[test]
fn a_key_is_never_asked_for_a_key_of_its_own() {
    let mut bench = Bench::<EmulatedKey>::new();
    bench.key = Key::Factory;
    bench.run(bench.burn(0, ONE, SlotWish { enter: Some(false), ..SlotWish::default() }), Vec::new()).unwrap();
    assert!(bench.state.no_enter);
    assert_eq!(bench.run(bench.sync(0), Vec::new()).unwrap_err().kind(), Kind::NoClock);
    bench.run(bench.clear(0), Vec::new()).unwrap();
    bench.check_settled(0, "cleared");
}
