//! Where a seed comes from: a hidden prompt, standard input, a file, a picture, the environment. Never an argument.

use std::io::Cursor;
use std::path::Path;

use zeroize::Zeroizing;

use super::args::{ChoiceArgs, SeedArgs};
use super::describe::plain;
use super::input::{open_secret, read_all, small_file, standard_input};
use super::output::note;
use super::rows::{Hotp, rows_of};
use super::unused::{file_flag, unused};
use super::{describe, prompt};
use crate::device::Key;
use crate::device::molto2::{customer_key as molto2_key, customer_key_of_file};
use crate::device::token2::{KeyError, TokenKey};
use crate::job::{Failure, Notice, SeedChoice, Sheet, bad_file};
use crate::report::{notice, remedy_of_file, row_problem};
use crate::seed::{Seed, SeedError};
use crate::seedfile::migration::{self, Parts};
use crate::seedfile::picture_process as picture;
use crate::seedfile::qr::QrError;
use crate::seedfile::suspect::suspicion;
use crate::seedfile::{MAX_WHOLE, Problem, Row, Rows, Source, is_blank_table, otpauth, qr};

/// The remedy for a text that is no seed.
const ONE_SEED: &str = "use a text that holds one seed";

/// The largest picture that is read, in bytes.
const MAX_PICTURE: u64 = 64 << 20;

/// Says that other rows of the file cannot be read.
pub fn note_unread(choice: &SeedChoice, unread: usize) {
    if let SeedChoice::OfToken(sheet) = choice
        && unread > 0
    {
        note(&notice(&Notice::OtherRowsUnread(sheet.name.clone(), unread)));
    }
}

/// The seed that the arguments name, or none if they name none.
///
/// # Errors
/// A failure: the source cannot be read, or holds no seed or none that fits. None repeats any of the seed.
pub fn from_args(args: &SeedArgs, hotp: bool) -> Result<Option<SeedChoice>, Failure> {
    match (from_source(args, hotp)?, file_flag(&args.file)) {
        (None, Some(flag)) => Err(unused(flag, "no seed is named")),
        (given, _) => Ok(given),
    }
}

fn from_source(args: &SeedArgs, hotp: bool) -> Result<Option<SeedChoice>, Failure> {
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
        if let Some(flag) = file_flag(&args.file) {
            return Err(unused(flag, "--qr reads a picture"));
        }
        let rows: Rows = Box::new(of_picture(path)?.into_iter());
        return choose(read_sheet(Ok(rows), &describe::path(path))?, &args.choice).map(Some);
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
            "set it to the seed, or use --seed-file or --seed-stdin",
        )
    })?;
    parse(value.as_bytes(), "the variable", args, hotp).map(Some)
}

/// The seed that the arguments name, or one that is asked for at the terminal.
///
/// # Errors
/// As [`from_args`]; a usage failure where no source is named and nobody can be asked.
pub fn from_args_or_prompt(args: &SeedArgs, hotp: bool) -> Result<SeedChoice, Failure> {
    if let Some(given) = from_source(args, hotp)? {
        return Ok(given);
    }
    // How the secret is written may be said of one that is typed, too.
    if let Some(flag) = file_flag(&args.file).filter(|flag| *flag != "--secret-encoding") {
        return Err(unused(flag, "no seed file was named"));
    }
    if !prompt::has_person() {
        return Err(Failure::usage(
            "no seed was named, and there is no terminal to ask at",
            "use --seed-file FILE, --qr IMAGE, --seed-stdin or --seed-env NAME",
        ));
    }
    parse(prompt::secret("Seed (hex, Base32 or otpauth://; not shown): ")?.as_bytes(), "the answer", args, hotp)
}

/// A short text: the bare seed, one URI, or a seed file.
fn parse(bytes: &[u8], name: &str, args: &SeedArgs, hotp: bool) -> Result<SeedChoice, Failure> {
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim_start_matches('\u{FEFF}').trim();
    let is_bare = std::str::from_utf8(bytes).is_ok()
        && file_flag(&args.file).is_none_or(|flag| flag == "--secret-encoding")
        && !text.contains(['\n', '\r', ',', ';', '\t', '<', '{'])
        && !text.starts_with("otpauth-migration:")
        // A serial and its seed, parted by blanks, are a row.
        && !is_blank_table(text);
    if is_bare && args.choice.row.is_some() {
        return Err(unused("--row", "one seed was named, not a file of rows"));
    }
    if is_bare && otpauth::is_otpauth(text) {
        if args.file.secret_encoding.is_some() {
            return Err(unused("--secret-encoding", "an otpauth:// URI has Base32"));
        }
        return otpauth::parse(text)
            .map(one)
            .map_err(|error| Failure::usage(error.to_string(), "check the URI, or use the bare secret"));
    }
    if is_bare {
        return bare(text, args).map(one);
    }
    let hotp = if hotp { Hotp::Codes } else { Hotp::No };
    let rows = rows_of(&|| Ok(Source::new(Cursor::new(bytes.to_vec()))), &args.file, hotp)?;
    choose(read_sheet(rows.map(|(_, rows)| rows), name)?, &args.choice)
}

/// One row; what is odd about its secret is said.
fn one(row: Row) -> SeedChoice {
    if row.trailing_bits {
        note("the seed's last Base32 character has bits that belong to no byte; they are dropped");
    }
    SeedChoice::One(Box::new(row))
}

fn bare(text: &str, args: &SeedArgs) -> Result<Row, Failure> {
    // Whoever states how the secret is written means it as it is.
    if let Some((what, next)) = suspicion(text).filter(|_| args.file.secret_encoding.is_none()) {
        return Err(Failure::usage(format!("this is not a seed, but {what}"), next));
    }
    Seed::parse(text, args.file.secret_encoding.map(Into::into)).map(Row::of_parsed).map_err(|error| {
        let next = match error {
            SeedError::Ambiguous => "use --secret-encoding hex or --secret-encoding base32",
            _ => "use hex digits, Base32 or an otpauth:// URI",
        };
        Failure::usage(error.to_string(), next)
    })
}

/// The rows of a file; what is odd about it is said.
pub fn read_sheet(rows: Result<Rows, Problem>, name: &str) -> Result<Sheet, Failure> {
    Sheet::read(rows, name, &mut |problem| note(&format!("{name}:{}", row_problem(problem))))
}

/// The row that the arguments choose; without a choice the only one, or all of them.
///
/// # Errors
/// A usage failure where none or several fit.
pub fn choose(sheet: Sheet, choice: &ChoiceArgs) -> Result<SeedChoice, Failure> {
    let several =
        |what: &str| Failure::usage(format!("several rows have {what}"), "name one with --row, or with --user");
    let none = |what: &str| {
        Failure::usage(format!("no row has {what}"), "look into the file, or run tokentap seeds check FILE")
    };
    let row = match (&choice.serial, choice.row, &choice.user) {
        (Some(serial), ..) => {
            let what = format!("the serial {}", describe::given(serial));
            let digits = describe::without_blanks(serial);
            sheet.choose(|_, row| row.serial.as_ref() == Some(&digits), || none(&what), || several(&what))
        }
        (None, Some(wanted), _) => {
            let count = sheet.rows.len() + sheet.broken.len();
            if let Some((_, problem)) = sheet.broken.iter().find(|(number, _)| *number == wanted) {
                return Err(bad_file(&sheet.name, std::slice::from_ref(problem), 0));
            }
            let what = format!("the number {wanted} (it has {count} rows)");
            let nothing = || Failure::usage(format!("no row has {what}"), "count without the header");
            let is_there = sheet.rows.iter().any(|(number, _)| *number == wanted);
            if !is_there {
                return Err(nothing());
            }
            sheet.choose(|number, _| number == wanted, nothing, || several(&what))
        }
        (None, None, Some(user)) => {
            let what = format!("the user {}", plain(user));
            // Users are the same person in whatever case.
            let meant = user.to_lowercase();
            // An authenticator's account is its user.
            let is_theirs = |_: usize, row: &Row| {
                [&row.user, &row.account].into_iter().flatten().any(|user| user.to_lowercase() == meant)
            };
            sheet.choose(is_theirs, || none(&what), || several(&what))
        }
        (None, None, None) if sheet.rows.is_empty() => {
            sheet.check()?;
            Err(Failure::usage(format!("{} has no rows", sheet.name), "is this the right file?"))
        }
        (None, None, None) if sheet.rows.len() == 1 && sheet.broken.is_empty() => {
            return SeedChoice::OfToken(sheet).single().map(one);
        }
        (None, None, None) => {
            // Without serials nothing tells which row is meant, so all of them must be right.
            if sheet.is_without_serials() {
                sheet.check()?;
            }
            return Ok(SeedChoice::OfToken(sheet));
        }
    };
    let (row, unread) = row?;
    note_unread(&SeedChoice::OfToken(sheet), unread);
    Ok(one(row))
}

/// The seeds of all QR codes in a picture.
///
/// # Errors
/// A usage failure that says what the codes are instead.
pub fn of_picture(path: &Path) -> Result<Vec<Result<Row, Problem>>, Failure> {
    let name = describe::path(path);
    let bytes =
        read_all(open_secret(path, "name a picture of the code")?, &name, MAX_PICTURE, "crop the picture to the code")?;
    let texts = picture::texts(&bytes).map_err(|error| match error {
        QrError::NotStarted(_) => Failure::file(error.to_string(), error.remedy()),
        error => Failure::usage(format!("{name}: {error}"), error.remedy()),
    })?;
    let mut rows = Vec::new();
    let mut others = Vec::new();
    let mut parts = Parts::default();
    for text in &texts {
        match qr::content(text) {
            qr::Content::Seed(row) => rows.push(Ok(*row)),
            qr::Content::Export(export) => {
                parts.see(&export);
                rows.extend(export.accounts);
            }
            qr::Content::Other(what, next) => others.push((what, next)),
        }
    }
    match (rows.is_empty(), others.first()) {
        (true, Some((what, next))) => {
            let mut failure = Failure::usage(format!("{name}: the QR code is {what}"), next.clone());
            if others.len() > 1 {
                failure.details =
                    others.iter().map(|(what, next)| format!("{name}: {what} ({})", remedy_of_file(next))).collect();
            }
            Err(failure)
        }
        _ => {
            rows.extend(parts.missing().map(|what| Err(migration::missing(what))));
            Ok(rows)
        }
    }
}

/// A customer key of a Molto2.
pub struct CustomerKey {
    /// What the device has of it.
    pub key: Key,
    /// What its owner has of it.
    pub text: Zeroizing<Vec<u8>>,
}

/// The key that a file of the arguments holds; the factory's where none is named.
///
/// # Errors
/// As [`customer_key`].
pub fn stated_customer_key(path: Option<&Path>) -> Result<Key, Failure> {
    path.map_or(Ok(Key::Factory), |path| customer_key(path).map(|stated| stated.key))
}

/// A customer key of a Molto2: the text of a file, that of the vendor's configuration, or what a person types.
///
/// # Errors
/// A failure that never repeats any of it.
pub fn customer_key(path: &Path) -> Result<CustomerKey, Failure> {
    let content = match path == Path::new("-") {
        true => Zeroizing::new(
            prompt::secret("The customer key that the device has now (not shown): ")?.as_bytes().to_vec(),
        ),
        false => Zeroizing::new(small_file(path, "name the file with the customer key")?.to_vec()),
    };
    of_customer(&content, path)
}

/// A customer key that is to be: one that is typed is typed twice, because a slip would lock its owner out.
///
/// # Errors
/// As [`customer_key`]; a usage failure where the two are not the same.
pub fn new_customer_key(path: &Path) -> Result<CustomerKey, Failure> {
    if path != Path::new("-") {
        return customer_key(path);
    }
    let first = prompt::secret("New customer key (not shown): ")?;
    let again = prompt::secret("The new customer key once more: ")?;
    if *first != *again {
        return Err(Failure::usage("the two new keys are not the same", "run the same command again"));
    }
    of_customer(first.as_bytes(), path)
}

fn of_customer(content: &[u8], path: &Path) -> Result<CustomerKey, Failure> {
    customer_key_of_file(content).map(|text| CustomerKey { key: molto2_key(&text), text }).map_err(|error| {
        Failure::usage(
            format!("{}: {error}", describe::path(path)),
            "name a text file with the customer key, or the vendor's Molto2Cfg.ini",
        )
    })
}

/// The token key: the factory's, or the one in a file.
///
/// # Errors
/// A failure that never repeats any of the file.
pub fn token_key(path: Option<&Path>) -> Result<Key, Failure> {
    let Some(path) = path else { return Ok(Key::default()) };
    let content = small_file(path, "name the file with the token's key")?;
    TokenKey::from_file_content(&content).map(Key::from).map_err(|error: KeyError| {
        Failure::usage(format!("{}: {error}", describe::path(path)), "name a file with 16 raw bytes or 32 hex digits")
    })
}
