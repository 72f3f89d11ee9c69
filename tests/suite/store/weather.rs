//! A server in bad weather: connections that are cut at each message, races for one seed, a server that is killed under load. What was
//! acknowledged is there once; what was not is there once or not at all; nothing hangs.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokentap::inventory::{
    Begin, Claim, Deed, Delivery, DeliveryFilter, DeliveryStep, Entry, Event, EventFilter, Fingerprint, Inventory,
    InventoryError, Kept, Listing, NewBatch, NewRow, Outcome, Postgres, RowChange, RowState, SeedChange, SlotKey,
};
use tokentap::time::UnixTime;

use super::deliveries::{sent, server, told};
use super::server::{Server, new_database, parsed};
use super::{By, begins, burned, ends, fingerprint};
use crate::support::Dice;

/// Where a connection is cut, counted in messages that the program sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub at: u32,
    /// The server gets the message, and its answer is lost.
    pub after: bool,
}

/// A proxy between the program and the server.
pub struct Proxy {
    pub port: u16,
    sent: Arc<AtomicU32>,
    cut: Arc<Mutex<Option<Cut>>>,
    /// All that went over it, either way.
    wire: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Self { port, sent: Arc::default(), cut: Arc::default(), wire: Arc::default() };
        let (sent, cut, wire) = (Arc::clone(&proxy.sent), Arc::clone(&proxy.cut), Arc::clone(&proxy.wire));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (sent, cut, wire) = (Arc::clone(&sent), Arc::clone(&cut), Arc::clone(&wire));
                std::thread::spawn(move || pass_on(client, server, &sent, &cut, &wire));
            }
        });
        proxy
    }

    /// All that went over it, either way.
    pub fn wire(&self) -> Vec<u8> {
        self.wire.lock().unwrap().clone()
    }

    /// From now on messages are counted anew, and one of them ends its connection.
    pub fn cut_at(&self, cut: Option<Cut>) {
        self.sent.store(0, Ordering::SeqCst);
        *self.cut.lock().unwrap() = cut;
    }

    pub fn was_cut(&self) -> bool {
        self.cut.lock().unwrap().is_none()
    }
}

fn pass_on(mut client: TcpStream, server: u16, sent: &AtomicU32, cut: &Mutex<Option<Cut>>, wire: &Arc<Mutex<Vec<u8>>>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)) else { return };
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let is_mute = Arc::new(AtomicBool::new(false));
    let mute = Arc::clone(&is_mute);
    let answers = Arc::clone(wire);
    let back = std::thread::spawn(move || {
        let mut buffer = [0; 1 << 16];
        while let Ok(length @ 1..) = from_server.read(&mut buffer) {
            answers.lock().unwrap().extend(&buffer[..length]);
            if mute.load(Ordering::SeqCst) || to_client.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 1 << 16];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        wire.lock().unwrap().extend(&buffer[..length]);
        let number = sent.fetch_add(1, Ordering::SeqCst) + 1;
        let due = cut.lock().unwrap().take_if(|cut| cut.at == number);
        if due.is_some_and(|cut| !cut.after) {
            break;
        }
        is_mute.store(due.is_some(), Ordering::SeqCst);
        if server.write_all(&buffer[..length]).is_err() {
            break;
        }
        if due.is_some() {
            // Time enough for the server to carry it out.
            std::thread::sleep(Duration::from_millis(60));
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = back.join();
}

/// The same inventory by another port.
fn open(port: u16, address: &str) -> Postgres {
    Postgres::open(parsed(&at_port(port, address))).unwrap()
}

pub fn at_port(port: u16, address: &str) -> String {
    let (server, database) = address.rsplit_once('/').unwrap();
    format!("{}:{port}/{database}", server.rsplit_once(':').unwrap().0)
}

/// The same inventory to another user.
fn address_of(user: &str, address: &str) -> String {
    format!("postgres://{user}@{}", address.split_once('@').unwrap().1)
}

pub fn port_of(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap()
}

fn burn(store: &dyn Inventory, serial: &str, job: i64, seed: u8) -> Kept<()> {
    let basis = store.token(&SlotKey::only(serial))?;
    store.begin(&begins(serial, job, Some(seed), basis.as_ref()))?;
    store.end(job, &ends(serial, job, burned(seed)))
}

/// How often each job is on record with each outcome.
pub fn on_record(store: &dyn Listing) -> BTreeMap<(i64, &'static str), u32> {
    let mut found = BTreeMap::new();
    let mut visit =
        |event: tokentap::inventory::Event| *found.entry((event.job, event.outcome.word())).or_insert(0) += 1;
    store.visit_events(&EventFilter::default(), u64::MAX, &mut visit).unwrap();
    found
}

#[test]
fn a_connection_that_is_cut_at_any_message_of_a_burn_loses_nothing_and_doubles_nothing() {
    let address = new_database();
    let direct = open(port_of(&address), &address);
    let proxy = Proxy::before(port_of(&address));
    let mut job = 0;
    for after in [false, true] {
        for at in 1.. {
            job += 1;
            let store = open(proxy.port, &address);
            let serial = format!("T{job}");
            proxy.cut_at(Some(Cut { at, after }));
            let began = Instant::now();
            let done = burn(&store, &serial, job, (job % 250) as u8);
            assert!(began.elapsed() < Duration::from_secs(20), "cut at {at}: {done:?}");
            let was_cut = proxy.was_cut();
            proxy.cut_at(None);
            let record = on_record(&direct);
            let times = |outcome: Outcome| record.get(&(job, outcome.word())).copied().unwrap_or_default();
            assert!(times(Outcome::Begun) <= 1 && times(Outcome::Done) <= 1, "{at}, {after}: {record:?}");
            if done.is_ok() {
                assert_eq!((times(Outcome::Begun), times(Outcome::Done)), (1, 1), "cut at {at}, after: {after}");
                let held = direct.token(&SlotKey::only(serial.as_str())).unwrap().unwrap().held();
                assert_eq!(held, Some(fingerprint((job % 250) as u8)));
            }
            if !was_cut {
                assert!(done.is_ok(), "{done:?}");
                break;
            }
        }
    }
    assert!(job > 20, "{job}");
}

/// Something that a desk does, and how much of it is on record afterwards: all of these, or nothing.
struct Verb {
    name: &'static str,
    by: By,
    run: fn(&dyn Inventory, i64) -> Kept<()>,
    found: fn(&dyn Inventory, i64) -> usize,
    whole: &'static [usize],
}

fn events_of(store: &dyn Inventory, job: i64) -> usize {
    let mut count = 0;
    store.visit_events(&EventFilter::default(), u64::MAX, &mut |event| count += usize::from(event.job == job)).unwrap();
    count
}

fn batch_of(job: i64) -> NewBatch {
    let begun = UnixTime::from_timestamp_millis(job).unwrap();
    NewBatch { name: format!("list {job}"), content: job.to_be_bytes().to_vec(), begun }
}

fn sync(store: &dyn Inventory, job: i64) -> Kept<()> {
    let serial = format!("S{job}");
    store.begin(&begins(&serial, job, None, None))?;
    store.end(job, &ends(&serial, job, SeedChange::Keep))
}

fn import(store: &dyn Inventory, job: i64) -> Kept<()> {
    let mut entries = (0..3).map(|number| {
        let mut entry = ends(&format!("I{job}-{number}"), job, SeedChange::Keep);
        entry.event.deed = Deed::Import;
        entry
    });
    store.keep_all(false, &mut |_| Ok(entries.next())).map(drop)
}

fn list(store: &dyn Inventory, job: i64) -> Kept<()> {
    let row = |_| Ok(NewRow { serial: None, is_named: false, user: None, seed: None, state: RowState::Planned });
    store.add_batch(&batch_of(job), &mut (0..5).map(row)).map(drop)
}

fn rows_of_list(store: &dyn Inventory, job: i64) -> usize {
    let batch = store.batch_of_content(&job.to_be_bytes()).unwrap();
    batch.map_or(0, |batch| batch.counts.rows() as usize)
}

/// A list, a claim on one of its rows, and the burn of that row.
fn burn_a_row(store: &dyn Inventory, job: i64) -> Kept<()> {
    list(store, job)?;
    let batch = store.batch_of_content(&job.to_be_bytes())?.unwrap().id;
    let serial = format!("R{job}");
    let Claim::Row(row) = store.claim(batch, &serial, false)? else { panic!("no row") };
    let (number, serial_of_row) = (row.row, Some(serial.clone()));
    let change = |was, state| RowChange {
        batch,
        row: number,
        was,
        state,
        serial: serial_of_row.clone(),
        seed: None,
        error: None,
    };
    let begin = Begin { row: Some(change(row.state, RowState::Burning)), ..begins(&serial, job, None, None) };
    store.begin(&begin)?;
    let row = Some(change(RowState::Burning, RowState::Burned));
    store.end(job, &Entry { row, ..ends(&serial, job, SeedChange::Keep) })?;
    store.release(batch, number)
}

fn event_of(job: i64, deed: Deed) -> Event {
    Event { job, ..told(deed, job, "") }
}

/// A seed on its way to a server: before the request, and after it.
fn hand_over(store: &dyn Inventory, job: i64) -> Kept<()> {
    let first = sent("idp", SlotKey::only(format!("H{job}")));
    store.deliver(None, &first, Some(&event_of(job, Deed::HandOver)))?;
    let later = Delivery { step: DeliveryStep::Created, ..first.clone() };
    store.deliver(Some(&first), &later, Some(&event_of(job, Deed::HandOver)))
}

/// The events, and as many as the record says that there must be.
fn handed_over(store: &dyn Inventory, job: i64) -> usize {
    let filter = DeliveryFilter { server: None, serial: Some(format!("H{job}")) };
    let steps = store.deliveries(&filter).unwrap().first().map_or(0, |found| match found.step {
        DeliveryStep::Sent => 1,
        _ => 2,
    });
    let events = events_of(store, job);
    if events == steps { events + steps } else { usize::MAX }
}

fn put_server(store: &dyn Inventory, job: i64) -> Kept<()> {
    store.put_server(&server(&format!("server {job}"), "one"), &event_of(job, Deed::Server))
}

fn told_of_server(store: &dyn Inventory, job: i64) -> usize {
    let name = format!("server {job}");
    events_of(store, job) + store.servers().unwrap().iter().filter(|server| server.name == name).count()
}

#[test]
fn whatever_a_desk_does_is_on_record_whole_or_not_at_all_at_whichever_message_its_connection_is_cut() {
    let address = new_database();
    let direct = open(port_of(&address), &address);
    let proxy = Proxy::before(port_of(&address));
    let verbs = [
        // Begun, or begun and done: what began and did not end is known to be open.
        Verb { name: "sync", by: By::Desk, run: sync, found: |store, job| events_of(store, job), whole: &[1, 2] },
        Verb { name: "import", by: By::Desk, run: import, found: |store, job| events_of(store, job), whole: &[3] },
        Verb { name: "list", by: By::Desk, run: list, found: |store, job| rows_of_list(store, job), whole: &[5] },
        Verb { name: "row", by: By::Desk, run: burn_a_row, found: |store, job| events_of(store, job), whole: &[1, 2] },
        Verb { name: "deliver", by: By::Desk, run: hand_over, found: handed_over, whole: &[2, 4] },
        Verb { name: "server", by: By::Owner, run: put_server, found: told_of_server, whole: &[2] },
    ];
    let mut job = 0;
    for Verb { name, by, run, found, whole } in verbs {
        let mut cuts = 0;
        let address = match by {
            By::Desk => address.clone(),
            By::Owner => address_of("postgres", &address),
        };
        for after in [false, true] {
            for at in 1.. {
                job += 1;
                let store = open(proxy.port, &address);
                proxy.cut_at(Some(Cut { at, after }));
                let began = Instant::now();
                let done = run(&store, job);
                assert!(began.elapsed() < Duration::from_secs(20), "{name} cut at {at}: {done:?}");
                let was_cut = proxy.was_cut();
                proxy.cut_at(None);
                let found = found(&direct, job);
                assert!(
                    found == 0 || whole.contains(&found),
                    "{name} cut at {at}, after: {after}: {found} of {whole:?}"
                );
                if done.is_ok() {
                    assert_eq!(Some(&found), whole.last(), "{name} cut at {at}, after: {after}");
                }
                if !was_cut {
                    assert!(done.is_ok(), "{name}: {done:?}");
                    break;
                }
                cuts += 1;
            }
        }
        assert!(cuts > 4, "{name} was cut {cuts} times");
        println!("{name}: cut {cuts} times");
    }
}

#[test]
fn of_two_desks_that_race_for_one_seed_one_gets_it_three_hundred_times() {
    let address = new_database();
    let desks = [open(port_of(&address), &address), open(port_of(&address), &address)];
    for race in 0..300_i64 {
        let mut bytes = [1; 16];
        bytes[..8].copy_from_slice(&race.to_be_bytes());
        let seed = Fingerprint::of_bytes(&bytes);
        let ended: Vec<Kept<()>> = std::thread::scope(|scope| {
            let begin = |(number, desk): (i64, &'_ Postgres)| {
                let (serial, job) = (format!("R{race}-{number}"), race * 2 + number + 1);
                desk.begin(&Begin { seed, ..begins(&serial, job, Some(1), None) }).map(|_| ())
            };
            let running: Vec<_> = (0..).zip(&desks).map(|pair| scope.spawn(move || begin(pair))).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let won = ended.iter().filter(|ended| ended.is_ok()).count();
        let held = ended.iter().filter(|ended| matches!(ended, Err(InventoryError::Held(_)))).count();
        assert_eq!((won, held), (1, 1), "race {race}: {ended:?}");
    }
}

#[test]
fn a_server_that_is_killed_under_load_has_every_record_that_it_acknowledged_once() {
    let mut dice = Dice::new();
    let mut server = Server::start();
    let address = server.database();
    drop(open(server.port, &address));
    let acknowledged: Mutex<Vec<i64>> = Mutex::default();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for desk in 0..4_i64 {
            let (acknowledged, is_over, address) = (&acknowledged, &is_over, &address);
            scope.spawn(move || {
                let mut job = desk * 1_000_000;
                while !is_over.load(Ordering::SeqCst) {
                    let Ok(store) = Postgres::open(parsed(address)) else {
                        std::thread::sleep(Duration::from_millis(50));
                        continue;
                    };
                    for _ in 0..50 {
                        job += 1;
                        let serial = format!("K{job}");
                        let done = store
                            .begin(&begins(&serial, job, None, None))
                            .and_then(|_| store.end(job, &ends(&serial, job, tokentap::inventory::SeedChange::Keep)));
                        if done.is_ok() {
                            acknowledged.lock().unwrap().push(job);
                        }
                        if is_over.load(Ordering::SeqCst) {
                            break;
                        }
                    }
                }
            });
        }
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(100 + dice.below(250)));
            server.kill();
            server.resume();
        }
        is_over.store(true, Ordering::SeqCst);
    });
    let record = on_record(&open(server.port, &address));
    let acknowledged = acknowledged.into_inner().unwrap();
    for job in &acknowledged {
        for outcome in [Outcome::Begun, Outcome::Done] {
            assert_eq!(record.get(&(*job, outcome.word())), Some(&1), "job {job} {outcome:?}");
        }
    }
    assert!(record.values().all(|times| *times == 1), "something is on record twice");
    assert!(acknowledged.len() > 200, "only {} records were acknowledged", acknowledged.len());
    println!("{} jobs acknowledged, 20 kills", acknowledged.len());
}
