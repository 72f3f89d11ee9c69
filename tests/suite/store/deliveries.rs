//! Servers, and the journal of what went to them: each record is changed by whoever knows what it says, and by nobody else, and its event
//! is kept with it.

use tokentap::inventory::{
    Deed, Deliveries, Delivery, DeliveryFilter, DeliveryStep, Event, Inventory, InventoryError, Kept, ServerRecord,
    SlotKey, Sqlite,
};

use super::{By, at, events, fingerprint, in_every_store, in_every_store_by};
use crate::inventory::event;

pub fn server(name: &str, settings: &str) -> ServerRecord {
    let (name, settings) = (name.to_owned(), settings.to_owned());
    ServerRecord { name, settings, credential: Some(vec![1, 2, 3]), added: at(5) }
}

/// A seed that is about to be sent.
pub fn sent(server: &str, key: SlotKey) -> Delivery {
    Delivery {
        server: server.to_owned(),
        key,
        seed: fingerprint(1),
        step: DeliveryStep::Sent,
        id: None,
        user: None,
        since: at(10),
        at: at(10),
        unmended: None,
        detail: None,
    }
}

pub fn told(deed: Deed, at_ms: i64, detail: &str) -> Event {
    Event { deed, serial: None, before: None, ..event("-", at_ms, detail) }
}

fn all(store: &dyn Inventory) -> Vec<Delivery> {
    store.deliveries(&DeliveryFilter::default()).unwrap()
}

#[test]
fn a_server_is_added_replaced_and_forgotten_by_its_name_and_each_is_on_record() {
    in_every_store_by(By::Owner, |store| {
        assert_eq!(store.servers(), Ok(Vec::new()));
        for (name, ms) in [("radius", 1), ("Idp", 2), ("éa", 3)] {
            store.put_server(&server(name, "one"), &told(Deed::Server, ms, name)).unwrap();
        }
        // By their bytes, in every store.
        let listed = |store: &dyn Inventory| -> Vec<String> {
            store.servers().unwrap().into_iter().map(|server| server.name).collect()
        };
        assert_eq!(listed(store), ["Idp", "radius", "éa"]);
        let later = ServerRecord { credential: None, added: at(9), ..server("radius", "two") };
        store.put_server(&later, &told(Deed::Server, 4, "again")).unwrap();
        assert_eq!(store.servers().unwrap()[1], later);
        let delivered = sent("radius", SlotKey::only("A"));
        store.deliver(None, &delivered, None).unwrap();
        assert_eq!(store.remove_server("radius", &told(Deed::Server, 5, "forgotten")), Ok(true));
        assert_eq!(store.remove_server("radius", &told(Deed::Server, 6, "not known")), Ok(false));
        assert_eq!(listed(store), ["Idp", "éa"]);
        assert_eq!(all(store), [delivered], "what went there is known still");
        let told: Vec<_> = events(store).into_iter().map(|event| event.detail.unwrap()).collect();
        assert_eq!(told, ["forgotten", "again", "éa", "Idp", "radius"]);
        assert!(events(store).iter().all(|event| event.deed == Deed::Server));
    });
}

#[test]
fn what_went_to_a_server_is_changed_by_whoever_knows_what_is_on_record_and_by_nobody_else() {
    in_every_store(|store| {
        let key = SlotKey::of("A", 2);
        let first = sent("idp", key.clone());
        let changed = || Err(InventoryError::Changed(key.clone()));
        assert_eq!(store.deliver(Some(&first), &first, None), changed(), "nothing is on record yet");
        let events_of = || events(store).len();
        assert_eq!((all(store), events_of()), (Vec::new(), 0));
        store.deliver(None, &first, Some(&told(Deed::HandOver, 10, "sent"))).unwrap();
        assert_eq!((all(store), events_of()), (vec![first.clone()], 1));
        // All that a record has, and no longer none of it.
        let later = Delivery {
            seed: fingerprint(2),
            step: DeliveryStep::Active,
            id: Some("TOTP0001".to_owned()),
            user: Some("ana".to_owned()),
            since: at(11),
            at: at(12),
            unmended: Some(at(13)),
            detail: Some("it has it".to_owned()),
            ..first.clone()
        };
        let event = told(Deed::HandOver, 11, "created");
        let others = [
            Delivery { seed: fingerprint(3), ..first.clone() },
            Delivery { step: DeliveryStep::Gone, ..first.clone() },
            Delivery { id: Some(String::new()), ..first.clone() },
            Delivery { user: Some("eva".to_owned()), ..first.clone() },
            Delivery { since: at(9), ..first.clone() },
            Delivery { at: at(11), ..first.clone() },
            Delivery { unmended: Some(at(1)), ..first.clone() },
            Delivery { detail: Some(String::new()), ..first.clone() },
            Delivery { server: "radius".to_owned(), ..first.clone() },
            Delivery { key: SlotKey::only("A"), ..first.clone() },
        ];
        for other in [None].into_iter().chain(others.iter().map(Some)) {
            assert_eq!(store.deliver(other, &later, Some(&event)), changed(), "{other:?}");
        }
        assert_eq!((all(store), events_of()), (vec![first.clone()], 1), "nothing of it is kept");
        store.deliver(Some(&first), &later, Some(&event)).unwrap();
        assert_eq!((all(store), events_of()), (vec![later.clone()], 2));
        assert_eq!(store.deliver(Some(&first), &later, Some(&event)), changed(), "once");
        store.deliver(Some(&later), &first, None).unwrap();
        assert_eq!((all(store), events_of()), (vec![first.clone()], 2));
    });
}

#[test]
fn a_record_is_known_again_whose_time_was_given_more_exactly_than_it_is_kept() {
    in_every_store(|store| {
        let exact = at(10) + std::time::Duration::from_nanos(123_456);
        let exactly = Delivery { since: exact, at: exact, unmended: Some(exact), ..sent("idp", SlotKey::only("A")) };
        store.deliver(None, &exactly, None).unwrap();
        store.deliver(Some(&exactly), &Delivery { step: DeliveryStep::Created, ..exactly.clone() }, None).unwrap();
        assert_eq!(all(store)[0].at.timestamp_millis(), 10);
    });
}

#[test]
fn deliveries_are_listed_by_server_serial_and_slot_all_or_those_of_a_server_or_a_token() {
    in_every_store(|store| {
        let places = [("b", "A", 0), ("a", "B", 0), ("a", "a", 0), ("B", "A", 0), ("a", "A", 10), ("a", "A", 9)];
        for (server, serial, slot) in places {
            store.deliver(None, &sent(server, SlotKey::of(serial, slot)), None).unwrap();
        }
        let listed = |server: Option<&str>, serial: Option<&str>| -> Vec<String> {
            let filter = DeliveryFilter { server: server.map(str::to_owned), serial: serial.map(str::to_owned) };
            let found = store.deliveries(&filter).unwrap();
            found.into_iter().map(|found| format!("{} {} {}", found.server, found.key.serial, found.key.slot)).collect()
        };
        assert_eq!(listed(None, None), ["B A 0", "a A 9", "a A 10", "a B 0", "a a 0", "b A 0"]);
        assert_eq!(listed(Some("a"), None), ["a A 9", "a A 10", "a B 0", "a a 0"]);
        assert_eq!(listed(None, Some("A")), ["B A 0", "a A 9", "a A 10", "b A 0"]);
        assert_eq!(listed(Some("a"), Some("B")), ["a B 0"]);
        assert_eq!(listed(Some("c"), None), Vec::<String>::new());
    });
}

/// Rounds in which each of several programs changes the same record: one of them does, and it is its change that is there.
fn race(stores: &[&dyn Inventory], rounds: i64) {
    let key = SlotKey::only("A");
    let mut known: Option<Delivery> = None;
    for round in 0..rounds {
        let earlier = known.as_ref();
        let ended: Vec<(Delivery, Kept<()>)> = std::thread::scope(|scope| {
            let deliver = |(number, store): (i64, &&dyn Inventory)| {
                let detail = Some(format!("round {round}, desk {number}"));
                let later = Delivery { detail, at: at(100 + round), ..sent("idp", key.clone()) };
                let event = told(Deed::HandOver, round, "delivers");
                let ended = store.deliver(earlier, &later, Some(&event));
                (later, ended)
            };
            let running: Vec<_> = (0..).zip(stores).map(|pair| scope.spawn(move || deliver(pair))).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let won: Vec<_> = ended.iter().filter(|(_, ended)| ended.is_ok()).collect();
        assert_eq!(won.len(), 1, "round {round}: {ended:?}");
        let is_told = |ended: &Kept<()>| ended.is_ok() || *ended == Err(InventoryError::Changed(key.clone()));
        assert!(ended.iter().all(|(_, ended)| is_told(ended)), "round {round}: {ended:?}");
        known = Some(won[0].0.clone());
        assert_eq!(all(stores[0]), known.clone().into_iter().collect::<Vec<_>>());
    }
    assert_eq!(events(stores[0]).len() as i64, rounds);
}

#[test]
fn of_threads_that_change_one_record_at_once_one_does() {
    in_every_store(|store| race(&[store; 4], 40));
}

#[test]
fn where_the_event_cannot_be_kept_neither_is_what_it_tells_of() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
    store.put_server(&server("radius", "one"), &told(Deed::Server, 1, "added")).unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no room'); END";
    rusqlite::Connection::open(store.path()).unwrap().execute_batch(full).unwrap();
    let before = store.servers();
    let told = told(Deed::Server, 2, "not kept");
    assert!(store.put_server(&server("idp", "one"), &told).is_err());
    assert!(store.put_server(&server("radius", "two"), &told).is_err());
    assert!(store.remove_server("radius", &told).is_err());
    assert!(store.deliver(None, &sent("idp", SlotKey::only("A")), Some(&told)).is_err());
    assert_eq!((store.servers(), all(&store)), (before, Vec::new()));
}

#[test]
fn a_damaged_record_of_a_server_or_of_what_went_there_is_not_nothing_known_and_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
    store.put_server(&server("idp", "one"), &told(Deed::Server, 1, "added")).unwrap();
    let delivered = sent("idp", SlotKey::only("A"));
    store.deliver(None, &delivered, None).unwrap();
    assert_eq!(store.findings(), Ok(Vec::new()));
    // Bits flip on the disk.
    let file = rusqlite::Connection::open(store.path()).unwrap();
    file.execute_batch("UPDATE servers SET settings = 'two'; UPDATE deliveries SET user = 'eva'").unwrap();
    assert!(matches!(store.servers(), Err(InventoryError::Damaged { .. })));
    assert!(matches!(store.deliveries(&DeliveryFilter::default()), Err(InventoryError::Damaged { .. })));
    for earlier in [None, Some(&delivered)] {
        let refused = store.deliver(earlier, &delivered, None);
        assert!(matches!(refused, Err(InventoryError::Damaged { .. })), "{refused:?}");
    }
    let own = |table: &str| format!("1 row of \"{table}\" does not have its own checksum");
    assert_eq!(store.findings(), Ok(vec![own("servers"), own("deliveries")]));
    file.execute_batch("UPDATE deliveries SET step = 'conjured'").unwrap();
    let found = store.findings().unwrap();
    assert!(found[2].starts_with("what went to a server cannot be read: "), "{found:?}");
    assert!(found[2].ends_with("a value in \"step\" makes no sense"), "{found:?}");
}

#[cfg(all(feature = "postgres", target_os = "linux"))]
mod on_a_server {
    use tokentap::inventory::{Postgres, Shared, Waits};

    use super::super::server::{new_database, parsed, shared};
    use super::*;

    #[test]
    fn of_desks_that_change_one_record_at_once_one_does() {
        let address = new_database();
        let desks = [(); 4].map(|()| Postgres::open(parsed(&address)).unwrap());
        let desks: Vec<&dyn Inventory> = desks.iter().map(|desk| desk as &dyn Inventory).collect();
        race(&desks, 60);
    }

    #[test]
    fn while_the_server_is_away_nothing_is_known_of_servers_and_deliveries_and_nothing_waits() {
        let folder = tempfile::tempdir().unwrap();
        let address = parsed("postgres://desk@127.0.0.1:1/inventory");
        let store = Shared::open(address, folder.path().join("outbox.sqlite"), None).unwrap();
        let event = told(Deed::Server, 1, "not kept");
        assert!(store.servers().unwrap_err().is_away());
        assert!(store.put_server(&server("idp", "one"), &event).unwrap_err().is_away());
        assert!(store.remove_server("idp", &event).unwrap_err().is_away());
        assert!(store.deliveries(&DeliveryFilter::default()).unwrap_err().is_away());
        assert!(store.deliver(None, &sent("idp", SlotKey::only("A")), Some(&event)).unwrap_err().is_away());
        assert_eq!(store.waits(), Ok(Waits::default()));
    }

    #[test]
    fn a_desk_with_an_outbox_delivers_as_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Shared::open(parsed(&new_database()), folder.path().join("outbox.sqlite"), None).unwrap();
        let delivered = sent("idp", SlotKey::only("A"));
        store.deliver(None, &delivered, Some(&told(Deed::HandOver, 1, "sent"))).unwrap();
        assert_eq!((all(&store), events(&store).len()), (vec![delivered], 1));
        let refused = store.remove_server("idp", &told(Deed::Server, 2, "not kept")).unwrap_err();
        assert!(matches!(refused, InventoryError::Barred { .. }), "{refused:?}");
    }

    /// What the steps from the second version on make, taken back: an inventory of the first one.
    const BACK_TO_THE_FIRST: &str = "DROP VIEW tokentap_shown.servers, tokentap_shown.deliveries, tokentap_shown.device_keys;
         DROP TABLE tokentap.servers, tokentap.deliveries, tokentap.device_keys;
         CREATE OR REPLACE FUNCTION tokentap.is_deed(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
             SELECT value IN ('info', 'sync', 'config', 'burn', 'verify', 'assign', 'forget', 'import', 'export', 'init', 'prune')
         $$;
         UPDATE tokentap.meta SET value = '1' WHERE name = 'schema'";

    #[test]
    fn an_inventory_of_the_first_schema_is_brought_to_the_latest_by_its_owner_and_keeps_what_it_has() {
        let name = shared().inventory();
        let desk = shared().address(&format!("{name}_front"), &name);
        super::super::burn(&Postgres::open(parsed(&desk)).unwrap(), "A", 1, 7).unwrap();
        shared().sql("postgres", &name, BACK_TO_THE_FIRST).unwrap();
        let refused = Postgres::open(parsed(&desk)).map(drop).unwrap_err();
        assert!(matches!(refused, InventoryError::TooOld { found: 1, known: 4, .. }), "{refused:?}");
        shared().administrator().make(&name).unwrap();
        let store = Postgres::open(parsed(&desk)).unwrap();
        assert_eq!(store.token(&SlotKey::only("A")).unwrap().unwrap().seed, Some(fingerprint(7)));
        store.deliver(None, &sent("idp", SlotKey::only("A")), Some(&told(Deed::HandOver, 9, "sent"))).unwrap();
        let viewer = Postgres::open(parsed(&shared().address(&format!("{name}_boss"), &name))).unwrap();
        assert_eq!((all(&viewer).len(), events(&viewer).len()), (1, 3));
        assert_eq!(store.findings(), Ok(Vec::new()));
    }
}
