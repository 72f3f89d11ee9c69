//! Problems of the rows of a file taken together: duplicates, and serials that have lost a zero.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

use super::problem::Problem;
use super::remedy::FileRemedy;
use super::row::{Kind, Place, Row};
use super::shown::shown;
use crate::device::{CapabilityError, Family, Serial};

/// Looks at row after row. It keeps 128 bits a value, hashed under keys of this run, and no secret.
pub struct Checker {
    keys: [RandomState; 2],
    serials: Vec<(u128, u64)>,
    secrets: Vec<(u128, u64)>,
    /// For each length of a serial, how many there are and where the first one stands.
    lengths: BTreeMap<usize, (u64, u64)>,
    rows: u64,
    /// Several rows may have one secret.
    shares: bool,
}

impl Default for Checker {
    fn default() -> Self {
        Self {
            keys: [RandomState::new(), RandomState::new()],
            serials: Vec::new(),
            secrets: Vec::new(),
            lengths: BTreeMap::new(),
            rows: 0,
            shares: false,
        }
    }
}

impl Checker {
    /// One that only warns of a secret that stands there twice, if that is meant.
    #[must_use]
    pub fn sharing(shares: bool) -> Self {
        Self { shares, ..Self::default() }
    }

    /// Takes note of a row.
    pub fn see(&mut self, row: &Row) {
        self.rows += 1;
        let line = if row.place.line == 0 { self.rows } else { row.place.line };
        if let Some(serial) = &row.serial {
            // The slots of a device have one serial between them.
            let slot = row.slot.map(|slot| format!("{serial}/{slot}"));
            self.serials.push((self.hash(slot.as_ref().unwrap_or(serial)), line));
            // Tokens of time have serials of one length; those of other devices are longer.
            if row.slot.is_none() && row.kind == Kind::Totp {
                self.lengths.entry(serial.chars().count()).or_insert((0, line)).0 += 1;
            }
        }
        self.secrets.push((self.hash(row.seed.expose()), line));
    }

    /// How many rows were seen.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn hash(&self, value: impl Hash) -> u128 {
        let [high, low] = &self.keys;
        u128::from(high.hash_one(&value)) << 64 | u128::from(low.hash_one(&value))
    }

    /// The problems of all of them together, in the order of their lines.
    #[must_use]
    pub fn finish(mut self) -> Vec<Problem> {
        let mut problems = duplicates(&mut self.serials, "the serial", &"one of the two is wrong".into());
        let remedy = if self.shares { "".into() } else { FileRemedy::ShareSecret };
        let shared = duplicates(&mut self.secrets, "the secret", &remedy);
        problems.extend(shared.into_iter().map(|problem| if self.shares { problem.as_warning() } else { problem }));
        if let Some((usual, _)) = self.lengths.iter().max_by_key(|(_, (count, _))| *count) {
            for (length, (_, line)) in self.lengths.iter().filter(|(length, _)| *length != usual) {
                let what = format!("a serial of {length} characters, where most have {usual}");
                problems.push(Problem::new(*line, 0, what, "has a spreadsheet dropped a leading zero?").as_warning());
            }
        }
        problems.sort_by_key(|problem| problem.place.line);
        problems
    }
}

fn duplicates(values: &mut [(u128, u64)], what: &str, remedy: &FileRemedy) -> Vec<Problem> {
    values.sort_unstable();
    let doubled = values.windows(2).filter_map(|pair| match pair {
        [(one, first), (other, second)] if one == other => Some((*first, *second)),
        _ => None,
    });
    let twice = |first: u64| format!("{what} is in line {first} too");
    doubled.map(|(first, second)| Problem::new(second, 0, twice(first), remedy.clone())).collect()
}

/// The longest text of a row, in bytes: longer than any user's name, and short enough for every list and file that keeps it.
const MAX_TEXT: usize = 1024;

/// Whether a text, such as a user's name, can be recorded and written to every file.
///
/// # Errors
/// The fault, to go behind its name.
pub fn check_text(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT {
        return Err(format!("has {} bytes, {MAX_TEXT} at most", text.len()));
    }
    if text.contains(char::is_control) {
        return Err("has a control character".to_owned());
    }
    Ok(())
}

/// The fault in the texts of a row, as a problem.
#[must_use]
pub fn check_texts(row: &Row) -> Option<Problem> {
    let texts = [
        ("serial", &row.serial),
        ("user", &row.user),
        ("issuer", &row.issuer),
        ("account", &row.account),
        ("manufacturer", &row.manufacturer),
        ("model", &row.model),
    ];
    texts.into_iter().find_map(|(name, text)| {
        let what = check_text(text.as_deref()?).err()?;
        Some(Problem::at(row.place, format!("the {name} {what}"), "correct it"))
    })
}

/// The feature of a row that is beyond a token, as a problem.
#[must_use]
pub fn for_token(row: &Row) -> Option<Problem> {
    for_device(row, Family::Nfc)
}

/// The same for a device of a family.
#[must_use]
pub fn for_device(row: &Row, family: Family) -> Option<Problem> {
    let serial = row.serial.as_deref().map(|serial| format!(" ({})", shown(serial))).unwrap_or_default();
    let place = Place { column: 0, ..row.place };
    let error = row.check_for(family.capabilities_of(row.serial.as_deref())).err()?;
    let what = format!("{error}{serial}");
    let next = match error {
        CapabilityError::Slot { .. } => {
            "it is for a slot of a Molto2: docs/devices.md has the command that burns such rows slot by slot"
        }
        _ => "no token can be burned with it",
    };
    Some(Problem { unusable: true, ..Problem::at(place, what, next) })
}

/// A serial that no token has, as a problem.
#[must_use]
pub fn strange_serial(row: &Row) -> Option<Problem> {
    let serial = row.serial.as_deref()?;
    let is_one = Serial::new(serial).is_some_and(|known| known.as_str() == serial);
    (!is_one).then(|| Problem::at(row.place, "no token has such a serial", "use the digits on the back of the token"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn row(line: u64, serial: &str, secret: &[u8]) -> Row {
        let mut row = Row::of_seed(Seed::from_bytes(secret.to_vec()).unwrap());
        row.serial = Some(serial.to_owned());
        row.place = Place { line, column: 0 };
        row
    }

    fn found(rows: &[Row]) -> Vec<String> {
        let mut checker = Checker::default();
        rows.iter().for_each(|row| checker.see(row));
        checker.finish().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_serial_and_a_secret_that_stand_there_twice_are_named_with_both_lines() {
        let rows = [row(2, "A1", b"one"), row(3, "A2", b"two"), row(4, "A1", b"three"), row(5, "A3", b"two")];
        assert_eq!(found(&rows), ["4: the serial is in line 2 too", "5: the secret is in line 3 too"]);
    }

    #[test]
    fn a_serial_that_has_lost_a_zero_is_warned_of() {
        let rows = [row(1, "0123", b"1"), row(2, "0124", b"2"), row(3, "125", b"3")];
        let said = found(&rows);
        assert_eq!(said, ["3: warning: a serial of 3 characters, where most have 4"]);
    }
}
