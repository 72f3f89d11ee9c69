//! `seeds convert`: from one file to others, and what writes them for every command.

use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{rows_of, with_users};
use crate::cli::Ran;
use crate::cli::args::{EncodeArgs, OutputArgs, SeedsConvertArgs, SuiteArg};
use crate::cli::describe::{self};
use crate::cli::output::Output;
use crate::cli::rows::Hotp;
use crate::cli::rows::{self, format_of_name};
use crate::job::batch::unwritable;
use crate::job::paths;
use crate::job::{CORRECT_FILE, bad_rows};
use crate::job::{Exit, Failure};
use crate::report::{ConvertReport, row_problem};
use crate::seedfile::{
    Converted, Field, Format, Rows, Rules, SecretFile, Severity, Sink, Target, WriteOptions, convert,
};

pub(super) fn warnings(converted: &Converted, name: &str) -> Vec<String> {
    converted.problems.iter().map(|problem| format!("{name}:{}", row_problem(problem))).collect()
}

/// Says the warnings, or fails with all that is wrong; `otherwise` is the remedy where the problems have none in common.
pub fn conclude(converted: &Converted, name: &str, otherwise: &'static str, output: &Output) -> Result<(), Failure> {
    if converted.has_failed() {
        return Err(bad_rows(name, &converted.problems, converted.more, otherwise.into()));
    }
    for problem in converted.problems.iter().filter(|problem| problem.severity == Severity::Warning) {
        output.note(&format!("{name}:{}", row_problem(problem)));
    }
    Ok(())
}

pub(super) fn convert_file(args: &SeedsConvertArgs, inventory: Option<&Path>, output: &Output) -> Ran {
    let dropped = fields_of(&args.drop)?;
    let reads = [
        ("the seed file", Some(args.input.as_path())),
        ("--users", args.users.as_deref()),
        ("the inventory", inventory),
        ("--pskc-key", args.file.pskc_key.as_deref()),
        ("--file-password", args.file.pskc_password.as_deref()),
    ];
    check_paths(&reads, &args.output)?;
    let formats = targets(&args.output)?.iter().map(|(name, _)| writable(name)).collect::<Result<Vec<_>, _>>()?;
    check_drop(&dropped, &formats)?;
    let rows = rows_of(&args.input, &args.file, Hotp::of_field(args.hotp), &args.whole)?;
    let rows = match &args.users {
        None => rows,
        Some(users) => with_users(rows, users)?,
    };
    let rules = Rules { drop: &dropped, shares_secrets: args.whole.allow_shared_secret };
    write(rows, &args.output, rules, &describe::path(&args.input), output)
}

/// Whether every field that may be lost is one that is lost, and that no code depends on.
///
/// # Errors
/// A usage failure that names the field.
pub fn check_drop(dropped: &[Field], formats: &[&'static Format]) -> Result<(), Failure> {
    // PingID's step is chosen on the server; what else changes codes has no other place.
    let is_elsewhere = |field: Field, format: &Format| field == Field::Step && format.name == "pingid";
    let is_needed = |field: &&Field| {
        field.changes_codes()
            && formats.iter().any(|format| !format.carries.contains(field) && !is_elsewhere(**field, format))
    };
    if let Some(field) = dropped.iter().find(is_needed) {
        return Err(Failure::usage(
            format!("without the {} the server would expect other codes than the tokens show", field.name()),
            "remove it from --drop, and use a format that carries it",
        ));
    }
    let is_carried = |field: &&Field| formats.iter().all(|format| format.carries.contains(field));
    match dropped.iter().find(is_carried) {
        None => Ok(()),
        Some(field) => Err(Failure::usage(
            format!("--drop {} does nothing: every format that is written carries it", field.name()),
            "remove it",
        )),
    }
}

/// How formats that leave a choice are written.
///
/// # Errors
/// A failure of a key's file; a usage failure of a flag that is for none of the formats.
pub fn write_options(args: &EncodeArgs, formats: &[&'static Format]) -> Result<WriteOptions, Failure> {
    let has = |name: &str| formats.iter().any(|format| format.name == name);
    let has_key = args.to_pskc_key.is_some() || args.to_pskc_password.is_some();
    if has_key && !has("pskc") {
        return Err(Failure::usage(
            "--to-pskc-key and --to-pskc-password are for PSKC files",
            "add --to pskc=FILE, or remove them",
        ));
    }
    if args.entra_timeinterval && !has("entra") {
        return Err(Failure::usage(
            "--entra-timeinterval is for Entra ID's files",
            "add --to entra=FILE, or remove it",
        ));
    }
    if args.pskc_suite.is_some() && !has("pskc") {
        return Err(Failure::usage("--pskc-suite is for PSKC files", "add --to pskc=FILE, or remove it"));
    }
    Ok(WriteOptions {
        slots: false,
        pskc_suite_hmac: args.pskc_suite == Some(SuiteArg::Hmac),
        pskc: rows::pskc_keys(args.to_pskc_key.as_deref(), args.to_pskc_password.as_deref())?,
        entra_timeinterval: args.entra_timeinterval,
    })
}

/// The fields of these names.
///
/// # Errors
/// A usage failure that lists the names.
pub fn fields_of(names: &[String]) -> Result<Vec<Field>, Failure> {
    let field = |name: &String| {
        Field::of_name(name).ok_or_else(|| {
            let names: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
            let fact = format!("unknown field: {}", describe::given(name));
            Failure::usage(fact, format!("use one of {}", names.join(", ")))
        })
    };
    names.iter().map(field).collect()
}

/// Whether no file is written that is read, or written twice.
pub(super) fn check_paths(reads: &[paths::Named<'_>], args: &OutputArgs) -> Result<(), Failure> {
    let mut reads = reads.to_vec();
    reads.push(("--to-pskc-key", args.encode.to_pskc_key.as_deref()));
    reads.push(("--to-pskc-password", args.encode.to_pskc_password.as_deref()));
    let targets = targets(args)?;
    let writes: Vec<_> = targets.iter().map(|(_, file)| ("--to", file.as_deref())).collect();
    paths::check(&reads, &writes)
}

/// Writes rows to where the arguments say, and reports it.
pub(super) fn write(rows: Rows, args: &OutputArgs, rules: Rules<'_>, name: &str, output: &Output) -> Ran {
    let targets = targets(args)?.into_iter().map(|(name, file)| Ok::<_, Failure>((writable(&name)?, file)));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let formats: Vec<_> = targets.iter().map(|(format, _)| *format).collect();
    let options = write_options(&args.encode, &formats)?;
    if output.is_json() && targets.iter().any(|(_, file)| file.is_none()) {
        return Err(Failure::usage(
            "--json reports what was done, and the seeds themselves go to standard output",
            "name a file with --out, or remove --json",
        ));
    }
    let mut sinks = Vec::new();
    let mut files = Vec::new();
    for (format, file) in targets {
        let target = match &file {
            Some(path) => Target::File(SecretFile::create(path, args.force).map_err(|error| unwritable(&error))?),
            None => Target::Memory(Zeroizing::default()),
        };
        sinks.extend(Sink::new(format, target));
        files.extend(file);
    }
    let converted = convert(rows, sinks, &options, rules, &|_| None).map_err(|error| unwritable(&error))?;
    conclude(&converted, name, CORRECT_FILE, output)?;
    for bytes in &converted.memory {
        let mut to = std::io::stdout();
        // Secrets that did not arrive are lost; half of one is worse.
        to.write_all(bytes).and_then(|()| to.flush()).map_err(|error| {
            let next = "see that the disk has room and that the program behind the pipe reads on, and run the same command \
                        again: what it got is not complete";
            Failure::file(format!("the seeds could not be written to standard output: {error}"), next)
        })?;
    }
    if converted.memory.is_empty() {
        let names: Vec<String> = files.iter().map(|path| describe::path(path)).collect();
        output.report(&ConvertReport { rows: converted.rows, files: names, problems: warnings(&converted, name) });
    }
    Ok(Exit::Done)
}

/// A format that can be written.
///
/// # Errors
/// A usage failure.
pub fn writable(name: &str) -> Result<&'static Format, Failure> {
    let format = format_of_name(name)?;
    if format.write.is_some() {
        return Ok(format);
    }
    Err(Failure::usage(format!("{} is only read, never written", format.name), "name another format with --to"))
}

/// `FORMAT=FILE`, each with its own file.
///
/// # Errors
/// A usage failure.
pub fn named_files(to: &[String]) -> Result<Vec<(&'static Format, PathBuf)>, Failure> {
    let file = |to: &String| match to.split_once('=') {
        Some((format, file)) if !file.is_empty() => Ok((writable(format)?, PathBuf::from(file))),
        _ => Err(Failure::usage("--to names no file", "use --to FORMAT=FILE, such as --to duo=duo.csv")),
    };
    to.iter().map(file).collect()
}

/// The formats to write, and their files; no file is standard output, for one format only.
fn targets(args: &OutputArgs) -> Result<Vec<(String, Option<PathBuf>)>, Failure> {
    let split = |to: &String| match to.split_once('=') {
        Some((format, file)) => (format.to_owned(), Some(PathBuf::from(file))),
        None => (to.clone(), None),
    };
    let mut targets: Vec<_> = args.to.iter().map(split).collect();
    if let (Some(out), [(_, file @ None)]) = (&args.out, targets.as_mut_slice()) {
        *file = Some(out.clone());
    } else if args.out.is_some() {
        return Err(Failure::usage(
            "--out goes with a single --to FORMAT",
            "name each file: --to duo=a.csv --to entra=b.csv",
        ));
    }
    let without = targets.iter().filter(|(_, file)| file.is_none()).count();
    if without > 0 && targets.len() > 1 {
        return Err(Failure::usage("several formats cannot go to standard output", "name each file: --to duo=a.csv"));
    }
    if without > 0 && std::io::stdout().is_terminal() && !args.show_secrets {
        return Err(Failure::usage(
            "standard output is a terminal, and this writes secrets",
            "name a file with --out, or use --show-secrets",
        ));
    }
    Ok(targets)
}
