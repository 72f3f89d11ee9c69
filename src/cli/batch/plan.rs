//! What a batch is made from: read and checked before any token is waited for.

use std::path::Path;

use crate::cli::args::BatchArgs;
use crate::cli::describe::{self};
use crate::cli::input::lines_of;
use crate::cli::output::Output;
use crate::cli::record::Record;
use crate::cli::rows::bad_file;
use crate::cli::seeds::{check_drop, fields_of, named_files, rows_of, save_failed, with_users, write_options};
use crate::cli::unused::{file_flag, unused};
use crate::cli::{Ran, burn, paths};
use crate::inventory::{FingerprintKey, NewRow, RowState};
use crate::job::batch::{Allowed, BadRows, Origin, RowSeed, SeedList, SeedSource, ServerFile, flags_digest, rehearse};
use crate::job::{Exit, Failure, ProfileWish, locked};
use crate::report::{BatchPlanReport, row_problem};
use crate::seed::Seed;
use crate::seedfile::{Field, Place as RowPlace, WriteOptions, check_text};
use crate::token::Profile;

/// The most new seeds of one batch.
const MAX_FRESH: u64 = 1_000_000;

/// The seeds of a batch and its rows, checked; nothing is on record yet.
pub struct Planned {
    pub origin: Origin,
    pub source: SeedSource,
    pub rows: Vec<NewRow>,
    pub files: Vec<ServerFile>,
    pub options: WriteOptions,
    pub dropped: Vec<Field>,
}

/// Reads and checks everything that the arguments name, before any token is waited for.
pub fn planned(args: &BatchArgs, flags: ProfileWish, record: &Record, output: &Output) -> Result<Planned, Failure> {
    let Some(books) = record.books() else { return Err(Failure::file("there is no inventory", "name one")) };
    let key = locked(books).fingerprint_key().clone();
    let files: Vec<ServerFile> =
        named_files(&args.to)?.into_iter().map(|(format, path)| ServerFile { format, path }).collect();
    check_paths(args, record, &files)?;
    let formats: Vec<_> = files.iter().map(|file| file.format).collect();
    let (options, dropped) = (write_options(&args.encode, &formats)?, fields_of(&args.drop)?);
    check_drop(&dropped, &formats)?;
    let anew = args.new_batch;
    let (origin, source, rows) = match (&args.input, args.generate) {
        (Some(path), _) => {
            let name = describe::path(path);
            let rows = rows_of(path, &args.file, false, &args.whole)?;
            let rows = match &args.users {
                None => rows,
                Some(users) => with_users(rows, users)?,
            };
            let allowed = Allowed { short: args.allow_short_seed, shared: args.whole.allow_shared_secret };
            let list = SeedList::check(rows, &key, flags, allowed)
                .map_err(|BadRows { problems, more }| bad_file(&name, &problems, more))?;
            for problem in &list.warnings {
                output.note(&format!("{name}:{}", row_problem(problem)));
            }
            let SeedList { seeds, rows, content, .. } = list;
            let is_kept = args_keep(record, &files) || rows.iter().all(|row| row.is_named);
            if !is_kept {
                return Err(Failure::usage(
                    "which row went to which token would stand nowhere",
                    "leave --inventory none out, name the server's file with --to, or give every row its serial",
                ));
            }
            let name = std::fs::canonicalize(path).map_or(name, |path| describe::path(&path));
            (Origin { name, content, anew, is_fresh: false }, SeedSource::File(seeds), rows)
        }
        (None, count) if count.is_some() || args.users.is_some() => {
            if let Some(flag) = file_flag(&args.file) {
                return Err(unused(flag, "new seeds are made"));
            }
            if files.is_empty() && !record.seals()? {
                return Err(Failure::usage(
                    "the new seeds would be nowhere but on the tokens",
                    "name the server's file with --to FORMAT=FILE, or let the inventory keep the seeds: \
                     tokentap inventory init --recipient age1…",
                ));
            }
            fresh(args, count, flags, &key, &files)?
        }
        (None, _) => return Err(Failure::usage("no seed file was named", "name one, or use --generate N")),
    };
    let planned = Planned { origin, source, rows, files, options, dropped };
    check_formats(&planned, flags)?;
    Ok(planned)
}

/// Whether what goes where is kept anywhere.
fn args_keep(record: &Record, files: &[ServerFile]) -> bool {
    record.is_lasting() || !files.is_empty()
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
    let writes: Vec<paths::Named<'_>> = files.iter().map(|file| ("--to", Some(file.path.as_path()))).collect();
    paths::check(&reads, &writes)
}

/// A batch of new seeds: so many rows, with a user each where a list names them.
fn fresh(
    args: &BatchArgs,
    count: Option<u64>,
    flags: ProfileWish,
    key: &FingerprintKey,
    files: &[ServerFile],
) -> Result<(Origin, SeedSource, Vec<NewRow>), Failure> {
    let users = args.users.as_deref().map(users_of).transpose()?.unwrap_or_default();
    let count = count.unwrap_or(users.len() as u64);
    if args.users.is_some() && users.len() as u64 != count {
        let fact = format!("--generate is {count}, and --users has {}", describe::counted(users.len() as u64, "user"));
        return Err(Failure::usage(fact, "leave --generate out: then there are as many seeds as users"));
    }
    if !(1..=MAX_FRESH).contains(&count) {
        return Err(Failure::usage(
            format!("{count} new seeds cannot be made at once"),
            format!("give 1 to {MAX_FRESH}"),
        ));
    }
    let bytes = burn::seed_length(args.bytes, args.profile.hash)?;
    let paths: Vec<String> = files.iter().map(|file| describe::path(&paths::absolute(&file.path))).collect();
    let to = if paths.is_empty() { "the inventory".to_owned() } else { paths.join(", ") };
    let count_bytes = count.to_be_bytes();
    let flags = flags_digest(key, flags);
    let mut content = key.hash(&[b"new seeds", &flags, &count_bytes, &(bytes as u64).to_be_bytes(), to.as_bytes()]);
    for user in &users {
        content = key.hash(&[&content, user.as_bytes()]);
    }
    let rows = (0..count).map(|index| NewRow {
        serial: None,
        is_named: false,
        user: usize::try_from(index).ok().and_then(|index| users.get(index)).cloned(),
        seed: None,
        state: RowState::Planned,
    });
    let rows = rows.collect();
    let origin = Origin { name: format!("new seeds for {to}"), content, anew: args.new_batch, is_fresh: true };
    Ok((origin, SeedSource::Fresh(bytes), rows))
}

/// A list of users, one a line.
fn users_of(path: &Path) -> Result<Vec<String>, Failure> {
    let lines = lines_of(path, "name a file with one user a line")?;
    let users = lines.into_iter().map(|(number, user)| match check_text(&user) {
        Ok(()) => Ok(user),
        Err(what) => Err(Failure::usage(format!("{}:{number}: a user {what}", describe::path(path)), "correct it")),
    });
    users.collect()
}

/// Whether every row can be written in every server's format.
fn check_formats(planned: &Planned, flags: ProfileWish) -> Result<(), Failure> {
    if planned.files.is_empty() {
        return Ok(());
    }
    let formats: Vec<_> = planned.files.iter().map(|file| file.format).collect();
    let rows = planned.rows.iter().enumerate().filter_map(|(index, row)| {
        let seed = match &planned.source {
            SeedSource::File(seeds) => seeds.get(index).cloned()?,
            // Stands for a new one that is not made yet.
            SeedSource::Fresh(bytes) => {
                let mut stand_in = (index as u128 + 1).to_be_bytes().to_vec();
                stand_in.resize(*bytes, 0);
                RowSeed::fresh(Seed::from_bytes(stand_in).ok()?)
            }
        };
        let profile = seed.wish(flags).resolve(None).map_or(Profile::FACTORY, |(profile, _)| profile);
        // A serial that is not known yet; no token has one like it.
        let serial = row.serial.clone().unwrap_or_else(|| format!("ROW{index:011}"));
        let mut made = seed.row(&serial, row.user.as_deref(), profile);
        made.place = RowPlace { line: index as u64 + 1, column: 0 };
        Some(Ok(made))
    });
    let checked = rehearse(&formats, rows, &planned.options, &planned.dropped);
    let checked = checked.map_err(|error| save_failed(&error))?;
    if checked.has_failed() {
        return Err(bad_file(&planned.origin.name, &checked.problems, checked.more));
    }
    Ok(())
}

/// `--dry-run`: what would be done.
///
/// # Errors
/// None.
pub fn show(planned: &Planned, output: &Output) -> Ran {
    let named = planned.rows.iter().filter(|row| row.is_named).count();
    let rows = planned.rows.len();
    let files: Vec<String> = planned.files.iter().map(|file| describe::path(&file.path)).collect();
    output.report(&BatchPlanReport { dry_run: true, batch: planned.origin.name.clone(), rows, named, files });
    Ok(Exit::Done)
}
