//! Reports: text for people, one JSON object for programs.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::job::Failure;

/// The version of the JSON that `docs/json.md` describes.
pub const SCHEMA: &str = "tokentap/1";

/// Where a command's report goes, and in which form.
pub struct Output {
    json: bool,
    command: &'static str,
}

impl Output {
    /// The reports of a command.
    pub fn new(json: bool, command: &'static str) -> Self {
        Self { json, command }
    }

    /// Whether reports are JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A report: `text` for people, or `fields` as an object.
    pub fn report(&self, text: &str, fields: Map<String, Value>) {
        // A reader that closed the pipe early has what it wanted.
        let _ = if self.json {
            writeln!(std::io::stdout(), "{}", self.object(fields))
        } else {
            writeln!(std::io::stdout(), "{text}")
        };
    }

    /// Text for people only, on standard output.
    pub fn text(&self, text: &str) {
        if !self.json {
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// A remark beside the report, on standard error.
    pub fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "note: {text}");
    }

    /// A failure: three lines on standard error, or one error object on standard output.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let mut fields = Map::new();
            fields.insert(
                "error".to_owned(),
                json!({
                    "kind": failure.kind,
                    "exit": failure.exit as u8,
                    "message": failure.fact,
                    "state": failure.state,
                    "next": failure.next,
                }),
            );
            self.report("", fields);
        } else {
            let mut to = std::io::stderr();
            let _ = writeln!(to, "error: {}\n state: {}\n next: {}", failure.fact, failure.state, failure.next);
        }
    }

    fn object(&self, fields: Map<String, Value>) -> Value {
        let mut object = Map::new();
        object.insert("schema".to_owned(), json!(SCHEMA));
        object.insert("command".to_owned(), json!(self.command));
        object.extend(fields);
        Value::Object(object)
    }
}
