//! Every reading of a device with slots, at every APDU that it sends, with every fault: what was read is what the device shows, or it is
//! said why it could not be read; nothing is changed.

use std::sync::Arc;

use tokentap::device::{Device, SlotState};
use tokentap::emulator::{EmulatedKey, EmulatedLink, EmulatedMolto2, Fault, FaultKind};
use tokentap::job::{Exit, Failure, Guard, SlotWish, TokenState, identify, read, read_slot, read_slots};
use tokentap::report;
use tokentap::time::{HostClock, SimulatedClock};

use super::bench::{Bench, Tried, titled};
use super::faults::all_faults;

const SEED: &[u8] = b"the seed of a slot..";

/// What a reading is for: `readers` and every command's first look, `info` of a token, `info` of a device, `verify --slot`.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Who,
    Clock,
    Slots,
    Slot,
}

/// What was read, as far as two readings of one device must agree.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    serial: String,
    drift_s: Option<i64>,
    slots: Vec<SlotState>,
}

impl Reading {
    fn of(self, device: &mut dyn Device, clock: &SimulatedClock) -> Result<Seen, Failure> {
        let guard = Guard::default();
        let (info, drift, slots) = match self {
            Self::Who => (identify(device, clock)?, None, Vec::new()),
            Self::Clock => read(device, clock, &guard, false).map(|read| (read.info, read.drift, Vec::new()))?,
            Self::Slots => read_slots(device, clock, &guard).map(|read| (read.info, read.drift, read.slots))?,
            Self::Slot => {
                let read = read_slot(device, clock, &guard, 0)?;
                let slots = read.info.slot.as_deref().cloned().into_iter().collect();
                (read.info, read.drift, slots)
            }
        };
        let drift_s = drift.map(|drift| drift.middle_s().round() as i64);
        Ok(Seen { serial: info.serial.as_str().to_owned(), drift_s, slots })
    }
}

/// What a device shows with these faults, how many APDUs that took, and what the device is then.
fn seen<C: Tried>(bench: &Bench<C>, reading: Reading, faults: Vec<Fault>) -> (Result<Seen, Failure>, u32, C::State) {
    let shared: Arc<dyn HostClock> = Arc::new(bench.clock.clone());
    let mut link = EmulatedLink::<C>::new(bench.state.clone(), shared).with_faults(faults);
    let result = reading.of(&mut *C::device(&mut link), &bench.clock);
    (result, link.commands(), link.card().state().clone())
}

/// What is told of a slot is what it shows; a slot may tell less.
fn check_slot(name: &str, told: &SlotState, truth: &SlotState) {
    assert_eq!(told.slot, truth.slot, "{name}");
    assert!(told.has_seed.is_none() || told.has_seed == truth.has_seed, "{name}: {told:?}");
    assert!(told.title.is_none() || told.title == truth.title, "{name}: {told:?}");
    assert!(told.hash.is_none() || told.hash == truth.hash, "{name}: {told:?}");
    assert!(told.step.is_none() || told.step == truth.step, "{name}: {told:?}");
    assert!(told.digits.is_none() || told.digits == truth.digits, "{name}: {told:?}");
}

fn matrix<C: Tried>(is_same: &dyn Fn(&C::State, &C::State) -> bool) -> u32 {
    let mut cells = 0;
    for reading in [Reading::Who, Reading::Clock, Reading::Slots, Reading::Slot] {
        let mut bench = Bench::<C>::new();
        let wish = if C::SERIAL == super::bench::MOLTO { titled("VPN") } else { SlotWish::default() };
        let write = bench.burn(0, SEED, wish);
        bench.run(write, Vec::new()).unwrap();
        let (truth, apdus, _) = seen(&bench, reading, Vec::new());
        let truth = truth.unwrap();
        if let Some(slot) = truth.slots.first() {
            assert_eq!((slot.slot, slot.has_seed), (0, Some(true)), "{reading:?}");
            assert_eq!(slot.title.as_deref(), (C::SERIAL == super::bench::MOLTO).then_some("VPN"), "{reading:?}");
        }
        for at in 1..=apdus {
            for kind in all_faults() {
                let name = format!("{} {reading:?}, APDU {at}, {kind:?}", C::SERIAL);
                cells += 1;
                let (result, _, after) = seen(&bench, reading, vec![Fault { at, kind }]);
                assert!(is_same(&bench.state, &after), "{name}: a reading changed the device");
                match result {
                    Ok(told) => {
                        assert_eq!((&told.serial, told.drift_s), (&truth.serial, truth.drift_s), "{name}");
                        assert_eq!(told.slots.len(), truth.slots.len(), "{name}");
                        told.slots.iter().zip(&truth.slots).for_each(|(told, truth)| check_slot(&name, told, truth));
                    }
                    Err(failure) => {
                        let untouched = matches!(failure.state, TokenState::Untouched | TokenState::NotReached);
                        assert!(untouched, "{name}: {:?}", failure.state);
                        assert_ne!(failure.exit(), Exit::Fault, "{name}: {failure:?}");
                        let said =
                            [report::fact(&failure.problem), report::state(&failure.state), report::next(&failure)];
                        assert!(said.iter().all(|said| !said.is_empty()), "{name}: {said:?}");
                        assert!(!said[2].contains("lay it"), "{name}: it is plugged in: {}", said[2]);
                    }
                }
                // The same command again.
                assert_eq!(seen(&bench, reading, Vec::new()).0.unwrap(), truth, "{name}, again");
            }
        }
    }
    cells
}

#[test]
fn every_reading_of_a_molto2_at_every_apdu_with_every_fault_tells_the_truth_or_says_why_not() {
    let cells = matrix::<EmulatedMolto2>(&|one, other| {
        (&one.slots, one.locked, other.wrong_keys) == (&other.slots, other.locked, 0)
    });
    assert!(cells > 1300, "{cells}");
}

#[test]
fn a_device_that_leaves_while_its_fifty_first_slot_is_asked_for_again_is_not_told_to_have_fifty() {
    let bench = Bench::<EmulatedMolto2>::new();
    let refused = |at| Fault { at, kind: FaultKind::Answer(vec![0x6D, 0x00]) };
    let (truth, all, _) = seen(&bench, Reading::Slots, Vec::new());
    let at = (1..=all).find(|at| {
        // The one of slot 50 is the only one whose refusal is asked about.
        seen(&bench, Reading::Slots, vec![refused(*at)]).1 > all
    });
    let at = at.unwrap();
    assert_eq!(seen(&bench, Reading::Slots, vec![refused(at)]).0.unwrap(), truth.unwrap());
    for kind in [FaultKind::LeaveBefore, FaultKind::NoAnswer] {
        let (result, ..) = seen(&bench, Reading::Slots, vec![refused(at), Fault { at: at + 2, kind }]);
        assert!(result.is_err(), "{result:?}");
    }
}

#[test]
fn every_reading_of_a_key_at_every_apdu_with_every_fault_tells_the_truth_or_says_why_not() {
    let cells = matrix::<EmulatedKey>(&|one, other| (&one.seed, one.off) == (&other.seed, other.off));
    assert!(cells > 60, "{cells}");
}
