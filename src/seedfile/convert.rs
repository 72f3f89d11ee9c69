//! From one file to others, row by row. What would be lost is refused, unless the user names what may go.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use super::check::Checker;
use super::format::{Format, Write, WriteOptions};
use super::problem::{Problem, Severity};
use super::remedy::FileRemedy;
use super::row::{Field, Kind, Place, Row};
use super::save::{SaveError, SecretFile};

/// How many problems are kept with their words; beyond that they are only counted.
const MAX_PROBLEMS: usize = 200;

/// Fields that no code and no owner depends on.
const NEVER_MISSED: [Field; 2] = [Field::Manufacturer, Field::Model];

/// The permissions of a conversion.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules<'a> {
    /// Fields that may be lost: a format that carries them keeps them. Maker and model, which no code depends on, may always be
    /// lost.
    pub drop: &'a [Field],
    /// Several rows may have one secret: that is only said.
    pub shares_secrets: bool,
}

/// Where a converted file goes.
pub enum Target {
    /// A file, written whole at the end.
    File(SecretFile),
    /// Memory, for standard output.
    Memory(Zeroizing<Vec<u8>>),
    /// Nowhere: to see whether it could be written.
    Nowhere,
}

/// A file that is to be written.
pub struct Sink {
    format: &'static Format,
    write: &'static Write,
    target: Target,
    rows: u64,
    /// The first row's kind.
    kind: Option<Kind>,
    /// The serials of slots that are told by nothing else here.
    devices: BTreeSet<String>,
}

impl Sink {
    /// A sink of a format; `None` if that format is only read.
    #[must_use]
    pub fn new(format: &'static Format, target: Target) -> Option<Self> {
        Some(Self { format, write: format.write.as_ref()?, target, rows: 0, kind: None, devices: BTreeSet::new() })
    }

    fn put(&mut self, text: &str) -> Result<(), SaveError> {
        match &mut self.target {
            Target::File(file) => file.write(text.as_bytes()),
            Target::Memory(bytes) => {
                bytes.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Target::Nowhere => Ok(()),
        }
    }
}

/// The result of a conversion.
pub struct Converted {
    /// The rows that were read without an error.
    pub rows: u64,
    /// The problems, errors and warnings, in the order of their lines.
    pub problems: Vec<Problem>,
    /// How many more there were.
    pub more: u64,
    /// The content that was to go to standard output.
    pub memory: Vec<Zeroizing<Vec<u8>>>,
}

impl Converted {
    /// Whether nothing was written.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.more > 0 || self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

/// Reads all rows, writes them to every sink, and puts the files into place if there was no error in any row.
///
/// With no sinks it only checks.
///
/// # Errors
/// [`SaveError`]: a file could not be written. Then none is in place that was not before, and no remnant is left.
pub fn convert(
    rows: impl Iterator<Item = Result<Row, Problem>>,
    mut sinks: Vec<Sink>,
    options: &WriteOptions,
    rules: Rules<'_>,
    also: &dyn Fn(&Row) -> Option<Problem>,
) -> Result<Converted, SaveError> {
    let mut rows = rows.peekable();
    let names_slot = |row: &Row| row.slot.is_some() && !rules.drop.contains(&Field::Slot);
    let slots = rows.peek().is_some_and(|row| row.as_ref().is_ok_and(names_slot));
    let options = &WriteOptions { slots: slots || options.slots, ..options.clone() };
    let mut checker = Checker::sharing(rules.shares_secrets);
    let mut problems = Vec::new();
    let mut more = 0;
    // For each format and field: where it is first lost, and how often.
    let mut lost: BTreeMap<(&'static str, Field), (Place, u64)> = BTreeMap::new();
    let mut keep = |problem: Problem| {
        if problems.len() < MAX_PROBLEMS { problems.push(problem) } else { more += 1 }
    };
    for sink in &mut sinks {
        let begin = (sink.write.begin)(options);
        sink.put(&begin)?;
    }
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(problem) => {
                keep(problem);
                continue;
            }
        };
        checker.see(&row);
        if row.trailing_bits {
            let what = "the secret's last Base32 character has bits that belong to no byte; they are dropped";
            keep(Problem::at(row.place, what, "other programs read it the same way").as_warning());
        }
        if let Some(problem) = also(&row) {
            keep(problem);
        }
        for sink in &mut sinks {
            let may_go = |field: &Field| rules.drop.contains(field) || NEVER_MISSED.contains(field);
            let (dropped, missed): (Vec<_>, Vec<_>) = sink.format.loses(&row).into_iter().partition(may_go);
            if let Some(serial) = row.serial.as_ref().filter(|_| dropped.contains(&Field::Slot))
                && !dropped.contains(&Field::Serial)
                && !sink.devices.insert(serial.clone())
            {
                let what = format!("{}: without their slots, several rows have the serial {serial}", sink.format.name);
                keep(Problem::at(row.place, what, FileRemedy::SerialsOfTheirOwn));
            }
            let row = dropped.into_iter().fold(row.clone(), |row, field| row.without(field));
            for field in missed {
                lost.entry((sink.format.name, field)).or_insert((row.place, 0)).1 += 1;
            }
            sink.rows += 1;
            if sink.format.one_kind && *sink.kind.get_or_insert(row.kind) != row.kind {
                let what =
                    format!("{}: a file of this format holds either TOTP or HOTP tokens, not both", sink.format.name);
                keep(Problem::at(row.place, what, FileRemedy::OneKindAFile));
            }
            let place = row.place;
            // Formats that number their rows take the number from the place.
            let mut numbered = row;
            numbered.place.line = sink.rows;
            match (sink.write.row)(&numbered, options, sink.rows == 1) {
                Ok(text) => sink.put(&text)?,
                Err(what) => keep(Problem::at(place, format!("{}: {what}", sink.format.name), "")),
            }
        }
    }
    for ((format, field), (place, count)) in lost {
        let what = match count {
            1 => format!("{format} cannot carry the {} of this row", field.name()),
            _ => format!("{format} cannot carry the {} of {count} rows, the first of which is this", field.name()),
        };
        keep(Problem::of_field(place, what, field));
    }
    finish(checker, sinks, problems, more)
}

/// Problems of the whole file, and the files' ends: they are complete, or are not there.
fn finish(
    checker: Checker,
    mut sinks: Vec<Sink>,
    mut problems: Vec<Problem>,
    more: u64,
) -> Result<Converted, SaveError> {
    let rows = checker.rows();
    if rows == 0 && problems.iter().all(|problem| problem.severity == Severity::Warning) {
        let what = if problems.is_empty() { "the file has no rows" } else { "no row of the file is left" };
        problems.push(Problem::of_file(what, "is this the right file?"));
    }
    problems.extend(checker.finish());
    problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
    let mut converted = Converted { rows, problems, more, memory: Vec::new() };
    if !converted.has_failed() {
        for sink in &mut sinks {
            sink.put(sink.write.end)?;
        }
        for sink in sinks {
            match sink.target {
                Target::File(file) => file.commit()?,
                Target::Memory(bytes) => converted.memory.push(bytes),
                Target::Nowhere => {}
            }
        }
    }
    Ok(converted)
}
