//! A list onto the slots of a Molto2: broken off again and again, and in the end each row is in one slot, and the record is what the
//! device holds.

use std::sync::Arc;

use tokentap::device::Family;
use tokentap::emulator::{EmulatedLink, EmulatedMolto2, Fault, FaultKind};
use tokentap::job::slot_list::{RowPlace, check_list, places};
use tokentap::job::{Guard, Sheet, SlotWish, SlotsOutcome, read_slots};
use tokentap::seed::Seed;
use tokentap::seedfile::Row;

use super::bench::{Bench, Tried};
use crate::support::Dice;

fn secret(number: usize) -> Vec<u8> {
    format!("secret of row number {number:04}").into_bytes()
}

fn sheet(rows: usize) -> Sheet {
    let row = |number: usize| {
        let mut row = Row::of_seed(Seed::from_bytes(secret(number)).unwrap());
        row.place.line = number as u64;
        (number, row)
    };
    Sheet { name: "list.csv".to_owned(), rows: (1..=rows).map(row).collect(), broken: Vec::new() }
}

fn read(bench: &Bench<EmulatedMolto2>) -> SlotsOutcome {
    let mut link = EmulatedLink::<EmulatedMolto2>::new(bench.state.clone(), Arc::new(bench.clock.clone()));
    read_slots(&mut *EmulatedMolto2::device(&mut link), &bench.clock, &Guard::default()).unwrap()
}

/// One run of the command, which a fault may break off: whether it came to its end.
fn run(bench: &mut Bench<EmulatedMolto2>, sheet: &Sheet, mut fault: impl FnMut() -> Option<Fault>) -> bool {
    let places = places(sheet, &read(bench), &bench.books).unwrap();
    for ((number, _), place) in sheet.rows.iter().zip(&places) {
        let RowPlace::Slot(slot) = place else { continue };
        let write = bench.burn(*slot, &secret(*number), SlotWish::default());
        if bench.run(write, fault().into_iter().collect()).is_err() {
            return false;
        }
    }
    true
}

#[test]
fn a_hundred_rows_fill_a_hundred_slots_however_often_the_command_is_broken_off() {
    let mut dice = Dice::new();
    let mut bench = Bench::<EmulatedMolto2>::new();
    let sheet = sheet(100);
    check_list(&sheet, Family::Molto2.usual(), true, false).unwrap();
    let mut broken_off = 0;
    loop {
        let ended = run(&mut bench, &sheet, || {
            // About every tenth row breaks off, at any APDU of its burn.
            let kind = if dice.below(2) == 0 { FaultKind::LeaveBefore } else { FaultKind::LeaveAfter };
            (dice.below(10) == 0).then(|| Fault { at: 1 + dice.below(9) as u32, kind })
        });
        if ended {
            break;
        }
        broken_off += 1;
        assert!(broken_off < 200, "it does not come to its end");
    }
    assert!(broken_off > 0, "nothing was broken off");
    let mut held: Vec<Vec<u8>> = (0..100).map(|slot| bench.state.seed_bytes(slot)).collect();
    for slot in 0..100 {
        bench.check_settled(slot, &format!("slot {slot}"));
    }
    held.sort();
    let mut wanted: Vec<Vec<u8>> = (1..=100).map(secret).collect();
    wanted.sort();
    assert!(held == wanted, "each row is in one slot and no row in two");
    // Run once more, nothing is left to do; and every slot is synced.
    let again = places(&sheet, &read(&bench), &bench.books).unwrap();
    assert!(again.iter().all(|place| matches!(place, RowPlace::Done(_))), "{again:?}");
    let mut broken_syncs = 0;
    for slot in 0..100 {
        let fault = Fault { at: 1 + dice.below(6) as u32, kind: FaultKind::LeaveAfter };
        broken_syncs += u32::from(bench.run(bench.sync(slot), vec![fault]).is_err());
        bench.check_record(slot, "a sync that may have been broken off");
        bench.run(bench.sync(slot), Vec::new()).unwrap();
        bench.check_settled(slot, "synced");
    }
    let mut kept: Vec<Vec<u8>> = (0..100).map(|slot| bench.state.seed_bytes(slot)).collect();
    kept.sort();
    assert!(broken_syncs > 0 && kept == wanted, "{broken_syncs} syncs were broken off");
}

#[test]
fn an_empty_slot_that_is_somebodys_waits_for_a_row_of_theirs() {
    use tokentap::inventory::{Entry, Event, Inventory, Outcome, SlotKey, TokenChange};
    let mut bench = Bench::<EmulatedMolto2>::new();
    let write = bench.burn(3, &secret(9), SlotWish::default());
    bench.run(write, Vec::new()).unwrap();
    let at = tokentap::time::HostClock::now(&bench.clock).wall;
    let key = SlotKey::of(super::bench::MOLTO, 0);
    let event = Event { serial: Some(key.serial.clone()), ..crate::inventory::event(&key.serial, 1, "assigned") };
    let change = TokenChange { user: Some("gina".to_owned()), ..TokenChange::of(key) };
    bench
        .books
        .keep(&Entry { event: Event { at, outcome: Outcome::Done, ..event }, token: Some(change), row: None })
        .unwrap();
    let mut sheet = sheet(3);
    let slots = |sheet: &Sheet, bench: &Bench<EmulatedMolto2>| places(sheet, &read(bench), &bench.books).unwrap();
    assert_eq!(slots(&sheet, &bench), [1, 2, 4].map(RowPlace::Slot));
    sheet.rows[1].1.user = Some("gina".to_owned());
    assert_eq!(slots(&sheet, &bench), [1, 0, 2].map(RowPlace::Slot));
}

#[test]
fn rows_go_round_what_the_device_holds_already_and_the_rest_waits_for_the_next_device() {
    let mut bench = Bench::<EmulatedMolto2>::new();
    bench.state.slots.truncate(50);
    // The factory's own seed, and somebody's.
    bench.state.slots[0].seed = "aa".repeat(20);
    bench.state.slots[7].seed = "bb".repeat(20);
    let sheet = sheet(50);
    assert!(run(&mut bench, &sheet, || None));
    assert_eq!(
        (bench.state.slots[0].seed.as_str(), bench.state.slots[7].seed.as_str()),
        (&*"aa".repeat(20), &*"bb".repeat(20))
    );
    let left = places(&sheet, &read(&bench), &bench.books).unwrap();
    assert_eq!(left.iter().filter(|place| **place == RowPlace::NoRoom).count(), 2);
    let placed: Vec<Vec<u8>> = [1, 6, 8].iter().map(|slot| bench.state.seed_bytes(*slot)).collect();
    assert_eq!(placed, [secret(1), secret(6), secret(7)]);
}

#[test]
fn a_row_that_names_a_slot_gets_that_one_and_one_that_names_a_filled_slot_or_another_device_does_not() {
    let bench = Bench::<EmulatedMolto2>::new();
    let mut sheet = sheet(3);
    sheet.rows[1].1.slot = Some(0);
    sheet.rows[2].1.serial = Some("999".to_owned());
    let found = places(&sheet, &read(&bench), &bench.books).unwrap();
    assert_eq!(found, [RowPlace::Slot(1), RowPlace::Slot(0), RowPlace::OtherDevice("999".to_owned())]);
    let mut filled = Bench::<EmulatedMolto2>::new();
    filled.state.slots[0].seed = "aa".repeat(20);
    assert!(places(&sheet, &read(&filled), &filled.books).is_err(), "slot 0 holds somebody's seed");
}

#[test]
fn a_list_that_a_device_cannot_hold_is_refused_whole_before_it_is_there() {
    let can = Family::Molto2.usual();
    let refused = |change: &dyn Fn(&mut Sheet)| {
        let mut sheet = sheet(3);
        change(&mut sheet);
        check_list(&sheet, can, true, false).is_err()
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|sheet| sheet.rows[2].1.digits = Some(7)));
    assert!(refused(&|sheet| sheet.rows[2].1.account = Some("Zürich-Konto".to_owned())));
    assert!(refused(&|sheet| sheet.rows[2].1.seed = sheet.rows[0].1.seed.clone()));
    assert!(refused(&|sheet| sheet.rows[2].1.seed = Seed::from_bytes(vec![0; 20]).unwrap()));
    assert!(refused(&|sheet| {
        sheet.rows[0].1.slot = Some(4);
        sheet.rows[1].1.slot = Some(4);
    }));
}

#[test]
fn a_table_that_names_device_and_slot_fills_each_device_with_its_own_rows_and_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| crate::support::run_in(folder.path(), args);
    let table = "serial,slot,secret,account\n\
                 826658719844499,7,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,VPN\n\
                 826658719844500,7,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ,VPN\n\
                 826658719844499,0,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,Mail\n";
    std::fs::write(folder.path().join("rows.csv"), table).unwrap();
    for (serial, state) in [("826658719844499", "a.json"), ("826658719844500", "b.json")] {
        let (exit, said) = run(&["emulate", "--create", "--family", "molto2", "--serial", serial, "--state", state]);
        assert_eq!(exit, 0, "{said}");
    }
    let held = |state: &str, slot: usize| {
        let text = std::fs::read_to_string(folder.path().join(state)).unwrap();
        let state: serde_json::Value = serde_json::from_str(&text).unwrap();
        state["slots"][slot]["seed"].as_str().unwrap().to_owned()
    };
    let batch = |state: &str| {
        run(&["batch", "rows.csv", "--slots", "--trust-host-clock", "--reader", &format!("emulated:{state}")])
    };
    // The rows of the other device are left for it.
    let (exit, said) = batch("a.json");
    assert_eq!(exit, 10, "{said}");
    let (exit, said) = batch("b.json");
    assert_eq!(exit, 10, "{said}");
    let hex = |text: &str| data_encoding::HEXLOWER.encode(&data_encoding::BASE32.decode(text.as_bytes()).unwrap());
    assert_eq!(held("a.json", 7), hex("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"));
    assert_eq!(held("a.json", 0), hex("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    assert_eq!((held("b.json", 7), held("b.json", 0)), (hex("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ"), String::new()));
    // A token has no slots: what the table says of them is not dropped without a word.
    let (exit, said) =
        run(&["batch", "rows.csv", "--to", "csv=out.csv", "--trust-host-clock", "--reader", "emulated:a.json"]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("slot 7"), "{said}");
}

#[test]
fn a_table_with_slots_is_used_for_one_slot_as_for_all_and_never_for_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| crate::support::run_in(folder.path(), args);
    let table = "serial,slot,secret,upn\n\
                 826658719844499,7,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,ada@example.org\n\
                 826658719844499,0,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,bob@example.org\n";
    std::fs::write(folder.path().join("rows.csv"), table).unwrap();
    assert_eq!(run(&["emulate", "--create", "--family", "molto2", "--state", "a.json"]).0, 0);
    let on = ["--reader", "emulated:a.json"];
    let at = |args: &[&str]| run(&[args, &on].concat());
    let burn = |slot: &str, more: &[&str]| {
        at(&[&["burn", "--slot", slot, "--seed-file", "rows.csv", "--no-verify", "--trust-host-clock"], more].concat())
    };
    // The row that is chosen is for another slot.
    let (exit, said) = burn("30", &["--row", "1"]);
    assert!(exit == 2 && said.contains("slot 7"), "{said}");
    // By device and slot the row is found.
    let (exit, said) = burn("7", &[]);
    assert_eq!(exit, 0, "{said}");
    let (_, shown) = run(&["--json", "inventory", "tokens", "--user", "ada@example.org"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["tokens"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown["tokens"][0]["slot"], 7, "{shown}");
    // A slot that is empty, or that it does not have, shows no code.
    for slot in ["50", "99"] {
        let (exit, said) = at(&["verify", "123456", "--slot", slot, "--seed-file", "rows.csv", "--row", "1"]);
        assert!(exit == 2 && said.contains("holds no seed"), "{said}");
    }
    let (exit, said) = at(&["verify", "123456", "--slot", "100", "--seed-file", "rows.csv", "--row", "1"]);
    assert!(exit == 2 && said.contains("no slot 100"), "{said}");
}

#[test]
fn rows_that_name_slots_are_imported_onto_those() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| crate::support::run_in(folder.path(), args);
    let identity = age::x25519::Identity::generate();
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    std::fs::write(folder.path().join("identity"), secret).unwrap();
    std::fs::write(
        folder.path().join("rows.csv"),
        "serial,slot,secret,digits\n826658719844499,7,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,8\n",
    )
    .unwrap();
    assert_eq!(run(&["inventory", "init", "--recipient", &identity.to_public().to_string()]).0, 0);
    let (exit, said) = run(&["inventory", "import", "rows.csv"]);
    assert_eq!(exit, 0, "{said}");
    let (exit, said) = run(&["code", "--identity", "identity", "--serial", "826658719844499/7"]);
    assert_eq!(exit, 0, "{said}");
}

#[test]
fn a_file_that_is_no_seed_file_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "myverysecretkey!\n").unwrap();
    for args in [&["seeds", "check", "key"][..], &["seeds", "convert", "key", "--to", "csv=out.csv"]] {
        let (exit, said) = crate::support::run_in(folder.path(), args);
        assert!(exit == 2 && !said.contains("myverysecret"), "{said}");
    }
}
