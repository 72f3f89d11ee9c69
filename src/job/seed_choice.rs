//! The seed that a request names: one, or the rows of a file, of which the token's own serial picks one.

use super::failure::Failure;
use super::problem::{Mistaken, Problem};
use super::remedy::TokenRemedy;
use super::state::TokenState;
use crate::device::Info;
use crate::seedfile::{self, Field, FileRemedy, Row, Severity};
use crate::words::counted;

/// The seed that a request names, before the token is known.
#[derive(Debug, Clone)]
pub enum SeedChoice {
    /// One seed.
    One(Box<Row>),
    /// Several rows.
    OfToken(Sheet),
}

impl SeedChoice {
    /// The row for a token that was read, and how many rows of its file could not be read.
    ///
    /// # Errors
    /// [`Mistaken::NoRow`]; a usage failure where several rows have its serial.
    pub fn for_token(&self, info: &Info) -> Result<(Row, usize), Failure> {
        match self {
            Self::One(row) => Ok(((**row).clone(), 0)),
            Self::OfToken(sheet) => sheet.choose(
                |_, row| row.serial.as_deref() == Some(info.serial.as_str()) && fits_slot(row, info),
                || {
                    let problem = Problem::WrongToken(Mistaken::NoRow(info.clone()));
                    let remedy =
                        if sheet.is_without_serials() { TokenRemedy::ChooseRow } else { TokenRemedy::UseItsFile };
                    Failure::new(problem, TokenState::Untouched, remedy)
                },
                || {
                    let fact = format!("several rows have the serial of this token ({info})");
                    Failure::usage(fact, TokenRemedy::ChooseRow)
                },
            ),
        }
    }

    /// The row where no token is at hand.
    ///
    /// # Errors
    /// A usage failure where there are several, or the file is broken.
    pub fn single(&self) -> Result<Row, Failure> {
        match self {
            Self::One(row) => Ok((**row).clone()),
            Self::OfToken(sheet) => {
                sheet.check()?;
                let count = sheet.rows.len();
                let which = || {
                    Failure::usage(
                        format!("the file has {count} rows where one seed is needed"),
                        TokenRemedy::ChooseRow,
                    )
                };
                sheet.choose(|_, _| true, which, which).map(|(row, _)| row)
            }
        }
    }

    /// The one seed, if it is one.
    #[must_use]
    pub fn one(&self) -> Option<&Row> {
        match self {
            Self::One(row) => Some(row),
            Self::OfToken(_) => None,
        }
    }
}

/// Whether a row is for the slot that is worked with, where it says one.
fn fits_slot(row: &Row, info: &Info) -> bool {
    info.can.slots == 1 || row.slot.is_none_or(|slot| slot == info.slot_number())
}

/// The rows of a file of which one is meant: the others need not be right.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// The file.
    pub name: String,
    /// The rows that are right, each with its number, counted from 1 without the header.
    pub rows: Vec<(usize, Row)>,
    /// The rows that are not, with their numbers.
    pub broken: Vec<(usize, seedfile::Problem)>,
}

impl Sheet {
    /// One row.
    #[must_use]
    pub fn of(row: Row) -> Self {
        Self { rows: vec![(1, row)], ..Self::default() }
    }

    /// Reads all rows; `warn` is told what is odd about the file.
    ///
    /// # Errors
    /// A failure of the file as a whole.
    pub fn read(
        rows: Result<seedfile::Rows, seedfile::Problem>,
        name: &str,
        warn: &mut dyn FnMut(&seedfile::Problem),
    ) -> Result<Self, Failure> {
        let rows = rows.map_err(|problem| bad_file(name, &[problem], 0))?;
        let mut sheet = Self { name: name.to_owned(), ..Self::default() };
        let mut number = 0;
        for row in rows {
            match row {
                Err(problem) if problem.severity == Severity::Warning => warn(&problem),
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
    #[must_use]
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
        let problems: Vec<seedfile::Problem> = self.broken.iter().map(|(_, problem)| problem.clone()).collect();
        Err(bad_file(&self.name, &problems, 0))
    }

    /// The one row that fits, and how many others are broken. Where none fits, it may be one of the broken ones.
    ///
    /// # Errors
    /// `none` or `several`; what is wrong with the file, where rows are broken and none fits.
    pub fn choose(
        &self,
        fits: impl Fn(usize, &Row) -> bool,
        none: impl FnOnce() -> Failure,
        several: impl FnOnce() -> Failure,
    ) -> Result<(Row, usize), Failure> {
        let mut fitting = self.rows.iter().filter(|(number, row)| fits(*number, row)).map(|(_, row)| row);
        match (fitting.next(), fitting.next()) {
            (Some(row), None) => Ok((row.clone(), self.broken.len())),
            (Some(_), Some(_)) => Err(several()),
            (None, _) => {
                self.check()?;
                Err(none())
            }
        }
    }
}

/// The remedy for a file whose problems have none in common.
pub const CORRECT_FILE: &str = "correct the file, and run the same command again";

/// The failure of a file with problems, each with its place.
#[must_use]
pub fn bad_file(name: &str, problems: &[seedfile::Problem], more: u64) -> Failure {
    bad_rows(name, problems, more, CORRECT_FILE.into())
}

/// The failure of rows with problems; `otherwise` is the remedy where theirs have none in common.
#[must_use]
pub fn bad_rows(name: &str, problems: &[seedfile::Problem], more: u64, otherwise: FileRemedy) -> Failure {
    let is_error = |problem: &&seedfile::Problem| problem.severity == Severity::Error;
    let count = problems.iter().filter(is_error).count() as u64 + more;
    let warnings = (problems.len() - problems.iter().filter(is_error).count()) as u64;
    let mut failure = match problems {
        [only] if more == 0 && only.place.line == 0 => {
            Failure::usage(format!("{name}: {}", only.what), only.remedy.clone())
        }
        _ => {
            let is_unusable = |problem: &seedfile::Problem| problem.unusable || problem.severity == Severity::Warning;
            let remedy = match droppable(problems).filter(|_| more == 0) {
                None if problems.iter().all(is_unusable) => FileRemedy::SkipUnusable,
                Some(fields) => FileRemedy::Drop(fields),
                None => same_remedy(problems).unwrap_or(otherwise),
            };
            let warned = match warnings {
                0 => String::new(),
                count => format!(" and {}", counted(count, "warning")),
            };
            Failure::usage(format!("{name} has {}{warned}", counted(count, "problem")), remedy)
        }
    };
    if problems.len() > 1 || problems.iter().any(|problem| problem.place.line > 0) {
        failure.rows = problems.iter().map(|problem| (name.to_owned(), problem.clone())).collect();
    }
    if more > 0 {
        failure.details.push(format!("{name}: and {more} more"));
    }
    failure
}

/// The option that helps with all problems, where it is the same for all.
fn same_remedy(problems: &[seedfile::Problem]) -> Option<FileRemedy> {
    let mut errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let first = &errors.next()?.remedy;
    let is_same = first.is_option() && errors.all(|problem| problem.remedy == *first);
    is_same.then(|| first.clone())
}

/// The fields that a format cannot carry and that may be lost, where nothing else is wrong.
fn droppable(problems: &[seedfile::Problem]) -> Option<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    for problem in problems.iter().filter(|problem| problem.severity == Severity::Error) {
        let field = problem.droppable.filter(|field| !field.changes_codes())?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Some(fields)
}
