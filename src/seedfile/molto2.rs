//! `molto2`: Token2 Molto2, up to a hundred profiles: `profile,seed,title,algorithm,digits,period`.

use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, quoted};
use super::names::hash_of_name;
use super::oath_line::digits;
use super::problem::Problem;
use super::row::{Field, Row};
use super::shown::shown;
use super::table::{Records, rows};
use super::text::Source;
use crate::seed::SecretEncoding;

/// The longest title, in characters.
const MAX_TITLE: usize = 12;

/// The format. Its lines are numbered from 0 in the order in which they are written.
pub const FORMAT: Format = Format {
    name: "molto2",
    title: "Token2 Molto2",
    carries: &[Field::Account, Field::Hash, Field::Step, Field::Digits],
    one_kind: false,
    fits,
    read,
    write: Some(Write { begin, row, end: "" }),
};

fn fits(sample: &Sample<'_>) -> bool {
    ["profile", "seed", "title", "algorithm"].iter().all(|name| sample.has_field(name))
}

fn read(source: Source, options: &ReadOptions) -> Result<Rows, Problem> {
    let encoding = options.secret_encoding.unwrap_or(SecretEncoding::Base32);
    let mut records = Records::new(source)?;
    match records.next()? {
        // The first profile's number, or the header's word for it.
        Some(first) if first.get(0).is_some_and(|field| field.parse::<u32>().is_ok()) => records.repeat(),
        Some(first) if first.get(0).is_some_and(|field| field.eq_ignore_ascii_case("profile")) => {
            for (index, word) in ["profile", "seed", "title", "algorithm", "digits", "period"].into_iter().enumerate() {
                first.expect(index, word)?;
            }
            records.take_header();
        }
        Some(first) => {
            return Err(first.line_problem("this line is neither a header nor a profile", "see docs/formats.md"));
        }
        None => {}
    }
    Ok(Box::new(rows(records, move |fields| {
        fields.at_most(6)?;
        fields.number(0, "profile")?;
        let mut row = Row::of_parsed(fields.secret(1, encoding)?);
        row.account = fields.get(2).map(str::to_owned);
        row.hash = match fields.get(3) {
            None => None,
            Some(name) => Some(hash_of_name(name).ok_or_else(|| {
                fields.problem(3, format!("the hash \"{}\" is not known", shown(name)), "sha1, sha256 or sha512")
            })?),
        };
        row.digits = digits(fields, 4)?;
        row.step = fields.step(5)?;
        row.place = fields.place();
        Ok(row)
    })))
}

fn begin(_: &WriteOptions) -> String {
    "profile,seed,title,algorithm,digits,period\n".to_owned()
}

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let title = row.account.as_deref().unwrap_or_default();
    if title.chars().count() > MAX_TITLE {
        return Err(format!("its account has {} characters; a Molto2 title has {MAX_TITLE}", title.chars().count()));
    }
    let secret = row.seed.to_base32();
    // The profile's number is where the row stands; the caller numbers the rows.
    let (hash, digits, step) = (row.effective_hash(), row.effective_digits(), row.effective_step());
    Ok(Zeroizing::new(format!("{},{},{},{hash},{digits},{step}\n", row.place.line, secret.as_str(), quoted(title))))
}
