//! `tokentap verify`: what a code off the display says of the token.

use super::args::{Global, VerifyArgs};
use super::output::Output;
use super::record::{self, Record};
use super::seed_of::{Found, OfCode, seed_of};
use super::{Ran, prompt};
use crate::clock::check_plausible;
use crate::device::Profile;
use crate::device::families;
use crate::inventory::{Deed, Outcome};
use crate::job::server::servers_with;
use crate::job::verify::{Verdict, VerdictKind, expected_profile, judge, token_time};
use crate::job::{Again, Exit, Failure, TokenState};
use crate::otp::search::search_hotp;
use crate::otp::{Code, Digits, Hash, TimeStep};
use crate::report::server_commands::resync;
use crate::report::{HotpReport, TokenReport, VerifyReport, how_to_set, verdict_words};
use crate::seedfile::Kind;
use crate::server::ServerKind;
use crate::time::{HostClock, SystemClock, UnixTime};

/// How far around the time that a token shows its code is looked for, in seconds.
const NEAR_TOKEN_S: u32 = 180;

/// How far two codes in a row are looked for where the usual window has neither, in seconds: a year.
const FAR_S: u32 = 31_536_000;

pub fn run(global: &Global, args: &VerifyArgs, output: &Output) -> Ran {
    let is_stated = args.hotp || (args.hash.is_some() && args.step.is_some());
    let of = OfCode { hotp: args.hotp, slot: args.slot, is_stated };
    let found = seed_of(global, &args.seed, args.identity.as_deref(), of, output)?;
    if found.row.kind == Kind::Hotp && !args.hotp {
        return Err(Failure::usage(
            "this is a HOTP seed, which counts button presses",
            "use --hotp, and enter two codes in a row",
        ));
    }
    if args.hotp { counter(args, &found, output) } else { time(global, args, &found, output) }
}

/// A code that was typed.
///
/// # Errors
/// A usage failure.
pub fn parse_code(text: &str) -> Result<Code, Failure> {
    text.parse()
        .map_err(|error: crate::otp::CodeError| Failure::usage(error.to_string(), "type the digits on the display"))
}

fn time(global: &Global, args: &VerifyArgs, found: &Found, output: &Output) -> Ran {
    let row = &found.row;
    let shown = found.read.as_ref().and_then(|read| read.info.slot.as_ref());
    let digits = shown.and_then(|slot| slot.digits).and_then(Digits::of_count);
    let parse = |code: &str| match digits {
        None => parse_code(code),
        Some(digits) => Code::of_digits(code, digits)
            .map_err(|error| Failure::usage(error.to_string(), "type the digits that the slot shows")),
    };
    let mut codes = args.codes.iter().map(|code| parse(code)).collect::<Result<Vec<_>, _>>()?;
    let step = match args.step {
        None => None,
        Some(seconds) => {
            Some(TimeStep::new(seconds).ok_or_else(|| Failure::usage("--step 0 is not a time step", "use 30 or 60"))?)
        }
    };
    let profile = found.profile();
    let expected = expected_profile(
        args.hash.map(Hash::from).or(shown.and_then(|slot| slot.hash)).or(row.hash).or(profile.map(Profile::hash)),
        step.or(shown.and_then(|slot| slot.step)).or(row.step).or(profile.map(Profile::step)),
    );
    let asks = codes.is_empty();
    if asks {
        codes.push(ask("Code on the display: ", &parse)?);
    }
    let clock = SystemClock::new();
    let read_can = found.read.as_ref().map(|read| read.info.can);
    let can = read_can.unwrap_or_else(|| families::capabilities_of(row.serial.as_deref()));
    let judged = |codes: &[Code]| -> Result<Verdict, Failure> {
        let now = clock.now().wall;
        check_plausible(now)?;
        // Where the token says what time it takes it for, its code is looked for there first: a fit elsewhere is an accident.
        if let Some(drift) = found.read.as_ref().and_then(|read| read.drift) {
            let shown = token_time(now, drift);
            let near = judge(can, &row.seed, expected, codes, shown, NEAR_TOKEN_S).moved_by(shown - now.timestamp());
            if near.found.is_some() {
                return Ok(near);
            }
        }
        let verdict = judge(can, &row.seed, expected, codes, now.timestamp(), args.window);
        if verdict.found.is_some() || codes.len() < 2 || found.read.is_some() {
            return Ok(verdict);
        }
        // Two codes leave little room for an accident: a clock that is further off is told from another seed.
        let far = judge(can, &row.seed, expected, codes, now.timestamp(), FAR_S);
        Ok(if far.found.is_some() { far } else { verdict })
    };
    let mut verdict = judged(&codes)?;
    if asks && verdict.wants_another_code() {
        output.text(&verdict_words(&verdict, args.window));
        codes.push(ask("That could be chance. The next code on the display: ", &parse)?);
        verdict = judged(&codes)?;
    }
    let exit = if verdict.is_accepted(args.accept_drift.unwrap_or(expected.step.seconds())) {
        Exit::Done
    } else {
        Exit::Wrong
    };
    let mut text = verdict_words(&verdict, args.window);
    if verdict.kind() == VerdictKind::Match && Some(&expected) != can.profiles().first() {
        text = format!("{text}; it counts with {} and {}, and so must its server", expected.hash, expected.step);
    }
    if let Some(advice) = advice(&verdict, exit, codes.len(), found) {
        text = format!("{text}\n{advice}");
    }
    let read = found.read.as_ref();
    record_check(global, found, exit, clock.now().wall, output);
    output.report(&VerifyReport {
        verdict: (&verdict).into(),
        accepted: exit == Exit::Done,
        token: read.map(|read| TokenReport::of(&read.info, read.emulated)),
        reader: read.map(|read| read.reader.clone()),
        words: text,
    });
    Ok(exit)
}

/// Puts the check of a token that is known on record.
fn record_check(global: &Global, found: &Found, exit: Exit, at: UnixTime, output: &Output) {
    let (reader, emulated) = match (&found.read, &found.known) {
        (Some(read), _) => (read.reader.as_str(), read.emulated),
        (None, known) => ("", known.as_ref().is_some_and(|token| token.emulated)),
    };
    let (Some(record), Some(key)) = (&found.record, found.key()) else {
        if global.remark.is_some() {
            output.note(
                "the remark is not recorded: no token on record has this seed (to read the token, name its --reader)",
            );
        }
        return;
    };
    let outcome = if exit == Exit::Done { Outcome::Right } else { Outcome::Wrong };
    let mut recorder = record.recorder(Deed::Verify, reader, emulated);
    if reader.is_empty() {
        recorder.station.reader = None;
    }
    if let Err(error) = recorder.note(at, &key, outcome, None) {
        output.note(&record::unrecorded(&error, "the check is not recorded"));
    }
}

fn ask(question: &str, parse: &dyn Fn(&str) -> Result<Code, Failure>) -> Result<Code, Failure> {
    if !prompt::has_person() {
        return Err(Failure::usage(
            "no code was entered",
            "enter the code on the display: tokentap verify CODE --seed-file FILE",
        ));
    }
    let answer = prompt::line(question, TokenState::NotReached, Again::Same);
    parse(&answer.unwrap_or_default())
}

fn advice(verdict: &Verdict, exit: Exit, codes: usize, found: &Found) -> Option<String> {
    if verdict.wants_another_code() && codes < 2 {
        let percent = verdict.chance * 100.0;
        return Some(format!("a wrong seed would match by chance in {percent:.2} % of cases: enter the next code too"));
    }
    match verdict.kind() {
        VerdictKind::Match => None,
        VerdictKind::Drifted if exit == Exit::Done => Some("--accept-drift accepts that".to_owned()),
        VerdictKind::Drifted => Some(match &found.read {
            Some(read) => format!("its clock is wrong: {}", how_to_set(&read.info, found.known.as_ref())),
            None => "its clock is wrong: tokentap sync sets it (a restricted model also needs its seed)".to_owned(),
        }),
        VerdictKind::OtherProfile => {
            Some(
                "ask what the server has: if it is this hash and step, the token is right and needs nothing; otherwise burn \
                 the token again with the server's hash and step"
                    .to_owned(),
            )
        }
        VerdictKind::NoMatch if codes > 1 => Some(
            "were the codes entered in the order in which they appeared, one after the other? If so, it is another seed, or a \
             clock that is off by more than a year: read it with tokentap info"
                .to_owned(),
        ),
        VerdictKind::NoMatch if found.read.as_ref().is_some_and(|read| read.info.can.slots > 1) => Some(
            "the slot has another seed than this one, or its clock is further off, which cannot be read: set it with tokentap sync --slot \
             N, and check a code again; if it is still wrong, find the seed that its server has, or give slot and server a new one"
                .to_owned(),
        ),
        VerdictKind::NoMatch => Some(
            "the token has another seed than this one, or its clock is further off: read it with tokentap info; if its clock is \
             right, find the seed that its server has, or give token and server a new one (docs/helpdesk.md)"
                .to_owned(),
        ),
    }
}

/// `--hotp`: the counter from two or three codes.
fn counter(args: &VerifyArgs, of: &Found, output: &Output) -> Ran {
    let row = &of.row;
    let digits = args.digits.map(digits_of).transpose()?;
    let mut typed = args.codes.clone();
    if typed.is_empty() && prompt::has_person() {
        for question in ["First code: ", "The next one: "] {
            typed.extend(prompt::line(question, TokenState::NotReached, Again::Same));
        }
    }
    if !(2..=3).contains(&typed.len()) {
        return Err(Failure::usage(
            format!("two or three codes in a row are needed, not {}", typed.len()),
            "press the button twice and enter both codes in their order",
        ));
    }
    let codes = typed.iter().map(|text| keyboard_code(text, digits)).collect::<Result<Vec<_>, _>>()?;
    let hash = args.hash.map(Hash::from).or(row.hash).unwrap_or(Hash::Sha1);
    let from = args.counter.or(row.counter).unwrap_or(0);
    let found = search_hotp(&row.seed, hash, &codes, from, args.look_ahead).map_err(|places| {
        Failure::usage(format!("the codes fit at {places} places"), "enter one more code, three in a row")
    })?;
    let last = from.saturating_add(args.look_ahead.into());
    let Some(first) = found else {
        output.report(&HotpReport::no_match(from, last));
        return Ok(Exit::Wrong);
    };
    let next = first.saturating_add(codes.len() as u64);
    let typed: Vec<String> = codes.iter().map(ToString::to_string).collect();
    output.report(&HotpReport::of_counters(first, next, row.counter, &resyncs(of, &typed)));
    Ok(Exit::Done)
}

/// The commands by which the servers that have the token find its counter by these codes.
fn resyncs(of: &Found, codes: &[String]) -> Vec<String> {
    let Some(key) = of.key() else { return Vec::new() };
    let books = of.record.as_ref().and_then(Record::books);
    // It is advice: where nobody can say which servers have it, the one in general is given.
    let there = books
        .map(|books| servers_with(books, &key, books.fingerprint_key().of(&of.row.seed)))
        .and_then(Result::ok)
        .unwrap_or_default();
    let command = |(name, kind): (String, ServerKind)| {
        kind.codes_to_resync().map(|wants| resync(&name, &key.to_string(), codes, wants))
    };
    there.into_iter().filter_map(command).collect()
}

/// Six or eight digits.
///
/// # Errors
/// A usage failure for any other number.
pub fn digits_of(number: u32) -> Result<Digits, Failure> {
    match Digits::of_count(number) {
        Some(digits @ (Digits::Six | Digits::Eight)) => Ok(digits),
        _ => Err(Failure::usage(format!("a code has 6 or 8 digits, not {number}"), "use --digits 6 or 8")),
    }
}

/// A HOTP code as typed by a person, or by a key as a keyboard: an identifier may stand in front of it.
fn keyboard_code(text: &str, digits: Option<Digits>) -> Result<Code, Failure> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let wanted = match (digits, text.len()) {
        (Some(digits), _) => digits.count(),
        (None, 8) if text.bytes().all(|byte| byte.is_ascii_digit()) => 8,
        (None, _) => 6,
    };
    let start = text.len().saturating_sub(wanted);
    parse_code(text.get(start..).unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_typed_by_a_key_is_what_stands_behind_its_identifier() {
        let code = |text: &str, digits| keyboard_code(text, digits).unwrap().to_string();
        assert_eq!(code("123456", None), "123456");
        assert_eq!(code("12345678", None), "12345678");
        assert_eq!(code("ubhe01234567123456", None), "123456");
        assert_eq!(code("cccccccccccc12345678", Some(Digits::Eight)), "12345678");
        assert!(keyboard_code("abc", None).is_err());
    }
}
