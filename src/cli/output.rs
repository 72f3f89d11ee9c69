//! Reports: text for people, one JSON object for programs.

use std::cell::Cell;
use std::io::{BufWriter, Stdout, Write};

use serde::Serialize;

use super::interrupt;
use crate::job::{Failure, TokenState};
use crate::plain::{plain_json, plain_json_lines, plain_lines};
use crate::report::{self, Envelope, FailureReport, Report, SCHEMA};

/// A remark on standard error, which may be closed.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "note: {}", plain_lines(text));
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

    /// Whether the command can touch a token.
    fn touches_tokens(&self) -> bool {
        matches!(
            self.command,
            "tokentap"
                | "info"
                | "sync"
                | "burn"
                | "config"
                | "slot"
                | "lock"
                | "unlock"
                | "customer-key"
                | "factory-reset"
                | "verify"
                | "selftest"
                | "batch"
                | "desk"
        )
    }

    /// A report: its text for people, or its fields as an object.
    pub fn report<R: Report>(&self, report: &R) {
        let content = if self.json { plain_json(&self.object(report)) } else { plain_lines(&report.text()) };
        self.print(&content);
    }

    /// Text for people only, on standard output.
    pub fn text(&self, text: &str) {
        if !self.json {
            self.print(&plain_lines(text));
        }
    }

    /// The one edge that every report passes: whatever came from outside is harmless by now.
    fn print(&self, content: &str) {
        let mut to = std::io::stdout();
        self.written(writeln!(to, "{content}").and_then(|()| to.flush()));
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
            interrupt::output_is_lost();
        }
    }

    /// A failure: three lines on standard error, or one error object on standard output.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            self.print(&plain_json(&self.object(&FailureReport { error: failure.into() })));
        } else {
            let mut to = std::io::stderr();
            for detail in report::details(failure) {
                let _ = writeln!(to, "{}", plain_lines(&detail));
            }
            let (fact, next) = (report::fact(&failure.problem), report::next(failure));
            // Only a command that could have touched a token says that it did not.
            let is_said = self.touches_tokens() || failure.state != TokenState::NotReached;
            let state = if is_said { format!("\n state: {}", report::state(&failure.state)) } else { String::new() };
            let reader = failure.reader.as_ref().map(|reader| format!("\n reader: {reader}")).unwrap_or_default();
            let _ = writeln!(to, "{}", plain_lines(&format!("error: {fact}{state}\n next: {next}{reader}")));
        }
    }

    /// A report that is written piece by piece, because it may be too large to be held.
    pub fn stream(&self) -> Stream<'_> {
        Stream { output: self, to: BufWriter::with_capacity(1 << 16, std::io::stdout()) }
    }

    /// The beginning of an object whose last field is a list that follows in pieces.
    pub fn opened(&self, list: &str) -> String {
        let object = self.object(&());
        format!("{},\"{list}\":[", object.trim_end_matches('}'))
    }

    fn object(&self, report: &impl Serialize) -> String {
        let envelope = Envelope { schema: SCHEMA, command: self.command, report };
        serde_json::to_string(&envelope).unwrap_or_default()
    }
}

/// A report in pieces.
pub struct Stream<'a> {
    output: &'a Output,
    to: BufWriter<Stdout>,
}

impl Stream<'_> {
    /// Writes a piece.
    pub fn put(&mut self, text: &str) {
        let text = if self.output.json { plain_json_lines(text) } else { plain_lines(text) };
        let result = self.to.write_all(text.as_bytes());
        self.output.written(result);
    }

    /// Writes what is left.
    pub fn end(mut self) {
        let result = self.to.flush();
        self.output.written(result);
    }
}
