//! An inventory is copied as a whole: from each store into each, and back; all of it, or nothing.

use tokentap::inventory::{
    Deed, Delivery, DeliveryFilter, DeliveryStep, Entry, Inventory, InventoryError, KeyChange, ServerRecord, SlotKey,
    Sqlite, TokenChange, Whole, copy, differences,
};

use super::deliveries::{sent, server, told};
use super::device_keys::device_key;
use super::{By, batch, begins, burn, burned, ends, events, everything, fingerprint};
use crate::inventory::event;

/// Fills an inventory with one of everything.
fn furnish(store: &dyn Inventory) -> i64 {
    burn(store, "A", 1, 1).unwrap();
    burn(store, "B", 2, 2).unwrap();
    let basis = store.token(&SlotKey::only("B")).unwrap();
    store.begin(&begins("B", 3, Some(3), basis.as_ref())).unwrap();
    // Its end is not known; a second burn of unknown end makes the first one's seed a candidate.
    assert_eq!(store.end(9, &ends("A", 9, burned(4))), Err(InventoryError::Overtaken(SlotKey::only("A"))));
    let change = TokenChange { refused: KeyChange::Refused(fingerprint(9)), ..TokenChange::of(SlotKey::only("C")) };
    store.keep(&Entry { event: event("C", 7, "key"), token: Some(change), row: None }).unwrap();
    let id = batch(store, 1, &[1, 2, 5]);
    store.claim(id, "A", false).unwrap();
    store.put_device_keys("M", &[device_key("M", 5, 50), device_key("M", 6, 40)]).unwrap();
    for key in [SlotKey::only("A"), SlotKey::of("B", 3)] {
        store.deliver(None, &sent("idp", key), Some(&told(Deed::HandOver, 8, "sent"))).unwrap();
    }
    id
}

/// The same, with servers, which not everybody may add.
fn furnish_with_servers(store: &dyn Inventory) {
    furnish(store);
    store.put_server(&server("idp", "one"), &told(Deed::Server, 9, "added")).unwrap();
    let without_credential = ServerRecord { credential: None, ..server("radius", "two") };
    store.put_server(&without_credential, &told(Deed::Server, 10, "added")).unwrap();
}

/// Every store that can be copied, new.
fn stores() -> Vec<(&'static str, Box<dyn Whole>)> {
    stores_by(By::Desk)
}

#[cfg_attr(
    not(all(feature = "postgres", target_os = "linux")),
    expect(unused_variables, reason = "a file is its user's")
)]
fn stores_by(by: By) -> Vec<(&'static str, Box<dyn Whole>)> {
    #[cfg_attr(
        not(all(feature = "postgres", target_os = "linux")),
        expect(unused_mut, reason = "a server is one more")
    )]
    let mut stores: Vec<(&str, Box<dyn Whole>)> = vec![("SQLite", Box::new(Sqlite::in_memory().unwrap()))];
    #[cfg(all(feature = "postgres", target_os = "linux"))]
    stores.push((
        "PostgreSQL",
        Box::new(match by {
            By::Desk => super::server::new_inventory(),
            By::Owner => super::server::new_inventory_to_its_owner(),
        }),
    ));
    stores
}

#[test]
fn all_of_an_inventory_is_in_its_copy_whatever_keeps_the_two() {
    for (from_name, from) in stores() {
        let id = furnish(&*from);
        for (to_name, to) in stores() {
            println!("{from_name} into {to_name}");
            let copied = copy(&*from, &*to).unwrap();
            assert_eq!((copied.tokens, copied.events, copied.batches), (3, events(&*from).len() as u64, 1));
            assert_eq!(differences(&*from, &*to, 10), Ok((Vec::new(), 0)));
            // But for the job on B, which is at work in the first one alone.
            let told = |store: &dyn Inventory| {
                let all = everything(store, &[id]);
                all.lines().filter(|line| !line.starts_with("B ")).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(told(&*from), told(&*to));
            // It goes on: the next batch and the next burn find what is there.
            assert!(matches!(to.begin(&begins("D", 20, Some(1), None)), Err(InventoryError::Held(_))));
        }
    }
}

#[test]
fn servers_and_what_went_to_them_are_in_the_copy_and_a_difference_in_them_is_found() {
    for (from_name, from) in stores_by(By::Owner) {
        furnish_with_servers(&*from);
        for (to_name, to) in stores_by(By::Owner) {
            println!("{from_name} into {to_name}");
            copy(&*from, &*to).unwrap();
            assert_eq!(differences(&*from, &*to, 10), Ok((Vec::new(), 0)));
            assert_eq!((to.servers(), to.servers().unwrap().len()), (from.servers(), 2));
            let filter = DeliveryFilter::default();
            assert_eq!((to.deliveries(&filter), to.deliveries(&filter).unwrap().len()), (from.deliveries(&filter), 2));
            let key = SlotKey::of("B", 3);
            let created = Delivery { step: DeliveryStep::Created, ..sent("idp", key.clone()) };
            to.deliver(Some(&sent("idp", key)), &created, None).unwrap();
            let event = told(Deed::Server, 11, "changed");
            to.put_server(&server("idp", "elsewhere"), &event).unwrap();
            to.remove_server("radius", &event).unwrap();
            let (mut shown, _) = differences(&*from, &*to, 10).unwrap();
            shown.retain(|line| !line.starts_with("event"));
            let expected =
                ["server idp differs", "delivery of B/3 to idp differs", "server radius is only in the first one"];
            assert_eq!(shown, expected);
        }
    }
}

#[cfg(all(feature = "postgres", target_os = "linux"))]
#[test]
fn a_desk_copies_no_servers_to_where_only_the_owner_adds_them_and_keeps_nothing_of_the_rest_either() {
    let from = Sqlite::in_memory().unwrap();
    furnish_with_servers(&from);
    let to = super::server::new_inventory();
    let before = everything(&to, &[]);
    let refused = copy(&from, &to).unwrap_err();
    assert!(refused.to_string().ends_with("only its owner may say which servers seeds go to"), "{refused}");
    assert_eq!(everything(&to, &[]), before);
    // Without them it does, into the same one.
    let from = Sqlite::in_memory().unwrap();
    furnish(&from);
    copy(&from, &to).unwrap();
    assert_eq!(differences(&from, &to, 10), Ok((Vec::new(), 0)));
}

#[test]
fn an_inventory_that_knows_a_server_is_not_empty() {
    for (name, to) in stores_by(By::Owner) {
        println!("{name}");
        to.put_server(&server("idp", "one"), &told(Deed::Init, 1, "by itself")).unwrap();
        let from = Sqlite::in_memory().unwrap();
        assert!(matches!(copy(&from, &*to), Err(InventoryError::NotEmpty(_))));
        assert_eq!(to.servers(), Ok(vec![server("idp", "one")]));
    }
}

#[test]
fn an_inventory_with_records_takes_no_copy_and_keeps_what_it_has() {
    for (name, to) in stores() {
        println!("{name}");
        burn(&*to, "Z", 1, 200).unwrap();
        let before = everything(&*to, &[]);
        let from = Sqlite::in_memory().unwrap();
        furnish(&from);
        assert!(matches!(copy(&from, &*to), Err(InventoryError::NotEmpty(_))));
        assert_eq!(everything(&*to, &[]), before);
        let (shown, many) = differences(&from, &*to, 2).unwrap();
        assert!(many > 4 && shown.len() == 2, "{shown:?}");
    }
}

#[test]
fn of_a_copy_that_breaks_off_nothing_is_kept_and_the_next_one_has_all() {
    for (name, to) in stores() {
        println!("{name}");
        let from = Sqlite::in_memory().unwrap();
        furnish(&from);
        let broken = to.fill(from.fingerprint_key(), &mut |take| {
            let mut many = 0;
            from.visit_whole(&mut |piece| {
                many += 1;
                if many == 5 { Err(InventoryError::Address("the cable".to_owned())) } else { take(piece) }
            })
        });
        assert_eq!(broken, Err(InventoryError::Address("the cable".to_owned())));
        assert_eq!(everything(&*to, &[]), everything(&Sqlite::in_memory().unwrap(), &[]));
        copy(&from, &*to).unwrap();
        assert_eq!(differences(&from, &*to, 10), Ok((Vec::new(), 0)));
    }
}

#[test]
fn a_single_change_is_found_by_comparing() {
    for (name, to) in stores() {
        println!("{name}");
        let from = Sqlite::in_memory().unwrap();
        furnish(&from);
        copy(&from, &*to).unwrap();
        let change = TokenChange { user: Some("ana".to_owned()), ..TokenChange::of(SlotKey::only("A")) };
        let mut assigns = event("A", 50, "assigns");
        assigns.deed = Deed::Assign;
        to.keep(&Entry { event: assigns, token: Some(change), row: None }).unwrap();
        let (shown, many) = differences(&from, &*to, 10).unwrap();
        let last = events(&*to).len();
        let expected =
            ["token A differs".to_owned(), format!("event {last}, assign done of A is only in the second one")];
        assert_eq!((shown, many), (expected.to_vec(), 2));
    }
}

#[test]
fn sealed_seeds_are_copied_where_the_second_one_seals_to_the_same_recipients() {
    for (name, to) in stores() {
        println!("{name}");
        let from = Sqlite::in_memory().unwrap();
        let mut seals = event("-", 1, "seeds are sealed");
        (seals.deed, seals.serial) = (Deed::Init, None);
        from.set_recipients(&["age1one".to_owned()], &seals).unwrap();
        furnish(&from);
        // What its own user was told when it was made.
        to.keep(&Entry::of(tokentap::inventory::Event { at: super::at(9), ..seals.clone() })).unwrap();
        copy(&from, &*to).unwrap();
        assert_eq!(differences(&from, &*to, 10), Ok((Vec::new(), 0)));
    }
}
