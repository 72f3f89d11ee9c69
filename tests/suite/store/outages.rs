//! The server is away (docs/many-desks.md): what needs nothing from it goes on and waits in the desk's outbox, what needs it is refused
//! before anything is written, and afterwards every record is there once.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokentap::inventory::{
    Entry, Inventory, InventoryError, KeyChange, Measured, Outcome, Postgres, SeedChange, Shared, SlotKey, TokenChange,
    Waits,
};

use super::server::{Server, parsed, shared};
use super::weather::{Cut, Proxy, at_port, on_record, port_of};
use super::{at, begins, burn, burned, ends, events, fingerprint};
use crate::inventory::event;
use crate::support::Dice;

/// The inventory as a desk uses it, with its outbox in a folder.
fn desk(address: &str, folder: &Path) -> Result<Shared, InventoryError> {
    Shared::open(parsed(address), folder.join("outbox.sqlite"), None)
}

/// A server of its own, the address of one of its desks, and that desk's folder.
fn place() -> (Server, String, tempfile::TempDir) {
    let server = Server::start();
    let address = server.database();
    (server, address, tempfile::tempdir().unwrap())
}

/// So long a server that was away is left alone.
const NOT_ASKED_FOR: Duration = Duration::from_millis(3100);

fn waits(records: u64) -> Waits {
    Waits { records, refused: None }
}

/// A sync, as a job on a token whose seed stays.
fn sync(store: &dyn Inventory, serial: &str, job: i64) -> Result<(), InventoryError> {
    let mut begin = begins(serial, job, None, None);
    begin.may_wait = true;
    begin.token.seen = Some(at(job * 1000));
    store.begin(&begin)?;
    let mut end = ends(serial, job, SeedChange::Keep);
    let token = end.token.as_mut().unwrap();
    (token.synced, token.seen) = (true, Some(at(job * 1000 + 500)));
    store.end(job, &end)
}

#[test]
fn while_the_server_is_away_a_sync_goes_on_and_a_burn_does_not_and_afterwards_each_is_on_record_once() {
    let (mut server, address, folder) = place();
    let store = desk(&address, folder.path()).unwrap();
    burn(&store, "A", 1, 1).unwrap();
    server.kill();
    let began = Instant::now();
    assert!(burn(&store, "B", 2, 2).unwrap_err().is_away());
    assert!(began.elapsed() < Duration::from_secs(6));
    sync(&store, "A", 3).unwrap();
    let seen = TokenChange {
        drift: Some(Measured { drift_s: 1.0, resolution_s: 0.1 }),
        seen: Some(at(4000)),
        ..TokenChange::of(SlotKey::only("C"))
    };
    let mut reads = event("C", 4000, "a reading");
    reads.job = 4;
    store.see(&Entry { event: reads, token: Some(seen), row: None }).unwrap();
    // Whose a token is, is not decided behind the server's back.
    let assigns = TokenChange { user: Some("ana".to_owned()), ..TokenChange::of(SlotKey::only("A")) };
    assert!(
        store
            .keep(&Entry { event: event("A", 5000, "assigns"), token: Some(assigns), row: None })
            .unwrap_err()
            .is_away()
    );
    assert_eq!(store.waits(), Ok(waits(3)));
    drop(store);
    // Another program of the same desk, before the server is back, and after.
    let store = desk(&address, folder.path()).unwrap();
    assert!(store.outage().is_some());
    assert!(
        store.token(&SlotKey::only("A")).unwrap_err().is_away(),
        "an inventory that is away knows nothing, and says so"
    );
    assert_eq!(store.waits(), Ok(waits(3)));
    server.resume();
    let store = desk(&address, folder.path()).unwrap();
    store.replay().unwrap();
    assert_eq!(store.waits(), Ok(waits(0)));
    let record = on_record(&store);
    assert!(record.values().all(|times| *times == 1), "{record:?}");
    assert_eq!(record.len(), 5, "{record:?}");
    let token = store.token(&SlotKey::only("A")).unwrap().unwrap();
    assert_eq!((token.synced, token.seed, token.pending), (Some(at(3500)), Some(fingerprint(1)), None));
    assert_eq!(store.token(&SlotKey::only("C")).unwrap().unwrap().drift.unwrap().drift_s, 1.0);
    store.replay().unwrap();
    assert_eq!(on_record(&store), record);
}

#[test]
fn a_server_that_is_mute_for_a_minute_holds_no_sync_up_and_has_each_record_once_afterwards() {
    let (server, address, folder) = place();
    let store = desk(&address, folder.path()).unwrap();
    burn(&store, "A", 1, 1).unwrap();
    server.mute(true);
    let began = Instant::now();
    let mut job = 2;
    while began.elapsed() < Duration::from_secs(60) {
        let asked = Instant::now();
        sync(&store, "A", job).unwrap();
        assert!(asked.elapsed() < Duration::from_secs(30), "5 s a record are allowed: {:?}", asked.elapsed());
        assert!(burn(&store, "B", 1000 + job, 2).unwrap_err().is_away());
        job += 1;
        std::thread::sleep(Duration::from_secs(2));
    }
    assert_eq!(store.waits(), Ok(waits(2 * (job as u64 - 2))));
    server.mute(false);
    std::thread::sleep(NOT_ASKED_FOR);
    burn(&store, "C", 2000, 3).unwrap();
    assert_eq!(store.waits(), Ok(Waits::default()));
    assert_eq!(store.token(&SlotKey::only("B")), Ok(None), "nothing of what was refused is kept");
    assert!(on_record(&store).values().all(|count| *count == 1), "{:?}", on_record(&store));
    assert_eq!(events(&store).len(), 2 * (job as usize - 1) + 2);
}

#[test]
fn a_burn_that_loses_the_server_in_the_middle_tells_how_it_ended_later() {
    let (mut server, address, folder) = place();
    let store = desk(&address, folder.path()).unwrap();
    store.begin(&begins("A", 1, Some(1), None)).unwrap();
    server.kill();
    store.end(1, &ends("A", 1, burned(1))).unwrap();
    assert_eq!(store.waits(), Ok(waits(1)));
    server.resume();
    std::thread::sleep(NOT_ASKED_FOR);
    assert_eq!(store.token(&SlotKey::only("A")).unwrap().unwrap().pending.unwrap().job, 1, "not known yet");
    // The next job on whichever token brings it there first.
    burn(&store, "B", 2, 2).unwrap();
    let token = store.token(&SlotKey::only("A")).unwrap().unwrap();
    assert_eq!((token.seed, token.pending), (Some(fingerprint(1)), None));
    assert_eq!(store.waits(), Ok(waits(0)));
}

#[test]
fn what_another_desk_has_found_since_is_not_taken_back_by_old_news() {
    let (mut server, address, folder) = place();
    let store = desk(&address, folder.path()).unwrap();
    burn(&store, "A", 1, 1).unwrap();
    server.kill();
    sync(&store, "A", 3).unwrap();
    server.resume();
    let other = Postgres::open(parsed(&address)).unwrap();
    // It burns another seed after that sync, before that is told.
    let basis = other.token(&SlotKey::only("A")).unwrap();
    let mut begin = begins("A", 9, Some(9), basis.as_ref());
    begin.token.seen = Some(at(9000));
    other.begin(&begin).unwrap();
    other.end(9, &ends("A", 9, burned(9))).unwrap();
    let before = other.token(&SlotKey::only("A")).unwrap();
    std::thread::sleep(NOT_ASKED_FOR);
    store.replay().unwrap();
    assert_eq!(other.token(&SlotKey::only("A")).unwrap(), before);
    let told = events(&other).iter().filter(|event| event.job == 3 && event.outcome == Outcome::Done).count();
    assert_eq!((told, store.waits()), (1, Ok(waits(0))), "that it was done is on record");
}

#[test]
fn an_outbox_of_a_thousand_records_that_is_cut_twenty_times_on_its_way_is_there_once() {
    let mut dice = Dice::new();
    let database = super::server::new_database();
    let proxy = Proxy::before(port_of(&database));
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let away = at_port(1, &database);
    let store = desk(&away, folder.path()).unwrap();
    for job in 1..=500 {
        sync(&store, &format!("T{}", job % 40), job).unwrap();
    }
    assert_eq!(store.waits(), Ok(waits(1000)));
    drop(store);
    let through = at_port(proxy.port, &database);
    let mut cuts = 0;
    while cuts < 20 {
        proxy.cut_at(Some(Cut { at: 8 + dice.below(120) as u32, after: dice.below(2) == 0 }));
        if let Ok(store) = desk(&through, folder.path()) {
            // A connection that was cut is made anew, once for each record.
            let _ = store.replay();
            if store.waits().unwrap().records == 0 {
                break;
            }
        }
        cuts += u32::from(proxy.was_cut());
    }
    proxy.cut_at(None);
    let store = desk(&through, folder.path()).unwrap();
    store.replay().unwrap();
    assert_eq!(store.waits(), Ok(waits(0)));
    let record = on_record(&store);
    assert_eq!((record.len(), record.values().sum::<u32>()), (1000, 1000));
    for number in 0..40 {
        assert_eq!(store.token(&SlotKey::only(format!("T{number}"))).unwrap().unwrap().pending, None, "{number}");
    }
}

#[test]
fn a_record_that_the_server_does_not_take_stays_with_its_reason_and_keeps_no_other_back() {
    let name = shared().inventory();
    let address = shared().address(&format!("{name}_front"), &name);
    let folder = tempfile::tempdir().unwrap();
    let away = desk(&at_port(1, &address), folder.path()).unwrap();
    for (serial, job) in [("A", 1), ("B", 2)] {
        sync(&away, serial, job).unwrap();
    }
    drop(away);
    shared().sql("postgres", &name, "ALTER TABLE tokentap.events ADD CHECK (serial <> 'A')").unwrap();
    let store = desk(&address, folder.path()).unwrap();
    store.replay().unwrap();
    let left = store.waits().unwrap();
    assert_eq!((left.records, left.refused.as_ref().map(|(many, _)| *many)), (0, Some(2)));
    assert!(left.refused.unwrap().1.contains("check constraint"));
    assert!(store.token(&SlotKey::only("B")).unwrap().unwrap().synced.is_some());
}

#[test]
fn nobody_waits_long_for_a_server_that_has_just_been_away() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("postgres://desk@127.0.0.1:{}/inventory", mute.local_addr().unwrap().port());
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let store = desk(&address, folder.path()).unwrap();
    let first = began.elapsed();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..4 {
            let (store, is_over) = (&store, &is_over);
            scope.spawn(move || {
                assert!(store.token(&SlotKey::only(format!("T{reader}"))).unwrap_err().is_away());
                is_over.store(true, Ordering::SeqCst);
            });
        }
    });
    assert!(first < Duration::from_secs(6) && is_over.into_inner());
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[test]
fn an_end_that_waited_takes_back_no_newer_burn_whatever_the_desks_clocks_say() {
    let (mut server, address, folder) = place();
    // This desk's clock is hours ahead.
    let fast = desk(&address, folder.path()).unwrap();
    let late = 9_000_000;
    fast.begin(&begins("A", late, Some(1), None)).unwrap();
    server.kill();
    fast.end(late, &ends("A", late, burned(1))).unwrap();
    drop(fast);
    server.resume();
    let other = Postgres::open(parsed(&address)).unwrap();
    burn(&other, "A", 4, 2).unwrap();
    let before = other.token(&SlotKey::only("A")).unwrap().unwrap();
    assert_eq!(before.seed, Some(fingerprint(2)));
    let fast = desk(&address, folder.path()).unwrap();
    fast.replay().unwrap();
    assert_eq!(fast.waits(), Ok(waits(0)));
    assert_eq!(other.token(&SlotKey::only("A")).unwrap().unwrap(), before);
    for seed in [1, 2] {
        assert_eq!(other.holder(&fingerprint(seed)), Ok(Some(SlotKey::only("A"))), "it may be on it: {seed}");
    }
}

#[test]
fn while_the_server_is_away_a_key_that_a_token_has_refused_is_not_tried_again() {
    let address = "postgres://desk@127.0.0.1:1/inventory".to_owned();
    let folder = tempfile::tempdir().unwrap();
    let store = desk(&address, folder.path()).unwrap();
    assert!(store.key_refused("A", &fingerprint(5)).unwrap_err().is_away(), "nothing is known");
    let mut begin = begins("A", 1, None, None);
    begin.may_wait = true;
    store.begin(&begin).unwrap();
    let mut end = ends("A", 1, SeedChange::Keep);
    end.token.as_mut().unwrap().refused = KeyChange::Refused(fingerprint(5));
    store.end(1, &end).unwrap();
    assert_eq!(store.key_refused("A", &fingerprint(5)), Ok(Some(at(1500))));
    assert!(store.key_refused("B", &fingerprint(5)).unwrap_err().is_away());
    let kept = std::fs::read(folder.path().join("outbox.sqlite-wal")).unwrap();
    let bare = "05".repeat(16);
    assert!(!kept.windows(32).any(|bytes| bytes == bare.as_bytes()), "a fingerprint without a key is kept nowhere");
}

#[test]
fn an_inventory_that_was_replaced_meanwhile_is_noticed_before_anything_is_recorded_in_it() {
    let mut server = Server::start();
    let address = server.database();
    let store = Postgres::open(parsed(&address)).unwrap();
    burn(&store, "A", 1, 1).unwrap();
    let database = address.rsplit('/').next().unwrap();
    server
        .sql("postgres", database, "UPDATE tokentap.meta SET value = '\\x00' WHERE name = 'fingerprint-key'")
        .unwrap();
    server.kill();
    server.resume();
    assert!(matches!(burn(&store, "B", 2, 2), Err(InventoryError::Replaced(_))));
    assert_eq!(server.sql("postgres", database, "SELECT count(*) FROM tokentap.tokens").unwrap(), "1");
}

#[test]
fn an_outbox_that_is_damaged_is_named_and_one_record_that_cannot_be_read_keeps_no_other_back() {
    let name = shared().inventory();
    let address = shared().address(&format!("{name}_front"), &name);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.sqlite");
    let away = desk(&at_port(1, &address), folder.path()).unwrap();
    sync(&away, "A", 1).unwrap();
    sync(&away, "B", 2).unwrap();
    drop(away);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute("UPDATE waiting SET record = '{}' WHERE id = 1", []).unwrap();
    drop(file);
    let store = desk(&address, folder.path()).unwrap();
    store.replay().unwrap();
    let left = store.waits().unwrap();
    assert_eq!((left.records, left.refused.map(|(many, _)| many)), (0, Some(1)));
    assert!(store.token(&SlotKey::only("B")).unwrap().is_some());
    drop(store);
    std::fs::write(&path, [7; 20_000]).unwrap();
    let _ = std::fs::remove_file(folder.path().join("outbox.sqlite-wal"));
    let store = desk(&address, folder.path()).unwrap();
    assert!(matches!(store.waits(), Err(InventoryError::Outbox { .. })));
    assert!(
        matches!(burn(&store, "C", 3, 3), Err(InventoryError::Outbox { .. })),
        "nothing begins whose end could be lost"
    );
}
