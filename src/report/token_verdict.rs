//! The verdict on a token that was read: what its user needs to know first, and what to do about it.

use crate::clock::Drift;
use crate::device::{ClockWrite, Info};
use crate::inventory::TokenRecord;
use crate::time::UnixTime;
use crate::words::local;

/// A clock within this of true time is right, in seconds.
const RIGHT_S: f64 = 2.0;

/// Beyond this a server that follows no drift refuses the codes: a step of 30 s, to either side.
const REFUSED_S: f64 = 30.0;

/// A clock that is further off than this was not set wrong by a little: five years.
const ABSURD_S: f64 = 5.0 * 365.0 * 86_400.0;

/// The verdict.
pub struct TokenVerdict {
    /// A word for scripts.
    pub kind: &'static str,
    /// The same for people, with what to do.
    pub text: String,
}

/// The verdict on a token with this drift, by what is on record of it, and when its last code was wrong, if it was.
pub fn verdict(
    info: &Info,
    drift: Option<Drift>,
    known: Option<&TokenRecord>,
    code_wrong: Option<UnixTime>,
) -> TokenVerdict {
    let seen = seen(drift);
    let say = |kind, text| TokenVerdict { kind, text };
    let day = |at: UnixTime| at.format("%Y-%m-%d").to_string();
    if let Some(at) = known.and_then(|token| token.erased) {
        let text =
            format!("shows no codes: its seed was erased on {}; burn one, and import it into its server", day(at));
        return say("erased", text);
    }
    if let Some(pending) = known.and_then(|token| token.pending.as_ref()).filter(|pending| pending.seed.is_some()) {
        let text = format!(
            "may hold a different seed from its server, or none: \"{}\" of {} did not end as it should; run that command again",
            pending.deed.word(),
            local(pending.at)
        );
        return say("unfinished", text);
    }
    if let Some(at) = known.and_then(|token| token.clock_stopped) {
        let text = format!(
            "its clock stood still on {}, {seen} now: give its user another token; to look again: tokentap info --precise",
            day(at)
        );
        return say("clock-stopped", text);
    }
    let Some(drift) = drift else {
        let has_seed = known.is_some_and(|token| token.seed.is_some());
        let on_record = if has_seed { "its seed is on record" } else { "no seed of it is on record" };
        return say("counts", format!("counts button presses, and has no clock to set; {on_record}"));
    };
    if drift.middle_s().abs() > ABSURD_S {
        let text = format!(
            "its clock is {seen}: somebody set it so, or its battery is flat; if it is off again after a sync, its user needs \
             another token"
        );
        return say("clock-implausible", text);
    }
    if drift.may_be_within(RIGHT_S) {
        if let Some(at) = code_wrong {
            let text = format!(
                "its clock is right, {seen}, but the last code of it that was checked was wrong, on {}; check the one on its \
                 display: tokentap verify --seed-file FILE",
                local(at)
            );
            return say("code-wrong", text);
        }
        let has_seed = known.is_some_and(|token| token.seed.is_some());
        return match has_seed {
            true => say("works", format!("works, {seen}")),
            false => say("clock-right", format!("its clock is right, {seen}; no seed of it is on record")),
        };
    }
    let refused = if drift.middle_s().abs() > REFUSED_S { ": Duo refuses its codes" } else { "" };
    say("off", format!("{seen}{refused}; {}", how_to_set(info, known)))
}

/// A drift in words.
fn seen(drift: Option<Drift>) -> String {
    drift.map_or_else(|| "not there".to_owned(), Drift::in_short)
}

/// The verdict on a token whose clock does not run.
pub fn clock_stopped() -> TokenVerdict {
    let text = "its clock has stopped: it showed the same second for more than a second; give its user another token";
    TokenVerdict { kind: "clock-stopped", text: text.to_owned() }
}

/// The verdict on a token whose record cannot be read: whether it holds its seed, and what may be done to it, is not known.
pub fn record_unread(drift: Option<Drift>) -> TokenVerdict {
    let text = format!(
        "its clock is {}; its record cannot be read, so there may be other problems: run tokentap inventory check",
        seen(drift)
    );
    TokenVerdict { kind: "record-unread", text }
}

/// The verdict on a token that has refused the factory's key: a further try may be its last.
pub fn key_refused(drift: Option<Drift>, at: UnixTime) -> TokenVerdict {
    let text = format!(
        "{}; it refused the key on {}: write to it only with its own key: tokentap sync --token-key FILE",
        seen(drift),
        at.format("%Y-%m-%d")
    );
    TokenVerdict { kind: "key-refused", text }
}

/// The command that sets the clock of this token and harms nothing.
pub fn how_to_set(info: &Info, known: Option<&TokenRecord>) -> String {
    if info.can.slots > 1 {
        return format!("set it with tokentap sync --slot {}", info.slot_number());
    }
    let knows_profile = known.is_some_and(|token| token.meant_profile().is_some());
    let how = match info.clock_write() {
        ClockWrite::KeepsSeed if knows_profile => "set it with tokentap sync",
        ClockWrite::KeepsSeed => {
            "look up its hash and time step on its server (wrong ones stop its codes); then set it with tokentap sync --hash HASH \
             --step SECONDS"
        }
        ClockWrite::ErasesSeed if known.is_some_and(|token| token.held_sealed().is_some()) => {
            "set it with its sealed seed: tokentap sync --identity FILE"
        }
        ClockWrite::ErasesSeed if knows_profile => {
            "set it with its seed: tokentap sync --seed-file FILE; without that, resynchronise it on its server"
        }
        ClockWrite::ErasesSeed => {
            "look up its hash and time step on its server (wrong ones stop its codes); then set it with its seed: tokentap sync \
             --seed-file FILE --hash HASH --step SECONDS; without that, resynchronise it on its server"
        }
        ClockWrite::Unknown => "its model is not known, so it is not set",
    };
    how.to_owned()
}
