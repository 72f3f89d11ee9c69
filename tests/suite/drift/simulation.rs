//! A simulated fleet. What it assumes of crystals and people is invented, and said here:
//!
//! * the constant rate of a token is normal about that of its model (-2 ppm or +1 ppm), with 4 ppm;
//! * 3 % are broken: their rate is normal about 0 with 60 ppm, and changes by 10 ppm a month;
//! * temperature acts as on a 32 kHz tuning fork, -0.035 ppm/K² about 25 °C (the usual value of their data sheets), at 22 ± 2 °C with 2 to 5 K of
//!   season and 2 K of weekly weather;
//! * ageing is a random walk of 0.7 ppm a year;
//! * a token is visited 1 to 8 times, 1 to 300 days apart; half of the visits set its clock, a third read whole seconds only;
//! * hosts are right to 0.1 s; 5 % of the tokens are set by another hand once, by up to ten minutes.

use chrono::{TimeDelta, TimeZone, Utc};
use tokentap::drift::{Bounded, History, Left, PPM, Visit};
use tokentap::inventory::{Deed, Entry, Event, Measured, Outcome, SlotKey, Station, TokenChange};
use tokentap::time::UnixTime;

use crate::support::Dice;

/// How long a token is followed after its last visit, in days.
pub const FOLLOWED: usize = 900;

/// A token whose truth is known.
pub struct Simulated {
    /// What a desk has seen of it.
    pub history: History,
    /// Its drift at the last visit and on each day after it, if nobody touches it, in seconds.
    pub truth: Vec<f64>,
}

pub fn start() -> UnixTime {
    Utc.with_ymd_and_hms(2020, 1, 1, 9, 0, 0).unwrap()
}

/// A number from 0 to 1.
pub fn even(random: &mut Dice) -> f64 {
    random.below(1 << 30) as f64 / f64::from(1 << 30)
}

/// A number of a normal distribution (Box and Muller, 1958).
pub fn normal(random: &mut Dice) -> f64 {
    let (one, other) = (1.0 - even(random), even(random));
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
}

struct Crystal {
    rate: f64,
    ageing: f64,
    at: f64,
    season: f64,
    phase: f64,
    weather: f64,
}

impl Crystal {
    fn of(random: &mut Dice, model: usize, is_broken: bool) -> Self {
        let usual = if model == 0 { -2.0 } else { 1.0 } + 4.0 * normal(random);
        let rate = if is_broken { 60.0 * normal(random) } else { usual };
        Self {
            rate: rate * PPM,
            ageing: if is_broken { 10.0 / 30.0_f64.sqrt() } else { 0.7 / 365.25_f64.sqrt() } * PPM,
            at: 22.0 + 2.0 * normal(random),
            season: 2.0 + 3.0 * even(random),
            phase: std::f64::consts::TAU * even(random),
            weather: 0.0,
        }
    }

    /// What the clock gains on a day.
    fn day(&mut self, day: usize, random: &mut Dice) -> f64 {
        self.rate += self.ageing * normal(random);
        // Weather is forgotten over a week.
        self.weather = self.weather * 0.867 + 2.0 * (1.0_f64 - 0.867 * 0.867).sqrt() * normal(random);
        let season = self.season * (std::f64::consts::TAU * day as f64 / 365.25 + self.phase).sin();
        let apart = self.at + season + self.weather - 25.0;
        self.rate - 0.035 * apart * apart * PPM
    }
}

/// A token with so many visits, or as many as chance says.
pub fn token(random: &mut Dice, visits: Option<usize>) -> Simulated {
    token_followed(random, visits, FOLLOWED)
}

/// The same, followed for so many days after its last visit.
pub fn token_followed(random: &mut Dice, visits: Option<usize>, followed: usize) -> Simulated {
    let model = random.below(2);
    let is_broken = even(random) < 0.03;
    let was_set = even(random) < 0.05;
    let mut crystal = Crystal::of(random, model as usize, is_broken);
    let count = visits.unwrap_or(1 + random.below(8) as usize);
    let set_before = 1 + random.below(count.max(2) as u64 - 1) as usize;
    let (mut day, mut drift, mut seen) = (0, normal(random), Vec::new());
    for index in 0..count {
        if index > 0 {
            for _ in 0..1 + random.below(300) {
                drift += crystal.day(day, random);
                day += 1;
            }
            if was_set && index == set_before {
                drift = if even(random) < 0.5 { normal(random) } else { 600.0 * (2.0 * even(random) - 1.0) };
            }
        }
        let read = |drift: f64, random: &mut Dice| {
            let within_s = if even(random) < 1.0 / 3.0 { 0.51 } else { 0.02 };
            let error = within_s * (2.0 * even(random) - 1.0) + 0.1 * normal(random);
            Bounded { drift_s: drift + error, within_s }
        };
        let found = Some(read(drift, random));
        let left = if even(random) < 0.5 {
            drift = 0.05 * normal(random);
            Left::Set(read(drift, random))
        } else {
            Left::AsFound
        };
        let desk = ["front", "back"][random.below(2) as usize].into();
        seen.push(Visit { at: start() + TimeDelta::days(day as i64), desk, found, left, is_burned: false });
    }
    let mut truth = vec![drift];
    for day in day..day + followed {
        drift += crystal.day(day, random);
        truth.push(drift);
    }
    let model = Some(["OTPC-P1-i", "C302-i"][model as usize].to_owned());
    Simulated { history: History { model, is_emulated: false, visits: seen }, truth }
}

pub fn fleet(random: &mut Dice, count: usize) -> Vec<Simulated> {
    (0..count).map(|_| token(random, None)).collect()
}

/// A visit as the inventory keeps it.
pub fn entry(serial: &str, job: i64, visit: &Visit, at: UnixTime, model: Option<&str>) -> Entry {
    let measured = |read: Bounded| Measured { drift_s: read.drift_s, resolution_s: read.within_s };
    let after = match visit.left {
        Left::Set(set) => Some(measured(set)),
        _ => None,
    };
    let event = Event {
        at,
        job,
        station: Station { desk: visit.desk.to_string(), operator: "ada".to_owned(), reader: None },
        serial: Some(serial.to_owned()),
        slot: 0,
        deed: match after {
            _ if visit.is_burned => Deed::Burn,
            Some(_) => Deed::Sync,
            None => Deed::Info,
        },
        outcome: Outcome::Done,
        before: visit.found.map(measured),
        after,
        state: None,
        detail: None,
    };
    let token = TokenChange {
        model: model.map(str::to_owned),
        seen: Some(at),
        drift: after.or(event.before),
        synced: after.is_some(),
        ..TokenChange::of(SlotKey::only(serial))
    };
    Entry { event, token: Some(token), row: None }
}
