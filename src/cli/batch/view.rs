//! What the screen shows of a batch while it runs.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::cli::describe::{self, fields, plain, token, token_line, written};
use crate::cli::desk::reader_words;
use crate::cli::host::Host;
use crate::cli::output::Output;
use crate::cli::screen::{Bell, Screen, bar, expected_end};
use crate::cli::verify::verdict_fields;
use crate::inventory::{Counts, RowRecord, RowState};
use crate::job::Place;
use crate::job::batch::{BatchNews, Departure, Left, Opened};
use crate::job::verify::WINDOW_S;
use crate::report::{self, verdict_words};
use crate::time::HostClock;
use crate::token::Info;

/// What the screen shows of a batch.
pub struct View<'a> {
    name: &'a str,
    clock: &'a Host,
    began: Duration,
    done_at_first: u64,
    counts: Counts,
    /// Tokens that did not end well in this run, by serial.
    bad: BTreeSet<String>,
    /// Tokens that hold a seed from elsewhere, by serial.
    holding: BTreeSet<String>,
}

impl<'a> View<'a> {
    pub fn new(name: &'a str, counts: Counts, host: &'a Host) -> Self {
        let began = host.system.now().monotonic;
        Self {
            name,
            clock: host,
            began,
            done_at_first: counts.done(),
            counts,
            bad: BTreeSet::new(),
            holding: BTreeSet::new(),
        }
    }

    /// How many tokens were left alone because they hold a seed from elsewhere.
    pub fn holding(&self) -> usize {
        self.holding.len()
    }

    pub fn begin(&self, how: Opened, screen: &Screen<'_>) {
        let counts = self.counts;
        let text = match how {
            Opened::Resumed => format!(
                "{}: goes on; {} of {} rows are done, {} unknown",
                self.name,
                counts.done(),
                counts.rows(),
                counts.unknown()
            ),
            _ => format!("{}: {} rows; lay the tokens down, one after the other", self.name, counts.rows()),
        };
        let mut object = counts_fields(counts);
        object.insert("batch".to_owned(), json!(self.name));
        object.insert("resumed".to_owned(), json!(how == Opened::Resumed));
        screen.event(&text, "begin", object, Bell::None);
        self.progress(screen);
    }

    fn progress(&self, screen: &Screen<'_>) {
        let counts = self.counts;
        let (done, rows) = (counts.done(), counts.rows());
        let end = expected_end(&self.clock.system, self.began, done - self.done_at_first.min(done), counts.left());
        let end = end.map(|end| format!(", ends {end}")).unwrap_or_default();
        let bad = match self.bad.len() {
            0 => String::new(),
            bad => format!(", {bad} not well"),
        };
        screen.progress(&format!("{} {done}/{rows} done, {} left{bad}{end}", bar(done, rows, 20), counts.left()));
    }

    pub fn show(&mut self, screen: &mut Screen<'_>, news: BatchNews) {
        match news {
            BatchNews::Reader(place, news) => screen.reader(place.as_ref(), &news),
            BatchNews::Begins(place, info, row) => {
                screen.at_reader(&place, &format!("burning row {row} onto {info}"));
            }
            BatchNews::Left(departure) => {
                let Departure { place, info, row, how, counts } = *departure;
                self.counts = counts;
                let (text, object, bell) = left(&place, info.as_ref(), row.as_ref(), &how);
                // One that is laid back and burned then is well.
                if let Some(serial) = info.as_ref().map(|info| info.serial.to_string()) {
                    if matches!(how, Left::HoldsAnother(..)) {
                        self.holding.insert(serial.clone());
                    }
                    match bell {
                        Bell::Badly => self.bad.insert(serial),
                        _ => self.bad.remove(&serial),
                    };
                }
                let is_lifted = matches!(&how, Left::Failed(failure) if failure.may_come_back);
                screen.at_reader(&place, if is_lifted { "lay the token back" } else { "take the token off" });
                screen.event(&text, "token", object, bell);
            }
        }
        self.progress(screen);
    }
}

/// A token that was dealt with, in one line (more where something went wrong), as an object, and for the ear.
fn left(place: &Place, info: Option<&Info>, row: Option<&RowRecord>, how: &Left) -> (String, Map<String, Value>, Bell) {
    let who = info.map_or_else(|| "a token".to_owned(), |info| token_line(info, place.emulated));
    let number = row.map(|row| format!("row {}, ", row.row)).unwrap_or_default();
    let user = row.and_then(|row| row.user.as_deref()).map(|user| format!(", {}", plain(user))).unwrap_or_default();
    let clock = |report: &crate::job::WriteReport| {
        let profile = report.config.as_ref().map(|config| format!("; profile {}", describe::profile_words(config)));
        format!("was {}{}", report.before.in_short(), profile.unwrap_or_default())
    };
    let (outcome, text, bell) = match how {
        Left::Burned(report) => ("burned", format!("burned  {number}{who}{user}; {}", clock(report)), Bell::Well),
        Left::Judged(_, verdict, true) => {
            ("checked", format!("checked {number}{who}{user}; {}", verdict_words(verdict, WINDOW_S)), Bell::Well)
        }
        Left::Judged(_, verdict, false) => {
            let text = format!("WRONG   {number}{who}{user}; {}", verdict_words(verdict, WINDOW_S));
            (
                "wrong-code",
                format!("{text}\n   next: switch it off and on, lay it back: it is burned again"),
                Bell::Badly,
            )
        }
        Left::Done => ("already", format!("already {number}{who} has its row; nothing was changed"), Bell::None),
        Left::NotListed => {
            ("not-listed", format!("SKIPPED {who} is not on this list; nothing was changed"), Bell::Badly)
        }
        Left::InHand => {
            ("in-hand", format!("SKIPPED {who} is on another reader too; nothing was changed"), Bell::Badly)
        }
        Left::HoldsAnother(burned, user) => {
            let when = burned.map(|at| format!(" since {}", describe::local(at))).unwrap_or_default();
            let whose = user.as_ref().map(|user| format!(" for {}", plain(user))).unwrap_or_default();
            let text = format!(
                "SKIPPED {who} holds another seed{when}{whose}; nothing was changed\n   next: if it is to be burned anew, use --reburn"
            );
            ("holds-another", text, Bell::Badly)
        }
        Left::Failed(failure) => {
            let text = format!(
                "FAILED  {number}{who}: {}\n  state: {}\n   next: {}\n {}",
                report::fact(&failure.problem),
                report::state(&failure.state),
                report::next(failure),
                reader_words(place)
            );
            ("failed", text, Bell::Badly)
        }
    };
    let mut object = match how {
        Left::Burned(report) | Left::Judged(report, ..) => written(report, &place.reader, place.emulated),
        _ => fields([
            ("reader", json!(place.reader)),
            ("token", info.map_or(Value::Null, |info| token(info, place.emulated))),
        ]),
    };
    object.insert("outcome".to_owned(), json!(outcome));
    object.insert("row".to_owned(), json!(row.map(|row| row.row)));
    object.insert("user".to_owned(), json!(row.and_then(|row| row.user.as_ref())));
    match how {
        Left::Judged(_, verdict, _) => {
            object.insert("verify".to_owned(), Value::Object(verdict_fields(verdict)));
        }
        Left::Failed(failure) => {
            object.insert("error".to_owned(), Output::error_fields(failure));
        }
        _ => {}
    }
    (text, object, bell)
}

/// The counts as JSON has them.
pub fn counts_fields(counts: Counts) -> Map<String, Value> {
    fields([
        ("rows", json!(counts.rows())),
        ("done", json!(counts.done())),
        ("checked", json!(counts.of(RowState::Checked))),
        ("failed", json!(counts.of(RowState::Failed))),
        ("unknown", json!(counts.unknown())),
        ("left", json!(counts.left())),
    ])
}
