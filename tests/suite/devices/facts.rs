//! Each fact that nobody knows, on either side: the jobs end right on both. `docs/devices.md` §9 is this table, printed.

use tokentap::emulator::{EmulatedKey, EmulatedMolto2, KeyState, MoltoState};
use tokentap::job::{Kind, SlotWish};

use super::bench::{Bench, Tried, titled};

const ONE: &[u8] = b"a seed of twenty byt";
const TWO: &[u8] = b"another of twenty by";

/// What happens on one side of a fact, in words for the table.
fn molto(set: &dyn Fn(&mut MoltoState)) -> String {
    let mut bench = Bench::<EmulatedMolto2>::new();
    set(&mut bench.state);
    let mut said = Vec::new();
    let burned = bench.run(bench.burn(3, ONE, titled("One")), Vec::new()).unwrap();
    assert_eq!(EmulatedMolto2::held(&bench.state, 3), ONE);
    let proved =
        |drift: bool| if drift { "its clock is read back" } else { "its clock is set, and cannot be read back" };
    said.push(format!("burn: {}", proved(burned.drift.is_some())));
    let now = |bench: &Bench<EmulatedMolto2>| {
        tokentap::time::HostClock::now(&bench.clock).wall.timestamp_nanos_opt().unwrap()
    };
    let drift = bench.state.clock_of(3).drift_s(now(&bench));
    assert!(drift.abs() < 1.0, "the clock that the slot counts by is right: {drift}");
    let synced = bench.run(bench.sync(3), Vec::new()).unwrap();
    said.push(format!("sync: {}", proved(synced.drift.is_some())));
    let mut write = bench.burn(3, TWO, SlotWish::default()).unwrap();
    write.replaces_seed = true;
    match bench.run(Ok(write), Vec::new()) {
        Ok(_) => {
            assert_eq!(EmulatedMolto2::held(&bench.state, 3), TWO);
            said.push("another seed: replaces it".to_owned());
        }
        Err(failure) => {
            assert_eq!((failure.kind(), EmulatedMolto2::held(&bench.state, 3)), (Kind::Refused, ONE.to_vec()));
            bench.check_record(3, "refused");
            said.push("another seed: refused, the old one stays; clear the slot first".to_owned());
        }
    }
    bench.run(bench.clear(3), Vec::new()).unwrap();
    assert!(EmulatedMolto2::held(&bench.state, 3).is_empty());
    bench.check_settled(3, "cleared");
    bench.run(bench.burn(3, TWO, SlotWish::default()), Vec::new()).unwrap();
    bench.check_settled(3, "burned again");
    said.join("; ")
}

fn key(set: &dyn Fn(&mut KeyState)) -> String {
    let mut bench = Bench::<EmulatedKey>::new();
    set(&mut bench.state);
    if bench.state.switches.says_one_byte {
        let failure = bench.run(bench.burn(0, ONE, SlotWish::default()), Vec::new()).unwrap_err();
        assert_eq!(failure.kind(), Kind::SlotFilled, "what does not say is not taken for empty");
    }
    let mut write = bench.burn(0, ONE, SlotWish::default()).unwrap();
    write.replaces_seed = bench.state.switches.says_one_byte;
    bench.run(Ok(write), Vec::new()).unwrap();
    bench.state.counter = 5;
    bench.run(bench.burn(0, ONE, SlotWish::default()), Vec::new()).unwrap();
    assert_eq!(EmulatedKey::held(&bench.state, 0), ONE);
    bench.check_settled(0, "burned twice");
    let counter = match bench.state.counter {
        0 => "two typed codes show that it counts from 0",
        _ => "two typed codes show where it goes on, and that is said",
    };
    let slot = bench.run(bench.clear(0), Vec::new()).unwrap();
    assert!(EmulatedKey::held(&bench.state, 0).is_empty());
    bench.check_settled(0, "cleared");
    let known = match slot.info.slot.and_then(|slot| slot.has_seed) {
        Some(_) => "the slot is read back",
        None => "refused without --replace-seed, because the slot may hold a seed",
    };
    format!("burn: {known}; {counter}")
}

/// What a wrong customer key costs and says.
fn wrong_key(set: &dyn Fn(&mut MoltoState)) -> String {
    let mut bench = Bench::<EmulatedMolto2>::new();
    set(&mut bench.state);
    bench.state.key = "00".repeat(16);
    let failure = bench.run(bench.sync(0), Vec::new()).unwrap_err();
    let fact = tokentap::report::fact(&failure.problem);
    assert!(fact.contains("7 attempts left"), "{fact}");
    bench.run(bench.sync(0), Vec::new()).unwrap_err();
    assert_eq!(bench.state.wrong_keys, 1, "it is not sent twice");
    "a wrong key: 7 attempts left, and it is not sent again".to_owned()
}

/// What a change of the customer key and a factory reset say, and that the new key counts when the button was pressed.
fn button(set: &dyn Fn(&mut MoltoState)) -> String {
    use tokentap::device::{Agreed, Key, molto2::customer_key};
    use tokentap::job::device_change::DeviceChange;
    let mut bench = Bench::<EmulatedMolto2>::new();
    set(&mut bench.state);
    let new = customer_key(b"MyOwnKey-2026-01");
    let said = bench.change(&DeviceChange::Key(new.clone()), &Key::Factory).unwrap().agreed;
    bench.change(&DeviceChange::Nothing, &new).unwrap();
    assert_eq!(bench.change(&DeviceChange::Nothing, &Key::Factory).unwrap_err().kind(), Kind::Refused);
    bench.change(&DeviceChange::Reset, &Key::Factory).unwrap();
    bench.try_again = true;
    bench.change(&DeviceChange::Nothing, &Key::Factory).unwrap();
    let waits = if said == Agreed::WaitsForButton { "says that it waits" } else { "says done" };
    format!("customer-key set: {waits}, and one attempt proves the new key in any case")
}

/// A fact, its two sides, and what the jobs do on each.
type Fact = (&'static str, [(&'static str, String); 2]);

fn facts() -> Vec<Fact> {
    let unchanged = || molto(&|_| ());
    vec![
        (
            "A clock write sets the clock of its slot, or of the whole device",
            [("the device's", unchanged()), ("its slot's", molto(&|state| state.switches.clock_per_slot = true))],
        ),
        (
            "A slot that holds a seed takes another",
            [("it does", unchanged()), ("it refuses", molto(&|state| state.switches.keeps_seeded = true))],
        ),
        (
            "A seed without padding",
            [("is refused", unchanged()), ("is kept", molto(&|state| state.switches.keeps_unpadded = true))],
        ),
        (
            "A slot is cleared",
            [("with the key", unchanged()), ("without", molto(&|state| state.switches.clears_without_key = true))],
        ),
        (
            "The tries left",
            [
                ("in the low half of the byte", wrong_key(&|_| ())),
                ("in the whole byte", wrong_key(&|state| state.switches.tries_in_whole_byte = true)),
            ],
        ),
        (
            "While the button is awaited, the answer is",
            [("9060", button(&|_| ())), ("9000", button(&|state| state.switches.waits_with_9000 = true))],
        ),
        ("Slots", [("100", unchanged()), ("50", molto(&|state| state.slots.truncate(50)))]),
        (
            "A key whose interfaces are changed",
            [("stays", key(&|_| ())), ("leaves and comes back", key(&|state| state.switches.re_enumerates = true))],
        ),
        (
            "A key says of its set-up",
            [("ten bytes", key(&|_| ())), ("one", key(&|state| state.switches.says_one_byte = true))],
        ),
        (
            "A key whose slot is written again",
            [("counts from 0", key(&|_| ())), ("goes on counting", key(&|state| state.switches.keeps_counter = true))],
        ),
    ]
}

const BEGIN: &str = "<!-- the facts, printed by a test -->\n";
const END: &str = "<!-- their end -->";

#[test]
fn either_side_of_every_open_fact_ends_right_as_docs_devices_md_says() {
    let mut table = "| open fact | side | what the jobs do |\n|---|---|---|\n".to_owned();
    for (fact, sides) in facts() {
        for (side, said) in sides {
            table.push_str(&format!("| {fact} | {side} | {said} |\n"));
        }
    }
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/devices.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (kept, after) = rest.split_once(END).unwrap();
    if std::env::var_os("TOKENTAP_TEST_PRINT").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(kept, table, "docs/devices.md says otherwise (TOKENTAP_TEST_PRINT=1 prints it anew)");
}
