//! Between columns and the types that they stand for.

use chrono::DateTime;
use rusqlite::types::Type;
use rusqlite::{Error, Row};

use crate::device::Profile;
use crate::inventory::kept_profile::profile_of;
use crate::inventory::{Fingerprint, Measured};
use crate::time::UnixTime;

/// A time as it is kept: milliseconds since 1970.
pub fn ms(time: UnixTime) -> i64 {
    time.timestamp_millis()
}

/// A time in a column.
pub fn time(row: &Row<'_>, column: &str) -> Result<UnixTime, Error> {
    optional_time(row, column)?.ok_or_else(|| odd(column))
}

/// A time in a column that may be empty.
pub fn optional_time(row: &Row<'_>, column: &str) -> Result<Option<UnixTime>, Error> {
    let milliseconds: Option<i64> = row.get(column)?;
    milliseconds.map(|value| DateTime::from_timestamp_millis(value).ok_or_else(|| odd(column))).transpose()
}

/// A value that is one of a few words.
pub fn word<T>(row: &Row<'_>, column: &str, of_word: fn(&str) -> Option<T>) -> Result<T, Error> {
    let text: String = row.get(column)?;
    of_word(&text).ok_or_else(|| odd(column))
}

/// A fingerprint in a column that may be empty.
pub fn fingerprint(row: &Row<'_>, column: &str) -> Result<Option<Fingerprint>, Error> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    bytes.map(|bytes| Fingerprint::of_bytes(&bytes).ok_or_else(|| odd(column))).transpose()
}

/// A drift in two columns that may be empty.
pub fn measured(row: &Row<'_>, drift: &str, resolution: &str) -> Result<Option<Measured>, Error> {
    let (drift, resolution): (Option<f64>, Option<f64>) = (row.get(drift)?, row.get(resolution)?);
    Ok(drift.zip(resolution).map(|(drift_s, resolution_s)| Measured { drift_s, resolution_s }))
}

/// The profile in three columns that begin like this and may be empty.
pub fn profile(row: &Row<'_>, prefix: &str) -> Result<Option<Profile>, Error> {
    let column = |name: &str| format!("{prefix}{name}");
    let hash: Option<String> = row.get(column("hash").as_str())?;
    let (step, display) = (row.get(column("step_s").as_str())?, row.get(column("display_s").as_str())?);
    let (Some(hash), Some(step), Some(display)) = (hash, step, display) else { return Ok(None) };
    profile_of(&hash, step, display).map(Some).map_err(odd)
}

/// A value that this program never writes.
fn odd(column: &str) -> Error {
    damaged(&format!("a value in \"{column}\" makes no sense"))
}

/// Damage that `SQLite` does not see.
pub fn damaged(what: &str) -> Error {
    Error::FromSqlConversionFailure(0, Type::Null, what.into())
}
