//! The answers of a test of a token, and the reasons for those that are missing.

use std::time::Duration;

use crate::clock::{Drift, SecondAtWrite};
use crate::device::{Info, Profile};
use crate::job::Failure;
use crate::job::verify::Verdict;

/// Something that was seen, or why it was not.
pub type Seen<T> = Result<T, Unseen>;

/// Why something was not seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Unseen {
    /// It was not tried: the test only reads, or ended before.
    NotTried,
    /// Nobody said what the display shows, or laid the token back.
    NotTold,
    /// Both answers fit what was seen, or neither does.
    Unclear,
    /// The part failed.
    Failed(Box<Failure>),
}

impl From<Failure> for Unseen {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// Whether a token is still unlocked after a reset (`docs/protocol.md` §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterReset {
    /// It refuses a write.
    Locked,
    /// It takes a write.
    Unlocked,
}

/// The effect of a write of clock and profile on the seed, as it was seen (`docs/protocol.md` §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedAfter {
    /// The display shows its codes.
    Kept,
    /// The display shows none.
    Erased,
}

/// The times of exchanges on this reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trips {
    /// How many there were.
    pub count: usize,
    /// The shortest.
    pub shortest: Duration,
    /// The one in the middle.
    pub median: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Trips {
    /// The times of some exchanges; of none, zeros.
    #[must_use]
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        let count = times.len();
        Self { count, shortest: at(0), median: at(count / 2), longest: at(count.saturating_sub(1)) }
    }
}

/// The result of reading alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The token.
    pub info: Info,
    /// The reader.
    pub reader: String,
    /// It is no real token.
    pub emulated: bool,
    /// The times of get info.
    pub trips: Trips,
    /// The drift of its clock.
    pub drift: Drift,
    /// The clock does not run.
    pub stands_still: bool,
}

/// The durations of the writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteTimes {
    /// The write of profile and clock.
    pub config: Duration,
    /// The write of a seed of 20 bytes.
    pub seed: Duration,
}

/// One throw-away seed that was burned, and what the display made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// The seed's length, in bytes.
    pub bytes: usize,
    /// The profile.
    pub profile: Profile,
    /// Whether the token took both.
    pub burned: Seen<()>,
    /// The verdict on the code that it showed.
    pub code: Seen<Verdict>,
}

/// A clock before and after the token was away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Away {
    /// The drift before.
    pub before: Drift,
    /// The drift afterwards.
    pub after: Drift,
}

/// How the token was left.
#[derive(Debug, Clone, PartialEq)]
pub enum Left {
    /// Nothing was written to it.
    Untouched,
    /// With the factory's profile and the right time, this far off.
    AsNew(Drift),
    /// With whatever the last part left, because this failed.
    Unfinished(Box<Failure>),
}

/// All that a test has seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    /// The result of reading alone.
    pub read: Read,
    /// The durations of the writes.
    pub writes: Seen<WriteTimes>,
    /// The effect of a write on the clock's second.
    pub second: Seen<SecondAtWrite>,
    /// Whether it is still unlocked after a reset.
    pub reset: Seen<AfterReset>,
    /// The throw-away seeds.
    pub rounds: Vec<Round>,
    /// The effect of a write of the clock on the seed.
    pub seed_after: Seen<SeedAfter>,
    /// The clock while the token was away.
    pub away: Seen<Away>,
    /// The failure that ended the test before its last part, or the user's wish.
    pub ended: Option<Box<Failure>>,
    /// How it was left.
    pub left: Left,
}

impl Tested {
    /// A test that has only read.
    #[must_use]
    pub fn only_read(read: Read) -> Self {
        Self {
            read,
            writes: Err(Unseen::NotTried),
            second: Err(Unseen::NotTried),
            reset: Err(Unseen::NotTried),
            rounds: Vec::new(),
            seed_after: Err(Unseen::NotTried),
            away: Err(Unseen::NotTried),
            ended: None,
            left: Left::Untouched,
        }
    }

    /// The failures, in their order, each with its part.
    pub fn failures(&self) -> impl Iterator<Item = (String, &Failure)> {
        let rounds = (1..).zip(&self.rounds).map(|(number, round)| (format!("seed {number}"), failed(&round.burned)));
        let parts = [
            ("second-at-write".to_owned(), failed(&self.second)),
            ("unlocked-after-reset".to_owned(), failed(&self.reset)),
        ];
        let left = match &self.left {
            Left::Unfinished(failure) => Some(&**failure),
            Left::Untouched | Left::AsNew(_) => None,
        };
        let last = [
            ("seed-at-clock-write", failed(&self.seed_after)),
            ("clock-while-away", failed(&self.away)),
            ("test", self.ended.as_deref()),
            ("end", left),
        ];
        let last = last.map(|(part, failure)| (part.to_owned(), failure));
        let all = parts.into_iter().chain(rounds).chain(last);
        all.filter_map(|(part, failure)| failure.map(|failure| (part, failure)))
    }
}

fn failed<T>(seen: &Seen<T>) -> Option<&Failure> {
    match seen {
        Err(Unseen::Failed(failure)) => Some(failure),
        _ => None,
    }
}
