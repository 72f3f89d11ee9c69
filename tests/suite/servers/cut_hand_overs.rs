//! Every request of a hand-over to Duo and to Entra ID is cut, in each way, and hand-overs are killed at any moment: the same command settles
//! it, and one token with its seed is there, its user's.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::duo_stand_in::Duo;
use super::entra_stand_in::Entra;
use super::stand_in::{Counter, Fault, Service, StandIn, TRUST};
use crate::support::Dice;

const CUTS: [Fault; 6] =
    [Fault::CutBefore, Fault::CutAfter, Fault::FaultyAfter, Fault::PageAfter, Fault::Away, Fault::Redirect];

/// In which ways a request is cut: one, another for each, and all with `TOKENTAP_CUTS=all`, which takes ten minutes.
fn ways(request: usize) -> Vec<Fault> {
    match std::env::var_os("TOKENTAP_CUTS").is_some_and(|cuts| cuts == "all") {
        true => CUTS.to_vec(),
        false => vec![CUTS[request % CUTS.len()]],
    }
}

fn serial(number: usize) -> String {
    format!("8659612{number:07}")
}

/// What a stand-in has, to be held against what should be there.
trait There: Service {
    const NAME: &'static str;
    const USER: &'static str;

    /// The seeds of the tokens of a serial, and whether each is its user's and in use.
    fn there(&self, serial: &str) -> Vec<(Vec<u8>, bool)>;

    /// Removes what is there of a serial, as an administrator does.
    fn remove(&mut self, serial: &str);
}

impl There for Duo {
    const NAME: &'static str = "duo";
    const USER: &'static str = "ana";

    fn there(&self, serial: &str) -> Vec<(Vec<u8>, bool)> {
        let found = self.of_serial(serial).into_iter();
        found.map(|token| (token.secret.clone(), self.user_names(token) == ["ana"])).collect()
    }

    fn remove(&mut self, serial: &str) {
        self.tokens.retain(|token| token.serial != serial);
    }
}

impl There for Entra {
    const NAME: &'static str = "entra";
    const USER: &'static str = "ana@example.org";

    fn there(&self, serial: &str) -> Vec<(Vec<u8>, bool)> {
        let ana = &self.users[0].id;
        let found = self.of_serial(serial).into_iter();
        found.map(|token| (token.secret.clone(), token.user.as_ref() == Some(ana) && token.is_active)).collect()
    }

    fn remove(&mut self, serial: &str) {
        self.devices.retain(|token| token.serial != serial);
    }
}

/// What a token went through before it is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// It was burned.
    Burned,
    /// It was handed over, and burned again with another seed.
    BurnedAgain,
    /// It was handed over, and removed there.
    Removed,
    /// Its row is still to be burned, in a batch.
    Listed,
    /// It was handed over, and its clock is far off by now.
    Drifted,
}

impl Before {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Burned | Self::Listed | Self::Drifted => &[],
            Self::BurnedAgain => &["--replace"],
            Self::Removed => &["--again"],
        }
    }
}

struct Place<S: There> {
    server: StandIn<S>,
    counter: Counter,
    number: usize,
}

impl<S: There> Place<S> {
    fn hand_over(&self, serial: &str, more: &[&str]) -> (i32, String) {
        self.counter.run(&[&["hand-over", S::NAME, "--serial", serial, "--identity", "identity"], more].concat())
    }

    /// A token that is ready to be handed over: its serial, and the command.
    fn prepared(&mut self, before: Before) -> (String, Vec<String>) {
        self.number += 1;
        let serial = serial(self.number);
        if before == Before::Listed {
            self.counter.desk.token(&serial);
            let list = format!("{serial}.csv");
            let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
            std::fs::write(
                self.counter.desk.path(&list),
                format!("serial,secret,user\n{serial},{secret},{}\n", S::USER),
            )
            .unwrap();
            let reader = format!("emulated:{serial}");
            let batch = ["--reader", &reader, "batch", &list, "--allow-shared-secret", "--hand-over", S::NAME];
            let words = [&batch[..], &["--identity", "identity", TRUST]].concat();
            return (serial, words.into_iter().map(str::to_owned).collect());
        }
        self.counter.burned(&serial, Some(S::USER), &[]);
        if before != Before::Burned {
            assert_eq!(self.hand_over(&serial, &[]).0, 0);
        }
        match before {
            Before::BurnedAgain => drop(self.counter.burned(&serial, None, &["--replace-seed"])),
            Before::Removed => {
                self.server.now().remove(&serial);
                // What went there just now may not be listed yet.
                self.counter.pass_minutes(&serial, 11);
            }
            Before::Drifted => {
                self.counter.desk.drift(&serial, -565);
                let reader = format!("emulated:{serial}");
                let sync = ["sync", "--fast", "--reader", &reader, "--mend", S::NAME, "--re-enrol", TRUST];
                let words = [&sync[..], &["--identity", "identity"]].concat();
                return (serial.clone(), words.into_iter().map(str::to_owned).collect());
            }
            Before::Burned | Before::Listed => {}
        }
        let words = [&["hand-over", S::NAME, "--serial", &serial, "--identity", "identity"], before.flags()].concat();
        let words = words.into_iter().map(str::to_owned).collect();
        (serial, words)
    }

    /// Runs the command as often as somebody would, and waits where that is asked for.
    fn settles(&self, serial: &str, words: &[&str], what: &str) {
        let mut said = String::new();
        for _ in 0..4 {
            let (exit, last) = self.counter.run(words);
            if exit == 0 {
                return;
            }
            if last.contains("the list can be trusted from") {
                self.counter.pass_minutes(serial, 11);
            }
            said = last;
        }
        panic!("{what}: {said}");
    }

    /// One token is there, with the seed on record, its user's; another hand-over has nothing to do.
    fn holds(&self, serial: &str, what: &str) {
        let seed = self.counter.desk.seed_of(serial).to_lowercase();
        let seed = data_encoding::HEXLOWER.decode(seed.as_bytes()).unwrap();
        assert!(self.server.now().there(serial) == [(seed, true)], "{what}: {}", self.server.now().there(serial).len());
        self.server.forget_log();
        let (exit, said) = self.hand_over(serial, &[]);
        assert_eq!(exit, 0, "{what}: {said}");
        let log = self.server.log();
        let changes = log.iter().filter(|line| !line.starts_with("GET") && !line.contains("/example.org/"));
        assert_eq!(changes.count(), 0, "{what}: {log:?}");
    }

    /// Cuts a hand-over at each of its requests in each way.
    fn cut(&mut self, before: Before) {
        let (serial, words) = self.prepared(before);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.server.forget_log();
        self.counter.ok(&words);
        let asked = self.server.log();
        self.holds(&serial, "uncut");
        let mut cuts = 0;
        for at in 1..=asked.len() {
            for fault in ways(at) {
                cuts += 1;
                let what = format!("{before:?}, request {at} of {} ({}), {fault:?}", asked.len(), asked[at - 1]);
                let (serial, words) = self.prepared(before);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.server.lay_at(at, fault);
                let (exit, said) = self.counter.run(&words);
                assert!(self.server.has_met_all(), "{what}: it was not cut");
                assert!(exit == 0 || said.contains("next:"), "{what}: {exit} {said}");
                self.settles(&serial, &words, &what);
                self.holds(&serial, &what);
            }
        }
        println!("{cuts} cuts of {before:?} at {}", S::NAME);
    }

    /// Kills hand-overs at any moment.
    fn kill(&mut self, rounds: usize) {
        let mut dice = Dice::new();
        let mut whole = Duration::from_millis(1500);
        let mut killed = 0;
        for round in 0..rounds {
            let (serial, words) = self.prepared(Before::Burned);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            self.server.lay("", Fault::Slow(60), 1000);
            let mut command = self.counter.desk.command(&words);
            let began = Instant::now();
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            if round > 0 {
                std::thread::sleep(whole.mul_f64(f64::from(dice.below(1000) as u32) / 1000.0));
                child.kill().unwrap();
            }
            let is_killed = child.wait().unwrap().code().is_none();
            killed += usize::from(is_killed);
            if round == 0 {
                whole = began.elapsed();
            }
            self.server.forget_faults();
            let what = format!("killed in round {round}");
            self.settles(&serial, &words, &what);
            self.holds(&serial, &what);
        }
        println!("{killed} of {rounds} hand-overs to {} were killed", S::NAME);
        assert!(killed > 0);
    }
}

fn duo() -> Place<Duo> {
    let (server, counter) = Duo::known(&["ana"]);
    Place { server, counter, number: 0 }
}

fn entra() -> Place<Entra> {
    let (server, counter) = Entra::known(&["ana"]);
    Place { server, counter, number: 0 }
}

#[test]
fn a_hand_over_to_duo_that_is_cut_anywhere_is_settled_by_the_same_command() {
    let mut place = duo();
    for before in [Before::Burned, Before::BurnedAgain, Before::Removed] {
        place.cut(before);
    }
}

#[test]
fn a_hand_over_to_entra_id_that_is_cut_anywhere_is_settled_by_the_same_command() {
    let mut place = entra();
    for before in [Before::Burned, Before::BurnedAgain, Before::Removed] {
        place.cut(before);
    }
}

#[test]
fn a_seed_that_is_enrolled_anew_for_its_clock_and_cut_anywhere_is_settled_by_the_same_command() {
    entra().cut(Before::Drifted);
}

#[test]
fn a_batch_that_hands_over_and_is_cut_anywhere_is_settled_by_the_same_command() {
    duo().cut(Before::Listed);
    entra().cut(Before::Listed);
}

#[test]
fn a_hand_over_that_is_killed_at_any_moment_is_settled_by_the_same_command() {
    duo().kill(15);
    entra().kill(15);
}
