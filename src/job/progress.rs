//! How far a write job came, and what that means for the token: in words, for every place where it can break.

use super::failure::{Exit, Failure, UNTOUCHED};
use super::plan::WritePlan;
use super::written::{Progress, Written};
use crate::iso7816::{StatusKind, StatusWord};
use crate::link::{Link, LinkError, LinkFault};
use crate::reader::ReaderError;
use crate::token::{Info, Other, Reason, Step, Sync, TokenError, identify_other};

impl Progress {
    /// Takes note of a write that failed: it is unknown, unless the token refused it or never got it.
    pub fn note_failure(&mut self, error: &TokenError) {
        let certainly_not = match &error.reason {
            Reason::Refused(status) => status.is_refusal(),
            Reason::Withheld(_) => true,
            Reason::Link(link) => matches!(link.fault, LinkFault::LeftBefore | LinkFault::Reset),
            Reason::Malformed(_) | Reason::SerialChanged(_) => false,
        };
        let written = match error.step {
            Step::Config if self.config == Written::Yes => self.correction.insert(Written::No),
            Step::Config => &mut self.config,
            Step::Seed => &mut self.seed,
            Step::Info | Step::Hold | Step::Challenge | Step::Answer => return,
        };
        if !certainly_not {
            *written = Written::Unknown;
        }
    }

    /// The token's state in words.
    fn words(self, plan: &WritePlan, sync: Sync) -> String {
        let erased = match sync {
            Sync::Restricted => "the seed is ERASED: the token shows no codes",
            _ => "the seed may be ERASED: an unknown model counts as one that loses it",
        };
        let kept = !sync.erases_seed();
        if let Some(correction) = self.correction {
            let all = if self.seed == Written::Yes { "profile, clock and seed" } else { "profile and clock" };
            return match correction {
                Written::Unknown if !kept => format!(
                    "{all} were written; whether the clock was then written again, to set it closer, is unknown; if it was, {erased}"
                ),
                _ => format!("{all} are written; only a second clock write, to set it closer, is missing"),
            };
        }
        match (self.config, self.seed) {
            (Written::No, Written::No) => UNTOUCHED.to_owned(),
            (Written::Unknown, _) if kept => {
                "whether profile and clock were written is unknown; its seed is as it was".to_owned()
            }
            (Written::Unknown, _) => {
                format!("whether profile and clock were written is unknown; if they were, {erased}")
            }
            (Written::Yes, Written::No) if kept && plan.seed.is_some() => {
                "profile and clock are written, the new seed is not: the token still has its old one".to_owned()
            }
            (Written::Yes, Written::No) if kept => "profile and clock are written, its seed is as it was".to_owned(),
            (Written::Yes, Written::No) => format!("profile and clock are written, {erased}"),
            (config, Written::Unknown) => {
                let first = if config == Written::Yes { "profile and clock are written; " } else { "" };
                let old = if config == Written::Yes && !kept { "no codes" } else { "those of its old one" };
                format!("{first}whether the new seed was written is unknown: the token shows its codes, or {old}")
            }
            (_, Written::Yes) => "everything is written; only the reading at the end is missing".to_owned(),
        }
    }
}

/// The failure of a job that only reads, or has not written yet.
pub fn reading_failed(error: &TokenError, link: &mut dyn Link, info: Option<&Info>, again: &str) -> Failure {
    let serial = info.map(|info| info.serial.clone());
    Failure { serial, ..why_reading_failed(error, link, info, again) }
}

fn why_reading_failed(error: &TokenError, link: &mut dyn Link, info: Option<&Info>, again: &str) -> Failure {
    let who = info.map(|info| format!(" ({info})")).unwrap_or_default();
    match &error.reason {
        Reason::Link(broken) => {
            let left = matches!(broken.fault, LinkFault::LeftBefore | LinkFault::Removed | LinkFault::NoAnswer);
            Failure { may_come_back: left, ..link_failure(broken, error.step, &who, UNTOUCHED, again) }
        }
        Reason::Refused(status) if error.step == Step::Info && status.says_nothing() => Failure {
            may_come_back: true,
            ..Failure::new(
                "not-awake",
                Exit::LinkLost,
                format!(
                    "could not read the token: it is not awake yet, too cold, or was lifted too soon ({status}){who}"
                ),
                UNTOUCHED,
                format!("switch it on (press its button until the display lights), lay it back, and {again}"),
            )
        },
        Reason::Refused(status) if error.step == Step::Info && info.is_none() => not_a_token(*status, link),
        Reason::Withheld(why) => withheld(why, &who, UNTOUCHED.to_owned(), again),
        Reason::Refused(status) => refusal(error.step, *status, &who, UNTOUCHED.to_owned(), again),
        Reason::Malformed(what) => Failure::new(
            "bad-reply",
            Exit::NotWritable,
            format!("what lies on the reader does not answer like a token: {what}{who}"),
            UNTOUCHED,
            "take away other cards, lay the token down alone, and run the same command again",
        ),
        Reason::SerialChanged(serial) => Failure::new(
            "wrong-token",
            Exit::NotWritable,
            format!("another token lies on the reader than before: {serial}{who}"),
            UNTOUCHED,
            "leave one token on the reader until the command is done",
        ),
    }
}

/// The failure of a job in the middle of writing.
pub fn writing_failed(error: &TokenError, info: &Info, progress: Progress, plan: &WritePlan) -> Failure {
    let who = format!(" ({info})");
    let state = progress.words(plan, info.sync());
    match &error.reason {
        Reason::Link(broken) => link_failure(broken, error.step, &who, &state, &plan.again),
        Reason::Refused(status) => refusal(error.step, *status, &who, state, &plan.again),
        Reason::Withheld(why) => withheld(why, &who, state, &plan.again),
        Reason::Malformed(what) => Failure::new(
            "bad-reply",
            Exit::LinkLost,
            format!("the answer to \"{}\" makes no sense: {what}{who}", error.step),
            state,
            format!("switch it on, lay it back, and {}", plan.again),
        ),
        Reason::SerialChanged(serial) => Failure::new(
            "wrong-token",
            Exit::LinkLost,
            format!("another token came onto the reader in the middle: {serial}, after{who}"),
            state,
            format!("take {serial} away, lay {} back, and {}", info.serial, plan.again),
        ),
    }
}

fn link_failure(broken: &LinkError, step: Step, who: &str, state: &str, again: &str) -> Failure {
    let what = match step {
        Step::Info => "it was read",
        Step::Hold | Step::Challenge | Step::Answer => "anything was written",
        Step::Config => "its clock was written",
        Step::Seed => "its seed was written",
    };
    let lost = |fact: String| {
        Failure::new("link-lost", Exit::LinkLost, fact, state, format!("switch it on, lay it back, and {again}"))
    };
    let detail = &broken.detail;
    match broken.fault {
        LinkFault::LeftBefore => lost(format!("the token left the reader before {what}{who}")),
        LinkFault::Removed | LinkFault::NoAnswer if step == Step::Info => {
            lost(format!("could not read the token: it was lifted too soon, or is not awake yet{who} ({detail})"))
        }
        LinkFault::Removed => lost(format!("the token left the reader before it answered \"{step}\"{who} ({detail})")),
        LinkFault::NoAnswer => lost(format!("the answer to \"{step}\" did not come through{who} ({detail})")),
        LinkFault::Reset => lost(format!("another program reset the token before {what}{who}")),
        LinkFault::TimedOut => lost(format!("the token did not answer \"{step}\": {detail}{who}")),
        LinkFault::ReaderGone => Failure::new(
            "link-lost",
            Exit::LinkLost,
            format!("the reader or its service went away before {what}: {detail}{who}"),
            state,
            format!("plug the reader in, see `tokentap doctor`, then {again}"),
        ),
        LinkFault::ServiceHangs => {
            let next = format!("{}; if the token lies there, take it off first", ReaderError::NoAnswer.remedy());
            Failure::new("no-answer", Exit::NoReader, format!("{detail} at \"{step}\"{who}"), state, next)
        }
        LinkFault::Busy => Failure::new(
            "reader-busy",
            Exit::NoReader,
            detail.clone(),
            state,
            "take the token off, switch it off and on, and lay it back; if another program uses the reader, close it (GnuPG: \
             gpgconf --kill scdaemon); then run the same command again",
        ),
        LinkFault::Interrupted => {
            Failure::new("interrupted", Exit::Interrupted, "interrupted", state, format!("to go on, {again}"))
        }
        LinkFault::Other => lost(format!("the link to the token failed at \"{step}\": {detail}{who}")),
    }
}

fn withheld(why: &str, who: &str, state: String, again: &str) -> Failure {
    let next = format!("see that the host's clock is right and stays so, and {again}");
    Failure::new("host-clock", Exit::HostClock, format!("{why}{who}"), state, next)
}

fn not_a_token(status: StatusWord, link: &mut dyn Link) -> Failure {
    let fact = match identify_other(link) {
        Other::SecurityKey => "a security key (FIDO or OATH) is on the reader, not a programmable token".to_owned(),
        Other::Unknown => {
            format!("what is on the reader is not a programmable token (get info: {status})")
        }
    };
    let next = "remove it and lay a Token2 programmable token there (README.md lists the models)";
    Failure::new("not-a-token", Exit::NotWritable, fact, UNTOUCHED, next)
}

fn refusal(step: Step, status: StatusWord, who: &str, state: String, again: &str) -> Failure {
    let left = match status.kind() {
        StatusKind::TriesLeft(tries) => format!("; {tries} tries are left"),
        _ => String::new(),
    };
    let (fact, next) = match (step, status.kind()) {
        // Not a word about the key (`docs/protocol.md` §8): a wrong answer has another status.
        (Step::Answer, StatusKind::WrongData) => (
            format!("the token refused \"{step}\" with {status}: something came between its challenge and the answer{who}"),
            format!("take the token off, switch it on, lay it back, and {again}; close other programs that use the reader"),
        ),
        (Step::Answer, _) if status.is_denial() => (
            format!("the token refused the key with {status}: it has another key, or it is locked{left}{who}"),
            "do not try again and again: tokens made before 2025 lock for good after some wrong answers; a token with a \
             customer key of its own needs --token-key FILE"
                .to_owned(),
        ),
        (Step::Config | Step::Seed, StatusKind::Blocked) => (
            format!(
                "the token refused \"{step}\" with {status}: it no longer counts as authenticated, or the MAC is wrong{who}"
            ),
            format!("take the token off, switch it on, lay it back, and {again}; if it refuses again, leave it at that"),
        ),
        (Step::Config | Step::Seed, StatusKind::WrongData | StatusKind::WrongLength) => (
            format!("the token does not accept the data of \"{step}\" ({status}){who}"),
            "this is not a model that tokentap knows how to write: please report it with the output of --trace".to_owned(),
        ),
        _ => (
            if status.is_denial() {
                format!("the token refused \"{step}\" with {status}{left}{who}")
            } else {
                format!("the token answered \"{step}\" with {status}, a status that is not known{who}")
            },
            format!(
                "take the token off, switch it on, lay it back, and {again}; if it refuses again, please report it with the \
                 output of --trace"
            ),
        ),
    };
    let refused_key = step == Step::Answer && status.is_denial() && status.kind() != StatusKind::WrongData;
    Failure { refused_key, ..Failure::new("refused", Exit::Refused, fact, state, next) }
}
