//! Where a seed comes from: a hidden prompt, standard input, a file, a picture, the environment. Never an argument.

use std::io::Cursor;
use std::path::Path;

use zeroize::Zeroizing;

use super::args::{ChoiceArgs, FileArgs, SeedArgs};
use super::describe::plain;
use super::input::{open_secret, read_all, small_file, standard_input};
use super::output::note;
use super::{describe, picture, prompt};
use crate::job::Failure;
use crate::seed::{Seed, SeedError};
use crate::seedfile::qr::QrError;
use crate::seedfile::suspect::suspicion;
use crate::seedfile::{
    Format, MAX_WHOLE, PSKC_LOCKED, Problem, PskcKeyError, PskcKeys, ReadOptions, Row, Rows, Source, otpauth, qr,
    recognise,
};
use crate::token::{Info, KeyError, TokenKey};

/// The remedy for a text that is no seed.
const ONE_SEED: &str = "use a text that holds one seed";

/// The largest picture that is read, in bytes.
const MAX_PICTURE: u64 = 64 << 20;

/// The seed that the arguments name, before the token is known.
pub enum Given {
    /// One seed.
    One(Box<Row>),
    /// Several rows, of which the token's own serial picks one.
    OfToken(Vec<Row>),
}

impl Given {
    /// The row for a token that was read.
    ///
    /// # Errors
    /// A usage failure where no row has its serial.
    pub fn for_token(self, info: &Info) -> Result<Row, Failure> {
        match self {
            Self::One(row) => Ok(*row),
            Self::OfToken(rows) => {
                let mut own = rows.into_iter().filter(|row| row.serial.as_deref() == Some(info.serial.as_str()));
                own.next().ok_or_else(|| {
                    Failure::new(
                        "wrong-token",
                        crate::job::Exit::NotWritable,
                        format!("no row of the seed file has the serial of this token ({info})"),
                        crate::job::UNTOUCHED,
                        "name a row with --serial, --row or --user, or give the file that has this token",
                    )
                })
            }
        }
    }

    /// The row where no token is at hand.
    ///
    /// # Errors
    /// A usage failure where there are several.
    pub fn single(self) -> Result<Row, Failure> {
        match self {
            Self::One(row) => Ok(*row),
            Self::OfToken(rows) => Err(Failure::usage(
                format!("the file has {} rows where one seed is needed", rows.len()),
                "name one with --serial, --row or --user",
            )),
        }
    }
}

/// The seed that the arguments name, or none if they name none.
///
/// # Errors
/// A failure: the source cannot be read, or holds no seed or none that fits. None repeats any of the seed.
pub fn from_args(args: &SeedArgs, hotp: bool) -> Result<Option<Given>, Failure> {
    match (from_source(args, hotp)?, file_flag(&args.file)) {
        (None, Some(flag)) => Err(unused(flag, "no seed is given")),
        (given, _) => Ok(given),
    }
}

fn from_source(args: &SeedArgs, hotp: bool) -> Result<Option<Given>, Failure> {
    if args.seed_stdin {
        let input = read_all(standard_input()?, "standard input", MAX_WHOLE, ONE_SEED)?;
        return parse(&input, "standard input", args, hotp).map(Some);
    }
    if let Some(path) = &args.seed_file {
        let name = describe::path(path);
        let content = read_all(open_secret(path, "name a file that holds the seed")?, &name, MAX_WHOLE, ONE_SEED)?;
        return parse(&content, &name, args, hotp).map(Some);
    }
    if let Some(path) = &args.qr {
        check_unused(args, "--qr reads a picture")?;
        return choose(of_picture(path)?, &args.choice).map(Some);
    }
    let Some(name) = &args.seed_env else { return Ok(None) };
    // The name is not repeated: somebody may have put the seed there.
    let value = std::env::var(name).map(Zeroizing::new).map_err(|error| {
        let what = match error {
            std::env::VarError::NotPresent => "not set",
            std::env::VarError::NotUnicode(_) => "not text",
        };
        Failure::usage(
            format!("the environment variable that --seed-env names is {what}"),
            "set it to the seed, or give the seed with --seed-file or --seed-stdin",
        )
    })?;
    parse(value.as_bytes(), "the variable", args, hotp).map(Some)
}

/// The flag of a seed file's form that was given, if one was.
pub fn file_flag(args: &FileArgs) -> Option<&'static str> {
    let FileArgs { from, secret_encoding, columns, pskc_key, pskc_password } = args;
    [
        (from.is_some(), "--from"),
        (columns.is_some(), "--columns"),
        (pskc_key.is_some(), "--pskc-key"),
        (pskc_password.is_some(), "--pskc-password"),
        (secret_encoding.is_some(), "--secret-encoding"),
    ]
    .into_iter()
    .find_map(|(is_given, flag)| is_given.then_some(flag))
}

/// The failure of a flag that does nothing.
pub fn unused(flag: &str, why: &str) -> Failure {
    Failure::usage(format!("{flag} does nothing here: {why}"), format!("leave {flag} out"))
}

/// Whether no flag of a seed file's form was given where no such file is read.
///
/// # Errors
/// A usage failure that names the flag.
pub fn check_unused(args: &SeedArgs, why: &str) -> Result<(), Failure> {
    match file_flag(&args.file).or_else(|| args.choice.row.map(|_| "--row")) {
        Some(flag) => Err(unused(flag, why)),
        None => Ok(()),
    }
}

/// The seed that the arguments name, or one that is asked for at the terminal.
///
/// # Errors
/// As [`from_args`]; a usage failure where no source is named and nobody can be asked.
pub fn from_args_or_prompt(args: &SeedArgs, hotp: bool) -> Result<Given, Failure> {
    if let Some(given) = from_source(args, hotp)? {
        return Ok(given);
    }
    // How the secret is written may be said of one that is typed, too.
    if let Some(flag) = file_flag(&args.file).filter(|flag| *flag != "--secret-encoding") {
        return Err(unused(flag, "no seed file was named"));
    }
    if !prompt::has_person() {
        return Err(Failure::usage(
            "no seed was given and there is no terminal to ask at",
            "give it with --seed-file FILE, --qr IMAGE, --seed-stdin or --seed-env NAME",
        ));
    }
    parse(prompt::secret("Seed (hex, Base32 or otpauth://; not shown): ")?.as_bytes(), "the answer", args, hotp)
}

/// A short text: the bare seed, one URI, or a seed file.
fn parse(bytes: &[u8], name: &str, args: &SeedArgs, hotp: bool) -> Result<Given, Failure> {
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim_start_matches('\u{FEFF}').trim();
    let is_bare = std::str::from_utf8(bytes).is_ok()
        && file_flag(&args.file).is_none_or(|flag| flag == "--secret-encoding")
        && !text.contains(['\n', '\r', ',', ';', '\t', '<', '{'])
        && !text.starts_with("otpauth-migration:");
    if is_bare && args.choice.row.is_some() {
        return Err(unused("--row", "one seed was given, not a file of rows"));
    }
    if is_bare && otpauth::is_otpauth(text) {
        if args.file.secret_encoding.is_some() {
            return Err(unused("--secret-encoding", "an otpauth:// URI has Base32"));
        }
        return otpauth::parse(text)
            .map(one)
            .map_err(|error| Failure::usage(error.to_string(), "check the URI, or give the bare secret"));
    }
    if is_bare {
        return bare(text, args).map(one);
    }
    let rows = rows_of(&|| Ok(Source::new(Cursor::new(bytes.to_vec()))), &args.file, hotp)?;
    choose(collect(rows, name)?, &args.choice)
}

/// One row; what is odd about its secret is said.
fn one(row: Row) -> Given {
    if row.trailing_bits {
        note("the seed's last Base32 character has bits that belong to no byte; they are dropped");
    }
    Given::One(Box::new(row))
}

fn bare(text: &str, args: &SeedArgs) -> Result<Row, Failure> {
    // Whoever states how the secret is written means it as it is.
    if let Some((what, next)) = suspicion(text).filter(|_| args.file.secret_encoding.is_none()) {
        return Err(Failure::usage(format!("this is no seed, but {what}"), next));
    }
    Seed::parse(text, args.file.secret_encoding.map(Into::into)).map(Row::of_parsed).map_err(|error| {
        let next = match error {
            SeedError::Ambiguous => "say which: --secret-encoding hex or --secret-encoding base32",
            _ => "give hex digits, Base32 or an otpauth:// URI",
        };
        Failure::usage(error.to_string(), next)
    })
}

/// The rows of a source, by the format that is named or that it looks like; `hotp` is for Duo's third field.
///
/// An encrypted PSKC file whose key nobody named is opened with a password that is asked for, where somebody can be.
///
/// # Errors
/// A [`Problem`] of the file as a whole, or a usage failure of the arguments.
pub fn rows_of(
    source: &dyn Fn() -> Result<Result<Source, Problem>, Failure>,
    args: &FileArgs,
    hotp: bool,
) -> Result<Result<Rows, Problem>, Failure> {
    let mut options = read_options(args, hotp)?;
    let named = args.from.as_deref().map(format_of_name).transpose()?;
    let read = |source: Result<Source, Problem>, options: &ReadOptions| {
        source.and_then(|mut source| {
            let format = match named {
                Some(format) => format,
                None => recognise(&mut source, options)?,
            };
            let has_no_use = [
                (options.columns.is_some() && !format.takes_columns(), "--columns"),
                (options.secret_encoding.is_some() && !format.takes_encoding(), "--secret-encoding"),
                (options.pskc.is_some() && !format.takes_pskc_key(), "--pskc-key or --pskc-password"),
            ];
            if let Some((_, flag)) = has_no_use.into_iter().find(|(has_no_use, _)| *has_no_use) {
                let what = format!("{flag} does nothing with a file of the format {}", format.name);
                return Err(Problem::of_file(what, format!("leave {flag} out, or name the format with --from")));
            }
            (format.read)(source, options)
        })
    };
    let rows = read(source()?, &options);
    let is_locked = rows.as_ref().is_err_and(|problem| problem.what == PSKC_LOCKED);
    if !is_locked || options.pskc.is_some() || !prompt::has_person() {
        return Ok(rows);
    }
    let password = prompt::secret("Password of the PSKC file (not shown): ")?;
    let keys = PskcKeys::password(password)
        .map_err(|error| Failure::usage(error.to_string(), "type it, or name --pskc-key"))?;
    options.pskc = Some(keys);
    Ok(read(source()?, &options))
}

/// Whether `--hotp` says something of a file: it is for Duo's third field alone.
///
/// # Errors
/// A usage failure.
pub fn check_hotp(path: &Path, args: &FileArgs) -> Result<(), Failure> {
    let named = args.from.as_deref().map(format_of_name).transpose()?;
    let mut options = read_options(args, true)?;
    options.pskc = None;
    let format = match named {
        Some(format) => Some(format),
        // What cannot be recognised is said when it is read.
        None => Source::new(open_secret(path, "name a seed file that you may read")?)
            .ok()
            .and_then(|mut source| recognise(&mut source, &options).ok()),
    };
    match format {
        Some(format) if !format.has_hotp_flag() => Err(unused(
            "--hotp",
            &format!("only a file of the format duo leaves that open, and this is {}", format.name),
        )),
        _ => Ok(()),
    }
}

/// The format of a name on the command line.
///
/// # Errors
/// A usage failure that lists the names.
pub fn format_of_name(name: &str) -> Result<&'static Format, Failure> {
    Format::of_name(name).ok_or_else(|| {
        let names: Vec<&str> = crate::seedfile::FORMATS.iter().map(|format| format.name).collect();
        Failure::usage(format!("unknown format: {}", describe::given(name)), format!("use one of {}", names.join(", ")))
    })
}

fn read_options(args: &FileArgs, hotp: bool) -> Result<ReadOptions, Failure> {
    Ok(ReadOptions {
        secret_encoding: args.secret_encoding.map(Into::into),
        hotp,
        columns: args.columns.clone(),
        pskc: pskc_keys(args.pskc_key.as_deref(), args.pskc_password.as_deref())?,
    })
}

/// What a PSKC file is encrypted under.
///
/// # Errors
/// A failure that never repeats any of the files.
pub fn pskc_keys(key: Option<&Path>, password: Option<&Path>) -> Result<Option<PskcKeys>, Failure> {
    let content = |path: &Path| {
        read_all(
            open_secret(path, "name the file with the key or password")?,
            "the file",
            1 << 16,
            "use the file that came with the PSKC file",
        )
    };
    let keys = match (key, password) {
        (Some(path), _) => PskcKeys::pre_shared(&content(path)?),
        (None, Some(path)) => {
            let bytes = content(path)?;
            let text = std::str::from_utf8(&bytes).unwrap_or_default().trim_end_matches(['\r', '\n']);
            PskcKeys::password(Zeroizing::new(text.to_owned()))
        }
        (None, None) => return Ok(None),
    };
    let bad = |error: PskcKeyError| Failure::usage(error.to_string(), "name the file that came with the PSKC file");
    keys.map(Some).map_err(bad)
}

/// All rows, or all that is wrong with them.
fn collect(rows: Result<Rows, Problem>, name: &str) -> Result<Vec<Row>, Failure> {
    let mut good = Vec::new();
    let mut bad = Vec::new();
    match rows {
        Err(problem) => bad.push(problem),
        Ok(rows) => {
            for row in rows {
                match row {
                    Ok(row) => good.push(row),
                    Err(problem) => bad.push(problem),
                }
            }
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad_file(name, &bad, 0)) }
}

/// The failure of a file with problems, each with its place.
pub fn bad_file(name: &str, problems: &[Problem], more: u64) -> Failure {
    let count = problems.len() as u64 + more;
    let mut failure = match problems {
        [only] if more == 0 && only.place.line == 0 => {
            Failure::usage(format!("{name}: {}", only.what), only.next.clone())
        }
        _ => {
            let next = match droppable(problems).filter(|_| more == 0) {
                Some(fields) => format!("use --drop {fields} if that may go, and run the same command again"),
                None => "correct the file, and run the same command again".to_owned(),
            };
            Failure::usage(format!("{name} has {}", describe::counted(count, "problem")), next)
        }
    };
    if problems.len() > 1 || problems.iter().any(|problem| problem.place.line > 0) {
        failure.details = problems.iter().map(|problem| format!("{name}:{problem}")).collect();
    }
    if more > 0 {
        failure.details.push(format!("{name}: and {more} more"));
    }
    failure
}

/// The fields that a format cannot carry, as --drop takes them, where nothing else is wrong.
fn droppable(problems: &[Problem]) -> Option<String> {
    let mut fields: Vec<&str> = Vec::new();
    for problem in problems {
        let field = problem.droppable.filter(|field| !field.changes_codes())?.name();
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Some(fields.join(","))
}

/// The row that the arguments choose; without a choice the only one, or all of them.
///
/// # Errors
/// A usage failure where none or several fit.
pub fn choose(mut rows: Vec<Row>, choice: &ChoiceArgs) -> Result<Given, Failure> {
    let (mut fitting, what): (Vec<Row>, String) = match (&choice.serial, choice.row, &choice.user) {
        (Some(serial), ..) => {
            let what = format!("the serial {}", describe::given(serial));
            let digits = describe::without_blanks(serial);
            (rows.into_iter().filter(|row| row.serial.as_ref() == Some(&digits)).collect(), what)
        }
        (None, Some(number), _) => {
            let count = rows.len();
            let index = number.wrapping_sub(1);
            let row = if index < count { vec![rows.swap_remove(index)] } else { Vec::new() };
            (row, format!("the number {number} (it has {count} rows)"))
        }
        (None, None, Some(user)) => {
            let what = format!("the user {}", plain(user));
            // Users are the same person in whatever case.
            let meant = user.to_lowercase();
            let is_theirs = |row: &Row| row.user.as_ref().is_some_and(|user| user.to_lowercase() == meant);
            (rows.into_iter().filter(is_theirs).collect(), what)
        }
        (None, None, None) if rows.len() != 1 => return Ok(Given::OfToken(rows)),
        (None, None, None) => (rows, String::new()),
    };
    match (fitting.pop(), fitting.len()) {
        (Some(row), 0) => Ok(one(row)),
        (None, _) => {
            Err(Failure::usage(format!("no row has {what}"), "look into the file, or run tokentap seeds check"))
        }
        (Some(_), _) => Err(Failure::usage(format!("several rows have {what}"), "name one with --serial or --row")),
    }
}

/// The seeds of all QR codes in a picture.
///
/// # Errors
/// A usage failure that says what the codes are instead.
pub fn of_picture(path: &Path) -> Result<Vec<Row>, Failure> {
    let name = describe::path(path);
    let bytes =
        read_all(open_secret(path, "name a picture of the code")?, &name, MAX_PICTURE, "crop the picture to the code")?;
    let texts = picture::texts(&bytes).map_err(|error| match error {
        QrError::NotStarted(_) => Failure::file(error.to_string(), error.remedy()),
        error => Failure::usage(format!("{name}: {error}"), error.remedy()),
    })?;
    let mut rows = Vec::new();
    let mut others = Vec::new();
    for text in &texts {
        match qr::content(text) {
            qr::Content::Seeds(found) => rows.extend(found),
            qr::Content::Other(what, next) => others.push((what, next)),
        }
    }
    match (rows.is_empty(), others.first()) {
        (true, Some((what, next))) => {
            let mut failure = Failure::usage(format!("{name}: the QR code is {what}"), *next);
            if others.len() > 1 {
                failure.details = others.iter().map(|(what, next)| format!("{name}: {what} ({next})")).collect();
            }
            Err(failure)
        }
        _ => Ok(rows),
    }
}

/// The token key: the factory's, or the one in a file.
///
/// # Errors
/// A failure that never repeats any of the file.
pub fn token_key(path: Option<&Path>) -> Result<TokenKey, Failure> {
    let Some(path) = path else { return Ok(TokenKey::factory()) };
    let content = small_file(path, "name the file with the token's key")?;
    TokenKey::from_file_content(&content).map_err(|error: KeyError| {
        Failure::usage(format!("{}: {error}", describe::path(path)), "name a file with 16 raw bytes or 32 hex digits")
    })
}
