//! A server that refuses, or is not what it should be: each is said plainly and within seconds, nothing is kept, and when the server is
//! right again the next try goes well.

use std::time::{Duration, Instant};

use tokentap::inventory::{Address, Inventory, InventoryError, Postgres, SlotKey, Station};
use tokentap::time::{HostClock, Moment, SystemClock, UnixTime};

use super::server::{Certificate, Server, parsed, shared};
use super::{burn, events};

fn open(address: &str) -> Result<Postgres, InventoryError> {
    Postgres::open(parsed(address))
}

/// An inventory on a server of its own, with one burned token; the desk's address.
fn own_server() -> (Server, String) {
    let server = Server::start();
    let address = server.database();
    burn(&open(&address).unwrap(), "A", 1, 1).unwrap();
    (server, address)
}

/// Whether a burn fails with this error within the time that is promised, and keeps nothing.
fn refused(address: &str, is_it: impl Fn(&InventoryError) -> bool) {
    let began = Instant::now();
    let error = open(address).and_then(|store| burn(&store, "B", 2, 2)).unwrap_err();
    assert!(is_it(&error), "{error:?}: {error}");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

fn goes_well(address: &str) {
    let store = open(address).unwrap();
    assert_eq!(store.token(&SlotKey::only("B")), Ok(None), "nothing of what was refused is kept");
    burn(&store, "B", 3, 2).unwrap();
    assert_eq!(events(&store).len(), 4);
}

#[test]
fn a_server_that_only_reads_such_as_a_replica_keeps_nothing_and_says_so() {
    let (mut server, address) = own_server();
    server.set(&["default_transaction_read_only=on"]);
    server.kill();
    server.resume();
    refused(&address, |error| matches!(error, InventoryError::Barred { detail, .. } if detail.contains("read-only")));
    server.set(&[]);
    server.kill();
    server.resume();
    goes_well(&address);
}

#[test]
fn a_replica_takes_nothing_until_it_is_the_server_and_has_then_what_the_old_one_had_acknowledged() {
    let (mut server, address) = own_server();
    // A server without a replica that has to follow acknowledges alone; this one waits for it.
    let replica = server.replica();
    let settings = "ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf()";
    settings.split("; ").for_each(|sql| drop(server.sql("postgres", "postgres", sql).unwrap()));
    let began = Instant::now();
    let is_waited_for = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    while server.sql("postgres", "postgres", is_waited_for) != Ok("1".to_owned()) {
        assert!(began.elapsed() < Duration::from_secs(60), "the replica is not waited for");
        std::thread::sleep(Duration::from_millis(50));
    }
    let at_replica = address.replace(&server.port.to_string(), &replica.port.to_string());
    refused(
        &at_replica,
        |error| matches!(error, InventoryError::Barred { detail, .. } if detail.contains("read-only")),
    );
    burn(&open(&address).unwrap(), "C", 4, 4).unwrap();
    server.kill();
    refused(&address, |error| matches!(error, InventoryError::Away { .. }));
    replica.promote();
    let store = open(&at_replica).unwrap();
    for known in ["A", "C"] {
        assert!(store.token(&SlotKey::only(known)).unwrap().unwrap().seed.is_some(), "{known} was acknowledged");
    }
    assert_eq!(store.token(&SlotKey::only("B")), Ok(None), "nothing of what was refused is kept");
    burn(&store, "B", 3, 2).unwrap();
}

#[test]
fn a_server_with_no_connection_left_says_so() {
    let (mut server, address) = own_server();
    server.set(&["max_connections=4", "superuser_reserved_connections=3", "max_wal_senders=0"]);
    server.kill();
    server.resume();
    // The one that looked whether the server is up may not be gone yet.
    let only =
        (0..50).find_map(|_| open(&address).inspect_err(|_| std::thread::sleep(Duration::from_millis(100))).ok());
    assert!(only.is_some());
    refused(&address, |error| matches!(error, InventoryError::Away { detail, .. } if detail.contains("connection")));
    drop(only);
    server.set(&[]);
    server.kill();
    server.resume();
    goes_well(&address);
}

#[test]
fn a_server_whose_disk_is_full_says_so() {
    let (server, address) = own_server();
    let database = address.rsplit('/').next().unwrap();
    // The server's own word for it, by a trigger: a disk that is full would stop the other tests, too.
    let full = "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER disk_full BEFORE INSERT ON tokentap.events FOR EACH ROW EXECUTE FUNCTION disk_full()";
    server.sql("postgres", database, full).unwrap();
    refused(&address, |error| matches!(error, InventoryError::Full(_)));
    server.sql("postgres", database, "DROP FUNCTION disk_full CASCADE").unwrap();
    goes_well(&address);
}

#[test]
fn a_server_that_is_stopped_or_was_never_there_says_so_and_one_that_comes_back_is_used_again() {
    let (mut server, address) = own_server();
    let before = open(&address).unwrap();
    server.kill();
    refused(&address, |error| matches!(error, InventoryError::Away { .. }));
    assert!(matches!(before.token(&SlotKey::only("A")), Err(InventoryError::Away { .. })));
    server.resume();
    assert!(before.token(&SlotKey::only("A")).unwrap().is_some(), "by the same program, without a word");
    goes_well(&address);
}

#[test]
fn a_server_that_takes_connections_and_says_nothing_holds_nobody_up() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("postgres://desk@127.0.0.1:{}/inventory", mute.local_addr().unwrap().port());
    refused(&address, |error| matches!(error, InventoryError::Away { detail, .. } if detail.contains("within 5 s")));
}

#[test]
fn only_a_certificate_that_is_valid_for_this_name_by_a_known_authority_is_trusted() {
    let (mut server, address) = own_server();
    let by = |server: &Server| Address::parse(&address, Some(&server.authority()), false).unwrap();
    drop(Postgres::open(by(&server)).unwrap());
    for (certificate, word) in [
        (Certificate { name: "127.0.0.1", days: -1 }, "expired"),
        (Certificate { name: "db.example.org", days: 30 }, "not valid for name"),
    ] {
        server.certify(&certificate);
        server.kill();
        server.resume();
        let refused = Postgres::open(by(&server)).map(drop).unwrap_err();
        assert!(matches!(&refused, InventoryError::Untrusted { detail, .. } if detail.contains(word)), "{refused:?}");
    }
    // An authority that this computer does not know.
    let known = by(&server);
    server.certify(&Certificate { name: "127.0.0.1", days: 30 });
    server.kill();
    server.resume();
    drop(Postgres::open(by(&server)).unwrap());
    let other = shared().authority();
    let refused = Postgres::open(Address::parse(&address, Some(&other), false).unwrap()).map(drop).unwrap_err();
    assert!(matches!(refused, InventoryError::Untrusted { .. }), "{refused:?}");
    drop(known);
}

#[test]
fn a_wrong_password_and_one_that_is_missing_are_said_to_be_that() {
    let (mut server, address) = own_server();
    std::fs::write(server.files().join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").unwrap();
    server.kill();
    server.resume();
    let by = Address::parse(&address, Some(&server.authority()), false).unwrap();
    let refused = Postgres::open(by.clone()).map(drop).unwrap_err();
    assert!(matches!(&refused, InventoryError::Barred { .. } | InventoryError::Away { .. }), "{refused:?}");
    let wrong = by.with_password(&zeroize::Zeroizing::new("hunter2".to_owned()));
    let refused = Postgres::open(wrong).map(drop).unwrap_err();
    assert!(matches!(&refused, InventoryError::Barred { detail, .. } if detail.contains("password")), "{refused:?}");
    assert!(!format!("{refused:?} {refused}").contains("hunter2"));
}

#[test]
fn a_schema_that_is_not_this_version_s_is_refused_either_way() {
    let name = shared().inventory();
    let address = shared().address(&format!("{name}_front"), &name);
    let set = |version: &str| {
        let sql = format!("UPDATE tokentap.meta SET value = '{version}' WHERE name = 'schema'");
        shared().sql("postgres", &name, &sql).unwrap();
    };
    set("99");
    refused(&address, |error| matches!(error, InventoryError::TooNew { found: 99, .. }));
    set("0");
    refused(&address, |error| matches!(error, InventoryError::TooOld { found: 0, .. }));
    set("1");
    refused(&address, |error| matches!(error, InventoryError::TooOld { found: 1, .. }));
    set("2");
    refused(&address, |error| matches!(error, InventoryError::TooOld { found: 2, .. }));
    set("3");
    refused(&address, |error| matches!(error, InventoryError::TooOld { found: 3, .. }));
    set("4");
    burn(&open(&address).unwrap(), "A", 1, 1).unwrap();
}

/// A host whose clock is an hour ahead.
struct Ahead;

impl HostClock for Ahead {
    fn now(&self) -> Moment {
        let now = SystemClock::new().now();
        Moment { wall: now.wall + Duration::from_secs(3600), ..now }
    }

    fn sleep_until(&self, monotonic: Duration) {
        SystemClock::new().sleep_until(monotonic);
    }
}

#[test]
fn the_clocks_of_desk_and_server_are_compared_and_the_difference_is_on_record() {
    let name = shared().inventory();
    let store = open(&shared().address(&format!("{name}_front"), &name)).unwrap();
    let station = Station { desk: "front".to_owned(), operator: "ana".to_owned(), reader: None };
    let clock_s = store.greet(&station, &Ahead).unwrap();
    assert!((3598.0..3602.0).contains(&clock_s), "{clock_s}");
    let [desk] = &store.desks().unwrap()[..] else { panic!("one desk") };
    assert_eq!((desk.name.as_str(), desk.clock_s, desk.is_there), ("front", clock_s, true));
    assert!(desk.since <= desk.seen && desk.seen < Ahead.now().wall && desk.seen > UnixTime::UNIX_EPOCH);
}
