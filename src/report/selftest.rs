//! The report of `selftest`, to be handed on: no seed and no code is in it, and only the beginning of the serial.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::drift::DriftReport;
use super::profile::ProfileReport;
use super::selftest_facts::{FactReport, facts};
use crate::job::selftest::{Left, Part, Round, Tested, Trips, Unseen, is_right};
use crate::job::verify::VerdictKind;
use crate::job::{Exit, Failure, Problem, Refusal};
use crate::plain::plain;
use crate::words::counted;

/// So many digits of a serial at most are told: the first seven of a known model's name it.
const SERIAL_BEGINS: usize = 8;

/// So many of its last ones are never told.
const SERIAL_KEPT: usize = 4;

/// A test of a token, without anything that is secret.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SelftestReport {
    /// The program and its version.
    pub program: String,
    /// The operating system and the processor.
    pub system: String,
    /// The day, in UTC.
    pub day: String,
    /// The reader.
    pub reader: String,
    /// It is no real token.
    pub emulated: bool,
    /// The model by the serial; `null` if it is not known.
    pub model: Option<&'static str>,
    /// The first digits of the serial, eight at most and never its last four.
    pub serial_begins: String,
    /// The number of characters of the serial.
    pub serial_length: usize,
    /// The effect of a clock write on the seed, by the model: `unrestricted`, `restricted` or `unknown`.
    pub sync: &'static str,
    /// The bytes of get info whose meaning is not published, in hex.
    pub opaque: String,
    /// The number of bytes behind the clock.
    pub bytes_behind: usize,
    /// The drift of the clock as it was found.
    #[serde(flatten)]
    pub drift: DriftReport,
    /// The clock does not run.
    pub stands_still: bool,
    /// Whether the system keeps the host's clock synchronised; `null` if it does not say.
    pub host_synchronised: Option<bool>,
    /// The times of get info on this reader.
    pub info_ms: TripsReport,
    /// How long a write of profile and clock took, in milliseconds; `null` if it was not seen.
    pub config_ms: Option<f64>,
    /// How long a write of a seed of 20 bytes took, in milliseconds; `null` if it was not seen.
    pub seed_ms: Option<f64>,
    /// The facts that were asked for, with the token's answers.
    pub facts: Vec<FactReport>,
    /// The throw-away seeds.
    pub rounds: Vec<RoundReport>,
    /// The failures.
    pub failures: Vec<FailedReport>,
    /// The state in which the token was left: `untouched`, `as-new` or `unfinished`.
    pub left: &'static str,
    /// The drift that it was left with; `null` if it was not left as new.
    pub left_drift: Option<DriftReport>,
    /// The key was refused, for text.
    #[serde(skip)]
    key_refused: bool,
}

/// The times of exchanges, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TripsReport {
    /// How many there were.
    pub count: usize,
    /// The shortest.
    pub shortest: f64,
    /// The one in the middle.
    pub median: f64,
    /// The longest.
    pub longest: f64,
}

/// A throw-away seed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RoundReport {
    /// Its length, in bytes.
    pub seed_bytes: usize,
    /// The profile.
    pub profile: ProfileReport,
    /// `burned`, `not-tried` or `failed`.
    pub burn: &'static str,
    /// The code on the display: `right`, `other-profile` or `wrong`; or `none` (the display showed nothing), `not-told` or
    /// `not-tried`.
    pub code: &'static str,
    /// The profile that the code is one of, where it is another.
    pub code_profile: Option<String>,
}

/// Something that failed, without the token's serial.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FailedReport {
    /// The part: a fact's name, `seed` with its number, `test` (it was ended there) or `end` (the last write).
    pub part: String,
    /// The kind, as `error.kind` has it.
    pub kind: &'static str,
    /// The exchange, where it was one.
    pub step: Option<String>,
    /// The token's status word, in hex, where it refused.
    pub status: Option<String>,
    /// The exit code that goes with the kind.
    #[serde(skip)]
    exit: Exit,
}

/// The surroundings of a test.
pub struct TestedBy {
    /// The operating system and the processor.
    pub system: String,
    /// The day, in UTC.
    pub day: String,
    /// Whether the system keeps the host's clock synchronised.
    pub host_synchronised: Option<bool>,
}

impl SelftestReport {
    /// The report of a test.
    #[must_use]
    pub fn of(tested: &Tested, by: TestedBy) -> Self {
        let read = &tested.read;
        let info = &read.info;
        let serial = info.serial.as_str();
        let (left, left_drift) = match &tested.left {
            Left::Untouched => ("untouched", None),
            Left::AsNew(drift) => ("as-new", Some((*drift).into())),
            Left::Unfinished(_) => ("unfinished", None),
        };
        let writes = tested.writes.as_ref().ok();
        Self {
            program: concat!("tokentap ", env!("CARGO_PKG_VERSION")).to_owned(),
            system: by.system,
            day: by.day,
            reader: read.reader.clone(),
            emulated: read.emulated,
            model: info.model.map(|model| model.name),
            serial_begins: serial.chars().take(SERIAL_BEGINS.min(serial.len().saturating_sub(SERIAL_KEPT))).collect(),
            serial_length: serial.len(),
            sync: info.clock_write().word(),
            opaque: data_encoding::HEXUPPER.encode(&info.opaque),
            bytes_behind: info.more,
            drift: read.drift.into(),
            stands_still: read.stands_still,
            host_synchronised: by.host_synchronised,
            info_ms: (&read.trips).into(),
            config_ms: writes.map(|times| milliseconds(times.config)),
            seed_ms: writes.map(|times| milliseconds(times.seed)),
            facts: facts(tested),
            rounds: tested.rounds.iter().map(RoundReport::from).collect(),
            failures: tested.failures().map(|(part, failure)| FailedReport::of(part, failure)).collect(),
            left,
            left_drift,
            key_refused: tested.failures().any(|(_, failure)| failure.problem.is_key_refused()),
        }
    }

    /// The exit code: that of the first failure; [`Exit::Wrong`] where the token does not do what it should.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let contradicts = self.facts.iter().any(|fact| fact.contradicts);
        let is_wrong = self.rounds.iter().any(|round| matches!(round.code, "other-profile" | "wrong" | "none"));
        match self.failures.first() {
            Some(failed) => failed.exit,
            None if self.stands_still || contradicts || is_wrong => Exit::Wrong,
            None => Exit::Done,
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

impl From<&Trips> for TripsReport {
    fn from(trips: &Trips) -> Self {
        let [shortest, median, longest] = [trips.shortest, trips.median, trips.longest].map(milliseconds);
        Self { count: trips.count, shortest, median, longest }
    }
}

impl From<&Round> for RoundReport {
    fn from(round: &Round) -> Self {
        let verdict = round.code.as_ref().ok();
        let code = match (&round.code, verdict.map(|verdict| (verdict.kind(), is_right(verdict)))) {
            (_, Some((_, true))) => "right",
            (_, Some((VerdictKind::OtherProfile, false))) => "other-profile",
            (Ok(_), _) => "wrong",
            (Err(Unseen::Unclear), _) => "none",
            (Err(Unseen::NotTold), _) => "not-told",
            (Err(Unseen::NotTried | Unseen::Failed(_)), _) => "not-tried",
        };
        let found = verdict.filter(|verdict| verdict.kind() == VerdictKind::OtherProfile);
        let found = found.and_then(|verdict| verdict.found);
        Self {
            seed_bytes: round.bytes,
            profile: round.profile.into(),
            burn: match &round.burned {
                Ok(()) => "burned",
                Err(Unseen::Failed(_)) => "failed",
                Err(_) => "not-tried",
            },
            code,
            code_profile: found.map(|found| format!("{}, {}", found.profile.hash, found.profile.step)),
        }
    }
}

impl FailedReport {
    fn of(part: String, failure: &Failure) -> Self {
        let (step, status) = match &failure.problem {
            Problem::Link(broken) => (Some(broken.step), None),
            Problem::Garbled { step, .. } => (Some(*step), None),
            Problem::NotAwake(status, _) => (None, Some(*status)),
            Problem::Refused(refusal) => match refusal {
                Refusal::KeyOnRecord(..) | Refusal::KeyboardOff(_) => (None, None),
                Refusal::Key(status, _)
                | Refusal::BetweenTheTwo(status, _)
                | Refusal::CodePin(status, _)
                | Refusal::NoSlot(status, _) => (None, Some(*status)),
                Refusal::NotAuthenticated(step, status, _)
                | Refusal::Data(step, status, _)
                | Refusal::Other(step, status, _) => (Some(*step), Some(*status)),
            },
            _ => (None, None),
        };
        Self {
            part,
            kind: failure.kind().word(),
            step: step.map(|step| step.to_string()),
            status: status.map(|status| status.to_string()),
            exit: failure.exit(),
        }
    }
}

/// A part of the test in words, for the person at the reader.
#[must_use]
pub fn part_words(part: &Part) -> String {
    match part {
        Part::Read => "reading the token's clock, and timing the reader".to_owned(),
        Part::Clock => "writing the clock, to see what it does with its second".to_owned(),
        Part::Reset => "resetting the token, to see whether it forgets that the key was right".to_owned(),
        Part::Round { number, of, bytes, profile } => {
            let profile = ProfileReport::from(*profile).words();
            format!("seed {number} of {of}: {}, {profile}", counted(*bytes as u64, "byte"))
        }
        Part::SeedAfter => "setting the clock alone, to see whether the seed stays".to_owned(),
        Part::Away => "taking the token away and back".to_owned(),
        Part::Last => "leaving the token with the factory's profile and the right time".to_owned(),
    }
}

impl Report for SelftestReport {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("{} on {}, {}", self.program, self.system, self.day),
            format!(
                "token   {}, serial {}... ({}), {} by its model{}",
                self.model.unwrap_or("unknown model"),
                self.serial_begins,
                counted(self.serial_length as u64, "character"),
                self.sync,
                if self.emulated { ", emulated" } else { "" }
            ),
            format!("reader  {}", plain(&self.reader)),
            format!("bytes   {}, and {} behind the clock", self.opaque, self.bytes_behind),
            format!(
                "clock   {}",
                if self.stands_still { "it has stopped".to_owned() } else { self.drift.drift.to_string() }
            ),
            format!(
                "info    {} times: {} ms at least, {} ms at the median, {} ms at most",
                self.info_ms.count, self.info_ms.shortest, self.info_ms.median, self.info_ms.longest
            ),
        ];
        if let Some((config, seed)) = self.config_ms.zip(self.seed_ms) {
            lines.push(format!("writes  profile and clock {config} ms, seed {seed} ms"));
        }
        for fact in &self.facts {
            let but = if fact.contradicts { "; docs/protocol.md says otherwise" } else { "" };
            lines.push(format!("§{:<6} {} ({}){but}", fact.section, fact.text, fact.fact));
        }
        for round in &self.rounds {
            let code = match (round.code, &round.code_profile) {
                (_, Some(found)) => format!("its code is one of {found}"),
                ("right", _) => "its code is right".to_owned(),
                ("wrong", _) => "the code that was typed is none of it".to_owned(),
                ("none", _) => "the display showed no code".to_owned(),
                _ => "its code was not checked".to_owned(),
            };
            let what = format!("{}, {}", counted(round.seed_bytes as u64, "byte"), round.profile.words());
            lines.push(match round.burn {
                "burned" => format!("seed    {what}: burned; {code}"),
                "failed" => format!("seed    {what}: not burned"),
                _ => format!("seed    {what}: not tried"),
            });
        }
        for failed in &self.failures {
            let step = failed.step.as_ref().map(|step| format!(" at {step}")).unwrap_or_default();
            let status = failed.status.as_ref().map(|status| format!(" ({status})")).unwrap_or_default();
            lines.push(format!("failed  {}: {}{step}{status}", failed.part, failed.kind));
        }
        lines.push(match (self.left, &self.left_drift) {
            (_, Some(drift)) => format!(
                "left    with the factory's profile, its clock {}; its seed, if it has one, is known to nobody",
                drift.drift
            ),
            ("untouched", _) => "left    as it was: nothing was written".to_owned(),
            _ if self.key_refused => {
                "left    as it was by then; it refused the key: do not try again and again, some tokens lock for good".to_owned()
            }
            _ => "left    with a seed that nobody needs, or none, and perhaps another profile than the factory's: run the test \
                  again, or give it a seed with tokentap burn"
                .to_owned(),
        });
        lines.join("\n")
    }
}
