//! The reports of `hand-over`, and of mending a token at a server.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::audience::Audience;
use super::hindrance::{hindrance_fact, hindrance_next, hindrance_word};
use super::server_commands::mended;
use super::times::utc;
use crate::inventory::SlotKey;
use crate::job::server::{AfterSync, ByHand, Doing, Handed, Hindrance, Mended, Planned};
use crate::plain::plain;
use crate::server::ServerKind;
use crate::words::{counted, local};

/// A token that was to be handed over.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HandedToken {
    /// The token.
    pub serial: String,
    /// Its user at the server.
    pub user: Option<String>,
    /// `create`, `replace`, `finish` or `nothing` in a plan; `created`, `replaced`, `finished` or `there` when it was done; `undone`.
    pub outcome: &'static str,
    /// The server has accepted a code of the seed; `null` where it was not asked.
    pub accepted: Option<bool>,
    /// What stood in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hindrance: Option<HindranceReport>,
}

/// What stood in the way of a token.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HindranceReport {
    /// In a word.
    pub kind: &'static str,
    /// In words.
    pub fact: String,
    /// What helps.
    pub next: String,
}

impl HindranceReport {
    fn of(hindrance: &Hindrance, server: &str, serial: &str, audience: Audience) -> Self {
        let next = hindrance_next(hindrance, server, serial, audience);
        Self { kind: hindrance_word(hindrance), fact: hindrance_fact(hindrance), next }
    }
}

impl HandedToken {
    /// A token as it is planned.
    #[must_use]
    pub fn planned(server: &str, key: &SlotKey, plan: &Result<Planned, Hindrance>) -> Self {
        match plan {
            Ok(planned) => {
                let outcome = match planned.doing {
                    Doing::Create => "create",
                    Doing::Replace => "replace",
                    Doing::Finish => "finish",
                    Doing::Nothing => "nothing",
                };
                let user = planned.user.as_ref().map(|user| user.name.clone());
                Self { serial: key.to_string(), user, outcome, accepted: None, hindrance: None }
            }
            Err(hindrance) => Self::undone(server, key, hindrance, Audience::Terminal),
        }
    }

    /// A token that was handed over, or not, with the words for where they are read.
    #[must_use]
    pub fn done(server: &str, key: &SlotKey, done: &Result<Handed, Hindrance>, audience: Audience) -> Self {
        match done {
            Ok(handed) => {
                let outcome = match handed.doing {
                    Doing::Create => "created",
                    Doing::Replace => "replaced",
                    Doing::Finish => "finished",
                    Doing::Nothing => "there",
                };
                let user = handed.delivery.user.clone();
                let accepted = handed.is_checked.then_some(true);
                Self { serial: key.to_string(), user, outcome, accepted, hindrance: None }
            }
            Err(hindrance) => Self::undone(server, key, hindrance, audience),
        }
    }

    fn undone(server: &str, key: &SlotKey, hindrance: &Hindrance, audience: Audience) -> Self {
        let hindrance = Some(HindranceReport::of(hindrance, server, &key.serial, audience));
        Self { serial: key.to_string(), user: None, outcome: "undone", accepted: None, hindrance }
    }

    /// The token in a line.
    #[must_use]
    pub fn line(&self) -> String {
        let whose = self.user.as_ref().map(|user| format!(", user {user}")).unwrap_or_default();
        let what = match (self.outcome, &self.hindrance) {
            (_, Some(hindrance)) => format!("UNDONE: {}; next: {}", hindrance.fact, hindrance.next),
            ("create", _) => format!("would be created{whose}"),
            ("replace", _) => format!("its seed there would be replaced{whose}"),
            ("finish", _) => format!("is there; what is missing would be done{whose}"),
            ("nothing" | "there", _) => format!("is there{whose}"),
            ("replaced", _) => format!("its seed there is replaced{whose}{}", self.accepted_words()),
            (_, _) => format!("handed over{whose}{}", self.accepted_words()),
        };
        plain(&format!("{}: {what}", self.serial))
    }

    fn accepted_words(&self) -> &'static str {
        if self.accepted == Some(true) { "; its codes are accepted" } else { "; its codes were not checked" }
    }
}

/// `hand-over`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HandOverReport {
    /// The server's name.
    pub server: String,
    /// Nothing was sent.
    pub dry_run: bool,
    /// The tokens, by serial.
    pub tokens: Vec<HandedToken>,
    /// How many are at the server now.
    pub done: usize,
    /// How many are not, or not as they should be.
    pub undone: usize,
    /// How many were not tried, because the run was stopped before.
    pub left: usize,
    /// The lines were shown as they came.
    #[serde(skip)]
    pub lines_shown: bool,
}

impl HandOverReport {
    /// The report of a run.
    #[must_use]
    pub fn of(server: &str, dry_run: bool, tokens: Vec<HandedToken>) -> Self {
        let undone = tokens.iter().filter(|token| token.hindrance.is_some()).count();
        let done = if dry_run { 0 } else { tokens.len() - undone };
        Self { server: server.to_owned(), dry_run, tokens, done, undone, left: 0, lines_shown: false }
    }
}

impl Report for HandOverReport {
    fn text(&self) -> String {
        let mut lines: Vec<String> =
            if self.lines_shown { Vec::new() } else { self.tokens.iter().map(HandedToken::line).collect() };
        let all = self.tokens.len();
        let end = match (self.dry_run, all) {
            (_, 0) => format!("nothing to hand over to {}", self.server),
            (true, _) => format!(
                "{} for {}: {} would go there, {} would not; nothing was sent",
                counted(all as u64, "token"),
                self.server,
                all - self.undone,
                self.undone
            ),
            (false, _) => {
                let left = if self.left > 0 { format!(", {} not tried", self.left) } else { String::new() };
                let all = counted((all + self.left) as u64, "token");
                format!("{all} for {}: {} there, {} undone{left}", self.server, self.done, self.undone)
            }
        };
        lines.push(plain(&end));
        lines.join("\n")
    }
}

/// What became of a token at a server after its clock was set.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MendReport {
    /// The server's name.
    pub server: String,
    /// `never-follows`, `follows`, `resynced`, `re-enrolled`, `accepts-later`, `again-later`, `by-hand` or `undone`.
    pub outcome: &'static str,
    /// The server accepts the current code, as it was asked; `null` where it was not asked, because that would have cost a code.
    pub accepted: Option<bool>,
    /// From when on it accepts codes, where that is later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Two codes in a row to type at the server's page, where a person has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<Vec<String>>,
    /// What stood in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hindrance: Option<HindranceReport>,
    /// Its user may be refused there now.
    #[serde(skip)]
    pub is_open: bool,
    /// The same in words.
    pub words: String,
}

impl From<&AfterSync> for MendReport {
    fn from(after: &AfterSync) -> Self {
        Self::read_at(after, Audience::Terminal)
    }
}

impl MendReport {
    /// The report, with the words for where they are read.
    #[must_use]
    pub fn read_at(after: &AfterSync, audience: Audience) -> Self {
        let (outcome, accepted, words) = words_of(after, audience);
        let by_hand = by_hand_words(after, audience);
        let from = match &after.done {
            Ok(Mended::AcceptsFrom(at) | Mended::AgainFrom(at)) => Some(utc(*at)),
            _ => None,
        };
        let codes = match &after.by_hand {
            Some(ByHand::Codes(codes)) if after.kind.can().follows_drift => Some(codes.clone()),
            _ => None,
        };
        Self {
            server: after.server.clone(),
            outcome: if by_hand.is_some() { "by-hand" } else { outcome },
            accepted,
            from,
            codes,
            hindrance: after
                .done
                .as_ref()
                .err()
                .map(|why| HindranceReport::of(why, &after.server, &after.serial, audience)),
            is_open: after.is_open(),
            words: plain(&format!("{}: {words}{}", after.server, by_hand.unwrap_or_default())),
        }
    }
}

fn words_of(after: &AfterSync, audience: Audience) -> (&'static str, Option<bool>, String) {
    let name = after.kind.name();
    match &after.done {
        Ok(Mended::NeverFollows) => {
            ("never-follows", None, format!("{name} does not follow drift: it accepts the codes of a correct clock"))
        }
        Ok(Mended::Follows) => {
            ("follows", None, format!("{name} has accepted a code just now: it follows the clock as it is"))
        }
        Ok(Mended::Resynced { checked }) => (
            "resynced",
            checked.then_some(true),
            format!("{name} has resynchronised with the clock{}", accepted_words(*checked)),
        ),
        Ok(Mended::ReEnrolled { checked }) => (
            "re-enrolled",
            checked.then_some(true),
            format!("{name} has enrolled the same seed again{}", accepted_words(*checked)),
        ),
        Ok(Mended::AcceptsFrom(at)) => (
            "accepts-later",
            Some(false),
            format!(
                "{name} has accepted codes of the fast clock, and refuses all codes until {}; to have codes accepted now: {}, which enrols the same \
                 seed again",
                local(*at),
                audience.re_enrol(&after.server)
            ),
        ),
        Ok(Mended::AgainFrom(at)) => (
            "again-later",
            Some(false),
            format!(
                "{name} still looks for codes around the old clock, and can be told the right one from {} on: then {}; to have codes accepted now: {}, \
                 which enrols the same seed again",
                local(*at),
                audience.mend(&after.server),
                audience.re_enrol(&after.server)
            ),
        ),
        Ok(Mended::OnlyReEnrol) => (
            "undone",
            None,
            format!(
                "{name} may have followed the old clock; if it refuses the next code: {}, which enrols the same seed again",
                audience.re_enrol(&after.server)
            ),
        ),
        Err(hindrance) => {
            // What a server's trouble has hindered may well work in a moment.
            let next = match after.by_hand {
                Some(_) if !matches!(hindrance, Hindrance::Server(_)) => String::new(),
                _ => format!("; next: {}", hindrance_next(hindrance, &after.server, &after.serial, audience)),
            };
            ("undone", None, format!("NOT mended: {}{next}", hindrance_fact(hindrance)))
        }
    }
}

/// What a person does at the server's own page.
fn by_hand_words(after: &AfterSync, audience: Audience) -> Option<String> {
    let by_hand = after.by_hand.as_ref()?;
    let click = match (after.kind, by_hand, after.by_hand_from) {
        (ServerKind::PrivacyIdea, ByHand::Codes(codes), _) => format!(
            "if the code on the display is refused, open the token in privacyIDEA, choose Resync Token, and enter these two codes within half a minute: {}",
            codes.join(" ")
        ),
        (ServerKind::PrivacyIdea, ByHand::OffDisplay, Some(from)) => format!(
            "the clock was fast, so privacyIDEA may refuse every code until {}; then open the token there, and choose Resync Token; {DISPLAYED}",
            local(from)
        ),
        (ServerKind::PrivacyIdea, ByHand::OffDisplay, None) => {
            format!(
                "open the token in privacyIDEA, and choose Resync Token (if its clock was fast before it was set, first wait for as long as it was fast); \
                 {DISPLAYED}"
            )
        }
        (ServerKind::Entra, ..) => format!(
            "tokentap knows no way to resynchronise a token in Entra ID; only if Entra ID refuses the next code, remove the token in the Entra \
             admin centre, and then either hand it over again ({}), or upload its seed there and activate it with the code on its display",
            audience.command(&format!("{} --again", super::server_commands::hand_over(&after.server, &after.serial)))
        ),
        (ServerKind::Duo, ..) => return None,
    };
    let record = audience
        .at_page(&format!("open the token here, and choose \"Already mended at {}\"", after.server), || {
            mended(&after.server, &after.serial)
        });
    let or = if matches!(after.done, Err(Hindrance::Server(_))) { "or " } else { "" };
    Some(format!("; {or}by hand: {click}; then record it: {record}"))
}

/// What is typed at privacyIDEA's page where no codes were computed.
const DISPLAYED: &str = "enter two consecutive codes from the token's display; the code after them is accepted";

fn accepted_words(checked: bool) -> &'static str {
    if checked { ", and accepts the current code" } else { "; the current code was not checked, and can still be used" }
}
