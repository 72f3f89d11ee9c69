//! Reports: text for people, one JSON object for programs.

use std::cell::Cell;
use std::io::Write;

use serde_json::{Map, Value, json};

use crate::job::Failure;

/// The version of the JSON that `docs/json.md` describes.
pub const SCHEMA: &str = "tokentap/1";

/// A remark on standard error, which may be closed.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "note: {text}");
}

/// Where a command's report goes, and in which form.
pub struct Output {
    json: bool,
    command: &'static str,
    lost: Cell<bool>,
}

impl Output {
    /// The reports of a command.
    pub fn new(json: bool, command: &'static str) -> Self {
        Self { json, command, lost: Cell::new(false) }
    }

    /// Whether reports are JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A report: `text` for people, or `fields` as an object.
    pub fn report(&self, text: &str, fields: Map<String, Value>) {
        let mut to = std::io::stdout();
        let content = if self.json { self.object(fields).to_string() } else { text.to_owned() };
        self.written(writeln!(to, "{content}").and_then(|()| to.flush()));
    }

    /// Text for people only, on standard output.
    pub fn text(&self, text: &str) {
        if !self.json {
            self.report(text, Map::new());
        }
    }

    /// A remark beside the report, on standard error.
    pub fn note(&self, text: &str) {
        note(text);
    }

    /// Whether something of a report could not be written.
    pub fn is_lost(&self) -> bool {
        self.lost.get()
    }

    /// A reader that closed the pipe early has what it wanted; anything else is a loss, such as a full disk.
    fn written(&self, result: std::io::Result<()>) {
        if result.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
            self.lost.set(true);
        }
    }

    /// The error object of a failure.
    pub fn error_fields(failure: &Failure) -> Value {
        let mut error = json!({
            "kind": failure.kind,
            "exit": failure.exit as u8,
            "message": failure.fact,
            "state": failure.state,
            "next": failure.next,
        });
        if let Some(error) = error.as_object_mut().filter(|_| !failure.details.is_empty()) {
            error.insert("details".to_owned(), json!(failure.details));
        }
        error
    }

    /// A failure: three lines on standard error, or one error object on standard output.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let mut fields = Map::new();
            fields.insert("error".to_owned(), Self::error_fields(failure));
            self.report("", fields);
        } else {
            let mut to = std::io::stderr();
            for detail in &failure.details {
                let _ = writeln!(to, "{detail}");
            }
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
