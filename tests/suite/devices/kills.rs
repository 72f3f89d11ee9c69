//! A list onto the slots of a Molto2, and the setting of their clocks, killed again and again: in the end each seed is in one slot, and
//! the record is what the device holds.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokentap::inventory::{Listing, Sqlite, TokenFilter};
use tokentap::seed::Seed;

use crate::support::{Dice, in_folder, run_in};

const ROWS: usize = 100;

/// Runs a command until it comes to its end, killing it before that as often as `kills` says; how often it was killed.
fn killed(folder: &std::path::Path, args: &[&str], kills: u32, dice: &mut Dice) -> u32 {
    let mut killed = 0;
    loop {
        let mut child = in_folder(folder).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if killed < kills {
            // The first one at once, whatever the machine's speed, the later ones further on.
            std::thread::sleep(Duration::from_millis(dice.below(1 + 5 * u64::from(killed))));
        }
        match child.try_wait().unwrap() {
            None if killed < kills => {
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
            }
            _ => {
                assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}, after {killed} kills");
                return killed;
            }
        }
    }
}

#[test]
fn a_list_onto_slots_that_is_killed_again_and_again_leaves_each_seed_in_one_slot_and_on_record() {
    let mut dice = Dice::new();
    let folder = tempfile::tempdir().unwrap();
    let secret = |row: usize| format!("secret of row number {row:04}").into_bytes();
    let mut table = "secret\n".to_owned();
    (0..ROWS).for_each(|row| table.push_str(&format!("{}\n", data_encoding::BASE32.encode(&secret(row)))));
    std::fs::write(folder.path().join("rows.csv"), table).unwrap();
    let make = ["emulate", "--create", "--family", "molto2", "--drift", "-97", "--state", "molto.json"];
    assert_eq!(run_in(folder.path(), &make).0, 0);
    let on = ["--reader", "emulated:molto.json", "--trust-host-clock"];
    let batch = [&["batch", "rows.csv", "--slots"][..], &on].concat();
    let kills = killed(folder.path(), &batch, 40, &mut dice);
    let sync = [&["sync", "--fast"][..], &on].concat();
    println!("{kills} kills of the list, {} of the sync", killed(folder.path(), &sync, 10, &mut dice));
    assert!(kills > 0, "nothing was killed");
    let state: Value = serde_json::from_slice(&std::fs::read(folder.path().join("molto.json")).unwrap()).unwrap();
    let held: Vec<Vec<u8>> = state["slots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| data_encoding::HEXLOWER.decode(slot["seed"].as_str().unwrap().as_bytes()).unwrap())
        .collect();
    let mut sorted = held.clone();
    sorted.sort();
    assert_eq!(sorted, (0..ROWS).map(secret).collect::<Vec<_>>(), "each seed is in one slot");
    assert_eq!(state["wrong_keys"], 0);
    let books = Sqlite::open(&folder.path().join("inventory.sqlite")).unwrap();
    let mut seen = 0;
    let check = &mut |token: tokentap::inventory::TokenRecord| {
        let print = tokentap::inventory::Inventory::fingerprint_key(&books)
            .of(&Seed::from_bytes(held[usize::from(token.key.slot)].clone()).unwrap());
        assert_eq!((token.seed, token.pending), (Some(print), None), "slot {}", token.key.slot);
        seen += 1;
    };
    books.visit_tokens(&TokenFilter::default(), u64::MAX, check).unwrap();
    assert_eq!(seen, ROWS);
}
