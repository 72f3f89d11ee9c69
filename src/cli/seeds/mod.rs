//! `tokentap seeds`: check, convert, generate, qr.

mod check;
mod convert;
mod generate;
mod qr_code;

use std::path::Path;

use super::args::{FileArgs, Global, SeedsCommand, WholeFileArgs};
use super::describe::counted;
use super::output::Output;
use super::rows::{self, Hotp};
use super::{Ran, describe, input, record};
use crate::job::{Failure, bad_file};
use crate::seedfile::{Format, Problem, Row, Rows, Severity, Source, usable, users};

pub use convert::{check_drop, conclude, fields_of, named_files, writable, write_options};

pub fn run(global: &Global, command: &SeedsCommand, output: &Output) -> Ran {
    let inventory = record::path(global).ok().flatten();
    let inventory = inventory.as_deref();
    if global.dry_run {
        return Err(super::no_dry_run());
    }
    match command {
        SeedsCommand::Check(args) => check::check(args, output),
        SeedsCommand::Convert(args) => convert::convert_file(args, inventory, output),
        SeedsCommand::Generate(args) => generate::generate(args, inventory, output),
        SeedsCommand::Qr(args) => qr_code::make_qr(args, inventory, output),
    }
}

/// The rows with the users of a list. What is wrong with the seed file is told with what has no partner.
///
/// # Errors
/// A failure of the list.
pub fn with_users(rows: Rows, path: &Path) -> Result<Rows, Failure> {
    let name = describe::path(path);
    let next = "name a table with the columns serial and user, or one user a line";
    let list = Source::new(input::open(path, next)?).map_err(|problem| vec![problem]).and_then(users::read_users);
    let list = list.map_err(|problems| bad_file(&name, &problems, 0))?;
    let (mut good, mut others) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Ok(row) => good.push(row),
            Err(problem) => others.push(Err(problem)),
        }
    }
    let is_missing = |row: &&Result<Row, Problem>| {
        row.as_ref().is_err_and(|problem| problem.unusable || problem.severity == Severity::Error)
    };
    let not_read = others.iter().filter(is_missing).count();
    if not_read > 0 && list.iter().all(|user| user.serial.is_none()) {
        let what = format!(
            "the users are dealt in order, and {} cannot be read: they would go to others",
            counted(not_read as u64, "row")
        );
        others.push(Err(Problem::of_file(what, "add a column with the serials to the list")));
    }
    let (merged, problems) = users::merge(good, &list, &name);
    others.extend(problems.into_iter().map(Err));
    Ok(Box::new(others.into_iter().chain(merged.into_iter().map(Ok))))
}

fn source(path: &Path) -> Result<Result<Source, Problem>, Failure> {
    Ok(Source::new(input::open_secret(path, "name a seed file that you may read")?))
}

/// The rows of a file, or the failure of the file as a whole.
pub fn rows_of(path: &Path, args: &FileArgs, hotp: Hotp, whole: &WholeFileArgs) -> Result<Rows, Failure> {
    read_file(path, args, hotp, whole).map(|(_, rows)| rows)
}

/// The same, and the format that they are read in.
pub(super) fn read_file(
    path: &Path,
    args: &FileArgs,
    hotp: Hotp,
    whole: &WholeFileArgs,
) -> Result<(&'static Format, Rows), Failure> {
    let read = rows::rows_of(&|| source(path), args, hotp)?;
    let (format, rows) = read.map_err(|problem| bad_file(&describe::path(path), &[problem], 0))?;
    Ok((format, if whole.skip_unusable { usable(rows) } else { rows }))
}
