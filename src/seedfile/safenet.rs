//! `safenet`: SafeNet's XML of tokens that count presses, read only.

use super::format::{Format, ReadOptions, Rows, Sample};
use super::problem::{Fault, Problem};
use super::remedy::FileRemedy;
use super::row::{Field, Kind, Place, Row};
use super::serial::check_serial;
use super::shown::shown;
use super::text::Source;
use super::xml::{Element, parse};
use crate::seed::{SecretEncoding, Seed};

/// The format.
pub const FORMAT: Format = Format {
    name: "safenet",
    title: "SafeNet's tokens, XML",
    carries: &[Field::Serial, Field::Counter, Field::Hash, Field::Model],
    one_kind: false,
    fits: |sample: &Sample<'_>| {
        let text = sample.text.trim_start();
        text.starts_with('<') && text.contains("<Tokens") && text.contains("<Seed")
    },
    read,
    write: None,
};

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let root = parse(&source.into_whole()?)?;
    if !root.is("Tokens") {
        let what = format!("the root is <{}>, not <Tokens>", shown(&root.name));
        return Err(Problem::of_file(what, FileRemedy::NameFormatOrUse("SafeNet")));
    }
    let rows: Vec<_> = root.children_named("Token").map(one).collect();
    Ok(Box::new(rows.into_iter()))
}

fn one(token: &Element) -> Result<Row, Problem> {
    let place = Place { line: token.line, column: 0 };
    read_one(token).map(|row| Row { place, ..row }).map_err(|fault| fault.at(place))
}

fn read_one(token: &Element) -> Result<Row, Fault> {
    let applications: Vec<&Element> =
        token.child("Applications").into_iter().flat_map(|all| all.children_named("Application")).collect();
    let [application] = applications.as_slice() else {
        return Err(Fault::new(
            format!("the token has {} applications, and one is read", applications.len()),
            "leave one",
        ));
    };
    let seed = application.child("Seed").ok_or_else(|| Fault::new("there is no <Seed>", "every token needs one"))?;
    let parsed = Seed::parse(&seed.compact_text(), Some(SecretEncoding::Hex))
        .map_err(|error| Fault::new(error.to_string(), "SafeNet has hex there"))?;
    let mut row = Row::of_parsed(parsed);
    row.kind = Kind::Hotp;
    let known = ["Seed", "MovingFactor"];
    if let Some(other) = application.children.iter().find(|child| !known.iter().any(|known| child.is(known))) {
        let what = format!("<{}> is not known here, and may change the codes", shown(&other.name));
        return Err(Fault::new(what, "remove this token from the file"));
    }
    let serial =
        token.attribute("serial").ok_or_else(|| Fault::new("the token has no serial", "every token needs one"))?;
    check_serial(serial)?;
    row.serial = Some(serial.to_owned());
    row.counter = match application.child("MovingFactor") {
        None => None,
        Some(factor) => {
            let no_number = |_| Fault::new("the moving factor is no number", "ask for the file again");
            Some(factor.text.trim().parse().map_err(no_number)?)
        }
    };
    row.model = token.child("ProductName").map(|name| name.text.trim().to_owned()).filter(|name| !name.is_empty());
    Ok(row)
}
