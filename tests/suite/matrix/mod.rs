//! Every job, at every APDU that it sends, with everything that can go wrong there: what the token holds then, what was
//! said of it, the exit code, and that the same command ends right. `docs/faults.md` is this table, printed.

mod fault;
mod job;
mod page;
mod truth;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use tokentap::device::Progress;
use tokentap::device::families::{model_of, usual};
use tokentap::device::{Info, Serial};
use tokentap::emulator::CardState;
use tokentap::iso7816::StatusWord;
use tokentap::job::{Again, BrokenLink, Exit, Failure, Kind, Mistaken, Problem, Refusal, Stranger};
use tokentap::report;

use fault::{At, Fault, Log, Shared, Step};
use job::{Bench, End, Job, NEW};
use page::{Ending, Section};
use truth::{Holds, Truth};

use crate::support::Dice;

fn state(token: &Shared) -> CardState {
    token.lock().unwrap().card().state().clone()
}

/// One cell: a job on a token of one kind, with a fault at one APDU.
struct Cell {
    job: Job,
    restricted: bool,
    at: usize,
    fault: Fault,
    /// Whether a second fault is tried after it.
    twice: bool,
}

/// How a cell ended.
struct Outcome {
    step: Step,
    end: End,
    truth: Truth,
    again: String,
}

impl Cell {
    fn name(&self) -> String {
        let kind = if self.restricted { "restricted" } else { "unrestricted" };
        format!("{:?}, {kind}, APDU {}, {:?}", self.job, self.at, self.fault)
    }

    /// Runs it, holds what was said against the token, and runs the same command again.
    fn run(&self) -> Outcome {
        let name = self.name();
        let bench = Bench::new(self.job, self.restricted);
        let (before, other_before) = (state(&bench.token), state(&bench.other));
        let (log, end) = bench.run(Some((At::Number(self.at), self.fault.clone())));
        let step = log.0[self.at - 1];
        let truth = Truth::of(&before, &state(&bench.token));
        let aim = Truth::aim(self.job, self.restricted);

        // Where the first token had not said who it is, the other one is the only one of this contact.
        let was_taken_for_it = self.fault == Fault::AnotherBack && self.at == 1 && end.failure.is_none();
        if was_taken_for_it {
            assert_eq!(truth, Truth { config: false, seed: Holds::Old }, "{name}");
            let seed = if self.job.seed(false) == Some(NEW) { Holds::New } else { Holds::Old };
            let other = Truth::of(&other_before, &state(&bench.other));
            assert_eq!(other, Truth { config: self.job.has_config(), seed }, "{name}: the other token");
        } else {
            assert_eq!(state(&bench.other), other_before, "{name}: the other token was written");
        }
        match &end.failure {
            Some(failure) => self.check_failure(failure, truth, &end),
            None if was_taken_for_it => {}
            None => {
                assert_eq!(truth, aim, "{name}: it ended well");
                self.check_drift(&bench, &end);
            }
        }
        if truth.config {
            let is_late = self.fault == Fault::LateThere && matches!(step, Step::Config | Step::SecondConfig);
            self.check_written(&bench, if is_late { 6.0 } else { 1.01 });
        }
        let again = if was_taken_for_it && self.job == Job::BatchRow {
            // The row is burned: the first token gets the next one.
            assert_eq!(state(&bench.other).seed_bytes(), NEW, "{name}");
            let (log, end) = bench.run(None);
            assert_eq!((log.writes(), end.exit), ((false, false), 0), "{name}, again");
            "leaves it alone: the other token has the row".to_owned()
        } else {
            self.run_again(&bench, end.failure.as_ref().is_some_and(|failure| failure.problem.is_key_refused()))
        };
        if self.twice && !was_taken_for_it {
            self.run_twice_wrong();
        }
        Outcome { step, end, truth, again }
    }

    /// The same, and then a second time with the token leaving at the challenge: the third run ends right.
    fn run_twice_wrong(&self) {
        let bench = Bench::new(self.job, self.restricted);
        let (_, first) = bench.run(Some((At::Number(self.at), self.fault.clone())));
        bench.run(Some((At::First(Step::Challenge), Fault::LostBefore)));
        self.run_again(&bench, first.failure.is_some_and(|failure| failure.problem.is_key_refused()));
    }

    fn check_failure(&self, failure: &Failure, truth: Truth, end: &End) {
        let name = self.name();
        let aim = Truth::aim(self.job, self.restricted);
        let is_true = truth.bears_out(&failure.state, self.job.seed(self.restricted), aim);
        assert!(is_true, "{name}: {truth:?}, {failure:?}");
        // Each kind has its exit code; what is broken off in the middle of writing is an incomplete job.
        let has_begun = failure.written != Progress::default();
        let wanted = match failure.kind() {
            Kind::LinkLost | Kind::NotAwake => Exit::LinkLost,
            Kind::Refused => Exit::Refused,
            Kind::Garbled | Kind::TokenSwapped if has_begun => Exit::LinkLost,
            Kind::BadReply | Kind::NotAToken | Kind::WrongToken if !has_begun => Exit::NotWritable,
            Kind::Drift => Exit::Wrong,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(failure.exit(), wanted, "{name}: {failure:?}");
        match self.job {
            // Its row is burned, and only the reading at the end is missing: nothing is left to do.
            Job::BatchRow => assert!(end.exit == 10 || truth == aim, "{name}"),
            // What could not say who it is cannot be counted as undone: it may be back already.
            Job::DeskVisit => assert_eq!(end.exit == 0, self.at == 1, "{name}"),
            _ => assert_ne!(end.exit, 0, "{name}"),
        }
        assert!(!report::fact(&failure.problem).is_empty() && !report::next(failure).is_empty(), "{name}: {failure:?}");
    }

    /// The drift that was told holds the true one, unless the token lied about its clock.
    fn check_drift(&self, bench: &Bench, end: &End) {
        let Some(told) = end.drift.filter(|_| self.fault != Fault::ClockBack) else { return };
        let truth = bench.token.lock().unwrap().card().drift_s();
        let off = (told.middle_s() - truth).abs();
        assert!(off <= told.resolution_s() + 1e-6, "{}: {told:?}, {truth}", self.name());
    }

    /// Profile and clock are what the job was to write.
    fn check_written(&self, bench: &Bench, within_s: f64) {
        let name = self.name();
        let after = state(&bench.token);
        let profile = if self.job == Job::Config { (true, 60, 60) } else { (false, 30, 30) };
        assert_eq!((after.sha256, after.step_s, after.display_s), profile, "{name}");
        let drift = bench.token.lock().unwrap().card().drift_s();
        assert!(drift.abs() <= within_s, "{name}: {drift} s off");
    }

    /// The same command again, on the token as it is now; what that did. A key on record as refused is not sent again unasked.
    fn run_again(&self, bench: &Bench, refused_key: bool) -> String {
        let name = self.name();
        let is_kept = matches!(self.job, Job::SyncIfOff | Job::BatchRow | Job::DeskVisit);
        if refused_key && is_kept {
            let (log, end) = bench.run(None);
            assert_ne!(end.exit, 0, "{name}, again");
            assert!(log.0.iter().all(|step| matches!(step, Step::Info | Step::Poll)), "{name}, again: {:?}", log.0);
            bench.tries_again.store(true, Ordering::SeqCst);
        }
        let before = state(&bench.token);
        let (log, end) = bench.run(None);
        let after = state(&bench.token);
        assert_eq!((end.exit, &end.failure), (0, &None), "{name}, again");
        let aim = Truth::aim(self.job, self.restricted);
        let truth = Truth::of(&before, &after);
        assert_eq!(truth.seed, aim.seed, "{name}, again");
        match self.job {
            Job::Info | Job::PreciseInfo | Job::SeedOnly => assert!(!truth.config, "{name}, again"),
            // As finely as `docs/clock.md` promises it.
            Job::Sync => self.check_written(bench, 0.05),
            Job::SyncTwice => self.check_written(bench, 0.51),
            _ => self.check_written(bench, 1.01),
        }
        match refused_key && is_kept {
            true => format!("is not tried again; with --try-again: {}", again_words(&log)),
            false => again_words(&log),
        }
    }
}

fn again_words(log: &Log) -> String {
    match log.writes() {
        (true, true) => "writes profile, clock and seed",
        (true, false) => "writes profile and clock",
        (false, true) => "writes the seed",
        (false, false) => "reads",
    }
    .to_owned()
}

/// A problem without what changes from cell to cell: the token, and the status word where any of its kind would do.
fn general(problem: &Problem) -> Problem {
    let serial = Serial::new("86596120001234").unwrap();
    let model = model_of(serial.as_str());
    let token =
        || Info { serial: serial.clone(), model, can: usual(), clock: None, more: 0, opaque: [0; 5], slot: None };
    let refused = StatusWord::new(0x6D, 0x00);
    match problem.clone() {
        Problem::Link(broken) => Problem::Link(BrokenLink { token: None, ..broken }),
        Problem::NotAwake(..) => Problem::NotAwake(StatusWord::new(0x63, 0x00), None),
        Problem::NotAToken(Stranger::Refuses(_)) => Problem::NotAToken(Stranger::Refuses(refused)),
        Problem::BadReply(detail, _) => Problem::BadReply(detail, None),
        Problem::Garbled { step, detail, .. } => Problem::Garbled { step, detail, token: token() },
        Problem::WrongToken(Mistaken::Changed { found, .. }) => {
            Problem::WrongToken(Mistaken::Changed { found, token: None })
        }
        Problem::WrongToken(Mistaken::Expected { expected, .. }) => Problem::WrongToken(Mistaken::Expected {
            found: Info { model: model_of(expected.as_str()), serial: expected, ..token() },
            expected: token().serial,
        }),
        Problem::TokenSwapped { found, .. } => Problem::TokenSwapped { found, token: token() },
        Problem::Refused(refusal) => Problem::Refused(match refusal {
            Refusal::KeyOnRecord(at, _) => Refusal::KeyOnRecord(at, token()),
            Refusal::Key(..) => Refusal::Key(StatusWord::new(0x69, 0x83), None),
            Refusal::BetweenTheTwo(status, _) => Refusal::BetweenTheTwo(status, None),
            other @ (Refusal::KeyboardOff(_) | Refusal::CodePin(..) | Refusal::NoSlot(..)) => other,
            Refusal::NotAuthenticated(step, status, _) => Refusal::NotAuthenticated(step, status, None),
            Refusal::Data(step, status, _) => Refusal::Data(step, status, None),
            Refusal::Other(step, status, _) if status.is_denial() => Refusal::Other(step, refused, None),
            Refusal::Other(step, ..) => Refusal::Other(step, StatusWord::new(0x6F, 0x00), None),
        }),
        Problem::Drift(drift, _) => Problem::Drift(drift, token()),
        other => other,
    }
}

/// Whether a single command says it: what batch and desk end their remedies with is on the page once.
fn is_of_a_command(failure: &Failure) -> bool {
    !failure.remedies.iter().any(|remedy| matches!(remedy.again(), Some(Again::BatchVisit | Again::DeskVisit)))
}

#[test]
fn every_job_at_every_apdu_with_every_fault_ends_as_docs_faults_md_says_and_right_the_second_time() {
    let mut sections = Vec::new();
    let mut sentences = BTreeSet::new();
    for job in Job::ALL {
        for restricted in [false, true] {
            let (clean, end) = Bench::new(job, restricted).run(None);
            assert_eq!(end.exit, 0, "{job:?}");
            let mut section = Section { apdus: clean.0.len(), ..Section::default() };
            for at in 1..=clean.0.len() {
                for fault in Fault::all().into_iter().filter(|fault| fault.fits(clean.0[at - 1])) {
                    let step = clean.0[at - 1];
                    // The many readings while a tick is waited for differ in nothing: the first and the last will do.
                    let twice = !clean.0[..at - 1].contains(&step) || !clean.0[at..].contains(&step);
                    let cell = Cell { job, restricted, at, fault: fault.clone(), twice };
                    let outcome = cell.run();
                    let said = match &outcome.end.failure {
                        None => "done".to_owned(),
                        Some(failure) => {
                            // The remedy of a swap names the token that was written: one of the two kinds is enough.
                            let is_named = restricted && failure.kind() == Kind::TokenSwapped;
                            if is_of_a_command(failure) && !is_named {
                                let fact = report::fact(&general(&failure.problem)).replace('|', "\\|");
                                sentences.insert((fact, report::next(failure)));
                            }
                            format!("`{}`: {}", failure.kind().word(), report::state(&failure.state))
                        }
                    };
                    let token = outcome.truth.words();
                    let ending = Ending { exit: outcome.end.exit, token, said, again: outcome.again };
                    section.add(outcome.step, fault, ending);
                }
            }
            sections.push((job, restricted, section));
        }
    }
    let printed = page::print(&sections, &sentences);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    if std::env::var_os("TOKENTAP_TEST_PRINT").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = printed.lines().zip(kept.lines()).find(|(now, then)| now != then);
    assert!(printed == kept, "docs/faults.md says otherwise (TOKENTAP_TEST_PRINT=1 prints it anew): {differs:?}");
}

#[test]
fn random_answers_at_random_apdus_never_make_what_is_said_untrue() {
    let mut dice = Dice::new();
    for _ in 0..2_000 {
        let job = Job::ALL[dice.below(Job::ALL.len() as u64) as usize];
        let restricted = dice.below(2) == 1;
        let apdus = Bench::new(job, restricted).run(None).0.0.len() as u64;
        let at = 1 + dice.below(apdus) as usize;
        let length = dice.below(40) as usize;
        let mut bytes: Vec<u8> = (0..length).map(|_| dice.below(256) as u8).collect();
        // A token that says 9000 and did nothing cannot be told from one that did.
        if bytes.ends_with(&[0x90, 0x00]) {
            bytes.push(0x6F);
        }
        Cell { job, restricted, at, fault: Fault::Bytes(bytes), twice: false }.run();
    }
}
