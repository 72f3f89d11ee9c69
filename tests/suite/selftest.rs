//! `tokentap selftest`: what it says of a token is what the emulated one was made to do, whatever goes wrong, and no seed is in it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokentap::clock::SecondAtWrite;
use tokentap::device::token2::NfcToken;
use tokentap::device::{Info, Key, Profile};
use tokentap::emulator::{CardState, EmulatedLink, Fault, FaultKind, TokenClock};
use tokentap::inventory::{Deed, Entry, Fingerprint, Inventory, SeedChange, SlotKey, Sqlite, Station, TokenChange};
use tokentap::job::selftest::{
    AfterReset, Asked, Bench, Contact, Left, Part, Place, SeedAfter, Selftest, Shown, Tested, Unseen,
};
use tokentap::job::{Exit, Failure, Guard, Recorder};
use tokentap::link::{Link, LinkError};
use tokentap::report::{Report, SelftestReport, TestedBy, WORDING};
use tokentap::time::{HostClock, SimulatedClock, UnixTime};

use crate::support::{NOW_NS, RESTRICTED, UNRESTRICTED, link, simulated_clock, tokentap};

/// A link that notes which instructions it carries, and bends one clock.
struct Noted<'a> {
    inner: &'a mut EmulatedLink,
    instructions: &'a mut Vec<u8>,
    /// At this command, counted from 1, the clock in an answer to get info is 100 s earlier.
    clock_back_at: Option<usize>,
}

const INFO: u8 = 0x41;

impl Link for Noted<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.instructions.push(command[1]);
        let mut reply = self.inner.transmit(command)?;
        if command[1] == INFO && self.clock_back_at == Some(self.instructions.len()) {
            let at = reply.len() - 6;
            let clock = u32::from_be_bytes(reply[at..at + 4].try_into().unwrap());
            reply[at..at + 4].copy_from_slice(&(clock - 100).to_be_bytes());
        }
        Ok(reply)
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

/// An emulated token, and a person who does as asked.
struct Stand {
    world: SimulatedClock,
    books: Sqlite,
    card: CardState,
    /// A fault at this command of the whole test, counted from 1.
    fault: Option<Fault>,
    clock_back_at: Option<usize>,
    /// The instructions of all commands.
    sent: Vec<u8>,
    /// Somebody says what the display shows, and moves the token.
    has_person: bool,
    /// Every seed that the token ever had, as hex digits.
    seeds: BTreeSet<String>,
    codes: Vec<String>,
    parts: Vec<Part>,
    /// How the person misbehaves.
    person: Person,
    /// Ctrl-C comes when so many parts have begun.
    stops_after: usize,
    /// No seed is on record when the test begins.
    holds_nothing: bool,
}

/// How the person at the reader does what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    Does,
    /// Types the code of before again at the last display.
    Repeats,
    /// Says once that no code is seen.
    MissesOne,
    /// Says that the token is back, and has not moved it.
    DoesNotMove,
}

impl Stand {
    fn new(card: CardState) -> Self {
        let seeds = BTreeSet::from([card.seed.clone()]);
        let (world, books) = (simulated_clock(), Sqlite::in_memory().unwrap());
        let (codes, parts) = (Vec::new(), Vec::new());
        let (person, stops_after) = (Person::Does, usize::MAX);
        let (fault, clock_back_at, sent, has_person) = (None, None, Vec::new(), true);
        Self {
            world,
            books,
            card,
            fault,
            clock_back_at,
            sent,
            has_person,
            seeds,
            codes,
            parts,
            person,
            stops_after,
            holds_nothing: true,
        }
    }

    fn laid_down(&self) -> EmulatedLink {
        let sent = self.sent.len() as u32;
        let due = self.fault.iter().filter(|fault| fault.at > sent);
        let faults = due.map(|fault| Fault { at: fault.at - sent, ..fault.clone() }).collect();
        link(self.card.clone(), &self.world).with_faults(faults)
    }

    fn test(&mut self, only_reads: bool) -> Result<Tested, Failure> {
        let (guard, key) = (Guard::default(), Key::default());
        Selftest { only_reads, guard, replaces_seed: false, tries_again: false, key }.run(self)
    }

    fn report(&self, tested: &Tested) -> SelftestReport {
        let by = TestedBy { system: "a test".to_owned(), day: "2026-11-23".to_owned(), host_synchronised: Some(true) };
        SelftestReport::of(tested, by)
    }
}

impl Bench for Stand {
    fn at_token<T>(&mut self, work: &mut Contact<'_, T>) -> Result<T, Failure> {
        loop {
            let mut link = self.laid_down();
            let recorder = Recorder {
                books: Some(&self.books),
                station: Station::default(),
                emulated: true,
                deed: Deed::Burn,
                user: RefCell::default(),
                remark: None,
                wording: WORDING,
            };
            let place = Place { host: &self.world, recorder, reader: "a reader", emulated: true };
            let (instructions, clock_back_at) = (&mut self.sent, self.clock_back_at);
            let done = work(&mut NfcToken(Noted { inner: &mut link, instructions, clock_back_at }), place);
            self.card = link.card().state().clone();
            self.seeds.insert(self.card.seed.clone());
            // Whenever the program is killed, nothing on record takes a throw-away seed for one that works.
            let known = self.books.token(&SlotKey::only(self.card.serial.as_str())).unwrap();
            assert!(!self.holds_nothing || known.is_none_or(|known| known.held().is_none()));
            match done {
                // As at a reader: the token is laid back.
                Err(failure) if failure.may_come_back => {}
                done => return done,
            }
        }
    }

    fn consent(&mut self, _: &Info, _: Option<&str>) -> Result<(), Failure> {
        Ok(())
    }

    fn begins(&mut self, part: Part) {
        self.parts.push(part);
    }

    fn shown(&mut self, asked: Asked) -> Option<Shown> {
        self.world.advance(Duration::from_secs(20));
        if self.parts.last() == Some(&Part::SeedAfter) {
            match self.person {
                Person::Repeats => return self.codes.last().map(|code| Shown::Code(code.parse().unwrap())),
                Person::MissesOne if asked == Asked::First => return Some(Shown::Nothing),
                _ => {}
            }
        }
        let now = self.world.now().wall.timestamp_nanos_opt().unwrap();
        let shows = self.card.display(now);
        self.codes.extend(shows.clone());
        self.has_person.then(|| shows.map_or(Shown::Nothing, |code| Shown::Code(code.parse().unwrap())))
    }

    fn moved(&mut self) -> bool {
        self.world.advance(Duration::from_secs(if self.person == Person::DoesNotMove { 1 } else { 10 }));
        self.has_person
    }

    fn now(&self) -> UnixTime {
        self.world.now().wall
    }

    fn is_over(&self) -> bool {
        self.parts.len() >= self.stops_after
    }
}

/// What an emulated token is made to do.
#[derive(Debug, Clone, Copy)]
struct Made {
    serial: &'static str,
    erases: bool,
    keeps_phase: bool,
    keeps_session: bool,
}

impl Made {
    fn all() -> impl Iterator<Item = Self> {
        let kinds = [(UNRESTRICTED, false), (RESTRICTED, true), (UNRESTRICTED, true), (RESTRICTED, false)];
        kinds.into_iter().flat_map(|(serial, erases)| {
            (0..4).map(move |bits| Self { serial, erases, keeps_phase: bits & 1 > 0, keeps_session: bits & 2 > 0 })
        })
    }

    fn card(self) -> CardState {
        let mut card =
            CardState::new(self.serial, self.erases, TokenClock::new(NOW_NS, -97.25, 20.0, self.keeps_phase));
        card.seed = data_encoding::HEXLOWER.encode(b"the seed of a factory");
        card.keeps_session = self.keeps_session;
        card
    }

    /// Each fact that was answered is as the token was made.
    fn check(self, tested: &Tested) {
        let second = if self.keeps_phase { SecondAtWrite::Keeps } else { SecondAtWrite::Restarts };
        let reset = if self.keeps_session { AfterReset::Unlocked } else { AfterReset::Locked };
        let seed = if self.erases { SeedAfter::Erased } else { SeedAfter::Kept };
        assert!(tested.second.as_ref().map_or(true, |seen| *seen == second), "{self:?}: {:?}", tested.second);
        assert!(tested.reset.as_ref().map_or(true, |seen| *seen == reset), "{self:?}: {:?}", tested.reset);
        assert!(tested.seed_after.as_ref().map_or(true, |seen| *seen == seed), "{self:?}: {:?}", tested.seed_after);
    }
}

/// Nothing secret is in a report: no seed that the token ever had, no code, and of the serial only what tells the model.
fn check_harmless(stand: &Stand, report: &SelftestReport) {
    let text = format!("{}\n{}", serde_json::to_string(report).unwrap(), report.text()).to_lowercase();
    for seed in stand.seeds.iter().filter(|seed| seed.len() > 2) {
        let base32 = data_encoding::BASE32_NOPAD.encode(&data_encoding::HEXLOWER.decode(seed.as_bytes()).unwrap());
        assert!(!text.contains(seed.as_str()) && !text.contains(&base32.to_lowercase()), "{text}");
    }
    // As a word of its own: the beginning of a serial has six digits somewhere that may be a code's by chance.
    let words: BTreeSet<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    assert!(stand.codes.iter().all(|code| !words.contains(code.as_str())), "{text}");
    assert!(!text.contains(&stand.card.serial), "{text}");
}

#[test]
fn every_fact_is_answered_as_the_emulated_token_was_made_and_it_is_left_as_a_new_one() {
    for made in Made::all() {
        let mut stand = Stand::new(made.card());
        let tested = stand.test(false).unwrap();
        made.check(&tested);
        assert!(tested.second.is_ok() && tested.reset.is_ok() && tested.seed_after.is_ok(), "{made:?}: {tested:?}");
        assert!(tested.away.is_ok() && tested.writes.is_ok());
        let report = stand.report(&tested);
        assert_eq!(tested.rounds.len(), 5);
        assert!(
            report.rounds.iter().all(|round| (round.burn, round.code) == ("burned", "right")),
            "{made:?}: {report:?}"
        );
        let is_as_its_model = made.erases == (made.serial == RESTRICTED);
        assert_eq!(report.exit(), if is_as_its_model { Exit::Done } else { Exit::Wrong }, "{made:?}");
        assert_eq!(report.facts.iter().any(|fact| fact.contradicts), !is_as_its_model);
        check_harmless(&stand, &report);

        let now = stand.world.now().wall.timestamp_nanos_opt().unwrap();
        assert!(stand.card.clock.drift_s(now).abs() <= 0.5 && stand.card.wrong_answers == 0);
        assert_eq!((stand.card.sha256, stand.card.step_s, stand.card.display_s), (false, 30, 30));
        assert_eq!(stand.card.seed.is_empty(), made.erases);
        // The record does not take a throw-away seed for one that anybody needs, and the token can be tested again.
        let known = stand.books.token(&SlotKey::only(made.serial)).unwrap().unwrap();
        assert_eq!((known.held(), known.pending, known.user), (None, None, None));
        assert!(matches!(stand.test(false).unwrap().left, Left::AsNew(_)));
    }
}

#[test]
fn without_anybody_who_reads_the_display_nothing_is_said_of_it() {
    let mut stand = Stand::new(Made::all().next().unwrap().card());
    stand.has_person = false;
    let tested = stand.test(false).unwrap();
    assert!(tested.second.is_ok() && tested.reset.is_ok());
    assert_eq!((tested.seed_after.clone(), tested.away.clone()), (Err(Unseen::NotTold), Err(Unseen::NotTold)));
    assert!(tested.rounds.iter().all(|round| round.burned.is_ok() && round.code == Err(Unseen::NotTold)));
    assert_eq!(stand.report(&tested).exit(), Exit::Done);
}

#[test]
fn what_a_person_types_again_or_misses_once_or_does_not_do_makes_no_fact() {
    for made in Made::all().filter(|made| made.erases == (made.serial == RESTRICTED)) {
        let seen = |person| {
            let mut stand = Stand::new(made.card());
            stand.person = person;
            stand.test(false).unwrap()
        };
        let repeats = seen(Person::Repeats);
        assert_eq!(repeats.seed_after, Err(Unseen::Unclear), "{made:?}");
        let misses = seen(Person::MissesOne);
        made.check(&misses);
        assert!(misses.seed_after.is_ok(), "{made:?}");
        assert_eq!(seen(Person::DoesNotMove).away, Err(Unseen::Unclear));
    }
}

#[test]
fn whoever_stops_it_before_the_first_write_keeps_the_token_and_afterwards_gets_it_as_a_new_one() {
    for made in Made::all() {
        for stops_after in 1..=11 {
            let mut stand = Stand::new(made.card());
            let before = stand.card.clone();
            stand.stops_after = stops_after;
            let case = format!("{made:?}, after {stops_after}");
            match stand.test(false) {
                Err(failure) => {
                    assert_eq!(failure.exit(), Exit::Interrupted, "{case}");
                    assert!(stops_after == 1 && stand.card == before, "{case}");
                }
                Ok(tested) => {
                    let is_whole = stand.parts.contains(&Part::Away);
                    assert!(is_whole || stand.report(&tested).exit() == Exit::Interrupted, "{case}: {tested:?}");
                    assert!(matches!(tested.left, Left::AsNew(_)), "{case}");
                    assert_eq!((stand.card.sha256, stand.card.step_s, stand.card.display_s), (false, 30, 30), "{case}");
                    // A later burn starts from the factory's profile, and nobody is said to own it.
                    let known = stand.books.token(&SlotKey::only(made.serial)).unwrap().unwrap();
                    assert_eq!(
                        (known.held(), known.user, known.profile),
                        (None, None, Some(Profile::FACTORY)),
                        "{case}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_test_that_only_reads_sends_nothing_but_get_info() {
    for made in Made::all() {
        let mut stand = Stand::new(made.card());
        let before = stand.card.clone();
        let tested = stand.test(true).unwrap();
        assert!(stand.card == before, "{made:?}");
        assert_eq!((tested.left.clone(), tested.read.info.opaque), (Left::Untouched, [0; 5]));
        assert_eq!(tested.read.trips.count, 40);
        assert!((tested.read.drift.middle_s() + 97.25).abs() < 0.1);
        check_harmless(&stand, &stand.report(&tested));
        assert!(stand.books.token(&SlotKey::only(made.serial)).unwrap().is_none());
    }
}

/// Every fault of a link, refusals and answers that mean nothing, at every command that is no reading and at some that are: what is
/// said is true or said to be unknown, a key that was refused is
/// not tried again, and where the token is said to be as new, it is.
#[test]
fn whatever_fails_at_whatever_command_the_report_says_nothing_that_is_not_so() {
    let kinds = [
        FaultKind::LeaveBefore,
        FaultKind::LeaveAfter,
        FaultKind::Reset,
        FaultKind::NoAnswer,
        FaultKind::Answer(vec![0x69, 0x83]),
        FaultKind::Answer(vec![0x6A, 0x80]),
        FaultKind::Answer(vec![0x6F, 0x00]),
        FaultKind::Answer(vec![0x63, 0xC1]),
        FaultKind::Answer(vec![0x65, 0x81]),
        FaultKind::Answer(vec![0x67, 0x00]),
        FaultKind::Answer(vec![0x6D, 0x00]),
        FaultKind::Answer(vec![0xEE; 40]),
        FaultKind::Answer(vec![0x90; 4]),
        FaultKind::Answer(vec![0x90]),
        FaultKind::Answer(Vec::new()),
    ];
    let mut failed = 0;
    for made in Made::all().filter(|made| made.erases == (made.serial == RESTRICTED)) {
        let mut clean = Stand::new(made.card());
        clean.test(false).unwrap();
        // Reading is the same from one poll to the next.
        let numbered = (1..).zip(&clean.sent);
        for (at, instruction) in numbered.filter(|(at, sent)| **sent != INFO || *at < 4 || at % 23 == 0) {
            for kind in &kinds {
                let mut stand = Stand::new(made.card());
                let before = stand.card.clone();
                stand.fault = Some(Fault { at, kind: kind.clone() });
                let case = format!("{made:?}, {kind:?} at command {at}");
                let tested = match stand.test(false) {
                    Ok(tested) => tested,
                    Err(failure) => {
                        assert!(stand.card == before || failure.written != Default::default(), "{case}: {failure:?}");
                        continue;
                    }
                };
                // A refusal of the one write that asks whether it is refused is its answer.
                let is_refusal = matches!(kind, FaultKind::Answer(bytes) if bytes[..] == [0x69, 0x83]);
                let is_lie = is_refusal && made.keeps_session && *instruction == 0xD4;
                if !is_lie {
                    made.check(&tested);
                }
                let report = stand.report(&tested);
                check_harmless(&stand, &report);
                assert!(
                    report.exit() == Exit::Done || !report.failures.is_empty() || report.rounds.len() == 5,
                    "{case}"
                );
                assert!(stand.card.wrong_answers <= 1, "{case}");
                if let Left::AsNew(drift) = tested.left {
                    let now = stand.world.now().wall.timestamp_nanos_opt().unwrap();
                    assert!((stand.card.clock.drift_s(now) - drift.middle_s()).abs() < 0.1, "{case}");
                    assert_eq!((stand.card.sha256, stand.card.step_s, stand.card.display_s), (false, 30, 30), "{case}");
                }
                failed += usize::from(!report.failures.is_empty());
            }
        }
    }
    assert!(failed > 500, "the faults did not come to bear: {failed}");
}

#[test]
fn a_clock_that_is_read_wrong_once_makes_no_fact() {
    for made in Made::all().filter(|made| made.erases == (made.serial == RESTRICTED)) {
        let mut clean = Stand::new(made.card());
        clean.test(false).unwrap();
        let readings = (1..).zip(&clean.sent).filter(|(_, instruction)| **instruction == INFO);
        for (at, _) in readings.filter(|(at, _)| at % 5 == usize::from(made.keeps_phase)) {
            let mut stand = Stand::new(made.card());
            stand.clock_back_at = Some(at);
            if let Ok(tested) = stand.test(false) {
                made.check(&tested);
            }
        }
    }
}

#[test]
fn a_refused_key_ends_the_test_at_once() {
    let mut stand = Stand::new(Made::all().next().unwrap().card());
    stand.card.key = "00112233445566778899aabbccddeeff".to_owned();
    // By the record it is somebody's, and was said to be a spare one all the same.
    let user = Some("ana@example.org".to_owned());
    let seed = SeedChange::Burned { seed: Fingerprint::of_bytes(&[7; 16]).unwrap(), sealed: None };
    let token = Some(TokenChange { user, seed, ..TokenChange::of(SlotKey::only(UNRESTRICTED)) });
    let event = crate::inventory::event(UNRESTRICTED, 1, "burned");
    stand.books.keep(&Entry { event, token, row: None }).unwrap();
    let before = stand.books.token(&SlotKey::only(UNRESTRICTED)).unwrap().unwrap();
    stand.holds_nothing = false;
    let (guard, key) = (Guard::default(), Key::default());
    let test = Selftest { only_reads: false, guard, replaces_seed: true, tries_again: false, key };
    let failure = test.run(&mut stand).unwrap_err();
    assert!(failure.problem.is_key_refused() && stand.card.wrong_answers == 1, "{failure:?}");
    // Nothing was written, and nothing is forgotten.
    let after = stand.books.token(&SlotKey::only(UNRESTRICTED)).unwrap().unwrap();
    assert_eq!((after.user, after.seed, after.pending), (before.user, before.seed, None));
}

#[test]
fn a_token_with_a_seed_on_record_is_no_spare_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = tokentap();
        command.current_dir(folder.path()).env("TOKENTAP_INVENTORY", folder.path().join("inventory.sqlite"));
        command.args(args).output().unwrap()
    };
    assert!(run(&["emulate", "--create", "--state", "t.json", "--serial", UNRESTRICTED]).status.success());
    let token = ["--reader", "emulated:t.json", "--expect-serial", UNRESTRICTED];
    let burned = run(&[&token[..], &["burn", "--generate", "--out", "s.csv", "--no-verify"]].concat());
    assert!(burned.status.success(), "{burned:?}");
    let before = std::fs::read(folder.path().join("t.json")).unwrap();
    let refused = run(&[&token[..], &["selftest", "--erase", "--json"]].concat());
    let report: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!((refused.status.code(), report["error"]["kind"].as_str()), (Some(5), Some("not-spare")), "{report}");
    let other = run(&["--reader", "emulated:t.json", "--expect-serial", RESTRICTED, "selftest", "--erase"]);
    assert_eq!(other.status.code(), Some(5));
    let unasked = run(&[&token[..], &["selftest"]].concat());
    assert_eq!(unasked.status.code(), Some(2), "{unasked:?}");
    assert_eq!(before, std::fs::read(folder.path().join("t.json")).unwrap());

    let done = run(&[&token[..], &["selftest", "--erase", "--replace-seed", "--json", "--out", "r"]].concat());
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((done.status.code(), report["left"].as_str()), (Some(0), Some("as-new")), "{done:?}");
    let written: Value = serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(written, report);
    assert!(std::fs::read_to_string(folder.path().join("r.txt")).unwrap().contains("second-at-write"));
    // A report is never written over another one, and that is found out before anything is erased.
    let again = run(&[&token[..], &["selftest", "--erase", "--out", "r"]].concat());
    assert_eq!(again.status.code(), Some(1), "{again:?}");
}

#[test]
fn every_fact_that_the_protocol_leaves_open_is_one_of_the_report() {
    let document = std::fs::read_to_string("docs/protocol.md").unwrap();
    let open: BTreeSet<&str> =
        document.match_indices("?: `").filter_map(|(at, mark)| document[at + mark.len()..].split('`').next()).collect();
    assert_eq!(document.matches("?)").count(), 0, "an open fact without a name");
    let mut stand = Stand::new(Made::all().next().unwrap().card());
    let tested = stand.test(true).unwrap();
    let asked: BTreeSet<&str> = stand.report(&tested).facts.iter().map(|fact| fact.fact).collect();
    assert_eq!(open, asked);
}
