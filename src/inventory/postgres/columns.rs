//! Between columns on the server and the types that they stand for.

use chrono::DateTime;
use tokio_postgres::Row;

use super::session::Trouble;
use crate::device::Profile;
use crate::inventory::kept_profile::profile_of;
use crate::inventory::{Fingerprint, Measured};
use crate::time::UnixTime;

/// A time as it is kept: milliseconds since 1970.
pub fn ms(time: UnixTime) -> i64 {
    time.timestamp_millis()
}

/// A time in a column.
pub fn time(row: &Row, column: &str) -> Result<UnixTime, Trouble> {
    optional_time(row, column)?.ok_or_else(|| odd(column))
}

/// A time in a column that may be empty.
pub fn optional_time(row: &Row, column: &str) -> Result<Option<UnixTime>, Trouble> {
    let milliseconds: Option<i64> = row.try_get(column)?;
    milliseconds.map(|value| DateTime::from_timestamp_millis(value).ok_or_else(|| odd(column))).transpose()
}

/// A value that is one of a few words.
pub fn word<T>(row: &Row, column: &str, of_word: fn(&str) -> Option<T>) -> Result<T, Trouble> {
    let text: String = row.try_get(column)?;
    of_word(&text).ok_or_else(|| odd(column))
}

/// A slot's number.
pub fn slot(row: &Row, column: &str) -> Result<u16, Trouble> {
    let number: i32 = row.try_get(column)?;
    u16::try_from(number).map_err(|_| odd(column))
}

/// A fingerprint in a column that may be empty.
pub fn fingerprint(row: &Row, column: &str) -> Result<Option<Fingerprint>, Trouble> {
    let bytes: Option<Vec<u8>> = row.try_get(column)?;
    bytes.map(|bytes| Fingerprint::of_bytes(&bytes).ok_or_else(|| odd(column))).transpose()
}

/// A drift in two columns that may be empty.
pub fn measured(row: &Row, drift: &str, resolution: &str) -> Result<Option<Measured>, Trouble> {
    let (drift, resolution): (Option<f64>, Option<f64>) = (row.try_get(drift)?, row.try_get(resolution)?);
    Ok(drift.zip(resolution).map(|(drift_s, resolution_s)| Measured { drift_s, resolution_s }))
}

/// The profile in three columns that begin like this and may be empty.
pub fn profile(row: &Row, prefix: &str) -> Result<Option<Profile>, Trouble> {
    let column = |name: &str| format!("{prefix}{name}");
    let hash: Option<String> = row.try_get(column("hash").as_str())?;
    let seconds = |name: &str| -> Result<Option<u32>, Trouble> {
        let seconds: Option<i32> = row.try_get(column(name).as_str())?;
        seconds.map(|seconds| u32::try_from(seconds).map_err(|_| odd(name))).transpose()
    };
    let (Some(hash), Some(step), Some(display)) = (hash, seconds("step_s")?, seconds("display_s")?) else {
        return Ok(None);
    };
    profile_of(&hash, step, display).map(Some).map_err(odd)
}

/// A value that this program never writes.
pub fn odd(column: &str) -> Trouble {
    Trouble::Odd(format!("a value in \"{column}\" makes no sense"))
}
