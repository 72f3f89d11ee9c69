//! A batch's rows as they are checked before the first token: seeds in memory, the rest for the inventory.

use crate::device::{Family, Profile};
use crate::inventory::{FingerprintKey, NewRow, RowState};
use crate::job::remedy::BatchRemedy;
use crate::job::{Failure, ProfileWish};
use crate::otp::{Hash, TimeStep};
use crate::seed::Seed;
use crate::seedfile::suspect::SHORTEST;
use crate::seedfile::{Checker, FileRemedy, Kind, Problem, Row, Severity, check_texts, for_device, strange_serial};

/// How many problems are kept with their words; beyond that they are only counted.
const MAX_PROBLEMS: usize = 200;

/// The seed that one row burns.
#[derive(Debug, Clone)]
pub struct RowSeed {
    /// The seed.
    pub seed: Seed,
    hash: Option<Hash>,
    step: Option<TimeStep>,
    /// The digits.
    pub digits: Option<u32>,
    /// The device that it is for counts.
    counts: bool,
    /// Fields that few rows have.
    more: Option<Box<More>>,
}

/// The fields of a row that do not matter to the token.
#[derive(Debug, Clone)]
struct More {
    manufacturer: Option<String>,
    model: Option<String>,
    issuer: Option<String>,
    account: Option<String>,
}

impl RowSeed {
    fn new(row: Row, family: Family) -> Self {
        let Row { seed, hash, step, digits, manufacturer, model, issuer, account, .. } = row;
        let has_more = [&manufacturer, &model, &issuer, &account].into_iter().any(Option::is_some);
        let more = has_more.then(|| Box::new(More { manufacturer, model, issuer, account }));
        let counts = !family.usual().has_clock();
        Self { seed, hash, step, digits, counts, more }
    }

    /// A new seed with nothing else to say.
    #[must_use]
    pub fn fresh(seed: Seed) -> Self {
        Self { seed, hash: None, step: None, digits: None, counts: false, more: None }
    }

    /// The row for the server, with the token it goes onto.
    #[must_use]
    pub fn row(&self, serial: &str, user: Option<&str>, profile: Profile) -> Row {
        let more = self.more.as_deref();
        Row {
            kind: if self.counts { Kind::Hotp } else { Kind::Totp },
            kind_is_stated: self.counts,
            counter: self.counts.then_some(0),
            serial: Some(serial.to_owned()),
            user: user.map(str::to_owned),
            hash: Some(profile.hash()),
            step: (!self.counts).then(|| profile.step()),
            digits: self.digits.or(Some(6)),
            manufacturer: more.and_then(|more| more.manufacturer.clone()),
            model: more.and_then(|more| more.model.clone()),
            issuer: more.and_then(|more| more.issuer.clone()),
            account: more.and_then(|more| more.account.clone()),
            ..Row::of_seed(self.seed.clone())
        }
    }

    /// The profile that the row states, where flags do not.
    #[must_use]
    pub fn wish(&self, flags: ProfileWish) -> ProfileWish {
        let by_seed = (flags.hash.is_none() && self.hash.is_some()) || (flags.step.is_none() && self.step.is_some());
        ProfileWish { hash: flags.hash.or(self.hash), step: flags.step.or(self.step), by_seed, ..flags }
    }
}

/// All rows of a file, checked.
pub struct SeedList {
    /// The seeds, in the order of the rows.
    pub seeds: Vec<RowSeed>,
    /// The same rows for the inventory.
    pub rows: Vec<NewRow>,
    /// A hash over all rows.
    pub content: Vec<u8>,
    /// Remarks on odd rows.
    pub warnings: Vec<Problem>,
}

/// The irregularities that the user allows in a list of seeds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowed {
    /// Secrets of fewer than [`SHORTEST`] bytes.
    pub short: bool,
    /// Several rows with one secret.
    pub shared: bool,
    /// The family of the devices.
    pub family: Family,
}

/// A file whose rows cannot all be burned: what is wrong, and how much more.
pub struct BadRows {
    /// With their places.
    pub problems: Vec<Problem>,
    /// Not kept in words.
    pub more: u64,
}

impl SeedList {
    /// Checks every row: what a token cannot do, doubles, and what flags contradict.
    ///
    /// # Errors
    /// All that is wrong with the file.
    pub fn check(
        rows: impl Iterator<Item = Result<Row, Problem>>,
        key: &FingerprintKey,
        flags: ProfileWish,
        allowed: Allowed,
    ) -> Result<Self, BadRows> {
        // Rows that are burned with other flags are another batch.
        let content = flags_digest(key, flags);
        let mut list = Self { seeds: Vec::new(), rows: Vec::new(), content, warnings: Vec::new() };
        let mut checker = Checker::sharing(allowed.shared);
        let mut bad = BadRows { problems: Vec::new(), more: 0 };
        for row in rows {
            let row = match row {
                Ok(row) => row,
                Err(problem) => {
                    match problem.severity {
                        Severity::Error => bad.add(problem),
                        Severity::Warning => list.warnings.push(problem),
                    }
                    continue;
                }
            };
            checker.see(&row);
            if row.seed.len() < SHORTEST && !allowed.short {
                let what = format!(
                    "the secret has {} bytes; it must have at least {SHORTEST} (RFC 4226, section 4, R6)",
                    row.seed.len()
                );
                bad.add(Problem::at(row.place, what, FileRemedy::WholeSecret));
            }
            if let Some(problem) = check_texts(&row).or_else(|| strange_serial(&row)) {
                bad.add(problem);
            }
            if let Some(problem) = for_device(&row, allowed.family).or_else(|| contradiction(&row, flags)) {
                bad.add(problem);
            }
            list.take(row, key, allowed.family);
        }
        let (wrong, odd): (Vec<_>, Vec<_>) =
            checker.finish().into_iter().partition(|problem| problem.severity == Severity::Error);
        wrong.into_iter().for_each(|problem| bad.add(problem));
        list.warnings.extend(odd);
        if list.rows.is_empty() && bad.problems.is_empty() {
            bad.add(Problem::of_file("the file has no rows", "is this the right file?"));
        }
        if bad.problems.is_empty() {
            return Ok(list);
        }
        // All that there is to say, at once.
        list.warnings.into_iter().for_each(|problem| bad.add(problem));
        bad.problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
        Err(bad)
    }

    fn take(&mut self, row: Row, key: &FingerprintKey, family: Family) {
        let seed = key.of(&row.seed);
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let hash = row.hash.map(|hash| hash.to_string()).unwrap_or_default();
        let step = row.step.map(|step| step.seconds().to_string()).unwrap_or_default();
        let (serial, user) = (text(&row.serial), text(&row.user));
        self.content = key.hash(&[
            &self.content,
            seed.as_bytes(),
            serial.as_bytes(),
            user.as_bytes(),
            hash.as_bytes(),
            step.as_bytes(),
        ]);
        let is_named = row.serial.is_some();
        let (serial, user) = (row.serial.clone(), row.user.clone());
        self.rows.push(NewRow { serial, is_named, user, seed: Some(seed), state: RowState::Planned });
        self.seeds.push(RowSeed::new(row, family));
    }
}

impl BadRows {
    fn add(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS { self.problems.push(problem) } else { self.more += 1 }
    }
}

/// A hash over the profile of the flags.
#[must_use]
pub fn flags_digest(key: &FingerprintKey, flags: ProfileWish) -> Vec<u8> {
    key.hash(&[format!("{flags:?}").as_bytes()])
}

/// A flag that says otherwise than the row.
fn contradiction(row: &Row, flags: ProfileWish) -> Option<Problem> {
    let hash = row.hash.zip(flags.hash).filter(|(stated, flag)| stated != flag);
    let step = row.step.zip(flags.step).filter(|(stated, flag)| stated != flag);
    let what = match (hash, step) {
        (Some((stated, flag)), _) => format!("the row states {stated}, the flag says {flag}"),
        (None, Some((stated, flag))) => format!("the row states {stated}, the flag says {flag}"),
        (None, None) => return None,
    };
    Some(Problem::at(row.place, what, "remove the flag, or correct the row"))
}

/// A new seed from the operating system's generator.
///
/// # Errors
/// A failure of the generator.
pub fn fresh_seed(bytes: usize) -> Result<Seed, Failure> {
    let mut secret = zeroize::Zeroizing::new(vec![0; bytes]);
    getrandom::fill(&mut secret).map_err(|error| {
        Failure::file(format!("the system's random generator failed: {error}"), BatchRemedy::OtherMachine)
    })?;
    Seed::from_bytes(secret).map_err(|error| Failure::usage(error.to_string(), FileRemedy::OtherLength))
}
