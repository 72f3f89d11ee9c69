//! What a batch is made from: read and checked before any token is waited for.

use std::path::Path;

use serde_json::json;

use crate::cli::args::BatchArgs;
use crate::cli::describe::{self, fields};
use crate::cli::output::Output;
use crate::cli::record::Record;
use crate::cli::secret::bad_file;
use crate::cli::seeds::{fields_of, named_files, rows_of, save_failed, write_options};
use crate::cli::{Ran, burn};
use crate::inventory::{FingerprintKey, NewRow, RowState};
use crate::job::batch::{BadRows, Origin, Output as File, RowSeed, SeedList, SeedSource, rehearse};
use crate::job::{Exit, Failure, ProfileWish, locked};
use crate::seedfile::{Field, Place as RowPlace, WriteOptions};
use crate::token::Profile;

/// The most new seeds of one batch.
const MAX_FRESH: u64 = 1_000_000;

/// The seeds of a batch and its rows, checked; nothing is on record yet.
pub struct Planned {
    pub origin: Origin,
    pub source: SeedSource,
    pub rows: Vec<NewRow>,
    pub files: Vec<File>,
    pub options: WriteOptions,
    pub dropped: Vec<Field>,
}

/// Reads and checks everything that the arguments name, before any token is waited for.
pub fn planned(args: &BatchArgs, flags: ProfileWish, record: &Record, output: &Output) -> Result<Planned, Failure> {
    let Some(books) = record.books() else { return Err(Failure::file("there is no inventory", "name one")) };
    let key = locked(books).fingerprint_key().clone();
    let files: Vec<File> = named_files(&args.to)?.into_iter().map(|(format, path)| File { format, path }).collect();
    let (options, dropped) = (write_options(&args.encode)?, fields_of(&args.drop)?);
    let anew = args.new_batch;
    let (origin, source, rows) = match (&args.input, args.generate) {
        (Some(path), _) => {
            let name = describe::path(path);
            let rows = rows_of(path, &args.file, false)?;
            let list = SeedList::check(rows, &key, flags)
                .map_err(|BadRows { problems, more }| bad_file(&name, &problems, more))?;
            for problem in &list.warnings {
                output.note(&format!("{name}:{problem}"));
            }
            let SeedList { seeds, rows, content, .. } = list;
            let name = std::fs::canonicalize(path).map_or(name, |path| describe::path(&path));
            (Origin { name, content, anew, is_fresh: false }, SeedSource::File(seeds), rows)
        }
        (None, Some(count)) => {
            if files.is_empty() && !record.seals() {
                return Err(Failure::usage(
                    "the new seeds would be nowhere but on the tokens",
                    "name the server's file with --to FORMAT=FILE, or let the inventory keep the seeds: \
                     tokentap inventory init --recipient age1…",
                ));
            }
            fresh(args, count, &key, &files)?
        }
        (None, None) => return Err(Failure::usage("no seed file was named", "name one, or say --generate N")),
    };
    let planned = Planned { origin, source, rows, files, options, dropped };
    check_formats(&planned, flags)?;
    Ok(planned)
}

/// A batch of new seeds: so many rows, with a user each where a list names them.
fn fresh(
    args: &BatchArgs,
    count: u64,
    key: &FingerprintKey,
    files: &[File],
) -> Result<(Origin, SeedSource, Vec<NewRow>), Failure> {
    if !(1..=MAX_FRESH).contains(&count) {
        return Err(Failure::usage(
            format!("--generate {count} cannot be made at once"),
            format!("give 1 to {MAX_FRESH}"),
        ));
    }
    // Refused here for a length that is not made.
    let bytes = burn::new_seed(args.bytes, args.profile.hash)?.seed.len();
    let users = match &args.users {
        None => Vec::new(),
        Some(path) => {
            let text = users_of(path)?;
            let users: Vec<String> =
                text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
            if users.len() as u64 != count {
                let fact = format!("--generate says {count}, {} has {} users", describe::path(path), users.len());
                return Err(Failure::usage(fact, "give as many users as tokens"));
            }
            users
        }
    };
    let paths: Vec<String> = files.iter().map(|file| describe::path(&file.path)).collect();
    let to = if paths.is_empty() { "the inventory".to_owned() } else { paths.join(", ") };
    let mut content = key.hash(&[b"new seeds", &count.to_be_bytes(), &(bytes as u64).to_be_bytes(), to.as_bytes()]);
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

/// A list of users.
fn users_of(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::file(format!("{} cannot be read: {error}", describe::path(path)), "give plain text"))
}

/// Whether every row can be written in every server's format.
fn check_formats(planned: &Planned, flags: ProfileWish) -> Result<(), Failure> {
    if planned.files.is_empty() {
        return Ok(());
    }
    let formats: Vec<_> = planned.files.iter().map(|file| file.format).collect();
    let sample = burn::new_seed(None, None)?.seed;
    // New seeds are all alike here: one will do.
    let many = if planned.origin.is_fresh { 1 } else { planned.rows.len() };
    let rows = planned.rows.iter().enumerate().take(many).map(|(index, row)| {
        let seed = match &planned.source {
            SeedSource::File(seeds) => seeds.get(index).cloned(),
            SeedSource::Fresh(_) => None,
        };
        let seed = seed.unwrap_or_else(|| RowSeed::fresh(sample.clone()));
        let profile = seed.wish(flags).resolve(None).map_or(Profile::FACTORY, |(profile, _)| profile);
        // A serial that is not known yet is as long as any.
        let serial = row.serial.clone().unwrap_or_else(|| format!("8659612{index:07}"));
        let mut made = seed.row(&serial, row.user.as_deref(), profile);
        made.place = RowPlace { line: index as u64 + 1, column: 0 };
        Ok(made)
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
    let to = if files.is_empty() { String::new() } else { format!("\n  files  {}", files.join(", ")) };
    let text = format!(
        "plan for {}; nothing was written\n  rows   {rows}: {named} for the serials that they name, {} dealt out in order{to}",
        planned.origin.name,
        rows - named,
    );
    let object = fields([
        ("dry_run", json!(true)),
        ("batch", json!(planned.origin.name)),
        ("rows", json!(rows)),
        ("named", json!(named)),
        ("files", json!(files)),
    ]);
    output.report(&text, object);
    Ok(Exit::Done)
}
