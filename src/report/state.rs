//! The state of a token in words.

use crate::device::{Carried, ClockWrite, Progress};
use crate::job::{Kept, TokenState};
use crate::plain::shell_word;
use crate::words::counted;

/// A state in words.
#[must_use]
pub fn state(state: &TokenState) -> String {
    match state {
        TokenState::NotReached => "no token was touched".to_owned(),
        TokenState::Untouched => "nothing was written: the token is unchanged".to_owned(),
        TokenState::NextSlotUntouched => "nothing was written to the slot that was next".to_owned(),
        TokenState::Partial { progress, has_seed, of: of @ (Kept::Slot | Kept::Counter), .. } => {
            partial_slot(*progress, *has_seed, *of)
        }
        TokenState::Partial { progress, effect, has_seed, of: Kept::Token } => partial(*progress, *effect, *has_seed),
        TokenState::InTest => "the test was not finished: the token has a seed that nobody needs, or none, and perhaps another profile than the factory's"
                .to_owned(),
        TokenState::Written { config: true, seed: true } => "profile, clock and seed are written".to_owned(),
        TokenState::Written { config: true, seed: false } => "profile and clock are written".to_owned(),
        TokenState::Written { config: false, .. } => "the seed is written".to_owned(),
        TokenState::WrittenByJumpedClock(after) => {
            format!("the token is written, and its clock is now {after} by the host's")
        }
        TokenState::Accepted { config, unchecked } => {
            let what = if *config { "seed, profile and clock" } else { "the seed" };
            let checked = if *unchecked { "; the displayed code was not checked" } else { "" };
            format!("the token accepted {what}{checked}")
        }
        TokenState::CodeUnchecked(token) => format!("{token} was dealt with and recorded; its code was not checked"),
        TokenState::EarlierInDoubt { serial, earlier } => {
            format!("nothing was written to {serial}; {earlier} may have been set by this clock")
        }
        TokenState::InHand(serials) if serials.is_empty() => "no token was being written".to_owned(),
        TokenState::InHand(serials) => format!("unknown, because it was being written: {}", serials.join(", ")),
        TokenState::LeftReader => "the emulated token has left the reader".to_owned(),
        TokenState::RecordUnchanged => "the inventory is unchanged".to_owned(),
        TokenState::BatchUnchanged { done, rows } => {
            format!("no token was touched; {done} of its {} are done", counted(*rows, "row"))
        }
        TokenState::BatchFilesUnchanged => {
            "no token was touched; the inventory and the .part file are unchanged".to_owned()
        }
        TokenState::BatchRecorded { unwritten: false } => "the inventory has all that was burned".to_owned(),
        TokenState::BatchRecorded { unwritten: true } => {
            "the inventory has all that was burned; no server's file was written".to_owned()
        }
        TokenState::BatchUnrecorded => {
            "the write is recorded as started, and the token counts as unknown until it is burned again".to_owned()
        }
        TokenState::TokensRecorded => "all that was burned is recorded; only the slips are missing".to_owned(),
        TokenState::NothingChanged => "nothing was changed".to_owned(),
        TokenState::HandedOverOnRecord => "what was handed over is on record".to_owned(),
        TokenState::SeedKept(inner, file) => {
            format!("{}; the new seed is kept in {}", self::state(inner), shell_word(file))
        }
    }
}

/// How far the writes on a slot came, and what it holds now.
fn partial_slot(progress: Progress, has_seed: bool, of: Kept) -> String {
    if progress == Progress::default() {
        return state(&TokenState::Untouched);
    }
    let settings = if of == Kept::Slot { "profile and clock" } else { "how the key types" };
    let mut parts = Vec::new();
    match progress.config {
        Carried::Yes if of == Kept::Slot => parts.push(format!("{settings} are written")),
        Carried::Unknown if of == Kept::Slot => parts.push(format!("whether {settings} were written is unknown")),
        Carried::Unknown => parts.push(format!("whether {settings} was set is unknown")),
        _ => {}
    }
    match progress.cleared {
        Carried::Yes => parts.push("the old seed is taken out".to_owned()),
        Carried::Unknown => parts.push("whether the old seed was taken out is unknown".to_owned()),
        Carried::No => {}
    }
    match progress.other {
        Carried::Yes => parts.push("the title or setting is written".to_owned()),
        Carried::Unknown => parts.push("whether the last order was carried out is unknown".to_owned()),
        Carried::No => {}
    }
    parts.push(match (progress.seed, has_seed) {
        (Carried::Yes, _) => "the new seed is written; only the reading at the end is missing".to_owned(),
        (Carried::Unknown, _) => {
            "whether the new seed was written is unknown: the slot holds it, or what it held before".to_owned()
        }
        (Carried::No, true) if progress.cleared == Carried::Yes => {
            "the new seed is not written: the slot is empty".to_owned()
        }
        (Carried::No, true) if progress.cleared == Carried::Unknown => "the new seed is not written".to_owned(),
        (Carried::No, true) => "the new seed is not written: the slot holds what it held before".to_owned(),
        (Carried::No, false) if progress.other == Carried::Unknown || progress.cleared != Carried::No => {
            return parts.join("; ");
        }
        (Carried::No, false) => "its seed is unchanged".to_owned(),
    });
    parts.join("; ")
}

/// How far the writes came, and what the token holds now.
fn partial(progress: Progress, effect: ClockWrite, has_seed: bool) -> String {
    let erased = match effect {
        ClockWrite::ErasesSeed => "the seed is ERASED: the token shows no codes",
        _ => "the seed may be ERASED: an unknown model is treated as one that loses it",
    };
    let kept = !effect.erases_seed();
    if let Some(correction) = progress.correction {
        let all = if progress.seed == Carried::Yes { "profile, clock and seed" } else { "profile and clock" };
        return match correction {
            Carried::Unknown if !kept => format!(
                "{all} were written; whether the clock was then written again, to set it closer, is unknown; if it was, {erased}"
            ),
            _ => format!("{all} are written; only a second clock write, to set it closer, is missing"),
        };
    }
    match (progress.config, progress.seed) {
        (Carried::No, Carried::No) => state(&TokenState::Untouched),
        (Carried::Unknown, _) if kept => {
            "whether profile and clock were written is unknown; its seed is unchanged".to_owned()
        }
        (Carried::Unknown, _) => format!("whether profile and clock were written is unknown; if they were, {erased}"),
        (Carried::Yes, Carried::No) if kept && has_seed => {
            "profile and clock are written, the new seed is not: the token still has its old one".to_owned()
        }
        (Carried::Yes, Carried::No) if kept => "profile and clock are written, its seed is unchanged".to_owned(),
        (Carried::Yes, Carried::No) => format!("profile and clock are written, {erased}"),
        (config, Carried::Unknown) => {
            let first = if config == Carried::Yes { "profile and clock are written; " } else { "" };
            let old = if config == Carried::Yes && !kept { "no codes" } else { "those of its old one" };
            format!("{first}whether the new seed was written is unknown: the token shows its codes, or {old}")
        }
        (_, Carried::Yes) => "everything is written; only the reading at the end is missing".to_owned(),
    }
}
