//! A fleet of a hundred thousand tokens, foretold: from its events on record, and by computation alone. Run by `scripts/bench drift`.

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
#[path = "../tests/suite/drift/simulation.rs"]
#[allow(dead_code, reason = "the tests ask it for more")]
mod simulation;
#[path = "../tests/suite/support.rs"]
#[allow(dead_code, reason = "made for the tests")]
mod support;

use std::time::Instant;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use tokentap::drift::{Fleet, History, Window};
use tokentap::inventory::{Inventory, Sqlite};
use tokentap::job::forecast::{foresee, watched};
use tokentap::report::{DriftLine, fleet_plot, token_plot};

/// How many tokens.
const TOKENS: usize = 100_000;

/// How many visits each of them has.
const VISITS: usize = 4;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut dice = support::Dice::of(1);
    println!("simulating {TOKENS} tokens with {VISITS} visits each");
    let histories: Vec<History> =
        (0..TOKENS).map(|_| simulation::token_followed(&mut dice, Some(VISITS), 0).history).collect();
    let began = Instant::now();
    let fleet = Fleet::of(histories.iter());
    let computed = began.elapsed();
    println!("the fleet's priors, wander and steps: {computed:.2?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inventory.sqlite");
    keep(&path, &histories);
    let inventory = Sqlite::open(&path).unwrap();
    let began = Instant::now();
    let found = watched(&inventory, Utc::now()).unwrap();
    let read = began.elapsed();
    let again = Instant::now();
    let fleet_on_record = Fleet::of(found.iter().map(|one| &one.history));
    let foreseen = foresee(found, &fleet_on_record, &Window::ASSUMED, Utc::now());
    let foretold = again.elapsed();
    let all = began.elapsed();
    println!("read from the inventory {read:.2?}, foretold {foretold:.2?}: together {all:.2?}");
    let began = Instant::now();
    let picture = fleet_plot(&foreseen, Utc::now());
    println!("the fleet's picture, {} KB: {:.2?}", picture.len() / 1000, began.elapsed());
    let year = simulation::token_followed(&mut dice, Some(12), 0).history;
    let now = year.visits.last().unwrap().at;
    let began = Instant::now();
    let fit = fleet.fit(&year).unwrap();
    let line = DriftLine::of(&year, &fit, &fit.forecast(&Window::ASSUMED, now), &Window::ASSUMED, now);
    let picture = token_plot("a token", &line);
    let plotted = began.elapsed();
    println!("twelve visits of one token fitted and drawn, {} KB: {plotted:.2?}", picture.len() / 1000);
    #[cfg(target_os = "linux")]
    {
        let mut results = measure::Results::of("drift");
        results.add(json!({
            "tokens": TOKENS, "visits": VISITS, "read_s": read.as_secs_f64(), "foretold_s": foretold.as_secs_f64(),
            "plotted_s": plotted.as_secs_f64(),
        }));
        results.write();
    }
}

/// Puts the histories on record, in one go.
fn keep(path: &std::path::Path, histories: &[History]) {
    let inventory = Sqlite::open(path).unwrap();
    let mut entries = histories.iter().enumerate().flat_map(|(number, history)| {
        let serial = format!("8659612{number:07}");
        history.visits.iter().enumerate().map(move |(visit_number, visit)| {
            let job = (number * VISITS + visit_number + 1) as i64;
            let at = visit.at + TimeDelta::milliseconds(number as i64);
            simulation::entry(&serial, job, visit, at, history.model.as_deref())
        })
    });
    inventory.keep_all(false, &mut |_| Ok(entries.next())).unwrap();
}
