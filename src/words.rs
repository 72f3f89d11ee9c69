//! Words around numbers and times.

use chrono::Local;

use crate::time::UnixTime;

/// A number with its noun: "1 row", "2 rows".
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The first of some words, so many at the most, and how many more there are: "a, b and 3 more".
#[must_use]
pub fn first_of(words: &[String], most: usize) -> String {
    let (shown, rest) = words.split_at(words.len().min(most));
    match rest.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A time for people: local, with its offset.
#[must_use]
pub fn local(time: UnixTime) -> String {
    time.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// A time for people, to the second, where the zone of this computer means nothing.
#[must_use]
pub fn utc_seconds(time: UnixTime) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
