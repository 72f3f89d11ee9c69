//! An emulated device of either family in simulated time, with an inventory, and the jobs on it as the command line asks for them.

use std::sync::Arc;

use tokentap::device::hotp_key::HotpKey;
use tokentap::device::molto2::Molto2;
use tokentap::device::{Device, Family, Info, Key, Title};
use tokentap::emulator::{
    Emulated, EmulatedKey, EmulatedLink, EmulatedMolto2, Fault, KeyState, MoltoState, TokenClock,
};
use tokentap::inventory::{Deed, Fingerprint, Inventory, Listing, Outcome, SlotKey, Sqlite, TokenRecord};
use tokentap::job::device_change::{ChangeRequest, DeviceChange, DeviceChanged, change_device};
use tokentap::job::request::{BurnRequest, ConfigRequest, SlotRequest, SyncRequest, Terms};
use tokentap::job::{
    Failure, Front, Guard, KeyText, Notice, Opener, SeedChoice, SingleWrite, SlotWish, WriteOutcome, WritePlan,
};
use tokentap::seed::Seed;
use tokentap::seedfile::Row;
use tokentap::time::{HostClock, SimulatedClock};

use crate::support::{NOW_NS, recorder, simulated_clock};

pub const MOLTO: &str = "826658719844499";
pub const KEY: &str = "66103012345678";

/// An emulated family and the device that the program has of it.
pub trait Tried: Emulated + 'static {
    const FAMILY: Family;
    const SERIAL: &'static str;

    fn fresh() -> Self::State;
    fn device<'l>(link: &'l mut EmulatedLink<Self>) -> Box<dyn Device + 'l>
    where
        Self: Sized;
    /// The seed that a slot holds; empty where there is none.
    fn held(state: &Self::State, slot: u16) -> Vec<u8>;
}

impl Tried for EmulatedMolto2 {
    const FAMILY: Family = Family::Molto2;
    const SERIAL: &'static str = MOLTO;

    fn fresh() -> MoltoState {
        MoltoState::new(MOLTO, 100, TokenClock::new(NOW_NS, -97.0, 0.0, false))
    }

    fn device<'l>(link: &'l mut EmulatedLink<Self>) -> Box<dyn Device + 'l> {
        Box::new(Molto2(link))
    }

    fn held(state: &MoltoState, slot: u16) -> Vec<u8> {
        state.seed_bytes(slot.into())
    }
}

impl Tried for EmulatedKey {
    const FAMILY: Family = Family::HotpKey;
    const SERIAL: &'static str = KEY;

    fn fresh() -> KeyState {
        KeyState::new(KEY)
    }

    fn device<'l>(link: &'l mut EmulatedLink<Self>) -> Box<dyn Device + 'l> {
        Box::new(HotpKey(link))
    }

    fn held(state: &KeyState, _: u16) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(state.seed.as_bytes()).unwrap()
    }
}

/// A device, its record, and the time that passes.
pub struct Bench<C: Tried> {
    pub state: C::State,
    pub books: Sqlite,
    pub clock: SimulatedClock,
    /// How many APDUs the last job sent.
    pub sent: u32,
    /// The customer key that the jobs use.
    pub key: Key,
    pub try_again: bool,
    /// What opens the inventory's customer keys.
    pub opener: Option<Opener>,
    /// The stated key, and a new one, as their owner has them.
    pub text: Option<KeyText>,
    pub new_text: Option<KeyText>,
}

impl<C: Tried> Bench<C> {
    pub fn new() -> Self {
        let (books, clock) = (Sqlite::in_memory().unwrap(), simulated_clock());
        Self {
            state: C::fresh(),
            books,
            clock,
            sent: 0,
            key: Key::Factory,
            try_again: false,
            opener: None,
            text: None,
            new_text: None,
        }
    }

    /// The terms of a job on a slot.
    pub fn terms(&self, slot: u16, wish: SlotWish) -> Terms {
        let (family, key, try_again) = (C::FAMILY, self.key.clone(), self.try_again);
        let opener = self.opener.clone();
        Terms { slot, family, wish, key, try_again, opener, ..Terms::default() }
    }

    /// Runs a job with faults, and keeps what became of the device.
    pub fn run(&mut self, write: Result<SingleWrite, Failure>, faults: Vec<Fault>) -> Result<WriteOutcome, Failure> {
        let write = write?;
        let recorder = recorder(&self.books, write.deed);
        let tell = |_: Notice| ();
        let mut before = |_: &Info, _: &WritePlan| Ok(());
        let mut front = Front { tell: &tell, confirm: None, before: &mut before, interrupted: &|| false };
        let shared: Arc<dyn HostClock> = Arc::new(self.clock.clone());
        let mut link = EmulatedLink::<C>::new(self.state.clone(), shared).with_faults(faults);
        let result = write.run(&mut *C::device(&mut link), &self.clock, recorder, &mut front);
        self.sent = link.commands();
        self.state = link.card().state().clone();
        result
    }

    /// Changes the whole device.
    pub fn change(&mut self, change: &DeviceChange, key: &Key) -> Result<DeviceChanged, Failure> {
        self.change_with(change, key, Vec::new())
    }

    /// The same with faults.
    pub fn change_with(
        &mut self,
        change: &DeviceChange,
        key: &Key,
        faults: Vec<Fault>,
    ) -> Result<DeviceChanged, Failure> {
        let recorder = recorder(&self.books, Deed::Device);
        let shared: Arc<dyn HostClock> = Arc::new(self.clock.clone());
        let mut link = EmulatedLink::<C>::new(self.state.clone(), shared).with_faults(faults);
        let (guard, mut before) = (Guard::default(), |_: &Info| Ok(()));
        let mut request = ChangeRequest {
            change,
            guard: &guard,
            key,
            opener: self.opener.as_ref(),
            text: self.text.as_ref(),
            new_text: self.new_text.as_ref(),
            tries_again: self.try_again,
            before: &mut before,
        };
        let result = change_device(&mut *C::device(&mut link), &self.clock, &recorder, &mut request);
        self.sent = link.commands();
        self.state = link.card().state().clone();
        result
    }

    pub fn burn(&self, slot: u16, seed: &[u8], wish: SlotWish) -> Result<SingleWrite, Failure> {
        let row = Row::of_seed(Seed::from_bytes(seed.to_vec()).unwrap());
        let seed = Some(SeedChoice::One(Box::new(row)));
        BurnRequest { seed, terms: self.terms(slot, wish), ..BurnRequest::default() }.prepare()
    }

    pub fn sync(&self, slot: u16) -> Result<SingleWrite, Failure> {
        SyncRequest { terms: self.terms(slot, SlotWish::default()), ..SyncRequest::default() }.prepare()
    }

    pub fn config(&self, slot: u16, digits: u32) -> Result<SingleWrite, Failure> {
        let wish = SlotWish { digits: Some(digits), ..SlotWish::default() };
        ConfigRequest { terms: self.terms(slot, wish), ..ConfigRequest::default() }.prepare()
    }

    pub fn clear(&self, slot: u16) -> Result<SingleWrite, Failure> {
        let wish = SlotWish { clears: true, ..SlotWish::default() };
        SlotRequest { erase_seed: true, terms: self.terms(slot, wish) }.prepare()
    }

    pub fn title(&self, slot: u16, title: &str) -> Result<SingleWrite, Failure> {
        SlotRequest { erase_seed: false, terms: self.terms(slot, titled(title)) }.prepare()
    }

    pub fn record(&self, slot: u16) -> Option<TokenRecord> {
        self.books.token(&SlotKey::of(C::SERIAL, slot)).unwrap()
    }

    pub fn print(&self, seed: &[u8]) -> Fingerprint {
        self.books.fingerprint_key().of(&Seed::from_bytes(seed.to_vec()).unwrap())
    }

    /// What the record says of a slot against what the slot holds: the same, or a candidate that is on record as open.
    pub fn check_record(&self, slot: u16, name: &str) {
        let held = C::held(&self.state, slot);
        let record = self.record(slot);
        let known = record.as_ref().and_then(|token| token.seed.filter(|_| token.erased.is_none()));
        let pending = record.as_ref().and_then(|token| token.pending.as_ref());
        let meant = pending.and_then(|pending| pending.seed);
        match held.as_slice() {
            [] => assert!(known.is_none() || pending.is_some(), "{name}: empty, and the record says {record:?}"),
            held => {
                let print = Some(self.print(held));
                assert!(print == known || print == meant, "{name}: another seed than {record:?}");
            }
        }
    }

    /// The same, with nothing open.
    pub fn check_settled(&self, slot: u16, name: &str) {
        let held = C::held(&self.state, slot);
        let record = self.record(slot).unwrap_or_else(|| panic!("{name}: not on record"));
        assert_eq!(record.pending, None, "{name}");
        let known = record.seed.filter(|_| record.erased.is_none());
        let wanted = (!held.is_empty()).then(|| self.print(&held));
        assert_eq!(known, wanted, "{name}: the record is not what the device holds");
    }

    /// How the last deed on record ended.
    pub fn last_outcome(&self) -> Outcome {
        let mut last = None;
        self.books.visit_events(&Default::default(), 1, &mut |event| last = Some(event.outcome)).unwrap();
        last.unwrap()
    }

    /// The last deed on record.
    pub fn last_deed(&self) -> Deed {
        let mut last = None;
        self.books.visit_events(&Default::default(), 1, &mut |event| last = Some(event.deed)).unwrap();
        last.unwrap()
    }
}

/// A wish for a title.
pub fn titled(title: &str) -> SlotWish {
    SlotWish { title: Some(Title::new(title, 12).unwrap()), ..SlotWish::default() }
}
