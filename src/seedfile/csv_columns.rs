//! The columns of a table's fields, and the treatment of unknown ones.

use super::column::{Column, Meaning, is_plain_word, looks_like_a_code_setting, meaning_of};
use super::problem::Problem;
use super::remedy::FileRemedy;
use super::shown::shown;
use super::table::Fields;
use crate::device::families::model_of;
use crate::seed::SecretEncoding;

/// The columns, in the order in which they are written.
pub const HEADER: [&str; 12] = [
    "serial",
    "secret",
    "type",
    "hash",
    "step",
    "counter",
    "digits",
    "upn",
    "manufacturer",
    "model",
    "issuer",
    "account",
];

/// The columns of a record's fields.
pub(super) struct Columns {
    pub at: Vec<(Column, usize)>,
    /// How the secret is written, where its column says so.
    pub encoding: Option<SecretEncoding>,
    /// Columns that nobody knows.
    pub unknown: Vec<(usize, String)>,
}

impl Columns {
    /// The columns that words name; `is_typed`: by the user, who leaves one out with "-".
    pub fn of_words<'a>(words: impl Iterator<Item = &'a str>, line: u64, is_typed: bool) -> Result<Self, Problem> {
        let mut columns = Self { at: Vec::new(), encoding: None, unknown: Vec::new() };
        let header: Vec<String> = words.map(str::to_owned).collect();
        for (index, word) in header.iter().map(String::as_str).enumerate() {
            let problem = |what: String, remedy: FileRemedy| Err(Problem::new(line, index as u64 + 1, what, remedy));
            if is_typed && word == "-" {
                continue;
            }
            // Whatever stands below no heading is looked at as under an unknown one.
            if word.is_empty() && !is_typed {
                columns.unknown.push((index, String::new()));
                continue;
            }
            let column = match meaning_of(word) {
                Meaning::Is(column) => column,
                Meaning::SecretIn(encoding) => {
                    columns.encoding = Some(encoding);
                    Column::Secret
                }
                Meaning::OtherUnit(_) => {
                    let what = format!("the column \"{}\" is in a unit that is not read", shown(word));
                    return problem(what, "use seconds, and secrets in hex or Base32".into());
                }
                Meaning::Unknown if is_typed => {
                    let what = format!("the list of columns has \"{}\", which is no column", shown(word));
                    let next = format!("use {}, or - for a column that is left out", HEADER.join(", "));
                    return problem(what, next.into());
                }
                Meaning::Unknown if looks_like_a_code_setting(word, &[]) => {
                    let what = format!("the column \"{}\" is not known, and may change the codes", shown(word));
                    return problem(what, FileRemedy::RenameOrLeaveOut(shown(word)));
                }
                Meaning::Unknown => {
                    columns.unknown.push((index, word.to_owned()));
                    continue;
                }
            };
            if let Some(earlier) = columns.index(column) {
                let is_harmless = matches!(
                    column,
                    Column::User | Column::Manufacturer | Column::Model | Column::Issuer | Column::Account
                );
                // A longer name that holds the word of a column is not it, where another one is.
                let is_weaker = column == Column::Serial && !is_typed && !is_plain_word(word);
                if (is_harmless && !is_typed && !word.eq_ignore_ascii_case("upn")) || is_weaker {
                    columns.unknown.push((index, word.to_owned()));
                    continue;
                }
                if is_harmless && !is_typed {
                    columns.at.retain(|(known, _)| *known != column);
                    columns.unknown.push((earlier, header.get(earlier).cloned().unwrap_or_default()));
                    columns.at.push((column, index));
                    continue;
                }
                return problem(
                    format!("the column \"{}\" is there twice, by this or another word", shown(word)),
                    FileRemedy::RemoveOrNameColumns,
                );
            }
            columns.at.push((column, index));
        }
        if columns.index(Column::Secret).is_none() {
            return Err(Problem::new(line, 0, "no column is called secret", FileRemedy::HeaderOrColumns));
        }
        Ok(columns)
    }

    /// Serial and secret, or secret and serial.
    pub fn pair(serial: usize) -> Self {
        let at = vec![(Column::Serial, serial), (Column::Secret, 1 - serial)];
        Self { at, encoding: None, unknown: Vec::new() }
    }

    /// Whether a header says otherwise than the user.
    pub fn check_against(&self, header: &Fields<'_>) -> Result<(), Problem> {
        for (column, index) in &self.at {
            let word = header.get(*index).unwrap_or_default();
            let said = match meaning_of(word) {
                Meaning::Is(said) => said,
                Meaning::SecretIn(_) => Column::Secret,
                _ => continue,
            };
            if said != *column {
                let what =
                    format!("the header calls this column \"{}\", and the list of columns contradicts it", shown(word));
                return Err(header.problem(*index, what, FileRemedy::DropColumns));
            }
        }
        Ok(())
    }

    pub fn index(&self, column: Column) -> Option<usize> {
        self.at.iter().find(|(known, _)| *known == column).map(|(_, index)| *index)
    }
}

/// The values of columns that nobody knows, as far as they all look like something that changes codes.
pub(super) struct Unknown {
    line: u64,
    /// No column is known to have the serials: one of these may.
    lacks_serial: bool,
    columns: Vec<(usize, String, Option<Vec<String>>)>,
}

impl Unknown {
    pub fn of(columns: &Columns, line: u64) -> Self {
        let lacks_serial = columns.index(Column::Serial).is_none();
        let columns = columns.unknown.iter().map(|(index, word)| (*index, word.clone(), Some(Vec::new()))).collect();
        Self { line, lacks_serial, columns }
    }

    pub fn see(&mut self, fields: &Fields<'_>) {
        for (index, word, values) in &mut self.columns {
            let (Some(value), Some(all)) = (fields.get(*index), values.as_mut()) else { continue };
            if all.iter().any(|known| known == value) {
                continue;
            }
            all.push(value.to_owned());
            let is_serial = self.lacks_serial && model_of(value).is_some();
            // One value that is none is enough; a few different ones are all that a setting has.
            if !is_serial && (all.len() > 8 || !looks_like_a_code_setting(word, all)) {
                *values = None;
            } else if is_serial && all.len() > 1 {
                all.pop();
            }
        }
    }

    pub fn problems(&self) -> Vec<Problem> {
        let suspicious =
            self.columns.iter().filter(|(_, _, values)| values.as_ref().is_some_and(|all| !all.is_empty()));
        suspicious
            .map(|(index, word, values)| {
                let examples = values.as_ref().map(|all| all.join(", ")).unwrap_or_default();
                let is_serial = values.iter().flatten().all(|value| model_of(value).is_some());
                let (looks, next) = match is_serial {
                    true => ("serials", FileRemedy::RenameSerial),
                    false => ("what changes codes", FileRemedy::RenameOrLeaveOut(shown(word))),
                };
                let what = format!(
                    "the column \"{}\" is not known, and its values look like {looks}: {}",
                    shown(word),
                    shown(&examples)
                );
                Problem::new(self.line, *index as u64 + 1, what, next)
            })
            .collect()
    }
}
