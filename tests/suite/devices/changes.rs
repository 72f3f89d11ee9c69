//! Every change of a whole device, at every APDU that it sends, with every fault: what was said of the device is true, no key is tried
//! twice, and the device can be brought to where it was meant to be.

use tokentap::device::molto2::customer_key;
use tokentap::device::{Key, Typing};
use tokentap::emulator::{EmulatedKey, EmulatedMolto2, Fault, FaultKind, KeyState, MoltoState};
use tokentap::inventory::{Deed, Outcome};
use tokentap::job::device_change::DeviceChange;
use tokentap::job::{Exit, Failure, SlotWish, TokenState};
use tokentap::report;

use super::bench::{Bench, Tried};
use super::faults::all_faults;

const SEED: &[u8] = b"the seed of a slot..";

fn begun<C: Tried>() -> Bench<C> {
    let mut bench = Bench::<C>::new();
    let write = bench.burn(0, SEED, SlotWish::default());
    bench.run(write, Vec::new()).unwrap();
    bench
}

/// What a person is told has all of its parts, and is said of a device that was not changed only where that is so.
fn check_said(name: &str, failure: &Failure, is_as_before: bool) {
    let said = (report::fact(&failure.problem), report::state(&failure.state), report::next(failure));
    assert!(!said.0.is_empty() && !said.1.is_empty() && !said.2.is_empty(), "{name}: {said:?}");
    assert!(!said.2.contains("lay it") && !said.2.contains("take the token off"), "{name}: {}", said.2);
    if matches!(failure.state, TokenState::Untouched | TokenState::NotReached) {
        assert!(is_as_before, "{name}: {said:?}");
    }
    assert_ne!(failure.exit(), Exit::Fault, "{name}: {failure:?}");
}

/// A change at every APDU with every fault, and what must be so after each; the cells.
fn matrix<C: Tried>(
    change: &DeviceChange,
    is_same: &dyn Fn(&C::State, &C::State) -> bool,
    then: &dyn Fn(&mut Bench<C>, &str),
) -> u32 {
    let mut clean = begun::<C>();
    clean.change(change, &Key::Factory).unwrap();
    let (apdus, mut cells) = (clean.sent, 0);
    for at in 1..=apdus {
        for kind in all_faults() {
            let name = format!("{}, APDU {at}, {kind:?}", change.words());
            let mut bench = begun::<C>();
            let before = bench.state.clone();
            let result = bench.change_with(change, &Key::Factory, vec![Fault { at, kind }]);
            cells += 1;
            // What was not begun leaves nothing on record.
            let last = Some(bench.last_outcome()).filter(|_| bench.last_deed() == Deed::Device);
            match &result {
                Ok(_) => assert_eq!(last, Some(Outcome::Done), "{name}"),
                Err(failure) => {
                    check_said(&name, failure, is_same(&before, &bench.state));
                    assert_ne!(last, Some(Outcome::Begun), "{name}: its end is not on record");
                    assert_ne!(last, Some(Outcome::Done), "{name}");
                    bench.try_again = failure.problem.is_key_refused();
                }
            }
            then(&mut bench, &name);
        }
    }
    assert!(apdus >= 2, "{}", change.words());
    cells
}

/// All of a Molto2 but what counts: its tries, and the wrong keys that it was sent.
fn is_same_molto2(one: &MoltoState, other: &MoltoState) -> bool {
    (&one.key, one.locked, one.seed_bytes(0)) == (&other.key, other.locked, other.seed_bytes(0))
}

#[test]
fn a_molto2_s_screen_lock_and_key_check_broken_off_anywhere_end_right_the_second_time() {
    for change in [DeviceChange::LockScreen(true), DeviceChange::LockScreen(false), DeviceChange::Nothing] {
        let cells = matrix::<EmulatedMolto2>(&change, &is_same_molto2, &|bench, name| {
            assert_eq!(bench.state.wrong_keys, 0, "{name}");
            bench.change(&change, &Key::Factory).unwrap_or_else(|failure| panic!("{name}, again: {failure:?}"));
            assert_eq!(bench.state.locked, change == DeviceChange::LockScreen(true), "{name}");
            assert_eq!(bench.state.seed_bytes(0), SEED, "{name}");
        });
        println!("{}: {cells} cells", change.words());
    }
}

#[test]
fn a_customer_key_that_was_broken_off_anywhere_is_the_old_one_or_the_new_one_and_each_can_be_tried_once() {
    let new = customer_key(b"MyOwnKey-2026-01");
    let change = DeviceChange::Key(new.clone());
    let mut bench = begun::<EmulatedMolto2>();
    let lost = bench.change_with(&change, &Key::Factory, vec![Fault { at: 4, kind: FaultKind::NoAnswer }]).unwrap_err();
    assert!(report::next(&lost).contains("customer-key check"), "{}", report::next(&lost));
    let cells = matrix::<EmulatedMolto2>(&change, &is_same_molto2, &|bench, name| {
        assert_eq!(bench.state.wrong_keys, 0, "{name}");
        assert_eq!(bench.state.seed_bytes(0), SEED, "{name}");
        // What the advice says: the new one is tried once, then the old one.
        let keys = [new.clone(), Key::Factory];
        let is_open = keys.iter().any(|key| {
            bench.try_again = true;
            bench.change(&DeviceChange::Nothing, key).is_ok()
        });
        assert!(is_open && bench.state.wrong_keys <= 1, "{name}: {} wrong keys", bench.state.wrong_keys);
    });
    println!("{cells} cells");
}

#[test]
fn a_reset_that_was_broken_off_anywhere_takes_no_seed_off_the_record_and_ends_right_the_second_time() {
    let cells = matrix::<EmulatedMolto2>(&DeviceChange::Reset, &is_same_molto2, &|bench, name| {
        assert!(bench.record(0).unwrap().held().is_some(), "{name}: nobody has read the slots yet");
        bench.change(&DeviceChange::Reset, &Key::Factory).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!((bench.state.seed_bytes(0), bench.state.wrong_keys), (Vec::new(), 0), "{name}");
    });
    println!("{cells} cells");
}

#[test]
fn how_a_key_types_broken_off_anywhere_ends_right_the_second_time() {
    let typing = Typing { enter: Some(false), long_touch: Some(true), numpad: Some(true), keyboard: None };
    let change = DeviceChange::Typing(typing);
    let same = |one: &KeyState, other: &KeyState| one == other;
    let cells = matrix::<EmulatedKey>(&change, &same, &|bench, name| {
        bench.change(&change, &Key::Factory).unwrap_or_else(|failure| panic!("{name}, again: {failure:?}"));
        assert_eq!((bench.state.no_enter, bench.state.long_touch), (true, true), "{name}");
        assert_eq!(<EmulatedKey as Tried>::held(&bench.state, 0), SEED, "{name}");
    });
    println!("{cells} cells");
}
