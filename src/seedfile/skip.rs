//! Reading a file without the rows that no token can hold: each is named, and the others are taken.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::check::for_token;
use super::format::Rows;
use super::problem::Problem;
use super::row::{Kind, Row};

/// The rows that a token can hold; of all others a warning stays. An account that stands there again is left out too.
#[must_use]
pub fn usable(rows: Rows) -> Rows {
    let mut accounts = Accounts { keys: [RandomState::new(), RandomState::new()], seen: HashMap::new() };
    Box::new(rows.map(move |row| match row {
        Ok(row) => match for_token(&row) {
            Some(problem) => Err(left_out(problem)),
            None => accounts.see(&row).map_or(Ok(row), Err),
        },
        Err(problem) if problem.unusable => Err(left_out(problem)),
        Err(problem) => Err(problem),
    }))
}

fn left_out(problem: Problem) -> Problem {
    let what = format!("left out: {}", problem.what);
    Problem { what, remedy: "".into(), ..problem }.as_warning()
}

/// The accounts that were seen, hashed under keys of this run.
struct Accounts {
    keys: [RandomState; 2],
    seen: HashMap<[u64; 2], u64>,
}

impl Accounts {
    /// Takes note of a row; one that says the same as an earlier one is a problem.
    fn see(&mut self, row: &Row) -> Option<Problem> {
        let owner = (&row.serial, &row.user, &row.issuer, &row.account);
        let codes =
            (row.kind == Kind::Hotp, row.effective_hash().to_string(), row.effective_step(), row.effective_digits());
        let account = (row.seed.expose(), owner, codes);
        let [high, low] = &self.keys;
        let hash = [high.hash_one(&account), low.hash_one(&account)];
        let line = row.place.line;
        match self.seen.insert(hash, line) {
            None => None,
            Some(earlier) => {
                let what = format!("left out: the same account is in line {earlier} too");
                Some(Problem { unusable: true, ..Problem::at(row.place, what, "").as_warning() })
            }
        }
    }
}
