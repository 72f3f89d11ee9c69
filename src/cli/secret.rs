//! Where a seed comes from: a hidden prompt, standard input, a file, the environment. Never an argument.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::args::SeedArgs;
use super::prompt;
use crate::job::Failure;
use crate::seed::{Seed, SeedError};
use crate::seedfile::{Row, csv, otpauth};
use crate::token::{KeyError, TokenKey};

/// The longest text that a single seed is looked for in, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// The seed that the arguments name, or none if they name none.
///
/// # Errors
/// A failure: the source cannot be read, or holds no seed or several. None repeats any of the seed.
pub fn from_args(args: &SeedArgs) -> Result<Option<Row>, Failure> {
    let text = if args.seed_stdin {
        read(std::io::stdin(), "standard input")?
    } else if let Some(path) = &args.seed_file {
        let file = File::open(path).map_err(|error| {
            Failure::file(format!("{} cannot be read: {error}", path.display()), "name a file that holds the seed")
        })?;
        read(file, &path.display().to_string())?
    } else if let Some(name) = &args.seed_env {
        match std::env::var(name) {
            Ok(value) => Zeroizing::new(value),
            Err(_) => {
                let fact = format!("the environment variable {} is not set", name.escape_debug());
                return Err(Failure::usage(
                    fact,
                    "set it to the seed, or give the seed with --seed-file or --seed-stdin",
                ));
            }
        }
    } else {
        return Ok(None);
    };
    parse(&text, args).map(Some)
}

/// The seed that the arguments name, or one that is asked for at the terminal.
///
/// # Errors
/// As [`from_args`]; a usage failure where no source is named and nobody can be asked.
pub fn from_args_or_prompt(args: &SeedArgs) -> Result<Row, Failure> {
    if let Some(row) = from_args(args)? {
        return Ok(row);
    }
    if !prompt::has_person() {
        return Err(Failure::usage(
            "no seed was given and there is no terminal to ask at",
            "give it with --seed-file FILE, --seed-stdin or --seed-env NAME",
        ));
    }
    parse(&prompt::secret("Seed (hex, Base32 or otpauth://; not shown): ")?, args)
}

fn read(from: impl Read, name: &str) -> Result<Zeroizing<String>, Failure> {
    // Reserved in full, so that no shorter copy of a seed is left behind by growth.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    let failed = |what: String| Failure::file(format!("{name} {what}"), "give a text that holds one seed");
    from.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(|error| failed(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(failed("is too large for a single seed".to_owned()));
    }
    std::str::from_utf8(&bytes)
        .map(|text| Zeroizing::new(text.to_owned()))
        .map_err(|_| failed("is not text (UTF-8)".to_owned()))
}

fn parse(text: &str, args: &SeedArgs) -> Result<Row, Failure> {
    let text = text.trim_start_matches('\u{FEFF}').trim();
    if otpauth::is_otpauth(text) {
        return otpauth::parse(text)
            .map_err(|error| Failure::usage(error.to_string(), "check the URI, or give the bare secret"));
    }
    if csv::has_header(text) {
        return single(csv::read(text).map_err(|error| Failure::usage(error.to_string(), "correct that line"))?);
    }
    match Seed::parse(text, args.secret_encoding.map(Into::into)) {
        Ok(parsed) => Ok(Row::of_seed(parsed.seed)),
        Err(error) => {
            let next = match error {
                SeedError::Ambiguous => "say which: --secret-encoding hex or --secret-encoding base32",
                _ => "give hex digits, Base32 or an otpauth:// URI",
            };
            Err(Failure::usage(error.to_string(), next))
        }
    }
}

fn single(rows: Vec<Row>) -> Result<Row, Failure> {
    let count = rows.len();
    match <[Row; 1]>::try_from(rows) {
        Ok([row]) => Ok(row),
        Err(_) => {
            Err(Failure::usage(format!("the file has {count} rows where one seed is needed"), "keep one row in it"))
        }
    }
}

/// The token key: the factory's, or the one in a file.
///
/// # Errors
/// A failure that never repeats any of the file.
pub fn token_key(path: Option<&Path>) -> Result<TokenKey, Failure> {
    let Some(path) = path else { return Ok(TokenKey::factory()) };
    let content = std::fs::read(path).map(Zeroizing::new).map_err(|error| {
        Failure::file(format!("{} cannot be read: {error}", path.display()), "name the file with the token's key")
    })?;
    TokenKey::from_file_content(&content).map_err(|error: KeyError| {
        Failure::usage(format!("{}: {error}", path.display()), "name a file with 16 raw bytes or 32 hex digits")
    })
}
