//! Words around numbers.

/// A number with its noun: "1 row", "2 rows".
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
