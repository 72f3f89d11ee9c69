//! `privacyidea-yaml`: privacyIDEA's export of tokens as YAML, read only.

use serde_json::{Map, Value};
use yaml_rust2::parser::{Event, MarkedEventReceiver, Parser};
use yaml_rust2::scanner::Marker;

use super::format::{Format, ReadOptions, Rows, Sample};
use super::json;
use super::names::{hash_of_name, kind_of_name};
use super::problem::{Fault, Problem};
use super::row::{Field, Kind, Place, Row};
use super::serial::check_serial;
use super::shown::shown;
use super::text::Source;
use crate::otp::TimeStep;
use crate::seed::{SecretEncoding, Seed};

/// The format.
pub const FORMAT: Format = Format {
    name: "privacyidea-yaml",
    title: "privacyIDEA's export, YAML",
    carries: &[Field::Serial, Field::Counter, Field::Hash, Field::Step, Field::Digits, Field::User],
    one_kind: false,
    fits: |sample: &Sample<'_>| {
        sample.text.contains("otpkey:") && sample.text.contains("serial:") && !sample.text.trim_start().starts_with('{')
    },
    read,
    write: None,
};

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let text = source.into_whole()?;
    let mut tree = Tree::default();
    Parser::new_from_str(&text).load(&mut tree, true).map_err(|error| {
        // Its own message can repeat a value, so only its place is taken.
        let (line, column) = (error.marker().line() as u64, error.marker().col() as u64 + 1);
        Problem::new(line, column, "this is not valid YAML", "was the file cut short?")
    })?;
    if let Some(what) = tree.refused {
        return Err(Problem::of_file(what, "export the tokens as CSV or PSKC"));
    }
    let tokens = tree.documents.iter().filter_map(Value::as_array).flatten();
    let rows: Vec<_> = (1..).zip(tokens).map(|(number, token)| one(number, token)).collect();
    if rows.is_empty() {
        return Err(Problem::of_file("there is no list of tokens in this YAML", "is this privacyIDEA's export?"));
    }
    Ok(Box::new(rows.into_iter()))
}

/// The deepest nesting that is read; a token has two levels.
const MAX_DEPTH: usize = 8;

/// Documents as trees in which every scalar is the text that stands there: a serial with a leading zero is no number.
#[derive(Default)]
struct Tree {
    documents: Vec<Value>,
    open: Vec<(Value, Option<String>)>,
    refused: Option<&'static str>,
}

impl MarkedEventReceiver for Tree {
    fn on_event(&mut self, event: Event, _: Marker) {
        match event {
            Event::Scalar(text, ..) => self.put(Value::String(text)),
            Event::SequenceStart(..) => self.begin(Value::Array(Vec::new())),
            Event::MappingStart(..) => self.begin(Value::Object(Map::new())),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((done, _)) = self.open.pop() {
                    self.put(done);
                }
            }
            // What an alias stands for can be made to grow without an end.
            Event::Alias(_) => self.refused = Some("the YAML refers to other parts of itself"),
            _ => {}
        }
    }
}

impl Tree {
    fn begin(&mut self, value: Value) {
        if self.open.len() > MAX_DEPTH {
            self.refused = Some("the YAML is nested too deeply");
        }
        self.open.push((value, None));
    }

    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.documents.push(value),
            Some((Value::Array(list), _)) => list.push(value),
            Some((Value::Object(map), name)) => match (name.take(), value) {
                (None, Value::String(text)) => *name = Some(text),
                (None, _) => self.refused = Some("a name in the YAML is no text"),
                (Some(name), value) => {
                    if map.insert(name, value).is_some() {
                        self.refused = Some("a name is there twice in the YAML");
                    }
                }
            },
            Some(_) => {}
        }
    }
}

/// A token; its place is its number in the list.
fn one(number: u64, token: &Value) -> Result<Row, Problem> {
    let place = Place { line: number, column: 0 };
    read_one(token).map(|row| Row { place, ..row }).map_err(|fault| fault.at(place))
}

fn read_one(token: &Value) -> Result<Row, Fault> {
    let nothing = Value::Null;
    let info_list = token.get("info_list").unwrap_or(&nothing);
    let text = |of: &'_ Value, name: &str| {
        let found = of.get(name).and_then(Value::as_str).map(str::trim);
        found.filter(|text| !text.is_empty() && *text != "null" && *text != "~").map(str::to_owned)
    };
    let of = |name: &str| text(token, name);
    let info = |name: &str| text(info_list, name);
    let kind_name = of("type").unwrap_or_default();
    let kind = kind_of_name(&kind_name).ok_or_else(|| {
        Fault::unusable(format!("a token of the type \"{}\", neither totp nor hotp", shown(&kind_name)))
    })?;
    let secret = of("otpkey").ok_or_else(|| Fault::new("there is no otpkey", "every token needs one"))?;
    let parsed = Seed::parse(&secret, Some(SecretEncoding::Hex))
        .map_err(|error| Fault::new(format!("otpkey: {error}"), "privacyIDEA has hex there"))?;
    let mut row = Row::of_parsed(parsed);
    (row.kind, row.kind_is_stated) = (kind, true);
    let serial = of("serial").ok_or_else(|| Fault::new("there is no serial", "every token needs one"))?;
    check_serial(&serial)?;
    row.serial = Some(serial);
    row.user = of("owner").filter(|owner| !owner.eq_ignore_ascii_case("n/a"));
    if let Some(name) = info("hashlib") {
        let hash = hash_of_name(&name)
            .ok_or_else(|| Fault::unusable(format!("the hash \"{}\" is not known", shown(&name))))?;
        row.hash = Some(hash);
    }
    let whole = |value: Option<String>, what: &str| match value {
        None => Ok(None),
        Some(value) => value
            .parse::<u64>()
            .ok()
            .filter(|number| *number <= u64::from(u32::MAX))
            .map(Some)
            .ok_or_else(|| Fault::new(format!("{what} is no number"), "export the tokens again")),
    };
    let small = |value: Option<String>, what: &str| {
        whole(value, what)?
            .map(|number| u32::try_from(number).ok().filter(|number| (1..=86_400).contains(number)))
            .map(|number| {
                number.ok_or_else(|| Fault::new(format!("{what} is out of bounds"), "export the tokens again"))
            })
            .transpose()
    };
    row.digits = small(of("otplen"), "otplen")?;
    match kind {
        Kind::Totp => row.step = small(info("timeStep"), "timeStep")?.and_then(TimeStep::new),
        Kind::Hotp => row.counter = whole(of("counter"), "counter")?,
    }
    json::check_names(token, &["type", "counter", "otplen", "count", "count_window", "sync_window"])?;
    json::check_names(info_list, &["hashlib", "timeStep", "timeWindow", "timeShift"])?;
    Ok(row)
}
