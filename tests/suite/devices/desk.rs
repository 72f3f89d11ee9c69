//! A Molto2 that is plugged in at a desk: the clock of every slot with a seed is set, and whatever breaks that off loses no seed, tries
//! no key twice, and is mended by plugging it in again.

use std::sync::{Arc, Mutex};

use tokentap::device::molto2::Molto2;
use tokentap::emulator::{Emulated, EmulatedLink, EmulatedMolto2, Fault, FaultKind};
use tokentap::job::desk::{DeskNews, DeskVisitor, Done, SlotsVisit, Visited, Why};
use tokentap::job::{DeskRequest, Exit, HourWatch, ReaderRef, SlotWish, Surroundings, TokenState, Visitor};
use tokentap::link::{Link, LinkError};
use tokentap::report::{DeskVisit, Report, WORDING};
use tokentap::time::CorrectedClock;

use super::bench::Bench;
use super::faults::all_faults;

/// The slots with a seed, and their seeds.
const SEEDED: [(u16, &[u8]); 3] =
    [(0, b"the seed of slot 0.."), (4, b"the seed of slot 4.."), (9, b"the seed of slot 9..")];

/// A link that is looked at when the desk has let go of it.
#[derive(Clone)]
struct Lent(Arc<Mutex<EmulatedLink<EmulatedMolto2>>>);

impl Link for Lent {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.0.lock().unwrap().transmit(command)
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        self.0.lock().unwrap().hold()
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.0.lock().unwrap().reset()
    }

    fn close(&mut self) {
        self.0.lock().unwrap().close();
    }
}

fn begun() -> Bench<EmulatedMolto2> {
    let mut bench = Bench::<EmulatedMolto2>::new();
    // A small one: each slot is read.
    bench.state.slots.truncate(50);
    for (slot, seed) in SEEDED {
        let write = bench.burn(slot, seed, SlotWish::default());
        bench.run(write, Vec::new()).unwrap();
    }
    bench
}

/// Plugs the device in at a desk, with faults, and unplugs it.
fn visit(bench: &mut Bench<EmulatedMolto2>, request: DeskRequest, faults: Vec<Fault>) -> Visited {
    let shared: Arc<dyn tokentap::time::HostClock> = Arc::new(bench.clock.clone());
    let link = EmulatedLink::<EmulatedMolto2>::new(bench.state.clone(), shared).with_faults(faults).with_one_contact();
    let lent = Lent(Arc::new(Mutex::new(link)));
    let visited = Mutex::new(None);
    let plan = DeskRequest { fast: true, customer_key: bench.key.clone(), try_again: bench.try_again, ..request };
    let around = Surroundings {
        station: Default::default(),
        remark: None,
        wording: WORDING,
        host: &|| Ok(CorrectedClock::new(&bench.clock, chrono::TimeDelta::zero())),
        tell: &|news| {
            if let DeskNews::Visited(visit) = news {
                *visited.lock().unwrap() = Some(*visit);
            }
        },
        has_person: false,
        hours: HourWatch::default(),
        stop: &|| false,
    };
    let place = ReaderRef { reader: "TOKEN2 Molto2".to_owned(), number: None, emulated: true };
    let visitor = DeskVisitor::new(Some(&bench.books), plan.prepare().unwrap(), around);
    visitor.visit(&place, Box::new(Molto2(lent.clone())));
    let visited = visited.lock().unwrap().take().unwrap();
    assert_eq!(visitor.undone().is_empty(), visited.is_well(2.0) || visited.info.is_none(), "{:?}", visited.done);
    assert_eq!(visited.unrecorded, None);
    drop(visitor);
    let link = lent.0.lock().unwrap();
    bench.sent = link.commands();
    bench.state = link.card().state().clone();
    visited
}

fn slots(visited: &Visited) -> &SlotsVisit {
    match &visited.done {
        Done::Slots(visit) => visit,
        other => panic!("{other:?}"),
    }
}

fn check_seeds(bench: &Bench<EmulatedMolto2>, name: &str) {
    for (slot, seed) in SEEDED {
        assert_eq!(bench.state.seed_bytes(slot.into()), seed, "{name}: slot {slot}");
    }
    assert_eq!(bench.state.wrong_keys, 0, "{name}");
}

#[test]
fn every_slot_with_a_seed_is_set_and_told() {
    let mut bench = begun();
    let visited = visit(&mut bench, DeskRequest::default(), Vec::new());
    let written: Vec<u16> = slots(&visited).written.iter().map(|outcome| outcome.info.slot_number()).collect();
    assert_eq!(written, [0, 4, 9]);
    assert!(visited.is_well(2.0) && visited.was_set());
    check_seeds(&bench, "set");
    let said = DeskVisit::of(&visited, 2.0).text();
    assert!(said.contains("the clocks of 3 slots with a seed are set") && said.contains("you can unplug it"), "{said}");
}

#[test]
fn a_visit_broken_off_anywhere_by_anything_loses_nothing_and_the_next_one_sets_every_slot() {
    let mut clean = begun();
    visit(&mut clean, DeskRequest::default(), Vec::new());
    let (apdus, mut cells) = (clean.sent, 0);
    assert!(apdus > 60, "{apdus}");
    for at in 1..=apdus {
        for kind in all_faults() {
            let name = format!("APDU {at}, {kind:?}");
            let mut bench = begun();
            let visited = visit(&mut bench, DeskRequest::default(), vec![Fault { at, kind }]);
            cells += 1;
            check_seeds(&bench, &name);
            let said = DeskVisit::of(&visited, 2.0).text();
            if let Done::Failed(failure) = &visited.done {
                assert_ne!(failure.exit(), Exit::Fault, "{name}: {failure:?}");
                assert!(!visited.is_well(2.0), "{name}");
                let is_set = failure.details.iter().any(|detail| detail.starts_with("set: the clocks of slots"));
                assert!(!is_set || failure.state != TokenState::Untouched, "{name}: {said}");
                bench.try_again = failure.problem.is_key_refused();
            }
            let again = visit(&mut bench, DeskRequest::default(), Vec::new());
            assert!(again.is_well(2.0), "{name}, again: {:?}", again.done);
            assert_eq!(slots(&again).written.len(), SEEDED.len(), "{name}, again");
            check_seeds(&bench, &name);
            SEEDED.iter().for_each(|(slot, _)| bench.check_settled(*slot, &name));
        }
    }
    println!("{cells} cells");
}

#[test]
fn a_slot_whose_burn_did_not_end_is_named_and_its_device_counts_as_undone() {
    let mut bench = begun();
    let write = bench.burn(9, b"another one, of 20 b", SlotWish::default());
    let write = write.map(|write| tokentap::job::SingleWrite { replaces_seed: true, ..write });
    // Its seed goes after info, public block, key, clearing, config: somewhere there the answer is lost.
    let broken = (5..14).find(|at| {
        let mut tried = begun();
        let write = tried.burn(9, b"another one, of 20 b", SlotWish::default());
        let write = write.map(|write| tokentap::job::SingleWrite { replaces_seed: true, ..write });
        let fault = Fault { at: *at, kind: FaultKind::NoAnswer };
        tried.run(write, vec![fault]).is_err()
            && tried.record(9).unwrap().pending.is_some_and(|pending| pending.seed.is_some())
    });
    let fault = Fault { at: broken.unwrap(), kind: FaultKind::NoAnswer };
    bench.run(write, vec![fault]).unwrap_err();
    let visited = visit(&mut bench, DeskRequest::default(), Vec::new());
    assert_eq!(slots(&visited).left_open().iter().map(|(slot, _)| *slot).collect::<Vec<_>>(), [9]);
    let said = DeskVisit::of(&visited, 2.0).text();
    assert!(!visited.is_well(2.0) && said.contains("burn slot 9 again"), "{said}");
}

#[test]
fn a_device_without_seeds_is_left_alone_and_well() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    bench.state.slots.iter_mut().for_each(|slot| slot.seed.clear());
    let before = bench.state.clone();
    let visited = visit(&mut bench, DeskRequest::default(), Vec::new());
    assert_eq!((slots(&visited).why, visited.is_well(2.0)), (Some(Why::NoSeeds), true));
    assert_eq!(bench.state.slots, before.slots);
}
