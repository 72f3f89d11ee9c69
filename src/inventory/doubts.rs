//! What no record of a token can be, whatever keeps it.

use super::token::TokenRecord;

/// Everything about a record that cannot be, in words.
#[must_use]
pub fn doubts(token: &TokenRecord) -> Vec<String> {
    // Earlier versions took any printable characters.
    let serial = &token.key.serial;
    let checks = [
        (serial.is_empty() || serial.len() > 255 || serial.contains(char::is_control), "its serial is not valid"),
        (token.first_seen > token.last_seen, "it was last seen before it was first seen"),
        (
            token.drift.is_some_and(|drift| !(drift.drift_s.is_finite() && drift.resolution_s >= 0.0)),
            "its drift is no number of seconds",
        ),
        (token.sealed.is_some() && token.seed.is_none(), "a sealed seed has no fingerprint"),
    ];
    let name = serial.escape_debug();
    checks.iter().filter(|(is_so, _)| *is_so).map(|(_, what)| format!("the token {name}: {what}")).collect()
}
