//! Changes of a clock that its running does not explain, told apart where the readings can tell.

use chrono::TimeDelta;
use tokentap::drift::{Bounded, Cause, Fit, Fleet, History, Left, Prior, Standing, Visit, Wander};

use super::simulation::start;

/// A visit on a day: what it found, and what it left if it set the clock.
fn visit(day: i64, found: f64, set: Option<f64>) -> Visit {
    let bounded = |drift_s| Bounded { drift_s, within_s: 0.02 };
    let left = set.map_or(Left::AsFound, |drift| Left::Set(bounded(drift)));
    Visit {
        at: start() + TimeDelta::days(day),
        desk: "front".into(),
        found: Some(bounded(found)),
        left,
        is_burned: false,
    }
}

/// A token that gains 0.1 s a day, seen on these days.
fn steady(days: &[i64]) -> Vec<Visit> {
    days.iter().map(|day| visit(*day, 0.1 * *day as f64, None)).collect()
}

fn fit(visits: &[Visit]) -> Fit {
    Fit::of(visits, &Prior::WRITTEN_DOWN, Wander::WRITTEN_DOWN).unwrap()
}

fn causes(fit: &Fit) -> Vec<Cause> {
    fit.jumps.iter().map(|jump| jump.cause).collect()
}

#[test]
fn a_clock_that_runs_as_crystals_do_has_no_jumps_and_a_rate_with_its_bound() {
    let fit = fit(&steady(&[0, 100, 200, 300]));
    assert_eq!((causes(&fit), fit.stretches, fit.days, fit.standing), (vec![], 3, 300.0, Standing::Usual));
    let rate = fit.rate();
    assert!((rate.s_per_day - 0.1).abs() < 0.02 && (0.02..0.3).contains(&rate.within), "{rate:?}");
}

#[test]
fn a_clock_that_shows_a_time_years_away_has_lost_it_and_keeps_its_rate() {
    let mut visits = steady(&[0, 100, 200]);
    visits.push(visit(300, -8.0e8, Some(0.0)));
    visits.push(visit(400, 10.0, None));
    let fit = fit(&visits);
    assert_eq!(causes(&fit), [Cause::LostTime]);
    assert!((fit.rate().s_per_day - 0.1).abs() < 0.03, "{:?}", fit.rate());
}

#[test]
fn a_clock_that_is_right_where_it_should_be_off_was_set_by_another_hand() {
    let mut visits = steady(&[0, 200, 400]);
    visits.push(visit(500, 0.5, None));
    assert_eq!(causes(&fit(&visits)), [Cause::AnotherHand]);
}

#[test]
fn a_jump_by_whole_hours_is_told_from_others() {
    let mut visits = steady(&[0, 100]);
    visits.push(visit(110, 7200.0 + 11.0, None));
    assert_eq!(causes(&fit(&visits)), [Cause::WholeHours]);
    visits.pop();
    visits.push(visit(110, 5000.0, None));
    assert_eq!(causes(&fit(&visits)), [Cause::Unknown]);
}

#[test]
fn a_desk_whose_clock_was_wrong_once_is_told_by_the_next_visit_and_the_forecast_goes_on_as_if_it_had_been_right() {
    // Read by a clock that was 60 s ahead, on day 200.
    let visits = [visit(0, 0.0, None), visit(100, 10.0, None), visit(200, 20.0 - 60.0, None), visit(300, 30.0, None)];
    let read = fit(&visits);
    assert_eq!(causes(&read), [Cause::HostStep]);
    assert!((read.rate().s_per_day - 0.1).abs() < 0.03, "{:?}", read.rate());
    // Set by it: the token is 60 s fast from then on.
    let set = [visit(0, 0.0, None), visit(100, 10.0, None), visit(200, 20.0 - 60.0, Some(0.0)), visit(300, 70.0, None)];
    let set = fit(&set);
    assert_eq!(causes(&set), [Cause::HostStep]);
    assert!((set.rate().s_per_day - 0.1).abs() < 0.03, "{:?}", set.rate());
}

#[test]
fn three_tokens_that_jump_alike_at_one_desk_on_a_day_tell_that_its_clock_was_wrong() {
    let token = |rate: f64, ahead: f64| History {
        model: None,
        is_emulated: false,
        visits: vec![visit(0, 0.0, None), visit(100, 100.0 * rate, None), visit(200, 200.0 * rate - ahead, Some(0.0))],
    };
    // The fourth was never seen before, and the fifth has a reading that says otherwise.
    let first = History { model: None, is_emulated: false, visits: vec![visit(200, -90.0, Some(0.0))] };
    let histories = [token(0.1, 90.0), token(-0.2, 90.2), token(0.0, 89.9), first, token(0.05, 0.0)];
    let fleet = Fleet::of(histories.iter());
    for history in &histories[..4] {
        let fit = fleet.fit(history).unwrap();
        assert_eq!(causes(&fit), [Cause::HostStep]);
        let drift = fit.drift_at(fit.at).middle_s();
        assert!((drift - 90.0).abs() < 1.0, "they were set by it, and are {drift} s fast");
    }
    assert_eq!(causes(&fleet.fit(&histories[4]).unwrap()), []);
    // Three that somebody corrected that day accuse no desk.
    let corrected = |rate: f64| History {
        model: None,
        is_emulated: false,
        visits: vec![visit(0, 0.0, None), visit(100, 100.0 * rate, None), visit(200, 0.3, None)],
    };
    let corrected = [corrected(0.5), corrected(0.52), corrected(0.48)];
    let fleet = Fleet::of(corrected.iter());
    for history in &corrected {
        assert_eq!(causes(&fleet.fit(history).unwrap()), [Cause::AnotherHand]);
    }
    // Where others were read there as expected meanwhile, the desk was right, and another program has set these three.
    let moved = [token(0.1, -3600.0), token(-0.2, -3600.1), token(0.0, -3599.9)];
    let others = [0.01, 0.02, 0.03, 0.04].map(|rate| token(rate, 0.0));
    let fleet = Fleet::of(moved.iter().chain(&others));
    for history in &moved {
        assert_eq!(causes(&fleet.fit(history).unwrap()), [Cause::WholeHours]);
    }
    // Two could be chance.
    let fleet = Fleet::of(histories[..2].iter());
    assert_eq!(causes(&fleet.fit(&histories[0]).unwrap()), [Cause::Unknown]);
}

#[test]
fn whether_a_clock_was_set_or_is_broken_is_not_known_before_the_next_visit() {
    // 4 s a day since the last visit: 46 ppm.
    let unsure = fit(&[visit(0, 0.0, None), visit(50, 5.0, Some(0.0)), visit(80, 120.0, Some(0.0))]);
    assert!(matches!(unsure.standing, Standing::Unsure(rate) if (rate - 4.0).abs() < 0.1), "{:?}", unsure.standing);
    let later = unsure.drift_at(start() + TimeDelta::days(110));
    assert!(later.low_s < 10.0 && later.high_s > 110.0, "the interval holds both: {later:?}");
    let visits =
        |last| [visit(0, 0.0, None), visit(50, 5.0, Some(0.0)), visit(80, 120.0, Some(0.0)), visit(110, last, None)];
    let broken = fit(&visits(118.0));
    assert_eq!((broken.standing, causes(&broken)), (Standing::Broken, vec![]), "it went on like that");
    let set = fit(&visits(3.0));
    assert_eq!((set.standing, causes(&set)), (Standing::Usual, vec![Cause::Unknown]), "it did not");
}

#[test]
fn a_clock_of_which_nobody_knows_how_it_was_left_has_no_forecast_until_it_is_read_again() {
    let mut visits = steady(&[0, 100]);
    visits.push(Visit { left: Left::Unknown, ..visit(200, 20.0, None) });
    assert_eq!(Fit::of(&visits, &Prior::WRITTEN_DOWN, Wander::WRITTEN_DOWN), None);
    visits.push(visit(300, 0.0, None));
    let fit = fit(&visits);
    assert_eq!(causes(&fit), [], "what it shows is no jump: it may have been set");
    assert!((fit.rate().s_per_day - 0.1).abs() < 0.03);
}

/// The rate changes from +0.3 to -0.3 s a day half-way: the errors run in one direction.
#[test]
fn a_clock_that_is_not_what_it_was_is_judged_by_its_later_readings() {
    let mut visits = vec![visit(0, 0.0, None)];
    let mut drift = 0.0;
    for month in 1..=24 {
        drift += if month <= 12 { 9.0 } else { -9.0 };
        visits.push(visit(month * 30, drift, None));
    }
    let fit = fit(&visits);
    assert!(fit.rate().s_per_day < -0.2, "{:?}", fit.rate());
}

/// It loses 0.15 s a day, and somebody set it 90 s ahead: the next visit finds it as it was left.
#[test]
fn a_jump_that_stays_is_no_desks_whose_clock_was_wrong() {
    let visits =
        [visit(0, 0.0, None), visit(200, -30.0, Some(0.0)), visit(400, 60.0, Some(0.0)), visit(765, -54.0, None)];
    let fit = fit(&visits);
    assert!(!causes(&fit).contains(&Cause::HostStep), "{:?}", causes(&fit));
    assert!((fit.rate().s_per_day + 0.15).abs() < 0.05, "{:?}", fit.rate());
}

/// From 0.1 to 0.95 s a day, which is no broken one's rate: it is learned, and the warning comes in time.
#[test]
fn a_rate_that_changes_and_stays_is_learned() {
    let mut visits: Vec<Visit> = (0..8).map(|month| visit(month * 60, 6.0, Some(0.0))).collect();
    visits.extend((8..12).map(|month| visit(month * 60, 57.0, Some(0.0))));
    let fit = fit(&visits);
    assert!(fit.rate().s_per_day > 0.8, "{:?} {:?}", fit.rate(), causes(&fit));
}

#[test]
fn no_readings_have_no_forecast_and_one_has_the_widest() {
    assert_eq!(Fit::of(&[], &Prior::WRITTEN_DOWN, Wander::WRITTEN_DOWN), None);
    let one = fit(&steady(&[0]));
    assert_eq!((one.stretches, one.standing), (0, Standing::Usual));
    // 95 % of crystals gain or lose less than a second a day.
    assert!((one.rate().within - 1.0).abs() < 0.1, "{:?}", one.rate());
}
