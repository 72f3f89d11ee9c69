//! A HOTP slot whose seed was just burned: two codes that the key types prove seed and counter.

use super::args::BurnArgs;
use super::output::Output;
use super::prompt;
use crate::inventory::Outcome;
use crate::job::{Again, Failure, Problem, TokenState};
use crate::otp::search::search_hotp;
use crate::otp::{Code, Digits, Hash};
use crate::report::server_commands::WHERE_SEALED;
use crate::seed::Seed;

/// How far ahead of its beginning the counter is looked for: a key may have been touched meanwhile, or have kept counting.
const LOOK_AHEAD: u32 = 1000;

/// How often a person may mistype.
const TRIES: usize = 3;

/// The result of the check of two codes.
pub enum Counted {
    /// Nobody was asked, or nobody answered.
    Unchecked,
    /// They are the seed's; the counter of the next code.
    Right(u64),
    /// They are not.
    Wrong,
}

impl Counted {
    /// The outcome to record, where codes were judged.
    pub fn judged(&self) -> Option<Outcome> {
        match self {
            Self::Unchecked => None,
            Self::Right(_) => Some(Outcome::Right),
            Self::Wrong => Some(Outcome::Wrong),
        }
    }

    /// The counter of the next code, where it is known.
    pub fn next(&self) -> Option<u64> {
        match self {
            Self::Right(next) => Some(*next),
            _ => None,
        }
    }
}

/// The two codes of `--verify`.
///
/// # Errors
/// A usage failure.
pub fn typed(text: &str, digits: Digits) -> Result<[Code; 2], Failure> {
    let codes: Result<Vec<Code>, _> = text.split(',').map(|code| Code::of_digits(code, digits)).collect();
    let next = "type two codes in a row, as the key typed them: --verify CODE,CODE";
    let codes = codes.map_err(|error| Failure::usage(error.to_string(), next))?;
    codes.try_into().map_err(|_| Failure::usage("one code does not prove a counter", next))
}

/// Compares what the key types: the codes given, or those that a person has it type.
pub fn check(seed: &Seed, digits: Digits, given: Option<[Code; 2]>, args: &BurnArgs, output: &Output) -> Counted {
    let judged = |codes: &[Code]| search_hotp(seed, Hash::Sha1, codes, 0, LOOK_AHEAD).ok().flatten();
    if let Some(codes) = given {
        return judged(&codes).map_or(Counted::Wrong, |first| Counted::Right(first + 2));
    }
    if args.no_verify || output.is_json() || !prompt::has_person() {
        return Counted::Unchecked;
    }
    let state = TokenState::Accepted { config: false, unchecked: true };
    let ask = |question: &str| prompt::line(question, state.clone(), Again::Same);
    let mut last = Counted::Unchecked;
    for _ in 0..TRIES {
        let Some(first) = ask("Touch the key: it types the first code here (Enter to skip): ") else { return last };
        let Some(second) = ask("Touch it again: ") else { return last };
        let codes = [first, second].map(|code| Code::of_digits(&code, digits));
        let [Ok(first), Ok(second)] = codes else {
            output.note(&format!("a code of this key has {} digits", digits.count()));
            continue;
        };
        match judged(&[first, second]) {
            Some(at) => return Counted::Right(at + 2),
            None => last = Counted::Wrong,
        }
        output.note("these are not two codes of this seed in a row");
    }
    last
}

/// The words on a counter: what the server must expect next.
pub fn words(next: u64) -> String {
    match next {
        2 => "both codes are right: the key counts from 0, and its next code is that of counter 2".to_owned(),
        next => format!(
            "both codes are right, but the key did not begin at 0: its next code is that of counter {next}; tell the server that \
             counter, or let it find the key by its next codes: tokentap server resync NAME SERIAL CODE CODE, {WHERE_SEALED}"
        ),
    }
}

/// The failure of wrong codes.
pub fn wrong(token: &crate::device::Info) -> Failure {
    let problem = Problem::WrongCounter { token: token.clone(), look_ahead: LOOK_AHEAD };
    let state = TokenState::Accepted { config: false, unchecked: false };
    Failure::new(problem, state, crate::job::remedy::SlotRemedy::CheckCounter)
}
