//! Fields of an answer: what is missing is named, and what is not asked for is ignored.

use serde_json::Value;

use super::asked::Asked;
use super::error::ServerError;

/// An answer's JSON, with the host that it came from.
pub struct Fields<'a> {
    /// The host.
    pub host: &'a str,
    /// The value.
    pub value: &'a Value,
}

impl<'a> Fields<'a> {
    /// The text at a place (RFC 6901).
    ///
    /// # Errors
    /// [`ServerError::Lacks`].
    pub fn text(&self, at: &'static str) -> Asked<&'a str> {
        self.value.pointer(at).and_then(Value::as_str).ok_or_else(|| self.lacks(at))
    }

    /// The list at a place.
    ///
    /// # Errors
    /// [`ServerError::Lacks`].
    pub fn list(&self, at: &'static str) -> Asked<&'a [Value]> {
        self.value.pointer(at).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| self.lacks(at))
    }

    /// Yes or no at a place.
    ///
    /// # Errors
    /// [`ServerError::Lacks`].
    pub fn truth(&self, at: &'static str) -> Asked<bool> {
        self.value.pointer(at).and_then(Value::as_bool).ok_or_else(|| self.lacks(at))
    }

    fn lacks(&self, field: &'static str) -> ServerError {
        ServerError::Lacks { host: self.host.to_owned(), field }
    }
}

/// A server's own words, as far as somebody reads them.
const MOST_WORDS: usize = 300;

/// A server's own words in a field of an object, cut where they are long.
#[must_use]
pub fn words_in(object: &Value, field: &str) -> Option<String> {
    text_in(object, field).map(|text| text.chars().take(MOST_WORDS).collect())
}

/// A text in a field of an object; none where it is empty, too.
#[must_use]
pub fn text_in(object: &Value, field: &str) -> Option<String> {
    let text = match object.get(field)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A number in a field of an object, also where it is written as a text.
#[must_use]
pub fn number_in<T: std::str::FromStr>(object: &Value, field: &str) -> Option<T> {
    text_in(object, field)?.parse().ok()
}
