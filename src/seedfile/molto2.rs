//! `molto2`: Token2 Molto2, up to a hundred profiles, numbered from 0 as the device numbers its slots:
//! `profile,seed,title,algorithm,digits,period`.

use zeroize::Zeroizing;

use super::format::{Format, ReadOptions, Rows, Sample, Write, WriteOptions, quoted};
use super::names::hash_of_name;
use super::oath_line::digits;
use super::problem::Problem;
use super::row::{Field, Row};
use super::shown::shown;
use super::table::{Records, rows};
use super::text::Source;
use crate::device::{CapabilityError, Family, Title};
use crate::seed::SecretEncoding;

/// The format. Its lines are numbered from 0 in the order in which they are written, unless the rows say their slots.
pub const FORMAT: Format = Format {
    name: "molto2",
    title: "Token2 Molto2",
    carries: &[Field::Account, Field::Hash, Field::Step, Field::Digits, Field::Slot],
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
        let slot = fields.number(0, "profile")?;
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
        row.slot =
            slot.map(slot_of).transpose().map_err(|what| fields.problem(0, what, "use a number from 0 to 99"))?;
        row.place = fields.place();
        Ok(row)
    })))
}

/// A slot that a Molto2 has.
pub(super) fn slot_of(number: u64) -> Result<u16, String> {
    let slots = Family::Molto2.usual().slots;
    u16::try_from(number)
        .ok()
        .filter(|slot| *slot < slots)
        .ok_or_else(|| format!("a Molto2 has no slot {number}: they are numbered from 0 to {}", slots - 1))
}

fn begin(_: &WriteOptions) -> String {
    "profile,seed,title,algorithm,digits,period\n".to_owned()
}

fn row(row: &Row, _: &WriteOptions, _: bool) -> Result<Zeroizing<String>, String> {
    let can = Family::Molto2.usual();
    row.check_for(can).map_err(|error| error.to_string())?;
    if row.seed.expose().iter().all(|byte| *byte == 0) {
        return Err(CapabilityError::ClearsSlot.to_string());
    }
    // The title is what the screen shows beside the code: without one the slot has its number alone.
    let title = row.account.as_deref().unwrap_or_default().trim();
    if !title.is_empty() {
        Title::new(title, can.title_bytes)
            .map_err(|error| format!("its account is to be the slot's title: {error}"))?;
    }
    let slot = row.slot.map_or(row.place.line.saturating_sub(1), u64::from);
    let slot = slot_of(slot)?;
    let secret = row.seed.to_base32();
    let (hash, digits, step) = (row.effective_hash(), row.effective_digits(), row.effective_step());
    Ok(Zeroizing::new(format!("{slot},{},{},{hash},{digits},{step}\n", secret.as_str(), quoted(title))))
}
