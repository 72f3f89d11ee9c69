//! `seeds generate`: new seeds from the system's generator.

use std::path::Path;

use super::convert::{check_paths, write};
use crate::cli::args::{ProfileArgs, SeedsGenerateArgs};
use crate::cli::output::Output;
use crate::cli::{Ran, describe, input, new_seed, settings};
use crate::device::{Family, Serial, families};
use crate::job::Failure;
use crate::seedfile::{Place, Rules, check_serial};

/// The most seeds that are generated at once.
const MAX_GENERATED: usize = 1_000_000;

pub(super) fn generate(args: &SeedsGenerateArgs, inventory: Option<&Path>, output: &Output) -> Ran {
    let profile = ProfileArgs { hash: args.hash, step: args.step, display: None };
    let (profile, _) = settings::profile(&profile).wish(Family::Nfc)?.resolve(None, families::usual())?;
    check_paths(&[("--serials", args.serials.as_deref()), ("the inventory", inventory)], &args.output)?;
    let serials = serials(args)?;
    let count = match (args.count, serials.len()) {
        (Some(count), 0) => count,
        (Some(count), known) if count != known => {
            return Err(Failure::usage(format!("--count is {count}, but there are {known} serials"), "remove --count"));
        }
        (_, known) => known,
    };
    if !(1..=MAX_GENERATED).contains(&count) {
        return Err(Failure::usage(
            format!("{count} seeds cannot be made at once"),
            format!("use 1 to {MAX_GENERATED}"),
        ));
    }
    let mut rows = Vec::with_capacity(count);
    for index in 0..count {
        let mut row = new_seed::new_seed(args.bytes, args.hash)?;
        row.hash = Some(profile.hash());
        row.step = Some(profile.step());
        row.digits = Some(6);
        row.serial = serials.get(index).cloned();
        row.place = Place { line: index as u64 + 1, column: 0 };
        rows.push(Ok(row));
    }
    write(Box::new(rows.into_iter()), &args.output, Rules::default(), "the new seeds", output)
}

/// The serials that the arguments name, in their order.
fn serials(args: &SeedsGenerateArgs) -> Result<Vec<String>, Failure> {
    if let Some(path) = &args.serials {
        let lines = input::lines_of(path, "name a file with one serial a line")?;
        let serials = lines.into_iter().map(|(number, line)| match check_serial(&line) {
            Ok(()) if Serial::new(&line).is_some() => Ok(line),
            Ok(()) => Err(Failure::usage(
                format!("{}:{number}: no token has such a serial", describe::path(path)),
                "use the digits on the back of the token",
            )),
            Err((what, next)) => Err(Failure::usage(format!("{}:{number}: {what}", describe::path(path)), next)),
        });
        return serials.collect();
    }
    let Some(range) = &args.serial_range else { return Ok(Vec::new()) };
    let bad = || {
        Failure::usage("--serial-range is not a range of serials", "use A..B, such as 86596120001000..86596120001199")
    };
    let (first, last) = range.split_once("..").ok_or_else(bad)?;
    let number = |text: &str| text.parse::<u128>().ok().filter(|_| text.len() <= 38 && first.len() == last.len());
    let (Some(from), Some(to)) = (number(first), number(last)) else { return Err(bad()) };
    let count = to.checked_sub(from).ok_or_else(bad)?.saturating_add(1);
    if count > MAX_GENERATED as u128 {
        return Err(Failure::usage(
            format!("--serial-range has {count} serials"),
            format!("use {MAX_GENERATED} at most"),
        ));
    }
    // Leading zeros belong to a serial.
    Ok((from..=to).map(|serial| format!("{serial:0width$}", width = first.len())).collect())
}
