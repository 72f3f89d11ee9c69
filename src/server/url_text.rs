//! Text in an address: everything but the unreserved characters (RFC 3986, section 2.3) as `%XX`, a blank as `%20`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a part of an address.
#[must_use]
pub fn encoded(text: &str) -> String {
    // Alone they would be steps in a path (RFC 3986, section 5.2.4).
    match text {
        "." | ".." => text.replace('.', "%2E"),
        text => utf8_percent_encode(text, RESERVED).to_string(),
    }
}

/// Parameters as a query, or as the body of a form, in the order that they have.
#[must_use]
pub fn query(parameters: &[(&str, &str)]) -> String {
    parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}
