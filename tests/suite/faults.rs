//! Faults in the middle of a job: what is said of the token is true, and running it again ends right.

use tokentap::device::Carried;
use tokentap::emulator::{Fault, FaultKind};
use tokentap::job::{Exit, Kind, SeedFate, TokenState};
use tokentap::report;

use crate::support::{RESTRICTED, UNRESTRICTED, carry_out, link, plan, seed, simulated_clock, token};

const OLD: &[u8] = b"the old seed";
const NEW: &[u8] = b"the new seed of 20 b";

/// A fault at one of the six APDUs of a burn, on a token of either kind.
fn burn_with(serial: &str, at: u32, kind: FaultKind) {
    let world = simulated_clock();
    let name = format!("{serial}, APDU {at}, {kind:?}");
    // Another program's reset, or one lost answer to the first question, is got over.
    let is_got_over = kind == FaultKind::Reset || (kind == FaultKind::NoAnswer && at == 1);
    let mut broken = link(token(serial, OLD, -97.25), &world).with_faults(vec![Fault { at, kind }]);
    let plan = plan(Some(seed(NEW)));
    let result = carry_out(&mut broken, &world, &plan);
    let state = broken.card().state().clone();

    match result {
        Ok(report) => {
            assert!(is_got_over, "{name}");
            assert_eq!((report.seed, state.seed_bytes().as_slice()), (SeedFate::Burned, NEW), "{name}");
            return;
        }
        Err(failure) => {
            let (said, holds) = (&failure.state, state.seed_bytes());
            let is_true = match said {
                TokenState::Untouched => holds == OLD && state.clock == token(serial, OLD, -97.25).clock,
                TokenState::Partial { progress, effect, .. } => {
                    let lost = if effect.erases_seed() { holds.is_empty() } else { holds == OLD };
                    match (progress.config, progress.seed) {
                        (Carried::No, Carried::No) => holds == OLD,
                        (Carried::Unknown, _) => lost || holds == OLD,
                        (Carried::Yes, Carried::No) => lost,
                        (_, Carried::Unknown) => lost || holds == NEW,
                        (_, Carried::Yes) => holds == NEW,
                    }
                }
                _ => false,
            };
            assert!(is_true, "{name}: {said:?}, {holds:?}");
            assert!(
                matches!(failure.exit(), Exit::LinkLost | Exit::Refused | Exit::NotWritable),
                "{name}: {failure:?}"
            );
        }
    }
    // The same command again, on the token as it is now.
    let mut again = link(state, &world);
    carry_out(&mut again, &world, &plan).unwrap();
    assert_eq!(again.card().state().seed_bytes(), NEW, "{name}, again");
}

#[test]
fn whatever_breaks_a_burn_the_state_that_is_told_is_true_and_a_second_run_ends_right() {
    for serial in [UNRESTRICTED, RESTRICTED] {
        for at in 1..=6 {
            burn_with(serial, at, FaultKind::LeaveBefore);
            burn_with(serial, at, FaultKind::LeaveAfter);
            burn_with(serial, at, FaultKind::Reset);
            burn_with(serial, at, FaultKind::NoAnswer);
            for word in [[0x69, 0x83], [0x6A, 0x80], [0x67, 0x00], [0x6D, 0x00], [0x6E, 0x00], [0x63, 0xC2]] {
                burn_with(serial, at, FaultKind::Answer(word.to_vec()));
            }
            for length in [0, 1, 300] {
                burn_with(serial, at, FaultKind::Answer(vec![0x90; length]));
            }
        }
    }
}

#[test]
fn a_sync_of_a_restricted_token_without_its_seed_sends_one_apdu_and_stops() {
    let world = simulated_clock();
    let mut link = link(token(RESTRICTED, OLD, -97.25), &world);
    let failure = carry_out(&mut link, &world, &plan(None)).unwrap_err();
    assert_eq!((failure.kind(), failure.exit()), (Kind::Restricted, Exit::NotWritable));
    assert_eq!((link.commands(), link.card().state().seed_bytes().as_slice()), (1, OLD));
}

#[test]
fn a_refused_answer_is_never_tried_again_in_the_same_contact() {
    let world = simulated_clock();
    let mut state = token(UNRESTRICTED, OLD, 0.0);
    state.key = "00000000000000000000000000000001".to_owned();
    state.lock_after = Some(5);
    let mut link = link(state, &world);
    let failure = carry_out(&mut link, &world, &plan(None)).unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert_eq!((link.commands(), link.card().state().wrong_answers), (4, 1));
    assert!(failure.problem.is_key_refused(), "{failure:?}");
    assert!(report::fact(&failure.problem).contains("6983") && report::next(&failure).contains("lock for good"));
}

#[test]
fn a_token_that_locked_refuses_even_the_right_key() {
    let world = simulated_clock();
    let mut state = token(UNRESTRICTED, OLD, 0.0);
    (state.lock_after, state.wrong_answers) = (Some(3), 3);
    let mut link = link(state, &world);
    assert_eq!(carry_out(&mut link, &world, &plan(None)).unwrap_err().exit(), Exit::Refused);
}

#[test]
fn a_clock_that_is_carried_on_is_right_to_within_a_second() {
    use tokentap::job::ClockPlan;
    for fraction in [0.0, 0.3, 0.6, 0.9] {
        let world = simulated_clock();
        let mut link = link(token(UNRESTRICTED, OLD, -97.0 - fraction), &world);
        let mut plan = plan(None);
        plan.config.as_mut().unwrap().clock = ClockPlan::CarryOn;
        carry_out(&mut link, &world, &plan).unwrap();
        let moved = link.card().drift_s() + 97.0 + fraction;
        assert!(moved.abs() <= 1.0, "{fraction}: moved by {moved}");
    }
}

#[test]
fn a_host_clock_that_failed_programs_nothing() {
    use tokentap::time::SimulatedClock;
    for seconds in [0, 1_577_836_799, 4_294_967_296] {
        let world = SimulatedClock::new(chrono::DateTime::from_timestamp(seconds, 0).unwrap());
        let mut link = link(token(UNRESTRICTED, OLD, 0.0), &world);
        let failure = carry_out(&mut link, &world, &plan(Some(seed(NEW)))).unwrap_err();
        assert_eq!(failure.exit(), Exit::HostClock, "{seconds}");
        assert_eq!((link.commands(), link.card().state().seed_bytes().as_slice()), (1, OLD), "{seconds}");
    }
}

/// Fails the second config write of a contact in one way or another.
struct SecondWrite {
    inner: tokentap::emulator::EmulatedLink,
    writes: u32,
    kind: FaultKind,
}

impl tokentap::link::Link for SecondWrite {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, tokentap::link::LinkError> {
        use tokentap::link::{LinkError, LinkFault};
        self.writes += u32::from(command[1] == 0xD4);
        if command[1] != 0xD4 || self.writes != 2 {
            return self.inner.transmit(command);
        }
        match &self.kind {
            FaultKind::Answer(bytes) => Ok(bytes.clone()),
            FaultKind::LeaveBefore => Err(LinkError::new(LinkFault::Removed, "gone")),
            _ => {
                self.inner.transmit(command)?;
                Err(LinkError::new(LinkFault::Removed, "gone"))
            }
        }
    }

    fn hold(&mut self) -> Result<(), tokentap::link::LinkError> {
        self.inner.hold()
    }

    fn reset(&mut self) -> Result<(), tokentap::link::LinkError> {
        self.inner.reset()
    }

    fn close(&mut self) {
        self.inner.close();
    }
}

#[test]
fn when_the_second_clock_write_of_a_fine_burn_fails_the_state_that_is_told_is_true() {
    use tokentap::emulator::TokenClock;
    for serial in [UNRESTRICTED, RESTRICTED] {
        for kind in [FaultKind::LeaveBefore, FaultKind::LeaveAfter, FaultKind::Answer(vec![0x6A, 0x80])] {
            let world = simulated_clock();
            let mut state = token(serial, OLD, 0.0);
            // Its phase is three quarters of a second off and stays so: a second write is worth it.
            state.clock = TokenClock::new(crate::support::NOW_NS, -97.25, 0.0, true);
            let name = format!("{serial}, {kind:?}");
            let mut broken = SecondWrite { inner: link(state, &world), writes: 0, kind };
            let mut plan = plan(Some(seed(NEW)));
            plan.fine = true;
            let failure = carry_out(&mut broken, &world, &plan).unwrap_err();
            assert_eq!(broken.writes, 2, "{name}");
            let (said, holds) = (&failure.state, broken.inner.card().state().seed_bytes());
            let TokenState::Partial { progress, .. } = said else { panic!("{name}: {said:?}") };
            assert_eq!((progress.config, progress.seed), (Carried::Yes, Carried::Yes), "{name}");
            if progress.correction == Some(Carried::Unknown) && serial == RESTRICTED {
                assert!(holds.is_empty() || holds == NEW, "{name}: {said:?}");
            } else {
                assert_eq!(holds, NEW, "{name}: {said:?}");
            }
            let mut again = link(broken.inner.card().state().clone(), &world);
            carry_out(&mut again, &world, &plan).unwrap();
            assert_eq!(again.card().state().seed_bytes(), NEW, "{name}, again");
        }
    }
}

#[test]
fn a_reset_at_the_seed_of_a_conditional_sync_does_not_end_as_within_bounds() {
    let world = simulated_clock();
    let faults = vec![Fault { at: 5, kind: FaultKind::Reset }];
    let mut link = link(token(RESTRICTED, OLD, -97.25), &world).with_faults(faults);
    let mut plan = plan(Some(seed(NEW)));
    plan.if_drift_over = Some(2.0);
    let report = carry_out(&mut link, &world, &plan).unwrap();
    assert_eq!((report.seed, link.card().state().seed_bytes().as_slice()), (SeedFate::Burned, NEW));
    assert!((report.drift.unwrap().before.middle_s() + 97.25).abs() < 1.0, "{:?}", report.drift.unwrap().before);
}

#[test]
fn a_restricted_token_within_bounds_is_left_alone_also_without_its_seed() {
    use tokentap::job::Effect;
    let world = simulated_clock();
    let mut link = link(token(RESTRICTED, OLD, -97.25), &world);
    let mut plan = plan(None);
    plan.if_drift_over = Some(200.0);
    let report = carry_out(&mut link, &world, &plan).unwrap();
    assert_eq!((report.outcome, link.commands()), (Effect::Within, 1));
    plan.if_drift_over = Some(2.0);
    assert_eq!(carry_out(&mut link, &world, &plan).unwrap_err().kind(), Kind::Restricted);
    assert_eq!(link.card().state().seed_bytes(), OLD);
}
