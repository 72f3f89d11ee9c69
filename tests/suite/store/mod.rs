//! What every store of the inventory does: each case runs against each store, and two stores that are given the same
//! thousands of steps say the same after each.

mod copying;
#[cfg(all(feature = "postgres", target_os = "linux"))]
mod crowd;
mod deliveries;
#[cfg(all(feature = "postgres", target_os = "linux"))]
mod desks;
mod device_keys;
mod memory;
#[cfg(all(feature = "postgres", target_os = "linux"))]
mod outages;
#[cfg(all(feature = "postgres", target_os = "linux"))]
mod refusals;
#[cfg(all(feature = "postgres", target_os = "linux"))]
mod rights;
#[cfg(all(feature = "postgres", target_os = "linux"))]
mod screens;
#[cfg(all(feature = "postgres", target_os = "linux"))]
pub mod server;
mod transitions;
#[cfg(all(feature = "postgres", target_os = "linux"))]
mod weather;

use tokentap::inventory::{
    BatchId, Begin, Claim, ClockEvent, Deed, Delivery, DeliveryFilter, DeliveryStep, Entry, Event, EventFilter,
    Fingerprint, Inventory, InventoryError, Kept, KeyChange, Measured, NewBatch, NewRow, Outcome, PendingChange,
    RowChange, RowState, SeedChange, SlotKey, Sqlite, TokenChange, TokenFilter, TokenRecord,
};
use tokentap::time::UnixTime;

use crate::inventory::event;
use crate::support::Dice;
use memory::Memory;

const SERIALS: [&str; 4] = ["A", "B", "C", "D"];

fn fingerprint(number: u8) -> Fingerprint {
    Fingerprint::of_bytes(&[number; 16]).unwrap()
}

fn at(ms: i64) -> UnixTime {
    UnixTime::from_timestamp_millis(ms).unwrap()
}

/// Who uses a store that tells its users apart.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Desk,
    Owner,
}

/// Runs a case against every store.
fn in_every_store(case: impl Fn(&dyn Inventory)) {
    in_every_store_by(By::Desk, case);
}

/// The same, by somebody.
fn in_every_store_by(by: By, case: impl Fn(&dyn Inventory)) {
    let folder = tempfile::tempdir().unwrap();
    let file = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
    let key = file.fingerprint_key().clone();
    let (in_memory, maps) = (Sqlite::in_memory().unwrap(), Memory::new(key));
    #[cfg_attr(
        not(all(feature = "postgres", target_os = "linux")),
        expect(unused_mut, reason = "a server is one more")
    )]
    let mut stores: Vec<(&str, &dyn Inventory)> =
        vec![("a file of SQLite", &file), ("SQLite in memory", &in_memory), ("maps", &maps)];
    #[cfg(all(feature = "postgres", target_os = "linux"))]
    let on_server = match by {
        By::Desk => server::new_inventory(),
        By::Owner => server::new_inventory_to_its_owner(),
    };
    #[cfg(all(feature = "postgres", target_os = "linux"))]
    stores.push(("PostgreSQL", &on_server));
    for (name, store) in stores {
        println!("{name}, by its {by:?}");
        case(store);
    }
    assert_eq!(file.findings().unwrap(), Vec::<String>::new());
}

fn begins<'a>(serial: &str, job: i64, seed: Option<u8>, basis: Option<&'a TokenRecord>) -> Begin<'a> {
    begins_in(SlotKey::only(serial), job, seed, basis)
}

fn begins_in<'a>(key: SlotKey, job: i64, seed: Option<u8>, basis: Option<&'a TokenRecord>) -> Begin<'a> {
    let mut event = event(&key.serial, job * 1000, "begins");
    event.slot = key.slot;
    (event.job, event.outcome) = (job, Outcome::Begun);
    event.deed = if seed.is_some() { Deed::Burn } else { Deed::Sync };
    let token = TokenChange::of(key);
    let seed = seed.map(fingerprint);
    Begin {
        job,
        event,
        token,
        profile: None,
        seed,
        seal: &|_| Ok(None),
        basis,
        row: None,
        shares_seed: false,
        may_wait: false,
    }
}

fn ends(serial: &str, job: i64, seed: SeedChange) -> Entry {
    let mut event = event(serial, job * 1000 + 500, "ends");
    event.job = job;
    let token = Some(TokenChange { seed, pending: PendingChange::Over, ..TokenChange::of(SlotKey::only(serial)) });
    Entry { event, token, row: None }
}

fn burned(seed: u8) -> SeedChange {
    SeedChange::Burned { seed: fingerprint(seed), sealed: None }
}

fn burn(store: &dyn Inventory, serial: &str, job: i64, seed: u8) -> Kept<()> {
    let basis = store.token(&SlotKey::only(serial))?;
    store.begin(&begins(serial, job, Some(seed), basis.as_ref()))?;
    store.end(job, &ends(serial, job, burned(seed)))
}

fn events(store: &dyn Inventory) -> Vec<Event> {
    let mut events = Vec::new();
    store.visit_events(&EventFilter::default(), u64::MAX, &mut |event| events.push(event)).unwrap();
    events
}

fn batch(store: &dyn Inventory, content: u8, seeds: &[u8]) -> BatchId {
    let batch = NewBatch { name: format!("list {content}"), content: vec![content], begun: at(1) };
    let row = |seed: &u8| {
        let seed = Some(fingerprint(*seed));
        Ok(NewRow { serial: None, is_named: false, user: None, seed, state: RowState::Planned })
    };
    store.add_batch(&batch, &mut seeds.iter().map(row)).unwrap()
}

#[test]
fn no_two_jobs_are_at_work_with_one_token_and_the_end_of_one_frees_it() {
    in_every_store(|store| {
        store.begin(&begins("A", 1, Some(1), None)).unwrap();
        assert_eq!(store.at_work("A"), Ok(Some(at(1000))));
        let basis = store.token(&SlotKey::only("A")).unwrap();
        let second = store.begin(&begins("A", 2, None, basis.as_ref())).unwrap_err();
        assert_eq!(second, InventoryError::InUse { serial: "A".to_owned(), since: at(1000) });
        store.begin(&begins("B", 3, None, None)).unwrap();
        store.end(1, &ends("A", 1, burned(1))).unwrap();
        assert_eq!(store.at_work("A"), Ok(None));
        let basis = store.token(&SlotKey::only("A")).unwrap();
        store.begin(&begins("A", 4, None, basis.as_ref())).unwrap();
    });
}

#[test]
fn what_bears_on_clocks_is_listed_token_by_token_and_oldest_first() {
    in_every_store(|store| {
        for (serial, ms, deed, before) in [
            ("B", 3000, Deed::Info, Some(1.0)),
            ("A", 2000, Deed::Sync, Some(-2.0)),
            ("A", 4000, Deed::Verify, None),
            ("A", 1000, Deed::Burn, None),
        ] {
            let before = before.map(|drift_s| Measured { drift_s, resolution_s: 0.5 });
            store.keep(&Entry::of(Event { deed, before, ..event(serial, ms, "") })).unwrap();
        }
        let listed = |serial| {
            let mut listed = Vec::new();
            let mut visit = |event: ClockEvent| listed.push((event.key.serial, event.at, event.deed));
            store.visit_clock_events(serial, &mut visit).unwrap();
            listed
        };
        let of_a = [("A".to_owned(), at(1000), Deed::Burn), ("A".to_owned(), at(2000), Deed::Sync)];
        assert_eq!(listed(Some("A")), of_a);
        assert_eq!(listed(None), [of_a.as_slice(), &[("B".to_owned(), at(3000), Deed::Info)]].concat());
    });
}

#[test]
fn a_job_does_not_begin_where_the_record_is_not_the_one_that_it_was_planned_from() {
    in_every_store(|store| {
        burn(store, "A", 1, 1).unwrap();
        let refused = store.begin(&begins("A", 2, Some(2), None)).unwrap_err();
        assert_eq!(refused, InventoryError::Changed(SlotKey::only("A")));
        assert_eq!(events(store).len(), 2, "nothing of it is kept");
    });
}

#[test]
fn a_seed_is_on_one_token_unless_its_user_says_otherwise() {
    in_every_store(|store| {
        burn(store, "A", 1, 1).unwrap();
        let refused = store.begin(&begins("B", 2, Some(1), None)).unwrap_err();
        assert_eq!(refused, InventoryError::Held(SlotKey::only("A")));
        assert_eq!(store.token(&SlotKey::only("B")), Ok(None), "nothing of it is kept");
        store.begin(&Begin { shares_seed: true, ..begins("B", 3, Some(1), None) }).unwrap();
        store.end(3, &ends("B", 3, burned(1))).unwrap();
        assert_eq!(store.holder(&fingerprint(1)), Ok(Some(SlotKey::only("A"))));
        // It goes to the other one when the first gets another seed.
        burn(store, "A", 4, 2).unwrap();
        assert_eq!(store.holder(&fingerprint(1)), Ok(Some(SlotKey::only("B"))));
        assert_eq!(store.holder(&fingerprint(2)), Ok(Some(SlotKey::only("A"))));
    });
}

#[test]
fn each_slot_of_a_device_has_a_record_of_its_own_and_one_job_is_at_work_with_the_device() {
    in_every_store(|store| {
        burn(store, "A", 1, 1).unwrap();
        let second = SlotKey::of("A", 1);
        store.begin(&begins_in(second.clone(), 2, Some(2), None)).unwrap();
        let basis = store.token(&SlotKey::only("A")).unwrap();
        let refused = store.begin(&begins("A", 3, None, basis.as_ref())).unwrap_err();
        assert_eq!(refused, InventoryError::InUse { serial: "A".to_owned(), since: at(2000) });
        let mut end = ends("A", 2, burned(2));
        end.token.as_mut().unwrap().key = second.clone();
        store.end(2, &end).unwrap();
        let held = |key: &SlotKey| store.token(key).unwrap().unwrap().seed;
        assert_eq!((held(&SlotKey::only("A")), held(&second)), (Some(fingerprint(1)), Some(fingerprint(2))));
        assert_eq!(store.holder(&fingerprint(2)), Ok(Some(second.clone())));
        let refused = store.begin(&begins_in(second, 4, Some(1), None)).unwrap_err();
        assert_eq!(refused, InventoryError::Changed(SlotKey::of("A", 1)));
        let refused = store.begin(&begins_in(SlotKey::of("A", 2), 5, Some(2), None)).unwrap_err();
        assert_eq!(refused, InventoryError::Held(SlotKey::of("A", 1)), "also another slot of the same device");
    });
}

#[test]
fn many_threads_use_one_store_at_once() {
    in_every_store(|store| {
        std::thread::scope(|scope| {
            for (number, serial) in (0..).zip(SERIALS) {
                scope.spawn(move || {
                    for round in 0..8 {
                        burn(store, serial, number * 100 + round, (number * 10 + round) as u8).unwrap();
                        assert_eq!(store.at_work(serial), Ok(None));
                    }
                });
            }
        });
        assert_eq!(events(store).len(), SERIALS.len() * 16);
        for (number, serial) in (0..).zip(SERIALS) {
            let held = store.token(&SlotKey::only(serial)).unwrap().unwrap().seed;
            assert_eq!(held, Some(fingerprint(number * 10 + 7)), "{serial}");
        }
    });
}

#[test]
fn the_seed_of_a_burn_of_unknown_end_stays_with_its_token() {
    in_every_store(|store| {
        store.begin(&begins("A", 1, Some(1), None)).unwrap();
        let mut open = ends("A", 1, SeedChange::Keep);
        open.token.as_mut().unwrap().pending = PendingChange::Keep;
        store.end(1, &open).unwrap();
        assert_eq!(store.token(&SlotKey::only("A")).unwrap().unwrap().held(), Some(fingerprint(1)));
        let basis = store.token(&SlotKey::only("A")).unwrap();
        store.begin(&begins("A", 2, Some(2), basis.as_ref())).unwrap();
        assert_eq!(store.holder(&fingerprint(1)), Ok(Some(SlotKey::only("A"))), "it may be on it still");
        store.end(2, &ends("A", 2, burned(2))).unwrap();
        assert_eq!(store.holder(&fingerprint(1)), Ok(None));
    });
}

#[test]
fn the_end_of_a_job_that_was_overtaken_changes_nothing_but_what_the_token_may_hold() {
    in_every_store(|store| {
        burn(store, "A", 1, 1).unwrap();
        let before = store.token(&SlotKey::only("A")).unwrap();
        assert_eq!(store.end(9, &ends("A", 9, burned(2))), Err(InventoryError::Overtaken(SlotKey::only("A"))));
        assert_eq!(store.token(&SlotKey::only("A")).unwrap(), before);
        assert_eq!(store.holder(&fingerprint(2)), Ok(Some(SlotKey::only("A"))));
        assert_eq!(events(store).len(), 3, "what it did is on record");
    });
}

#[test]
fn of_many_entries_all_are_kept_or_none() {
    in_every_store(|store| {
        let import = |serial: &str, seed: u8| {
            let seed = SeedChange::Is { seed: fingerprint(seed), sealed: None, replaces: false };
            let token = Some(TokenChange { seed, ..TokenChange::of(SlotKey::only(serial)) });
            Entry { event: event(serial, 1, "import"), token, row: None }
        };
        let all = |store: &dyn Inventory, entries: Vec<Entry>| {
            let mut entries = entries.into_iter();
            store.keep_all(false, &mut |_| Ok(entries.next()))
        };
        let refused = all(store, vec![import("A", 1), import("B", 2), import("A", 3)]);
        assert_eq!(refused, Err(InventoryError::OtherSeed(SlotKey::only("A"))));
        assert!(events(store).is_empty());
        assert_eq!(store.holder(&fingerprint(2)), Ok(None));
        assert_eq!(all(store, vec![import("A", 1), import("B", 2)]), Ok(2));
        assert_eq!(all(store, vec![import("C", 1)]), Err(InventoryError::Held(SlotKey::only("A"))));
    });
}

#[test]
fn a_refused_key_is_remembered_until_the_token_accepts_one() {
    in_every_store(|store| {
        let says = |refused, ms| Entry {
            token: Some(TokenChange { refused, ..TokenChange::of(SlotKey::only("A")) }),
            ..Entry::of(event("A", ms, "key"))
        };
        store.keep(&says(KeyChange::Refused(fingerprint(7)), 5)).unwrap();
        assert_eq!(store.key_refused("A", &fingerprint(7)), Ok(Some(at(5))));
        assert_eq!(store.key_refused("B", &fingerprint(7)), Ok(None));
        store.keep(&says(KeyChange::Keep, 6)).unwrap();
        assert_eq!(store.key_refused("A", &fingerprint(7)), Ok(Some(at(5))));
        store.keep(&says(KeyChange::Accepted, 7)).unwrap();
        assert_eq!(store.key_refused("A", &fingerprint(7)), Ok(None));
    });
}

#[test]
fn a_row_is_in_one_hand_and_a_token_gets_the_row_of_its_own_seed() {
    in_every_store(|store| {
        burn(store, "B", 1, 2).unwrap();
        let batch = batch(store, 1, &[1, 2, 3]);
        let claimed = |claim: Kept<Claim>| match claim.unwrap() {
            Claim::Row(row) => row.row,
            other => panic!("{other:?}"),
        };
        assert_eq!(claimed(store.claim(batch, "A", false)), 1);
        assert_eq!(claimed(store.claim(batch, "B", false)), 2);
        assert_eq!(claimed(store.claim(batch, "C", false)), 3, "the row of B's seed is for nobody else");
        assert_eq!(store.claim(batch, "D", false), Ok(Claim::NotListed));
        store.release(batch, 1).unwrap();
        assert_eq!(claimed(store.claim(batch, "D", false)), 1);
    });
}

#[test]
fn a_row_that_another_program_has_changed_is_not_changed_again_and_nothing_else_of_the_entry_is_kept() {
    in_every_store(|store| {
        let batch = batch(store, 1, &[1]);
        let row =
            |was, state| RowChange { batch, row: 1, was, state, serial: Some("A".to_owned()), seed: None, error: None };
        let entry = |was, state| Entry { row: Some(row(was, state)), ..Entry::of(event("A", 1, "row")) };
        store.keep(&entry(RowState::Planned, RowState::Burning)).unwrap();
        assert_eq!(store.keep(&entry(RowState::Planned, RowState::Burning)), Err(InventoryError::Taken(1)));
        assert_eq!(events(store).len(), 1);
        assert_eq!(store.was_dealt(batch, 1, "A"), Ok(true));
        assert_eq!(store.was_dealt(batch, 1, "B"), Ok(false));
        assert_eq!(store.counts(batch).unwrap().unknown(), 1);
    });
}

#[test]
fn a_list_that_is_open_is_not_begun_again_and_one_that_is_closed_is() {
    in_every_store(|store| {
        let first = batch(store, 1, &[1]);
        let again = NewBatch { name: "again".to_owned(), content: vec![1], begun: at(2) };
        assert_eq!(store.add_batch(&again, &mut std::iter::empty()), Err(InventoryError::Begun));
        assert_eq!(store.open_batch_named("list 1").unwrap().unwrap().id, first);
        store.close_batch(first, at(3)).unwrap();
        let second = store.add_batch(&again, &mut std::iter::empty()).unwrap();
        assert_eq!(store.batch_of_content(&[1]).unwrap().unwrap().id, second);
        assert_eq!(store.open_batch_named("list 1"), Ok(None));
        let ids: Vec<_> = store.batches(None).unwrap().iter().map(|batch| batch.id).collect();
        assert_eq!(ids, [second, first]);
    });
}

/// Everything that can be asked of a store, as text.
fn everything(store: &dyn Inventory, batches: &[BatchId]) -> String {
    let mut all = Vec::new();
    store.visit_tokens(&TokenFilter::default(), u64::MAX, &mut |token| all.push(format!("{token:?}"))).unwrap();
    all.extend(events(store).iter().map(|event| format!("{event:?}")));
    for number in 0..6 {
        all.push(format!("{number} is held by {:?}", store.holder(&fingerprint(number))));
    }
    for serial in SERIALS {
        all.push(format!("{serial} {:?} {:?}", store.at_work(serial), store.key_refused(serial, &fingerprint(9))));
    }
    for batch in batches {
        store.visit_rows(*batch, &[], &mut |row| all.push(format!("{batch} {row:?}"))).unwrap();
        for serial in SERIALS {
            let dealt: Vec<_> = (1..=4).map(|row| store.was_dealt(*batch, row, serial)).collect();
            all.push(format!("{serial} {dealt:?} {:?}", store.row_of(*batch, serial)));
        }
    }
    all.push(format!("{:?}", store.batches(None)));
    all.push(format!("{:?} {:?}", store.servers(), store.deliveries(&DeliveryFilter::default())));
    all.push(format!("{:?}", store.device_keys(None)));
    all.join("\n")
}

/// A step that means the same in every store.
#[derive(Debug)]
enum Step {
    Keep(Entry),
    Begin {
        serial: &'static str,
        slot: u16,
        job: i64,
        seed: Option<u8>,
        shares: bool,
        is_outdated: bool,
        row: Option<RowChange>,
    },
    End(i64, Entry),
    Claim(BatchId, &'static str, bool),
    Release(BatchId, u64),
    AddBatch(u8, [u8; 4]),
    Close(BatchId),
    Deliver {
        later: Box<Delivery>,
        is_outdated: bool,
        event: Option<Box<Event>>,
    },
}

fn row_change(dice: &mut Dice, batches: &[BatchId], serial: &str) -> Option<RowChange> {
    let mut state = || RowState::ALL[dice.below(RowState::ALL.len() as u64) as usize];
    let (was, state) = (state(), state());
    let batch = *batches.get(dice.below(3) as usize)?;
    // A serial is in one row of a batch; who claims sees to that.
    let row = SERIALS.iter().position(|known| *known == serial)? as u64 + 1;
    let error = (dice.below(3) == 0).then(|| "it failed".to_owned());
    Some(RowChange { batch, row, was, state, serial: Some(serial.to_owned()), seed: None, error })
}

fn change(dice: &mut Dice, key: SlotKey) -> TokenChange {
    let mut change = TokenChange::of(key);
    let (seed, sealed) = (fingerprint(dice.below(6) as u8), None);
    change.seed = match dice.below(8) {
        0 | 5 => SeedChange::Is { seed, sealed, replaces: dice.below(2) == 0 },
        1 => SeedChange::Burned { seed, sealed },
        2 => SeedChange::Erased,
        3 => SeedChange::Lost,
        4 => SeedChange::Forgotten,
        _ => SeedChange::Keep,
    };
    change.pending = if dice.below(3) == 0 { PendingChange::Over } else { PendingChange::Keep };
    change.user = (dice.below(4) == 0).then(|| "ada".to_owned());
    change.unassigned = dice.below(6) == 0;
    change.refused = [KeyChange::Keep, KeyChange::Refused(fingerprint(9)), KeyChange::Accepted][dice.below(3) as usize];
    change.synced = dice.below(4) == 0;
    change.seen = (dice.below(2) == 0).then(|| at(dice.below(100_000) as i64));
    change
}

fn step(dice: &mut Dice, number: i64, batches: &[BatchId]) -> Step {
    let serial = SERIALS[dice.below(4) as usize];
    let batch = batches.get(dice.below(batches.len().max(1) as u64) as usize).copied().unwrap_or(1);
    let slot = u16::from(dice.below(4) == 0);
    let entry = |dice: &mut Dice, job: i64| {
        let mut event = event(serial, number, "step");
        (event.job, event.slot) = (job, slot);
        Entry { event, token: Some(change(dice, SlotKey::of(serial, slot))), row: row_change(dice, batches, serial) }
    };
    match dice.below(15) {
        0..=3 => Step::Keep(entry(dice, number)),
        4 | 5 => Step::Begin {
            serial,
            slot,
            job: number,
            seed: (dice.below(2) == 0).then(|| dice.below(6) as u8),
            shares: dice.below(4) == 0,
            is_outdated: dice.below(8) == 0,
            row: if dice.below(2) == 0 { row_change(dice, batches, serial) } else { None },
        },
        6..=9 => {
            // Of a job that may have begun not long ago, or of none.
            let job = number - 1 - dice.below(6) as i64;
            Step::End(job, entry(dice, job))
        }
        10 | 11 => Step::Claim(batch, serial, dice.below(3) == 0),
        12 => Step::Release(batch, dice.below(4) + 1),
        13 => {
            let mut later = deliveries::sent(["idp", "radius"][dice.below(2) as usize], SlotKey::of(serial, slot));
            later.step = DeliveryStep::ALL[dice.below(DeliveryStep::ALL.len() as u64) as usize];
            (later.at, later.seed) = (at(number), fingerprint(dice.below(6) as u8));
            let event = (dice.below(2) == 0).then(|| Box::new(event(serial, number, "delivers")));
            Step::Deliver { later: Box::new(later), is_outdated: dice.below(4) == 0, event }
        }
        _ if !batches.is_empty() && dice.below(2) == 0 => Step::Close(batch),
        _ => Step::AddBatch(dice.below(3) as u8, [0; 4].map(|_| dice.below(6) as u8)),
    }
}

/// Does a step; how it ended, as text, and the batch that it began.
fn done(store: &dyn Inventory, step: &Step) -> (String, Option<BatchId>) {
    let text = match step {
        Step::Keep(entry) => format!("{:?}", store.keep(entry)),
        Step::Begin { serial, slot, job, seed, shares, is_outdated, row } => {
            let key = SlotKey::of(*serial, *slot);
            let basis = if *is_outdated { None } else { store.token(&key).unwrap() };
            let begin = begins_in(key, *job, *seed, basis.as_ref());
            let begun = store.begin(&Begin { shares_seed: *shares, row: row.clone(), ..begin });
            format!("{:?}", begun.map(|begun| (begun.earlier, begun.sealed)))
        }
        // A job that ends has begun, and the token is on record since then.
        Step::End(_, entry) if store.token(&entry.token.as_ref().unwrap().key) == Ok(None) => String::new(),
        Step::End(job, entry) => format!("{:?}", store.end(*job, entry)),
        Step::Claim(batch, serial, reburns) => format!("{:?}", store.claim(*batch, serial, *reburns)),
        Step::Release(batch, row) => format!("{:?}", store.release(*batch, *row)),
        Step::Close(batch) => format!("{:?}", store.close_batch(*batch, at(9))),
        Step::Deliver { later, is_outdated, event } => {
            let (server, serial) = (Some(later.server.clone()), Some(later.key.serial.clone()));
            let known = store.deliveries(&DeliveryFilter { server, serial }).unwrap();
            let earlier = known.into_iter().find(|known| known.key == later.key && !is_outdated);
            format!("{:?}", store.deliver(earlier.as_ref(), later, event.as_deref()))
        }
        Step::AddBatch(content, seeds) => {
            let batch = NewBatch { name: format!("list {content}"), content: vec![*content], begun: at(1) };
            let row = |seed: &u8| {
                let seed = Some(fingerprint(*seed));
                Ok(NewRow { serial: None, is_named: false, user: None, seed, state: RowState::Planned })
            };
            let id = store.add_batch(&batch, &mut seeds.iter().map(row));
            return (format!("{id:?}"), id.ok());
        }
    };
    (text, None)
}

/// The same on a server. Its steps take milliseconds, so there are fewer of them.
#[cfg(all(feature = "postgres", target_os = "linux"))]
#[test]
fn a_server_that_is_given_the_same_steps_says_the_same_after_each() {
    let mut dice = Dice::new();
    for _ in 0..4 {
        let on_server = server::new_inventory();
        let maps = Memory::new(on_server.fingerprint_key().clone());
        let mut batches = Vec::new();
        for number in 0..120 {
            let step = step(&mut dice, number, &batches);
            let ((one, begun), (other, _)) = (done(&on_server, &step), done(&maps, &step));
            assert_eq!(one, other, "{step:?}");
            batches.extend(begun);
            assert_eq!(everything(&on_server, &batches), everything(&maps, &batches), "after {step:?}");
        }
    }
}

#[test]
fn two_stores_that_are_given_the_same_steps_say_the_same_after_each() {
    let mut dice = Dice::new();
    let mut ended = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..20 {
        let sqlite = Sqlite::in_memory().unwrap();
        let maps = Memory::new(sqlite.fingerprint_key().clone());
        let mut batches = Vec::new();
        for number in 0..200 {
            let step = step(&mut dice, number, &batches);
            let ((one, begun), (other, _)) = (done(&sqlite, &step), done(&maps, &step));
            assert_eq!(one, other, "{step:?}");
            batches.extend(begun);
            assert_eq!(everything(&sqlite, &batches), everything(&maps, &batches), "after {step:?}");
            let word: String = one.chars().take_while(|letter| letter.is_alphabetic() || *letter == '(').collect();
            *ended.entry(word).or_default() += 1;
        }
        assert_eq!(sqlite.findings().unwrap(), Vec::<String>::new());
    }
    // The steps come to every kind of end, or this would compare little.
    for end in
        ["Ok", "Err(InUse", "Err(Changed(", "Err(Held(", "Err(Taken(", "Err(Overtaken(", "Err(OtherSeed(", "Err(Begun"]
    {
        assert!(ended.keys().any(|word| word.starts_with(end)), "{end}: {ended:?}");
    }
    for claim in ["Ok(Row(", "Ok(Done(", "Ok(NotListed", "Ok(HoldsAnother", "Ok(InHand"] {
        assert!(ended.keys().any(|word| word.starts_with(claim)), "{claim}: {ended:?}");
    }
}
