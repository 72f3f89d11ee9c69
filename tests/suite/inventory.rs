//! The inventory: what is on record after what, and what happens to it when its file is in trouble.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tokentap::inventory::{
    Deed, Deliveries, DeliveryFilter, Entry, Event, EventFilter, Fingerprint, Inventory, InventoryError, Listing,
    Measured, Outcome, PendingChange, SeedChange, SlotKey, Sqlite, Station, TokenChange,
};
use tokentap::seed::Seed;
use tokentap::time::UnixTime;

use crate::support::{RESTRICTED, UNRESTRICTED, run_with_input, text, tokentap};

/// Set in the processes that write the same inventory at once: the inventory, and the number of the process.
const WRITER: &str = "TOKENTAP_TEST_WRITER";
const EVENTS_EACH: u32 = 20;

pub fn event(serial: &str, at_ms: i64, detail: &str) -> Event {
    Event {
        at: UnixTime::from_timestamp_millis(at_ms).unwrap(),
        job: 1,
        station: Station { desk: "desk".to_owned(), operator: "ada".to_owned(), reader: None },
        serial: Some(serial.to_owned()),
        slot: 0,
        deed: Deed::Sync,
        outcome: Outcome::Done,
        before: Some(Measured { drift_s: -97.25, resolution_s: 0.5 }),
        after: None,
        state: None,
        detail: Some(detail.to_owned()),
    }
}

fn all_events(inventory: &Sqlite, filter: &EventFilter) -> Vec<Event> {
    let mut events = Vec::new();
    inventory.visit_events(filter, 1_000_000, &mut |event| events.push(event)).unwrap();
    events
}

/// A desk: a folder with an inventory and emulated tokens.
pub struct Desk(pub tempfile::TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = tokentap();
        command.current_dir(self.0.path()).env("TOKENTAP_INVENTORY", self.path("inventory.sqlite")).args(args);
        command
    }

    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        text(&output)
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.command(&[&["--json"][..], args].concat()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn fails(&self, exit: i32, args: &[&str]) -> Value {
        let output = self.command(&[&["--json"][..], args].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", text(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["error"].clone()
    }

    /// Makes an emulated token, and returns what `--reader` takes.
    pub fn token(&self, serial: &str) -> String {
        self.ok(&["emulate", "--create", "--serial", serial, "--drift", "-97.25", "--state", serial]);
        format!("emulated:{serial}")
    }

    pub fn seed_of(&self, serial: &str) -> String {
        let state: Value = serde_json::from_slice(&fs::read(self.path(serial)).unwrap()).unwrap();
        state["seed"].as_str().unwrap().to_owned()
    }

    /// Moves the clock of an emulated token.
    pub fn drift(&self, serial: &str, drift_s: i64) {
        let path = self.path(serial);
        let mut state: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let shown = &mut state["clock"]["shown_ns"];
        *shown = (shown.as_i64().unwrap() + drift_s * 1_000_000_000).into();
        fs::write(&path, state.to_string()).unwrap();
    }

    pub fn events(&self) -> Vec<(String, String)> {
        let report = self.json(&["inventory", "events"]);
        let word = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
        let events = report["events"].as_array().unwrap();
        events.iter().rev().map(|event| (word(event, "what"), word(event, "outcome"))).collect()
    }
}

fn pair(what: &str, outcome: &str) -> (String, String) {
    (what.to_owned(), outcome.to_owned())
}

const TRUST: &str = "--trust-host-clock";

#[test]
fn one_writer_of_many() {
    let Ok(given) = std::env::var(WRITER) else { return };
    let (path, number) = given.split_once('|').unwrap();
    let inventory = Sqlite::open(Path::new(path)).unwrap();
    for count in 0..EVENTS_EACH {
        let event = event(&format!("8659612{number:0>7}"), i64::from(count), &format!("{number} {count}"));
        inventory.keep(&Entry::of(event)).unwrap();
    }
}

#[test]
fn sixty_four_processes_that_write_at_once_lose_and_double_nothing() {
    let desk = Desk::new();
    let path = desk.path("inventory.sqlite");
    let writers: Vec<_> = (0..64)
        .map(|number| {
            let mut writer = Command::new(std::env::current_exe().unwrap());
            writer.args(["--exact", "inventory::one_writer_of_many"]);
            writer.env(WRITER, format!("{}|{number}", path.display())).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let inventory = Sqlite::open(&path).unwrap();
    let mut details: Vec<String> =
        all_events(&inventory, &EventFilter::default()).into_iter().map(|event| event.detail.unwrap()).collect();
    details.sort();
    let mut expected: Vec<String> =
        (0..64).flat_map(|number| (0..EVENTS_EACH).map(move |count| format!("{number} {count}"))).collect();
    expected.sort();
    assert_eq!(details, expected);
    inventory.quick_check().unwrap();
}

#[test]
fn events_are_found_by_serial_time_outcome_and_drift_newest_first() {
    let inventory = Sqlite::in_memory().unwrap();
    for (serial, at, detail) in [("A", 1000, "first"), ("B", 2000, "second"), ("A", 3000, "third")] {
        inventory.keep(&Entry::of(event(serial, at, detail))).unwrap();
    }
    let mut failed = event("B", 4000, "fourth");
    failed.outcome = Outcome::Failed;
    failed.before = Some(Measured { drift_s: 3.0, resolution_s: 0.5 });
    inventory.keep(&Entry::of(failed)).unwrap();
    let found = |filter: EventFilter| -> Vec<String> {
        all_events(&inventory, &filter).into_iter().map(|event| event.detail.unwrap()).collect()
    };
    let since = |ms| UnixTime::from_timestamp_millis(ms);
    assert_eq!(found(EventFilter::default()), ["fourth", "third", "second", "first"]);
    assert_eq!(found(EventFilter { serial: Some("A".into()), ..EventFilter::default() }), ["third", "first"]);
    assert_eq!(found(EventFilter { since: since(2500), ..EventFilter::default() }), ["fourth", "third"]);
    assert_eq!(found(EventFilter { outcome: Some(Outcome::Failed), ..EventFilter::default() }), ["fourth"]);
    assert_eq!(found(EventFilter { drift_over: Some(50.0), ..EventFilter::default() }), ["third", "second", "first"]);
}

#[test]
fn an_event_is_never_changed_or_removed() {
    let desk = Desk::new();
    let path = desk.path("inventory.sqlite");
    Sqlite::open(&path).unwrap().keep(&Entry::of(event("A", 1000, "first"))).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    for statement in ["UPDATE events SET detail = 'other'", "DELETE FROM events"] {
        let refused = connection.execute(statement, []).unwrap_err().to_string();
        assert!(refused.contains("an event is never"), "{refused}");
    }
}

#[test]
fn a_new_inventory_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let path = desk.path("new/folder/inventory.sqlite");
    assert!(Sqlite::open(&path).is_err(), "a folder that is not there may be a slip of the pen");
    tokentap::inventory::make_folder(path.parent().unwrap()).unwrap();
    let inventory = Sqlite::open(&path).unwrap();
    inventory.keep(&Entry::of(event("A", 1000, "first"))).unwrap();
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
    }
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o077, 0);
}

#[test]
fn what_is_no_inventory_or_damaged_or_too_new_is_named_and_left_as_it_is() {
    let desk = Desk::new();
    let path = desk.path("inventory.sqlite");
    let refused = |path: &Path| Sqlite::open(path).and_then(|inventory| inventory.quick_check()).err();

    fs::write(&path, "this is no inventory, but a text that somebody needs").unwrap();
    assert!(matches!(refused(&path), Some(InventoryError::NotOurs(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "this is no inventory, but a text that somebody needs");

    fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    assert!(matches!(refused(&path), Some(InventoryError::NotOurs(_))));

    fs::remove_file(&path).unwrap();
    let inventory = Sqlite::open(&path).unwrap();
    // So many that the middle of the file is theirs.
    for count in 0..1000 {
        inventory.keep(&Entry::of(event("A", count, "something to fill pages with"))).unwrap();
    }
    inventory.settle().unwrap();
    drop(inventory);
    let sound = fs::read(&path).unwrap();
    // The pages in the middle are overwritten, as a bad disk does it.
    let mut damaged = sound.clone();
    let half = sound.len() / 2;
    damaged[half..half + 8192].fill(0x5A);
    fs::write(&path, &damaged).unwrap();
    assert!(matches!(refused(&path), Some(InventoryError::Damaged { .. })));
    let error = desk.fails(1, &["inventory", "check"]);
    assert!(error["message"].as_str().unwrap().contains("wrong with the inventory"), "{error}");
    fs::write(desk.path("rows.csv"), "secret\nJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n").unwrap();
    let reader = desk.token(UNRESTRICTED);
    assert_eq!(desk.fails(1, &["batch", "rows.csv", "--reader", &reader, TRUST])["kind"], "inventory");
    assert_eq!(fs::read(&path).unwrap(), damaged, "a damaged file is kept as it is");
    assert_eq!(desk.seed_of(UNRESTRICTED), "");

    fs::write(&path, &sound).unwrap();
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refused(&path), Some(InventoryError::TooNew { found: 99, .. })));
}

#[test]
fn an_inventory_of_the_first_schema_is_brought_to_the_latest_and_keeps_what_it_has() {
    let desk = Desk::new();
    let inventory = of_sql(&desk, include_str!("../data/inventory-1.sql"));
    assert_eq!(all_events(&inventory, &EventFilter::default()).len(), 1);
    let token = inventory.token(&SlotKey::only("A")).unwrap().unwrap();
    assert_eq!(inventory.holder(&token.seed.unwrap()), Ok(Some(SlotKey::only("A"))));
    assert!(inventory.batches(None).unwrap().is_empty());
    assert_eq!(inventory.findings().unwrap(), Vec::<String>::new());
}

/// An inventory as an earlier version left it.
fn of_sql(desk: &Desk, sql: &str) -> Sqlite {
    let path = desk.path("earlier.sqlite");
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    Sqlite::open(&path).unwrap()
}

#[test]
fn an_inventory_without_slots_keeps_all_that_it_has_and_what_was_damaged_stays_so() {
    let desk = Desk::new();
    let inventory = of_sql(&desk, include_str!("../data/inventory-6.sql"));
    let token = |serial: &str| inventory.token(&SlotKey::only(serial));
    let known = token(UNRESTRICTED).unwrap().unwrap();
    assert_eq!((known.user.as_deref(), known.burned.is_some()), (Some("ana@example.org"), true));
    let open = token("86596320000777").unwrap().unwrap().pending.unwrap();
    assert_eq!((open.job, open.seed), (77, Fingerprint::of_bytes(&[0x22; 16])));
    let candidate = Fingerprint::of_bytes(&[0x33; 16]).unwrap();
    assert_eq!(inventory.holder(&candidate), Ok(Some(SlotKey::only("86596320000777"))));
    assert_eq!(all_events(&inventory, &EventFilter::default()).len(), 6);
    // A bit had flipped in the record of this one.
    assert!(matches!(token(RESTRICTED), Err(InventoryError::Damaged { .. })));
    assert_eq!(inventory.findings().unwrap(), ["1 row of \"tokens\" does not have its own checksum"]);
    // A program of the earlier version that is still running can add nothing.
    let older = rusqlite::Connection::open(inventory.path()).unwrap().execute(
        "INSERT INTO events (at, job, desk, operator, deed, outcome, sum) VALUES (1, 1, '', '', 'sync', 'done', 1)",
        [],
    );
    assert!(older.unwrap_err().to_string().contains("an older tokentap is still running"));
}

#[test]
fn an_inventory_that_knows_no_servers_keeps_all_that_it_has_and_what_was_damaged_stays_so() {
    let desk = Desk::new();
    let inventory = of_sql(&desk, include_str!("../data/inventory-7.sql"));
    let token = |serial: &str| inventory.token(&SlotKey::only(serial)).unwrap().unwrap();
    let known = token("86596120001234");
    assert_eq!((known.user.as_deref(), known.sealed.is_some()), (Some("ana@example.org"), true));
    assert_eq!(inventory.recipients().unwrap().len(), 1);
    assert_eq!(inventory.holder(&token("86596220005678").seed.unwrap()), Ok(Some(SlotKey::only("86596220005678"))));
    assert_eq!(all_events(&inventory, &EventFilter::default()).len(), 7);
    assert_eq!(inventory.batches(None).unwrap()[0].counts.rows(), 2);
    assert_eq!(inventory.servers(), Ok(Vec::new()));
    assert_eq!(inventory.deliveries(&DeliveryFilter::default()), Ok(Vec::new()));
    // A bit had flipped in a row of the batch.
    let damage = ["1 row of \"batch_rows\" does not have its own checksum"];
    assert_eq!(inventory.findings().unwrap(), damage);
    drop(inventory);
    assert_eq!(Sqlite::open(&desk.path("earlier.sqlite")).unwrap().findings().unwrap(), damage);
}

#[test]
fn where_the_usual_inventory_cannot_be_opened_reading_and_syncing_go_on_and_burning_does_not() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    fs::write(desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    // The user's data folder is a file here.
    fs::write(desk.path("data"), "").unwrap();
    let command = |args: &[&str]| {
        let mut command = desk.command(args);
        command.env_remove("TOKENTAP_INVENTORY").env("XDG_DATA_HOME", desk.path("data")).args(["--reader", &reader]);
        command.output().unwrap()
    };
    for args in [&["info"][..], &["sync", "--fast", TRUST]] {
        let output = command(args);
        assert!(output.status.success(), "{}", text(&output));
        assert!(text(&output).contains("this is not recorded"), "{}", text(&output));
    }
    let burn = ["burn", "--no-verify", "--seed-file", "seed", TRUST];
    assert_eq!(command(&burn).status.code(), Some(1));
    assert_eq!(desk.seed_of(UNRESTRICTED), "");
    assert!(command(&[&burn[..], &["--inventory", "none"]].concat()).status.success());
    assert_eq!(desk.seed_of(UNRESTRICTED).len(), 40);
}

#[test]
fn a_locked_inventory_or_a_full_disk_burns_nothing() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    fs::write(desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let burn = ["burn", "--reader", &reader, "--no-verify", "--seed-file", "seed", TRUST];
    drop(Sqlite::open(&desk.path("inventory.sqlite")).unwrap());
    let holder = rusqlite::Connection::open(desk.path("inventory.sqlite")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = desk.fails(1, &burn);
    assert!(error["message"].as_str().unwrap().contains("keeps the inventory"), "{error}");
    assert_eq!(desk.seed_of(UNRESTRICTED), "");
    holder.execute_batch("ROLLBACK; PRAGMA max_page_count = 1;").unwrap();
    drop(holder);
    desk.ok(&burn);
    assert_eq!(desk.seed_of(UNRESTRICTED).len(), 40);
}

#[test]
fn every_job_on_a_token_stands_there_with_its_beginning_and_its_end() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    fs::write(desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    desk.ok(&["info", "--reader", &reader]);
    desk.ok(&["burn", "--reader", &reader, "--no-verify", "--seed-file", "seed", "--step", "60", TRUST]);
    desk.ok(&["sync", "--reader", &reader, "--fast", "--if-drift-over", "5", TRUST]);
    desk.ok(&["sync", "--reader", &reader, "--fast", "--time", "1700000000", "--allow-other-time", TRUST]);
    let expected = [
        pair("info", "done"),
        pair("burn", "begun"),
        pair("burn", "done"),
        pair("sync", "within"),
        pair("sync", "begun"),
        pair("sync", "done"),
    ];
    assert_eq!(desk.events(), expected);
    let shown = desk.json(&["inventory", "show", UNRESTRICTED]);
    assert_eq!(shown["token"]["profile"]["step_s"], 60);
    assert_eq!(shown["token"]["seed"], "known");
    let remark = shown["events"][0]["remark"].as_str().unwrap();
    assert!(remark.contains("set to 1700000000, not to now"), "{remark}");
    assert!(remark.contains("on the user's word"), "{remark}");
    let life = desk.ok(&["inventory", "show", UNRESTRICTED]);
    assert!(life.lines().count() <= 24, "{life}");
}

#[test]
fn a_sync_takes_the_profile_from_the_record_and_flags_go_before_it() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    fs::write(desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let sync = ["sync", "--reader", &reader, "--fast", TRUST];
    assert_eq!(desk.json(&sync)["profile"]["from"], "factory");
    desk.ok(&[
        "burn",
        "--reader",
        &reader,
        "--no-verify",
        "--seed-file",
        "seed",
        "--step",
        "60",
        "--hash",
        "sha256",
        TRUST,
    ]);
    let profile = desk.json(&sync)["profile"].clone();
    assert_eq!((&profile["from"], &profile["step_s"]), (&"inventory".into(), &60.into()), "{profile}");
    let profile = desk.json(&[&sync[..], &["--step", "30"]].concat())["profile"].clone();
    assert_eq!((&profile["from"], &profile["step_s"]), (&"flags".into(), &30.into()), "{profile}");
    // What is not named stays as it is on record.
    assert_eq!(profile["hash"], "SHA256");
    let set = desk.json(&["config", "--reader", &reader, "--fast", "--display", "60", TRUST])["profile"].clone();
    assert_eq!((&set["hash"], &set["step_s"], &set["display_s"]), (&"SHA256".into(), &30.into(), &60.into()));
}

#[test]
fn a_sealed_inventory_keeps_seeds_that_only_the_identity_opens() {
    let desk = Desk::new();
    let identity = age::x25519::Identity::generate();
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    fs::write(desk.path("identity"), format!("# made for this test\n{secret}\n")).unwrap();
    let recipient = identity.to_public().to_string();
    let reader = desk.token(RESTRICTED);
    desk.ok(&["inventory", "init", "--recipient", &recipient]);
    // A new seed needs no file now.
    desk.ok(&["burn", "--reader", &reader, "--generate", "--no-verify", TRUST]);
    let seed = desk.seed_of(RESTRICTED);
    assert_eq!(seed.len(), 40);
    for entry in fs::read_dir(desk.0.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.to_string_lossy().contains("inventory") {
            let bytes = fs::read(&entry).unwrap();
            let raw = data_encoding::HEXLOWER.decode(seed.as_bytes()).unwrap();
            assert!(!bytes.windows(20).any(|window| window == raw), "{} has the seed in plain", entry.display());
        }
    }

    // One tap: config and the same seed again, in one contact.
    let sync = ["sync", "--reader", &reader, "--fast", TRUST];
    let error = desk.fails(5, &sync);
    assert!(error["next"].as_str().unwrap().contains("--identity FILE"), "{error}");
    let synced = desk.json(&[&sync[..], &["--identity", "identity"]].concat());
    assert_eq!(synced["seed"], "burned");
    assert_eq!(desk.seed_of(RESTRICTED), seed);

    desk.ok(&["inventory", "assign", RESTRICTED, "ada@example.org"]);
    desk.ok(&["inventory", "export", "--identity", "identity", "--to", "csv=out.csv"]);
    let out = fs::read_to_string(desk.path("out.csv")).unwrap();
    let base32 = data_encoding::BASE32_NOPAD.encode(&data_encoding::HEXLOWER.decode(seed.as_bytes()).unwrap());
    assert!(out.contains(&format!("{RESTRICTED},{base32}")) && out.contains("ada@example.org"), "{out}");

    desk.ok(&["inventory", "forget", RESTRICTED, "--yes"]);
    assert_eq!(desk.fails(5, &[&sync[..], &["--identity", "identity"]].concat())["kind"], "restricted");
    assert_eq!(desk.seed_of(RESTRICTED), seed, "the token itself is as it was");
    assert_eq!(desk.events().last().unwrap(), &pair("sync", "refused"));
    assert!(desk.events().contains(&pair("forget", "done")));

    // Back from the file.
    desk.ok(&["inventory", "import", "out.csv"]);
    assert_eq!(desk.json(&[&sync[..], &["--identity", "identity"]].concat())["seed"], "burned");
    assert_eq!(desk.seed_of(RESTRICTED), seed);

    // What would replace another seed is refused.
    fs::write(desk.path("stale.csv"), format!("serial,secret\n{RESTRICTED},JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n"))
        .unwrap();
    let error = desk.fails(2, &["inventory", "import", "stale.csv"]);
    assert!(error["details"][0].as_str().unwrap().contains("another seed"), "{error}");

    // And burned again onto the same token after somebody erased it.
    desk.ok(&["sync", "--reader", &reader, "--fast", "--erase-seed", TRUST, "--inventory", "none"]);
    assert_eq!(desk.seed_of(RESTRICTED), "");
    desk.ok(&["burn", "--reader", &reader, "--identity", "identity", "--no-verify", TRUST]);
    assert_eq!(desk.seed_of(RESTRICTED), seed);
}

#[test]
fn without_recipients_no_seed_is_kept_and_a_new_one_needs_a_file() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    let error = desk.fails(2, &["burn", "--reader", &reader, "--generate", "--no-verify", TRUST]);
    assert!(error["next"].as_str().unwrap().contains("--out FILE"), "{error}");
    fs::write(desk.path("rows.csv"), "serial,secret\nA,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n").unwrap();
    assert_eq!(desk.fails(2, &["inventory", "import", "rows.csv"])["kind"], "usage");
    assert_eq!(desk.fails(2, &["inventory", "init", "--recipient", "age1wrong"])["kind"], "usage");
}

#[test]
fn a_job_that_was_killed_is_remembered_and_told_by_the_next_one() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    desk.ok(&["info", "--reader", &reader]);
    // As a kill between the record and the first write leaves it.
    let inventory = Sqlite::open(&desk.path("inventory.sqlite")).unwrap();
    let seed = inventory.fingerprint_key().of(&Seed::from_bytes(b"a seed that may be there".to_vec()).unwrap());
    let at = UnixTime::from_timestamp_millis(1_795_454_228_000).unwrap();
    let profile = tokentap::device::Profile::new(
        tokentap::otp::Hash::Sha256,
        tokentap::otp::TimeStep::S30,
        tokentap::device::DisplayTime::S30,
    );
    let pending = tokentap::inventory::Pending {
        job: 7,
        deed: Deed::Burn,
        at,
        profile: Some(profile),
        seed: Some(seed),
        sealed: None,
    };
    let change =
        TokenChange { pending: PendingChange::Begins(pending), ..TokenChange::of(SlotKey::only(UNRESTRICTED)) };
    let begun = Event { outcome: Outcome::Begun, deed: Deed::Burn, ..event(UNRESTRICTED, 1_795_454_228_000, "") };
    inventory.keep(&Entry { event: begun, token: Some(change), row: None }).unwrap();
    drop(inventory);

    assert!(desk.ok(&["inventory", "show", UNRESTRICTED]).contains("did not end as it should"));
    assert!(desk.ok(&["inventory", "tokens", "--unfinished"]).contains(UNRESTRICTED));
    // Its profile is not known either: nothing is guessed.
    let sync = ["sync", "--reader", &reader, "--fast", TRUST];
    assert_eq!(desk.fails(2, &sync)["kind"], "unknown-profile");
    let said = desk.ok(&[&sync[..], &["--hash", "sha1", "--step", "30"]].concat());
    assert!(said.contains("did not end as it should"), "{said}");
    // A sync does not settle which seed is there; a burn does.
    assert_eq!(desk.json(&["inventory", "show", UNRESTRICTED])["token"]["seed"], "unknown");
    fs::write(desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    desk.ok(&["burn", "--reader", &reader, "--no-verify", "--seed-file", "seed", TRUST]);
    assert_eq!(desk.json(&["inventory", "show", UNRESTRICTED])["token"]["seed"], "known");
}

#[test]
fn lists_come_as_text_json_and_comma_separated_values() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    desk.ok(&["info", "--reader", &reader]);
    desk.ok(&["inventory", "assign", UNRESTRICTED, "ada, the first"]);
    let csv = desk.ok(&["inventory", "tokens", "--csv"]);
    assert!(csv.starts_with("serial,model,user,last seen,synced,drift_s,seed\n"), "{csv}");
    assert!(csv.contains("\"ada, the first\""), "{csv}");
    assert_eq!(desk.json(&["inventory", "tokens", "--drift-over", "90"])["tokens"][0]["user"], "ada, the first");
    assert_eq!(desk.json(&["inventory", "tokens", "--drift-over", "100"])["tokens"].as_array().unwrap().len(), 0);
    assert_eq!(desk.json(&["inventory", "events", "--since", "1h"])["events"].as_array().unwrap().len(), 2);
    for since in ["yesterday", "999999999d", "-1d", "7é"] {
        assert_eq!(desk.fails(2, &["inventory", "events", "--since", since])["kind"], "usage");
    }
    assert_eq!(desk.fails(2, &["inventory", "show", "86596129999999"])["kind"], "usage");
    let cut = desk.ok(&["inventory", "events", "--limit", "1"]);
    assert!(cut.contains("--limit shows more"), "{cut}");
    let none = run_with_input(&["inventory", "tokens"], b"");
    assert_eq!(none.status.code(), Some(2), "{}", text(&none));
}

#[test]
fn a_seed_that_is_forgotten_is_gone_from_the_file() {
    let desk = Desk::new();
    let path = desk.path("inventory.sqlite");
    let inventory = Sqlite::open(&path).unwrap();
    let seed = inventory.fingerprint_key().of(&Seed::from_bytes(b"a seed".to_vec()).unwrap());
    let sealed = b"what stands for a sealed seed here".to_vec();
    let change = TokenChange {
        seed: SeedChange::Is { seed, sealed: Some(sealed.clone()), replaces: false },
        ..TokenChange::of(SlotKey::only(UNRESTRICTED))
    };
    inventory.keep(&Entry { event: event(UNRESTRICTED, 1, ""), token: Some(change), row: None }).unwrap();
    inventory.settle().unwrap();
    let is_there = || fs::read(&path).unwrap().windows(sealed.len()).any(|window| window == sealed);
    assert!(is_there());
    drop(inventory);
    desk.ok(&["inventory", "forget", UNRESTRICTED, "--yes"]);
    assert!(!is_there(), "secure_delete overwrites it");
}

#[test]
fn a_serial_that_is_named_is_meant_also_where_no_row_is_chosen_by_it() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    fs::write(desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    for command in
        [&["sync", "--fast"][..], &["burn", "--no-verify", "--seed-file", "seed"], &["config", "--step", "60"]]
    {
        let named = [command, &["--reader", &reader, "--serial", RESTRICTED, TRUST]].concat();
        assert_eq!(desk.fails(5, &named)["kind"], "wrong-token", "{command:?}");
    }
    assert_eq!(desk.seed_of(UNRESTRICTED), "");
}

#[test]
fn a_seed_on_record_is_overwritten_only_where_that_is_meant() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    desk.ok(&["burn", "--reader", &reader, "--generate", "--out", "first.csv", "--no-verify", TRUST]);
    desk.ok(&["inventory", "assign", UNRESTRICTED, "ada@example.org"]);
    let held = desk.seed_of(UNRESTRICTED);
    let second = ["burn", "--reader", &reader, "--generate", "--out", "second.csv", "--no-verify", TRUST];
    for dry in [&[][..], &["--dry-run"]] {
        let error = desk.fails(5, &[&second[..], dry].concat());
        assert_eq!(error["kind"], "seed-on-record");
        let said = error["message"].as_str().unwrap();
        assert!(said.contains("ada@example.org") && said.contains(", burned 20"), "{said}");
        assert!(!desk.path("second.csv").exists(), "a seed that is not burned is not kept");
    }
    assert_eq!(desk.seed_of(UNRESTRICTED), held);
    // A sync sets the clock; a seed that is not the token's is refused there, whatever is said.
    fs::write(desk.path("other"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    for command in [&["sync", "--fast"][..], &["config", "--display", "60", "--fast"]] {
        let error = desk.fails(5, &[command, &["--reader", &reader, "--seed-file", "other", TRUST]].concat());
        assert_eq!(error["kind"], "seed-mismatch");
    }
    assert_eq!(desk.seed_of(UNRESTRICTED), held);
    desk.ok(&[&second[..], &["--replace-seed"]].concat());
    assert_ne!(desk.seed_of(UNRESTRICTED), held);
    desk.ok(&["burn", "--reader", &reader, "--seed-file", "second.csv", "--no-verify", TRUST]);
    desk.ok(&["sync", "--fast", "--reader", &reader, "--seed-file", "second.csv", TRUST]);
}

#[test]
fn a_bare_seed_keeps_the_profile_that_its_token_has_on_record() {
    let desk = Desk::new();
    let reader = desk.token(RESTRICTED);
    fs::write(desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let burn = ["burn", "--reader", &reader, "--no-verify", "--seed-file", "seed", TRUST];
    desk.ok(&[&burn[..], &["--hash", "sha256", "--step", "60"]].concat());
    // The way of docs/helpdesk.md: the same seed, and nothing said of the profile.
    for command in [&burn[..], &["sync", "--fast", "--reader", &reader, "--seed-file", "seed", TRUST]] {
        let profile = desk.json(command)["profile"].clone();
        assert_eq!((&profile["hash"], &profile["step_s"]), (&"SHA256".into(), &60.into()), "{profile}");
        assert_eq!(profile["from"], "inventory");
    }
    // A seed that states another one is asked about, or refused.
    fs::write(desk.path("uri"), "otpauth://totp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&period=30")
        .unwrap();
    let stated = ["burn", "--reader", &reader, "--no-verify", "--seed-file", "uri", TRUST];
    let error = desk.fails(5, &stated);
    assert_eq!(error["kind"], "profile-mismatch");
    assert!(error["next"].as_str().unwrap().contains("--hash sha256 --step 60"), "{error}");
}

#[test]
fn what_an_erasing_sync_says_is_no_false_comfort() {
    let desk = Desk::new();
    let reader = desk.token(RESTRICTED);
    let said = desk.ok(&["sync", "--reader", &reader, "--fast", "--erase-seed", TRUST]);
    assert!(!said.contains("Duo takes"), "{said}");
    assert!(said.contains("shows no codes until a seed is burned"), "{said}");
}

#[test]
fn a_sync_gives_a_token_whose_seed_was_erased_no_other_than_its_server_has() {
    let desk = Desk::new();
    let reader = desk.token(RESTRICTED);
    for (name, secret) in
        [("had.csv", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), ("other.csv", "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU")]
    {
        fs::write(desk.path(name), format!("serial,secret\n{RESTRICTED},{secret}\n")).unwrap();
    }
    let on = ["--reader", &reader, TRUST];
    desk.ok(&[&["burn", "--seed-file", "had.csv", "--no-verify"], &on[..]].concat());
    desk.ok(&[&["sync", "--fast", "--erase-seed"], &on[..]].concat());
    let error = desk.fails(5, &[&["sync", "--fast", "--seed-file", "other.csv"], &on[..]].concat());
    assert_eq!(error["kind"], "seed-mismatch");
    // The one that it had is taken; a burn is meant to give it a new one.
    desk.ok(&[&["sync", "--fast", "--seed-file", "had.csv"], &on[..]].concat());
    desk.ok(&[&["sync", "--fast", "--erase-seed"], &on[..]].concat());
    desk.ok(&[&["burn", "--seed-file", "other.csv", "--no-verify"], &on[..]].concat());
    desk.ok(&[&["sync", "--fast", "--seed-file", "other.csv"], &on[..]].concat());
}

#[test]
fn a_token_whose_seed_was_erased_is_told_until_one_is_burned() {
    let desk = Desk::new();
    let reader = desk.token(RESTRICTED);
    desk.ok(&["sync", "--reader", &reader, "--fast", "--erase-seed", TRUST]);
    assert!(desk.ok(&["inventory", "show", RESTRICTED]).contains("ERASED"));
    assert_eq!(desk.json(&["inventory", "show", RESTRICTED])["token"]["seed"], "erased");
    // Its clock is right, and yet it is not as it should be.
    let visit = desk.command(&["desk", "--reader", &reader, TRUST]).output().unwrap();
    assert_eq!(visit.status.code(), Some(10), "{}", text(&visit));
    assert!(text(&visit).contains("its seed has been ERASED since"), "{}", text(&visit));
    desk.ok(&["burn", "--reader", &reader, "--generate", "--out", "new.csv", "--no-verify", TRUST]);
    assert!(!desk.ok(&["inventory", "show", RESTRICTED]).contains("ERASED"));
    assert!(desk.command(&["desk", "--reader", &reader, TRUST]).status().unwrap().success());
}

/// A code of another profile would be a wrong code, and a right one would be called wrong.
#[test]
fn no_code_is_made_or_judged_by_a_guessed_profile_where_the_record_cannot_be_read() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    fs::write(desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let burn = ["burn", "--reader", &reader, "--seed-file", "seed", "--no-verify", "--trust-host-clock"];
    desk.ok(&[&burn[..], &["--hash", "sha256", "--step", "60"]].concat());
    let code = ["--json", "code", "--seed-file", "seed", "--at", "1800000000"];
    let made = |more: &[&str]| {
        let output = desk.command(&[&code[..], more].concat()).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), report["code"].clone(), text(&output))
    };
    let (exit, right, said) = made(&[]);
    assert!(exit == 0 && right.is_string(), "{said}");
    for damage in ["no database at all", ""] {
        let file = desk.path("inventory.sqlite");
        match damage {
            "" => {
                fs::remove_file(&file).unwrap();
                fs::create_dir(&file).unwrap();
            }
            text => fs::write(&file, text).unwrap(),
        }
        let (exit, _, said) = made(&[]);
        assert!(exit != 0 && said.contains("--hash") && said.contains("--inventory none"), "{said}");
        let verify = desk.command(&["verify", right.as_str().unwrap(), "--seed-file", "seed"]).output().unwrap();
        assert!(verify.status.code() != Some(8) && !verify.status.success(), "{}", text(&verify));
        // As the remedy says.
        let (exit, stated, said) = made(&["--hash", "sha256", "--step", "60"]);
        assert_eq!((exit, &stated), (0, &right), "{said}");
        assert_eq!(made(&["--inventory", "none"]).0, 0);
    }
}

#[test]
fn a_damaged_record_of_a_token_is_not_read_as_nothing_known_and_not_written_over() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    fs::write(desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let burn = ["burn", "--no-verify", "--seed-file", "seed", "--reader", &reader, TRUST];
    desk.ok(&burn);
    let path = desk.path("inventory.sqlite");
    // A bit flips on the disk.
    rusqlite::Connection::open(&path).unwrap().execute("UPDATE tokens SET user = 'other'", []).unwrap();
    let report = desk.json(&["info", "--reader", &reader]);
    assert_eq!(report["verdict"], "record-unread", "{report}");
    assert!(report["seed"].is_null(), "{report}");
    for command in [&["sync", "--reader", &reader, TRUST][..], &burn] {
        let error = desk.fails(1, command);
        assert_eq!(error["kind"], "inventory", "{error}");
        assert!(error["message"].as_str().unwrap().contains("damaged"), "{error}");
    }
    let findings = Sqlite::open(&path).unwrap().findings().unwrap();
    assert_eq!(findings.len(), 1, "it is still found: {findings:?}");
}

/// A whole fleet is read at a page while a token lies on a reader: the record of that one does not wait.
#[test]
fn nobody_who_records_a_token_waits_for_somebody_who_reads_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
    let keep = |at: i64| inventory.keep(&Entry::of(event(UNRESTRICTED, at, "")));
    keep(1).unwrap();
    let mut visited = 0;
    let mut visit = |_| {
        visited += 1;
        // In the middle of the list.
        std::thread::scope(|scope| {
            let (done, is_done) = std::sync::mpsc::channel();
            scope.spawn(move || done.send(keep(2)));
            assert_eq!(is_done.recv_timeout(std::time::Duration::from_secs(20)), Ok(Ok(())), "it waits for the list");
        });
    };
    inventory.visit_clock_events(None, &mut visit).unwrap();
    assert_eq!(visited, 1);
}
