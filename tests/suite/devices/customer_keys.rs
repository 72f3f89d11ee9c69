//! The customer keys that the inventory keeps of a Molto2: sealed before the device gets one, tried only where it is known to be the
//! device's, and forgotten when it is not any more.

use std::fs;
use std::sync::Arc;

use serde_json::Value;
use tokentap::device::customer_key;
use tokentap::emulator::{EmulatedMolto2, Fault};
use tokentap::inventory::{DeviceKey, DeviceKeys, Identity, Inventory};
use tokentap::job::device_change::DeviceChange;
use tokentap::job::{Failure, Kind, SlotWish};
use tokentap::report;
use zeroize::Zeroizing;

use super::bench::{Bench, MOLTO, Tried};
use super::faults::all_faults;
use crate::inventory::event;
use crate::support::run_in;

const SEED: &[u8] = b"the seed of a slot..";
const OWN: &[u8] = b"MyOwnKey-2026-01";

fn identity() -> (String, Identity) {
    let secret = age::x25519::Identity::generate();
    let text = age::secrecy::ExposeSecret::expose_secret(&secret.to_string()).to_owned();
    let identity = Identity::parse(text.as_bytes()).unwrap();
    (text, identity)
}

/// A device with its factory's key, and an inventory that seals.
fn begun() -> Bench<EmulatedMolto2> {
    let mut bench = Bench::<EmulatedMolto2>::new();
    let (_, identity) = identity();
    bench.books.set_recipients(&identity.recipients(), &event("-", 1, "made")).unwrap();
    bench.opener = Some(Arc::new((identity, bench.books.fingerprint_key().clone())));
    bench
}

fn kept(bench: &Bench<EmulatedMolto2>) -> Vec<DeviceKey> {
    bench.books.device_keys(Some(MOLTO)).unwrap()
}

/// Gives the device a key of its owner's, from whichever it has.
fn set(bench: &mut Bench<EmulatedMolto2>, text: &[u8], faults: Vec<Fault>) -> Result<(), Failure> {
    bench.new_text = Some(Zeroizing::new(text.to_vec()));
    let (key, opener) = (bench.key.clone(), bench.opener.clone());
    // Nothing is opened of a device of which nothing is kept.
    bench.opener = opener.clone().filter(|_| !kept(bench).is_empty());
    let result = bench.change_with(&DeviceChange::Key(customer_key(text)), &key, faults);
    (bench.new_text, bench.opener) = (None, opener);
    result.map(drop)
}

fn burn(bench: &mut Bench<EmulatedMolto2>, slot: u16) -> Result<(), Failure> {
    let seed = [SEED, &[slot as u8]].concat();
    let write = bench.burn(slot, &seed, SlotWish::default());
    bench.run(write, Vec::new()).map(drop)
}

fn has_key(bench: &Bench<EmulatedMolto2>, text: &[u8]) -> bool {
    bench.state.key == data_encoding::HEXLOWER.encode(customer_key(text).bytes(&[]))
}

#[test]
fn a_key_that_was_set_and_proved_opens_the_device_for_whoever_has_the_identity() {
    let mut bench = begun();
    set(&mut bench, OWN, Vec::new()).unwrap();
    assert!(has_key(&bench, OWN) && kept(&bench)[0].proved.is_none());
    // Whether ▲ was pressed nobody has seen: nothing is tried with it but the check.
    let failure = burn(&mut bench, 1).unwrap_err();
    assert_eq!((failure.kind(), bench.state.wrong_keys), (Kind::CustomerKey, 0));
    assert!(report::next(&failure).contains("customer-key check --identity"), "{}", report::next(&failure));
    let factory = bench.key.clone();
    bench.change(&DeviceChange::Nothing, &factory).unwrap();
    assert!(kept(&bench)[0].proved.is_some());
    burn(&mut bench, 1).unwrap();
    // Nobody else.
    bench.opener = None;
    let failure = burn(&mut bench, 2).unwrap_err();
    assert_eq!((failure.kind(), bench.state.wrong_keys), (Kind::CustomerKey, 0));
    assert!(report::next(&failure).contains("--identity FILE"), "{}", report::next(&failure));
    assert_eq!(bench.state.seed_bytes(2), b"");
    // Whoever has the key itself needs no identity.
    bench.key = customer_key(OWN);
    burn(&mut bench, 2).unwrap();
}

#[test]
fn a_key_whose_button_was_not_pressed_is_tried_once_by_the_check_and_then_the_one_of_before_counts() {
    let mut bench = begun();
    bench.state.switches.never_pressed = true;
    set(&mut bench, OWN, Vec::new()).unwrap();
    let factory = bench.key.clone();
    let failure = bench.change(&DeviceChange::Nothing, &factory).unwrap_err();
    assert_eq!((failure.kind(), bench.state.wrong_keys), (Kind::Refused, 1));
    // From now on nothing is in doubt: it has the factory's, and no wrong key is sent again.
    burn(&mut bench, 1).unwrap();
    assert_eq!(bench.state.wrong_keys, 1);
}

#[test]
fn the_second_key_takes_the_place_of_the_first_when_it_is_proved() {
    let mut bench = begun();
    let factory = bench.key.clone();
    for (number, text) in [OWN, b"AnotherKey-2026-2".as_slice()].into_iter().enumerate() {
        bench.clock.advance(std::time::Duration::from_secs(60));
        set(&mut bench, text, Vec::new()).unwrap();
        assert_eq!(kept(&bench).len(), 2, "{number}: the one of before, the factory's first, is not forgotten yet");
        bench.change(&DeviceChange::Nothing, &factory).unwrap();
        assert_eq!(kept(&bench).len(), 1);
        burn(&mut bench, number as u16).unwrap();
    }
    assert!(has_key(&bench, b"AnotherKey-2026-2") && bench.state.wrong_keys == 0);
}

#[test]
fn a_key_that_was_broken_off_anywhere_is_found_by_what_the_advice_says_with_one_wrong_try_at_most() {
    let mut clean = begun();
    set(&mut clean, OWN, Vec::new()).unwrap();
    let (apdus, mut cells) = (clean.sent, 0);
    for at in 1..=apdus {
        for kind in all_faults() {
            let name = format!("APDU {at}, {kind:?}");
            let mut bench = begun();
            let result = set(&mut bench, OWN, vec![Fault { at, kind }]);
            cells += 1;
            // A key that the device may have is kept.
            let is_kept = kept(&bench).iter().any(|kept| kept.sealed.is_some());
            assert!(!has_key(&bench, OWN) || is_kept, "{name}: its key is lost");
            let refused = result.is_err_and(|failure| failure.problem.is_key_refused());
            let factory = bench.key.clone();
            if !kept(&bench).is_empty() && bench.change(&DeviceChange::Nothing, &factory).is_err() {
                // The new one does not count; that of before is looked at too, where it was never accepted.
                let _ = bench.change(&DeviceChange::Nothing, &factory);
            }
            bench.try_again = refused;
            burn(&mut bench, 1).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
            assert!(bench.state.wrong_keys <= 1, "{name}: {} wrong keys", bench.state.wrong_keys);
            assert!(!<EmulatedMolto2 as Tried>::held(&bench.state, 1).is_empty(), "{name}");
        }
    }
    println!("{cells} cells");
}

#[test]
fn a_key_that_is_put_beside_another_device_opens_nothing() {
    let mut bench = begun();
    set(&mut bench, OWN, Vec::new()).unwrap();
    let mut stolen = kept(&bench).remove(0);
    assert!(stolen.sealed.is_some());
    (stolen.serial, stolen.proved) = ("826658719844498".to_owned(), Some(stolen.at));
    bench.books.put_device_keys(&stolen.serial, std::slice::from_ref(&stolen)).unwrap();
    bench.state.serial = stolen.serial;
    let failure = burn(&mut bench, 1).unwrap_err();
    assert_eq!((failure.kind(), bench.state.wrong_keys), (Kind::CustomerKey, 0));
    assert_eq!(bench.state.seed_bytes(1), b"");
}

/// A device whose own key is kept and proved.
fn settled() -> Bench<EmulatedMolto2> {
    let mut bench = begun();
    let factory = bench.key.clone();
    set(&mut bench, OWN, Vec::new()).unwrap();
    bench.change(&DeviceChange::Nothing, &factory).unwrap();
    bench
}

const NEXT: &[u8] = b"AnotherKey-2026-2";

#[test]
fn a_new_key_that_was_never_confirmed_costs_one_try_and_no_more_however_often_the_device_is_used() {
    let mut bench = settled();
    bench.state.switches.never_pressed = true;
    set(&mut bench, NEXT, Vec::new()).unwrap();
    let factory = bench.key.clone();
    let failure = bench.change(&DeviceChange::Nothing, &factory).unwrap_err();
    assert!(report::next(&failure).contains("the previous key is valid"), "{}", report::next(&failure));
    for slot in 0..3 {
        burn(&mut bench, slot).unwrap();
        bench.change(&DeviceChange::Nothing, &factory).unwrap();
    }
    assert_eq!(bench.state.wrong_keys, 1);
    // Pressed in the end: the kept one of before is refused once, and the check finds the new one.
    bench.state.key = data_encoding::HEXLOWER.encode(customer_key(NEXT).bytes(&[]));
    assert_eq!(burn(&mut bench, 4).unwrap_err().kind(), Kind::Refused);
    let failure = burn(&mut bench, 4).unwrap_err();
    assert_eq!((failure.kind(), bench.state.wrong_keys), (Kind::CustomerKey, 2));
    bench.try_again = true;
    bench.change(&DeviceChange::Nothing, &factory).unwrap();
    bench.try_again = false;
    burn(&mut bench, 4).unwrap();
    assert_eq!(bench.state.wrong_keys, 2);
}

#[test]
fn a_check_of_the_old_key_forgets_no_new_one_that_waits_for_its_button_whatever_the_host_s_clock_says() {
    let mut bench = settled();
    bench.state.switches.never_pressed = true;
    // A desk's clock may be set back between the two.
    let early = tokentap::time::SimulatedClock::clone(&bench.clock);
    bench.clock.advance(std::time::Duration::from_secs(86_400));
    let later = std::mem::replace(&mut bench.clock, early);
    set(&mut bench, NEXT, Vec::new()).unwrap();
    bench.clock = later;
    bench.text = Some(Zeroizing::new(OWN.to_vec()));
    bench.change(&DeviceChange::Nothing, &customer_key(OWN)).unwrap();
    bench.text = None;
    let next = bench.books.fingerprint_key().of_token_key(customer_key(NEXT).bytes(&[]));
    assert!(kept(&bench).iter().any(|kept| kept.key == next), "{:?}", kept(&bench).len());
}

#[test]
fn a_device_that_took_another_tool_s_key_is_sent_the_kept_one_once_and_not_again() {
    let mut bench = settled();
    bench.state.key = data_encoding::HEXLOWER.encode(customer_key(NEXT).bytes(&[]));
    assert_eq!(burn(&mut bench, 1).unwrap_err().kind(), Kind::Refused);
    for slot in 1..4 {
        let failure = burn(&mut bench, slot).unwrap_err();
        assert_eq!((failure.kind(), bench.state.wrong_keys), (Kind::CustomerKey, 1), "never the factory's either");
        let stated = std::mem::replace(&mut bench.key, customer_key(NEXT));
        burn(&mut bench, slot).unwrap();
        bench.key = stated;
    }
    assert_eq!(bench.state.wrong_keys, 1);
}

#[test]
fn a_stated_key_is_not_sent_where_another_one_is_kept_and_was_accepted() {
    let mut bench = settled();
    bench.key = customer_key(NEXT);
    let failure = burn(&mut bench, 1).unwrap_err();
    assert_eq!((failure.kind(), bench.state.wrong_keys), (Kind::CustomerKey, 0));
    assert!(report::next(&failure).contains("--try-again"), "{}", report::next(&failure));
    bench.try_again = true;
    assert_eq!(burn(&mut bench, 1).unwrap_err().kind(), Kind::Refused);
}

#[test]
fn a_named_key_is_not_sent_either_while_a_new_one_waits_for_its_button() {
    let mut bench = settled();
    bench.state.switches.never_pressed = true;
    set(&mut bench, NEXT, Vec::new()).unwrap();
    bench.key = customer_key(b"a third one, by mistake");
    let failure = burn(&mut bench, 1).unwrap_err();
    assert_eq!((failure.kind(), bench.state.wrong_keys), (Kind::CustomerKey, 0));
    // Each of the two that may be its own can be named.
    bench.key = customer_key(OWN);
    burn(&mut bench, 1).unwrap();
}

#[test]
fn an_order_to_reset_that_nobody_confirmed_makes_no_refused_key_good_again() {
    let mut bench = begun();
    bench.state.key = data_encoding::HEXLOWER.encode(customer_key(OWN).bytes(&[]));
    bench.state.switches.never_pressed = true;
    for _ in 0..4 {
        let opener = bench.opener.take();
        bench.change(&DeviceChange::Nothing, &customer_key(NEXT)).unwrap_err();
        bench.opener = opener;
        bench.change(&DeviceChange::Reset, &tokentap::device::Key::Factory).unwrap();
    }
    assert_eq!(bench.state.wrong_keys, 1);
}

#[test]
fn a_reset_that_was_ordered_leaves_the_kept_key_in_doubt_until_somebody_looks() {
    let mut bench = settled();
    let factory = bench.key.clone();
    bench.change(&DeviceChange::Reset, &factory).unwrap();
    // It was pressed, and nobody has read the slots: the kept key is not taken for its own.
    assert_eq!(burn(&mut bench, 1).unwrap_err().kind(), Kind::CustomerKey);
    bench.change(&DeviceChange::Nothing, &factory).unwrap();
    burn(&mut bench, 1).unwrap();
    assert_eq!(bench.state.wrong_keys, 0);
}

#[test]
fn the_factory_s_key_in_a_file_is_no_secret_of_its_own() {
    let mut bench = settled();
    bench.state.key = data_encoding::HEXLOWER.encode(customer_key(b"TOKEN2MOLTO1-KEY").bytes(&[]));
    assert_eq!(burn(&mut bench, 1).unwrap_err().kind(), Kind::Refused);
    let factory = std::mem::replace(&mut bench.key, customer_key(b"TOKEN2MOLTO1-KEY"));
    burn(&mut bench, 1).unwrap();
    bench.key = factory;
    // From now on nothing has to be named, and nothing opened.
    bench.opener = None;
    burn(&mut bench, 2).unwrap();
    assert_eq!(bench.state.wrong_keys, 1);
}

#[test]
fn an_inventory_that_seals_to_nobody_keeps_no_key_and_works_as_one_without() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    set(&mut bench, OWN, Vec::new()).unwrap();
    assert!(kept(&bench).is_empty() && has_key(&bench, OWN));
    bench.key = customer_key(OWN);
    burn(&mut bench, 1).unwrap();
}

#[test]
fn from_the_command_line_a_key_is_set_proved_used_exported_and_forgotten_by_the_reset() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| run_in(folder.path(), args);
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(folder.path().join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    let (secret, identity) = identity();
    write("identity", &secret);
    write("new-key", "MyOwnKey-2026-01\n");
    write("seed", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    assert_eq!(run(&["inventory", "init", "--recipient", &identity.recipients()[0]]).0, 0);
    assert_eq!(run(&["emulate", "--create", "--family", "molto2", "--drift", "-97", "--state", "molto.json"]).0, 0);
    let on = ["--reader", "emulated:molto.json"];
    let at = |args: &[&str]| run(&[args, &on].concat());
    let state =
        || -> Value { serde_json::from_str(&fs::read_to_string(folder.path().join("molto.json")).unwrap()).unwrap() };
    let (exit, said) = at(&["customer-key", "set", "--new-key", "new-key", "--yes"]);
    assert_eq!(exit, 10, "{said}");
    let (exit, said) = at(&["customer-key", "check", "--identity", "identity"]);
    assert_eq!(exit, 0, "{said}");
    let trust = "--trust-host-clock";
    for args in [
        &["burn", "--slot", "3", "--seed-file", "seed", "--no-verify", trust][..],
        &["sync", trust],
        &["config", "--slot", "3", "--digits", "8", trust],
        &["slot", "title", "--slot", "3", "VPN"],
        &["lock"],
    ] {
        let (exit, said) = at(args);
        assert_eq!(exit, 5, "{args:?}: {said}");
        assert!(said.contains("--identity FILE"), "{args:?}: {said}");
        let (exit, said) = at(&[args, &["--identity", "identity"]].concat());
        assert_eq!(exit, 0, "{args:?}: {said}");
    }
    let desk = |args: &[&str]| run(&[&["desk", "--fast", trust, "--reader", "emulated:molto.json"], args].concat());
    assert_eq!(desk(&[]).0, 10);
    let (exit, said) = desk(&["--identity", "identity"]);
    assert_eq!(exit, 0, "{said}");
    assert_eq!((&state()["wrong_keys"], &state()["locked"]), (&0.into(), &true.into()));
    let (exit, said) = run(&["inventory", "show", &format!("{MOLTO}/3")]);
    assert!(exit == 0 && said.contains("customer key"), "{said}");
    let export = ["customer-key", "export", MOLTO, "--identity", "identity", "--out", "exported"];
    let (exit, said) = run(&export);
    assert_eq!(exit, 0, "{said}");
    assert_eq!(fs::read(folder.path().join("exported")).unwrap(), OWN);
    assert_ne!(run(&export).0, 0, "a file that is there is not overwritten");
    // Nothing but the sealed copy has it.
    for name in ["inventory.sqlite", "inventory.sqlite-wal"] {
        let content = fs::read(folder.path().join(name)).unwrap_or_default();
        assert!(!content.windows(OWN.len()).any(|window| window == OWN), "{name}");
    }
    let (exit, said) = run(&["inventory", "check", "--identity", "identity"]);
    assert_eq!(exit, 0, "{said}");
    // An inventory that cannot be read is not one that keeps no key.
    let had = state()["wrong_keys"].clone();
    let broken = folder.path().join("broken.sqlite");
    fs::write(&broken, [0x55; 9000]).unwrap();
    let broken = broken.display().to_string();
    let stated = ["--slot", "3", "--hash", "sha1", "--step", "30", "--fast", trust, "--inventory", &broken];
    assert_ne!(at(&[&["sync"][..], &stated].concat()).0, 0);
    for none in [&["lock"][..], &["customer-key", "check"], &["slot", "title", "--slot", "3", "VPN"]] {
        let (exit, said) = at(&[none, &["--identity", "identity", "--inventory", "none"]].concat());
        assert_eq!(exit, 2, "{none:?}: {said}");
    }
    assert_eq!(state()["wrong_keys"], had);
    assert_eq!(at(&["factory-reset", "--erase-all"]).0, 0);
    assert_ne!(run(&["customer-key", "export", MOLTO, "--identity", "identity", "--out", "again"]).0, 0);
    let (exit, said) = at(&["lock"]);
    assert_eq!(exit, 0, "{said}");
    // Reset once more there is nothing to see: whether it is done, its key tells.
    let (exit, said) = at(&["factory-reset", "--erase-all"]);
    assert_eq!(exit, 10, "{said}");
    assert_eq!(at(&["customer-key", "check"]).0, 0);
}
