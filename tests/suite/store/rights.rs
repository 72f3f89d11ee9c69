//! The rights of the roles on a server (docs/security.md): what a desk and a viewer can and cannot do, by SQL of their own.

use tokentap::inventory::{
    Deed, Deliveries, Delivery, DeliveryFilter, DeliveryStep, Inventory, InventoryError, Postgres, Role, SlotKey,
};

use super::deliveries::{sent, server, told};
use super::server::{parsed, shared};
use super::{burn, burned, ends, events, fingerprint};
use crate::inventory::event;

/// An inventory with one burned token, the name of its desk and that of its viewer.
fn with_a_token() -> (String, String, String) {
    let name = shared().inventory();
    let (desk, viewer) = (format!("{name}_front"), format!("{name}_boss"));
    let store = Postgres::open(parsed(&shared().address(&desk, &name))).unwrap();
    burn(&store, "A", 1, 7).unwrap();
    (name, desk, viewer)
}

#[test]
fn a_desk_can_neither_change_nor_remove_what_is_on_record_nor_whom_seeds_are_sealed_to() {
    let (name, desk, _) = with_a_token();
    for sql in [
        "UPDATE tokentap.events SET outcome = 'failed'",
        "DELETE FROM tokentap.events",
        "TRUNCATE tokentap.events",
        "SET tokentap.prunes = 'yes'; DELETE FROM tokentap.events",
        "DELETE FROM tokentap.tokens",
        "UPDATE tokentap.tokens SET serial = 'B'",
        "DELETE FROM tokentap.batches",
        "DELETE FROM tokentap.batch_rows",
        "INSERT INTO tokentap.meta VALUES ('recipients', 'age1')",
        "UPDATE tokentap.meta SET value = '00'",
        "DROP TABLE tokentap.events",
        "ALTER TABLE tokentap.events DISABLE TRIGGER ALL",
        "CREATE TABLE tokentap.mine (a int)",
        "CREATE FUNCTION tokentap.is_running(program bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
    ] {
        let error = shared().sql(&desk, &name, sql).unwrap_err();
        assert!(error.contains("permission denied") || error.contains("must be owner"), "{sql}: {error}");
    }
    // What no list could show is not taken, and what the server says itself is nobody else's to say.
    let events = "INSERT INTO tokentap.events (at, job, desk, operator, slot, deed, outcome";
    for (sql, word) in [
        (format!("{events}) VALUES (9223372036854775807, 1, '', '', 0, 'sync', 'done')"), "check constraint"),
        (format!("{events}) VALUES (1, 1, '', '', 0, 'conjure', 'done')"), "check constraint"),
        (format!("{events}, login) VALUES (1, 1, '', '', 0, 'sync', 'done', 'eva')"), "permission denied"),
        (format!("{events}, server_at) VALUES (1, 1, '', '', 0, 'sync', 'done', now())"), "permission denied"),
        ("UPDATE tokentap.tokens SET hash = 'x'".to_owned(), "check constraint"),
        ("UPDATE tokentap.tokens SET step_s = 0".to_owned(), "check constraint"),
        ("UPDATE tokentap.desks SET login = 'ghost'".to_owned(), "permission denied"),
    ] {
        let error = shared().sql(&desk, &name, &sql).unwrap_err();
        assert!(error.contains(word), "{sql}: {error}");
    }
    let login = shared().sql(&desk, &name, "SELECT DISTINCT login FROM tokentap.events").unwrap();
    assert_eq!(login, desk);
    // A key of fingerprints is adopted by an inventory with nothing in it alone.
    assert_eq!(shared().sql(&desk, &name, "SELECT tokentap.adopt('00', 0)").unwrap(), "records");
    assert_eq!(shared().sql(&desk, &name, "SELECT count(*) FROM tokentap.events").unwrap(), "2");
}

#[test]
fn a_desk_sends_seeds_to_the_owner_s_servers_and_can_name_no_other() {
    let (name, desk, _) = with_a_token();
    let store = Postgres::open(parsed(&shared().address(&desk, &name))).unwrap();
    let owner = Postgres::open(parsed(&shared().address("postgres", &name))).unwrap();
    owner.put_server(&server("idp", "one"), &told(Deed::Server, 1, "added")).unwrap();
    let known = events(&store).len();
    let changes = told(Deed::Server, 2, "not kept");
    for refused in [
        store.put_server(&server("thief", "elsewhere"), &changes),
        store.put_server(&server("idp", "elsewhere"), &changes),
        store.remove_server("idp", &changes).map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, InventoryError::Barred { .. }), "{refused:?}");
        assert!(
            refused.to_string().ends_with("refuses: only its owner may say which servers seeds go to"),
            "{refused}"
        );
    }
    for sql in [
        "INSERT INTO tokentap.servers (name, settings, added) VALUES ('thief', '', 1)",
        "UPDATE tokentap.servers SET settings = 'elsewhere'",
        "DELETE FROM tokentap.servers",
        "TRUNCATE tokentap.servers",
        "DELETE FROM tokentap.deliveries",
        "UPDATE tokentap.deliveries SET server = 'thief'",
        "UPDATE tokentap.deliveries SET serial = 'B'",
    ] {
        let error = shared().sql(&desk, &name, sql).unwrap_err();
        assert!(error.contains("permission denied"), "{sql}: {error}");
    }
    assert_eq!((store.servers(), events(&store).len()), (Ok(vec![server("idp", "one")]), known));
    let first = sent("idp", SlotKey::only("A"));
    store.deliver(None, &first, Some(&told(Deed::HandOver, 3, "sent"))).unwrap();
    let later = Delivery { step: DeliveryStep::Active, at: super::at(20), ..first.clone() };
    store.deliver(Some(&first), &later, Some(&told(Deed::Mend, 4, "mended"))).unwrap();
    store.keep(&tokentap::inventory::Entry::of(told(Deed::Pull, 5, "pulled"))).unwrap();
    assert_eq!(store.deliveries(&DeliveryFilter::default()), Ok(vec![later]));
    // What no list could show is not taken.
    for change in ["step = 'conjured'", "seed = '\\x00'", "at = 9223372036854775807", "unmended = -99999999999999999"] {
        let error = shared().sql(&desk, &name, &format!("UPDATE tokentap.deliveries SET {change}")).unwrap_err();
        assert!(error.contains("check constraint"), "{change}: {error}");
    }
    assert_eq!(store.findings(), Ok(Vec::new()));
}

#[test]
fn a_viewer_sees_which_servers_there_are_and_what_went_there_and_neither_credential_nor_fingerprint() {
    let (name, desk, viewer) = with_a_token();
    let owner = Postgres::open(parsed(&shared().address("postgres", &name))).unwrap();
    owner.put_server(&server("idp", "one"), &told(Deed::Server, 1, "added")).unwrap();
    let store = Postgres::open(parsed(&shared().address(&desk, &name))).unwrap();
    let delivered = sent("idp", SlotKey::only("A"));
    store.deliver(None, &delivered, None).unwrap();
    for sql in [
        "SELECT * FROM tokentap.servers",
        "SELECT * FROM tokentap.deliveries",
        "UPDATE tokentap_shown.servers SET settings = 'x'",
        "DELETE FROM tokentap_shown.deliveries",
    ] {
        assert!(shared().sql(&viewer, &name, sql).unwrap_err().contains("permission denied"), "{sql}");
    }
    let viewer = Postgres::open(parsed(&shared().address(&viewer, &name))).unwrap();
    let mut shown = server("idp", "one");
    shown.credential = Some(vec![0; 16]);
    assert_eq!(viewer.servers(), Ok(vec![shown]), "that there is one is no secret");
    let shown = Delivery { seed: fingerprint(0), ..delivered.clone() };
    assert_eq!(viewer.deliveries(&DeliveryFilter::default()), Ok(vec![shown]));
    for refused in [
        viewer.put_server(&server("idp", "two"), &told(Deed::Server, 2, "not kept")),
        viewer.deliver(Some(&delivered), &delivered, None),
    ] {
        assert!(matches!(refused, Err(InventoryError::Barred { .. })), "{refused:?}");
    }
}

#[test]
fn check_finds_nothing_in_a_sound_inventory_and_says_what_is_wrong_with_another() {
    let (name, desk, _) = with_a_token();
    let store = Postgres::open(parsed(&shared().address(&desk, &name))).unwrap();
    super::batch(&store, 1, &[1, 2, 3]);
    assert_eq!(store.findings(), Ok(Vec::new()));
    let harm = "ALTER TABLE tokentap.events DISABLE TRIGGER events_last; DELETE FROM tokentap.holders;
         DELETE FROM tokentap.batch_rows WHERE number = 2; UPDATE tokentap.tokens SET first_seen = last_seen + 1;
         INSERT INTO tokentap.holders VALUES (decode(repeat('01', 16), 'hex'), 'Z', 0)";
    shared().sql("postgres", &name, harm).unwrap();
    let expected = [
        "triggers that keep events as they are, and are missing or switched off: 1",
        "seeds of tokens that have no holder: 1",
        "seeds that are assigned to tokens without them: 1",
        "rows of batches that are missing: 1",
        "the token A: it was last seen before it was first seen",
    ];
    assert_eq!(store.findings().unwrap(), expected);
    shared()
        .sql("postgres", &name, "UPDATE tokentap.tokens SET model = NULL, pending_job = 1, pending_deed = NULL")
        .unwrap();
    assert!(store.findings().unwrap().iter().any(|found| found.contains("deserializing column")));
}

#[test]
fn not_even_the_owner_changes_an_event() {
    let (name, ..) = with_a_token();
    for sql in ["UPDATE tokentap.events SET at = 0", "DELETE FROM tokentap.events", "TRUNCATE tokentap.events"] {
        let error = shared().sql("postgres", &name, sql).unwrap_err();
        assert!(error.contains("an event is never changed or removed"), "{sql}: {error}");
    }
}

#[test]
fn a_viewer_sees_that_a_seed_is_there_and_neither_it_nor_its_fingerprint_nor_the_key() {
    let (name, _, viewer) = with_a_token();
    for table in ["tokens", "meta", "candidates", "holders", "batch_rows", "batches", "refused_keys"] {
        let error = shared().sql(&viewer, &name, &format!("SELECT * FROM tokentap.{table}")).unwrap_err();
        assert!(error.contains("permission denied"), "{table}: {error}");
    }
    for sql in [
        "DELETE FROM tokentap_shown.tokens",
        "UPDATE tokentap_shown.tokens SET model = 'x'",
        "DELETE FROM tokentap.events",
    ] {
        assert!(shared().sql(&viewer, &name, sql).unwrap_err().contains("permission denied"), "{sql}");
    }
    let error = shared().sql(&viewer, &name, "SELECT tokentap.adopt('\\x00', 1)").unwrap_err();
    assert!(error.contains("permission denied"), "{error}");
    let store = Postgres::open(parsed(&shared().address(&viewer, &name))).unwrap();
    assert!(store.is_viewer());
    let shown = store.token(&SlotKey::only("A")).unwrap().unwrap();
    assert!(shown.burned.is_some() && shown.seed == Some(fingerprint(0)), "{shown:?}");
    assert!(matches!(burn(&store, "B", 2, 8), Err(InventoryError::Barred { .. })));
    assert!(matches!(store.keep(&ends("A", 3, burned(9))), Err(InventoryError::Barred { .. })));
    assert_eq!(store.desks().unwrap(), [], "and leaves no trace");
}

#[test]
fn one_database_s_desk_is_nobody_in_another() {
    let ((_, desk, _), (other, ..)) = (with_a_token(), with_a_token());
    let refused = Postgres::open(parsed(&shared().address(&desk, &other))).map(drop).unwrap_err();
    assert!(matches!(refused, InventoryError::Barred { .. }), "{refused:?}");
}

#[test]
fn a_desk_that_is_shut_out_is_out_at_once_and_in_again_with_a_new_password() {
    let (name, desk, _) = with_a_token();
    let store = Postgres::open(parsed(&shared().address(&desk, &name))).unwrap();
    let mut server = shared().administrator();
    server.shut_out(&name, &desk).unwrap();
    let refused = burn(&store, "B", 2, 8).unwrap_err();
    assert!(matches!(refused, InventoryError::Barred { .. }), "{refused:?}");
    let password = server.password().unwrap();
    assert_eq!(server.renew_user(&name, &desk, &password), Ok(Role::Desk));
    burn(&store, "B", 3, 8).unwrap();
    assert_eq!(server.shut_out(&name, "postgres"), Err(InventoryError::NoDesk("postgres".to_owned())));
    assert!(matches!(server.renew_user(&name, "nobody", &password), Err(InventoryError::NoDesk(_))));
}

#[test]
fn what_was_set_up_stays_as_it_is_when_it_is_set_up_again() {
    let (name, desk, _) = with_a_token();
    let mut server = shared().administrator();
    let again = server.make(&name).unwrap();
    assert!(again.token(&SlotKey::only("A")).unwrap().is_some());
    assert_eq!(server.has_user(&name, &desk), Ok(true));
    assert_eq!(server.has_user(&name, "newcomer"), Ok(false));
    for taken in ["postgres".to_owned(), format!("{name}_desk")] {
        assert_eq!(server.has_user(&name, &taken), Err(InventoryError::NameTaken(taken)));
    }
}

#[test]
fn old_events_are_removed_by_the_owner_alone_and_that_is_on_record() {
    let (name, desk, _) = with_a_token();
    let store = Postgres::open(parsed(&shared().address(&desk, &name))).unwrap();
    let mut judged = event("A", 3000, "a code");
    judged.deed = tokentap::inventory::Deed::Verify;
    store.keep(&tokentap::inventory::Entry::of(judged)).unwrap();
    let mut prunes = event("-", 9000, "because of its age");
    (prunes.deed, prunes.serial) = (tokentap::inventory::Deed::Prune, None);
    let refused = store.prune(super::at(5000), &prunes).unwrap_err();
    assert!(matches!(refused, InventoryError::Barred { .. }), "{refused:?}");
    assert_eq!(super::events(&store).len(), 3);
    let owner = Postgres::open(parsed(&shared().address("postgres", &name))).unwrap();
    assert_eq!(owner.prune(super::at(5000), &prunes), Ok(2));
    let left = super::events(&store);
    assert_eq!(left.len(), 2, "the last code that was judged stays: {left:?}");
    assert!(
        left[0].detail.as_deref().unwrap().ends_with("2 events from before 1970-01-01 00:00:05 UTC removed"),
        "{left:?}"
    );
}

#[test]
fn a_database_of_somebody_else_s_is_left_as_it_is() {
    let server = shared();
    server.sql("postgres", "postgres", "CREATE ROLE payroll LOGIN").unwrap();
    server.sql("postgres", "postgres", "CREATE DATABASE payroll").unwrap();
    for name in ["payroll", "postgres", "template1"] {
        let refused = server.administrator().make(name).map(drop);
        assert_eq!(refused, Err(InventoryError::OthersDatabase(name.to_owned())));
    }
    assert_eq!(server.sql("payroll", "payroll", "SELECT 1").unwrap(), "1");
    let roles = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^(payroll|postgres|template1)_'";
    assert_eq!(server.sql("postgres", "postgres", roles).unwrap(), "0");
}
