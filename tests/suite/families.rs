//! A family of devices that nobody makes: a clicker with two slots, whose codes count button presses. The jobs write it as they
//! write every device, which holds what they know of devices to `src/device/`.

use std::sync::{Arc, Mutex};

use tokentap::device::{
    Capabilities, CapabilityError, Carried, Config, Contact, Device, DeviceError, Info, Key, Model, Moves, Other,
    Reason, Serial, Step, Timepiece, Unlocked,
};
use tokentap::inventory::{Deed, Inventory, Listing, Outcome, SlotKey, Sqlite};
use tokentap::iso7816::StatusWord;
use tokentap::job::request::{BurnRequest, SyncRequest, Terms};
use tokentap::job::{
    Failure, Front, Guard, Kind, Notice, SeedChoice, SingleWrite, TokenState, WriteOutcome, WritePlan, read,
};
use tokentap::link::{LinkError, LinkFault};
use tokentap::otp::Hash;
use tokentap::report::{InfoReport, Report, WriteReport};
use tokentap::seed::Seed;
use tokentap::seedfile::Row;

use crate::support::{recorder, simulated_clock};

const SERIAL: &str = "CLICK0042";

static CAN: Capabilities = Capabilities {
    manufacturer: "Nobody",
    plugs_in: true,
    slots: 2,
    least_slots: 2,
    moves: Moves::Counter,
    shows_slot_clocks: true,
    sets_clock_alone: false,
    hashes: &[Hash::Sha1],
    steps_s: &[],
    displays: &[],
    digits: &[6, 8],
    seed_bytes: 1..=64,
    title_bytes: 0,
    factory_key: b"click",
};

static MODEL: Model = Model { prefix: "CLICK", name: "Clicker", can: &CAN };

/// The clicker behind every contact: its slots, its key, and the step at which its next answer is lost.
#[derive(Default)]
struct Insides {
    slots: [Option<Vec<u8>>; 2],
    key: Option<Vec<u8>>,
    loses: Option<Step>,
}

#[derive(Clone, Default)]
struct Clicker(Arc<Mutex<Insides>>);

impl Clicker {
    fn slots(&self) -> [Option<Vec<u8>>; 2] {
        self.0.lock().unwrap().slots.clone()
    }

    fn loses_answer_at(&self, step: Step) {
        self.0.lock().unwrap().loses = Some(step);
    }
}

struct Clicks {
    insides: Arc<Mutex<Insides>>,
    info: Info,
}

impl Clicks {
    /// Carries out a step, and loses its answer where it is to.
    fn carry_out(&self, step: Step, deed: impl FnOnce(&mut Insides)) -> Result<(), DeviceError> {
        let mut insides = self.insides.lock().unwrap();
        deed(&mut insides);
        match insides.loses.take_if(|lost| *lost == step) {
            Some(_) => {
                let lost = LinkError::new(LinkFault::NoAnswer, "the answer was lost");
                Err(DeviceError { step, reason: Reason::Link(lost) })
            }
            None => Ok(()),
        }
    }
}

impl Device for Clicker {
    fn open(&mut self, _: &mut dyn FnMut(&DeviceError) -> bool) -> Result<Box<dyn Contact + '_>, DeviceError> {
        let (serial, opaque) = (Serial::new(SERIAL).unwrap(), [0; 5]);
        let info = Info { serial, model: Some(&MODEL), can: &CAN, clock: None, more: 0, opaque, slot: None };
        Ok(Box::new(Clicks { insides: Arc::clone(&self.0), info }))
    }

    fn identify_other(&mut self) -> Other {
        Other::Unknown
    }

    fn close(&mut self) {}
}

impl Timepiece for Clicks {
    fn read_clock(&mut self) -> Result<u32, DeviceError> {
        panic!("a clicker has no clock");
    }

    fn info(&self) -> &Info {
        &self.info
    }
}

impl Contact for Clicks {
    fn unlock<'c>(self: Box<Self>, key: &Key) -> Result<Box<dyn Unlocked + 'c>, DeviceError>
    where
        Self: 'c,
    {
        let own = self.insides.lock().unwrap().key.clone();
        match own.as_deref().unwrap_or(CAN.factory_key) == key.bytes(CAN.factory_key) {
            true => Ok(self),
            false => Err(DeviceError { step: Step::Answer, reason: Reason::Refused(StatusWord::new(0x69, 0x83)) }),
        }
    }
}

impl Unlocked for Clicks {
    fn write_config(&mut self, _: u16, config: Config) -> Result<(), DeviceError> {
        assert_eq!(config.clock, None, "a clicker has no clock");
        self.carry_out(Step::Config, |_| ())
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }

    fn write_seed(&mut self, slot: u16, seed: &Seed) -> Result<(), DeviceError> {
        self.carry_out(Step::Seed, |insides| insides.slots[usize::from(slot)] = Some(seed.expose().to_vec()))
    }
}

struct Desk {
    books: Sqlite,
    clicker: Clicker,
}

impl Desk {
    fn new() -> Self {
        Self { books: Sqlite::in_memory().unwrap(), clicker: Clicker::default() }
    }

    fn run(&self, write: Result<SingleWrite, Failure>) -> Result<WriteOutcome, Failure> {
        let write = write?;
        let recorder = recorder(&self.books, write.deed);
        let tell = |_: Notice| ();
        let mut before = |_: &Info, _: &WritePlan| Ok(());
        let mut front = Front { tell: &tell, confirm: None, before: &mut before, interrupted: &|| false };
        write.run(&mut self.clicker.clone(), &simulated_clock(), recorder, &mut front)
    }

    fn burn(&self, slot: u16, seed: &[u8]) -> Result<WriteOutcome, Failure> {
        self.run(burn(slot, seed).prepare())
    }

    fn last_outcome(&self) -> Outcome {
        let mut last = None;
        self.books.visit_events(&Default::default(), 1, &mut |event| last = Some(event.outcome)).unwrap();
        last.unwrap()
    }
}

fn burn(slot: u16, seed: &[u8]) -> BurnRequest {
    let row = Row::of_seed(Seed::from_bytes(seed.to_vec()).unwrap());
    let terms = Terms { slot, ..Terms::default() };
    BurnRequest { seed: Some(SeedChoice::One(Box::new(row))), terms, ..BurnRequest::default() }
}

const ONE: &[u8] = b"a seed of twenty byt";
const TWO: &[u8] = b"another of twenty by";

#[test]
fn a_device_that_counts_is_burned_slot_by_slot_recorded_and_reported_without_a_clock() {
    let desk = Desk::new();
    let outcome = desk.burn(1, TWO).unwrap();
    assert_eq!((outcome.drift, desk.clicker.slots()), (None, [None, Some(TWO.to_vec())]));
    let report = WriteReport::of(&outcome, "a desk", false);
    assert_eq!(report.text(), "Clicker CLICK0042: seed burned");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["seed"], json.get("clock")), (&"burned".into(), None));

    desk.burn(0, ONE).unwrap();
    assert_eq!(desk.clicker.slots(), [Some(ONE.to_vec()), Some(TWO.to_vec())]);
    assert_eq!(desk.last_outcome(), Outcome::Done);
    let inventory = &desk.books;
    let held = |seed: &[u8]| {
        let seed = inventory.fingerprint_key().of(&Seed::from_bytes(seed.to_vec()).unwrap());
        inventory.holder(&seed).unwrap().map(|place| (place.serial, place.slot))
    };
    assert_eq!((held(ONE), held(TWO)), (Some((SERIAL.to_owned(), 0)), Some((SERIAL.to_owned(), 1))));
}

#[test]
fn a_device_that_counts_is_read_and_its_verdict_says_that_there_is_no_clock() {
    let outcome = read(&mut Clicker::default(), &simulated_clock(), &Guard::default(), true).unwrap();
    assert_eq!((outcome.drift, outcome.stands_still), (None, false));
    let standing = tokentap::clock::Standing {
        kernel: tokentap::clock::KernelWord::default(),
        ntp: None,
        trusted: true,
        warning: None,
        correction: chrono::TimeDelta::zero(),
    };
    let reading = tokentap::report::Reading {
        outcome: &outcome,
        reader: "a desk",
        emulated: false,
        known: None,
        is_unread: false,
        refused: None,
        code_wrong: None,
        fit: None,
        standing: &standing,
    };
    let report = InfoReport::of(&reading);
    assert_eq!(
        (report.verdict, report.text().as_str()),
        (
            "counts",
            "counts button presses, and has no clock to set; no seed of it is on record\ntoken   Clicker CLICK0042\nreader  a desk"
        )
    );
}

#[test]
fn what_a_device_that_counts_cannot_do_is_refused_before_anything_is_written() {
    let desk = Desk::new();
    assert_eq!(desk.run(SyncRequest::default().prepare()).unwrap_err().kind(), Kind::NoClock);
    let beyond = desk.burn(2, ONE).unwrap_err();
    assert_eq!((beyond.kind(), desk.clicker.slots()), (Kind::Usage, [None, None]));
    let long = desk.burn(0, &[7; 65]).unwrap_err();
    assert_eq!((long.kind(), desk.clicker.slots()), (Kind::Usage, [None, None]));
    let request = BurnRequest {
        profile: serde_json::from_value(serde_json::json!({ "hash": "SHA256" })).unwrap(),
        ..burn(0, ONE)
    };
    assert_eq!((desk.run(request.prepare()).unwrap_err().kind(), desk.clicker.slots()), (Kind::Usage, [None, None]));
}

#[test]
fn a_lost_answer_leaves_the_slot_open_on_record_and_the_same_burn_closes_it() {
    let desk = Desk::new();
    desk.burn(0, ONE).unwrap();
    desk.clicker.loses_answer_at(Step::Seed);
    let failure = desk.burn(1, TWO).unwrap_err();
    let TokenState::Partial { progress, .. } = failure.state else { panic!("{:?}", failure.state) };
    assert_eq!(
        (progress.config, progress.seed, desk.last_outcome()),
        (Carried::Yes, Carried::Unknown, Outcome::Unknown)
    );
    let pending = |slot| {
        let record = desk.books.token(&SlotKey::of(SERIAL, slot)).unwrap().unwrap();
        record.pending.map(|pending| pending.deed)
    };
    assert_eq!((pending(0), pending(1)), (None, Some(Deed::Burn)), "the other slot is as it was");
    desk.burn(1, TWO).unwrap();
    assert_eq!((pending(0), pending(1)), (None, None));
}

#[test]
fn a_key_that_a_device_of_any_family_refused_is_not_tried_twice() {
    let desk = Desk::new();
    desk.clicker.0.lock().unwrap().key = Some(b"its own".to_vec());
    let first = desk.burn(0, ONE).unwrap_err();
    let second = desk.burn(0, ONE).unwrap_err();
    assert_eq!((first.kind(), second.kind()), (Kind::Refused, Kind::Refused));
    assert_ne!(first.problem, second.problem, "the second one is refused by the record");
}

#[test]
fn a_row_is_held_against_the_capabilities_of_the_device_that_is_to_hold_it() {
    let row = |uri: &str| tokentap::seedfile::otpauth::parse(uri).unwrap();
    let counts = row("otpauth://hotp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&counter=0&digits=8");
    let tells_time = row("otpauth://totp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    assert_eq!((counts.check_for(&CAN), tells_time.check_for(&CAN)), (Ok(()), Err(CapabilityError::CountsPresses)));
    let token = tokentap::device::families::usual();
    assert_eq!((counts.check_for(token), tells_time.check_for(token)), (Err(CapabilityError::CountsTime), Ok(())));
}
