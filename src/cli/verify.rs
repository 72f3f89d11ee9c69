//! `tokentap verify`: what a code off the display says of the token.

use serde_json::{Map, Value, json};

use super::args::VerifyArgs;
use super::describe::{counted, fields};
use super::output::Output;
use super::{Ran, prompt, secret};
use crate::clock::check_plausible;
use crate::job::verify::{Verdict, VerdictKind, expected_profile, judge};
use crate::job::{Exit, Failure};
use crate::otp::search::{TotpProfile, search_hotp};
use crate::otp::{Code, Digits, Hash, TimeStep};
use crate::seedfile::{Kind, Row};
use crate::time::{HostClock, SystemClock};

const NO_TOKEN: &str = "no token was touched";
const AGAIN: &str = "run the same command again";

pub fn run(args: &VerifyArgs, output: &Output) -> Ran {
    let row = secret::from_args_or_prompt(&args.seed, args.hotp)?.single()?;
    if row.kind == Kind::Hotp && !args.hotp {
        return Err(Failure::usage(
            "the seed is one of HOTP, which counts button presses",
            "say --hotp, and give two codes in a row",
        ));
    }
    if args.hotp { counter(args, &row, output) } else { time(args, &row, output) }
}

/// A code that was typed.
///
/// # Errors
/// A usage failure.
pub fn parse_code(text: &str) -> Result<Code, Failure> {
    text.parse()
        .map_err(|error: crate::otp::CodeError| Failure::usage(error.to_string(), "type the digits on the display"))
}

fn time(args: &VerifyArgs, row: &Row, output: &Output) -> Ran {
    let mut codes = args.codes.iter().map(|code| parse_code(code)).collect::<Result<Vec<_>, _>>()?;
    let step = match args.step {
        None => None,
        Some(seconds) => {
            Some(TimeStep::new(seconds).ok_or_else(|| Failure::usage("--step 0 is not a time step", "give 30 or 60"))?)
        }
    };
    let expected = expected_profile(args.hash.map(Hash::from).or(row.hash), step.or(row.step));
    let asks = codes.is_empty();
    if asks {
        codes.push(ask("Code on the display: ")?);
    }
    let clock = SystemClock::new();
    let judged = |codes: &[Code]| -> Result<Verdict, Failure> {
        let now = clock.now().wall;
        check_plausible(now)?;
        Ok(judge(&row.seed, expected, codes, now.timestamp(), args.window))
    };
    let mut verdict = judged(&codes)?;
    if asks && verdict.wants_another_code() {
        output.text(&verdict_words(&verdict, args.window));
        codes.push(ask("That can be an accident. The next code on the display: ")?);
        verdict = judged(&codes)?;
    }
    let exit = if verdict.is_accepted(args.accept_drift.unwrap_or(expected.step.seconds())) {
        Exit::Done
    } else {
        Exit::Wrong
    };
    let mut text = verdict_words(&verdict, args.window);
    if let Some(advice) = advice(&verdict, exit, codes.len()) {
        text = format!("{text}\n{advice}");
    }
    let mut object = verdict_fields(&verdict);
    object.insert("accepted".to_owned(), json!(exit == Exit::Done));
    output.report(&text, object);
    Ok(exit)
}

fn ask(question: &str) -> Result<Code, Failure> {
    if !prompt::has_person() {
        return Err(Failure::usage(
            "no code was given",
            "give the code on the display: tokentap verify CODE --seed-file FILE",
        ));
    }
    let answer = prompt::line(question, NO_TOKEN, AGAIN);
    parse_code(&answer.unwrap_or_default())
}

/// The verdict in words.
pub fn verdict_words(verdict: &Verdict, window_s: u32) -> String {
    let Some(found) = verdict.found else {
        return format!("no match: no code of this seed within {} of now", span(window_s.into()));
    };
    let offset = found.offset_s();
    let away = match offset {
        0 => "of this very time step".to_owned(),
        _ => {
            let direction = if offset < 0 { "slow" } else { "fast" };
            let steps = found.steps.unsigned_abs();
            let steps = counted(steps, "step");
            format!("of a clock that is about {} {direction} ({steps})", span(offset.unsigned_abs()))
        }
    };
    match verdict.kind() {
        VerdictKind::Match => "match: the code is right".to_owned(),
        VerdictKind::Drifted => format!("drifted: the code is {away}"),
        VerdictKind::OtherProfile => {
            let TotpProfile { hash, step } = found.profile;
            format!("other profile: the code is one of {hash} and {step}, {away}")
        }
        VerdictKind::NoMatch => "no match".to_owned(),
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..600 => format!("{seconds} s"),
        600..7200 => format!("{} min", seconds / 60),
        _ => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

fn advice(verdict: &Verdict, exit: Exit, codes: usize) -> Option<String> {
    if verdict.wants_another_code() && codes < 2 {
        let percent = verdict.chance * 100.0;
        return Some(format!("such a match is an accident in {percent:.2} % of cases: give the next code too"));
    }
    match verdict.kind() {
        VerdictKind::Match => None,
        VerdictKind::Drifted if exit == Exit::Done => Some("that is within what --accept-drift lets pass".to_owned()),
        VerdictKind::Drifted => {
            Some("its clock is wrong: tokentap sync sets it (a restricted model needs its seed along)".to_owned())
        }
        VerdictKind::OtherProfile => {
            Some("token and server count differently: burn or config the token with the server's hash and step".to_owned())
        }
        VerdictKind::NoMatch if codes > 1 => Some(
            "were the codes given in the order in which they appeared, one after the other? If so, it is another seed"
                .to_owned(),
        ),
        VerdictKind::NoMatch => Some(
            "the token has another seed, or its clock is further off: read it with tokentap info; if its clock is right, \
             burn the seed again"
                .to_owned(),
        ),
    }
}

/// The fields that JSON has for a verdict.
pub fn verdict_fields(verdict: &Verdict) -> Map<String, Value> {
    let profile = |profile: &TotpProfile| json!({"hash": profile.hash, "step_s": profile.step.seconds()});
    let tried: Vec<Value> = verdict.tried.iter().map(profile).collect();
    fields([
        ("verdict", json!(verdict.kind().word())),
        ("offset_s", json!(verdict.found.map(|found| found.offset_s()))),
        ("steps", json!(verdict.found.map(|found| found.steps))),
        ("profile", verdict.found.map(|found| profile(&found.profile)).into()),
        ("profile_tried", json!(tried)),
        ("chance_of_accident", json!(verdict.chance)),
    ])
}

/// `--hotp`: the counter from two or three codes.
fn counter(args: &VerifyArgs, row: &Row, output: &Output) -> Ran {
    let digits = args.digits.map(digits_of).transpose()?;
    let mut typed = args.codes.clone();
    if typed.is_empty() && prompt::has_person() {
        for question in ["First code: ", "The next one: "] {
            typed.extend(prompt::line(question, NO_TOKEN, AGAIN));
        }
    }
    if !(2..=3).contains(&typed.len()) {
        return Err(Failure::usage(
            format!("two or three codes in a row are needed, not {}", typed.len()),
            "press the button twice and give both codes in their order",
        ));
    }
    let codes = typed.iter().map(|text| keyboard_code(text, digits)).collect::<Result<Vec<_>, _>>()?;
    let hash = args.hash.map(Hash::from).or(row.hash).unwrap_or(Hash::Sha1);
    let found = search_hotp(&row.seed, hash, &codes, args.counter, args.look_ahead).map_err(|places| {
        Failure::usage(format!("the codes fit at {places} places"), "give one more code, three in a row")
    })?;
    let last = args.counter.saturating_add(args.look_ahead.into());
    let Some(first) = found else {
        let text = format!(
            "no match: not in a row from counter {} to {last}\ngive --counter or --look-ahead to look further, or it is another seed",
            args.counter,
        );
        output.report(&text, fields([("verdict", json!(VerdictKind::NoMatch.word())), ("counter", Value::Null)]));
        return Ok(Exit::Wrong);
    };
    let next = first.saturating_add(codes.len() as u64);
    let text =
        format!("match: the codes are those of counters {first} to {}\nset the server's counter to {next}", next - 1);
    let object = fields([
        ("verdict", json!(VerdictKind::Match.word())),
        ("counter", json!(first)),
        ("next_counter", json!(next)),
    ]);
    output.report(&text, object);
    Ok(Exit::Done)
}

/// Six or eight digits.
///
/// # Errors
/// A usage failure for any other number.
pub fn digits_of(number: u32) -> Result<Digits, Failure> {
    match number {
        6 => Ok(Digits::Six),
        8 => Ok(Digits::Eight),
        other => Err(Failure::usage(format!("a code has 6 or 8 digits, not {other}"), "say --digits 6 or 8")),
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
