//! Drift: what is foretold of simulated fleets is held against their truth (docs/drift.md).

mod jumps;
mod on_record;
mod simulation;

use chrono::TimeDelta;
use simulation::{FOLLOWED, Simulated};
use tokentap::drift::{Come, Fleet, Left, Window};
use tokentap::report::{DriftLine, token_plot};

use crate::support::Dice;

/// Puts a simulated fleet on record in a folder's inventory, the same one each time.
pub fn keep_a_fleet(folder: &std::path::Path, count: usize) {
    on_record::fleet(folder, &simulation::fleet(&mut Dice::of(7), count));
}

fn fleet_of(tokens: &[Simulated]) -> Fleet {
    Fleet::of(tokens.iter().map(|token| &token.history))
}

/// Stretches that the forecast has not seen: what lies so many days after the last visit.
#[test]
fn intervals_of_95_percent_hold_94_to_99_percent_of_what_was_held_out() {
    let mut random = Dice::new();
    let tokens = simulation::fleet(&mut random, 4000);
    let fleet = fleet_of(&tokens);
    println!("wander refitted by {:?}, priors {:?}", fleet.refitted, fleet.priors);
    for days in [30, 90, 180, 365, 730] {
        let mut held = [0, 0];
        let mut errors = Vec::new();
        for token in &tokens {
            let fit = fleet.fit(&token.history).unwrap();
            let at = token.history.visits.last().unwrap().at + TimeDelta::days(days as i64);
            let drift = fit.drift_at(at);
            let truth = token.truth[days];
            errors.push((truth - drift.middle_s()).abs());
            held[0] += usize::from((drift.low_s..=drift.high_s).contains(&truth));
            held[1] += 1;
        }
        errors.sort_by(f64::total_cmp);
        let coverage = 100.0 * held[0] as f64 / held[1] as f64;
        println!(
            "{days:4} days: {coverage:.1} % held; median error {:.1} s, 95 % {:.1} s",
            errors[errors.len() / 2],
            errors[errors.len() * 95 / 100]
        );
        assert!((94.0..=99.0).contains(&coverage), "{coverage} % at {days} days");
    }
}

#[test]
fn at_most_two_percent_are_warned_too_late() {
    let mut random = Dice::new();
    let tokens = simulation::fleet(&mut random, 4000);
    let fleet = fleet_of(&tokens);
    let (mut left, mut late, mut early) = (0, 0, Vec::new());
    for token in &tokens {
        let at = token.history.visits.last().unwrap().at;
        let fit = fleet.fit(&token.history).unwrap();
        let forecast = fit.forecast(&Window::ASSUMED, at);
        let Some(out) = (0..=FOLLOWED).find(|day| token.truth[*day].abs() > 30.0) else { continue };
        let out = at + TimeDelta::days(out as i64);
        left += 1;
        match forecast.come {
            Come::Before(by) if by <= out => early.push((out - by).num_days()),
            Come::Now => early.push(0),
            _ => late += 1,
        }
    }
    early.sort_unstable();
    let share = 100.0 * f64::from(late) / f64::from(left);
    println!(
        "{left} left the window, {late} ({share:.1} %) were warned too late; median {} days early",
        early[early.len() / 2]
    );
    assert!(left > 500 && share <= 2.0, "{late} of {left} were warned too late");
}

/// The picture in docs/drift.md: a token of a simulated fleet, by the program itself.
#[test]
fn the_picture_in_the_documents_is_drawn_by_the_program() {
    let mut dice = Dice::of(7);
    let tokens = simulation::fleet(&mut dice, 200);
    let fleet = Fleet::of(tokens.iter().map(|token| &token.history));
    let is_typical = |token: &&Simulated| {
        let fit = fleet.fit(&token.history).unwrap();
        let last = token.history.visits.last().unwrap();
        fit.stretches >= 4 && fit.jumps.is_empty() && matches!(last.left, Left::Set(_))
    };
    let token = tokens.iter().find(is_typical).unwrap();
    let now = token.history.visits.last().unwrap().at + TimeDelta::days(20);
    let fit = fleet.fit(&token.history).unwrap();
    let forecast = fit.forecast(&Window::ASSUMED, now);
    let line = DriftLine::of(&token.history, &fit, &forecast, &Window::ASSUMED, now);
    let drawn = token_plot("Drift of a token; dashed: what its server accepts", &line);
    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/drift.svg");
    if std::env::var_os("TOKENTAP_TEST_PRINT").is_some() {
        std::fs::write(&picture, &drawn).unwrap();
    }
    let is_same = std::fs::read_to_string(&picture).unwrap() == drawn;
    assert!(is_same, "docs/drift.svg is another picture (TOKENTAP_TEST_PRINT=1 draws it anew)");
}
