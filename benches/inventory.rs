//! A batch of a hundred thousand rows on tokens in this process, and queries over a million events. Run by
//! `scripts/bench inventory`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking"
)]

#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "other benches run whole processes with it")]
mod measure;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this bench needs Linux, for its accounting of memory");
}

/// Where this program, started anew, finds that it is to be the batch whose memory is measured.
#[cfg(target_os = "linux")]
const ROWS: &str = "TOKENTAP_BENCH_ROWS";

#[cfg(target_os = "linux")]
fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    match std::env::var(ROWS) {
        Ok(rows) => println!("{}", batch::run(rows.parse().unwrap())),
        Err(_) => {
            let mut results = measure::Results::of("inventory");
            println!(
                "rows       bare loop   first 1000   last 1000   last/first   commits/token   peak memory   tokens/s"
            );
            for rows in [100, 1_000, 10_000, 100_000] {
                let mut again = std::process::Command::new(std::env::current_exe().unwrap());
                let output = again.arg("--bench").env(ROWS, rows.to_string()).output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
                let number = |name: &str| result[name].as_f64().unwrap();
                println!(
                    "{rows:7} {:9.3} ms {:9.3} ms {:8.3} ms {:12.2} {:15.2} {:9.0} MiB {:10.0}",
                    number("bare_ms"),
                    number("first_1000_ms"),
                    number("last_1000_ms"),
                    number("last_1000_ms") / number("first_1000_ms"),
                    number("commits_per_token"),
                    number("peak_mib"),
                    number("tokens_per_s"),
                );
                results.add(result);
            }
            events::run(&mut results);
            results.write();
        }
    }
}

#[cfg(target_os = "linux")]
mod batch {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use tokentap::device::token2::NfcToken;
    use tokentap::device::token2::TokenKey;
    use tokentap::device::token2::command::{AnswerChallenge, GetChallenge, GetInfo, WriteConfig, WriteSeed};
    use tokentap::device::{Key, Profile};
    use tokentap::emulator::{CardState, EmulatedLink, FixedTrays, TokenClock};
    use tokentap::inventory::{
        BatchId, BatchRecord, Begin, Begun, Claim, ClockEvent, Counts, Deliveries, Delivery, DeliveryFilter, DeviceKey,
        DeviceKeys, Entry, Event, EventFilter, Fingerprint, FingerprintKey, Inventory, Kept, Listing, NewBatch, NewRow,
        RowRecord, RowState, ServerRecord, SlotKey, Sqlite, Station, TokenFilter, TokenRecord,
    };
    use tokentap::iso7816::Apdu;
    use tokentap::job::batch::{
        Allowed, Batch, BatchNews, BatchPlan, BatchVisitor, Left, Origin, SeedList, SeedSource,
    };
    use tokentap::job::{Failure, HourWatch, ProfileWish, Surroundings, attend};
    use tokentap::link::Link;
    use tokentap::reader::{Came, ReaderError, Tray};
    use tokentap::seed::Seed;
    use tokentap::seedfile::Row;
    use tokentap::time::{CorrectedClock, HostClock, SystemClock, UnixTime, unix_ns};

    use super::measure::median;

    static COMMITS: AtomicU64 = AtomicU64::new(0);

    /// The inventory, with its durable commits counted.
    struct Counting(Sqlite);

    impl Inventory for Counting {
        fn fingerprint_key(&self) -> &FingerprintKey {
            self.0.fingerprint_key()
        }
        fn recipients(&self) -> Kept<Vec<String>> {
            self.0.recipients()
        }
        fn check_alone(&self) -> Kept<()> {
            self.0.check_alone()
        }
        fn is_still_at_work(&self, job: i64, serial: &str) -> Kept<bool> {
            self.0.is_still_at_work(job, serial)
        }
        fn keep(&self, entry: &Entry) -> Kept<()> {
            COMMITS.fetch_add(1, Ordering::Relaxed);
            self.0.keep(entry)
        }
        fn see(&self, entry: &Entry) -> Kept<()> {
            self.0.see(entry)
        }
        fn begin(&self, begin: &Begin<'_>) -> Kept<Begun> {
            COMMITS.fetch_add(1, Ordering::Relaxed);
            self.0.begin(begin)
        }
        fn at_work(&self, serial: &str) -> Kept<Option<UnixTime>> {
            self.0.at_work(serial)
        }
        fn end(&self, job: i64, entry: &Entry) -> Kept<()> {
            COMMITS.fetch_add(1, Ordering::Relaxed);
            self.0.end(job, entry)
        }
        fn keep_all(&self, seals: bool, next: &mut dyn FnMut(&[String]) -> Kept<Option<Entry>>) -> Kept<u64> {
            COMMITS.fetch_add(1, Ordering::Relaxed);
            self.0.keep_all(seals, next)
        }
        fn claim(&self, batch: BatchId, serial: &str, reburns: bool) -> Kept<Claim> {
            self.0.claim(batch, serial, reburns)
        }
        fn release(&self, batch: BatchId, row: u64) -> Kept<()> {
            self.0.release(batch, row)
        }
        fn token(&self, key: &SlotKey) -> Kept<Option<TokenRecord>> {
            self.0.token(key)
        }
        fn key_refused(&self, serial: &str, key: &Fingerprint) -> Kept<Option<UnixTime>> {
            self.0.key_refused(serial, key)
        }
        fn holder(&self, seed: &Fingerprint) -> Kept<Option<SlotKey>> {
            self.0.holder(seed)
        }
        fn add_batch(&self, batch: &NewBatch, rows: &mut dyn Iterator<Item = Kept<NewRow>>) -> Kept<BatchId> {
            self.0.add_batch(batch, rows)
        }
        fn close_batch(&self, batch: BatchId, at: UnixTime) -> Kept<()> {
            self.0.close_batch(batch, at)
        }
    }

    impl Deliveries for Counting {
        fn servers(&self) -> Kept<Vec<ServerRecord>> {
            self.0.servers()
        }
        fn put_server(&self, server: &ServerRecord, event: &Event) -> Kept<()> {
            COMMITS.fetch_add(1, Ordering::Relaxed);
            self.0.put_server(server, event)
        }
        fn remove_server(&self, name: &str, event: &Event) -> Kept<bool> {
            COMMITS.fetch_add(1, Ordering::Relaxed);
            self.0.remove_server(name, event)
        }
        fn deliveries(&self, filter: &DeliveryFilter) -> Kept<Vec<Delivery>> {
            self.0.deliveries(filter)
        }
        fn deliver(&self, earlier: Option<&Delivery>, later: &Delivery, event: Option<&Event>) -> Kept<()> {
            COMMITS.fetch_add(1, Ordering::Relaxed);
            self.0.deliver(earlier, later, event)
        }
    }

    impl DeviceKeys for Counting {
        fn device_keys(&self, serial: Option<&str>) -> Kept<Vec<DeviceKey>> {
            self.0.device_keys(serial)
        }
        fn put_device_keys(&self, serial: &str, keys: &[DeviceKey]) -> Kept<()> {
            COMMITS.fetch_add(1, Ordering::Relaxed);
            self.0.put_device_keys(serial, keys)
        }
    }

    impl Listing for Counting {
        fn visit_clock_events(&self, serial: Option<&str>, visit: &mut dyn FnMut(ClockEvent)) -> Kept<()> {
            self.0.visit_clock_events(serial, visit)
        }
        fn was_dealt(&self, batch: BatchId, row: u64, serial: &str) -> Kept<bool> {
            self.0.was_dealt(batch, row, serial)
        }
        fn batch_of_content(&self, content: &[u8]) -> Kept<Option<BatchRecord>> {
            self.0.batch_of_content(content)
        }
        fn open_batch_named(&self, name: &str) -> Kept<Option<BatchRecord>> {
            self.0.open_batch_named(name)
        }
        fn counts(&self, batch: BatchId) -> Kept<Counts> {
            self.0.counts(batch)
        }
        fn row_of(&self, batch: BatchId, serial: &str) -> Kept<Option<RowRecord>> {
            self.0.row_of(batch, serial)
        }
        fn row_of_seed(&self, batch: BatchId, seed: &Fingerprint) -> Kept<Option<RowRecord>> {
            self.0.row_of_seed(batch, seed)
        }
        fn visit_rows(&self, batch: BatchId, states: &[RowState], visit: &mut dyn FnMut(RowRecord)) -> Kept<()> {
            self.0.visit_rows(batch, states, visit)
        }
        fn visit_events(&self, filter: &EventFilter, limit: u64, visit: &mut dyn FnMut(Event)) -> Kept<()> {
            self.0.visit_events(filter, limit, visit)
        }
        fn visit_tokens(&self, filter: &TokenFilter, limit: u64, visit: &mut dyn FnMut(TokenRecord)) -> Kept<()> {
            self.0.visit_tokens(filter, limit, visit)
        }
        fn batches(&self, since: Option<UnixTime>) -> Kept<Vec<BatchRecord>> {
            self.0.batches(since)
        }
    }

    /// New tokens, one after the other; each is timed from its coming to the next one's.
    struct Endless {
        left: u64,
        clock: SystemClock,
    }

    impl Tray for Endless {
        fn name(&self) -> &str {
            "bench"
        }
        fn number(&self) -> Option<usize> {
            None
        }
        fn is_occupied(&self) -> bool {
            false
        }
        fn is_emulated(&self) -> bool {
            true
        }
        fn next(&mut self, _: &dyn Fn() -> bool) -> Result<Came, ReaderError> {
            if self.left == 0 {
                return Ok(Came::Ended);
            }
            self.left -= 1;
            Ok(Came::Token(Box::new(NfcToken(emulated(&self.clock, self.left)))))
        }
    }

    /// An emulated token of this number.
    fn emulated(clock: &SystemClock, number: u64) -> EmulatedLink {
        let now = unix_ns(clock.now().wall);
        let shared: Arc<dyn HostClock> = Arc::new(clock.clone());
        let state = CardState::new(&format!("8659612{number:07}"), false, TokenClock::new(now, -97.25, 0.0, false));
        EmulatedLink::new(state, shared)
    }

    /// The very APDUs of a burn to tokens in this process, and nothing around them; the median of a thousand, in ms.
    fn bare_ms(clock: &SystemClock) -> f64 {
        let key = TokenKey::factory();
        let seed = Seed::from_bytes(vec![7; 16]).unwrap();
        let each = (0..1000).map(|number| {
            let mut link = emulated(clock, number);
            let mut send = |apdu: Apdu| {
                let reply = link.transmit(apdu.as_bytes()).unwrap();
                reply.strip_suffix(&[0x90, 0x00]).unwrap().to_vec()
            };
            let began = Instant::now();
            send(GetInfo.apdu());
            let challenge = GetChallenge.parse(&send(GetChallenge.apdu())).unwrap();
            send(AnswerChallenge { challenge }.apdu(&key));
            send(WriteConfig { profile: Profile::FACTORY, clock: 1_795_454_228 }.apdu(&key));
            send(WriteSeed { seed: &seed }.apdu(&key));
            send(GetInfo.apdu());
            began.elapsed().as_secs_f64() * 1000.0
        });
        median(each.collect())
    }

    /// Burns so many rows; what that took.
    pub fn run(rows: u64) -> serde_json::Value {
        // In memory, where a commit costs the same at any time: what grows with the rows would be the program.
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let clock = SystemClock::new();
        let sqlite = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
        let books = Counting(sqlite);
        let key = books.fingerprint_key().clone();
        let flags = ProfileWish::default();
        let given = (0..rows).map(|row| {
            let spread = u128::from(row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
            let mut row = Row::of_seed(Seed::from_bytes(spread.to_be_bytes().to_vec()).unwrap());
            row.user = Some("somebody.somewhere@example.org".to_owned());
            Ok(row)
        });
        let Ok(list) = SeedList::check(
            given,
            &key,
            flags,
            Allowed { short: true, shared: false, family: tokentap::device::Family::Nfc },
        ) else {
            panic!("bad rows")
        };
        let SeedList { seeds, rows: new, content, .. } = list;
        let origin = Origin { name: "rows".to_owned(), content, anew: false, is_fresh: false };
        let (batch, _) = Batch::open(&books, &origin, new, &[], clock.now().wall).unwrap();
        let moments = Mutex::new(vec![Instant::now()]);
        let tell = |news: BatchNews| {
            if let BatchNews::Left(departure) = news {
                assert!(matches!(departure.how, Left::Burned(_)), "{:?}", departure.how);
                moments.lock().unwrap().push(Instant::now());
            }
        };
        let host =
            || -> Result<CorrectedClock<'_>, Failure> { Ok(CorrectedClock::new(&clock, chrono::TimeDelta::zero())) };
        let plan = BatchPlan {
            shares_seeds: false,
            flags,
            fine: false,
            allow_unknown_model: false,
            key: Key::default(),
            tries_again: false,
            reassigns: false,
            check_every: 0,
        };
        let around = Surroundings {
            station: Station::default(),
            remark: None,
            wording: tokentap::report::WORDING,
            host: &host,
            tell: &tell,
            has_person: false,
            hours: HourWatch::default(),
            stop: &|| false,
        };
        let visitor = BatchVisitor::new(&books, batch, None, SeedSource::File(seeds), plan, around);
        let tray = Endless { left: rows, clock: clock.clone() };
        attend(&mut FixedTrays::new(vec![Box::new(tray)]), &visitor);
        let moments = moments.into_inner().unwrap();
        let each: Vec<f64> = moments.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1000.0).collect();
        assert_eq!(each.len() as u64, rows);
        let many = each.len().min(1000);
        let (first, last) = (median(each[..many].to_vec()), median(each[each.len() - many..].to_vec()));
        let commits = COMMITS.load(Ordering::Relaxed) as f64 / rows as f64;
        let peak = peak_mib();
        let bare = bare_ms(&clock);
        serde_json::json!({
            "rows": rows, "bare_ms": bare, "ratio": first / bare, "first_1000_ms": first, "last_1000_ms": last,
            "commits_per_token": commits, "peak_mib": peak, "tokens_per_s": rows as f64 / each.iter().sum::<f64>() * 1000.0,
        })
    }

    /// The most memory that this process has held.
    fn peak_mib() -> f64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

#[cfg(target_os = "linux")]
mod events {
    use std::time::Instant;

    use tokentap::inventory::{EventFilter, Listing, Sqlite};
    use tokentap::time::UnixTime;

    use super::measure::{Results, median};

    const EVENTS: i64 = 1_000_000;
    /// So many tokens share them: each has ten.
    const TOKENS: i64 = 100_000;

    pub fn run(results: &mut Results) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.sqlite");
        drop(Sqlite::open(&path).unwrap());
        let mut connection = rusqlite::Connection::open(&path).unwrap();
        // Made up here, without the checksums that the program would write.
        connection.execute_batch("DROP TRIGGER events_summed").unwrap();
        let transaction = connection.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare(
                    "INSERT INTO events (at, job, desk, operator, reader, serial, deed, outcome, before_s, before_resolution_s)
                     VALUES (?1, ?1, 'helpdesk', 'ada', 'ACR1552 PICC', ?2, 'sync', 'done', -1.5, 0.5)",
                )
                .unwrap();
            for event in 0..EVENTS {
                // A minute apart, and the tokens in no order.
                let serial = format!("8659612{:07}", event * 7919 % TOKENS);
                insert.execute((event * 60_000, serial)).unwrap();
            }
        }
        transaction.commit().unwrap();
        drop(connection);
        let inventory = Sqlite::open(&path).unwrap();
        println!("\nquery over {EVENTS} events             found      time (median of 20)");
        let mut timed = |name: &str, filter: &dyn Fn(i64) -> EventFilter| {
            let mut found = 0;
            let times = (0..20).map(|round| {
                found = 0;
                let began = Instant::now();
                inventory.visit_events(&filter(round), 1000, &mut |_| found += 1).unwrap();
                began.elapsed().as_secs_f64() * 1000.0
            });
            let times: Vec<f64> = times.collect();
            let time = median(times);
            println!("{name:36} {found:6} {time:16.2} ms");
            results.add(serde_json::json!({ "query": name, "events": EVENTS, "found": found, "median_ms": time }));
        };
        timed("the events of a serial", &|round| EventFilter {
            serial: Some(format!("8659612{:07}", round * 4999)),
            ..EventFilter::default()
        });
        timed("the events since a day, up to 1000", &|round| EventFilter {
            since: UnixTime::from_timestamp_millis((EVENTS - 1440 * (round + 1)) * 60_000),
            ..EventFilter::default()
        });
        timed("the last 1000 events", &|_| EventFilter::default());
    }
}
