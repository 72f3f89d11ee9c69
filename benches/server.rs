//! The inventory on a PostgreSQL server against the one in a file, in turns and in one run. Run by `scripts/bench server`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking"
)]

#[cfg(all(feature = "postgres", target_os = "linux"))]
#[allow(dead_code, reason = "other benches measure memory with it")]
mod measure;
#[cfg(all(feature = "postgres", target_os = "linux"))]
#[path = "../tests/suite/store/server.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod server;

#[cfg(not(all(feature = "postgres", target_os = "linux")))]
fn main() {
    eprintln!("this bench needs Linux, and the feature \"postgres\"");
}

#[cfg(all(feature = "postgres", target_os = "linux"))]
fn main() {
    if std::env::args().any(|argument| argument == "--bench") {
        bench::run();
    }
}

#[cfg(all(feature = "postgres", target_os = "linux"))]
mod bench {
    use std::process::Command;
    use std::time::Instant;

    use serde_json::json;
    use tokentap::inventory::{
        BatchId, Begin, Claim, Deed, Entry, Event, EventFilter, Fingerprint, Inventory, Listing, NewBatch, NewRow,
        Outcome, PendingChange, Postgres, RowChange, RowState, SeedChange, SlotKey, Sqlite, Station, TokenChange,
        TokenFilter,
    };
    use tokentap::time::UnixTime;

    use super::measure::{Results, median, run as run_process};
    use super::server::{Server, parsed};

    /// Burns that are recorded in turns.
    const BURNS: i64 = 300;
    /// Processes that are run in turns.
    const PROCESSES: usize = 60;
    /// Desks at one batch, and its rows.
    const DESKS: usize = 8;
    const ROWS: u64 = 4_000;

    pub fn run() {
        let server = Server::start();
        let mut results = Results::of("server");
        burns(&server, &mut results);
        desks(&server, &mut results);
        processes(&server, &mut results);
        lists(&server, &mut results);
        results.write();
    }

    fn fingerprint(number: u64) -> Fingerprint {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Fingerprint::of_bytes(&bytes).unwrap()
    }

    fn event(serial: &str, job: i64, outcome: Outcome) -> Event {
        Event {
            at: UnixTime::from_timestamp_millis(job).unwrap(),
            job,
            station: Station { desk: "bench".to_owned(), operator: "bench".to_owned(), reader: None },
            serial: Some(serial.to_owned()),
            slot: 0,
            deed: Deed::Burn,
            outcome,
            before: None,
            after: None,
            state: None,
            detail: None,
        }
    }

    /// What a burn records, before and after its first APDU.
    fn burn(store: &dyn Inventory, serial: &str, job: i64, seed: Fingerprint, row: Option<(BatchId, u64)>) {
        let change = |was, state| {
            row.map(|(batch, row)| {
                let (serial, seed) = (Some(serial.to_owned()), Some(seed));
                RowChange { batch, row, was, state, serial, seed, error: None }
            })
        };
        let basis = store.token(&SlotKey::only(serial)).unwrap();
        let begin = Begin {
            job,
            event: event(serial, job, Outcome::Begun),
            token: TokenChange::of(SlotKey::only(serial)),
            profile: None,
            seed: Some(seed),
            seal: &|_| Ok(None),
            basis: basis.as_ref(),
            row: change(RowState::Planned, RowState::Burning),
            shares_seed: false,
            may_wait: false,
        };
        store.begin(&begin).unwrap();
        let seed = SeedChange::Burned { seed, sealed: None };
        let token = TokenChange { seed, pending: PendingChange::Over, ..TokenChange::of(SlotKey::only(serial)) };
        let row = change(RowState::Burning, RowState::Burned);
        store.end(job, &Entry { event: event(serial, job, Outcome::Done), token: Some(token), row }).unwrap();
    }

    /// What the record of a burn costs, in a file and on a server.
    fn burns(server: &Server, results: &mut Results) {
        let folder = tempfile::tempdir().unwrap();
        let file = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
        let postgres = Postgres::open(parsed(&server.database())).unwrap();
        let (mut in_file, mut on_server) = (Vec::new(), Vec::new());
        for job in 1..=BURNS {
            let (serial, seed) = (format!("B{job}"), fingerprint(job as u64));
            for (store, times) in [(&file as &dyn Inventory, &mut in_file), (&postgres, &mut on_server)] {
                let began = Instant::now();
                burn(store, &serial, job, seed, None);
                times.push(began.elapsed().as_secs_f64() * 1e3);
            }
        }
        let (in_file, on_server) = (median(in_file), median(on_server));
        println!("the record of a burn: {in_file:.2} ms in a file, {on_server:.2} ms on a server");
        results.add(json!({ "burn_in_file_ms": in_file, "burn_on_server_ms": on_server }));
    }

    /// Desks at one batch, each with a connection of its own.
    fn desks(server: &Server, results: &mut Results) {
        let address = server.database();
        let first = Postgres::open(parsed(&address)).unwrap();
        let new = NewBatch { name: "bench".to_owned(), content: vec![1], begun: UnixTime::UNIX_EPOCH };
        let row = |number: u64| {
            let seed = Some(fingerprint(number));
            Ok(NewRow { serial: None, is_named: false, user: None, seed, state: RowState::Planned })
        };
        let batch = first.add_batch(&new, &mut (1..=ROWS).map(row)).unwrap();
        let began = Instant::now();
        std::thread::scope(|scope| {
            for desk in 0..DESKS {
                let address = &address;
                scope.spawn(move || {
                    let store = Postgres::open(parsed(address)).unwrap();
                    for number in 0.. {
                        let serial = format!("D{desk}-{number}");
                        let Claim::Row(row) = store.claim(batch, &serial, false).unwrap() else { break };
                        let job = (desk as i64 + 1) * 1_000_000 + number;
                        burn(&store, &serial, job, row.seed.unwrap(), Some((batch, row.row)));
                        store.release(batch, row.row).unwrap();
                    }
                });
            }
        });
        let rows_per_s = ROWS as f64 / began.elapsed().as_secs_f64();
        let counts = first.counts(batch).unwrap();
        assert_eq!((counts.done(), counts.left()), (ROWS, 0));
        println!("{DESKS} desks at one batch of {ROWS} rows: {rows_per_s:.0} rows/s");
        results.add(json!({ "desks": DESKS, "rows": ROWS, "rows_per_s": rows_per_s }));
    }

    /// `info` as a whole process.
    fn processes(server: &Server, results: &mut Results) {
        let folder = tempfile::tempdir().unwrap();
        let program = env!("CARGO_BIN_EXE_tokentap");
        let (file, on_server) = (folder.path().join("inventory.sqlite").display().to_string(), server.database());
        let command = |inventory: &str, args: &[&str]| {
            let mut command = Command::new(program);
            command.current_dir(folder.path()).env("TOKENTAP_INVENTORY", inventory).args(args);
            command.env("XDG_CONFIG_HOME", folder.path()).env("XDG_DATA_HOME", folder.path());
            command
        };
        run_process(&mut command("none", &["emulate", "--create", "--state", "token.json"]));
        let info = ["--reader", "emulated:token.json", "info"];
        let (mut in_file, mut served) = (Vec::new(), Vec::new());
        for _ in 0..PROCESSES {
            in_file.push(run_process(&mut command(&file, &info)).wall_s * 1e3);
            served.push(run_process(&mut command(&on_server, &info)).wall_s * 1e3);
        }
        let (in_file, served) = (median(in_file), median(served));
        println!(
            "info, a whole process: {in_file:.1} ms with a file, {served:.1} ms with a server, {:.2} times",
            served / in_file
        );
        results.add(json!({ "info_in_file_ms": in_file, "info_on_server_ms": served }));
    }

    /// First pages of lists over a million events.
    fn lists(server: &Server, results: &mut Results) {
        let address = server.database();
        let database = address.rsplit('/').next().unwrap();
        let fill = "INSERT INTO tokentap.events (at, job, desk, operator, serial, slot, deed, outcome)
             SELECT n, n, 'bench', 'bench', 'T' || n % 100000, 0, 'sync', 'done' FROM generate_series(1, 1000000) AS n;
             INSERT INTO tokentap.tokens (serial, slot, emulated, first_seen, last_seen)
             SELECT 'T' || n, 0, false, n, n FROM generate_series(0, 99999) AS n;
             ANALYZE";
        server.sql("postgres", database, fill).unwrap();
        let store = Postgres::open(parsed(&address)).unwrap();
        let serial = Some("T4711".to_owned());
        let since = UnixTime::from_timestamp_millis(999_000);
        for (name, filter) in [
            ("events", EventFilter::default()),
            ("events of a token", EventFilter { serial, ..EventFilter::default() }),
            ("events since a time", EventFilter { since, ..EventFilter::default() }),
        ] {
            let page = || {
                let (began, mut many) = (Instant::now(), 0);
                store.visit_events(&filter, 100, &mut |_| many += 1).unwrap();
                assert!(many >= 10);
                began.elapsed().as_secs_f64() * 1e3
            };
            let ms = median((0..21).map(|_| page()).collect());
            println!("first page of {name}, of a million: {ms:.2} ms");
            results.add(json!({ "page": name, "ms": ms }));
        }
        let page = || {
            let began = Instant::now();
            store.visit_tokens(&TokenFilter::default(), 100, &mut drop).unwrap();
            began.elapsed().as_secs_f64() * 1e3
        };
        let ms = median((0..21).map(|_| page()).collect());
        println!("first page of tokens, of a hundred thousand: {ms:.2} ms");
        results.add(json!({ "page": "tokens", "ms": ms }));
    }
}
