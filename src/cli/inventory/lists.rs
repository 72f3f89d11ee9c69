//! `inventory tokens`, `events` and `batches`: text, JSON and comma-separated values.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta};

use serde::Serialize;

use super::failed;
use crate::cli::Ran;
use crate::cli::args::{BatchesArgs, EventsArgs, ListArgs, TokensArgs};
use crate::cli::describe::{local, plain, tail};
use crate::cli::output::{Output, Stream};
use crate::inventory::{
    BatchRecord, Event, EventFilter, Inventory, Kept, Outcome, RowRecord, RowState, SlotKey, TokenFilter, TokenRecord,
};
use crate::job::find;
use crate::job::{Exit, Failure};
use crate::report::{
    BatchRecordReport, EventReport, ListEnd, RowReport, TokenRecordReport, drift_cell, remark, seed_word,
};
use crate::seedfile::quoted;
use crate::time::{HostClock, SystemClock, UnixTime};

/// How much of a batch's name fits a line.
const NAME_WIDTH: usize = 22;

/// A list, written row by row: of a million events none is kept.
pub struct List<'a> {
    name: &'static str,
    columns: &'a [(&'static str, usize)],
    /// The columns that only comma-separated values have: a line of text has no room for them.
    wide: &'a [&'static str],
    args: &'a ListArgs,
    output: &'a Output,
    stream: Stream<'a>,
    rows: u64,
}

impl<'a> List<'a> {
    pub fn begin(
        name: &'static str,
        columns: &'a [(&'static str, usize)],
        wide: &'a [&'static str],
        args: &'a ListArgs,
        output: &'a Output,
    ) -> Self {
        let mut list = Self { name, columns, wide, args, output, stream: output.stream(), rows: 0 };
        if output.is_json() {
            list.stream.put(&list.output.opened(list.name));
        } else {
            let head: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
            list.line(&head);
        }
        list
    }

    /// One row, as cells of text and as a report.
    pub fn row(&mut self, cells: &[String], report: &impl Serialize) {
        if self.output.is_json() {
            self.stream.put(if self.rows == 0 { "" } else { "," });
            self.stream.put(&serde_json::to_string(report).unwrap_or_default());
        } else {
            self.line(cells);
        }
        self.rows += 1;
    }

    /// A time: to the minute on a line, with seconds and offset for a program.
    fn time(&self, time: UnixTime) -> String {
        if self.args.csv { local(time) } else { shortly(time) }
    }

    fn line(&mut self, cells: &[String]) {
        let text = if self.args.csv {
            csv_line(cells)
        } else {
            let shown = cells.iter().zip(self.columns).filter(|(_, (name, _))| !self.wide.contains(name));
            let cells = shown.map(|(cell, (_, width))| padded(cell, *width));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.stream.put(&text);
        self.stream.put("\n");
    }

    /// The end of the list. One that broke off in the middle is one object all the same, which says so.
    fn end(self, visited: Kept<()>) -> Ran {
        self.end_with(visited, |end| end)
    }

    /// The same, where the object has more fields at its end.
    pub fn end_with<E: Serialize>(mut self, visited: Kept<()>, whole: impl FnOnce(ListEnd) -> E) -> Ran {
        let is_cut = self.rows >= self.args.limit;
        let failure = visited.err().map(failed);
        if self.output.is_json() {
            let end = ListEnd { is_cut: is_cut || failure.is_some(), error: failure.as_ref().map(Into::into) };
            // Its own object, without the brace that opens it.
            let end = serde_json::to_string(&whole(end)).unwrap_or_default();
            self.stream.put(&format!("],{}\n", end.trim_start_matches('{')));
        }
        self.stream.end();
        match failure {
            Some(failure) if self.output.is_json() => Ok(failure.exit()),
            Some(failure) => Err(failure),
            None => {
                if is_cut && !self.output.is_json() {
                    let text = format!("only the first {} are shown: --limit shows more", self.rows);
                    self.output.note(&text);
                }
                Ok(Exit::Done)
            }
        }
    }
}

/// A line of comma-separated values.
pub fn csv_line(cells: &[String]) -> String {
    cells.iter().map(|cell| quoted(&guarded(cell))).collect::<Vec<_>>().join(",")
}

/// A cell that a spreadsheet would take for a formula, with the apostrophe that makes it text there. Numbers stay numbers.
fn guarded(cell: &str) -> Cow<'_, str> {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if is_formula { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// A time that somebody typed: a date, an RFC 3339 time, or so many years, months, days, hours or minutes ago.
pub fn since(flag: &str, text: Option<&str>) -> Result<Option<UnixTime>, Failure> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    let ago = span_of(text).and_then(|span| SystemClock::new().now().wall.checked_sub_signed(span));
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0).map(|time| time.and_utc());
    let parsed = ago.or_else(date).or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()));
    parsed.map(Some).ok_or_else(|| {
        Failure::usage(
            format!("{flag} is not a time"),
            "use a date (2026-11-23), an RFC 3339 time, or 7d, 12h, 6mo, 2y",
        )
    })
}

/// A length of time that somebody typed.
pub fn span(flag: &str, text: &str) -> Result<TimeDelta, Failure> {
    span_of(text.trim()).ok_or_else(|| {
        Failure::usage(format!("{flag} is not a length of time"), "use 30d, 12h, 6mo or 2y, for example")
    })
}

/// So many years, months, days, hours or minutes.
fn span_of(text: &str) -> Option<TimeDelta> {
    // A month of 30.4 days, a year of 365.
    let units = [
        ("mo", TimeDelta::hours(730)),
        ("y", TimeDelta::days(365)),
        ("w", TimeDelta::weeks(1)),
        ("d", TimeDelta::days(1)),
        ("h", TimeDelta::hours(1)),
        ("m", TimeDelta::minutes(1)),
    ];
    units.into_iter().find_map(|(unit, each)| {
        let many = text.strip_suffix(unit)?.parse::<i32>().ok().filter(|many| *many >= 0)?;
        each.checked_mul(many)
    })
}

/// A cell with blanks behind it up to a width on the screen: some characters take two columns there.
fn padded(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width.saturating_sub(textwrap::core::display_width(cell))))
}

/// A time for a list: local, to the minute.
fn shortly(time: UnixTime) -> String {
    time.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M").to_string()
}

fn shown(text: Option<&str>) -> String {
    plain(text.unwrap_or_default())
}

pub fn tokens(inventory: &dyn Inventory, args: &TokensArgs, output: &Output) -> Ran {
    let filter = TokenFilter {
        serial: None,
        since: since("--since", args.list.since.as_deref())?,
        before: since("--before", args.before.as_deref())?,
        synced_before: since("--not-synced-for", args.not_synced_for.as_deref())?,
        drift_over: args.drift_over,
        sealed: false,
        pending: args.unfinished,
    };
    // Those that a serial or a user fits, among those that the rest lets pass.
    let named = match args.serial.as_ref().or(args.user.as_ref()) {
        None => None,
        Some(text) => Some(find::all(inventory, text)?.into_iter().map(|token| token.key).collect::<BTreeSet<_>>()),
    };
    let columns =
        [("serial", 14), ("model", 12), ("user", 15), ("last seen", 16), ("synced", 16), ("drift_s", 8), ("seed", 0)];
    // A line has room for one of the two times: the one that was asked for.
    let wide: &[&str] = if args.not_synced_for.is_some() { &["last seen"] } else { &["synced"] };
    let mut list = List::begin("tokens", &columns, wide, &args.list, output);
    let limit = args.list.limit;
    let mut visit = |token: TokenRecord| {
        if list.rows >= limit || named.as_ref().is_some_and(|named| !named.contains(&token.key)) {
            return;
        }
        let cells = [
            token.name(),
            shown(token.model.as_deref()),
            shown(token.user.as_deref()),
            list.time(token.last_seen),
            token.synced.map_or_else(|| "never".to_owned(), |at| list.time(at)),
            drift_cell(token.drift),
            seed_word(&token).to_owned(),
        ];
        list.row(&cells, &TokenRecordReport::from(&token));
    };
    let visited = inventory.visit_tokens(&filter, if named.is_some() { u64::MAX } else { limit }, &mut visit);
    list.end(visited)
}

/// The serial of the one device that a text fits, whatever its slots.
fn device_of(inventory: &dyn Inventory, text: &str) -> Result<String, Failure> {
    let serials: BTreeSet<String> = find::all(inventory, text)?.into_iter().map(|token| token.key.serial).collect();
    match serials.len() {
        1 => Ok(serials.into_iter().collect()),
        _ => find::one(inventory, text).map(|token| token.key.serial),
    }
}

pub fn events(inventory: &dyn Inventory, args: &EventsArgs, output: &Output) -> Ran {
    let outcome = match args.outcome.as_ref().map(|outcome| outcome.to_lowercase()).as_deref() {
        None => None,
        Some(word) => Some(Outcome::of_word(word).ok_or_else(|| {
            let words: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.word()).collect();
            Failure::usage("unknown --outcome", format!("use one of {}", words.join(", ")))
        })?),
    };
    let (serial, slot) = match (&args.serial, &args.user) {
        // Without a slot all that happened to the device is meant.
        (Some(text), _) => (Some(device_of(inventory, text)?), SlotKey::of_text(text.trim()).1),
        (None, Some(user)) => match find::all(inventory, user)?.as_slice() {
            [token] => (Some(token.key.serial.clone()), Some(token.key.slot)),
            _ => (Some(device_of(inventory, user)?), None),
        },
        (None, None) => (None, None),
    };
    let filter = EventFilter {
        serial,
        slot,
        deed: None,
        detail: args.with_remark.clone(),
        since: since("--since", args.list.since.as_deref())?,
        outcome,
        drift_over: args.drift_over,
    };
    let columns = [
        ("when", 16),
        ("serial", 14),
        ("what", 6),
        ("outcome", 7),
        ("before_s", 8),
        ("after_s", 7),
        ("desk", 10),
        ("operator", 10),
        ("remark", 0),
    ];
    let mut list = List::begin("events", &columns, &["desk", "operator"], &args.list, output);
    let mut visit = |event: Event| {
        let cells = [
            list.time(event.at),
            shown(event.serial.as_deref().map(|serial| SlotKey::of(serial, event.slot).to_string()).as_deref()),
            event.deed.word().to_owned(),
            event.outcome.word().to_owned(),
            drift_cell(event.before),
            drift_cell(event.after),
            shown(Some(&event.station.desk)),
            shown(Some(&event.station.operator)),
            remark(&event),
        ];
        list.row(&cells, &EventReport::from(&event));
    };
    let visited = inventory.visit_events(&filter, args.list.limit, &mut visit);
    list.end(visited)
}

/// The rows of one batch.
fn rows(inventory: &dyn Inventory, batch: i64, args: &BatchesArgs, output: &Output) -> Ran {
    let states = match args.state.as_deref() {
        None => Vec::new(),
        Some(word) => vec![RowState::of_word(word).ok_or_else(|| {
            let words: Vec<&str> = RowState::ALL.iter().map(|state| state.word()).collect();
            Failure::usage("unknown --state", format!("use one of {}", words.join(", ")))
        })?],
    };
    if !inventory.batches(None).map_err(failed)?.iter().any(|known| known.id == batch) {
        return Err(Failure::usage(
            format!("the inventory has no batch {batch}"),
            "tokentap inventory batches lists those it has",
        ));
    }
    let columns = [("row", 6), ("state", 8), ("serial", 14), ("user", 20), ("error", 0)];
    let mut list = List::begin("rows", &columns, &[], &args.list, output);
    let mut visit = |row: RowRecord| {
        if list.rows >= args.list.limit {
            return;
        }
        let cells = [
            row.row.to_string(),
            row.state.word().to_owned(),
            shown(row.serial.as_deref()),
            shown(row.user.as_deref()),
            shown(row.error.as_deref()),
        ];
        list.row(&cells, &RowReport::from(&row));
    };
    let visited = inventory.visit_rows(batch, &states, &mut visit);
    list.end(visited)
}

pub fn batches(inventory: &dyn Inventory, args: &BatchesArgs, output: &Output) -> Ran {
    if let Some(batch) = args.rows {
        return rows(inventory, batch, args, output);
    }
    let columns =
        [("batch", 5), ("begun", 16), ("rows", 6), ("done", 6), ("failed", 6), ("unknown", 7), ("state", 6), ("of", 0)];
    let batches = inventory.batches(since("--since", args.list.since.as_deref())?).map_err(failed)?;
    let mut list = List::begin("batches", &columns, &[], &args.list, output);
    for batch in batches.iter().take(usize::try_from(args.list.limit).unwrap_or(usize::MAX)) {
        let BatchRecord { counts, .. } = batch;
        let state = if batch.closed.is_some() { "closed" } else { "open" };
        let cells = [
            batch.id.to_string(),
            list.time(batch.begun),
            counts.rows().to_string(),
            counts.done().to_string(),
            counts.of(RowState::Failed).to_string(),
            counts.unknown().to_string(),
            state.to_owned(),
            if args.list.csv { plain(&batch.name) } else { tail(&plain(&batch.name), NAME_WIDTH) },
        ];
        list.row(&cells, &BatchRecordReport::from(batch));
    }
    list.end(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_made_text_and_numbers_are_left() {
        for (cell, expected) in [
            ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"),
            ("+SUM(A1)", "'+SUM(A1)"),
            ("@x", "'@x"),
            ("-2+3", "'-2+3"),
            ("-97.250", "-97.250"),
            ("+0.001", "+0.001"),
            ("ada@example.org", "ada@example.org"),
        ] {
            assert_eq!(guarded(cell), expected);
        }
    }
}
