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

    /// That a field is not there.
    pub fn lacks(&self, field: &'static str) -> ServerError {
        ServerError::Lacks { host: self.host.to_owned(), field }
    }
}

/// A server's own words, as far as somebody reads them.
const MOST_WORDS: usize = 300;

/// A server's own words in a field of an object, cut where they are long.
#[must_use]
pub fn words_in(object: &Value, field: &str) -> Option<String> {
    text_in(object, field).map(|text| harmless(&text))
}

/// A server's own words, harmless.
#[must_use]
pub fn harmless(text: &str) -> String {
    // A server that repeats what it was sent repeats a seed or a credential: no word of a sentence is so long.
    let parts = text.split_inclusive(|c: char| !is_of_secret(c)).map(|part| {
        let secret = part.trim_end_matches(|c: char| !is_of_secret(c));
        if secret.len() < LONG { part.to_owned() } else { part.replacen(secret, "…", 1) }
    });
    let line: String = parts.collect::<String>().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.chars().take(MOST_WORDS).collect()
}

/// From so many letters and digits on, something may be a secret.
const LONG: usize = 16;

fn is_of_secret(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '~' | '_')
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_server_s_words_are_one_line_without_what_could_be_a_secret() {
        let words = |text: &str| words_in(&json!({ "message": text }), "message").unwrap();
        assert_eq!(words("bad key 9bf5c0a1d2e3f4a5b6c7, try again"), "bad key …, try again");
        assert_eq!(words("bad\n state: fine\u{1b}[2J"), "bad  state: fine [2J");
        assert_eq!(words("The token serial 86596120 is unknown"), "The token serial 86596120 is unknown");
        assert_eq!(words(&"no ".repeat(1000)).chars().count(), MOST_WORDS);
    }
}
