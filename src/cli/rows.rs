//! The rows of a seed file, as the arguments say that it is read.

use std::path::Path;

use zeroize::Zeroizing;

use super::args::FileArgs;
use super::input::{open_secret, read_all};
use super::output::note;
use super::{describe, prompt};
use crate::job::Failure;
use crate::report::row_problem;
use crate::seedfile::{
    Field, FileRemedy, Format, Problem, PskcKeyError, PskcKeys, ReadOptions, Row, Rows, Severity, Source, recognise,
};

/// What is said of HOTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hotp {
    /// Nothing.
    No,
    /// The codes are those of a counter, whatever the seed comes from.
    Codes,
    /// The third field is a counter, which only Duo's files leave open.
    Field,
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
                return Err(Problem::of_file(what, format!("leave {flag} out, or name the format with --from")));
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
        (None, Some(path)) => PskcKeys::password(password_in(path)?),
        (None, None) => return Ok(None),
    };
    let bad = |error: PskcKeyError| Failure::usage(error.to_string(), "name the file that came with the PSKC file");
    keys.map(Some).map_err(bad)
}

/// The rows of a file of which one is meant: the others need not be right.
#[derive(Default)]
pub struct Sheet {
    /// The file.
    pub name: String,
    /// The rows that are right, each with its number, counted from 1 without the header.
    pub rows: Vec<(usize, Row)>,
    /// The rows that are not, with their numbers.
    pub broken: Vec<(usize, Problem)>,
}

impl Sheet {
    /// One row.
    pub fn of(row: Row) -> Self {
        Self { rows: vec![(1, row)], ..Self::default() }
    }

    /// Reads all rows; what is odd about the file is noted.
    ///
    /// # Errors
    /// A failure of the file as a whole.
    pub fn read(rows: Result<Rows, Problem>, name: &str) -> Result<Self, Failure> {
        let rows = rows.map_err(|problem| bad_file(name, &[problem], 0))?;
        let mut sheet = Self { name: name.to_owned(), ..Self::default() };
        let mut number = 0;
        for row in rows {
            match row {
                Err(problem) if problem.severity == Severity::Warning => {
                    note(&format!("{name}:{}", row_problem(&problem)))
                }
                row => {
                    number += 1;
                    match row {
                        Ok(row) => sheet.rows.push((number, row)),
                        Err(problem) => sheet.broken.push((number, problem)),
                    }
                }
            }
        }
        Ok(sheet)
    }

    /// Whether no row says which token it is for.
    pub fn is_without_serials(&self) -> bool {
        self.rows.iter().all(|(_, row)| row.serial.is_none())
    }

    /// All that is wrong with the file.
    ///
    /// # Errors
    /// A failure that names each problem with its place, if there is any.
    pub fn check(&self) -> Result<(), Failure> {
        if self.broken.is_empty() {
            return Ok(());
        }
        let problems: Vec<Problem> = self.broken.iter().map(|(_, problem)| problem.clone()).collect();
        Err(bad_file(&self.name, &problems, 0))
    }

    /// The one row that fits. Where none does, it may be one of the broken ones.
    ///
    /// # Errors
    /// `none` or `several`; what is wrong with the file, where rows are broken and none fits.
    pub fn choose(
        self,
        fits: impl Fn(usize, &Row) -> bool,
        none: impl FnOnce() -> Failure,
        several: impl FnOnce() -> Failure,
    ) -> Result<Row, Failure> {
        let is_any_right = self.rows.iter().any(|(number, row)| fits(*number, row));
        if !is_any_right {
            self.check()?;
        }
        let mut fitting: Vec<Row> =
            self.rows.into_iter().filter(|(number, row)| fits(*number, row)).map(|(_, row)| row).collect();
        match (fitting.pop(), fitting.len()) {
            (Some(row), 0) => {
                if !self.broken.is_empty() {
                    let others = describe::counted(self.broken.len() as u64, "other row");
                    note(&format!("{others} of {} cannot be read: tokentap seeds check {0} says why", self.name));
                }
                Ok(row)
            }
            (None, _) => Err(none()),
            (Some(_), _) => Err(several()),
        }
    }
}

/// The failure of a file with problems, each with its place.
pub fn bad_file(name: &str, problems: &[Problem], more: u64) -> Failure {
    let count = problems.iter().filter(|problem| problem.severity == Severity::Error).count() as u64 + more;
    let warnings = problems.iter().filter(|problem| problem.severity == Severity::Warning).count() as u64;
    let mut failure = match problems {
        [only] if more == 0 && only.place.line == 0 => {
            Failure::usage(format!("{name}: {}", only.what), only.remedy.clone())
        }
        _ => {
            let is_unusable = |problem: &Problem| problem.unusable || problem.severity == Severity::Warning;
            let next = match droppable(problems).filter(|_| more == 0) {
                None if problems.iter().all(is_unusable) => FileRemedy::SkipUnusable,
                Some(fields) => FileRemedy::Drop(fields),
                None => {
                    same_remedy(problems).unwrap_or_else(|| "correct the file, and run the same command again".into())
                }
            };
            let warned = match warnings {
                0 => String::new(),
                count => format!(" and {}", describe::counted(count, "warning")),
            };
            Failure::usage(format!("{name} has {}{warned}", describe::counted(count, "problem")), next)
        }
    };
    if problems.len() > 1 || problems.iter().any(|problem| problem.place.line > 0) {
        failure.details = problems.iter().map(|problem| format!("{name}:{}", row_problem(problem))).collect();
    }
    if more > 0 {
        failure.details.push(format!("{name}: and {more} more"));
    }
    failure
}

/// The option that helps with all problems, where it is the same for all.
fn same_remedy(problems: &[Problem]) -> Option<FileRemedy> {
    let mut errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let first = &errors.next()?.remedy;
    let is_same = first.is_option() && errors.all(|problem| problem.remedy == *first);
    is_same.then(|| first.clone())
}

/// The fields that a format cannot carry, as --drop takes them, where nothing else is wrong.
fn droppable(problems: &[Problem]) -> Option<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    for problem in problems.iter().filter(|problem| problem.severity == Severity::Error) {
        let field = problem.droppable.filter(|field| !field.changes_codes())?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Some(fields)
}
