//! Every job on a slot, at every APDU that it sends, with every fault: what was said of the slot is true, the record never loses a
//! seed that may be there, and the same command ends right the next time.

use tokentap::emulator::{EmulatedKey, EmulatedMolto2, Fault, FaultKind};
use tokentap::job::{Exit, Failure, SingleWrite, SlotWish, TokenState};
use tokentap::report;

use super::bench::{Bench, Tried, titled};

const OLD: &[u8] = b"the old seed of a sl";
const NEW: &[u8] = b"the new seed of 20 b";

/// What people come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Burn,
    BurnAnew,
    Sync,
    Config,
    Title,
    Clear,
}

const SLOT: u16 = 0;

impl Job {
    fn of<C: Tried>(self, bench: &Bench<C>) -> Result<SingleWrite, Failure> {
        let wish = if C::SERIAL == super::bench::MOLTO {
            titled("New")
        } else {
            SlotWish { enter: Some(false), ..SlotWish::default() }
        };
        match self {
            Self::Burn => bench.burn(SLOT, NEW, wish),
            Self::BurnAnew => {
                let write = bench.burn(SLOT, NEW, wish);
                write.map(|write| SingleWrite { replaces_seed: true, ..write })
            }
            Self::Sync => bench.sync(SLOT),
            Self::Config => bench.config(SLOT, 8),
            Self::Title => bench.title(SLOT, "New"),
            Self::Clear => bench.clear(SLOT),
        }
    }

    /// The seed before and after.
    fn aim(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Burn => (b"", NEW),
            Self::BurnAnew => (OLD, NEW),
            Self::Sync | Self::Config | Self::Title => (OLD, OLD),
            Self::Clear => (OLD, b""),
        }
    }
}

fn begun<C: Tried>(job: Job) -> Bench<C> {
    let mut bench = Bench::<C>::new();
    let (before, _) = job.aim();
    if !before.is_empty() {
        let write = bench.burn(SLOT, before, SlotWish::default());
        bench.run(write, Vec::new()).unwrap();
    }
    bench
}

pub fn all_faults() -> Vec<FaultKind> {
    let answers: [&[u8]; 9] = [
        &[],
        &[0x90],
        &[0x6F, 0x00],
        &[0x6D, 0x00],
        &[0x69, 0x83],
        &[0x6A, 0x80],
        &[0x63, 0xC3],
        &[0x95, 0x1F, 0x90, 0x00],
        &[0xFF; 300],
    ];
    let answers = answers.map(|answer| FaultKind::Answer(answer.to_vec()));
    [FaultKind::LeaveBefore, FaultKind::LeaveAfter, FaultKind::Reset, FaultKind::NoAnswer]
        .into_iter()
        .chain(answers)
        .collect()
}

/// Whether what was said of the seed is borne out by the slot.
fn check_said(name: &str, failure: &Failure, job: Job, held: &[u8]) {
    let (before, after) = job.aim();
    match &failure.state {
        TokenState::Untouched | TokenState::NotReached => assert_eq!(held, before, "{name}: {:?}", failure.problem),
        TokenState::Partial { progress, .. } => {
            use tokentap::device::Carried;
            match (progress.seed, progress.cleared) {
                (Carried::Yes, _) => assert_eq!(held, after, "{name}"),
                (Carried::Unknown, _) => assert!(held == before || held == after || held.is_empty(), "{name}"),
                (Carried::No, _) if job == Job::Clear => assert!(held == before || held == after, "{name}"),
                (Carried::No, Carried::Yes) => assert_eq!(held, b"", "{name}"),
                (Carried::No, Carried::Unknown) => assert!(held == before || held.is_empty(), "{name}"),
                (Carried::No, Carried::No) => assert_eq!(held, before, "{name}: {:?}", failure.problem),
            }
        }
        TokenState::Written { .. } => assert_eq!(held, after, "{name}"),
        other => panic!("{name}: {other:?}"),
    }
    let said = (report::fact(&failure.problem), report::state(&failure.state), report::next(failure));
    assert!(!said.0.is_empty() && !said.1.is_empty() && !said.2.is_empty(), "{name}: {said:?}");
    // It is plugged in: nobody lifts it, or lays it back.
    assert!(!said.2.contains("lay it") && !said.2.contains("take the token off"), "{name}: {}", said.2);
    assert!(!said.1.contains("clock") || name.starts_with("Molto2"), "{name}: a key has no clock: {}", said.1);
}

fn matrix<C: Tried>(family: &str, jobs: &[Job]) -> u32 {
    let mut cells = 0;
    for job in jobs {
        let mut clean = begun::<C>(*job);
        let write = job.of(&clean);
        clean.run(write, Vec::new()).unwrap();
        let apdus = clean.sent;
        assert!(apdus >= 3, "{family} {job:?}");
        for at in 1..=apdus {
            for kind in all_faults() {
                // A device that says 9000, did nothing, and shows a seed before as after cannot be told from one that did.
                let says_done = matches!(&kind, FaultKind::Answer(answer) if answer.ends_with(&[0x90, 0x00]));
                if says_done && *job == Job::BurnAnew {
                    continue;
                }
                let name = format!("{family} {job:?}, APDU {at}, {kind:?}");
                cells += 1;
                let mut bench = begun::<C>(*job);
                let write = job.of(&bench);
                let result = bench.run(write, vec![Fault { at, kind: kind.clone() }]);
                let held = C::held(&bench.state, SLOT);
                bench.check_record(SLOT, &name);
                match &result {
                    Ok(_) => assert_eq!(held, job.aim().1, "{name}: it ended well"),
                    Err(failure) => {
                        check_said(&name, failure, *job, &held);
                        assert_ne!(failure.exit(), Exit::Fault, "{name}: {failure:?}");
                        bench.try_again = failure.problem.is_key_refused();
                    }
                }
                // The same command again.
                let write = job.of(&bench);
                let again = bench.run(write, Vec::new());
                assert!(again.is_ok(), "{name}, again: {again:?}");
                assert_eq!(C::held(&bench.state, SLOT), job.aim().1, "{name}, again");
                bench.check_settled(SLOT, &format!("{name}, again"));
            }
        }
    }
    cells
}

#[test]
fn every_job_on_a_molto2_s_slot_at_every_apdu_with_every_fault_ends_right_the_second_time() {
    let jobs = [Job::Burn, Job::BurnAnew, Job::Sync, Job::Config, Job::Title, Job::Clear];
    let cells = matrix::<EmulatedMolto2>("Molto2", &jobs);
    assert!(cells > 500, "{cells}");
}

#[test]
fn every_job_on_a_key_s_slot_at_every_apdu_with_every_fault_ends_right_the_second_time() {
    let cells = matrix::<EmulatedKey>("HotpKey", &[Job::Burn, Job::BurnAnew, Job::Clear]);
    assert!(cells > 250, "{cells}");
}
