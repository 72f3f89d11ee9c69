//! The rows of a batch: read and checked before any token is waited for.

use std::path::Path;

use crate::cli::args::BatchArgs;
use crate::cli::describe;
use crate::cli::input::lines_of;
use crate::cli::output::Output;
use crate::cli::record::Record;
use crate::cli::rows::Hotp;
use crate::cli::seeds::{check_drop, fields_of, named_files, rows_of, with_users, write_options};
use crate::cli::unused::{file_flag, unused};
use crate::cli::{Ran, new_seed};
use crate::device::Family;
use crate::inventory::FingerprintKey;
use crate::job::batch::{Allowed, ListTerms, Origin, PlannedBatch, ServerFile, check_files};
use crate::job::paths;
use crate::job::{Exit, Failure, ProfileWish};
use crate::report::{BatchPlanReport, row_problem};
use crate::seedfile::check_text;

/// The most new seeds of one batch.
const MAX_FRESH: u64 = 1_000_000;

/// Reads and checks everything that the arguments name, before any token is waited for.
pub fn planned(
    args: &BatchArgs,
    flags: ProfileWish,
    record: &Record,
    output: &Output,
) -> Result<PlannedBatch, Failure> {
    let Some(books) = record.books() else { return Err(Failure::file("there is no inventory", "name one")) };
    let key = books.fingerprint_key().clone();
    let files = server_files(&args.to)?;
    check_paths(args, record, &files)?;
    let formats: Vec<_> = files.iter().map(|file| file.format).collect();
    let (options, dropped) = (write_options(&args.encode, &formats)?, fields_of(&args.drop)?);
    check_drop(&dropped, &formats)?;
    let planned = match (&args.input, args.generate) {
        (Some(path), _) => of_file(path, args, flags, &key, output)?,
        (None, count) if count.is_some() || args.users.is_some() => {
            if let Some(flag) = file_flag(&args.file) {
                return Err(unused(flag, "new seeds are made"));
            }
            if files.is_empty() && !record.seals()? {
                return Err(Failure::usage(
                    "the new seeds would exist only on the tokens",
                    "name the server's file with --to FORMAT=FILE, or let the inventory keep the seeds: \
                     tokentap inventory init --recipient age1…",
                ));
            }
            fresh(args, count, flags, &key, &files)?
        }
        (None, _) => return Err(Failure::usage("no seed file was named", "name one, or use --generate N")),
    };
    let planned = PlannedBatch { files, options, dropped, overwrites: args.force, ..planned };
    if !planned.origin.is_fresh && !planned.is_kept(record.is_lasting()) {
        return Err(Failure::usage(
            "nothing would record which row went to which token",
            "drop --inventory none, name the server's file with --to, or add a serial to every row",
        ));
    }
    planned.check_formats(flags)?;
    Ok(planned)
}

/// The files for servers that `FORMAT=FILE` names.
///
/// # Errors
/// A usage failure.
pub fn server_files(to: &[String]) -> Result<Vec<ServerFile>, Failure> {
    Ok(named_files(to)?.into_iter().map(|(format, path)| ServerFile { format, path }).collect())
}

/// The rows of a file.
fn of_file(
    path: &Path,
    args: &BatchArgs,
    flags: ProfileWish,
    key: &FingerprintKey,
    output: &Output,
) -> Result<PlannedBatch, Failure> {
    let name = describe::path(path);
    let rows = rows_of(path, &args.file, if args.hotp { Hotp::Codes } else { Hotp::No }, &args.whole)?;
    let rows = match &args.users {
        None => rows,
        Some(users) => with_users(rows, users)?,
    };
    let family = if args.hotp { Family::HotpKey } else { Family::Nfc };
    let allowed = Allowed { short: args.allow_short_seed, shared: args.whole.allow_shared_secret, family };
    let mut warn = |problem: &crate::seedfile::Problem| output.note(&format!("{name}:{}", row_problem(problem)));
    let terms = ListTerms { key, flags, allowed, anew: args.new_batch, warn: &mut warn };
    let planned = PlannedBatch::of_rows(&name, rows, terms)?;
    // The batch goes by the file's own place, wherever the program was started.
    let name = dunce::canonicalize(path).map_or(name.clone(), |path| describe::path(&path));
    Ok(PlannedBatch { origin: Origin { name, ..planned.origin }, ..planned })
}

/// Whether no file is written that is read, or written twice.
fn check_paths(args: &BatchArgs, record: &Record, files: &[ServerFile]) -> Result<(), Failure> {
    let reads = [
        ("the inventory", record.path()),
        ("the seed file", args.input.as_deref()),
        ("--users", args.users.as_deref()),
        ("--token-key", args.run.token_key.as_deref()),
        ("--pskc-key", args.file.pskc_key.as_deref()),
        ("--file-password", args.file.pskc_password.as_deref()),
        ("--to-pskc-key", args.encode.to_pskc_key.as_deref()),
        ("--to-pskc-password", args.encode.to_pskc_password.as_deref()),
    ];
    check_files(&reads, "--to", files)
}

/// A batch of new seeds: so many rows, with a user each where a list names them.
fn fresh(
    args: &BatchArgs,
    count: Option<u64>,
    flags: ProfileWish,
    key: &FingerprintKey,
    files: &[ServerFile],
) -> Result<PlannedBatch, Failure> {
    let users = args.users.as_deref().map(users_of).transpose()?.unwrap_or_default();
    let count = count.unwrap_or(users.len() as u64);
    if args.users.is_some() && users.len() as u64 != count {
        let fact = format!("--generate is {count}, and --users has {}", describe::counted(users.len() as u64, "user"));
        return Err(Failure::usage(fact, "drop --generate: then there are as many seeds as users"));
    }
    if !(1..=MAX_FRESH).contains(&count) {
        return Err(Failure::usage(
            format!("{count} new seeds cannot be made at once"),
            format!("use 1 to {MAX_FRESH}"),
        ));
    }
    let bytes = new_seed::seed_length(args.bytes, args.profile.hash)?;
    let paths: Vec<String> = files.iter().map(|file| describe::path(&paths::absolute(&file.path))).collect();
    let to = if paths.is_empty() { "the inventory".to_owned() } else { paths.join(", ") };
    let mut of_row: Vec<Option<String>> = users.into_iter().map(Some).collect();
    of_row.resize(usize::try_from(count).unwrap_or_default(), None);
    let planned = PlannedBatch::of_fresh(&to, bytes, &of_row, flags, key);
    Ok(PlannedBatch { origin: Origin { anew: args.new_batch, ..planned.origin }, ..planned })
}

/// A list of users, one a line.
fn users_of(path: &Path) -> Result<Vec<String>, Failure> {
    let lines = lines_of(path, "use a file with one user a line")?;
    let users = lines.into_iter().map(|(number, user)| match check_text(&user) {
        Ok(()) => Ok(user),
        Err(what) => Err(Failure::usage(format!("{}:{number}: a user {what}", describe::path(path)), "correct it")),
    });
    users.collect()
}

/// `--dry-run`: what would be done.
///
/// # Errors
/// None.
pub fn show(planned: &PlannedBatch, output: &Output) -> Ran {
    let named = planned.rows.iter().filter(|row| row.is_named).count();
    let files: Vec<String> = planned.files.iter().map(|file| describe::path(&file.path)).collect();
    let (batch, rows) = (planned.origin.name.clone(), planned.rows.len());
    output.report(&BatchPlanReport { dry_run: true, batch, rows, named, files });
    Ok(Exit::Done)
}
