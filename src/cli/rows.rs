//! The rows of a seed file, as the arguments say that it is read.

use std::path::Path;

use zeroize::Zeroizing;

use super::args::FileArgs;
use super::input::{open_secret, read_all};
use super::{describe, prompt};
use crate::job::Failure;
use crate::seedfile::{Format, Problem, PskcKeyError, PskcKeys, ReadOptions, Rows, Source, recognise};

/// The word on HOTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hotp {
    /// Nothing.
    No,
    /// The codes are those of a counter, whatever the seed comes from.
    Codes,
    /// The third field is a counter, which only Duo's files leave open.
    Field,
}

impl Hotp {
    /// The word of a flag that means the third field.
    #[must_use]
    pub fn of_field(is_given: bool) -> Self {
        if is_given { Self::Field } else { Self::No }
    }
}

/// The rows of a source, and the format that is named or that it looks like.
///
/// An encrypted PSKC file whose key nobody named is opened with a password that is asked for, where somebody can be.
///
/// # Errors
/// A [`Problem`] of the file as a whole, or a usage failure of the arguments.
pub fn rows_of(
    source: &dyn Fn() -> Result<Result<Source, Problem>, Failure>,
    args: &FileArgs,
    hotp: Hotp,
) -> Result<Result<(&'static Format, Rows), Problem>, Failure> {
    let mut options = read_options(args, hotp)?;
    let named = args.from.as_deref().map(format_of_name).transpose()?;
    let read = |source: Result<Source, Problem>, options: &ReadOptions| {
        source.and_then(|mut source| {
            let format = match named {
                Some(format) => format,
                None => recognise(&mut source, options)?,
            };
            let is_password = options.password.is_some();
            let has_no_use = [
                (options.columns.is_some() && !format.takes_columns(), "--columns"),
                (options.secret_encoding.is_some() && !format.takes_encoding(), "--secret-encoding"),
                (options.pskc.is_some() && !is_password && !format.takes_pskc_key(), "--pskc-key"),
                (is_password && !format.takes_password(), "--file-password"),
                (hotp == Hotp::Field && !format.has_hotp_flag(), "--hotp"),
            ];
            if let Some((_, flag)) = has_no_use.into_iter().find(|(has_no_use, _)| *has_no_use) {
                let what = format!("{flag} does nothing with a file of the format {}", format.name);
                return Err(Problem::of_file(what, format!("remove {flag}, or name the format with --from")));
            }
            Ok((format, (format.read)(source, options)?))
        })
    };
    let rows = read(source()?, &options);
    let is_locked = rows.as_ref().is_err_and(|problem| problem.locked);
    if !is_locked || options.pskc.is_some() || !prompt::has_person() {
        return Ok(rows);
    }
    let password = prompt::secret("Password of the file (not shown): ")?;
    options.password = Some(password.clone());
    let keys = PskcKeys::password(password)
        .map_err(|error| Failure::usage(error.to_string(), "type it, or name --pskc-key"))?;
    options.pskc = Some(keys);
    Ok(read(source()?, &options))
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

fn read_options(args: &FileArgs, hotp: Hotp) -> Result<ReadOptions, Failure> {
    Ok(ReadOptions {
        secret_encoding: args.secret_encoding.map(Into::into),
        hotp: hotp != Hotp::No,
        columns: args.columns.clone(),
        is_guessed: args.from.is_none(),
        pskc: pskc_keys(args.pskc_key.as_deref(), args.pskc_password.as_deref())?,
        password: args.pskc_password.as_deref().map(password_in).transpose()?,
    })
}

/// The password in a file, without its line end.
///
/// # Errors
/// A failure that never repeats any of the file.
fn password_in(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let next = "name the file with the password";
    let bytes = read_all(open_secret(path, next)?, "the file", 1 << 16, next)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim_end_matches(['\r', '\n']);
    Ok(Zeroizing::new(text.to_owned()))
}

/// The keys that a PSKC file is encrypted under.
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
        (None, Some(path)) => PskcKeys::password(password_in(path)?),
        (None, None) => return Ok(None),
    };
    let bad = |error: PskcKeyError| Failure::usage(error.to_string(), "name the file that came with the PSKC file");
    keys.map(Some).map_err(bad)
}
