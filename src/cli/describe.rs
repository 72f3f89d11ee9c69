//! Tokens, clocks and profiles as text and JSON, the same in every command.

use std::path::Path;

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Map, Value, json};

use crate::clock::Drift;
use crate::inventory::TokenRecord;
use crate::job::{ClockPlan, ConfigPlan, Outcome, WriteReport};
pub use crate::plain::plain;
use crate::time::{UnixTime, seconds};
use crate::token::{Info, Sync};
pub use crate::words::{counted, local};

/// A path for a message: what would act on the terminal is escaped.
pub fn path(path: &Path) -> String {
    plain(&path.display().to_string())
}

/// A word that somebody typed, for a message; one that could be a secret is not repeated.
pub fn given(word: &str) -> String {
    if could_be_secret(word) { "(not repeated)".to_owned() } else { format!("\"{}\"", plain(word)) }
}

/// The name of a file that could not be read, for a message; one that could be a secret in the wrong place is not repeated.
pub fn unread(path: &Path) -> String {
    if could_be_secret(&path.to_string_lossy()) {
        "a file whose name is not repeated here, because it could be a secret,".to_owned()
    } else {
        self::path(path)
    }
}

/// A word as long as a secret that is no path: without an ending or a folder, or with the signs of Base64 or a URI.
fn could_be_secret(word: &str) -> bool {
    const SHORTEST: usize = 10;
    let is_number = word.len() <= 20 && word.chars().all(|c| c.is_ascii_digit());
    word.len() >= SHORTEST
        && !is_number
        && (!word.contains(['.', '/', '\\']) || word.ends_with('=') || word.contains("://") || word.contains('+'))
}

/// Whose a token is by its record, and since when, to stand behind its name: " of ada, burned 2026-11-23 …".
pub fn whose(token: &TokenRecord) -> String {
    let owner = token.user.as_ref().map(|user| format!(" of {}", plain(user))).unwrap_or_default();
    let when = token.burned.map(|at| format!(", burned {}", local(at))).unwrap_or_default();
    format!("{owner}{when}")
}

/// The end of a name that is longer than `width` characters, which tells more than its beginning.
pub fn tail(name: &str, width: usize) -> String {
    let count = name.chars().count();
    if count <= width {
        return name.to_owned();
    }
    format!("...{}", name.chars().skip(count - width + 3).collect::<String>())
}

/// The fields of an object.
pub fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `{"serial","model","sync"}`, and `"emulated": true` for what is no real token.
pub fn token(info: &Info, emulated: bool) -> Value {
    let mut object = fields([
        ("serial", json!(info.serial.as_str())),
        ("model", json!(info.model().map(|model| model.name))),
        ("sync", json!(info.sync().word())),
    ]);
    if emulated {
        object.insert("emulated".to_owned(), json!(true));
    }
    Value::Object(object)
}

/// The token in a line: model, serial, and whether it is emulated.
pub fn token_line(info: &Info, emulated: bool) -> String {
    format!("{info}{}", if emulated { " (emulated)" } else { "" })
}

/// A serial as it is printed in groups, without the blanks between them.
pub fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What to say of bytes behind the clock in a token's answer.
pub fn more_words(bytes: usize) -> String {
    format!(
        "the token's answer has {} behind its clock that tokentap does not know; serial and clock were read all the same",
        counted(bytes as u64, "byte")
    )
}

/// What a clock write does to the seed, in words.
pub fn sync_words(sync: Sync) -> &'static str {
    match sync {
        Sync::Unrestricted => "setting its clock keeps the seed",
        Sync::Restricted => "setting its clock ERASES the seed",
        Sync::Unknown => "setting its clock may erase the seed",
    }
}

/// A drift and how it was found.
pub fn drift(drift: Drift) -> Map<String, Value> {
    let mut object = milliseconds(drift.middle_s(), drift.resolution_s());
    object.insert("method".to_owned(), json!(drift.method().word()));
    object
}

/// `{"drift_s","resolution_s"}` to the millisecond; the resolution is widened by what the rounding may take away.
pub fn milliseconds(drift_s: f64, resolution_s: f64) -> Map<String, Value> {
    fields([
        ("drift_s", json!(round((drift_s * 1000.0).round()))),
        ("resolution_s", json!(round((resolution_s * 1000.0 + 0.5).ceil()))),
    ])
}

fn round(milliseconds: f64) -> f64 {
    // Adding zero turns a negative zero into a plain one.
    milliseconds / 1000.0 + 0.0
}

/// A time for programs: UTC, to the millisecond.
pub fn utc(time: UnixTime) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The profile and where it comes from.
pub fn profile(config: &ConfigPlan) -> Value {
    let mut value = serde_json::to_value(config.profile).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("from".to_owned(), json!(config.from.word()));
    }
    value
}

/// The profile in words: `SHA1, 30 s, display 30 s (factory)`.
pub fn profile_words(config: &ConfigPlan) -> String {
    let profile = config.profile;
    let (hash, step, display) = (profile.hash(), profile.step(), profile.display().seconds());
    format!("{hash}, {step}, display {display} s ({})", config.from.words())
}

/// What to say when the host's wall clock was stepped during a job.
pub fn jumped(by: TimeDelta) -> String {
    format!("the host's clock jumped by {:.3} s meanwhile; the token was read again after that", seconds(by))
}

/// The fields that every write reports.
pub fn written(report: &WriteReport, reader: &str, emulated: bool) -> Map<String, Value> {
    let clock = json!({ "before": drift(report.before), "after": drift(report.after) });
    let mut object = fields([
        ("reader", json!(reader)),
        ("token", token(&report.info, emulated)),
        ("clock", clock),
        ("seed", json!(report.seed.word())),
        ("outcome", json!(report.outcome.word())),
    ]);
    object.insert("keeps_phase".to_owned(), json!(report.keeps_phase));
    if let Some(config) = report.config.as_ref().filter(|_| report.outcome == Outcome::Synced) {
        let set = match config.clock {
            ClockPlan::Now => "now",
            ClockPlan::At(_) => "at",
            ClockPlan::CarryOn => "carried-on",
        };
        object.insert("clock_set".to_owned(), json!(set));
        object.insert("profile".to_owned(), profile(config));
    }
    object
}
