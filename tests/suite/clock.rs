//! The clock, in simulated time: whatever happens, the stated interval contains the true drift.

use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;
use tokentap::clock::{Drift, Estimator, Method, Reading, SCAN_APDUS, SCAN_LIMIT, Seen};
use tokentap::device::token2::NfcToken;
use tokentap::emulator::{CardState, EmulatedLink, Fault, FaultKind, TokenClock};
use tokentap::job::{Exit, Failure, Guard, Kind, ReadOutcome, WriteOutcome, read};
use tokentap::link::{Link, LinkError};
use tokentap::time::{HostClock, SimulatedClock};

use crate::support::{NOW_NS, RESTRICTED, UNRESTRICTED, carry_out, link, plan, seed, simulated_clock, token};

/// A link on which every command and every answer takes a time of its own, and the world may change in between.
struct Slow<'a> {
    inner: EmulatedLink,
    clock: &'a SimulatedClock,
    /// There and back, in microseconds, used in turn.
    delays: Vec<(u64, u64)>,
    sent: usize,
    /// Steps the wall clock by so many seconds before the command of this number.
    step_wall: Option<(usize, i64)>,
}

impl<'a> Slow<'a> {
    fn new(inner: EmulatedLink, clock: &'a SimulatedClock, delays: Vec<(u64, u64)>) -> Self {
        Self { inner, clock, delays, sent: 0, step_wall: None }
    }

    fn true_drift_s(&self) -> f64 {
        self.inner.card().drift_s()
    }
}

impl Link for Slow<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let (there, back) = self.delays[self.sent % self.delays.len()];
        self.sent += 1;
        if let Some((_, seconds)) = self.step_wall.take_if(|(at, _)| *at == self.sent) {
            self.clock.step_wall(TimeDelta::seconds(seconds));
        }
        self.clock.advance(Duration::from_micros(there));
        let reply = self.inner.transmit(command);
        self.clock.advance(Duration::from_micros(back));
        reply
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        self.inner.hold()
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.inner.reset()
    }

    fn close(&mut self) {
        self.inner.close();
    }
}

fn contains(drift: Drift, truth_s: f64) -> bool {
    // Beyond floating-point rounding, nothing is granted.
    (drift.middle_s() - truth_s).abs() <= drift.resolution_s() + 1e-6
}

/// A token whose clock is `drift_s` ahead and runs `ppm` too fast.
fn drifting(drift_s: f64, ppm: f64, free_running: bool) -> CardState {
    let mut state = token(UNRESTRICTED, b"a seed", 0.0);
    state.clock = TokenClock::new(NOW_NS, drift_s, ppm, free_running);
    state
}

/// Latencies from 0 to 30 ms, split unevenly between the two ways, with jitter.
fn latencies() -> impl Strategy<Value = Vec<(u64, u64)>> {
    (0_u64..30_000, 0.0..=1.0_f64, prop::collection::vec(0_u64..3_000, 1..40)).prop_map(|(trip, split, jitter)| {
        jitter
            .iter()
            .map(|extra| ((trip as f64 * split) as u64 + extra / 2, (trip as f64 * (1.0 - split)) as u64 + extra / 2))
            .collect()
    })
}

fn precise(slow: &mut Slow<'_>) -> Result<ReadOutcome, Failure> {
    let clock = slow.clock;
    read(&mut NfcToken(slow), clock, &Guard::default(), true)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_fine_reading_contains_the_true_drift_whatever_phase_rate_and_latency(
        drift in prop_oneof![-10_800.0..10_800.0_f64, -600.0..600.0_f64, -3.0..3.0_f64],
        ppm in -100.0..100.0_f64,
        delays in latencies(),
    ) {
        let world = simulated_clock();
        let mut slow = Slow::new(link(drifting(drift, ppm, false), &world), &world, delays.clone());
        let began = world.now().monotonic;
        let report = precise(&mut slow).unwrap();
        let took = world.now().monotonic - began;
        prop_assert!(contains(report.drift.unwrap(), slow.true_drift_s()), "{} is not in {:?}", slow.true_drift_s(), report.drift);
        prop_assert_eq!(report.drift.unwrap().method(), Method::Tick);
        prop_assert!(slow.sent <= 1 + SCAN_APDUS as usize);
        let longest = delays.iter().map(|(there, back)| there + back).max().unwrap();
        prop_assert!(took <= SCAN_LIMIT + Duration::from_micros(2 * longest), "{:?}", took);
    }

    #[test]
    fn with_a_round_trip_of_5_ms_it_is_within_25_ms(drift in -100.0..100.0_f64, there in 0_u64..=5_000) {
        let world = simulated_clock();
        let mut slow = Slow::new(link(drifting(drift, 12.0, false), &world), &world, vec![(there, 5_000 - there)]);
        let report = precise(&mut slow).unwrap();
        prop_assert!(report.drift.unwrap().resolution_s() < 0.025, "{:?}", report.drift);
        prop_assert!(contains(report.drift.unwrap(), slow.true_drift_s()));
    }

    #[test]
    fn a_late_answer_and_a_lost_one_widen_it_and_do_not_make_it_lie(
        drift in -100.0..100.0_f64,
        late_at in 1_usize..80,
        lost_at in 2_u32..80,
    ) {
        let world = simulated_clock();
        let mut delays = vec![(1_500, 1_500); 90];
        delays[late_at] = (1_500, 31_500);
        let token = link(drifting(drift, 0.0, false), &world).with_faults(vec![Fault { at: lost_at, kind: FaultKind::NoAnswer }]);
        let mut slow = Slow::new(token, &world, delays);
        let report = precise(&mut slow).unwrap();
        prop_assert!(contains(report.drift.unwrap(), slow.true_drift_s()));
    }

    #[test]
    fn a_clock_that_jumps_between_two_polls_is_noticed(
        phase in 0.0..1.0_f64,
        jump in prop_oneof![-100.0..-1.0_f64, 2.0..100.0_f64],
        at in 1_usize..60,
    ) {
        // Readings every 13.5 ms of an exact clock that is set in between.
        let world = simulated_clock();
        let mut true_drift = phase;
        let mut estimator: Option<Estimator> = None;
        let mut jumped = false;
        for poll in 0..160 {
            let before = world.now();
            world.advance(Duration::from_millis(1));
            if poll == at {
                true_drift += jump;
            }
            let shows = before.wall.timestamp_nanos_opt().unwrap() as f64 / 1e9 + 0.001 + true_drift;
            world.advance(Duration::from_millis(1));
            let reading = Reading { before, after: world.now(), token: shows.floor() as u32 };
            match &mut estimator {
                None => estimator = Some(Estimator::new(&reading)),
                Some(estimator) => jumped |= estimator.add(&reading) == Seen::Jump,
            }
            world.advance(Duration::from_micros(11_500));
        }
        prop_assert!(jumped);
        let drift = estimator.unwrap().drift();
        prop_assert!(contains(drift, true_drift), "{true_drift} is not in {drift:?}");
    }
}

/// A fine sync of a token with these properties, and the token's true drift when the job ended.
fn fine_sync(state: CardState, delays: Vec<(u64, u64)>) -> (WriteOutcome, f64, Duration, usize) {
    let world = simulated_clock();
    let mut slow = Slow::new(link(state, &world), &world, delays);
    let mut plan = plan(None);
    plan.fine = true;
    let began = world.now().monotonic;
    let report = carry_out(&mut slow, &world, &plan).unwrap();
    (report, slow.true_drift_s(), world.now().monotonic - began, slow.sent)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_clock_that_restarts_is_set_to_within_20_ms_in_time(
        drift in prop_oneof![-10_800.0..10_800.0_f64, -600.0..600.0_f64, -3.0..3.0_f64],
        delays in latencies(),
    ) {
        let (report, truth, took, _) = fine_sync(drifting(drift, 0.0, false), delays);
        prop_assert!(truth.abs() <= 0.020, "off by {truth}");
        prop_assert!(report.drift.unwrap().after.resolution_s() <= 0.045, "{:?}", report.drift.unwrap().after);
        prop_assert!(contains(report.drift.unwrap().before, drift), "{:?}", report.drift.unwrap().before);
        prop_assert!(contains(report.drift.unwrap().after, truth), "{truth} is not in {:?}", report.drift.unwrap().after);
        prop_assert!(took <= Duration::from_millis(3600), "{took:?}");
    }

    #[test]
    fn a_clock_that_keeps_its_phase_is_set_to_within_half_a_second(
        drift in prop_oneof![-10_800.0..10_800.0_f64, -600.0..600.0_f64, -3.0..3.0_f64],
        delays in latencies(),
    ) {
        let (report, truth, took, _) = fine_sync(drifting(drift, 0.0, true), delays);
        let resolution = report.drift.unwrap().after.resolution_s();
        prop_assert!(truth.abs() <= 0.5 + resolution, "off by {truth}");
        prop_assert!(contains(report.drift.unwrap().after, truth), "{truth} is not in {:?}", report.drift.unwrap().after);
        prop_assert!(took <= Duration::from_millis(5800), "{took:?}");
        // The proof is as fine as a scan, also where the tick did not come where it was expected.
        prop_assert!(resolution <= 0.045, "{:?}", report.drift.unwrap().after);
        // What is off by more than any doubt cannot be put down to a restart.
        prop_assert!(report.keeps_phase || truth.abs() < 0.15, "off by {truth} without a word");
    }
}

#[test]
fn a_write_that_takes_effect_late_is_allowed_for_with_a_second_one() {
    // Flash that takes 180 ms: info is quick, so the first write comes late, and the second knows.
    struct Flash<'a>(Slow<'a>);
    impl Link for Flash<'_> {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
            if command[1] == 0xD4 {
                self.0.clock.advance(Duration::from_millis(180));
            }
            self.0.transmit(command)
        }
        fn hold(&mut self) -> Result<(), LinkError> {
            self.0.hold()
        }
        fn reset(&mut self) -> Result<(), LinkError> {
            self.0.reset()
        }

        fn close(&mut self) {
            self.0.close();
        }
    }
    let world = simulated_clock();
    let mut slow = Flash(Slow::new(link(drifting(-97.25, 0.0, false), &world), &world, vec![(500, 500)]));
    let mut plan = plan(None);
    plan.fine = true;
    let report = carry_out(&mut slow, &world, &plan).unwrap();
    assert!(slow.0.true_drift_s().abs() < 0.010, "{}", slow.0.true_drift_s());
    assert!(contains(report.drift.unwrap().after, slow.0.true_drift_s()) && !report.keeps_phase);
}

#[test]
fn a_restricted_token_is_set_finely_and_ends_with_its_seed_even_if_it_is_written_twice() {
    for free_running in [false, true] {
        for drift in [-97.25, -97.75] {
            let world = simulated_clock();
            let mut state = token(RESTRICTED, b"old", 0.0);
            state.clock = TokenClock::new(NOW_NS, drift, 0.0, free_running);
            let mut slow = Slow::new(link(state, &world), &world, vec![(500, 500)]);
            let mut plan = plan(Some(seed(b"the new seed")));
            plan.fine = true;
            let report = carry_out(&mut slow, &world, &plan).unwrap();
            assert_eq!(slow.inner.card().state().seed_bytes(), b"the new seed", "{free_running}, {drift}");
            assert!(slow.true_drift_s().abs() <= 0.5 && contains(report.drift.unwrap().after, slow.true_drift_s()));
        }
    }
}

#[test]
fn a_clock_that_stands_still_is_read_in_whole_seconds_within_the_limits() {
    let world = simulated_clock();
    let mut slow = Slow::new(link(drifting(-5.0, -1_000_000.0, false), &world), &world, vec![(500, 500)]);
    let report = precise(&mut slow).unwrap();
    assert_eq!(report.drift.unwrap().method(), Method::WholeSeconds);
    assert!(slow.sent <= 1 + SCAN_APDUS as usize, "{}", slow.sent);
    assert!(
        contains(report.drift.unwrap(), slow.true_drift_s()),
        "{} is not in {:?}",
        slow.true_drift_s(),
        report.drift
    );
}

#[test]
fn a_host_clock_that_is_stepped_during_a_reading_is_noticed_and_the_token_read_again() {
    for seconds in [-5, 3600] {
        let world = simulated_clock();
        let mut slow = Slow::new(link(drifting(-97.25, 0.0, false), &world), &world, vec![(500, 500)]);
        slow.step_wall = Some((10, seconds));
        let report = precise(&mut slow).unwrap();
        assert_eq!(report.host_jumped, Some(TimeDelta::seconds(seconds)));
        // The emulated token knows the true time; the host is now wrong by the step.
        assert!(contains(report.drift.unwrap(), -97.25 - seconds as f64), "{:?}", report.drift);
    }
}

#[test]
fn a_host_clock_that_is_stepped_during_a_sync_is_never_reported_as_a_good_one() {
    // At every message: of a clock that is far off, which is set at once, and of one whose tick is waited for first.
    for (drift, at) in [-97.25, -1.25].into_iter().flat_map(|drift| (2..120).map(move |at| (drift, at))) {
        let world = simulated_clock();
        let mut slow = Slow::new(link(drifting(drift, 0.0, false), &world), &world, vec![(500, 500)]);
        slow.step_wall = Some((at, 3600));
        let mut plan = plan(None);
        plan.fine = true;
        match carry_out(&mut slow, &world, &plan) {
            Ok(_) if slow.sent < at => {}
            Ok(report) => {
                assert_eq!(report.host_jumped, Some(TimeDelta::seconds(3600)), "{at}");
                assert!(
                    contains(report.drift.unwrap().after, slow.true_drift_s() - 3600.0),
                    "{at}: {:?}",
                    report.drift.unwrap().after
                );
            }
            Err(failure) => assert_eq!(failure.exit(), Exit::HostClock, "{at}: {failure:?}"),
        }
    }
}

/// Half a second is plenty for the rate over weeks: the tick of a clock that is surely off is not waited for.
#[test]
fn a_clock_that_is_surely_off_is_set_within_1_700_ms_at_the_median_and_as_well_as_one_whose_tick_is_waited_for() {
    let median = |drift: f64| {
        let mut times = Vec::new();
        for (host, token) in (0..20).flat_map(|host| (0..20).map(move |token| (host, token))) {
            let world = simulated_clock();
            world.advance(Duration::from_millis(50 * host));
            let state = drifting(drift + f64::from(token) * 0.05, 0.0, false);
            let mut slow = Slow::new(link(state, &world), &world, vec![(1_000, 1_000), (3_000, 2_000)]);
            let began = world.now().monotonic;
            let fine = tokentap::job::WritePlan { fine: true, ..plan(None) };
            let report = carry_out(&mut slow, &world, &fine).unwrap();
            let truth = slow.true_drift_s();
            assert!(truth.abs() <= 0.020 && contains(report.drift.unwrap().after, truth), "{truth}");
            times.push(world.now().monotonic - began);
        }
        times.sort();
        times[times.len() / 2]
    };
    let (sure, waited_for) = (median(-97.0), median(-1.5));
    println!("{sure:?}, {waited_for:?}");
    assert!(
        sure <= Duration::from_millis(1_700) && waited_for > sure + Duration::from_millis(300),
        "{sure:?}, {waited_for:?}"
    );
}

#[test]
fn a_clock_that_stands_still_and_is_surely_off_is_found_by_setting_it() {
    let world = simulated_clock();
    let mut state = stopped(UNRESTRICTED);
    state.clock = TokenClock::new(NOW_NS, -97.0, -1e6, false);
    let mut slow = Slow::new(link(state, &world), &world, vec![(1_000, 1_000)]);
    let fine = tokentap::job::WritePlan { fine: true, ..plan(None) };
    let failure = carry_out(&mut slow, &world, &fine).unwrap_err();
    assert_eq!((failure.exit(), failure.kind()), (Exit::Wrong, Kind::ClockStopped), "{failure:?}");
}

/// A token whose clock shows one second for ever.
fn stopped(serial: &str) -> CardState {
    let mut state = token(serial, b"a seed", 0.0);
    state.clock = TokenClock::new(NOW_NS, 0.2, -1e6, false);
    state
}

#[test]
fn a_clock_that_stands_still_is_found_by_reading_and_by_setting_it_on_fast_and_slow_readers() {
    for trip in [0, 5_000, 200_000, 400_000] {
        let world = simulated_clock();
        let mut slow = Slow::new(link(stopped(UNRESTRICTED), &world), &world, vec![(trip / 2, trip / 2)]);
        let report = precise(&mut slow).unwrap();
        assert!(report.stands_still, "{trip}: {:?}", report.drift);
        // One reading says half a second and half of its round trip: together they say no more of a clock that stands.
        assert!(report.drift.unwrap().resolution_s() >= 0.5 + trip as f64 / 2e6, "{trip}: {:?}", report.drift);
        assert!(contains(report.drift.unwrap(), slow.true_drift_s()), "{trip}");

        let mut slow = Slow::new(link(stopped(UNRESTRICTED), &world), &world, vec![(trip / 2, trip / 2)]);
        // A clock that happens to show the right second is not right.
        let fine = tokentap::job::WritePlan { fine: true, if_drift_over: Some(5.0), ..plan(None) };
        let failure = carry_out(&mut slow, &world, &fine).unwrap_err();
        assert_eq!((failure.exit(), failure.kind()), (Exit::Wrong, Kind::ClockStopped), "{trip}: {failure:?}");
    }
}

#[test]
fn a_clock_that_runs_is_never_said_to_stand_still() {
    for (phase, trip) in (0..20).flat_map(|phase| [0, 5_000, 200_000, 600_000].map(|trip| (phase, trip))) {
        let world = simulated_clock();
        let state = drifting(f64::from(phase) * 0.05, -200.0, false);
        let mut slow = Slow::new(link(state, &world), &world, vec![(trip / 2, trip / 2)]);
        assert!(!precise(&mut slow).unwrap().stands_still, "{phase}, {trip}");
    }
}

#[test]
fn a_reader_that_is_merely_slow_makes_no_clock_one_that_keeps_its_phase() {
    for phase in 0..20 {
        let world = simulated_clock();
        let state = drifting(-97.0 - f64::from(phase) * 0.05, 0.0, false);
        let mut slow = Slow::new(link(state, &world), &world, vec![(100_000, 100_000)]);
        let fine = tokentap::job::WritePlan { fine: true, ..plan(None) };
        let report = carry_out(&mut slow, &world, &fine).unwrap();
        assert!(!report.keeps_phase, "{phase}: {:?}", report.drift.unwrap().after);
        assert!(
            contains(report.drift.unwrap().after, slow.true_drift_s()) && slow.true_drift_s().abs() < 0.3,
            "{phase}: {:?}",
            report
        );
    }
}

#[test]
fn a_write_that_is_late_by_chance_is_mended_and_the_correction_not_left_too_large() {
    let world = simulated_clock();
    let trip = (500, 500);
    for late_by in [200_000, 500_000, 901_000] {
        let inner = link(drifting(-97.25, 0.0, false), &world);
        let mut late = LateWrite { slow: Slow::new(inner, &world, vec![trip]), clock: &world, late_by: Some(late_by) };
        let fine = tokentap::job::WritePlan { fine: true, ..plan(None) };
        let report = carry_out(&mut late, &world, &fine).unwrap();
        let truth = late.slow.true_drift_s();
        assert!(truth.abs() < 0.06, "{late_by}: {truth} {:?}", report.drift.unwrap().after);
    }
}

/// A link whose first write takes effect late.
struct LateWrite<'a> {
    slow: Slow<'a>,
    clock: &'a SimulatedClock,
    late_by: Option<u64>,
}

impl Link for LateWrite<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        if command.starts_with(&[0x84, 0xD4])
            && let Some(late_by) = self.late_by.take()
        {
            self.clock.advance(Duration::from_micros(late_by));
        }
        self.slow.transmit(command)
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        self.slow.hold()
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.slow.reset()
    }

    fn close(&mut self) {
        self.slow.close();
    }
}
