//! `tokentap seeds`: check, convert, generate, qr.

use std::cell::RefCell;
use std::io::{IsTerminal, Read, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use zeroize::Zeroizing;

use super::args::{
    EncodeArgs, FileArgs, Global, OutputArgs, SeedsCheckArgs, SeedsCommand, SeedsConvertArgs, SeedsGenerateArgs,
    SeedsQrArgs, WholeFileArgs,
};
use super::describe::{self, counted, fields};
use super::output::Output;
use super::rows::{self, Hotp, Sheet, bad_file, format_of_name};
use super::secret;
use super::understood::Understood;
use super::{Ran, burn, input, paths, plan, record};
use crate::job::{Exit, Failure};
use crate::seedfile::{
    Converted, Field, Format, Place, Problem, Row, Rows, Rules, SaveError, SecretFile, Severity, Sink, Source, Target,
    WriteOptions, check_serial, convert, entra, for_token, otpauth, qr, save_secret, usable, users,
};
use crate::token::Serial;

/// The most seeds that are generated at once.
const MAX_GENERATED: usize = 1_000_000;

pub fn run(global: &Global, command: &SeedsCommand, output: &Output) -> Ran {
    let inventory = record::path(global).ok().flatten();
    let inventory = inventory.as_deref();
    if global.dry_run {
        return Err(super::no_dry_run());
    }
    match command {
        SeedsCommand::Check(args) => check(args, output),
        SeedsCommand::Convert(args) => convert_file(args, inventory, output),
        SeedsCommand::Generate(args) => generate(args, inventory, output),
        SeedsCommand::Qr(args) => make_qr(args, inventory, output),
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
    let (merged, problems) = users::merge(good, &list, &name);
    others.extend(problems.into_iter().map(Err));
    Ok(Box::new(others.into_iter().chain(merged.into_iter().map(Ok))))
}

fn source(path: &Path) -> Result<Result<Source, Problem>, Failure> {
    Ok(Source::new(input::open_secret(path, "name a seed file that you may read")?))
}

/// The rows of a file, or the failure of the file as a whole.
pub fn rows_of(path: &Path, args: &FileArgs, hotp: bool, whole: &WholeFileArgs) -> Result<Rows, Failure> {
    read_file(path, args, hotp, whole).map(|(_, rows)| rows)
}

/// The same, and the format that they are read in.
fn read_file(
    path: &Path,
    args: &FileArgs,
    hotp: bool,
    whole: &WholeFileArgs,
) -> Result<(&'static Format, Rows), Failure> {
    let hotp = if hotp { Hotp::Field } else { Hotp::No };
    let read = rows::rows_of(&|| source(path), args, hotp)?;
    let (format, rows) = read.map_err(|problem| bad_file(&describe::path(path), &[problem], 0))?;
    Ok((format, if whole.skip_unusable { usable(rows) } else { rows }))
}

fn check(args: &SeedsCheckArgs, output: &Output) -> Ran {
    let (rows, name, format): (Rows, String, &str) = match (&args.qr, &args.input) {
        (Some(picture), _) => {
            let rows = secret::of_picture(picture)?;
            for row in rows.iter().flatten().filter(|_| !output.is_json()) {
                output.text(&named(row));
            }
            (Box::new(rows.into_iter()), describe::path(picture), "QR codes")
        }
        (None, Some(path)) => {
            let (format, rows) = read_file(path, &args.file, args.hotp, &args.whole)?;
            (rows, describe::path(path), format.name)
        }
        (None, None) => return Err(Failure::usage("no seed file was named", "name one")),
    };
    let wanted = args.for_format.as_deref().map(format_of_name).transpose()?;
    let sinks = match wanted {
        None => Vec::new(),
        Some(format) => {
            let sink = Sink::new(format, Target::Nowhere);
            vec![sink.ok_or_else(|| {
                Failure::usage(format!("{} is only read, never written", format.name), "name another format with --for")
            })?]
        }
    };
    let is_for_entra = wanted.is_some_and(|format| format.name == "entra");
    let lacks = |row: &Row| {
        let lacks = entra::lacks(row);
        let what = format!("the row has no {}, which Entra ID asks for", lacks.join(", no "));
        (!lacks.is_empty()).then(|| Problem::at(row.place, what, "add it before you upload the file").as_warning())
    };
    let understood = RefCell::new(Understood::default());
    let also = |row: &Row| {
        understood.borrow_mut().see(row);
        match args.for_token.then(|| for_token(row)).flatten() {
            None if is_for_entra => lacks(row),
            problem => problem,
        }
    };
    let rules = Rules { shares_secrets: args.whole.allow_shared_secret, ..Rules::default() };
    let converted =
        convert(rows, sinks, &WriteOptions::default(), rules, &also).map_err(|error| save_failed(&error))?;
    conclude(&converted, &name, output)?;
    let warned = warnings(&converted, &name);
    let verdict = match warned.len() as u64 {
        0 => "nothing wrong".to_owned(),
        count => counted(count, "warning"),
    };
    let understood = understood.into_inner();
    let object = fields([
        ("rows", json!(converted.rows)),
        ("problems", json!(warned)),
        ("format", json!(format)),
        ("understood", understood.json()),
    ]);
    let text = format!(
        "{name}: {}, {verdict}\nread as {format}: {}",
        counted(converted.rows, "row"),
        understood.words().join("\n  and ")
    );
    output.report(&text, object);
    Ok(Exit::Done)
}

/// A seed in a picture: whose it is, never what it is.
fn named(row: &Row) -> String {
    let text = |field: &Option<String>| field.as_deref().unwrap_or("-").escape_debug().to_string();
    format!(
        "issuer {}, account {}, {} bytes, {}, {} digits, {} s",
        text(&row.issuer),
        text(&row.account),
        row.seed.len(),
        row.effective_hash(),
        row.effective_digits(),
        row.effective_step(),
    )
}

fn warnings(converted: &Converted, name: &str) -> Vec<String> {
    converted.problems.iter().map(|problem| format!("{name}:{problem}")).collect()
}

/// Says the warnings, or fails with all that is wrong.
pub fn conclude(converted: &Converted, name: &str, output: &Output) -> Result<(), Failure> {
    if converted.has_failed() {
        return Err(bad_file(name, &converted.problems, converted.more));
    }
    for problem in converted.problems.iter().filter(|problem| problem.severity == Severity::Warning) {
        output.note(&format!("{name}:{problem}"));
    }
    Ok(())
}

fn convert_file(args: &SeedsConvertArgs, inventory: Option<&Path>, output: &Output) -> Ran {
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
    let rows = rows_of(&args.input, &args.file, args.hotp, &args.whole)?;
    let rows = match &args.users {
        None => rows,
        Some(users) => with_users(rows, users)?,
    };
    let rules = Rules { drop: &dropped, shares_secrets: args.whole.allow_shared_secret };
    write(rows, &args.output, rules, &describe::path(&args.input), output)
}

/// Whether something is lost of every field that may be: a field that all formats carry is written all the same.
///
/// # Errors
/// A usage failure that names the field.
pub fn check_drop(dropped: &[Field], formats: &[&'static Format]) -> Result<(), Failure> {
    let is_carried = |field: &&Field| formats.iter().all(|format| format.carries.contains(field));
    match dropped.iter().find(is_carried) {
        None => Ok(()),
        Some(field) => Err(Failure::usage(
            format!("--drop {} does nothing: every format that is written carries it", field.name()),
            "leave it out",
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
            "add --to pskc=FILE, or leave them out",
        ));
    }
    if args.entra_timeinterval && !has("entra") {
        return Err(Failure::usage(
            "--entra-timeinterval is for Entra ID's files",
            "add --to entra=FILE, or leave it out",
        ));
    }
    if args.pskc_suite_hmac && !has("pskc") {
        return Err(Failure::usage("--pskc-suite-hmac is for PSKC files", "add --to pskc=FILE, or leave it out"));
    }
    Ok(WriteOptions {
        pskc_suite_hmac: args.pskc_suite_hmac,
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
fn check_paths(reads: &[paths::Named<'_>], args: &OutputArgs) -> Result<(), Failure> {
    let mut reads = reads.to_vec();
    reads.push(("--to-pskc-key", args.encode.to_pskc_key.as_deref()));
    reads.push(("--to-pskc-password", args.encode.to_pskc_password.as_deref()));
    let targets = targets(args)?;
    let writes: Vec<_> = targets.iter().map(|(_, file)| ("--to", file.as_deref())).collect();
    paths::check(&reads, &writes)
}

/// Writes rows to where the arguments say, and reports it.
fn write(rows: Rows, args: &OutputArgs, rules: Rules<'_>, name: &str, output: &Output) -> Ran {
    let targets = targets(args)?.into_iter().map(|(name, file)| Ok::<_, Failure>((writable(&name)?, file)));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let formats: Vec<_> = targets.iter().map(|(format, _)| *format).collect();
    let options = write_options(&args.encode, &formats)?;
    if output.is_json() && targets.iter().any(|(_, file)| file.is_none()) {
        return Err(Failure::usage(
            "--json reports what was done, and the seeds themselves go to standard output",
            "name a file with --out, or leave --json out",
        ));
    }
    let mut sinks = Vec::new();
    let mut files = Vec::new();
    for (format, file) in targets {
        let target = match &file {
            Some(path) => Target::File(SecretFile::create(path, args.force).map_err(|error| save_failed(&error))?),
            None => Target::Memory(Zeroizing::default()),
        };
        sinks.extend(Sink::new(format, target));
        files.extend(file);
    }
    let converted = convert(rows, sinks, &options, rules, &|_| None).map_err(|error| save_failed(&error))?;
    conclude(&converted, name, output)?;
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
        let object = fields([
            ("rows", json!(converted.rows)),
            ("files", json!(names)),
            ("problems", json!(warnings(&converted, name))),
        ]);
        output.report(&format!("{} written to {}", counted(converted.rows, "row"), names.join(", ")), object);
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

/// A file that could not be written.
pub fn save_failed(error: &SaveError) -> Failure {
    let next = match error {
        SaveError::Exists(_) => "name another file, or overwrite it with --force",
        SaveError::Symlink(_) | SaveError::NotAFile(_) => {
            "name a file of its own: secrets go through no link and to no device"
        }
        SaveError::Io { .. } => "see that the folder may be written and the disk has room; nothing was changed",
    };
    Failure::file(error.to_string(), next)
}

fn generate(args: &SeedsGenerateArgs, inventory: Option<&Path>, output: &Output) -> Ran {
    let profile = super::args::ProfileArgs { hash: args.hash, step: args.step, display: None };
    let (profile, _) = plan::wish(&profile, None)?.resolve(None)?;
    check_paths(&[("--serials", args.serials.as_deref()), ("the inventory", inventory)], &args.output)?;
    let serials = serials(args)?;
    let count = match (args.count, serials.len()) {
        (Some(count), 0) => count,
        (Some(count), known) if count != known => {
            return Err(Failure::usage(
                format!("--count says {count}, there are {known} serials"),
                "leave --count out",
            ));
        }
        (_, known) => known,
    };
    if !(1..=MAX_GENERATED).contains(&count) {
        return Err(Failure::usage(
            format!("{count} seeds cannot be made at once"),
            format!("give 1 to {MAX_GENERATED}"),
        ));
    }
    let mut rows = Vec::with_capacity(count);
    for index in 0..count {
        let mut row = burn::new_seed(args.bytes, args.hash)?;
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
        Failure::usage("--serial-range is not a range of serials", "give A..B, such as 86596120001000..86596120001199")
    };
    let (first, last) = range.split_once("..").ok_or_else(bad)?;
    let number = |text: &str| text.parse::<u128>().ok().filter(|_| text.len() <= 38 && first.len() == last.len());
    let (Some(from), Some(to)) = (number(first), number(last)) else { return Err(bad()) };
    let count = to.checked_sub(from).ok_or_else(bad)?.saturating_add(1);
    if count > MAX_GENERATED as u128 {
        return Err(Failure::usage(
            format!("--serial-range has {count} serials"),
            format!("give {MAX_GENERATED} at most"),
        ));
    }
    // Leading zeros belong to a serial.
    Ok((from..=to).map(|serial| format!("{serial:0width$}", width = first.len())).collect())
}

fn make_qr(args: &SeedsQrArgs, inventory: Option<&Path>, output: &Output) -> Ran {
    paths::check(
        &[("the seed file", args.input.as_deref()), ("the inventory", inventory)],
        &[("the picture", args.png.as_deref()), ("the picture", args.svg.as_deref())],
    )?;
    let row = match &args.input {
        Some(path) => {
            let rows = rows_of(path, &args.file, false, &WholeFileArgs::default())?;
            let sheet = Sheet::read(Ok(rows), &describe::path(path))?;
            secret::choose(sheet, &args.choice)?.single()?
        }
        None => {
            let mut text = Zeroizing::new(String::new());
            let read = input::standard_input()?.take(1 << 16).read_to_string(&mut text);
            read.map_err(|error| {
                Failure::file(format!("standard input cannot be read: {error}"), "give an otpauth:// URI")
            })?;
            otpauth::parse(&text).map_err(|error| Failure::usage(error.to_string(), "give an otpauth:// URI"))?
        }
    };
    // Authenticators show an account; a token's row may have a user or a serial only.
    let mut named = row;
    named.account = named.account.take().or_else(|| named.user.clone()).or_else(|| named.serial.clone());
    let uri = otpauth::uri(&named);
    let too_long = |error: qr::QrError| Failure::usage(error.to_string(), "a shorter issuer or account helps");
    let (path, content) = match (&args.png, &args.svg) {
        (Some(path), _) => (path, qr::png(&uri).map_err(too_long)?),
        (None, Some(path)) => (path, Zeroizing::new(qr::svg(&uri).map_err(too_long)?.as_bytes().to_vec())),
        (None, None) => {
            if output.is_json() {
                return Err(Failure::usage("--json has no picture of the code", "use --png FILE or --svg FILE"));
            }
            if std::io::stdout().is_terminal() && !args.show_secrets {
                return Err(Failure::usage(
                    "the code is the secret, and this is a terminal",
                    "use --show-secrets, --png FILE or --svg FILE",
                ));
            }
            output.text(&qr::for_terminal(&uri).map_err(too_long)?);
            return Ok(Exit::Done);
        }
    };
    save_secret(path, &content, args.force).map_err(|error| save_failed(&error))?;
    let object = fields([("files", json!([describe::path(path)]))]);
    output.report(&format!("written to {}", describe::path(path)), object);
    Ok(Exit::Done)
}
