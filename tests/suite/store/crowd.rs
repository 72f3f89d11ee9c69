//! Desks on one list and one server, each a program of its own with an outbox of its own, killed again and again, and so is the server:
//! no seed is on two tokens, no row is lost, and tokens, record and list say the same.
//!
//! `TOKENTAP_CROWD=DESKS,ROWS,KILLS,SERVER-KILLS` sets other sizes than the usual small ones.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tokentap::inventory::{Listing, Postgres, RowState};

use super::server::{Server, parsed};
use crate::batch::{Tray, check_agreement_with, rows};
use crate::support::{Dice, text, tokentap};
use crate::together::{gather, shared_out};

fn start(tray: &Tray, folder: &str, address: &str, cap: bool) -> Child {
    let mut command = tokentap();
    command.current_dir(tray.folder.path()).env("TOKENTAP_INVENTORY", address);
    command.env("XDG_DATA_HOME", tray.path(&format!("{folder}.data")));
    command.args(["--json", "--reader", &format!("emulated:{folder}"), "batch", "rows.csv", "--trust-host-clock"]);
    command.stdout(if cap { Stdio::piped() } else { Stdio::null() });
    command.stderr(if cap { Stdio::piped() } else { Stdio::null() }).spawn().unwrap()
}

#[test]
fn desks_and_server_that_are_killed_again_and_again_lose_double_and_confuse_nothing() {
    let sizes = std::env::var("TOKENTAP_CROWD").unwrap_or_else(|_| "4,40,24,3".to_owned());
    let sizes: Vec<u64> = sizes.split(',').map(|size| size.parse().unwrap()).collect();
    let [desks, each, kills, server_kills] = sizes[..] else { panic!("four numbers") };
    let mut dice = Dice::new();
    let mut server = Server::start();
    let address = server.database();
    let (tray, folders) = shared_out(desks as usize, each as usize);
    tray.write("rows.csv", &rows(&vec![None; (desks * each) as usize]));
    let (mut killed, mut servers_killed, began) = (0, 0, Instant::now());
    let mut running: Vec<Child> = folders.iter().map(|folder| start(&tray, folder, &address, false)).collect();
    while killed < kills || servers_killed < server_kills {
        std::thread::sleep(Duration::from_millis(20 + dice.below(180)));
        if servers_killed < server_kills && dice.below(kills.max(server_kills)) < server_kills {
            server.kill();
            servers_killed += 1;
            std::thread::sleep(Duration::from_millis(dice.below(1500)));
            server.resume();
        }
        let number = dice.below(desks) as usize;
        let was_running = running[number].try_wait().unwrap().is_none();
        running[number].kill().unwrap();
        running[number].wait().unwrap();
        killed += u64::from(was_running);
        // Whoever ended by himself, of an outage or of a list that is done, begins again too.
        for (child, folder) in running.iter_mut().zip(&folders) {
            if child.try_wait().unwrap().is_some() {
                *child = start(&tray, folder, &address, false);
            }
        }
        assert!(began.elapsed() < Duration::from_secs(3600), "{killed} and {servers_killed}");
        let inventory = Postgres::open(parsed(&address)).unwrap();
        let done = inventory.batches(None).unwrap().first().map_or(0, |batch| batch.counts.done());
        if done == desks * each {
            break;
        }
    }
    for mut child in running {
        let _ = child.kill();
        child.wait().unwrap();
    }
    // Everybody lays the tokens that are left down again.
    for (desk, folder) in folders.iter().enumerate() {
        let output = start(&tray, folder, &address, true).wait_with_output().unwrap();
        let said = text(&output);
        assert!(matches!(output.status.code(), Some(0 | 10)), "desk {desk}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    let inventory = Postgres::open(parsed(&address)).unwrap();
    gather(&tray, &folders);
    let batch = inventory.batches(None).unwrap().remove(0);
    let mut open = Vec::new();
    inventory
        .visit_rows(batch.id, &[], &mut |row| open.extend((!row.state.is_done()).then_some((row.row, row.state))))
        .unwrap();
    check_agreement_with(&tray, &inventory, None);
    assert!(open.iter().all(|(_, state)| *state != RowState::Burning), "{open:?}");
    assert_eq!((batch.counts.done(), open), (desks * each, Vec::new()));
    let took = began.elapsed().as_secs_f64();
    println!("{} rows, {killed} kills of desks, {servers_killed} of the server, {took:.1} s", desks * each);
}
